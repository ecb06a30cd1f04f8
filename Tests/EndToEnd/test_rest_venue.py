"""Internal venues over REST: order types and options, what the book makes of an order, trades, market data, fees, states, limits."""

import itertools
from decimal import Decimal as D
from random import Random

import pytest

from lines import answer_lines

_numbers = itertools.count(1)


@pytest.fixture
def venue(rest_service, accounts):
    """An instrument of an internal venue for the test alone, and two clients with money in it."""
    symbol = f"R{next(_numbers)}-USDT"
    numbers = [next(accounts), next(accounts)]
    with rest_service.rest() as admin:
        made = admin.post("instruments", {
            "symbol": symbol, "venue": "internal", "balance_type": "spot", "base_asset": "BTC", "quote_asset": "USDT", "tick": "0.01", "lot": "0.00001",
            "maker_fee_bps": "-1", "taker_fee_bps": "2.5"}, 201)
        assert (made["maker_fee_bps"], made["taker_fee_bps"], made["state"]) == ("-1", "2.5", "trading")
        with rest_service.rest(account=numbers[0]) as one, rest_service.rest(account=numbers[1]) as other:
            for client in (one, other):
                client.deposit("USDT", "1000000.00")
                client.deposit("BTC", "100")
            yield Venue(symbol, admin, one, other)


class Venue:
    def __init__(self, symbol, admin, one, other):
        self.symbol, self.admin, self.one, self.other = symbol, admin, one, other

    def new(self, **changes):
        body = {"symbol": self.symbol, "order_type": "limit", "side": "buy", "quantity": "1", "price": "100.00", **changes}
        return {name: value for name, value in body.items() if value is not None}

    def order(self, client, **changes):
        return client.post("orders", self.new(**changes), 201).body

    def book(self):
        book = self.one.get(f"market/{self.symbol}/book", depth=100)
        return [[(D(row["price"]), D(row["quantity"]), row["orders"]) for row in book[side]] for side in ("bids", "asks")]


def test_an_order_meets_the_book(venue):
    maker = venue.order(venue.one, side="sell", quantity="2", iceberg_qty="0.5", client_order_id="ask")
    assert (maker["status"], maker["iceberg_qty"], maker["post_only"], maker["armed"], maker["oco"]) == ("submitted", "0.50000", False, False, None)
    assert venue.book() == [[], [(D(100), D("0.5"), 1)]]
    taker = venue.order(venue.other, quantity="3", price="101.00", self_trade_prevention="oldest")
    assert (taker["status"], D(taker["executed_quantity"]), D(taker["remaining_quantity"]), D(taker["avg_price"])) == ("partial_filled", 2, 1, 100)
    assert taker["self_trade_prevention"] == "oldest" and D(taker["commission"]) == D("0.05") and taker["commission_asset"] == "USDT"
    assert venue.book() == [[(D(101), 1, 1)], []]
    market = venue.one.get(f"market/{venue.symbol}")
    assert (D(market["last_price"]), D(market["bid_price"]), market["ask_price"], D(market["volume_24h"]), market["trades_24h"]) == (100, 101, None, 2, 4)
    assert [row for row in venue.one.get("market")["markets"] if row["symbol"] == venue.symbol] == [market.body]
    # The maker's order is closed: its row is history's, too.
    closed = venue.one.get(f"orders/{maker['id']}")
    assert (closed["status"], closed["iceberg_qty"]) == ("filled", "0.50000")
    trades = venue.one.get("trades/by-order/ask").body
    assert [(row["liquidity_type"], D(row["quantity"]), D(row["commission"])) for row in trades] == [("maker", D("0.5"), D("-0.005"))] * 4
    assert all(row["trade_id"] == str(row["id"]) for row in trades)
    assert venue.one.get(f"trades/by-trade-id/{trades[0]['id']}").body == trades[0] == venue.one.get(f"trades/{trades[0]['id']}").body
    assert {row["liquidity_type"] for row in venue.other.get("trades")["trades"]} == {"taker"}
    # Fees of both sides and what they hold: nothing is lost.
    assert D(venue.other.get("balances/USDT")["total_balance"]) == D("1000000") - 200 - D("0.05")
    assert D(venue.one.get("balances/USDT")["total_balance"]) == D("1000000") + 200 + D("0.02")


