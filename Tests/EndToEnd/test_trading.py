"""Orders, fills, reserves and positions on manual venues: scripts with the printed state below."""

import time

import pytest

from lines import play

FUNDED = """
    DEP $a USD 100000.00 ref=usd
    + OK available=100000.00 lsn=*
    DEP $a EX 1000 ref=ex
    + OK available=1000 lsn=*
"""


def trade(side, qty, price, number, symbol="EX-USD", fee=""):
    """An order and its whole fill, as script."""
    return f"""
        NEW $a {symbol} {side} LMT {qty} {price} GTC id=o{number}
        + *
        FIL $a {symbol} id=o{number} {qty} {price} exec=e{number}{fee}
        + *
    """


def position_script(trades, position, symbol):
    script = "".join(trade(side, qty, price, number, symbol, fee)
                     for number, (side, qty, price, fee) in enumerate(trades))
    return script + f"""
        POS $a {symbol}
        = {symbol} {position}
        + 1
    """


POSITIONS = {
    "short 5@100, buy 2@90: short 3, realized 20": (
        [("S", 5, "100.00", ""), ("B", 2, "90.00", "")], "qty=-3 avg=100.00 cost=300.00 realized=20.00"),
    "short 5@100, sell 2@110: short 7, average 102.8571": (
        [("S", 5, "100.00", ""), ("S", 2, "110.00", "")], "qty=-7 avg=102.8571 cost=720.00 realized=0.00"),
    "long 2@100, sell 5@120: flips to short 3@120, realized 40 less fee": (
        [("B", 2, "100.00", ""), ("S", 5, "120.00", " fee=0.25")], "qty=-3 avg=120.00 cost=360.00 realized=39.75"),
    "long 2@100 (fee 0.2) and 1@130: average 110; sell 3@150 (fee 0.45): flat, realized 120 - 0.65": (
        [("B", 2, "100.00", " fee=0.2"), ("B", 1, "130.00", ""), ("S", 3, "150.00", " fee=0.45")],
        "qty=0 cost=0.00 realized=119.35"),
    "long 2@100 and 1@130: average 110": (
        [("B", 2, "100.00", " fee=0.2"), ("B", 1, "130.00", "")], "qty=3 avg=110.00 cost=330.00 realized=-0.20"),
    "short 2@100, buy 5@120: flips to long 3@120, realized -40": (
        [("S", 2, "100.00", ""), ("B", 5, "120.00", "")], "qty=3 avg=120.00 cost=360.00 realized=-40.00"),
    "flip and flip back": (
        [("B", 1, "10.00", ""), ("S", 2, "11.00", ""), ("B", 2, "12.00", "")],
        "qty=1 avg=12.00 cost=12.00 realized=0.00"),
    "rebate: negative fee adds to realized": (
        [("B", 1, "10.00", " fee=-0.01")], "qty=1 avg=10.00 cost=10.00 realized=0.01"),
    "partial close of 3 for 10.00, 1 off: cost truncated toward zero at 10^-18": (
        [("B", 1, "10.00", ""), ("B", 1, "10.00", ""), ("B", 1, "10.01", ""), ("S", 1, "10.01", "")],
        "qty=2 avg=10.0033 cost=20.006666666666666667 realized=0.006666666666666667"),
    "partial closes to flat: realized is exact": (
        [("B", 1, "10.00", ""), ("B", 1, "10.00", ""), ("B", 1, "10.01", ""), ("S", 1, "10.01", ""),
         ("S", 1, "10.01", ""), ("S", 1, "10.01", "")],
        "qty=0 cost=0.00 realized=0.02"),
    "fee in base: realized falls by fee at the fill's price, quantity stays": (
        [("B", 3, "100.00", " fee=1 feeasset=EX")], "qty=3 avg=100.00 cost=300.00 realized=-100.00"),
    "fee in a third asset: listed, realized stays": (
        [("B", 3, "100.00", " fee=0.1 feeasset=FEE"), ("B", 1, "100.00", " fee=0.02 feeasset=FEE")],
        "qty=4 avg=100.00 cost=400.00 realized=0.00 fees=FEE:0.1200"),
}


