"""Orders, positions, and what a risk person does, over REST."""

import datetime
import time
from decimal import Decimal as D

import pytest

from rest import wait_until


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# -- Orders ------------------------------------------------------------------------------------------------------------

def test_replace(rest):
    order = rest.order(quantity="5", price="10.00", notes="first")
    changed = rest.expect(200, "PUT", f"orders/{order['id']}", {"quantity": "8", "price": "9.50"})
    assert (changed["id"], changed["quantity"], changed["remaining_quantity"], changed["price"], changed["notes"]) == (order["id"], "8", "8", "9.50", "first")
    assert D(rest.get("balances/USD")["frozen_balance"]) == 8 * D("9.50")
    assert rest.expect(200, "PUT", f"orders/{order['client_order_id']}", {"quantity": "6"})["price"] == "9.50"
    assert rest.expect(200, "PUT", f"orders/{order['id']}", {"price": "9.75"})["quantity"] == "6"
    # What cannot change may be given with its present value.
    rest.expect(200, "PUT", f"orders/{order['id']}", {"price": "9.00", "time_in_force": "gtc", "notes": "first"})
    for body, field, code in (({"notes": "second"}, "notes", "NOT_SUPPORTED"), ({"time_in_force": "ioc"}, "time_in_force", "NOT_SUPPORTED"),
                              ({"stop_price": "1.00"}, "stop_price", "NOT_SUPPORTED"), ({}, "quantity", "VALIDATION_ERROR")):
        assert rest.refuse(422, code, "PUT", f"orders/{order['id']}", body).fields == [field]
    rest.post(f"orders/{order['id']}/execute", {"execution_price": "9.00", "execution_quantity": "4"}, 200)
    rest.refuse(400, "BELOW_CUM", "PUT", f"orders/{order['id']}", {"quantity": "3"})
    rest.refuse(400, "INSUFFICIENT_FUNDS", "PUT", f"orders/{order['id']}", {"quantity": "90000000"})
    assert rest.expect(200, "PUT", f"orders/{order['id']}", {"quantity": "4"})["status"] == "filled"
    rest.refuse(400, "ORDER_CLOSED", "PUT", f"orders/{order['id']}", {"quantity": "9"})


def test_cancel(rest):
    order = rest.order()
    cancelled = rest.expect(200, "DELETE", f"orders/{order['client_order_id']}", {"reason": "changed my mind"})
    assert (cancelled["id"], cancelled["status"], cancelled["cancel_reason"], cancelled["remaining_quantity"]) == (order["id"], "cancelled", "changed my mind", "0")
    assert D(rest.get("balances/USD")["frozen_balance"]) == 0
    # Once more sets the same state again.
    assert rest.expect(200, "DELETE", f"orders/{order['id']}")["status"] == "cancelled"
    filled = rest.order()
    rest.post(f"orders/{filled['id']}/execute", {"execution_price": "10.00"}, 200)
    rest.refuse(400, "ORDER_CLOSED", "DELETE", f"orders/{filled['id']}")


def test_cancel_all(rest):
    for n in range(3):
        rest.order()
    rest.deposit("USD", "100.00", "futures")
    rest.order(symbol="PERP-USD", price="5.00")
    one = rest.expect(200, "DELETE", "orders?symbol=PERP-USD")
    assert (one["cancelled_count"], one["failed_count"], one["total_count"]) == (1, 0, 1)
    assert rest.expect(200, "DELETE", "orders")["cancelled_count"] == 3
    assert rest.expect(200, "DELETE", "orders")["cancelled_count"] == 0
    assert {row["status"] for row in rest.get("orders")["orders"]} == {"cancelled"}
    rest.refuse(404, "UNKNOWN_INSTRUMENT", "DELETE", "orders?symbol=NOPE")