def test_what_the_book_refuses(venue):
    venue.order(venue.one, side="sell")
    assert D(venue.other.refuse(400, "WOULD_TAKE", "POST", "orders", venue.new(post_only=True))["details"]["price"]) == 100
    assert D(venue.other.refuse(400, "UNFILLABLE", "POST", "orders", venue.new(quantity="2", time_in_force="fok"))["details"]["available"]) == 1
    venue.other.refuse(400, "REDUCE_ONLY", "POST", "orders", venue.new(reduce_only=True))
    assert venue.other.refuse(422, "BAD_PAIR", "POST", "orders", venue.new(price="90.00", oco="nobody")).code == "BAD_PAIR"
    done = venue.order(venue.other, order_type="market", price=None, quantity="3", time_in_force="ioc")
    assert (done["status"], done["cancel_reason"], D(done["executed_quantity"])) == ("cancelled", "unfilled", 1)
    for body, field in ((venue.new(stop_price="90.00"), "stop_price"), (venue.new(order_type="stop_limit"), "stop_price"), (venue.new(trigger="mark"), "trigger"),
                        (venue.new(order_type="stop", stop_price="110.00"), "price"), (venue.new(order_type="take_profit_limit", stop_price="110.00", price=None), "price"),
                        (venue.new(self_trade_prevention="none"), "self_trade_prevention"), (venue.new(iceberg_qty="5"), "iceberg_qty")):
        assert venue.one.ask("POST", "orders", body).expect(422).fields == [field], body
    # One who lists nothing but the book needs no account.
    assert venue.admin.refuse(404, "UNKNOWN_INSTRUMENT", "GET", "market/NOPE/book")
    assert venue.admin.refuse(422, "NOT_SUPPORTED", "GET", "market/EX-USD/book")
    assert venue.admin.get("market/EX-USD")["last_price"] is None


@pytest.mark.parametrize("order_type, side, stop, price", [
    ("stop", "buy", "105.00", None), ("stop_limit", "sell", "95.00", "94.00"), ("take_profit", "sell", "106.00", None), ("take_profit_limit", "buy", "94.00", "94.00")])
def test_orders_that_wait_for_a_price(venue, order_type, side, stop, price):
    waiting = venue.order(venue.one, order_type=order_type, side=side, stop_price=stop, price=price, trigger="mark", client_order_id="waits")
    assert (waiting["order_type"], waiting["stop_price"], waiting["trigger"], waiting["armed"], waiting["status"]) == (order_type, stop, "mark", True, "submitted")
    assert venue.book() == [[], []]
    assert [row["id"] for row in venue.one.get("orders", order_type=order_type)["orders"]] == [waiting["id"]]
    for other in {"market", "limit", "stop", "stop_limit", "take_profit", "take_profit_limit"} - {order_type}:
        assert venue.one.get("orders", order_type=other)["total"] == 0
    moved = {"105.00": "104.00", "95.00": "96.00", "106.00": "105.00", "94.00": "93.00"}[stop]
    assert venue.one.expect(200, "PUT", "orders/waits", {"stop_price": moved})["stop_price"] == moved
    venue.admin.post("positions/update-prices", {"prices": {venue.symbol: moved}}, 200)
    after = venue.one.get("orders/waits")
    assert not after["armed"] and (after["order_type"], after["stop_price"]) == (order_type, moved)
    if price is None:
        assert (after["status"], after["cancel_reason"]) == ("cancelled", "unfilled")
        assert [row["id"] for row in venue.one.get("orders", order_type=order_type, status="cancelled")["orders"]] == [waiting["id"]]
        assert venue.one.get("orders", order_type="market", status="cancelled")["total"] == 0
    else:
        assert after["status"] == "submitted" and D(price) in {row[0] for rows in venue.book() for row in rows}
        assert venue.one.ask("PUT", "orders/waits", {"stop_price": "100.00"}).expect(422).fields == ["stop_price"]


def test_a_replace_leaves_what_an_order_may_cost(venue):
    """What is left out stays; a higher stop must not lift the bound on what a market buy spends."""
    held = lambda: D(venue.one.get("balances/USDT")["frozen_balance"])
    waiting = venue.order(venue.one, order_type="stop", price=None, stop_price="200.00", max_amount="150", client_order_id="bound")
    assert waiting["armed"] and held() == 150
    assert venue.one.expect(200, "PUT", "orders/bound", {"stop_price": "210.00"})["stop_price"] == "210.00"
    assert held() == 150
    venue.order(venue.other, side="sell", price="211.00", quantity="2")
    venue.order(venue.one, side="buy", price="211.00", quantity="0.1")
    bought = venue.one.get("orders/bound")
    assert (bought["status"], bought["cancel_reason"]) == ("cancelled", "funds")
    assert 149 < D(bought["executed_quantity"]) * D(bought["avg_price"]) < 150


