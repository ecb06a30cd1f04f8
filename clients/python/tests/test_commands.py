"""Each builder's line, as a literal."""

from decimal import Decimal

import pytest

from cashup import REMOVE, commands as c
from cashup.results import Order

ORDER = Order(order_id=12, status="NEW", leaves=Decimal(1), cum=Decimal(0))


@pytest.mark.parametrize("command, line", [
    (c.new_order(7, "BTC-USD", "B", Decimal("0.50000000"), Decimal("64000.00"), id="grid-17"),
     "NEW 7 BTC-USD B LMT 0.5 64000 GTC id=grid-17"),
    (c.new_order(7, "BTC-USD", "S", 1, id="a b", tif="IOC", note="100%"),
     "NEW 7 BTC-USD S MKT 1 - IOC id=a%20b note=100%25"),
    (c.new_order(7, "BTC-USD", "B", 1, 2, id="x", tif="GTD", expire=5, max=3, strategy="s", before=9),
     "NEW 7 BTC-USD B LMT 1 2 GTD id=x expire=5 max=3 strategy=s before=9"),
    (c.new_order(7, "BTC-USDT", "S", 1, 2, id="x", stop="2.50", take=True, trigger="mark", display="0.10", post=True,
                 reduce=True, oco="a b", stp="decrement"),
     "NEW 7 BTC-USDT S LMT 1 2 GTC id=x stop=2.5 take=1 trigger=mark display=0.1 post=1 reduce=1 oco=a%20b stp=decrement"),
    (c.replace(7, "BTC-USDT", "x", 1, stop=3), "RPL 7 BTC-USDT id=x 1 - stop=3"),
    (c.replace(7, "BTC-USD", "grid-17", "0.4", "63900.00"), "RPL 7 BTC-USD id=grid-17 0.4 63900"),
    (c.replace(7, "BTC-USD", 12, 1, max=5), "RPL 7 BTC-USD 12 1 - max=5"),
    (c.cancel(7, "BTC-USD", ORDER, reason="done"), "CXL 7 BTC-USD 12 reason=done"),
    (c.cancel(7, "BTC-USD", "grid-17"), "CXL 7 BTC-USD id=grid-17"),
    (c.cancel_all(7), "CXA 7"),
    (c.cancel_all(7, "BTC-USD", before=4), "CXA 7 BTC-USD before=4"),
    (c.cancel_all(7, wallet="spot"), "CXA 7 wallet=spot"),
    (c.fill(7, "BTC-USD", "grid-17", "0.2", "63990.00", fee="1.2", liq="M", exec="bn-991"),
     "FIL 7 BTC-USD id=grid-17 0.2 63990 exec=bn-991 fee=1.2 liq=M"),
    (c.fill(7, "BTC-USD", 12, 1, 2, fee=Decimal("-0.10"), fee_asset="BNB", exec="e", time=8),
     "FIL 7 BTC-USD 12 1 2 exec=e fee=-0.1 feeasset=BNB time=8"),
    (c.close_position(7, "BTC-USD", id="x"), "CLS 7 BTC-USD id=x"),
    (c.close_position(7, "BTC-USD", 1, id="x"), "CLS 7 BTC-USD 1 id=x"),
    (c.close_position(7, "BTC-USD", None, 2, id="x"), "CLS 7 BTC-USD - 2 id=x"),
    (c.deposit(7, "USD", 1000, ref="wire-5"), "DEP 7 USD 1000 ref=wire-5"),
    (c.withdraw(7, "USD", 1, ref="r", wallet="futures", note="n"), "WDR 7 USD 1 ref=r wallet=futures note=n"),
    (c.adjust(7, "USD", Decimal("-0.5"), "typo", ref="r"), "ADJ 7 USD -0.5 ref=r reason=typo"),
    (c.hold(7, "USD", 1, ref="r", reason="why"), "HLD 7 USD 1 ref=r reason=why"),
    (c.release(7, "USD", 1, ref="r"), "RLS 7 USD 1 ref=r"),
    (c.transfer(7, 8, "USD", 500, from_wallet="spot", to_wallet="futures", ref="mv-1"),
     "XFR 7 8 USD 500 ref=mv-1 from=spot to=futures"),
    (c.take_over(7, "BTC-USD", Decimal("-0.5"), 64000, ref="mig-1", note="from the old book"),
     "PTO 7 BTC-USD -0.5 64000 ref=mig-1 note=from%20the%20old%20book"),
    (c.balances(5, "USD", wallet="spot"), "BAL 5 USD wallet=spot"),
    (c.positions(6), "POS 6"),
    (c.orders(7, "BTC-USD", "grid-17"), "ORD 7 BTC-USD id=grid-17"),
    (c.orders(7, order="grid-17"), "ORD 7 - id=grid-17"),
    (c.orders(7, order=12), "ORD 7 - 12"),
    (c.orders(7, status="all", limit=5, after=3), "ORD 7 status=all limit=5 after=3"),
    (c.trades(7, limit=5), "TRD 7 limit=5"),
    (c.trades(7, "BTC-USD", "grid-17"), "TRD 7 BTC-USD id=grid-17"),
    (c.book("BTC-USDT"), "BOOK BTC-USDT"),
    (c.book("BTC-USDT", 1000), "BOOK BTC-USDT depth=1000"),
    (c.market(), "MKT"),
    (c.market("BTC-USDT"), "MKT BTC-USDT"),
    (c.instruments(), "INS"),
    (c.limits(7), "LIM 7"),
    (c.accounts(), "ACC"),
    (c.accounts(7), "ACC 7"),
    (c.accounts(after=7, limit=100), "ACC after=7 limit=100"),
    (c.define_asset("USD", 2), "AST USD decimals=2"),
    (c.define_wallet("x"), "WLT x"),
    (c.define_venue("v"), "VEN v kind=manual"),
    (c.define_instrument("A-B", venue="v", wallet="w", base="A", quote="B", tick="0.01", lot="0.1", funds="none"),
     "INS A-B venue=v wallet=w base=A quote=B tick=0.01 lot=0.1 funds=none"),
    (c.define_venue("v", "internal"), "VEN v kind=internal"),
    (c.define_instrument("A-B", venue="v", wallet="w", base="A", quote="B", tick=1, lot=1, maker_bps="-0.50", taker_bps=2),
     "INS A-B venue=v wallet=w base=A quote=B tick=1 lot=1 maker_bps=-0.5 taker_bps=2"),
    (c.change_instrument("A-B", state="halted"), "INS A-B state=halted"),
    (c.change_instrument("A-B", maker_bps=0), "INS A-B maker_bps=0"),
    (c.open_account(7), "ACC 7 open"),
    (c.suspend(7), "ACC 7 suspend"),
    (c.resume(7), "ACC 7 resume"),
    (c.suspend_all(), "ACC * suspend"),
    (c.resume_all(), "ACC * resume"),
    (c.sessions(), "SES"),
    (c.snapshot(), "SNP"),
    (c.set_limits(7, wallet="spot", max_qty=5, max_open=REMOVE), "LIM 7 wallet=spot max_qty=5 max_open=-"),
    (c.set_limits(7, "A-B", enabled=False), "LIM 7 A-B enabled=0"),
    (c.set_limits(c.ALL, wallet="spot", max_order_rate=10, max_daily_loss="500.5", short=False, maker_bps="-0.25", stp="oldest"),
     "LIM * wallet=spot max_order_rate=10 max_daily_loss=500.5 short=0 maker_bps=-0.25 stp=oldest"),
    (c.set_limits(7, price_band_bps=100, max_cancel_rate=REMOVE, listed=True), "LIM 7 price_band_bps=100 max_cancel_rate=- listed=1"),
    (c.set_limits(7, short=REMOVE, listed=REMOVE, enabled=REMOVE), "LIM 7 enabled=1 short=1 listed=0"),
    (c.set_limits(7, listed=False), "LIM 7 listed=0"),
    (c.limits(c.ALL), "LIM *"),
    (c.reset_loss(7, wallet="spot"), "LIM 7 wallet=spot reset=loss"),
    (c.dead_man(7, 30), "DMS 7 30"), (c.dead_man(7, None), "DMS 7 -"), (c.dead_men(), "DMS"), (c.dead_men(7), "DMS 7"),
    (c.set_mark("A-B", 5), "MRK A-B 5"),
    (c.set_setting("window_hours", 24), "SET window_hours 24"),
    (c.sync(), "SYNC"), (c.ping(), "PING"), (c.time(), "TIME"), (c.stat(), "STAT"), (c.stat(hash=True), "STAT hash=1"),
    (c.raw("BOOK A-B"), "BOOK A-B"),
])
def test_line(command, line):
    assert command.line == line