def test_execute(rest):
    order = rest.order(quantity="5")
    part = rest.post(f"orders/{order['id']}/execute", {"execution_price": "9.90", "execution_quantity": "2", "commission": "0.30", "is_maker": True,
                                                       "trade_id": "venue-7"}, 200)
    assert (part["status"], part["executed_quantity"], part["remaining_quantity"], part["avg_price"], part["commission"]) == (
        "partial_filled", "2", "3", "9.90", "0.30")
    # As the original had it: in the query.
    rest_of_it = rest.expect(200, "POST", f"orders/{order['id']}/execute?execution_price=9.80&execution_quantity=1")
    assert rest_of_it["executed_quantity"] == "3"
    # And under other versions' names, all that is left.
    done = rest.post(f"orders/{order['id']}/execute", {"price": "9.70"}, 200)
    assert (done["status"], done["executed_quantity"]) == ("filled", "5")
    rest.refuse(400, "OVERFILL", "POST", f"orders/{order['id']}/execute", {"execution_price": "9.00", "execution_quantity": "1"})
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", f"orders/{order['id']}/execute").fields == ["execution_price"]
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", f"orders/{order['id']}/execute?execution_price=9.00", {"execution_price": "9.00"}).fields == ["execution_price"]
    trades = rest.get(f"trades/by-order/{order['id']}").body
    assert [(trade["quantity"], trade["price"]) for trade in trades] == [("2", "9.90"), ("1", "9.80"), ("2", "9.70")]
    assert (trades[0]["trade_id"], trades[0]["is_maker"], trades[0]["liquidity_type"]) == ("venue-7", True, "maker")
    assert rest.available("USD") == D("100000.00") - D("2") * D("9.90") - D("9.80") - 2 * D("9.70") - D("0.30")
    assert rest.available("EX") == 1005


def test_trade_report(rest):
    order = rest.order(quantity="5")
    body = {"order_id": order["client_order_id"], "trade_id": "bn-1", "quantity": "1", "price": "9.00"}
    trade = rest.post("trades", {**body, "trade_time": "2026-11-27T09:30:00.250Z", "symbol": "EX-USD", "side": "buy", "trade_type": "spot"}, 201)
    assert (trade["trade_time"], trade["total_value"], trade["commission"]) == ("2026-11-27T09:30:00.250000Z", "9.00", "0.00")
    # order_id as the number that it also is.
    rest.post("trades", {**body, "order_id": order["id"], "trade_id": "bn-2"}, 201)
    for change, field in (({"symbol": "PERP-USD"}, "symbol"), ({"side": "sell"}, "side"), ({"trade_type": "futures"}, "trade_type")):
        assert rest.refuse(422, "VALIDATION_ERROR", "POST", "trades", {**body, "trade_id": "bn-3", **change}).fields == [field]
    rest.refuse(409, "ID_REUSED", "POST", "trades", {**body, "price": "8.00"})
    assert rest.get(f"orders/{order['id']}")["executed_quantity"] == "2"


def test_batch_of_mixed_outcomes(rest):
    new = lambda **changes: {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "10.00", **changes}
    orders = [new(client_order_id="a"), new(quantity="10000000"), new(symbol="NOPE"), new(client_order_id="a", price="11.00"), new(price="10.005"),
              new(order_type="stop_limit", stop_price="1.00"), new(side="sell", quantity="2"), new(client_order_id="a")]
    answer = rest.post("orders/batch", {"orders": orders}, 200)
    assert (answer["total_count"], answer["success_count"], answer["failed_count"]) == (8, 3, 5)
    assert [(row["index"], row["code"]) for row in answer["failed_orders"]] == [
        (1, "INSUFFICIENT_FUNDS"), (2, "UNKNOWN_INSTRUMENT"), (3, "ID_REUSED"), (4, "OFF_TICK"), (5, "NOT_SUPPORTED")]
    assert all(row["order_data"] == orders[row["index"]] and row["error"] for row in answer["failed_orders"])
    first, sell, repeat = answer["success_orders"]
    assert first == repeat and (first["client_order_id"], sell["side"]) == ("a", "sell")
    assert rest.get("orders")["total"] == 2
    # What is not even an order refuses the whole, before anything is done.
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", "orders/batch", {"orders": [new(), new(side="up")]}).fields == ["orders[1].side"]
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", "orders/batch", {"orders": []}).fields == ["orders"]
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", "orders/batch", {"orders": [new()] * 101}).fields == ["orders"]
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", "orders/batch", {"orders": [new(account_id=99)]}).fields == ["orders[0].account_id"]
    assert rest.get("orders")["total"] == 2
    assert rest.post("orders/batch", {"orders": [new()] * 100}, 200)["success_count"] == 100


