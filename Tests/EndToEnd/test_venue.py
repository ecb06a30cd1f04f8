"""An internal venue over real sockets: what trades with what, at what price, for what fee, and what is left in the book."""

import time

import pytest

from venue import Desk, desk


def test_two_accounts_trade(desk):
    desk.play("""
        NEW $b $s S LMT 0.5 64000.00 GTC id=ask
        + $ask NEW leaves=0.50000 cum=0.00000 lsn=*
    """)
    desk.book("ask 64000.00 0.50000 1")
    assert desk.balance("b", "BTC") == ("10.00000000", "9.50000000", "0.50000000")
    desk.play("""
        NEW $a $s B LMT 0.8 64010.00 GTC id=bid
        + $bid PARTIALLY_FILLED leaves=0.30000 cum=0.50000 avg=64000.00 lsn=*
    """)
    desk.book("bid 64010.00 0.30000 1")
    # 32000 and 2 bps of it; what rests holds 19203 and 2 bps.
    assert desk.balance("a", "USDT") == ("67993.60", "48786.7594", "19206.8406")
    assert desk.balance("b", "USDT") == ("131996.80", "131996.80", "0.00")
    desk.play("""
        NEW $b $s S MKT 1 - IOC id=rest
        + $rest CANCELED leaves=0.00000 cum=0.30000 avg=64010.00 reason=unfilled lsn=*
        TRD $a $s
        = $t4 symbol=$s order=$bid id=bid side=B qty=0.30000 price=64010.00 fee=1.9203 feeasset=USDT liq=M time=*
        = $t2 symbol=$s order=$bid id=bid side=B qty=0.50000 price=64000.00 fee=6.40 feeasset=USDT liq=T time=*
        + 2
        TRD $b $s
        = $t5 symbol=$s order=$rest id=rest side=S qty=0.30000 price=64010.00 fee=3.8406 feeasset=USDT liq=T time=*
        = $t1 symbol=$s order=$ask id=ask side=S qty=0.50000 price=64000.00 fee=3.20 feeasset=USDT liq=M time=*
        + 2
        POS $a $s
        = $s qty=0.80000 avg=64003.75 cost=51203.00 realized=-8.3203
        + 1
        POS $b $s
        = $s qty=-0.80000 avg=64003.75 cost=51203.00 realized=-7.0406
        + 1
        ORD $b $s $rest
        = $rest symbol=$s id=rest side=S type=MKT tif=IOC qty=1.00000 price=- status=CANCELED leaves=0.00000 cum=0.30000 avg=64010.00 reserved=0.00000000 created=* updated=* reason=unfilled
        + 1
    """)
    # The two sides of a match have TradeIDs n and n + 1, the maker's first.
    numbers = {name: int(desk.names[name]) for name in ("t1", "t2", "t4", "t5")}
    assert numbers["t2"] == numbers["t1"] + 1 and numbers["t5"] == numbers["t4"] + 1
    desk.book()
    assert desk.balance("a", "USDT") == ("48788.6797", "48788.6797", "0.00")
    assert desk.balance("a", "BTC") == ("10.80000000", "10.80000000", "0.00000000")
    assert desk.balance("b", "USDT") == ("151195.9594", "151195.9594", "0.00")
    assert desk.balance("b", "BTC") == ("9.20000000", "9.20000000", "0.00000000")


def test_price_then_time(desk):
    desk.play("""
        NEW $b $s S LMT 1 101.00 GTC id=far
        + *
        NEW $b $s S LMT 1 100.00 GTC id=first
        + *
        NEW $c $s S LMT 1 100.00 GTC id=second
        + *
    """)
    desk.book("ask 100.00 2.00000 2", "ask 101.00 1.00000 1")
    desk.play("""
        NEW $a $s B LMT 2.5 101.00 GTC id=buy
        + * FILLED leaves=0.00000 cum=2.50000 avg=100.20 lsn=*
        ORD $b $s id=first
        = * status=FILLED *
        + 1
        ORD $c $s id=second
        = * status=FILLED *
        + 1
        ORD $b $s id=far
        = * status=PARTIALLY_FILLED leaves=0.50000 *
        + 1
    """)
    desk.book("ask 101.00 0.50000 1")