def test_one_cancels_the_other(venue):
    first = venue.order(venue.one, side="sell", price="110.00", client_order_id="take")
    second = venue.order(venue.one, order_type="stop", side="sell", price=None, stop_price="90.00", oco="take", client_order_id="stop")
    assert second["oco"] == first["order_id"] and venue.one.get("orders/take")["oco"] == second["order_id"]
    assert D(venue.one.get("balances/BTC")["frozen_balance"]) == 1, "the two hold what one holds"
    venue.one.refuse(400, "IN_PAIR", "PUT", "orders/take", {"price": "111.00"})
    venue.order(venue.other, price="110.00", quantity="0.4")
    assert venue.one.get("orders/take")["status"] == "partial_filled"
    gone = venue.one.get("orders/stop")
    assert (gone["status"], gone["cancel_reason"]) == ("cancelled", "oco")
    listed = venue.one.get("orders", order_type="stop", status="cancelled")["orders"]
    assert [(row["client_order_id"], row["oco"]) for row in listed] == [("stop", first["order_id"])]


def test_states_and_fees_of_an_instrument(venue):
    patch = lambda **body: venue.admin.expect(200, "PATCH", f"instruments/{venue.symbol}", body)
    assert patch(maker_fee_bps="0", taker_fee_bps="10")["taker_fee_bps"] == "10"
    venue.order(venue.one, side="sell")
    assert patch(state="post_only")["state"] == "post_only"
    venue.other.refuse(400, "INSTRUMENT_POST_ONLY", "POST", "orders", venue.new())
    venue.order(venue.other, price="99.00", client_order_id="rests")
    assert patch(state="cancel_only")["state"] == venue.one.get(f"market/{venue.symbol}")["state"] == "cancel_only"
    venue.other.refuse(400, "INSTRUMENT_CANCEL_ONLY", "POST", "orders", venue.new(price="99.00"))
    venue.other.expect(200, "PUT", "orders/rests", {"quantity": "0.5"})
    patch(state="trading")
    assert D(venue.order(venue.other)["commission"]) == D("0.1")
    for body, field in (({"maker_fee_bps": "-11"}, "maker_fee_bps"), ({"taker_fee_bps": "0.001"}, "taker_fee_bps")):
        assert venue.admin.ask("PATCH", f"instruments/{venue.symbol}", body).expect(422).fields == [field]


def test_limits_of_the_account(venue):
    number = int(venue.other.account)
    put = lambda **body: venue.admin.expect(200, "PUT", "limits", {"account_id": number, **body})
    row = put(symbol=venue.symbol, taker_fee_bps="1", maker_fee_bps="0", self_trade_prevention="both", price_band_bps=500, max_order_rate=1000)
    assert (row["taker_fee_bps"], row["maker_fee_bps"], row["self_trade_prevention"], row["price_band_bps"], row["max_order_rate"]) == ("1", "0", "both", 500, 1000)
    assert (row["max_cancel_rate"], row["short_allowed"], row["listed_only"], row["latched_assets"], row["is_default"]) == (None, True, False, [], False)
    venue.order(venue.one, side="sell")
    venue.other.refuse(400, "NO_MARK", "POST", "orders", venue.new(quantity="0.5"))
    venue.admin.post("positions/update-prices", {"prices": {venue.symbol: "100.00"}}, 200)
    assert D(venue.order(venue.other, quantity="0.5")["commission"]) == D("0.005")
    refused = venue.other.refuse(400, "LIMIT_PRICE_BAND", "POST", "orders", venue.new(price="90.00"))
    assert refused["details"]["limit"] == "500"
    row = put(symbol=venue.symbol, taker_fee_bps=None, price_band_bps=None, self_trade_prevention=None)
    assert (row["taker_fee_bps"], row["price_band_bps"], row["self_trade_prevention"], row["max_order_rate"]) == (None, None, None, 1000)
    row = put(max_daily_loss="50", listed_only=True, short_allowed=False)
    assert (D(row["max_daily_loss"]), row["listed_only"], row["short_allowed"]) == (50, True, False)
    venue.other.refuse(400, "LIMIT_NOT_LISTED", "POST", "orders", venue.new(symbol="BTC-USDT", price="1.00"))
    put(symbol=venue.symbol, max_order_rate=1)
    venue.order(venue.other, price="50.00")
    busy = venue.other.refuse(429, "LIMIT_ORDER_RATE", "POST", "orders", venue.new(price="50.00"))
    assert int(busy["details"]["retry"]) <= 1000
    assert put(reset_loss=True)["latched_assets"] == []
    for body, field in (({"symbol": venue.symbol, "listed_only": True}, "listed_only"), ({"symbol": venue.symbol, "reset_loss": True}, "reset_loss"),
                        ({"max_quantity": "9" * 20}, "max_quantity")):
        assert venue.admin.ask("PUT", "limits", {"account_id": number, **body}).expect(422).fields == [field]


