"""The examples of the protocol's document, played as they stand there; and every verb once through the client."""

import re
from decimal import Decimal as D

import pytest

from cashup import Refused
from lines import play
from service import REPOSITORY


def test_first_session_of_the_document(fresh):
    service = fresh(laboratory=False)
    with service.lines() as lines:
        assert re.fullmatch(r"\* CASHUP 1 lsn=\d+ auth=off maxline=1024 state=ready", lines.greeting)
        play(lines, """
            DEP 7 USD 50000.00 ref=wire-5
            + OK available=50000.00 lsn=*
            NEW 7 BTC-USD B LMT 0.50000000 64000.00 GTC id=grid-17
            + $o NEW leaves=0.50000000 cum=0.00000000 lsn=*
            NEW 7 BTC-USD B LMT 9 64000.00 GTC id=grid-18
            - INSUFFICIENT_FUNDS asset=USD wallet=spot need=576000.00 available=18000.00
            FIL 7 BTC-USD id=grid-17 0.2 63990.00 fee=1.2 liq=M exec=bn-991
            + $o PARTIALLY_FILLED trade=* leaves=0.30000000 cum=0.20000000 avg=63990.00 lsn=*
            MRK BTC-USD 64000.00
            + OK *
            BAL 7
            = USD spot total=37200.80 available=18000.80 reserved=19200.00 held=0.00 transit=0.00
            = BTC spot total=0.20000000 available=0.20000000 reserved=0.00000000 held=0.00000000 transit=0.00000000
            + 2
            POS 7
            = BTC-USD qty=0.20000000 avg=63990.00 cost=12798.00 realized=-1.20 openbuy=0.30000000 unrealized=2.00 mark=64000.00
            + 1
            ORD 7
            = $o symbol=BTC-USD id=grid-17 side=B type=LMT tif=GTC qty=0.50000000 price=64000.00 status=PARTIALLY_FILLED leaves=0.30000000 cum=0.20000000 avg=63990.00 reserved=19200.00 created=* updated=*
            + 1
            TRD 7
            = $o symbol=BTC-USD order=$o id=grid-17 side=B qty=0.20000000 price=63990.00 fee=1.20 feeasset=USD liq=M exec=bn-991 time=*
            + 1
            CXL 7 BTC-USD id=grid-17
            + $o CANCELED leaves=0.00000000 cum=0.20000000 avg=63990.00 lsn=*
            DEP 7 USD 1000.00 ref=wire-6
            + OK available=38200.80 lsn=*
            XFR 7 7 USD 500.00 from=spot to=futures ref=mv-1
            + OK available=37700.80 lsn=*
            XFR 7 7 USD 500.00 from=spot to=futures ref=mv-1
            + OK available=37700.80 dup=1
            """)


def test_new_replace_cancel_session_verbs(lines, account):
    play(lines, """
        DEP $a USD 50000.00 ref=d
        + OK available=50000.00 lsn=*
        NEW $a BTC-USD B LMT 0.50000000 64000.00 GTC id=grid-17 strategy=grid note=a%20b%25
        + $o NEW leaves=0.50000000 cum=0.00000000 lsn=*
        RPL $a BTC-USD id=grid-17 0.4 63900.00
        + $o NEW leaves=0.40000000 cum=0.00000000 lsn=*
        RPL $a BTC-USD $o 0.4 63900.00
        + $o NEW leaves=0.40000000 cum=0.00000000 dup=1
        ORD $a BTC-USD id=grid-17
        = $o symbol=BTC-USD id=grid-17 side=B type=LMT tif=GTC qty=0.40000000 price=63900.00 status=NEW leaves=0.40000000 cum=0.00000000 reserved=25560.00 created=* updated=* strategy=grid note=a%20b%25
        + 1
        CXL $a BTC-USD $o reason=done
        + $o CANCELED leaves=0.00000000 cum=0.00000000 lsn=*
        CXL $a BTC-USD $o reason=done
        + $o CANCELED leaves=0.00000000 cum=0.00000000 dup=1
        ORD $a
        + 0
        ORD $a BTC-USD status=closed
        = $o symbol=BTC-USD id=grid-17 side=B type=LMT tif=GTC qty=0.40000000 price=63900.00 status=CANCELED leaves=0.00000000 cum=0.00000000 reserved=0.00 created=* updated=* strategy=grid note=a%20b%25 reason=done
        + 1
        PING
        + OK
        TIME
        + OK time=*
        SYNC
        + OK lsn=*
        """, a=account)