def test_replace_keeps_or_loses_its_turn(desk):
    desk.play("""
        NEW $a $s B LMT 2 100.00 GTC id=a
        + *
        NEW $b $s B LMT 2 100.00 GTC id=b
        + *
        RPL $a $s id=a 1 100.00
        + * NEW leaves=1.00000 cum=0.00000 lsn=*
        NEW $c $s S LMT 1 100.00 GTC id=s1
        + * FILLED *
        ORD $a $s id=a
        = * status=FILLED *
        + 1
        RPL $b $s id=b 3 100.00
        + * NEW leaves=3.00000 cum=0.00000 lsn=*
        NEW $a $s B LMT 1 100.00 GTC id=a2
        + *
        RPL $b $s id=b 4 100.00
        + *
        NEW $c $s S LMT 1 100.00 GTC id=s2
        + *
        ORD $a $s id=a2
        = * status=FILLED *
        + 1
        NEW $c $s S LMT 1 102.00 GTC id=s3
        + *
        RPL $b $s id=b 4 103.00
        + * PARTIALLY_FILLED leaves=3.00000 cum=1.00000 avg=102.00 lsn=*
        RPL $b $s id=b 4 103.00
        + * PARTIALLY_FILLED leaves=3.00000 cum=1.00000 avg=102.00 dup=1
    """)
    desk.book("bid 103.00 3.00000 1")


def test_market_order_and_the_money_it_may_spend(desk):
    desk.play("""
        NEW $b $s S LMT 0.1 100.00 GTC id=s1
        + *
        NEW $b $s S LMT 0.1 110.00 GTC id=s2
        + *
        NEW $a $s B MKT 1 - IOC id=m1 max=15
        + * CANCELED leaves=0.00000 cum=0.14542 avg=103.1234 reason=funds lsn=*
    """)
    # 0.1 at 100 and 0.04542 at 110 are 14.9962, and 2 bps of each: one lot more would be beyond 15.
    assert desk.balance("a", "USDT") == ("99985.00080076", "99985.00080076", "0.00")
    desk.play("""
        NEW $a $s B MKT 1 - IOC id=m2
        + * CANCELED leaves=0.00000 cum=0.05458 avg=110.00 reason=unfilled lsn=*
        NEW $a $s B MKT 1 - GTC id=m3 max=15
        + * CANCELED leaves=0.00000 cum=0.00000 reason=unfilled lsn=*
    """)
    desk.book()


def test_ioc_and_fok(desk):
    desk.play("""
        NEW $b $s S LMT 0.2 100.00 GTC id=s
        + *
        NEW $a $s B LMT 0.3 100.00 FOK id=f
        - UNFILLABLE available=0.20000
        NEW $a $s B MKT 0.3 - FOK id=f
        - UNFILLABLE available=0.20000
        NEW $a $s B LMT 0.1 99.99 IOC id=i1
        + * CANCELED leaves=0.00000 cum=0.00000 reason=unfilled lsn=*
        NEW $a $s B LMT 0.15 100.00 FOK id=f
        + * FILLED leaves=0.00000 cum=0.15000 avg=100.00 lsn=*
        NEW $a $s B LMT 0.15 100.00 FOK id=f
        + * FILLED leaves=0.00000 cum=0.15000 avg=100.00 dup=1
        NEW $a $s B LMT 0.15 100.00 IOC id=i2
        + * CANCELED leaves=0.00000 cum=0.05000 avg=100.00 reason=unfilled lsn=*
    """)
    desk.book()


def test_post_only(desk):
    desk.play("""
        NEW $b $s S LMT 0.2 100.00 GTC id=s
        + *
        NEW $a $s B LMT 0.1 100.00 GTC id=p post=1
        - WOULD_TAKE price=100.00
        NEW $a $s B LMT 0.1 100.00 IOC id=p post=1
        - BAD_VALUE argument=post
        NEW $a $s B MKT 0.1 - GTC id=p post=1
        - BAD_VALUE argument=post
        NEW $a $s B LMT 0.1 99.99 GTC id=p post=1
        + $p NEW leaves=0.10000 cum=0.00000 lsn=*
        RPL $a $s id=p 0.1 100.00
        - WOULD_TAKE price=100.00
        ORD $a $s $p
        = $p symbol=$s id=p side=B type=LMT tif=GTC qty=0.10000 price=99.99 status=NEW leaves=0.10000 cum=0.00000 reserved=10.0009998 created=* updated=* post=1
        + 1
    """)
    desk.book("bid 99.99 0.10000 1", "ask 100.00 0.20000 1")