def test_good_till_date(rest):
    order = rest.order(time_in_force="gtd", expire_time=iso(time.time() + 1.2), notes="soon")
    assert order["time_in_force"] == "gtd" and order["expire_time"].startswith("2")
    assert D(rest.get("balances/USD")["frozen_balance"]) == 10
    wait_until(lambda: rest.get(f"orders/{order['id']}")["status"] == "expired")
    assert D(rest.get("balances/USD")["frozen_balance"]) == 0
    assert [row["id"] for row in rest.get("orders", status="expired")["orders"]] == [order["id"]]
    assert rest.get("orders/summary")["expired_orders"] == 1
    rest.refuse(422, "ALREADY_EXPIRED", "POST", "orders", {
        "symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "1.00", "time_in_force": "gtd", "expire_time": iso(time.time() - 5)})
    # Zones are times, too.
    later = rest.order(time_in_force="gtd", expire_time="2031-01-01T01:00:00+01:00")
    assert later["expire_time"] == "2031-01-01T00:00:00Z"


def test_market_orders(rest):
    buy = rest.order(order_type="market", price=None, quantity="3", max_amount="50.00", symbol="EX-USD")
    assert (buy["order_type"], buy["price"], buy["status"]) == ("market", None, "submitted")
    assert D(rest.get("balances/USD")["frozen_balance"]) == D("50.00")
    done = rest.post(f"orders/{buy['id']}/execute", {"execution_price": "12.00"}, 200)
    assert (done["status"], done["avg_price"]) == ("filled", "12.00")
    assert rest.available("USD") == D("100000.00") - 36 and D(rest.get("balances/USD")["frozen_balance"]) == 0
    assert rest.order(order_type="market", price=None, side="sell", quantity="2")["order_type"] == "market"
    rest.refuse(400, "NO_MARK", "POST", "orders", {"symbol": "NOMARK-USD", "order_type": "market", "side": "buy", "quantity": "1"})
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", "orders", {
        "symbol": "EX-USD", "order_type": "market", "side": "buy", "quantity": "1", "price": "1.00"}).fields == ["price"]
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", "orders", {
        "symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1"}).fields == ["price"]


def test_order_of_another_account_is_not_there(rest, rest_service):
    order = rest.order(client_order_id="private")
    with rest_service.rest(account=rest.account + 500_000) as other:
        other.deposit("USD", "1.00")
        for name in (order["id"], "private"):
            other.refuse(404, "UNKNOWN_ORDER", "GET", f"orders/{name}")
            other.refuse(404, "UNKNOWN_ORDER", "DELETE", f"orders/{name}")


# -- Positions ---------------------------------------------------------------------------------------------------------

def fill(rest, side, quantity, price, fee="0", symbol="EX-USD"):
    order = rest.order(symbol=symbol, side=side, quantity=quantity, price=price)
    rest.post(f"orders/{order['id']}/execute", {"execution_price": price, "commission": fee}, 200)


@pytest.mark.parametrize("fills, net, average, realized", [
    ([("sell", "5", "100", "0"), ("buy", "2", "90", "0")], "-3", "100.00", "20"),
    ([("sell", "5", "100", "0"), ("sell", "2", "110", "0")], "-7", "102.8571", "0"),
    ([("buy", "2", "100", "0"), ("sell", "5", "120", "0")], "-3", "120.00", "40"),
    ([("buy", "1", "100", "0.1"), ("buy", "1", "100", "0.1"), ("buy", "1", "130", "0"), ("sell", "3", "150", "0.45")], "0", None, "119.35")])
