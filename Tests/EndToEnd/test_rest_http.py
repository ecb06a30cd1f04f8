"""The REST port as an HTTP server: what it says to bad requests, and that no client harms another."""

import json
import socket
import subprocess
import time

import pytest

from rest import PROBLEM, Raw, wait_until

NEW = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "10.00"}


@pytest.fixture
def raw(rest_service):
    with Raw(rest_service.http_port) as connection:
        yield connection


def get(path="/health", *headers, method="GET", host="127.0.0.1"):
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""])


def post(body, *headers, path="/api/v1/orders", length=None):
    return get(path, f"Content-Length: {len(body) if length is None else length}", *headers, method="POST") + body


# -- Bodies ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("body, at", [
    ("{", 1), ("", None), ("[1,2", 4), ('{"symbol": "EX-USD",}', 20), ('{"symbol": \'EX-USD\'}', 11), ('{"a": 1} x', 9), ("{\"a\": \"\x01\"}", 7),
    ('{"price": NaN}', 10), ('{"price": Infinity}', 10), ('{"price": .5}', 10), ('{"price": 5.}', 12), ('{"price": 01}', 11), ('{"price": +1}', 10),
    ('{"symbol": "EX-USD", "symbol": "EX-USD"}', None), ('{"notes": "\\ud800"}', None), ("[" * 1000, None), (b'{"notes": "\xff"}', None),
    ("\ufeff{}", 0), ("nul", 0)])
def test_bad_json(rest, body, at):
    if body == "":
        assert rest.refuse(422, "VALIDATION_ERROR", "POST", "orders").fields == ["body"]
        return
    answer = rest.refuse(400, "BAD_JSON", "POST", "orders", body)
    assert answer["error"] == "BUSINESS_ERROR" and answer["details"]["problem"]
    if at is not None:
        assert answer["details"]["at"] == at, answer


@pytest.mark.parametrize("change, fields", [
    ({"symbol": None}, ["symbol"]), ({"symbol": ""}, ["symbol"]), ({"symbol": 5}, ["symbol"]), ({"symbol": "X" * 25}, ["symbol"]),
    ({"side": "BUY"}, ["side"]), ({"order_type": "iceberg"}, ["order_type"]), ({"quantity": "0"}, ["quantity"]), ({"quantity": "-1"}, ["quantity"]),
    ({"quantity": "1e3"}, ["quantity"]), ({"quantity": "NaN"}, ["quantity"]), ({"quantity": "1,5"}, ["quantity"]), ({"quantity": " 1"}, ["quantity"]),
    ({"quantity": "01"}, ["quantity"]), ({"quantity": True}, ["quantity"]), ({"quantity": []}, ["quantity"]), ({"quantity": {}}, ["quantity"]),
    ({"price": "0.00"}, ["price"]), ({"price": "١٠"}, ["price"]), ({"time_in_force": "day"}, ["time_in_force"]),
    ({"time_in_force": "gtd"}, ["expire_time"]), ({"expire_time": "2030-01-01T00:00:00Z"}, ["expire_time"]),
    ({"time_in_force": "gtd", "expire_time": "tomorrow"}, ["expire_time"]), ({"time_in_force": "gtd", "expire_time": 1893456000}, ["expire_time"]),
    ({"notes": "n" * 37}, ["notes"]), ({"client_order_id": "c" * 37}, ["client_order_id"]), ({"strategy_id": "a:b"}, ["strategy_id"]),
    ({"strategy_name": "alone"}, ["strategy_name"]), ({"account_id": 0}, ["account_id"]), ({"account_id": "7"}, ["account_id"]),
    ({"account_id": 9007199254740992}, ["account_id"]), ({"unheard_of": 1}, ["unheard_of"]), ({"quantity": "1", "side": 1, "more": 1}, ["side", "more"]),
    ({"price": "10.005"}, ["price"]), ({"price": "10.00000000001"}, ["price"]), ({"quantity": "1.5"}, ["quantity"]), ({"quantity": "1" + "0" * 40}, ["quantity"])])
def test_422_names_the_field(rest, change, fields):
    body = {**NEW, **change}
    answer = rest.ask("POST", "orders", body)
    assert (answer.status, answer["error"]) == (422, "VALIDATION_ERROR"), answer
    if answer.code in ("OFF_TICK", "OFF_LOT"):
        assert answer["details"][{"OFF_TICK": "tick", "OFF_LOT": "lot"}[answer.code]]
    else:
        assert sorted(answer.fields) == sorted(fields), answer
    assert rest.get("orders")["total"] == 0