def test_iceberg(desk):
    desk.play("""
        NEW $b $s S LMT 0.5 100.00 GTC id=ice display=0.5
        - BAD_VALUE argument=display
        NEW $b $s S LMT 0.5 100.00 IOC id=ice display=0.2
        - BAD_VALUE argument=display
        NEW $b $s S LMT 0.50001 100.00 GTC id=ice display=0.0005
        - BAD_VALUE argument=display
        NEW $b $s S LMT 0.5 100.00 GTC id=ice display=0.2
        + $ice NEW leaves=0.50000 cum=0.00000 lsn=*
        NEW $c $s S LMT 0.1 100.00 GTC id=behind
        + *
    """)
    desk.book("ask 100.00 0.30000 2")
    desk.play("""
        NEW $a $s B LMT 0.25 100.00 GTC id=b1
        + * FILLED leaves=0.00000 cum=0.25000 avg=100.00 lsn=*
        ORD $b $s $ice
        = $ice status=PARTIALLY_FILLED leaves=0.30000 display=0.20000 *
        + 1
        ORD $c $s id=behind
        = * status=PARTIALLY_FILLED leaves=0.05000 *
        + 1
    """)
    desk.book("ask 100.00 0.25000 2")
    desk.play("""
        NEW $a $s B LMT 0.35 100.00 FOK id=b2
        + * FILLED *
    """)
    desk.book()


def test_reduce_only(desk):
    desk.play("""
        NEW $a $s S LMT 0.1 100.00 GTC id=r reduce=1
        - REDUCE_ONLY position=0.00000
        NEW $b $s S LMT 0.3 100.00 GTC id=s
        + *
        NEW $a $s B LMT 0.3 100.00 GTC id=b
        + * FILLED *
        NEW $a $s S LMT 0.4 101.00 GTC id=r reduce=1
        - REDUCE_ONLY position=0.30000
        NEW $a $s B LMT 0.1 90.00 GTC id=r reduce=1
        - REDUCE_ONLY position=0.30000
        NEW $a $s S LMT 0.3 101.00 GTC id=r1 reduce=1
        + $r1 NEW leaves=0.30000 cum=0.00000 lsn=*
        NEW $a $s S LMT 0.3 102.00 GTC id=r2 reduce=1
        + $r2 NEW leaves=0.30000 cum=0.00000 lsn=*
        NEW $c $s B LMT 0.2 101.00 GTC id=c1
        + * FILLED *
        NEW $c $s B LMT 0.4 102.00 GTC id=c2
        + $c2 PARTIALLY_FILLED leaves=0.30000 cum=0.10000 avg=101.00 lsn=*
        ORD $a $s $r2
        = $r2 status=CANCELED reason=reduce_only reduce=1 *
        + 1
        CXL $a $s $r2
        + $r2 CANCELED leaves=0.00000 cum=0.00000 reason=reduce_only dup=1
        POS $a $s
        = $s qty=0.00000 *
        + 1
    """)
    desk.book("bid 102.00 0.30000 1")


@pytest.mark.parametrize("stp, answer, kept, book", [
    ("", "CANCELED leaves=0.00000 cum=0.10000 avg=99.00 reason=self_trade", "NEW leaves=0.20000",
     ["ask 100.00 0.20000 1", "ask 101.00 0.50000 1"]),
    (" stp=newest", "CANCELED leaves=0.00000 cum=0.10000 avg=99.00 reason=self_trade", "NEW leaves=0.20000",
     ["ask 100.00 0.20000 1", "ask 101.00 0.50000 1"]),
    (" stp=oldest", "FILLED leaves=0.00000 cum=0.50000 avg=100.60", "CANCELED leaves=0.00000 reason=self_trade", ["ask 101.00 0.10000 1"]),
    (" stp=both", "CANCELED leaves=0.00000 cum=0.10000 avg=99.00 reason=self_trade", "CANCELED leaves=0.00000 reason=self_trade",
     ["ask 101.00 0.50000 1"]),
    (" stp=decrement", "FILLED leaves=0.00000 cum=0.30000 avg=100.3333", "CANCELED leaves=0.00000 reason=self_trade",
     ["ask 101.00 0.30000 1"]),
])
def test_self_trade_prevention(desk, stp, answer, kept, book):
    desk.play(f"""
        NEW $b $s S LMT 0.1 99.00 GTC id=first
        + *
        NEW $a $s S LMT 0.2 100.00 GTC id=own
        + $own *
        NEW $b $s S LMT 0.5 101.00 GTC id=behind
        + *
        NEW $a $s B LMT 0.5 101.00 GTC id=new{stp}
        + * {answer} lsn=*
        ORD $a $s $own
        = $own status={kept} *
        + 1
    """)
    desk.book(*book)