@pytest.mark.parametrize("build", [
    lambda: c.new_order(7, "BTC-USD", "B", 0.5, 64000),
    lambda: c.new_order(7, "BTC-USD", "B", 1, 64000.0),
    lambda: c.deposit(7, "USD", 1000.0),
    lambda: c.transfer(7, 8, "USD", 0.1),
])
def test_floats_are_refused(build):
    with pytest.raises(TypeError):
        build()


@pytest.mark.parametrize("order", [12, "grid-17"])
def test_trades_of_an_order_need_its_symbol(order):
    with pytest.raises(ValueError, match="symbol"):
        c.trades(7, order=order)


@pytest.mark.parametrize("line", ["", "PING\nPING", "AUTH x", "SUB", "UNS", "QUIT", "PING\r", "x" * 1024])
def test_raw_what_it_does_not_take(line):
    with pytest.raises(ValueError):
        c.raw(line)


def test_ids_are_made_where_none_is_given_and_known_before_sending():
    first, second = c.new_order(7, "A-B", "B", 1, 1), c.new_order(7, "A-B", "B", 1, 1)
    assert first.id != second.id and len(first.id) == 36
    assert f"id={first.id}" in first.line
    assert f"ref={(deposit := c.deposit(7, 'USD', 1)).id}" in deposit.line
    assert f"exec={(fill := c.fill(7, 'A-B', 1, 1, 1)).id}" in fill.line


def test_only_cancel_all_and_raw_lines_are_not_repeated():
    assert not c.cancel_all(7).repeat and not c.raw("PING").repeat
    assert c.replace(7, "A-B", 1, 1, 1).repeat and c.cancel(7, "A-B", 1).repeat and c.balances(7).repeat
