"""Sums over REST beyond 128 bits: no single number of a service reaches them, many together do. Each is null or refused, and the service goes on."""

import threading
import time
from decimal import Decimal as D

# Below 2^110 units of 10^-18, the most that a trade may be worth, by 3 %.
QUANTITY, PRICE = "90000000000", "14000.00"
VALUE = D(QUANTITY) * D(PRICE)
OPEN = ["DEP 1 USD 1 ref=open", "DEP 2 USD 1 ref=open"]
# Values are summed in units of 10^-18, in 128 bits with sign.
SUM_MAX = D(2**127 - 1).scaleb(-18)


def ask_all(lines, commands):
    """Sends commands while their answers are read; each must be done."""
    thread = threading.Thread(target=lines.send, args=("".join(f"t {command}\n" for command in commands),))
    thread.start()
    missing, rest = len(commands), b""
    while missing:
        data = lines.socket.recv(1 << 20)
        assert data, "connection closed"
        whole, newline, rest = (rest + data).rpartition(b"\n")
        answers = [line for line in whole.split(b"\n") if line[:1] in (b"+", b"-")] if newline else []
        assert all(line.startswith(b"+") for line in answers), next(line for line in answers if not line.startswith(b"+"))
        missing -= len(answers)
    thread.join()


def test_trades_worth_more_than_fits_are_refused(fresh):
    """Two accounts trade with each other, there and back again: what each of the two bought and sold fits, what both did does not."""
    service = fresh(http=True, laboratory=False)
    rounds = int(SUM_MAX / VALUE / 4) + 1
    commands = ["INS LOT-USD venue=internal wallet=spot base=BTC quote=USD tick=0.01 lot=0.01 price_scale=2 qty_scale=2 funds=none", *OPEN]
    for number in range(rounds):
        for seller, buyer in ((2, 1), (1, 2)):
            commands.append(f"NEW {seller} LOT-USD S LMT {QUANTITY} {PRICE} GTC id=s{number}")
            commands.append(f"NEW {buyer} LOT-USD B LMT {QUANTITY} {PRICE} GTC id=b{number}")
    with service.lines() as lines:
        ask_all(lines, commands)
    with service.rest() as client:
        deadline = time.monotonic() + 30
        while client.ask("GET", "trades", query={"account_id": 1, "size": 1}).code == "HISTORY_LAGS":
            assert time.monotonic() < deadline, "history does not come up"
        for path in ("trades/summary", "trades/statistics"):
            problem = client.refuse(400, "OVERFLOW", "GET", path, query={"account_id": "all"})
            assert problem["error"] == "BUSINESS_ERROR"
        one = client.get("trades/summary", account_id=1)
        each = rounds * VALUE
        assert 2 * each <= SUM_MAX < 4 * each
        total, = one["quotes"]
        assert [D(total[name]) for name in ("buy_value", "sell_value", "net_value", "total_value")] == [each, each, 0, 2 * each]
        symbol, = one["symbols"]
        assert D(symbol["avg_price"]) == D(PRICE) and D(symbol["total_volume"]) == 2 * rounds * D(QUANTITY)
        # Sums of closed orders: those of one account fit, too.
        volume, = client.get("orders/summary", account_id=1)["volumes"]
        assert D(volume["total_value"]) == 2 * each
        client.refuse(400, "OVERFLOW", "GET", "orders/summary", query={"account_id": "all"})


def test_positions_worth_more_than_fits_are_null(fresh):
    """A mark is not bounded by what the position cost: eighteen decimals of one instrument beside a huge value of another are beyond 128 bits."""
    service = fresh(http=True, laboratory=False)
    commands = [*OPEN]
    for symbol, scale, quantity, price in (("WIDE-USD", 2, "90000000000", "0.01"), ("FINE-USD", 9, "1", "1")):
        unit = D(1).scaleb(-scale)
        commands.append(f"INS {symbol} venue=internal wallet=spot base=BTC quote=USD tick={unit:f} lot={unit:f} price_scale={scale} qty_scale={scale} funds=none")
        commands += [f"NEW 2 {symbol} S LMT {quantity} {price} GTC id={symbol}", f"NEW 1 {symbol} B LMT {quantity} {price} GTC id={symbol}"]
    with service.lines() as lines, service.rest(account=1) as client:
        ask_all(lines, commands + ["MRK FINE-USD 1.000000001"])
        total, = client.get("positions/summary")["totals"]
        assert [D(total[name]) for name in ("total_market_value", "total_unrealized_pnl")] == [D("1.000000001"), D("0.000000001")]
        ask_all(lines, ["MRK WIDE-USD 90000000000.00"])
        value = D("90000000000") * D("90000000000")
        for account in (1, 2):
            total, = client.get("positions/summary", account_id=account)["totals"]
            assert total["total_market_value"] is None and total["total_unrealized_pnl"] is None
            assert (D(total["total_cost"]), D(total["total_realized_pnl"])) == (900_000_001, 0)
            assert (total["largest_position_symbol"], D(total["largest_position_value"])) == ("WIDE-USD", value)
        assert client.get("positions/summary", account_id="all")["total_positions"] == 4
        wide, fine = client.get("positions")["positions"]
        assert (wide["symbol"], D(wide["market_value"]), wide["unrealized_pnl"]) == ("WIDE-USD", value, None)
        assert (fine["symbol"], D(fine["market_value"])) == ("FINE-USD", D("1.000000001"))
        assert client.get("positions/WIDE-USD/risk")["symbol"] == "WIDE-USD"
        instruments = {row["symbol"]: row for row in client.get("exposure", account_id="all")["instruments"]}
        assert instruments["WIDE-USD"]["unrealized_pnl"] is None and D(instruments["WIDE-USD"]["gross_value"]) == 2 * value
        assert D(instruments["FINE-USD"]["unrealized_pnl"]) == 0 and D(instruments["FINE-USD"]["net_value"]) == 0
        client.get("balances/summary", account_id="all")
