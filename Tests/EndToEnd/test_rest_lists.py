"""Lists over REST: what is live and what is history as one list, their filters, and totals against numbers computed here."""

import random
import threading
from collections import defaultdict
from decimal import Decimal as D
from decimal import ROUND_HALF_EVEN

import pytest

ORDERS = 90


# -- Paging while orders close -----------------------------------------------------------------------------------------

def test_pages_have_no_gap_and_no_duplicate_while_orders_close(rest, rest_service):
    """One client pages from the newest to the oldest, again and again, while another fills and cancels in random order: an order that stood still in
    the list, because none before it came or went, is on exactly one page, wherever it moved from open to closed."""
    orders = [rest.order(quantity="1", price=f"{10 + n % 7}.00") for n in range(ORDERS)]
    expected = [order["id"] for order in reversed(orders)]
    closing = orders[:]
    random.Random(4).shuffle(closing)
    failures = []

    def close():
        try:
            with rest_service.rest(account=rest.account) as client:
                for n, order in enumerate(closing):
                    if n % 2:
                        client.expect(200, "DELETE", f"orders/{order['id']}")
                    else:
                        client.post(f"orders/{order['id']}/execute", {"execution_price": "10.00"}, 200)
        except BaseException as error:
            failures.append(error)
    thread = threading.Thread(target=close)
    thread.start()
    rounds = mixed = 0
    while thread.is_alive() or rounds == 0:
        rows = rest.all("orders", "orders", size=(7, 20, 100)[rounds % 3])
        assert [row["id"] for row in rows] == expected
        opened = sum(row["status"] in ("submitted", "partial_filled") for row in rows)
        mixed += 0 < opened < ORDERS
        # Those of one status, which come and go meanwhile: none twice, none that never was.
        for status in ("filled", "submitted"):
            some = [row["id"] for row in rest.get("orders", status=status, size=100)["orders"]]
            assert len(set(some)) == len(some) and set(some) <= set(expected) and some == sorted(some, reverse=True)
        rounds += 1
    thread.join()
    assert not failures, failures
    assert rounds >= 2 and mixed, "the list was never a mixed one"
    rows = rest.all("orders", "orders", size=11)
    assert [row["id"] for row in rows] == expected
    assert {row["status"] for row in rows} == {"filled", "cancelled"}


def test_pages(rest):
    for n in range(7):
        rest.order()
    first = rest.get("orders", size=3)
    assert (first["total"], first["page"], first["size"], first["pages"], len(first["orders"])) == (7, 1, 3, 3, 3)
    last = rest.get("orders", size=3, page=3)
    assert len(last["orders"]) == 1
    behind = rest.get("orders", size=3, page=4)
    assert (behind["orders"], behind["total"], behind["pages"]) == ([], 7, 3)
    assert rest.get("orders", page=1_000_000, size=100)["orders"] == []
    assert rest.get("orders")["size"] == 20
    for path, name in (("positions", "positions"), ("balances", "balances"), ("trades", "trades"), ("balances/ledger", "lines")):
        far = rest.get(path, page=1_000_000, size=100)
        assert far[name] == [] and far["page"] == 1_000_000


# -- A history of one's own, and the same computed here ------------------------------------------------------------------

# side, quantity, price, fills: (quantity, price, fee, fee asset, maker), then cancelled or not, strategy
SCRIPT = [
    ("buy", "10", "10.00", [("4", "9.90", "0.40", "USD", True), ("6", "10.00", "0", "USD", False)], False, "grid"),
    ("buy", "5", "11.00", [("2", "10.50", "1", "EX", True)], True, "grid"),
    ("sell", "8", "12.00", [("8", "12.50", "0.25", "USD", False)], False, "mean:Mean reversion"),
    ("sell", "3", "9.00", [("1", "9.00", "0.0001", "FEE", None)], False, None),
    ("sell", "20", "8.00", [("10", "8.00", "0", "USD", True), ("10", "8.40", "1.10", "USD", True)], False, "mean"),
    ("buy", "30", "9.00", [("5", "7.77", "0.10", "USD", True)], True, None),
    ("sell", "2", "15.00", [], True, "grid"),
    ("buy", "2", "5.00", [], False, "grid"),
]