@pytest.mark.parametrize("order_type", ["stop", "stop_limit", "take_profit", "take_profit_limit"])
def test_order_types_of_internal_venues(rest, order_type):
    price = NEW["price"] if order_type.endswith("limit") else None
    body = {**NEW, "order_type": order_type, "stop_price": "9.00", "price": price}
    assert rest.refuse(422, "NOT_SUPPORTED", "POST", "orders", body).fields == ["order_type"]


@pytest.mark.parametrize("field, value", [
    ("iceberg_qty", "1"), ("display_quantity", "1"), ("post_only", True), ("reduce_only", True), ("self_trade_prevention", "oldest")])
def test_what_only_internal_venues_know(rest, field, value):
    named = "iceberg_qty" if field == "display_quantity" else field
    assert rest.refuse(422, "NOT_SUPPORTED", "POST", "orders", {**NEW, field: value}).fields == [named]


@pytest.mark.parametrize("path, field", [
    ("orders?page=0", "page"), ("orders?size=101", "size"), ("orders?size=ten", "size"), ("orders?status=open", "status"), ("orders?nope=1", "nope"),
    ("orders?page=1&page=2", "page"), ("orders?start_time=now", "start_time"), ("orders?min_price=-1", "min_price"), ("orders/summary?days=366", "days"),
    ("trades/x", "id"), ("trades/0", "id"), ("trades?sort_by=luck", "sort_by"), ("trades?sort_desc=yes", "sort_desc"), ("audit?limit=1001", "limit"),
    ("balances?min_balance=1e5", "min_balance"), ("orders?account_id=x", "account_id")])
def test_422_names_the_parameter(rest, path, field):
    assert rest.refuse(422, "VALIDATION_ERROR", "GET", path).fields == [field]


def test_numbers_are_exact(rest):
    """JSON numbers count as they are written, not as binary floating point has them."""
    rest.deposit("BTC", 0.1)
    for _ in range(2):
        rest.ask("POST", "balances/add", '{"asset": "BTC", "amount": 0.1}').expect(200)
    assert str(rest.available("BTC")) == "0.30000000"
    rest.deposit("USD", "900000.00")
    answer = rest.ask("POST", "orders", '{"symbol": "BTC-USD", "order_type": "limit", "side": "buy", "quantity": 0.10000000, "price": 64000.00}').expect(201)
    assert (answer["quantity"], answer["price"]) == ("0.10000000", "64000.00")
    before = rest.available("BTC")
    for amount in ("1e2", "1E2", "1e-2", "0.1e0", "123456789012345678901234567890", "0.0000000000000000001"):
        answer = rest.ask("POST", "balances/add", '{"asset": "BTC", "amount": %s}' % amount)
        assert (answer.status, answer["error"]) == (422, "VALIDATION_ERROR") and answer.fields == ["amount"], f"{amount}: {answer}"
    assert rest.available("BTC") == before
    # More digits than a double has.
    rest.ask("POST", "balances/add", '{"asset": "EX", "amount": 9007199254740}').expect(200)
    assert rest.available("EX") == 9007199254740 + 1000


def test_text_round_trip(rest):
    for notes in ("Grüße, 世界 🌍", "a b%20c", "%", "\"quoted\" \\ /", "tab\tline\nend", "\x00\x01", "nul\u0000"):
        order = rest.order(notes=notes)
        assert order["notes"] == notes
        assert rest.get(f"orders/{order['id']}")["notes"] == notes
        cancelled = rest.expect(200, "DELETE", f"orders/{order['id']}", {"reason": notes})
        assert (cancelled["cancel_reason"], cancelled["notes"]) == (notes, notes)
    # 36 bytes are the limit, not 36 characters.
    assert rest.order(notes="ä" * 18)["notes"] == "ä" * 18
    answer = rest.refuse(422, "VALIDATION_ERROR", "POST", "orders", {**NEW, "notes": "ä" * 19})
    assert answer.fields == ["notes"] and "36" in answer["message"]
    order = rest.order(client_order_id="möve/1 %?#")
    assert rest.get("orders/m%C3%B6ve%2F1%20%25%3F%23")["id"] == order["id"]
    assert {row["notes"] for row in rest.all("orders", "orders")} >= {"Grüße, 世界 🌍", "%"}


