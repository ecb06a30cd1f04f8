"""Money over REST under concurrency and kills, and the promise of Idempotency-Key on every POST."""

import http.client
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

import pytest

from rest import wait_until
from test_rest_routes import TABLE

CLIENTS, TRANSFERS, AMOUNT = 8, 80, D("10.00")


def transfer(amount="10.00"):
    return {"from_balance_type": "spot", "to_balance_type": "futures", "asset": "USD", "amount": amount}


def by_clients(service, account, jobs, work):
    """`jobs` shared by as many clients with a connection each; gives what `work(client, job)` gave."""
    def run(index):
        with service.rest(account=account) as client:
            return [work(client, job) for job in jobs[index::CLIENTS]]
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [answer for answers in pool.map(run, range(CLIENTS)) for answer in answers]


def ledger(client, **query):
    return client.all("balances/ledger", "lines", asset="USD", **query)


def judge_transfers(client, account, count, before=D("1000.00")):
    """What all of them together must have done, by balances and by the ledger, each counted by itself."""
    moved = AMOUNT * count
    assert (client.available("USD", "spot"), client.available("USD", "futures")) == (before - moved, moved)
    summary = client.get("balances/summary")
    assert [(row["asset"], D(row["total"]), D(row["in_transit"])) for row in summary["assets"]] == [("USD", before, D(0))]
    lines = ledger(client, account_id=account)
    amounts = lambda wallet: [D(line["amount"]) for line in lines if line["balance_type"] == wallet and line["kind"].startswith("xfr_")]
    assert amounts("spot") == [-AMOUNT] * count and amounts("futures") == [AMOUNT] * count
    assert len({(line["lsn"], line["line"]) for line in lines}) == len(lines)
    # Each line's total follows from the one before it.
    for wallet in ("spot", "futures"):
        total = D(0)
        for line in sorted((line for line in lines if line["balance_type"] == wallet), key=lambda line: (line["lsn"], line["line"])):
            total += D(line["amount"])
            assert total == D(line["total_after"])


@pytest.mark.parametrize("loops", [1, 4])
def test_concurrent_transfers_are_exact(fresh, loops):
    service = fresh(loops=loops, http=True)
    with service.rest(account=7) as client:
        client.deposit("USD", "1000.00", reference="start")
        answers = by_clients(service, 7, list(range(TRANSFERS)), lambda each, _: each.post("balances/transfer", transfer(), 200))
        assert len({answer["transfer_id"] for answer in answers}) == TRANSFERS
        # Each has seen a balance of its own, and its own difference.
        befores = sorted(D(answer["from_balance_before"]) for answer in answers)
        assert befores == [D("1000.00") - AMOUNT * n for n in reversed(range(TRANSFERS))]
        for answer in answers:
            assert D(answer["from_balance_before"]) - D(answer["from_balance_after"]) == AMOUNT == D(answer["to_balance_after"]) - D(answer["to_balance_before"])
        judge_transfers(client, 7, TRANSFERS)
        # The rest goes, not a cent more.
        rest = 100 - TRANSFERS
        many = by_clients(service, 7, list(range(3 * rest)), lambda each, _: each.ask("POST", "balances/transfer", transfer()))
        assert sum(answer.status == 200 for answer in many) == rest
        assert {answer.code for answer in many if answer.status != 200} == {"INSUFFICIENT_FUNDS"}
        judge_transfers(client, 7, 100)


def test_concurrent_transfers_with_repeats(fresh):
    service = fresh(loops=4, http=True)
    keys = [str(uuid.uuid4()) for _ in range(TRANSFERS)]
    with service.rest(account=7) as client:
        client.deposit("USD", "1000.00", reference="start")
        # Each key three times, and so that its repeats meet at different clients.
        answers = by_clients(service, 7, [*keys, *reversed(keys), *keys],
                             lambda each, key: each.post("balances/transfer", transfer(), 200, Idempotency_Key=key))
        assert sorted(answer["transfer_id"] for answer in answers) == sorted(keys * 3)
        assert sum(not answer["is_repeat"] for answer in answers) == TRANSFERS
        judge_transfers(client, 7, TRANSFERS)
        client.refuse(409, "ID_REUSED", "POST", "balances/transfer", transfer("10.01"), Idempotency_Key=keys[0])
        judge_transfers(client, 7, TRANSFERS)