@pytest.fixture(scope="module")
def book(rest_service):
    """The script above, done over REST: (client, orders, trades), with what each request was answered."""
    account = 900_001
    orders, trades = [], []
    with rest_service.rest(account=account) as client:
        client.deposit("USD", "10000.00", reference="in")
        client.deposit("EX", "1000", reference="in-ex")
        client.deposit("FEE", "1", reference="in-fee")
        for number, (side, quantity, price, fills, cancel, strategy) in enumerate(SCRIPT):
            name, _, title = (strategy or "").partition(":")
            order = client.order(side=side, quantity=quantity, price=price, strategy_id=name or None, strategy_name=title or None,
                                 client_order_id=f"book-{number}")
            for k, (fill, at, fee, asset, maker) in enumerate(fills):
                trade = client.post("trades", {"order_id": order["order_id"], "trade_id": f"b{number}-{k}", "quantity": fill, "price": at, "commission": fee,
                                               "commission_asset": asset, **({} if maker is None else {"is_maker": maker})}, 201)
                trades.append(trade.body)
            if cancel:
                client.expect(200, "DELETE", f"orders/{order['id']}", {"reason": "enough"})
            orders.append(client.get(f"orders/{order['id']}").body)
        yield client, orders, trades


def test_orders_and_filters(book):
    client, orders, _ = book
    newest = orders[::-1]
    assert client.all("orders", "orders", size=3) == newest
    conditions = {
        "symbol=EX-USD": lambda o: True, "symbol=PERP-USD": lambda o: False, "side=buy": lambda o: o["side"] == "buy",
        "order_type=limit": lambda o: True, "order_type=market": lambda o: False, "strategy_id=grid": lambda o: o["strategy_id"] == "grid",
        "strategy_id=mean": lambda o: o["strategy_id"] == "mean", "status=filled": lambda o: o["status"] == "filled",
        "status=cancelled": lambda o: o["status"] == "cancelled", "status=submitted": lambda o: o["status"] == "submitted",
        "status=partial_filled": lambda o: o["status"] == "partial_filled", "status=expired": lambda o: False, "status=pending": lambda o: False,
        "status=rejected": lambda o: False, "min_quantity=5": lambda o: D(o["quantity"]) >= 5, "max_quantity=5.0": lambda o: D(o["quantity"]) <= 5,
        "min_price=10": lambda o: D(o["price"]) >= 10, "max_price=10.00": lambda o: D(o["price"]) <= 10,
        f"start_time={orders[3]['created_at']}": lambda o: o["created_at"] >= orders[3]["created_at"],
        f"end_time={orders[3]['created_at']}": lambda o: o["created_at"] < orders[3]["created_at"],
        "side=sell&min_price=9&strategy_id=mean": lambda o: o["side"] == "sell" and D(o["price"]) >= 9 and o["strategy_id"] == "mean",
    }
    for query, condition in conditions.items():
        answer = client.get(f"orders?{query}")
        assert answer["orders"] == [order for order in newest if condition(order)], query
        assert answer["total"] == len(answer["orders"])
    for order in orders:
        assert client.get(f"orders/{order['client_order_id']}").body == order
    by_status = lambda status: sum(order["status"] == status for order in orders)
    assert [by_status(status) for status in ("filled", "cancelled", "partial_filled", "submitted")] == [3, 3, 1, 1]


def test_order_facts(book):
    _, orders, _ = book
    first = orders[0]
    assert (first["status"], first["executed_quantity"], first["remaining_quantity"], first["avg_price"]) == ("filled", "10", "0", "9.96")
    assert (first["commission"], first["commission_asset"], first["commissions"]) == ("0.40", "USD", {"USD": "0.40"})
    assert (orders[2]["strategy_id"], orders[2]["strategy_name"]) == ("mean", "Mean reversion")
    assert (orders[5]["cancel_reason"], orders[5]["executed_quantity"], orders[5]["avg_price"]) == ("enough", "5", "7.77")
    assert orders[3]["commissions"] == {"FEE": "0.0001"}


def test_order_summary(book):
    client, orders, trades = book
    summary = client.get("orders/summary?days=1")
    assert {name: summary[name] for name in ("days", "total_orders", "active_orders", "completed_orders", "cancelled_orders", "expired_orders")} == {
        "days": 1, "total_orders": 8, "active_orders": 2, "completed_orders": 3, "cancelled_orders": 3, "expired_orders": 0}
    closed = {order["order_id"] for order in orders if order["status"] in ("filled", "cancelled")}
    done = [trade for trade in trades if trade["order_id"] in closed]
    volume, value = sum(D(trade["quantity"]) for trade in done), sum(D(trade["quantity"]) * D(trade["price"]) for trade in done)
    assert [(row["symbol"], row["quote_asset"], D(row["total_volume"]), D(row["total_value"])) for row in summary["volumes"]] == [
        ("EX-USD", "USD", volume, value)]
    assert D(summary["avg_execution_time"]) > 0


