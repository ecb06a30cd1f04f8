"""Every route of the REST API with every kind of token: who is allowed, who is refused, and how."""

import itertools
import time

import pytest

from rest import Rest, wait_until

OWN, OTHER, EMPTY = 7, 8, 9
# - nobody needs a token, * any valid token, u a viewer's or trader's for the account (as in the line protocol, a connector sees no accounts),
# t trader, c connector, a admin; an admin always may.
ROLES = {"-": {"viewer", "trader", "connector", "admin"}, "*": {"viewer", "trader", "connector", "admin"},
         "u": {"viewer", "trader", "admin"}, "t": {"trader", "admin"},
         "tc": {"trader", "connector", "admin"}, "c": {"connector", "admin"}, "a": {"admin"}}
_numbers = itertools.count(1)


class House:
    """A service with tokens, and what requests need before they can succeed."""

    def __init__(self, service):
        self.service = service
        self.clients = {}
        self.admin = self.client("admin")
        for account in (OWN, OTHER):
            for asset, amount in (("USD", "1000000.00"), ("EX", "100000"), ("BTC", "100")):
                self.admin.post("balances/add", {"account_id": account, "asset": asset, "amount": amount, "reference": f"start-{asset}"})
        self.admin.post("balances/freeze", {"account_id": OWN, "asset": "USD", "amount": "1000.00"})
        order = self.order()
        trade = self.admin.post("trades", {"account_id": OWN, "order_id": order, "trade_id": "first", "quantity": "1", "price": "9.00"})
        self.first_order, self.first_trade = order, trade["id"]
        self.admin.get("trades", account_id=OWN)  # history has it now

    def client(self, role, accounts=(OWN,), sub=None):
        if (role, accounts) not in self.clients:
            token = self.service.token(sub=sub or role, roles=[role], accounts="*" if role == "admin" else accounts, venues=["lab", "manual"])
            self.clients[role, accounts] = self.service.rest(token=token)
        return self.clients[role, accounts]

    def name(self, stem):
        return f"{stem}-{next(_numbers)}"

    def order(self, **changes):
        body = {"account_id": OWN, "symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "5", "price": "10.00", **changes}
        return self.admin.post("orders", body, 201)["order_id"]

    def new(self):
        return {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "10.00"}

    def change(self, amount="1.00"):
        return {"asset": "USD", "amount": amount}

    def long(self):
        """An instrument in which the account has a position."""
        symbol = self.instrument()["symbol"]
        self.admin.post("instruments", {**self.instrument(), "symbol": symbol}, 201)
        self.admin.post("positions", {"account_id": OWN, "symbol": symbol, "side": "long", "quantity": "2", "average_price": "5.00"}, 201)
        return symbol

    def instrument(self):
        return {"symbol": self.name("X"), "venue": "lab", "balance_type": "futures", "base_asset": "EX", "quote_asset": "USD", "tick": "0.01",
                "lot": "1", "funds": "none"}


# method, path, role, how an admin is answered, path and body of a request that succeeds each time (made anew for each).
# A: account_id goes into the body of a POST or PUT, else into the query.
TABLE = {
    ("POST", "orders"): ("t", 201, "A", lambda h: ("orders", h.new())),
    ("POST", "orders/batch"): ("t", 200, "A", lambda h: ("orders/batch", {"orders": [h.new(), h.new()]})),
    ("GET", "orders"): ("u", 200, "A", lambda h: ("orders", None)),
    ("GET", "orders/summary"): ("u", 200, "A", lambda h: ("orders/summary?days=3", None)),
    ("GET", "orders/{order_id}"): ("u", 200, "A", lambda h: (f"orders/{h.first_order}", None)),
    ("PUT", "orders/{order_id}"): ("t", 200, "A", lambda h: (f"orders/{h.order()}", {"quantity": "4"})),
    ("DELETE", "orders/{order_id}"): ("t", 200, "A", lambda h: (f"orders/{h.order()}", None)),
    ("DELETE", "orders"): ("t", 200, "A", lambda h: ("orders?symbol=EX-USD", None)),
    ("POST", "orders/{order_id}/execute"):
        ("tc", 200, "A", lambda h: (f"orders/{h.order()}/execute", {"execution_price": "9.00", "execution_quantity": "1"})),
    ("POST", "trades"): ("tc", 201, "A", lambda h: ("trades", {"order_id": h.order(), "trade_id": h.name("t"), "quantity": "1", "price": "9.00"})),
    ("GET", "trades"): ("u", 200, "A", lambda h: ("trades", None)),
    ("GET", "trades/summary"): ("u", 200, "A", lambda h: ("trades/summary", None)),
    ("GET", "trades/statistics"): ("u", 200, "A", lambda h: ("trades/statistics", None)),
    ("GET", "trades/{id}"): ("u", 200, "A", lambda h: (f"trades/{h.first_trade}", None)),
    ("GET", "trades/by-trade-id/{trade_id}"): ("u", 200, "A", lambda h: ("trades/by-trade-id/first", None)),
    ("GET", "trades/by-order/{order_id}"): ("u", 200, "A", lambda h: (f"trades/by-order/{h.first_order}", None)),
    ("POST", "positions"): ("a", 201, "A", lambda h: ("positions", {
        "symbol": h.admin.post("instruments", h.instrument(), 201)["symbol"], "side": "short", "quantity": "2", "average_price": "5.00"})),
    ("GET", "positions"): ("u", 200, "A", lambda h: ("positions", None)),
    ("GET", "positions/summary"): ("u", 200, "A", lambda h: ("positions/summary", None)),
    ("GET", "positions/{symbol}"): ("u", 200, "A", lambda h: ("positions/EX-USD", None)),
    ("GET", "positions/by-symbol/{symbol}"): ("u", 200, "A", lambda h: ("positions/by-symbol/EX-USD", None)),
    ("GET", "positions/{symbol}/risk"): ("u", 200, "A", lambda h: ("positions/EX-USD/risk", None)),
    ("POST", "positions/close"): ("t", 200, "A", lambda h: ("positions/close", {"symbol": h.long(), "price": "6.00"})),
    ("POST", "positions/update-prices"): ("c", 200, "", lambda h: ("positions/update-prices", {"prices": {"EX-USD": "9.50"}})),
    ("POST", "balances"): ("a", 201, "A", lambda h: ("balances", {"asset": "USD", "total_balance": "5.00", "frozen_balance": "1.00"})),
    ("POST", "balances/add"): ("a", 200, "A", lambda h: ("balances/add", h.change())),
    ("POST", "balances/subtract"): ("a", 200, "A", lambda h: ("balances/subtract", h.change())),
    ("POST", "balances/freeze"): ("a", 200, "A", lambda h: ("balances/freeze", h.change())),
    ("POST", "balances/unfreeze"): ("a", 200, "A", lambda h: ("balances/unfreeze", h.change())),
    ("GET", "balances"): ("u", 200, "A", lambda h: ("balances", None)),
    ("GET", "balances/summary"): ("u", 200, "A", lambda h: ("balances/summary", None)),
    ("GET", "balances/{asset}"): ("u", 200, "A", lambda h: ("balances/USD?balance_type=spot", None)),
    ("GET", "balances/ledger"): ("u", 200, "A", lambda h: ("balances/ledger", None)),
    ("POST", "balances/transfer"): ("t", 200, "A", lambda h: (
        "balances/transfer", {"from_balance_type": "spot", "to_balance_type": "futures", "asset": "USD", "amount": "1.00"})),
    ("GET", "accounts"): ("*", 200, "", lambda h: ("accounts", None)),
    ("POST", "accounts"): ("a", 201, "", lambda h: ("accounts", {"account_id": 70_000 + next(_numbers)})),
    ("POST", "accounts/{id}/suspend"): ("a", 200, "", lambda h: (f"accounts/{OTHER}/suspend", {"mode": "no_new_orders"})),
    ("POST", "accounts/{id}/resume"): ("a", 200, "", lambda h: (f"accounts/{OTHER}/resume", None)),
    ("GET", "limits"): ("u", 200, "A", lambda h: ("limits", None)),
    ("PUT", "limits"): ("a", 200, "A", lambda h: ("limits", {"symbol": "EX-USD", "max_position": "1000000"})),
    ("GET", "instruments"): ("*", 200, "", lambda h: ("instruments", None)),
    ("POST", "instruments"): ("a", 201, "", lambda h: ("instruments", h.instrument())),
    ("PATCH", "instruments/{symbol}"): ("a", 200, "", lambda h: ("instruments/EX-USD", {"min_notional": "0.01"})),
    ("GET", "market"): ("*", 200, "", lambda h: ("market", None)),
    ("GET", "market/{symbol}"): ("*", 200, "", lambda h: ("market/EX-USD", None)),
    ("GET", "market/{symbol}/book"): ("*", 200, "", lambda h: ("market/BTC-USDT/book?depth=5", None)),
    ("GET", "venues"): ("*", 200, "", lambda h: ("venues", None)),
    ("GET", "wallets"): ("*", 200, "", lambda h: ("wallets", None)),
    ("GET", "assets"): ("*", 200, "", lambda h: ("assets", None)),
    ("GET", "exposure"): ("u", 200, "A", lambda h: ("exposure", None)),
    ("GET", "audit"): ("u", 200, "A", lambda h: ("audit", None)),
    ("GET", "sessions"): ("a", 200, "", lambda h: ("sessions", None)),
    ("POST", "kill"): ("a", 200, "", lambda h: ("kill", None)),
    ("DELETE", "kill"): ("a", 200, "", lambda h: ("kill", None)),
    ("GET", "log-level"): ("a", 200, "", lambda h: ("log-level", None)),
    ("PUT", "log-level"): ("a", 200, "", lambda h: ("log-level", {"level": "info"})),
    ("GET", "/"): ("-", 200, "", lambda h: ("/", None)),
    ("GET", "/health"): ("-", 200, "", lambda h: ("/health", None)),
    ("GET", "/health/ready"): ("-", 200, "", lambda h: ("/health/ready", None)),
    ("GET", "/metrics"): ("-", 200, "", lambda h: ("/metrics", None)),
    ("GET", "/openapi.json"): ("-", 200, "", lambda h: ("/openapi.json", None)),
    ("GET", "/docs"): ("-", 200, "", lambda h: ("/docs", None)),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    from conftest import LABORATORY
    from lines import play
    from service import Service
    service = Service(tmp_path_factory.mktemp("house"), loops=2, auth="jwt", http=True).start()
    with service.lines() as lines:
        assert lines.ask(f"t AUTH {service.token(sub='setup', roles=['admin'], accounts='*')}").startswith("+t OK")
        play(lines, LABORATORY)
    yield House(service)
    service.close()


def test_table_is_complete(house):
    documented = {(method, path.removeprefix("/api/v1/")) for method, path in house.admin.spec.operations}
    assert documented - set(TABLE) == set(), "routes without a test"
    assert set(TABLE) - documented == set(), "routes that are tested and not documented"


def request(house, key, account=OWN):
    _, _, scope, make = TABLE[key]
    path, body = make(house)
    if scope and key[0] in ("POST", "PUT"):
        body = {**(body or {}), "account_id": account}
    elif scope:
        path += f"{'&' if '?' in path else '?'}account_id={account}"
    return key[0], path, body


@pytest.mark.parametrize("key", TABLE, ids=lambda key: " ".join(key))
def test_roles(house, key):
    need, status, scope, _ = TABLE[key]
    for role in ("viewer", "trader", "connector", "admin"):
        with Rest(house.service.http_port, token=house.client(role).token) as client:
            answer = client.ask(*request(house, key))
        if role in ROLES[need]:
            assert answer.status == status, f"{role}: {answer}"
        else:
            assert (answer.status, answer["error"], answer.code) == (403, "PERMISSION_ERROR", "FORBIDDEN"), f"{role}: {answer}"
            assert answer["details"]["need"]
    # Somebody else's token: as a viewer, or with all that a desk's people have.
    for roles in (["viewer"], ["viewer", "trader"]):
        token = house.service.token(sub="stranger", roles=roles, accounts=[OTHER])
        with Rest(house.service.http_port, token=token) as client:
            answer = client.ask(*request(house, key))
        if scope:
            assert (answer.status, answer.code) == (403, "FORBIDDEN"), f"{roles}: {answer}"


@pytest.mark.parametrize("key", [key for key in TABLE if TABLE[key][0] != "-"], ids=lambda key: " ".join(key))
def test_no_good_token(house, key):
    method, path, body = request(house, key)
    service = house.service
    for authorization, code in ((None, "AUTH_REQUIRED"), ("Bearer", "BAD_TOKEN"), ("Basic YTpi", "BAD_TOKEN"), ("Bearer nonsense", "BAD_TOKEN"),
                                (f"Bearer {service.token(roles=['admin'])}x", "BAD_TOKEN"),
                                (f"Bearer {service.token(roles=['admin'], type='refresh')}", "BAD_TOKEN"),
                                (f"Bearer {service.token(roles=['admin'], ttl=-5)}", "TOKEN_EXPIRED")):
        with service.rest() as client:
            answer = client.ask(method, path, body, Authorization=authorization)
        assert (answer.status, answer["error"], answer.code) == (401, "AUTHENTICATION_ERROR", code), f"{authorization}: {answer}"
        assert answer.headers["www-authenticate"] == "Bearer"
    # Nothing that was refused has been done.
    if key == ("POST", "kill"):
        assert {row["status"] for row in house.admin.get("accounts")["accounts"] if row["account_id"] == EMPTY} <= {"open"}


@pytest.fixture(autouse=True)
def trading(request):
    """The kill switch and what else was stopped do not stay stopped."""
    yield
    if "house" in request.fixturenames:
        house = request.getfixturevalue("house")
        house.admin.expect(200, "DELETE", "kill")
        house.admin.expect(200, "POST", f"accounts/{OTHER}/resume", {"mode": "no_new_orders"})


def test_token_that_ends_while_its_connection_lives(house):
    with house.service.rest(token=house.service.token(roles=["trader"], ttl=3)) as client:
        client.get("orders", account_id=OWN)
        def ended():
            answer = client.ask("POST", "orders", {**house.new(), "account_id": OWN})
            return answer if answer.status != 201 else None
        answer = wait_until(ended)
        assert (answer.status, answer.code) == (401, "TOKEN_EXPIRED"), answer


def test_one_account_need_not_be_named_several_must(house):
    service = house.service
    with service.rest(token=service.token(roles=["trader"], accounts=[OWN])) as one:
        assert one.post("orders", house.new(), 201)["account_id"] == OWN
        assert {row["account_id"] for row in one.all("orders", "orders")} == {OWN}
        one.refuse(400, "BAD_HEADER", "GET", "orders", X_Account="7")
    with service.rest(token=service.token(roles=["trader"], accounts=[OWN, OTHER])) as two:
        answer = two.refuse(422, "VALIDATION_ERROR", "POST", "orders", house.new())
        assert answer.fields == ["account_id"]
        assert two.post("orders", {**house.new(), "account_id": OTHER}, 201)["account_id"] == OTHER
        assert {row["account_id"] for row in two.all("orders", "orders", account_id="all")} == {OWN, OTHER}
        two.refuse(403, "FORBIDDEN", "GET", "orders", query={"account_id": EMPTY})
        assert two.refuse(422, "VALIDATION_ERROR", "GET", "orders", query={"account_id": "some"}).fields == ["account_id"]


def test_transfer_between_accounts_where_the_token_names_both(house):
    service = house.service
    body = {"account_id": OWN, "to_account_id": OTHER, "from_balance_type": "spot", "to_balance_type": "spot", "asset": "USD", "amount": "1.00"}
    with service.rest(token=service.token(roles=["trader"], accounts=[OWN, OTHER])) as both:
        answer = both.post("balances/transfer", body)
        assert answer["is_repeat"] is False
    for accounts in ([OWN], [OTHER]):
        with service.rest(token=service.token(roles=["trader"], accounts=accounts)) as one:
            one.refuse(403, "FORBIDDEN", "POST", "balances/transfer", body)


def test_connector_reports_for_its_venues_only(house):
    service = house.service
    order = house.order()
    body = {"account_id": OWN, "order_id": order, "quantity": "1", "price": "9.00"}
    # It need not see the account.
    with service.rest(token=service.token(sub="lab", roles=["connector"], accounts=[], venues=["lab"])) as client:
        assert client.post("trades", {**body, "trade_id": "c1"}, 201)["quantity"] == "1"
        client.expect(403, "GET", "orders", query={"account_id": OWN})
        executed = client.expect(
            200, "POST", f"orders/{order}/execute", {"account_id": OWN, "execution_price": "9.00", "execution_quantity": "1", "commission": "0.50"})
        assert (executed["executed_quantity"], executed["commission"]) == ("2", "0.50")
        client.refuse(403, "FORBIDDEN", "POST", "positions/update-prices", {"prices": {"BTC-USD": "64000.00"}})
    with service.rest(token=service.token(sub="other", roles=["connector"], accounts=[OWN], venues=["lab2"])) as client:
        client.refuse(403, "FORBIDDEN", "POST", "trades", {**body, "trade_id": "c2"})
        client.refuse(403, "FORBIDDEN", "POST", f"orders/{order}/execute", {"account_id": OWN, "execution_price": "9.00", "execution_quantity": "1"})


def test_trader_fills_own_orders_not_beyond_the_limit(house):
    order = house.order()
    trader = house.client("trader")
    trader.refuse(400, "BEYOND_LIMIT", "POST", f"orders/{order}/execute", {"execution_price": "10.01", "execution_quantity": "1"})
    # A rebate is for others to report.
    trader.refuse(422, "BAD_VALUE", "POST", "trades",
                  {"order_id": order, "trade_id": house.name("t"), "quantity": "1", "price": "10.00", "commission": "-1.00"})
    assert trader.get(f"orders/{order}")["executed_quantity"] == "0"


def test_superuser_claim_is_an_admin(house):
    token = house.service.token(roles=[], accounts=[OWN], is_superuser=True)
    with house.service.rest(token=token) as client:
        client.expect(200, "GET", "sessions")


def told(client, what, **query):
    """Lines of the audit, once `what` is true of them: a thread of its own writes it, a moment later."""
    deadline = time.monotonic() + 10
    while True:
        lines = client.get("audit", limit=1000, **query)["lines"]
        if what(lines) or time.monotonic() > deadline:
            return lines
        time.sleep(0.02)


def test_audit_of_the_edge(house):
    """Refusals by the edge itself are in the audit; who is no admin sees only own ones."""
    service = house.service
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
    with service.rest(token=service.token(sub="curious", roles=["viewer"], accounts=[OWN])) as client:
        client.refuse(403, "FORBIDDEN", "POST", "orders", {**house.new(), "account_id": OWN})
        client.refuse(403, "FORBIDDEN", "GET", "orders", query={"account_id": OTHER})
        own = told(client, lambda lines: any(line["what"] == "POST /api/v1/orders" for line in lines), refused=True, start_time=began)
        assert {line["subject"] for line in own if line["account_id"] is None} == {"curious"}
        assert {line["account_id"] for line in own} <= {None, OWN}
        assert "POST /api/v1/orders" in [line["what"] for line in own]
    with service.rest(token=service.token(sub="other-desk", roles=["trader"], accounts=[OTHER])) as client:
        client.refuse(400, "INSUFFICIENT_FUNDS", "POST", "orders", {**house.new(), "account_id": OTHER, "quantity": "100000", "price": "99999.00"})
        lines = told(client, lambda lines: any(line["code"] == "INSUFFICIENT_FUNDS" for line in lines), start_time=began)
        assert {line["account_id"] for line in lines} <= {None, OTHER}
        # Behind a new order its state is read, which is refused, too, where there is none.
        assert [line["code"] for line in lines if line["account_id"] == OTHER and line["event"] == "refused" and " ORD " not in line["what"]] == [
            "INSUFFICIENT_FUNDS"]
        assert "curious" not in {line["subject"] for line in lines}
    with service.rest() as nobody:
        bad = service.token(sub="x") + "x"
        nobody.refuse(401, "BAD_TOKEN", "GET", "orders", Authorization=f"Bearer {bad}")
    lines = told(house.admin, lambda lines: any(line["code"] == "BAD_TOKEN" for line in lines), refused=True, start_time=began)
    assert {("BAD_TOKEN", None), ("FORBIDDEN", "curious"), ("INSUFFICIENT_FUNDS", "other-desk")} <= {(line["code"], line["subject"] or None) for line in lines}
    assert all(line["lsn"] is None and line["peer"] for line in lines)
    assert bad not in str(lines)
    accepted = house.admin.get("audit", refused=False, limit=1000)["lines"]
    assert accepted and all(line["lsn"] and line["code"] is None for line in accepted)
    assert "admin" in {line["subject"] for line in accepted}