@pytest.mark.parametrize("symbol", ["EX-USD", "PERP-USD"])
@pytest.mark.parametrize("case", POSITIONS)
def test_position(lines, account, case, symbol):
    trades, position = POSITIONS[case]
    if symbol == "PERP-USD" and "feeasset=EX" in str(trades):
        pytest.skip("nothing is held in base where funds=none")
    play(lines, FUNDED + position_script(trades, position, symbol), a=account)


def test_position_unrealized_follows_the_mark(fresh):
    with fresh().lines() as lines:
        play(lines, FUNDED + trade("S", 5, "100.00", 1) + """
            POS $a
            = EX-USD qty=-5 avg=100.00 cost=500.00 realized=0.00
            + 1
            MRK EX-USD 90.00
            + OK *
            POS $a
            = EX-USD qty=-5 avg=100.00 cost=500.00 realized=0.00 unrealized=50.00 mark=90.00
            + 1
            MRK EX-USD 103.50
            + OK *
            POS $a
            = EX-USD qty=-5 avg=100.00 cost=500.00 realized=0.00 unrealized=-17.50 mark=103.50
            + 1
            """, a=5)


def balances(usd, ex):
    def row(asset, zero, total, available, reserved):
        return f"= {asset} spot total={total} available={available} reserved={reserved} held={zero} transit={zero}"
    return f"""
        BAL $a USD wallet=spot
        {row("USD", "0.00", *usd)}
        + 1
        BAL $a EX wallet=spot
        {row("EX", "0", *ex)}
        + 1
    """


START = ("100000.00", "100000.00", "0.00"), ("1000", "1000", "0")


@pytest.mark.parametrize("case, script, usd, ex", [
    ("buy: quantity x price", "NEW $a EX-USD B LMT 10 100.00 GTC id=1",
     ("100000.00", "99000.00", "1000.00"), START[1]),
    ("sell: quantity", "NEW $a EX-USD S LMT 10 100.00 GTC id=1", START[0], ("1000", "990", "10")),
    ("replace up", "NEW $a EX-USD B LMT 10 100.00 GTC id=1;RPL $a EX-USD id=1 12 110.00",
     ("100000.00", "98680.00", "1320.00"), START[1]),
    ("replace down", "NEW $a EX-USD B LMT 10 100.00 GTC id=1;RPL $a EX-USD id=1 5 90.00",
     ("100000.00", "99550.00", "450.00"), START[1]),
    ("replace sell down", "NEW $a EX-USD S LMT 10 100.00 GTC id=1;RPL $a EX-USD id=1 4 120.00",
     START[0], ("1000", "996", "4")),
    ("partial fill at a better price: the rest at the limit stays reserved",
     "NEW $a EX-USD B LMT 10 100.00 GTC id=1;FIL $a EX-USD id=1 4 99.00 exec=1",
     ("99604.00", "99004.00", "600.00"), ("1004", "1004", "0")),
    ("partial fill, then replace",
     "NEW $a EX-USD B LMT 10 100.00 GTC id=1;FIL $a EX-USD id=1 4 99.00 exec=1;RPL $a EX-USD id=1 5 101.00",
     ("99604.00", "99503.00", "101.00"), ("1004", "1004", "0")),
    ("replace to what is filled: FILLED, nothing reserved",
     "NEW $a EX-USD B LMT 10 100.00 GTC id=1;FIL $a EX-USD id=1 4 99.00 exec=1;RPL $a EX-USD id=1 4 100.00",
     ("99604.00", "99604.00", "0.00"), ("1004", "1004", "0")),
    ("filled: nothing reserved", "NEW $a EX-USD S LMT 10 100.00 GTC id=1;FIL $a EX-USD id=1 10 101.00 exec=1 fee=1",
     ("101009.00", "101009.00", "0.00"), ("990", "990", "0")),
    ("cancel after a partial fill", "NEW $a EX-USD S LMT 10 100.00 GTC id=1;FIL $a EX-USD id=1 1 101.00 exec=1;"
     "CXL $a EX-USD id=1", ("100101.00", "100101.00", "0.00"), ("999", "999", "0")),
    ("fee in base", "NEW $a EX-USD B LMT 10 100.00 GTC id=1;FIL $a EX-USD id=1 10 100.00 exec=1 fee=1 feeasset=EX",
     ("99000.00", "99000.00", "0.00"), ("1009", "1009", "0")),
    ("market buy with max=", "NEW $a EX-USD B MKT 10 - IOC id=1 max=1500", ("100000.00", "98500.00", "1500.00"), START[1]),
    ("market sell", "NEW $a EX-USD S MKT 10 - IOC id=1", START[0], ("1000", "990", "10")),
])
def test_reserve(lines, account, case, script, usd, ex):
    steps = "".join(f"{step}\n + *\n" for step in script.split(";"))
    play(lines, FUNDED + steps + balances(usd, ex), a=account)


