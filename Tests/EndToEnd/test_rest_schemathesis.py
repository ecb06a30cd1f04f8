"""The REST API against its own OpenAPI document, by schemathesis: nothing but documented statuses, types and bodies, never a 5xx, whatever is sent."""

import os
import re
import shutil
import subprocess

import pytest

SEED = 20261127
# positive_data_acceptance: a well-formed order may still be refused, for funds, limits or an unknown symbol. ignored_auth: authentication is off here,
# and test_rest_routes.py tries every route without a good token.
CHECKS_OFF = "positive_data_acceptance,ignored_auth"
# What stops all trading would make every other request a refusal: by themselves, behind the others.
STOPPING = "^/api/v1/(kill|accounts/.*/suspend)$"


@pytest.fixture
def tester():
    path = os.environ.get("CASHUP_SCHEMATHESIS", "")
    path = path if os.access(path, os.X_OK) else shutil.which("schemathesis")
    if not path:
        pytest.skip("schemathesis is not installed: `make test-deps` fetches it from PyPI")
    return path


def test_document_is_kept(fresh, tester, tmp_path):
    service = fresh(http=True, loops=2)
    with service.rest(account=7) as client:
        client.deposit("USD", "1000000000.00")
        client.deposit("BTC", "1000000")
        client.deposit("USD", "1000.00", "futures")
        client.post("positions/update-prices", {"prices": {"BTC-USD": "64000.00"}}, 200)
        client.order(symbol="BTC-USD", quantity="0.5", price="64000.00", client_order_id="grid-17")
        client.post("trades", {"order_id": "grid-17", "trade_id": "bn-990", "quantity": "0.1", "price": "63990.00", "commission": "1.2"}, 201)
    for examples, some in ((4, ["--exclude-path-regex", STOPPING]), (10, ["--include-path-regex", STOPPING])):
        done = subprocess.run(
            [tester, "run", f"http://127.0.0.1:{service.http_port}/openapi.json", "--header", "X-Account: 7", "--phases", "examples,coverage,fuzzing",
             "--max-examples", str(examples), "--seed", str(SEED), "--no-shrink", "--continue-on-failure", "--exclude-checks", CHECKS_OFF,
             "--generation-database", "none", "--warnings", "off", "--no-color", *some],
            cwd=tmp_path, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, (done.stdout + done.stderr)[-20_000:]
        assert int(re.search(r"(\d+) generated", done.stdout).group(1)) > 50, done.stdout
    with service.rest(account=7) as client:
        client.get("/health/ready")
        client.get("balances")