def test_cancel_all_counts_by_account_instrument_and_wallet(lines, account):
    play(lines, """
        DEP $a USD 1000.00 ref=d
        + OK *
        NEW $a EX-USD B LMT 1 10.00 GTC id=1
        + *
        NEW $a EX-USD B LMT 1 11.00 GTC id=2
        + *
        NEW $a HALT-USD B LMT 1 11.00 GTC id=3
        + *
        NEW $a PERP-USD B LMT 1 11.00 GTC id=4
        + *
        CXA $a wallet=futures
        + OK canceled=1 lsn=*
        CXA $a EX-USD
        + OK canceled=2 lsn=*
        CXA $a
        + OK canceled=1 lsn=*
        CXA $a
        + OK canceled=0
        BAL $a USD wallet=spot
        = USD spot total=1000.00 available=1000.00 reserved=0.00 held=0.00 transit=0.00
        + 1
        """, a=account)


def test_close_position_long_short_part_and_none(lines, account):
    play(lines, """
        ACC $a open
        + OK *
        CLS $a PERP-USD id=c0
        - NO_POSITION *
        NEW $a PERP-USD B LMT 5 100.00 GTC id=1
        + *
        FIL $a PERP-USD id=1 5 100.00 exec=1
        + *
        CLS $a PERP-USD 6 id=c1
        - NO_POSITION *
        CLS $a PERP-USD 2 130.00 id=c2
        + $c NEW leaves=2 cum=0 lsn=*
        ORD $a PERP-USD id=c2
        = $c symbol=PERP-USD id=c2 side=S type=LMT tif=GTC qty=2 price=130.00 status=NEW leaves=2 cum=0 reserved=* created=* updated=*
        + 1
        FIL $a PERP-USD id=c2 2 130.00 exec=2
        + *
        CLS $a PERP-USD id=c3
        + $d NEW leaves=3 cum=0 lsn=*
        FIL $a PERP-USD id=c3 3 140.00 exec=3
        + $d FILLED trade=* leaves=0 cum=3 avg=140.00 lsn=*
        CLS $a PERP-USD id=c3
        + $d FILLED leaves=0 cum=3 avg=140.00 dup=1
        POS $a
        = PERP-USD qty=0 cost=0.00 realized=180.00
        + 1
        """, a=account)


def test_lists_of_definitions(lines):
    play(lines, """
        INS BTC-USD
        = BTC-USD venue=manual wallet=spot base=BTC quote=USD tick=0.01 lot=0.00000001 price_scale=4 qty_scale=8 funds=full state=trading *
        + 1
        INS PERP-USD
        = PERP-USD venue=lab wallet=futures base=EX quote=USD tick=0.01 lot=1 price_scale=4 qty_scale=0 funds=none state=trading *
        + 1
        WLT
        = spot
        = margin
        = futures
        = options
        = savings
        + 5
        """)


def test_definitions_repeat_change_and_stay_fixed(lines):
    play(lines, """
        AST SET1 decimals=3
        + OK *
        AST SET1 decimals=3
        + OK dup=1
        AST SET1 decimals=4
        - ALREADY_EXISTS name=SET1
        INS SET1-USD venue=lab wallet=spot base=SET1 quote=USD tick=0.01 lot=0.1
        + OK *
        INS SET1-USD venue=lab wallet=spot base=SET1 quote=USD tick=0.01 lot=0.1
        + OK dup=1
        INS SET1-USD tick=0.05 max_qty=100
        + OK *
        INS SET1-USD wallet=futures
        - FIXED key=wallet
        NEW 1 SET1-USD B LMT 1 10.01 GTC id=x
        - UNKNOWN_ACCOUNT *
        """)


def test_replace_down_and_halt_and_tick_change_live(lines, account):
    play(lines, """
        DEP $a USD 100 ref=d
        + OK *
        NEW $a HALT-USD B LMT 3 10.01 GTC id=1
        + $o *
        INS HALT-USD state=halted
        + OK *
        RPL $a HALT-USD id=1 2 10.01
        - INSTRUMENT_HALTED symbol=HALT-USD
        CXL $a HALT-USD id=1
        + $o CANCELED leaves=0 cum=0 lsn=*
        INS HALT-USD state=trading
        + OK *
        """, a=account)