def test_states_of_an_instrument(desk):
    desk.play("""
        NEW $b $s S LMT 1 100.00 GTC id=s
        + *
        NEW $a $s B LMT 1 90.00 GTC id=b
        + *
        INS $s state=post_only
        + OK lsn=*
        NEW $a $s B LMT 1 100.00 GTC id=x
        - INSTRUMENT_POST_ONLY symbol=$s
        NEW $a $s B MKT 1 - GTC id=x
        - INSTRUMENT_POST_ONLY symbol=$s
        NEW $a $s B LMT 1 99.00 IOC id=x
        - INSTRUMENT_POST_ONLY symbol=$s
        RPL $a $s id=b 1 100.00
        - INSTRUMENT_POST_ONLY symbol=$s
        RPL $a $s id=b 1 99.00
        + * NEW *
        INS $s state=cancel_only
        + OK lsn=*
        NEW $a $s B LMT 1 90.00 GTC id=x
        - INSTRUMENT_CANCEL_ONLY symbol=$s
        RPL $a $s id=b 1 98.00
        - INSTRUMENT_CANCEL_ONLY symbol=$s
        RPL $a $s id=b 0.5 99.00
        + * NEW leaves=0.50000 *
        INS $s state=halted
        + OK lsn=*
        NEW $a $s B LMT 1 90.00 GTC id=x
        - INSTRUMENT_HALTED symbol=$s
        RPL $a $s id=b 0.4 99.00
        - INSTRUMENT_HALTED symbol=$s
        CXL $a $s id=b
        + * CANCELED *
        MKT $s
        = $s state=halted ask=100.00 askqty=1.00000 volume=0.00000 turnover=0.00 trades=0
        + 1
        INS $s state=trading
        + OK lsn=*
        NEW $a $s B LMT 1 100.00 GTC id=x
        + * FILLED *
    """)


def test_fees_and_rebates(lines, accounts):
    desk = Desk(lines, accounts, fees="maker_bps=-0.5 taker_bps=2.25")
    desk.play("""
        INS $s
        = $s venue=internal wallet=spot base=BTC quote=USDT tick=0.01 lot=0.00001 price_scale=4 qty_scale=5 min_qty=0.00001 max_qty=* min_notional=0.00 funds=full state=trading maker_bps=-0.5 taker_bps=2.25
        + 1
        NEW $a $s B LMT 0.33333 99.99 GTC id=old
        + *
        INS $s maker_bps=10 taker_bps=100
        + OK lsn=*
        INS $s maker_bps=10 taker_bps=100
        + OK dup=1
        NEW $b $s S LMT 0.33333 99.99 GTC id=s
        + * FILLED *
        TRD $a $s
        = * fee=-0.001666483335 liq=M *
        + 1
        TRD $b $s
        = * fee=0.333296667 liq=T *
        + 1
    """)
    # An order keeps the rates it was accepted with. 0.33333 x 99.99 = 33.3296667.
    assert desk.balance("a", "USDT")[0] == "99966.671999783335"
    assert desk.balance("b", "USDT")[0] == "100032.996370033"