def test_reserve_is_refused_before_anything_changes(lines, account):
    play(lines, FUNDED + """
        NEW $a EX-USD B LMT 1000 100.00 GTC id=1
        + $o *
        NEW $a EX-USD B LMT 1 0.01 GTC id=2
        - INSUFFICIENT_FUNDS asset=USD wallet=spot need=0.01 available=0.00
        RPL $a EX-USD id=1 1000 100.01
        - INSUFFICIENT_FUNDS asset=USD wallet=spot *
        RPL $a EX-USD id=1 999 100.10
        + $o NEW leaves=999 cum=0 lsn=*
        """ + balances(("100000.00", "0.10", "99999.90"), START[1]), a=account)


def test_market_buy_by_mark_with_margin_by_max_and_by_neither(fresh):
    with fresh().lines() as lines:
        play(lines, FUNDED + """
            NEW $a EX-USD B MKT 10 - IOC id=1
            - NO_MARK symbol=EX-USD
            MRK EX-USD 100.00
            + OK *
            SET market_margin_bps 500
            + OK *
            NEW $a EX-USD B MKT 10 - IOC id=1
            + $o NEW leaves=10 cum=0 lsn=*
            """ + balances(("100000.00", "98950.00", "1050.00"), START[1]) + """
            FIL $a EX-USD id=1 10 120.00 exec=1
            + $o FILLED trade=* leaves=0 cum=10 avg=120.00 lsn=*
            """ + balances(("98800.00", "98800.00", "0.00"), ("1010", "1010", "0")), a=5)


def test_fill_in_several_parts_average_and_states(lines, account):
    play(lines, FUNDED + """
        NEW $a EX-USD B LMT 10 100.00 GTC id=1
        + $o NEW leaves=10 cum=0 lsn=*
        FIL $a EX-USD $o 3 99.00 exec=1
        + $o PARTIALLY_FILLED trade=* leaves=7 cum=3 avg=99.00 lsn=*
        FIL $a EX-USD $o 3 100.00 exec=2
        + $o PARTIALLY_FILLED trade=* leaves=4 cum=6 avg=99.50 lsn=*
        FIL $a EX-USD $o 4 98.0001 exec=3
        + $o FILLED trade=* leaves=0 cum=10 avg=98.90 lsn=*
        RPL $a EX-USD $o 12 100.00
        - ORDER_CLOSED status=FILLED
        CXL $a EX-USD $o
        - ORDER_CLOSED status=FILLED
        """, a=account)


def test_late_fill_after_cancel_is_taken_up_to_the_largest_quantity(lines, account):
    play(lines, FUNDED + """
        NEW $a EX-USD B LMT 10 100.00 GTC id=1
        + $o *
        FIL $a EX-USD $o 2 100.00 exec=1
        + *
        RPL $a EX-USD $o 5 100.00
        + $o PARTIALLY_FILLED leaves=3 cum=2 avg=100.00 lsn=*
        CXL $a EX-USD $o
        + $o CANCELED leaves=0 cum=2 avg=100.00 lsn=*
        FIL $a EX-USD $o 6 100.00 exec=2
        + $o CANCELED trade=* leaves=0 cum=8 avg=100.00 lsn=*
        FIL $a EX-USD $o 3 100.00 exec=3
        - OVERFILL max=10 cum=8
        FIL $a EX-USD $o 2 100.00 exec=4
        + $o CANCELED trade=* leaves=0 cum=10 avg=100.00 lsn=*
        """ + balances(("99000.00", "99000.00", "0.00"), ("1010", "1010", "0")), a=account)