def test_position_rules(rest, fills, net, average, realized):
    for side, quantity, price, fee in fills:
        fill(rest, side, quantity, price + ".00", fee)
    position = rest.get("positions/EX-USD")
    assert (position["net_quantity"], position["average_price"], D(position["realized_pnl"])) == (net, average, D(realized))
    assert position["side"] == ("flat" if net == "0" else "short") and position["is_flat"] is (net == "0")


def test_take_over(rest):
    body = {"symbol": "PERP-USD", "side": "short", "quantity": "4", "average_price": "61.25", "reference": "migration"}
    position = rest.post("positions", body, 201)
    assert (position["side"], position["quantity"], position["net_quantity"], position["average_price"]) == ("short", "4", "-4", "61.25")
    assert D(position["total_cost"]) == 245 and D(position["realized_pnl"]) == 0
    assert rest.post("positions", body, 201)["net_quantity"] == "-4"
    rest.refuse(409, "ID_REUSED", "POST", "positions", {**body, "quantity": "5"})
    rest.refuse(409, "POSITION_EXISTS", "POST", "positions", {**body, "reference": "again"})
    assert rest.get("positions")["total"] == 1


def test_close(rest):
    fill(rest, "buy", "6", "10.00")
    part = rest.post("positions/close", {"symbol": "EX-USD", "quantity": "2", "price": "11.00", "reason": "take profit", "client_order_id": "c1"}, 200)
    order = part["order"]
    assert (order["side"], order["quantity"], order["price"], order["notes"], part["closed_quantity"], part["is_fully_closed"]) == (
        "sell", "2", "11.00", "take profit", "0", False)
    assert rest.get("positions/EX-USD")["frozen_quantity"] == "2"
    rest.post(f"orders/{order['id']}/execute", {"execution_price": "11.00"}, 200)
    # All that is left, at the market.
    whole = rest.post("positions/close", {"symbol": "EX-USD"}, 200)
    assert (whole["order"]["order_type"], whole["order"]["quantity"]) == ("market", "4")
    rest.post(f"orders/{whole['order_id']}/execute", {"execution_price": "12.00"}, 200)
    position = rest.get("positions/EX-USD")
    assert position["is_flat"] and D(position["realized_pnl"]) == 2 + 8
    assert position["first_trade_time"] <= position["last_trade_time"]
    rest.refuse(400, "NO_POSITION", "POST", "positions/close", {"symbol": "EX-USD"})


def test_marks(rest, rest_service):
    with rest_service.rest(account=rest.account) as client:
        symbol = f"MARK{rest.account}"
        client.post("instruments", {"symbol": symbol, "venue": "lab", "balance_type": "spot", "base_asset": "EX", "quote_asset": "USD", "tick": "0.01",
                                    "lot": "1"}, 201)
        fill(client, "buy", "3", "10.00", symbol=symbol)
        assert client.get(f"positions/{symbol}")["unrealized_pnl"] is None
        answer = client.post("positions/update-prices", {"prices": {symbol: "12.50", "PERP-USD": 7}}, 200)
        assert answer["updated_symbols"] == [symbol, "PERP-USD"]
        position = client.get(f"positions/{symbol}")
        assert [D(position[name]) for name in ("market_price", "market_value", "unrealized_pnl", "unrealized_pnl_percentage")] == [
            D("12.5"), D("37.5"), D("7.5"), D(25)]
        client.refuse(404, "UNKNOWN_INSTRUMENT", "POST", "positions/update-prices", {"prices": {"NOPE": "1.00"}})
        assert client.refuse(422, "VALIDATION_ERROR", "POST", "positions/update-prices", {"prices": {symbol: "0"}}).fields == [f"prices.{symbol}"]
        assert client.refuse(422, "VALIDATION_ERROR", "POST", "positions/update-prices", {"prices": {}}).fields == ["prices"]