def test_killed_in_the_middle_and_repeated(fresh):
    service = fresh(loops=4, http=True)
    keys = [str(uuid.uuid4()) for _ in range(TRANSFERS)]
    answered, unanswered = set(), set()
    with service.rest(account=7) as client:
        client.deposit("USD", "1000.00", reference="start")

    def work(client, key):
        try:
            client.post("balances/transfer", transfer(), 200, Idempotency_Key=key)
            answered.add(key)
        except (OSError, http.client.HTTPException):
            unanswered.add(key)
    thread = threading.Thread(target=by_clients, args=(service, 7, keys, work))
    thread.start()
    wait_until(lambda: len(answered) >= 15)
    service.kill()
    thread.join()
    assert len(answered) >= 15 and unanswered, "the kill came too late"
    service.start()
    with service.rest(account=7) as client:
        # What was acknowledged is there.
        assert client.available("USD", "futures") >= AMOUNT * len(answered)
    answers = by_clients(service, 7, keys, lambda each, key: (key, each.post("balances/transfer", transfer(), 200, Idempotency_Key=key)))
    assert all(answer["is_repeat"] for key, answer in answers if key in answered)
    with service.rest(account=7) as client:
        judge_transfers(client, 7, TRANSFERS)


# -- Idempotency-Key on every POST -------------------------------------------------------------------------------------------------------------

# What in an answer tells when it was given, or the state of something that others change, too.
MOVING = {"operation_time", "transfer_time", "updated_at", "message", "is_repeat", "balance_before", "from_balance_before", "to_balance_before"}


class Posts:
    """Each POST with its body, and the same with other content (None: it has none, or is the same whatever its content)."""

    def __init__(self, client):
        self.client = client
        self.n = 0
        position = {**self.instrument("POS"), "funds": "none"}
        client.post("instruments", position, 201)
        client.post("instruments", {**position, "symbol": "POS2"}, 201)
        client.post("positions", {"symbol": "POS", "side": "long", "quantity": "5", "average_price": "3.00"}, 201, Idempotency_Key="taken")
        client.post("balances/freeze", self.change(), 200)

    def instrument(self, symbol):
        return {"symbol": symbol, "venue": "lab", "balance_type": "futures", "base_asset": "EX", "quote_asset": "USD", "tick": "0.01", "lot": "1"}

    def change(self, amount="1.00"):
        return {"asset": "USD", "amount": amount}

    def all(self):
        new = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "3", "price": "10.00"}
        order = self.client.order(quantity="9")["order_id"]
        fill = {"execution_price": "9.00", "execution_quantity": "1"}
        trade = {"order_id": order, "trade_id": "venue-1", "quantity": "1", "price": "9.00"}
        take = {"symbol": "POS2", "side": "short", "quantity": "2", "average_price": "5.00"}
        prices = {"prices": {"EX-USD": "9.50"}}
        return {
            "orders": ("orders", new, {**new, "price": "10.01"}),
            "orders/batch": ("orders/batch", {"orders": [new, {**new, "side": "sell"}]}, {"orders": [{**new, "quantity": "4"}, {**new, "side": "sell", "quantity": "4"}]}),
            "orders/{order_id}/execute": (f"orders/{order}/execute", fill, {**fill, "execution_price": "8.00"}),
            "trades": ("trades", trade, {**trade, "price": "8.00"}),
            "positions": ("positions", take, {**take, "quantity": "3"}),
            "positions/close": ("positions/close", {"symbol": "POS", "quantity": "1", "price": "4.00"}, {"symbol": "POS", "quantity": "2", "price": "4.00"}),
            "positions/update-prices": ("positions/update-prices", prices, None),
            "balances": ("balances", {"asset": "USD", "total_balance": "5.00", "frozen_balance": "2.00"}, {"asset": "USD", "total_balance": "6.00"}),
            "balances/add": ("balances/add", self.change(), self.change("2.00")),
            "balances/subtract": ("balances/subtract", self.change(), self.change("2.00")),
            "balances/freeze": ("balances/freeze", self.change(), self.change("2.00")),
            "balances/unfreeze": ("balances/unfreeze", self.change(), self.change("0.50")),
            "balances/transfer": ("balances/transfer", transfer("1.00"), transfer("2.00")),
            "accounts": ("accounts", {"account_id": 12345}, None),
            "accounts/{id}/suspend": ("accounts/12345/suspend", {"mode": "cancel_all"}, None),
            "accounts/{id}/resume": ("accounts/12345/resume", None, None),
            "instruments": ("instruments", self.instrument("TWICE"), {**self.instrument("TWICE"), "base_asset": "BTC"}),
            "kill": ("kill", None, None),
        }


def steady(value):
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items() if name not in MOVING}
    return [steady(each) for each in value] if isinstance(value, list) else value


def books(client):
    """All that money and orders are."""
    return [client.get("balances/summary").body, client.all("orders", "orders"), client.get("positions").body, len(ledger(client)),
            client.all("trades", "trades")]