def test_overfill_of_an_open_order(lines, account):
    play(lines, FUNDED + """
        NEW $a EX-USD B LMT 10 100.00 GTC id=1
        + $o *
        FIL $a EX-USD $o 11 100.00 exec=1
        - OVERFILL max=10 cum=0
        FIL $a EX-USD $o 10 100.00 exec=1
        + $o FILLED *
        FIL $a EX-USD $o 1 100.00 exec=2
        - OVERFILL max=10 cum=10
        """, a=account)


def test_fill_is_a_fact_suspended_halted_below_zero(lines, account):
    play(lines, """
        DEP $a USD 100.00 ref=d
        + OK available=100.00 lsn=*
        NEW $a HALT-USD B LMT 1 100.00 GTC id=1
        + $o *
        CXL $a HALT-USD id=1
        + $o CANCELED *
        WDR $a USD 60.00 ref=w
        + OK available=40.00 lsn=*
        INS HALT-USD state=halted
        + OK *
        ACC $a suspend
        + OK status=suspended canceled=0 lsn=*
        FIL $a HALT-USD id=1 1 100.00 exec=1 fee=1
        + $o CANCELED trade=* leaves=0 cum=1 avg=100.00 lsn=*
        INS HALT-USD state=trading
        + OK *
        ACC $a resume
        + OK *
        BAL $a USD wallet=spot
        = USD spot total=-61.00 available=-61.00 reserved=0.00 held=0.00 transit=0.00
        + 1
        NEW $a EX-USD B LMT 1 0.01 GTC id=2
        - INSUFFICIENT_FUNDS asset=USD wallet=spot need=0.01 available=-61.00
        NEW $a EX-USD S LMT 1 1.00 GTC id=3
        + *
        """, a=account)


def test_funds_none_reserves_nothing_and_moves_only_fees_and_realized_pnl(lines, account):
    def futures(amount):
        return f"""
            BAL $a USD wallet=futures
            = USD futures total={amount} available={amount} reserved=0.00 held=0.00 transit=0.00
            + 1
        """
    play(lines, """
        DEP $a USD 10.00 wallet=futures ref=d
        + OK available=10.00 lsn=*
        NEW $a PERP-USD S LMT 1000 100.00 GTC id=1
        + $o NEW leaves=1000 cum=0 lsn=*
        """ + futures("10.00") + """
        FIL $a PERP-USD id=1 1000 100.00 exec=1 fee=0.5
        + $o FILLED *
        """ + futures("9.50") + """
        NEW $a PERP-USD B LMT 400 90.00 GTC id=2
        + *
        FIL $a PERP-USD id=2 400 90.00 exec=2
        + *
        """ + futures("4009.50") + """
        POS $a
        = PERP-USD qty=-600 avg=100.00 cost=60000.00 realized=3999.50
        + 1
        """, a=account)


def test_gtd_expires_by_itself(lines, account):
    lines.send("1 TIME\n")
    now = int(lines.answer()[0].rpartition("=")[2])
    play(lines, FUNDED + f"""
        NEW $a EX-USD B LMT 1 100.00 GTD id=1 expire={now - 1}
        - ALREADY_EXPIRED *
        NEW $a EX-USD B LMT 1 100.00 GTD id=1 expire={now + 1500}
        + $o NEW leaves=1 cum=0 lsn=*
        """, a=account)
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        lines.send(f"1 ORD {account} EX-USD id=1\n")
        row = lines.answer()[0]
        if "status=NEW" not in row:
            break
        time.sleep(0.05)
    assert "status=EXPIRED" in row and "leaves=0" in row
    play(lines, "FIL $a EX-USD id=1 1 100.00 exec=1\n + * EXPIRED *\n" + balances(
        ("99900.00", "99900.00", "0.00"), ("1001", "1001", "0")), a=account)