def test_risk_and_limits(rest):
    fill(rest, "buy", "6", "10.00")
    risk = rest.get("positions/EX-USD/risk")
    assert (risk["risk_level"], risk["max_position"], risk["max_additional_buy"], risk["trading_enabled"]) == ("none", None, None, True)
    limit = rest.expect(200, "PUT", "limits", {"symbol": "EX-USD", "max_position": "10", "max_notional": "500.00", "max_quantity": "8"})
    assert (limit["symbol"], D(limit["max_position"]), D(limit["max_notional"]), D(limit["max_quantity"]), limit["enabled"]) == ("EX-USD", 10, 500, 8, True)
    rest.order(quantity="1", price="9.00")
    risk = rest.get("positions/EX-USD/risk")
    assert (risk["risk_level"], D(risk["position_used_percentage"]), D(risk["max_additional_buy"]), D(risk["max_additional_sell"]), D(risk["max_notional"])) == (
        "medium", 60, 3, 16, 500)
    new = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "4", "price": "10.00"}
    answer = rest.refuse(400, "LIMIT_POSITION", "POST", "orders", new)
    assert answer["details"]["limit"] and answer["details"]["value"]
    rest.refuse(400, "LIMIT_QTY", "POST", "orders", {**new, "quantity": "9", "side": "sell"})
    rest.refuse(400, "LIMIT_NOTIONAL", "POST", "orders", {**new, "quantity": "3", "price": "500.00"})
    # null takes a limit away, what is left out stays.
    limit = rest.expect(200, "PUT", "limits", {"symbol": "EX-USD", "max_position": None})
    assert (limit["max_position"], D(limit["max_quantity"])) == (None, 8)
    rest.post("orders", new, 201)
    rest.expect(200, "PUT", "limits", {"balance_type": "spot", "max_open_orders": 2})
    rest.refuse(400, "LIMIT_OPEN_ORDERS", "POST", "orders", {**new, "quantity": "1"})
    rest.expect(200, "PUT", "limits", {"balance_type": "spot", "max_open_orders": 3})
    assert rest.expect(200, "PUT", "limits", {"symbol": "EX-USD", "enabled": False})["enabled"] is False
    rest.refuse(400, "LIMIT_DISABLED", "POST", "orders", new)
    assert rest.get("positions/EX-USD/risk")["trading_enabled"] is False
    rows = rest.get("limits")["limits"]
    assert {(row["symbol"], row["max_open_orders"]) for row in rows} >= {("EX-USD", None), (None, 3)}
    assert rest.refuse(422, "VALIDATION_ERROR", "PUT", "limits", {"symbol": "EX-USD"}).fields == ["body"]
    assert rest.refuse(422, "VALIDATION_ERROR", "PUT", "limits", {"symbol": "EX-USD", "balance_type": "spot", "enabled": True}).fields == ["balance_type"]


# -- The desk ----------------------------------------------------------------------------------------------------------

def test_balances(rest):
    made = rest.post("balances", {"asset": "BTC", "total_balance": "2", "frozen_balance": "0.5", "balance_type": "margin"}, 201)
    assert [D(made[name]) for name in ("total_balance", "available_balance", "frozen_balance", "held_balance")] == [D(2), D("1.5"), D("0.5"), D("0.5")]
    change = {"asset": "BTC", "amount": "0.25", "balance_type": "margin"}
    for path, before, after in (("add", "1.5", "1.75"), ("subtract", "1.75", "1.5"), ("freeze", "1.5", "1.25"), ("unfreeze", "1.25", "1.5")):
        answer = rest.post(f"balances/{path}", {**change, "reference_id": f"r-{path}", "reason": "because"}, 200)
        assert [D(answer[name]) for name in ("balance_before", "balance_after", "operation_amount")] == [D(before), D(after), D("0.25")], path
        assert answer["reference"] == f"r-{path}" and answer["is_repeat"] is False
    rest.refuse(400, "INSUFFICIENT_FUNDS", "POST", "balances/subtract", {**change, "amount": "3"})
    rest.refuse(400, "INSUFFICIENT_FUNDS", "POST", "balances/freeze", {**change, "amount": "3"})
    rest.refuse(400, "INSUFFICIENT_HELD", "POST", "balances/unfreeze", {**change, "amount": "3"})
    rest.refuse(404, "UNKNOWN_ASSET", "POST", "balances/add", {**change, "asset": "NOPE"})
    rest.refuse(404, "UNKNOWN_WALLET", "POST", "balances/add", {**change, "balance_type": "nope"})
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", "balances", {"asset": "BTC", "total_balance": "1", "frozen_balance": "2"}).fields == ["frozen_balance"]
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", "balances", {
        "asset": "BTC", "total_balance": "3", "frozen_balance": "1", "available_balance": "1"}).fields == ["available_balance"]
    assert rest.refuse(422, "VALIDATION_ERROR", "POST", "balances/transfer", {
        "from_balance_type": "spot", "to_balance_type": "spot", "asset": "USD", "amount": "1.00"}).fields == ["to_balance_type"]