def test_symbol_with_a_slash(rest):
    rest.ask("POST", "instruments", {"symbol": f"EX/USD:{rest.account}", "venue": "lab", "balance_type": "spot", "base_asset": "EX", "quote_asset": "USD",
                                     "tick": "0.01", "lot": "1"}).expect(201)
    symbol, quoted = f"EX/USD:{rest.account}", f"EX%2FUSD:{rest.account}"
    order = rest.order(symbol=symbol)
    rest.post(f"orders/{order['id']}/execute", {"execution_price": "10.00"}, 200)
    assert rest.get(f"positions/{quoted}")["symbol"] == symbol
    assert rest.get(f"positions/{quoted}/risk")["symbol"] == symbol
    assert [row["symbol"] for row in rest.get("orders", symbol=symbol)["orders"]] == [symbol]
    rest.expect(200, "PATCH", f"instruments/{quoted}", {"state": "halted"})
    rest.refuse(400, "INSTRUMENT_HALTED", "POST", "orders", {**NEW, "symbol": symbol})


# -- Paths and methods -------------------------------------------------------------------------------------------------

def test_unknown_paths_and_methods(rest):
    for path in ("nope", "/nope", "/api/v2/orders", "orders/1/2/3", "/api", "/docs/../orders"):
        assert rest.refuse(404, "NOT_FOUND", "GET", path)["error"] == "NOT_FOUND"
    for method, path, allow in (("PATCH", "orders", "DELETE, GET, POST"), ("POST", "orders/1", "DELETE, GET, PUT"), ("DELETE", "balances/USD", "GET"),
                                ("POST", "/health", "GET"), ("PUT", "kill", "DELETE, POST"), ("TRACE", "orders", "DELETE, GET, POST"),
                                ("OPTIONS", "balances/add", "POST"), ("PROPFIND", "venues", "GET")):
        answer = rest.refuse(405, "METHOD_NOT_ALLOWED", method, path)
        assert sorted(answer.headers["allow"].split(", ")) == sorted(allow.split(", ")), answer.headers


def test_trailing_slash(rest):
    order = rest.post("orders/", NEW, 201)
    assert rest.get("orders/")["total"] == rest.get("orders")["total"] == 1
    assert rest.get(f"orders/{order['id']}/").body == rest.get(f"orders/{order['id']}").body
    assert rest.get("balances/summary/").body == rest.get("balances/summary").body
    assert rest.get("/health/")["status"] == "healthy"


def test_not_there(rest):
    for method, path, body, code in (
            ("GET", "orders/999999", None, "UNKNOWN_ORDER"), ("GET", "orders/never", None, "UNKNOWN_ORDER"), ("DELETE", "orders/never", None, "UNKNOWN_ORDER"),
            ("PUT", "orders/never", {"quantity": "1"}, "UNKNOWN_ORDER"), ("POST", "orders/never/execute", {"execution_price": "1.00"}, "UNKNOWN_ORDER"),
            ("POST", "orders", {**NEW, "symbol": "NOPE-USD"}, "UNKNOWN_INSTRUMENT"), ("GET", "trades/999999", None, "UNKNOWN_TRADE"),
            ("GET", "trades/by-trade-id/never", None, "UNKNOWN_TRADE"), ("GET", "trades/by-order/never", None, "UNKNOWN_ORDER"),
            ("GET", "positions/EX-USD", None, "UNKNOWN_POSITION"), ("GET", "positions/NOPE-USD", None, "UNKNOWN_INSTRUMENT"),
            ("GET", "balances/ETH", None, "UNKNOWN_BALANCE"), ("GET", "balances/NOPE", None, "UNKNOWN_ASSET"),
            ("GET", "balances/USD?balance_type=nope", None, "UNKNOWN_WALLET"), ("PATCH", "instruments/NOPE", {"state": "halted"}, "UNKNOWN_INSTRUMENT"),
            ("POST", "accounts/987654321/suspend", None, "UNKNOWN_ACCOUNT"), ("GET", "limits?account_id=987654321", None, "UNKNOWN_ACCOUNT")):
        answer = rest.refuse(404, code, method, path, body)
        assert answer["error"] == "NOT_FOUND"