def test_trades_and_filters(book):
    client, orders, trades = book
    rows = client.all("trades", "trades", size=4)
    # The list has each trade as its report was answered, and what it did to the position.
    bare = lambda trade: {name: value for name, value in trade.items() if name != "realized_pnl"}
    newest = rows
    assert [bare(row) for row in rows] == [bare(trade) for trade in reversed(trades)]
    assert all(trade["realized_pnl"] is None for trade in trades) and all(row["realized_pnl"] is not None for row in rows)
    value = lambda t: D(t["quantity"]) * D(t["price"])
    conditions = {
        "symbol=EX-USD": lambda t: True, "base_asset=BTC": lambda t: False, "quote_asset=USD": lambda t: True, "side=sell": lambda t: t["side"] == "sell",
        f"order_id={orders[0]['id']}": lambda t: t["order_id"] == orders[0]["order_id"], "strategy_id=mean": lambda t: t["strategy_id"] == "mean",
        "liquidity_type=maker": lambda t: t["is_maker"] is True, "liquidity_type=taker": lambda t: t["is_maker"] is False,
        "min_quantity=6": lambda t: D(t["quantity"]) >= 6, "max_quantity=4": lambda t: D(t["quantity"]) <= 4, "min_price=10": lambda t: D(t["price"]) >= 10,
        "max_price=8.4": lambda t: D(t["price"]) <= D("8.4"), "min_value=60": lambda t: value(t) >= 60, "max_value=60": lambda t: value(t) <= 60,
        f"start_time={trades[4]['created_at']}": lambda t: t["created_at"] >= trades[4]["created_at"],
        f"end_time={trades[4]['created_at']}": lambda t: t["created_at"] < trades[4]["created_at"],
    }
    for query, condition in conditions.items():
        assert client.get(f"trades?{query}")["trades"] == [trade for trade in newest if condition(trade)], query
    for key, name in ((lambda t: D(t["quantity"]), "quantity"), (lambda t: D(t["price"]), "price"), (value, "value")):
        for descending in (True, False):
            found = [key(trade) for trade in client.get("trades", sort_by=name, sort_desc=descending)["trades"]]
            assert found == sorted(map(key, newest), reverse=descending), name
    for row in newest:
        assert client.get(f"trades/{row['id']}").body == row
        assert client.get(f"trades/by-trade-id/{row['trade_id']}").body == row
        assert D(row["total_value"]) == value(row)
        fee = D(row["commission"])
        if row["commission_asset"] == "USD":
            assert D(row["net_value"]) == (value(row) + fee if row["side"] == "buy" else value(row) - fee)
            assert D(row["commission_rate"]) == (fee / value(row)).quantize(D(1).scaleb(-8), ROUND_HALF_EVEN)
        else:
            assert row["net_value"] is None and row["commission_rate"] is None
    assert [row["id"] for row in client.get(f"trades/by-order/{orders[4]['order_id']}").body] == [t["id"] for t in trades if t["order_id"] == orders[4]["order_id"]]


def truncated(value, scale=18):
    return D(int(value.scaleb(scale))).scaleb(-scale)


def positions(trades):
    """The position rules, once more and slowly: weighted average cost, fees in quote and (at the fill's price) in base against realized PnL. Gives the
    realized PnL of each trade, whether it closed something, and the position at the end: (net, cost, realized)."""
    net = cost = realized = D(0)
    steps = []
    for trade in trades:
        quantity, price, fee = D(trade["quantity"]), D(trade["price"]), D(trade["commission"])
        signed = quantity if trade["side"] == "buy" else -quantity
        before = realized
        closes = net != 0 and (net > 0) != (signed > 0)
        if closes:
            closed = min(abs(net), quantity)
            removed = truncated(cost * closed / abs(net)) if closed < abs(net) else cost
            realized += closed * price - removed if net > 0 else removed - closed * price
            cost -= removed
            opened = quantity - closed
        else:
            opened = quantity
        cost += opened * price
        net += signed
        realized -= fee if trade["commission_asset"] == "USD" else fee * price if trade["commission_asset"] == "EX" else 0
        steps.append((realized - before, closes))
    return steps, (net, cost, realized)