def test_every_post_is_idempotent_also_after_a_crash(fresh):
    service = fresh(loops=2, http=True)
    with service.rest(account=7) as client:
        client.deposit("USD", "100000.00")
        client.deposit("USD", "100000.00", "futures")
        client.deposit("EX", "1000")
        posts = Posts(client).all()
        assert set(posts) == {path for method, path in TABLE if method == "POST"}, "a POST without a test"
        first = {}
        for name, (path, body, _) in posts.items():
            if name == "kill":
                continue
            first[name] = client.post(path, body, Idempotency_Key=f"key-{name[:30]}")
        before = books(client)
        # An order's later state is its own; what a repeat must give is the same object in its present state.
        repeated = {}
        for name, (path, body, other) in posts.items():
            if name == "kill":
                continue
            again = client.post(path, body, Idempotency_Key=f"key-{name[:30]}")
            assert again.status == first[name].status, name
            repeated[name] = again
            if name not in ("balances", "balances/add", "balances/subtract", "balances/freeze", "balances/unfreeze", "balances/transfer",
                            "orders/{order_id}/execute", "trades"):
                assert steady(again.body) == steady(first[name].body), name
        for name in ("trades", "orders/{order_id}/execute"):
            assert repeated[name]["id"] == first[name]["id"], name
        for name in ("balances/add", "balances/subtract", "balances/freeze", "balances/unfreeze", "balances/transfer"):
            assert repeated[name]["is_repeat"] and not first[name]["is_repeat"], name
        assert books(client) == before
        refused(client, posts)
        assert books(client) == before
    service.restart()
    with service.rest(account=7) as client:
        for name, (path, body, other) in posts.items():
            if name == "kill":
                continue
            again = client.post(path, body, Idempotency_Key=f"key-{name[:30]}")
            assert steady(again.body) == steady(repeated[name].body), name
        assert books(client) == before
        refused(client, posts)
        assert books(client) == before
        assert client.post("kill", Idempotency_Key="stop")["cancelled_count"] > 0
        assert client.post("kill", Idempotency_Key="stop")["cancelled_count"] == 0


def refused(client, posts):
    for name, (path, _, other) in posts.items():
        if other is None:
            continue
        answer = client.ask("POST", path, other, Idempotency_Key=f"key-{name[:30]}")
        if name == "orders/batch":
            assert [each["code"] for each in answer["failed_orders"]] == ["ID_REUSED"] * 2
        elif name == "instruments":
            assert answer.status in (409, 422) and answer.code in ("FIXED", "ALREADY_EXISTS"), answer
        else:
            assert (answer.status, answer.code) == (409, "ID_REUSED"), f"{name}: {answer}"


def test_key_is_checked_and_a_name_of_ones_own_goes_before_it(rest):
    for key in ("x" * 37, "with blank", "ä".encode().decode("latin-1")):
        assert rest.refuse(422, "VALIDATION_ERROR", "POST", "orders", {
            "symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "1.00"}, Idempotency_Key=key).fields == ["Idempotency-Key"]
    body = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "10.00"}
    assert rest.post("orders", body, 201, Idempotency_Key="k1")["client_order_id"] == "k1"
    assert rest.post("orders", {**body, "client_order_id": "mine"}, 201, Idempotency_Key="k2")["client_order_id"] == "mine"
    # 1 and 1.00000 are the same number.
    assert rest.post("orders", {**body, "price": 10}, 201, Idempotency_Key="k1")["client_order_id"] == "k1"
    assert rest.get("orders")["total"] == 2
    # Without a key every request is a new one.
    assert rest.post("orders", body, 201)["id"] != rest.post("orders", body, 201)["id"]


def test_a_refusal_is_not_remembered(rest):
    body = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "900", "price": "900.00"}
    rest.refuse(400, "INSUFFICIENT_FUNDS", "POST", "orders", body, Idempotency_Key="later")
    rest.deposit("USD", "900000.00")
    assert rest.post("orders", body, 201, Idempotency_Key="later")["client_order_id"] == "later"


def test_repeat_of_a_filled_order_shows_its_present_state(rest):
    body = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "2", "price": "10.00"}
    order = rest.post("orders", body, 201, Idempotency_Key="once")
    rest.post(f"orders/{order['id']}/execute", {"execution_price": "9.00"}, 200, Idempotency_Key="fill")
    again = rest.post("orders", body, 201, Idempotency_Key="once")
    assert (again["id"], again["status"], again["executed_quantity"]) == (order["id"], "filled", "2")
    # A repeated fill without a quantity means what it meant at first, though nothing is left now.
    repeat = rest.post(f"orders/{order['id']}/execute", {"execution_price": "9.00"}, 200, Idempotency_Key="fill")
    assert (repeat["id"], repeat["executed_quantity"]) == (order["id"], "2")
    assert len(rest.get(f"trades/by-order/{order['id']}").body) == 1
    rest.refuse(409, "ID_REUSED", "POST", f"orders/{order['id']}/execute", {"execution_price": "8.00"}, Idempotency_Key="fill")