def test_head(rest_service, raw):
    whole = None
    for method in ("GET", "HEAD"):
        raw.send(get("/health/ready", method=method))
        answer = raw.answer(head=method == "HEAD")
        assert answer.status == 200
        if method == "GET":
            whole = answer
        else:
            assert abs(int(answer.headers["content-length"]) - len(whole.raw)) < 10 and answer.headers["content-type"] == whole.type
    raw.send(get("/api/v1/venues", method="HEAD"))
    answer = raw.answer(head=True)
    assert answer.status == 200 and int(answer.headers["content-length"]) > 20
    # The connection goes on behind it.
    raw.send(get())
    assert raw.answer()["status"] == "healthy"


# -- Headers -----------------------------------------------------------------------------------------------------------

def test_request_id_and_process_time(rest):
    for path, options in (("orders", {}), ("nope", {}), ("/health", {}), ("/metrics", {})):
        answer = rest.ask("GET", path, X_Request_ID="front-end-17")
        assert answer.headers["x-request-id"] == "front-end-17"
        assert 0 <= float(answer.headers["x-process-time"]) < 10
        if answer.status == 404:
            assert answer["request_id"] == "front-end-17"
    own = {rest.ask("GET", "orders", X_Request_ID=bad).headers["x-request-id"] for bad in (None, "x" * 65, "with blank", "")}
    assert len(own) == 4 and all(len(each) == 22 for each in own)
    assert rest.refuse(404, "UNKNOWN_ORDER", "GET", "orders/never", X_Request_ID="abc")["request_id"] == "abc"