def test_trade_totals(book):
    client, _, trades = book
    steps, _ = positions(trades)
    listed = client.all("trades", "trades")[::-1]
    assert [D(row["realized_pnl"]) for row in listed] == [step for step, _ in steps]
    value = lambda t: D(t["quantity"]) * D(t["price"])
    buys, sells = ([t for t in trades if t["side"] == side] for side in ("buy", "sell"))
    fees = defaultdict(D)
    for trade in trades:
        fees[trade["commission_asset"]] += D(trade["commission"])
    won = sum(closes and step > 0 for step, closes in steps)
    lost = sum(closes and step < 0 for step, closes in steps)
    assert won and lost
    largest = max(map(value, trades))

    def judge(row, some=trades, steps=steps):
        buys, sells = ([t for t in some if t["side"] == side] for side in ("buy", "sell"))
        won = sum(closes and step > 0 for step, closes in steps)
        lost = sum(closes and step < 0 for step, closes in steps)
        bought, sold = sum(map(value, buys), D(0)), sum(map(value, sells), D(0))
        assert (row["quote_asset"], row["total_trades"], row["buy_trades"], row["sell_trades"]) == ("USD", len(some), len(buys), len(sells))
        assert [D(row[name]) for name in ("total_value", "buy_value", "sell_value", "net_value", "total_realized_pnl", "largest_trade_value")] == [
            bought + sold, bought, sold, bought - sold, sum(step for step, _ in steps), max(map(value, some))]
        assert (row["winning_trades"], row["losing_trades"]) == (won, lost)
        rate = (D(won) / (won + lost)).quantize(D("0.0001"), ROUND_HALF_EVEN) if won + lost else None
        assert (row["win_rate"] and D(row["win_rate"])) == rate
    summary = client.get("trades/summary?days=2")
    assert (summary["period_days"], summary["total_trades"], summary["symbols_traded"], summary["most_active_symbol"]) == (2, len(trades), 1, "EX-USD")
    assert {asset: D(fee) for asset, fee in summary["total_fees"].items() if D(fee)} == {asset: fee for asset, fee in fees.items() if fee}
    judge(summary["quotes"][0])
    symbol = summary["symbols"][0]
    judge(symbol)
    volume = lambda some: sum(D(t["quantity"]) for t in some)
    assert [D(symbol[name]) for name in ("total_volume", "buy_volume", "sell_volume", "net_volume", "min_price", "max_price")] == [
        volume(trades), volume(buys), volume(sells), volume(buys) - volume(sells), min(D(t["price"]) for t in trades), max(D(t["price"]) for t in trades)]
    average = sum(map(value, trades)) / volume(trades)
    assert D(symbol["avg_price"]) == average.quantize(D(symbol["avg_price"]), ROUND_HALF_EVEN)
    assert largest == D(summary["quotes"][0]["largest_trade_value"])

    statistics = client.get("trades/statistics")
    for rows, key in ((statistics["days"], lambda t: t["created_at"][:10]), (statistics["hours"], lambda t: int(t["created_at"][11:13])),
                      (statistics["strategies"], lambda t: t["strategy_id"])):
        groups = defaultdict(list)
        for trade, step in zip(trades, steps):
            groups[key(trade)].append((trade, step))
        found = {}
        for row in rows:
            found.setdefault(row.get("day", row.get("hour", row.get("strategy_id"))), []).append(row)
        assert set(found) == set(groups)
        for name, pairs in groups.items():
            if len(found[name]) == 1:
                judge(found[name][0], [trade for trade, _ in pairs], [step for _, step in pairs])