def test_suspend_modes(rest):
    order = rest.order()
    account = rest.account
    new = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "10.00"}
    stopped = rest.post(f"accounts/{account}/suspend", {"mode": "no_new_orders"}, 200)
    assert (stopped["status"], stopped["mode"], stopped["cancelled_count"]) == ("open", "no_new_orders", 0)
    rest.refuse(400, "LIMIT_DISABLED", "POST", "orders", new)
    assert rest.get(f"orders/{order['id']}")["status"] == "submitted"
    rest.post(f"accounts/{account}/resume", {"mode": "no_new_orders"}, 200)
    rest.post("orders", new, 201)
    stopped = rest.post(f"accounts/{account}/suspend", None, 200)
    assert (stopped["status"], stopped["mode"], stopped["cancelled_count"]) == ("suspended", "cancel_all", 2)
    rest.refuse(400, "ACCOUNT_SUSPENDED", "POST", "orders", new)
    assert {row["status"] for row in rest.get("orders")["orders"]} == {"cancelled"}
    assert {row["cancel_reason"] for row in rest.get("orders")["orders"]} == {"suspended"}
    assert [row["status"] for row in rest.get("accounts")["accounts"] if row["account_id"] == account] == ["suspended"]
    # Money still comes in.
    rest.deposit("USD", "1.00")
    assert rest.post(f"accounts/{account}/resume", {}, 200)["status"] == "open"
    rest.post("orders", new, 201)


def test_resume_without_a_mode_lifts_both(rest):
    account = rest.account
    new = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "10.00"}
    rest.deposit("USD", "100.00")
    rest.post(f"accounts/{account}/suspend", {"mode": "no_new_orders"}, 200)
    rest.post(f"accounts/{account}/suspend", None, 200)
    # With a mode only that one.
    rest.post(f"accounts/{account}/resume", {"mode": "cancel_all"}, 200)
    rest.refuse(400, "LIMIT_DISABLED", "POST", "orders", new)
    resumed = rest.post(f"accounts/{account}/resume", None, 200)
    assert (resumed["status"], resumed["mode"], resumed["cancelled_count"]) == ("open", "all", 0)
    rest.post("orders", new, 201)
    rest.post(f"accounts/{account}/suspend", {"mode": "no_new_orders"}, 200)
    rest.post(f"accounts/{account}/suspend", None, 200)
    rest.post(f"accounts/{account}/resume", {}, 200)
    rest.post("orders", new, 201)


def test_resume_makes_no_limits_of_its_own(rest):
    account = rest.account
    rest.deposit("USD", "1.00")
    rest.post(f"accounts/{account}/suspend", None, 200)
    rest.post(f"accounts/{account}/resume", None, 200)
    assert all(limit["is_default"] for limit in rest.get("limits")["limits"])


def test_kill_switch(fresh):
    service = fresh(http=True, loops=2)
    new = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "10.00"}
    clients = [service.rest(account=account) for account in (1, 2, 3)]
    for client in clients:
        client.deposit("USD", "1000.00")
        client.post("orders/batch", {"orders": [new] * 4}, 200)
    killed = clients[0].post("kill", None, 200)
    assert (killed["accounts"], killed["cancelled_count"]) == (3, 12)
    for client in clients:
        client.refuse(400, "ACCOUNT_SUSPENDED", "POST", "orders", new)
        assert client.get("orders", status="submitted")["total"] == 0
    service.restart()
    for client in clients:
        client.close()
        client.refuse(400, "ACCOUNT_SUSPENDED", "POST", "orders", new)
    assert clients[0].expect(200, "DELETE", "kill")["accounts"] == 3
    for client in clients:
        client.post("orders", new, 201)
        client.close()