def test_every_verb_has_help(lines):
    lines.send("1 HELP\n")
    rows = lines.answer()
    listed = {word for row in rows for word in re.findall(r"\b[A-Z]{3,4}\b", row.split(" ", 1)[1])}
    verbs = {"AUTH", "HELP", "NEW", "RPL", "CXL", "CXA", "FIL", "CLS", "DEP", "WDR", "XFR", "ADJ", "HLD", "RLS", "INS",
             "VEN", "WLT", "AST", "ACC", "LIM", "MRK", "BAL", "POS", "ORD", "TRD", "BOOK", "MKT", "SUB", "UNS", "SYNC", "TIME",
             "PING", "STAT", "SET", "QUIT"}
    assert verbs <= listed, verbs - listed
    for verb in sorted(verbs):
        lines.send(f"1 HELP {verb}\n")
        form = lines.answer()
        assert form[-1] == f"+1 {len(form) - 1}" and len(form) > 1 and verb in form[0]


def test_quit_answers_and_closes(shared):
    with shared.lines() as lines:
        lines.send("1 PING\n2 QUIT\n3 PING\n")
        rest = lines.rest()
        assert rest[:2] == ["+1 OK", "+2 OK"]
        assert not any(line.startswith("+3") for line in rest)


def test_client_every_method(desk, account):
    a = account
    assert desk.ping() is None
    assert desk.time() > 1_700_000_000_000
    assert desk.deposit(a, "USD", 1000, note="first").available == 1000
    assert desk.withdraw(a, "USD", "0.5").available == D("999.5")
    assert desk.adjust(a, "USD", D("-0.5"), "typo").available == 999
    assert desk.hold(a, "USD", 9).available == 990
    assert desk.release(a, "USD", 4).available == 994
    assert desk.transfer(a, a, "USD", 4, to_wallet="futures").available == 990
    futures, spot = desk.balances(a, wallet="futures"), desk.balances(a, "USD", wallet="spot")
    assert [balance.total for balance in futures] == [4]
    assert [(balance.total, balance.available, balance.held) for balance in spot] == [(995, 990, 5)]
    order = desk.new_order(a, "EX-USD", "B", 2, "100.00", id="one", strategy="s")
    assert (order.status, order.leaves, order.is_open) == ("NEW", 2, True)
    assert desk.replace(a, "EX-USD", order, 3, "100.00").leaves == 3
    fill = desk.fill(a, "EX-USD", "one", 1, "99.00", exec="e", fee="0.1", liq="T", time=17)
    assert (fill.status, fill.leaves, fill.cum, fill.avg) == ("PARTIALLY_FILLED", 2, 1, 99)
    assert desk.cancel(a, "EX-USD", "one").status == "CANCELED"
    listed, = desk.orders(a, status="all")
    assert (listed.id, listed.cum, listed.status, listed.strategy) == ("one", 1, "CANCELED", "s")
    trade, = desk.trades(a, "EX-USD", order.order_id)
    assert (trade.qty, trade.price, trade.fee, trade.exec, trade.liq, trade.venue_time) == (1, 99, D("0.1"), "e", "T", 17)
    position, = desk.positions(a, "EX-USD")
    assert (position.qty, position.cost, position.realized) == (1, 99, D("-0.1"))
    assert desk.close_position(a, "EX-USD", price="100.00").leaves == 1
    assert desk.cancel_all(a) == 1
    desk.set_limits(a, max_open=0)
    assert [limit.max_open for limit in desk.limits(a) if limit.symbol is None and limit.wallet == "spot"] == [0]
    with pytest.raises(Refused) as refusal:
        desk.new_order(a, "EX-USD", "B", 1, 1)
    assert refusal.value.code == "LIMIT_OPEN_ORDERS" and refusal.value.facts["limit"] == "0"
    assert desk.suspend(a).status == "suspended" and desk.resume(a).status == "open"
    assert [each.status for each in desk.accounts(a)] == ["open"]
    assert "EX-USD" in [instrument.symbol for instrument in desk.instruments()]
    assert any(row.words[0] == "service" for row in desk.stat())
    assert isinstance(desk.sync(), int)


def test_document_lists_every_verb_that_help_knows(lines):
    document = (REPOSITORY / "docs" / "PROTOCOL.md").read_text()
    lines.send("1 HELP\n")
    for row in lines.answer()[:-1]:
        verb = row.split(" ")[1]
        assert re.search(rf"\b{verb}\b", document), f"{verb} is not in the document"