def test_close_and_expiry(desk):
    desk.play("""
        NEW $b $s S LMT 1 100.00 GTC id=s
        + *
        NEW $a $s B LMT 1 100.00 GTC id=b
        + * FILLED *
        CLS $a $s id=close
        + * CANCELED leaves=0.00000 cum=0.00000 reason=unfilled lsn=*
        NEW $b $s B LMT 0.4 99.00 GTC id=b2
        + *
        CLS $a $s id=close2
        + * CANCELED leaves=0.00000 cum=0.40000 avg=99.00 reason=unfilled lsn=*
        CLS $a $s - 101.00 id=close3
        + * NEW leaves=0.60000 cum=0.00000 lsn=*
    """)
    desk.book("ask 101.00 0.60000 1")
    expire = int(time.time() * 1000) + 300
    desk.play(f"""
        NEW $b $s B LMT 0.1 50.00 GTD id=gtd expire={expire}
        + $gtd NEW *
    """)
    desk.book("bid 50.00 0.10000 1", "ask 101.00 0.60000 1")
    time.sleep(0.8)
    desk.play("""
        ORD $b $s $gtd
        = $gtd status=EXPIRED *
        + 1
    """)
    desk.book("ask 101.00 0.60000 1")


def test_no_order_trades_when_its_time_is_up(desk):
    """Also in the very moment, and before the service comes to say that it has expired."""
    traded = 0
    for number in range(100):
        expire = int(time.time() * 1000) + 4
        desk.ask(f"NEW $b $s S LMT 0.001 100.00 GTD id=gtd{number} expire={expire}")
        while time.time() * 1000 < expire:
            pass
        taken, = desk.ask(f"NEW $a $s B LMT 0.001 100.00 IOC id=ioc{number}")
        traded += " FILLED " in taken
    # The service's clock may be a hair behind this one's.
    assert traded < 10
    for row in desk.ask("TRD $b $s")[:-1]:
        trade = dict(part.partition("=")[::2] for part in row.split(" "))
        expire = dict(part.partition("=")[::2] for part in desk.ask(f"ORD $b $s {trade['order']}")[0].split(" "))["expire"]
        assert int(trade["time"]) < int(expire)


def test_suspension_empties_the_book(desk):
    desk.play("""
        NEW $a $s B LMT 1 50.00 GTC id=b
        + *
        NEW $a $s S MKT 1 - GTC id=stop stop=40.00
        + *
        NEW $b $s B LMT 1 49.00 GTC id=b
        + *
        ACC $a suspend
        + OK status=suspended canceled=2 lsn=*
    """)
    desk.book("bid 49.00 1.00000 1")
    desk.play("""
        CXA $b
        + OK canceled=1 lsn=*
    """)
    desk.book()


@pytest.mark.parametrize("option", [
    "stop=9.00", "stop=9.00 take=1 trigger=mark", "display=1", "post=1", "reduce=1", "oco=x", "stp=oldest", "stp=newest"])
def test_options_are_for_internal_venues(lines, account, option):
    assert lines.ask(f"t ACC {account} open").startswith("+t OK")
    assert lines.ask(f"t NEW {account} EX-USD B LMT 5 10.00 GTC id=a {option}") == "-t NOT_SUPPORTED what=instructions"


def test_what_a_venue_of_the_other_kind_does_not_do(desk):
    desk.play("""
        NEW $a $s B LMT 1 50.00 GTC id=b
        + *
        FIL $a $s id=b 1 50.00 exec=e
        - NOT_SUPPORTED what=venue
        INS EX-USD maker_bps=1
        - NOT_SUPPORTED what=fee
        INS EX-USD state=post_only
        - NOT_SUPPORTED what=venue
        BOOK EX-USD
        - NOT_SUPPORTED what=BOOK
        MKT EX-USD
        = EX-USD state=trading
        + 1
        SUB book=EX-USD
        - NOT_SUPPORTED what=book
        VEN internal kind=internal
        + OK dup=1
        VEN internal kind=manual
        - ALREADY_EXISTS name=internal
    """)