@pytest.mark.parametrize("options, code", [
    ("max_qty=5", "LIMIT_QTY"), ("max_notional=500.00", "LIMIT_NOTIONAL"), ("max_position=5", "LIMIT_POSITION"),
    ("max_open=0", "LIMIT_OPEN_ORDERS"), ("enabled=0", "LIMIT_DISABLED"),
])
@pytest.mark.parametrize("place", ["wallet=spot", "EX-USD"])
def test_limits_by_wallet_and_by_instrument(lines, account, options, code, place):
    play(lines, FUNDED + f"""
        LIM $a {place} {options}
        + OK *
        NEW $a EX-USD B LMT 6 100.00 GTC id=1
        - {code} *
        LIM $a {place} {options.partition("=")[0]}={"1" if "enabled" in options else "-"}
        + OK *
        NEW $a EX-USD B LMT 6 100.00 GTC id=1
        + *
        """, a=account)


def test_limit_position_counts_open_orders_of_one_side(lines, account):
    play(lines, FUNDED + trade("B", 3, "100.00", 1) + """
        LIM $a EX-USD max_position=5
        + OK *
        NEW $a EX-USD B LMT 2 100.00 GTC id=a
        + *
        NEW $a EX-USD B LMT 1 100.00 GTC id=b
        - LIMIT_POSITION *
        NEW $a EX-USD S LMT 8 100.00 GTC id=c
        + *
        NEW $a EX-USD S LMT 1 100.00 GTC id=d
        - LIMIT_POSITION *
        RPL $a EX-USD id=a 3 100.00
        - LIMIT_POSITION *
        RPL $a EX-USD id=a 1 100.00
        + *
        """, a=account)


def test_suspend_cancels_everything_in_all_wallets(lines, account):
    play(lines, FUNDED + """
        NEW $a EX-USD B LMT 1 100.00 GTC id=1
        + *
        NEW $a PERP-USD B LMT 1 100.00 GTC id=2
        + *
        NEW $a HALT-USD B LMT 1 100.00 GTC id=3
        + *
        ACC $a suspend
        + OK status=suspended canceled=3 lsn=*
        ACC $a
        = $a status=suspended
        + 1
        ORD $a
        + 0
        NEW $a EX-USD B LMT 1 100.00 GTC id=4
        - ACCOUNT_SUSPENDED account=$a
        XFR $a $a USD 1 to=futures ref=x
        - ACCOUNT_SUSPENDED account=$a
        DEP $a USD 1 ref=more
        + OK available=100001.00 lsn=*
        ACC $a resume
        + OK status=open lsn=*
        NEW $a EX-USD B LMT 1 100.00 GTC id=4
        + *
        """, a=account)


def test_queries_pages_filters_order(lines, account):
    play(lines, FUNDED, a=account)
    for number in range(7):
        assert lines.ask(f"1 NEW {account} EX-USD B LMT 1 {number + 1}.00 GTC id={number}").startswith("+1")
        assert lines.ask(f"1 FIL {account} EX-USD id={number} 1 {number + 1}.00 exec=1" if number % 2 else "1 PING")[0] == "+"

    def ids(command):
        lines.send(f"1 {command}\n")
        rows = lines.answer()
        assert rows[-1] == f"+1 {len(rows) - 1}"
        return [row.split(" id=")[1].split(" ")[0] for row in rows[:-1]], [row.split(" ")[1] for row in rows[:-1]]

    assert ids(f"ORD {account}")[0] == ["0", "2", "4", "6"]
    assert ids(f"ORD {account} status=closed")[0] == ["1", "3", "5"]
    everything, numbers = ids(f"ORD {account} EX-USD status=all")
    assert everything == ["0", "1", "2", "3", "4", "5", "6"] and numbers == sorted(numbers, key=int)
    assert ids(f"ORD {account} status=all limit=2 after={numbers[2]}")[0] == ["3", "4"]
    assert ids(f"TRD {account}")[0] == ["5", "3", "1"]
    assert ids(f"TRD {account} EX-USD limit=1")[0] == ["5"]
    assert ids(f"TRD {account} EX-USD id=3")[0] == ["3"]