def test_lists_say_what_the_service_says(rest_service, venue):
    """Some hundred random orders: every closed one and every trade is in history as the line protocol has it, and the ledger comes to the balances."""
    random = Random(20)
    words = {"B": "buy", "S": "sell", "MKT": {None: "market", "0": "stop", "1": "take_profit"}, "LMT": {None: "limit", "0": "stop_limit", "1": "take_profit_limit"}}
    accounts = [int(venue.one.account), int(venue.other.account)]
    with rest_service.lines() as lines:
        rests = {}
        for number in range(500):
            account = random.choice(accounts)
            market = random.random() < 0.2
            side, quantity, oco = random.choice("BS"), f"{random.randint(1, 30) / 10}", ""
            tif = "GTC" if market else random.choice(["GTC", "GTC", "GTC", "IOC", "FOK"])
            if tif == "GTC" and random.random() < 0.3 and account in rests:
                side, quantity, oco = rests.pop(account)
            price = "-" if market else f"{random.randint(95, 105)}.00"
            line = f"NEW {account} {venue.symbol} {side} {'MKT' if market else 'LMT'} {quantity} {price} {tif} id=r{number}{oco}"
            for option, chance in (("display=0.1", 0.2), ("post=1", 0.1), ("reduce=1", 0.1), (f"stp={random.choice(['newest', 'oldest', 'both', 'decrement'])}", 0.3),
                                   (f"stop={random.randint(95, 105)}.00 {random.choice(['', 'take=1 '])}{random.choice(['', 'trigger=mark '])}".strip(), 0.3),
                                   ("strategy=s:name", 0.2)):
                if random.random() < chance:
                    line += " " + option
            if " NEW " in lines.ask(f"t {line}") and not oco:
                rests[account] = side, quantity, f" oco=r{number}"
            if random.random() < 0.3:
                lines.ask(f"t CXL {account} {venue.symbol} id=r{random.randint(0, number)} reason=why")
            if random.random() < 0.1:
                lines.ask(f"t MRK {venue.symbol} {random.randint(95, 105)}.00")
        lines.ask("t SYNC")
        for account in accounts:
            lines.ask(f"t CXA {account} {venue.symbol}")
        seen = set()
        for client, account in zip((venue.one, venue.other), accounts):
            told = {row["order_id"]: row for row in client.all("orders", "orders", symbol=venue.symbol)}
            live = raw_rows(lines, f"ORD {account} {venue.symbol} status=closed limit=1000")
            assert len(live) > 50 and {words_of(row)[0] for row in live} == told.keys()
            for row in live:
                order, fact = words_of(row)
                shown = told[order]
                kind = words[fact["type"]][fact.get("take", "0") if "stop" in fact else None]
                assert (shown["order_type"], shown["side"], shown["quantity"]) == (kind, words[fact["side"]], fact["qty"]), row
                assert (shown["executed_quantity"], shown["avg_price"]) == (fact["cum"], fact.get("avg")), row
                assert (shown["stop_price"], shown["iceberg_qty"], shown["self_trade_prevention"]) == (fact.get("stop"), fact.get("display"), fact.get("stp")), row
                assert shown["trigger"] == (fact.get("trigger", "last") if "stop" in fact else None), row
                assert (shown["post_only"], shown["reduce_only"], shown["cancel_reason"]) == ("post" in fact, "reduce" in fact, fact.get("reason")), row
                seen |= {kind, fact.get("reason")}
            trades = {str(row["id"]): row for row in client.all("trades", "trades", symbol=venue.symbol)}
            live = raw_rows(lines, f"TRD {account} {venue.symbol} limit=1000")
            assert live and {words_of(row)[0] for row in live} == trades.keys()
            for row in live:
                trade, fact = words_of(row)
                shown = trades[trade]
                assert (shown["quantity"], shown["price"], shown["commission"], shown["liquidity_type"][0]) == (fact["qty"], fact["price"], fact["fee"], fact["liq"].lower()), row
            for asset in ("USDT", "BTC"):
                ledger = client.all("balances/ledger", "lines", asset=asset)
                assert sum(D(row["amount"]) for row in ledger) == D(client.get(f"balances/{asset}")["total_balance"])
    assert {"market", "limit", "stop", "stop_limit", "take_profit", "take_profit_limit", "unfilled", "self_trade", "oco", "why"} <= seen, seen


def raw_rows(lines, command):
    lines.send(f"t {command}\n")
    return answer_lines(lines.answer())[:-1]


def words_of(row):
    """A row's first word, and its facts."""
    first, *facts = row.removeprefix("=").strip().split(" ")
    return first, dict(fact.partition("=")[::2] for fact in facts)