def test_events_of_a_match(desk, shared):
    with shared.lines() as listener:
        assert listener.ask(f"s SUB symbol={desk.symbol}").startswith("+s OK")
        desk.play("""
            NEW $a $s B LMT 1 50.00 GTC id=b display=0.5
            + $o1 NEW leaves=1.00000 cum=0.00000 lsn=$l1
            NEW $c $s S MKT 0.1 - GTC id=stop stop=50.00
            + $stop NEW leaves=0.10000 cum=0.00000 lsn=$l2
            NEW $b $s S LMT 0.2 50.00 GTC id=s
            + * FILLED leaves=0.00000 cum=0.20000 avg=50.00 lsn=$l3
        """)
        heads = []
        for _ in range(16):
            words = listener.wait_for("! ").split(" ")
            fields = dict(word.partition("=")[::2] for word in words[3:])
            last = int(desk.names["l3"])
            heads.append((words[1], words[2], fields.get("account"), fields.get("exec"), fields.get("liq"), fields.get("status")))
            if words[1] == f"{last}.4":
                break
    a, b, c = (desk.names[name] for name in "abc")
    l1, l2 = int(desk.names["l1"]), int(desk.names["l2"])
    n = last - 3  # accepted, matched, triggered, matched
    assert heads == [
        (f"{l1}.1", "ORDER", a, "NEW", None, "NEW"), (f"{l2}.1", "ORDER", c, "NEW", None, "NEW"),
        (f"{n}.1", "ORDER", b, "NEW", None, "NEW"),
        (f"{n + 1}.1", "TRADE", a, None, "M", "PARTIALLY_FILLED"), (f"{n + 1}.2", "TRADE", b, None, "T", "FILLED"),
        (f"{n + 1}.3", "POSITION", a, None, None, None), (f"{n + 1}.4", "POSITION", b, None, None, None),
        (f"{n + 2}.1", "ORDER", c, "TRIGGERED", None, "NEW"),
        (f"{n + 3}.1", "TRADE", a, None, "M", "PARTIALLY_FILLED"), (f"{n + 3}.2", "TRADE", c, None, "T", "FILLED"),
        (f"{n + 3}.3", "POSITION", a, None, None, None), (f"{n + 3}.4", "POSITION", c, None, None, None),
    ]


def test_each_sees_the_own_side_of_a_match(fresh):
    service = fresh(auth="jwt")
    admin = service.token(sub="ops", roles=["admin"], accounts="*")
    with service.lines() as lines, service.lines() as seller:
        assert lines.ask(f"t AUTH {admin}").startswith("+t OK")
        desk = Desk(lines, (7, 8, 9))
        token = service.token(sub="seller", roles=["viewer"], accounts=[8])
        assert seller.ask(f"t AUTH {token}").startswith("+t OK")
        assert seller.ask("s SUB kind=TRADE").startswith("+s OK")
        desk.play("""
            NEW $b $s S LMT 1 50.00 GTC id=s
            + *
            NEW $a $s B LMT 1 50.00 GTC id=b
            + * FILLED leaves=0.00000 cum=1.00000 avg=50.00 lsn=$l
            NEW $b $s S LMT 1 51.00 GTC id=s2
            + *
            NEW $c $s B LMT 1 51.00 GTC id=b
            + * FILLED *
        """)
        first, second = seller.wait_for("! "), seller.wait_for("! ")
        assert f"{desk.names['l']}.1 TRADE account=8 " in first and " account=8 " in second and " px=51.00 " in second


def test_rolls_of_roles(fresh):
    """BOOK, MKT and market data are for everybody who is somebody."""
    service = fresh(auth="jwt")
    with service.lines() as lines:
        for command in ("BOOK BTC-USDT", "MKT BTC-USDT", "SUB book=BTC-USDT", "UNS"):
            assert lines.ask(f"t {command}") == "-t AUTH_REQUIRED"
        nobody = service.token(sub="nobody", roles=[], accounts=[])
        assert lines.ask(f"t AUTH {nobody}").startswith("+t OK")
        assert lines.ask("t BOOK BTC-USDT").startswith("+t 0 lsn=")
        assert lines.ask("t MKT BTC-USDT") == "+t 1"
        assert lines.ask("t SUB book=BTC-USDT") == "+t OK"
        assert lines.wait_for("! BOOK").startswith("! BOOK symbol=BTC-USDT seq=1 type=snapshot levels=0 depth=10 lsn=")
        assert lines.ask("t UNS") == "+t OK"
        assert lines.ask("t SUB from=0").startswith("-t FORBIDDEN")
        assert lines.ask("t NEW 7 BTC-USDT B LMT 1 1.00 GTC id=a").startswith("-t FORBIDDEN")