def test_accounts(rest):
    number = rest.account + 700_000
    assert rest.post("accounts", {"account_id": number}, 201).body == {"account_id": number, "status": "open"}
    assert rest.post("accounts", {"account_id": number}, 201)["status"] == "open"
    listed = rest.get("accounts")
    assert {"account_id": number, "status": "open"} in listed["accounts"] and listed["total"] == len(listed["accounts"])


def test_instruments(rest):
    symbol = f"I{rest.account}"
    body = {"symbol": symbol, "venue": "lab", "balance_type": "spot", "base_asset": "EX", "quote_asset": "USD", "tick": "0.05", "lot": "2", "min_notional": "5.00"}
    made = rest.post("instruments", body, 201)
    assert (made["symbol"], made["tick"], made["lot"], made["state"], made["mark_price"], made["min_notional"], made["price_scale"]) == (
        symbol, "0.05", "2", "trading", None, "5.00", 4)
    assert made.body in rest.get("instruments")["instruments"]
    assert rest.post("instruments", body, 201).body == made.body
    new = {"symbol": symbol, "order_type": "limit", "side": "buy", "quantity": "2", "price": "10.05"}
    rest.refuse(422, "OFF_TICK", "POST", "orders", {**new, "price": "10.01"})
    rest.refuse(422, "OFF_LOT", "POST", "orders", {**new, "quantity": "3"})
    rest.refuse(400, "NOTIONAL_TOO_SMALL", "POST", "orders", {**new, "price": "1.00"})
    changed = rest.expect(200, "PATCH", f"instruments/{symbol}", {"tick": "0.01", "max_quantity": "10"})
    assert (changed["tick"], changed["max_quantity"], changed["lot"]) == ("0.01", "10", "2")
    rest.refuse(422, "QTY_OUT_OF_BOUNDS", "POST", "orders", {**new, "quantity": "12"})
    assert rest.expect(200, "PATCH", f"instruments/{symbol}", {"state": "halted"})["state"] == "halted"
    rest.refuse(400, "INSTRUMENT_HALTED", "POST", "orders", new)
    rest.expect(200, "PATCH", f"instruments/{symbol}", {"state": "trading"})
    rest.post("orders", new, 201)
    assert rest.refuse(422, "VALIDATION_ERROR", "PATCH", f"instruments/{symbol}", {}).fields == ["body"]
    assert rest.refuse(422, "VALIDATION_ERROR", "PATCH", f"instruments/{symbol}", {"base_asset": "BTC"}).fields == ["base_asset"]
    rest.refuse(404, "UNKNOWN_VENUE", "POST", "instruments", {**body, "symbol": symbol + "b", "venue": "nope"})
    rest.refuse(404, "UNKNOWN_ASSET", "POST", "instruments", {**body, "symbol": symbol + "b", "base_asset": "NOPE"})
    assert "lab" in [venue["name"] for venue in rest.get("venues")["venues"]]
    assert {"spot", "margin", "futures", "options", "savings"} <= set(rest.get("wallets")["wallets"])
    assert {"asset": "EX", "decimals": 0} in rest.get("assets")["assets"]


def test_exposure_of_all(fresh):
    service = fresh(http=True)
    with service.rest(account=1) as one, service.rest(account=2) as two:
        for client in (one, two):
            client.deposit("USD", "1000.00")
            client.deposit("EX", "100")
        fill(one, "buy", "6", "10.00")
        fill(two, "sell", "4", "10.00")
        two.order(side="buy", quantity="1")
        one.post("positions/update-prices", {"prices": {"EX-USD": "11.00"}}, 200)
        exposure = one.get("exposure", account_id="all")
        row, = exposure["instruments"]
        assert [D(row[name]) for name in ("long_quantity", "short_quantity", "net_quantity", "open_buy_quantity", "gross_value", "net_value",
                                          "unrealized_pnl")] == [6, 4, 2, 1, 110, 22, 6 - 4]
        assets = {asset["asset"]: asset for asset in exposure["assets"]}
        assert (exposure["accounts"], D(assets["USD"]["total"]), D(assets["EX"]["total"])) == (2, 1980, 202)
        value, = [value for value in assets["EX"]["values"] if value["symbol"] == "EX-USD"]
        assert D(value["value"]) == 202 * 11
        assert one.get("exposure")["accounts"] == 1
        assert {row["account_id"] for row in one.all("orders", "orders", account_id="all")} == {1, 2}
        assert one.get("balances", account_id="all")["total"] == 4