def test_host(raw, rest_service):
    raw.send(get(host="evil.example"))
    answer = raw.answer()
    assert (answer.status, answer.code) == (400, "BAD_HOST") and set(answer.body) == PROBLEM
    for host in ("localhost", "LOCALHOST:1234", "127.0.0.1:80", "[::1]:8000", "[::1]"):
        raw.send(get(host=host))
        assert raw.answer().status == 200, host
    raw.send("GET /health HTTP/1.0\r\n\r\n")
    assert raw.answer().code == "BAD_HOST"
    with Raw(rest_service.http_port) as other:
        other.send("GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert other.answer().status in (200, 400)


def test_allowed_hosts_and_cors_are_settings(fresh):
    service = fresh(http=True, laboratory=False, environment={"ALLOWED_HOSTS": "desk.example,127.0.0.1", "CASHUP_CORS_ORIGINS": "https://desk.example"})
    preflight = ("Origin: https://desk.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: idempotency-key")
    with Raw(service.http_port) as raw:
        raw.send(get(host="desk.example:8000"))
        assert raw.answer().status == 200
        raw.send(get(host="localhost"))
        assert raw.answer().code == "BAD_HOST"
        raw.send(get("/api/v1/orders", *preflight, method="OPTIONS"))
        answer = raw.answer()
        assert answer.status == 204 and answer.headers["access-control-allow-origin"] == "https://desk.example"
        assert "POST" in answer.headers["access-control-allow-methods"] and "Idempotency-Key" in answer.headers["access-control-allow-headers"]
        raw.send(get("/api/v1/venues", "Origin: https://desk.example"))
        answer = raw.answer()
        assert answer.headers["access-control-allow-origin"] == "https://desk.example" and "Origin" in answer.headers["vary"]
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        # Also a refusal can be read.
        raw.send(get("/api/v1/orders/never", "X-Account: 7", "Origin: https://desk.example"))
        assert raw.answer().headers["access-control-allow-origin"] == "https://desk.example"
        raw.send(get("/api/v1/venues", "Origin: https://evil.example"))
        assert "access-control-allow-origin" not in raw.answer().headers
        raw.send(get("/api/v1/orders", "Origin: https://evil.example", "Access-Control-Request-Method: POST", method="OPTIONS"))
        answer = raw.answer()
        assert answer.status >= 400 and "access-control-allow-origin" not in answer.headers


def test_no_cors_unless_set(raw):
    raw.send(get("/api/v1/venues", "Origin: https://desk.example"))
    assert not [name for name in raw.answer().headers if name.startswith("access-control")]


def test_account_header(rest_service):
    with rest_service.rest() as client:
        assert client.refuse(422, "VALIDATION_ERROR", "POST", "orders", NEW).fields == ["account_id"]
        for bad in ("0", "-1", "x", "9007199254740992", "7 7"):
            assert client.refuse(422, "VALIDATION_ERROR", "GET", "orders", X_Account=bad).fields == ["X-Account"]


# -- Sizes and rates ---------------------------------------------------------------------------------------------------

def test_body_too_large(rest, rest_service, account):
    answer = rest.refuse(413, "TOO_LARGE", "POST", "orders", " " * (1 << 20) + json.dumps(NEW))
    assert answer["details"]["max"] == 1 << 20
    # As announced, without a byte of it; and in pieces of unknown length.
    for head in (get("/api/v1/orders", "Content-Length: 99999999999", method="POST"),
                 get("/api/v1/orders", "Transfer-Encoding: chunked", method="POST") + ("10000\r\n" + "x" * 0x10000 + "\r\n") * 17):
        with Raw(rest_service.http_port) as raw:
            raw.send(head)
            answer = raw.answer()
            assert (answer.status, answer.code) == (413, "TOO_LARGE") and answer.headers["connection"] == "close"
            assert raw.ended()


def test_head_too_large(rest_service):
    for header in ("X-Long: " + "x" * 70_000, "\r\n".join(f"X-{n}: y" for n in range(5_000)), "Cookie: " + "y" * 17_000):
        with Raw(rest_service.http_port) as raw:
            raw.send(get("/health", header))
            answer = raw.answer()
            assert (answer.status, answer.code) == (400, "BAD_HTTP"), answer
            assert answer.headers["connection"] == "close" and raw.ended()
    with Raw(rest_service.http_port) as raw:
        raw.send(get("/api/v1/orders/" + "x" * 70_000))
        assert raw.answer().status in (400, 404)


@pytest.mark.parametrize("data", [
    "nonsense\r\n\r\n", "GET /health\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00",
    "1 PING\n", "GET /health HTTP/1.1\r\nHost localhost\r\n\r\n",
    "POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    "POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
def test_not_http(rest_service, data):
    with Raw(rest_service.http_port) as raw:
        raw.send(data)
        answer = raw.answer()
        assert (answer.status, answer.code) == (400, "BAD_HTTP"), answer
        assert set(answer.body) == PROBLEM and raw.ended()


def test_length_and_chunks_together(rest_service):
    """Request smuggling: where a proxy might see one request and we another, the connection ends."""
    with Raw(rest_service.http_port) as raw:
        raw.send("POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get("/health"))
        assert raw.answer().status >= 400
        assert raw.ended()


def test_rate_limit(fresh):
    service = fresh(http=True, auth="jwt", environment={"CASHUP_HTTP_RATE_LIMIT": "20", "CASHUP_HTTP_RATE_BURST": "10"})
    with service.rest(token=service.token(sub="fast")) as fast, service.rest(token=service.token(sub="slow")) as slow:
        fast.spec
        answers = [fast.ask("GET", "venues") for _ in range(60)]
        refused = [answer for answer in answers if answer.status == 429]
        assert 10 <= len(answers) - len(refused) <= 55 and refused
        assert all(answer.code == "RATE_LIMITED" and int(answer.headers["retry-after"]) >= 1 for answer in refused)
        # Another token has a limit of its own; and what is about the process has none.
        slow.get("venues")
        fast.get("/health")
        time.sleep(1.1)
        fast.get("venues")


# -- Connections -------------------------------------------------------------------------------------------------------

def test_pipelined_requests_are_answered_in_order(raw, rest):
    requests = []
    for n in range(100):
        body = json.dumps({**NEW, "client_order_id": f"pipe-{n}"})
        requests += [post(body, f"X-Account: {rest.account}", f"X-Request-ID: p{n}"), get("/api/v1/orders/never", f"X-Account: {rest.account}", f"X-Request-ID: g{n}")]
    raw.send("".join(requests))
    for n in range(100):
        made = raw.answer()
        assert (made.status, made.headers["x-request-id"], made["client_order_id"]) == (201, f"p{n}", f"pipe-{n}")
        missing = raw.answer()
        assert (missing.status, missing["request_id"]) == (404, f"g{n}")
    ids = [order["id"] for order in rest.all("orders", "orders")]
    assert len(ids) == 100 and ids == sorted(ids, reverse=True)


def test_half_a_request_and_a_closed_socket(rest, rest_service):
    before = rest.get("orders")["total"]
    body = json.dumps(NEW)
    whole = post(body, f"X-Account: {rest.account}")
    for end in (1, 10, len(whole) - len(body) - 1, len(whole) - len(body), len(whole) - 1):
        for reset in (False, True):
            connection = Raw(rest_service.http_port)
            connection.send(whole[:end])
            if reset:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            connection.close()
    assert rest.get("orders")["total"] == before
    # A whole one counts, though its sender has gone.
    connection = Raw(rest_service.http_port)
    connection.send(whole)
    connection.close()
    wait_until(lambda: rest.get("orders")["total"] == before + 1)
    # And one whose sender has only finished sending is answered.
    with Raw(rest_service.http_port) as half:
        half.send(get())
        half.socket.shutdown(socket.SHUT_WR)
        assert half.answer().status == 200 and half.ended()


def test_slow_client_byte_by_byte(rest, raw):
    body = json.dumps(NEW)
    for byte in post(body, f"X-Account: {rest.account}"):
        raw.send(byte)
        time.sleep(0.0005)
    assert raw.answer().status == 201


def test_client_that_does_not_read(rest, rest_service):
    with Raw(rest_service.http_port, receive_buffer=4096) as lazy:
        lazy.socket.settimeout(2)
        sent = 0
        before = rest_service.resident_bytes()
        try:
            while sent < 8_000:  # 64 MB of requests, whose answers would be 800 MB
                lazy.send(get("/openapi.json", "X-Padding: " + "x" * 8_000) * 10)
                sent += 10
        except TimeoutError:
            pass
        assert sent < 8_000, "it took everything"
        assert rest_service.resident_bytes() - before < 64 << 20
        # Others are served.
        for _ in range(20):
            rest.order()


def test_continue_and_old_http(raw, rest):
    body = json.dumps(NEW)
    raw.send(get("/api/v1/orders", f"X-Account: {rest.account}", f"Content-Length: {len(body)}", "Expect: 100-continue", method="POST"))
    assert raw.stream.readline() == b"HTTP/1.1 100 Continue\r\n" and raw.stream.readline() == b"\r\n"
    raw.send(body)
    assert raw.answer().status == 201
    raw.send("GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert raw.answer().headers["connection"] == "close" and raw.ended()


def test_many_connections(rest_service):
    held = [Raw(rest_service.http_port) for _ in range(200)]
    try:
        for connection in held:
            connection.send(get())
        assert {connection.answer().status for connection in held} == {200}
    finally:
        for connection in held:
            connection.close()


def test_drain_answers_what_is_under_way(fresh):
    service = fresh(http=True)
    with Raw(service.http_port) as raw:
        raw.send(get())
        assert raw.answer().status == 200
        raw.send(get() * 50)
        answers = [raw.answer().status for _ in range(50)]
        assert service.stop() == 0
        assert answers == [200] * 50
        assert raw.ended()


def test_ready_and_metrics(rest, rest_service):
    ready = rest.get("/health/ready")
    assert ready["status"] == "ready" and ready["reasons"] == [] and "applied to LSN" in ready["checks"]["history"]
    metrics = rest.ask("GET", "/metrics").expect(200)
    assert metrics.type.startswith("text/plain")
    done = subprocess.run(["promtool", "check", "metrics"], input=metrics.raw, capture_output=True)
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    assert b"cashup_history_applied_lsn" in metrics.raw
    page = rest.ask("GET", "/docs").expect(200)
    assert page.type.startswith("text/html") and b"openapi.json" in page.raw + rest.ask("GET", "/docs/start.js").raw


def test_503_without_history(fresh):
    service = fresh(http=True, history="off")
    with service.rest(account=7) as client:
        client.deposit("USD", "1000.00")
        order = client.order()
        client.post(f"orders/{order['id']}/execute", {"execution_price": "9.00"}, 200)
        for path in ("orders", "orders/summary", "trades", "trades/summary", "trades/statistics", "trades/1", f"trades/by-order/{order['id']}",
                     "trades/by-trade-id/x", "balances/ledger", "audit"):
            answer = client.refuse(503, "HISTORY_OFF", "GET", path)
            assert answer["error"] == "UNAVAILABLE", answer
        # What is live needs none.
        assert client.get(f"orders/{order['id']}")["status"] == "filled"
        assert client.get("positions/EX-USD")["quantity"] == "1"
        assert client.get("/health/ready")["checks"]["history"] == "off"