def test_position(book):
    client, _, trades = book
    _, (net, cost, realized) = positions(trades)
    client.post("positions/update-prices", {"prices": {"EX-USD": "9.25"}})
    position = client.get("positions/EX-USD").body
    unrealized = net * D("9.25") - cost if net > 0 else cost - abs(net) * D("9.25")
    assert net < 0 and position["side"] == "short"
    assert [D(position[name]) for name in ("quantity", "net_quantity", "total_cost", "realized_pnl", "unrealized_pnl", "market_price", "position_value")] == [
        abs(net), net, cost, realized, unrealized, D("9.25"), abs(net) * D("9.25")]
    assert D(position["unrealized_pnl_percentage"]) == (unrealized * 100 / cost).quantize(D("0.0001"), ROUND_HALF_EVEN)
    assert D(position["average_price"]) == (cost / abs(net)).quantize(D(position["average_price"]), ROUND_HALF_EVEN)
    assert position["fees"] == {"FEE": "0.0001"}
    assert (position["first_trade_time"], position["last_trade_time"]) == (trades[0]["trade_time"], trades[-1]["trade_time"])
    # The open buy would close it.
    assert (position["frozen_quantity"], D(position["available_quantity"])) == ("2", abs(net) - 2)
    total, = client.get("positions/summary")["totals"]
    assert (total["quote_asset"], D(total["total_cost"]), D(total["total_unrealized_pnl"]), D(total["total_realized_pnl"])) == ("USD", cost, unrealized, realized)
    assert client.get("positions", position_side="long")["total"] == 0
    assert [row["symbol"] for row in client.get("positions", position_side="short", has_quantity=True)["positions"]] == ["EX-USD"]
    exposure = client.get("exposure")
    instrument, = exposure["instruments"]
    assert (D(instrument["short_quantity"]), D(instrument["long_quantity"]), D(instrument["net_quantity"])) == (abs(net), 0, net)
    assert (D(instrument["gross_value"]), D(instrument["net_value"])) == (abs(net) * D("9.25"), net * D("9.25"))


def test_ledger(book):
    client, orders, trades = book
    lines = client.all("balances/ledger", "lines", size=7)[::-1]
    assert sorted(lines, key=lambda line: (line["lsn"], line["line"])) == lines
    expected = defaultdict(D)
    for asset, amount in (("USD", "10000.00"), ("EX", "1000"), ("FEE", "1")):
        expected[asset] += D(amount)
    for trade in trades:
        sign = 1 if trade["side"] == "buy" else -1
        expected["USD"] -= sign * D(trade["quantity"]) * D(trade["price"])
        expected["EX"] += sign * D(trade["quantity"])
        expected[trade["commission_asset"]] -= D(trade["commission"])
    sums, after = defaultdict(D), {}
    for line in lines:
        sums[line["asset"]] += D(line["amount"])
        assert D(line["total_after"]) == sums[line["asset"]]
        after[line["asset"]] = line
    assert sums == expected
    for asset, total in expected.items():
        balance = client.get(f"balances/{asset}")
        assert D(balance["total_balance"]) == total == D(after[asset]["total_after"])
    # What open orders hold is frozen: the last buy's 2 x 5.00; of the open sell, two that are not filled.
    assert [D(client.get(f"balances/{asset}")["frozen_balance"]) for asset in ("USD", "EX")] == [D("10.00"), D(2)]
    for query, condition in {
            "asset=USD": lambda x: x["asset"] == "USD", "kind=fee": lambda x: x["kind"] == "fee", "kind=dep": lambda x: x["kind"] == "dep",
            "reference=in": lambda x: x["reference"] == "in", "balance_type=futures": lambda x: False,
            f"start_time={trades[3]['created_at']}": lambda x: x["time"] >= trades[3]["created_at"]}.items():
        assert client.all("balances/ledger", "lines", **dict([query.split("=", 1)]))[::-1] == [
            line for line in lines if condition(line)], query
    assert {line["order_id"] for line in lines if line["kind"] == "trade"} == {trade["order_id"] for trade in trades}


def test_balances_and_filters(rest):
    rest.deposit("USD", "5.00", "futures")
    rest.deposit("BTC", "0.5")
    rest.post("balances/freeze", {"asset": "BTC", "amount": "0.1"}, 200)
    rows = rest.all("balances", "balances", size=2)
    key = lambda row: (row["balance_type"], row["asset"])
    assert sorted(map(key, rows)) == [("futures", "USD"), ("spot", "BTC"), ("spot", "EX"), ("spot", "USD")]
    for query, expected in (({"asset": "USD"}, 2), ({"balance_type": "spot"}, 3), ({"has_frozen": True}, 1), ({"has_frozen": False}, 3),
                            ({"min_balance": "5"}, 3), ({"max_balance": "5.00"}, 2), ({"asset": "USD", "balance_type": "futures"}, 1)):
        assert rest.get("balances", **query)["total"] == expected, query
    row, = rest.get("balances", has_frozen=True)["balances"]
    assert [D(row[name]) for name in ("total_balance", "available_balance", "frozen_balance", "held_balance", "reserved_balance")] == [
        D("0.5"), D("0.4"), D("0.1"), D("0.1"), D(0)]