def test_audit(rest):
    order = rest.order(client_order_id="audited")
    rest.refuse(400, "INSUFFICIENT_FUNDS", "POST", "orders", {
        "symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1000000", "price": "999.00"})
    rest.post(f"orders/{order['id']}/execute", {"execution_price": "9.00"}, 200)
    lines = rest.get("audit")["lines"]
    assert [line["time"] for line in lines] == sorted((line["time"] for line in lines), reverse=True)
    assert {line["account_id"] for line in lines} <= {rest.account, None}
    events = [(line["event"], line["code"]) for line in lines]
    assert events.count(("refused", "INSUFFICIENT_FUNDS")) == 1
    assert {("order_entered", None), ("order_closed", None), ("trade", None), ("balance", None)} <= set(events)
    assert all(line["code"] is None for line in rest.get("audit", refused=False)["lines"])
    # Behind a new order its state is read, which is refused, too, where there is none.
    refused, = [line for line in rest.get("audit", refused=True)["lines"] if " ORD " not in line["what"]]
    assert refused["lsn"] is None and refused["details"]["asset"] == "USD"
    assert len(rest.get("audit", limit=2)["lines"]) == 2
    assert rest.get("audit", end_time="2020-01-01T00:00:00Z")["lines"] == []


def test_sessions(rest, rest_service):
    with rest_service.lines() as lines:
        peer = "%s:%d" % lines.socket.getsockname()
        assert lines.ask("1 AUTH - session=desk-seven").startswith("+1 OK")
        rows = rest.get("sessions")
        assert rows["total"] == len(rows["sessions"])
        row, = [row for row in rows["sessions"] if row["name"] == "desk-seven"]
        assert row["peer"] == peer and row["opened_at"] <= row["last_heard_at"]


def test_log_level(fresh):
    service = fresh(http=True, laboratory=False)
    with service.rest() as client:
        assert client.get("log-level")["level"] == "info"
        assert client.expect(200, "PUT", "log-level", {"level": "debug"})["level"] == "debug"
        assert client.get("log-level")["level"] == "debug"
        assert client.refuse(422, "VALIDATION_ERROR", "PUT", "log-level", {"level": "loud"}).fields == ["level"]
        client.expect(200, "PUT", "log-level", {"level": "info"})


def test_live_and_historic_after_a_crash(fresh):
    """kill -9: the same answers as before, to the byte."""
    service = fresh(http=True, loops=2)
    with service.rest(account=7) as client:
        client.deposit("USD", "10000.00")
        client.deposit("EX", "100")
        for n in range(10):
            order = client.order(quantity="2", price=f"{10 + n}.00", client_order_id=f"o{n}")
            if n % 3:
                client.post(f"orders/{order['id']}/execute", {"execution_price": f"{10 + n}.00", "execution_quantity": str(n % 3)}, 200)
            if n % 4 == 3:
                client.ask("DELETE", f"orders/{order['id']}")
        paths = ["orders", "orders/summary", "trades", "trades/summary", "trades/statistics", "positions", "positions/summary", "positions/EX-USD", "balances",
                 "balances/summary", "balances/ledger", "limits", "exposure", "instruments", "accounts", "orders/o4", "trades/by-order/o4"]
        before = {path: client.get(path).body for path in paths}
    service.restart()
    with service.rest(account=7) as client:
        for path in paths:
            assert client.get(path).body == before[path], path
