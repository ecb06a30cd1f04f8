"""Orders of an internal venue that wait: stops and take-profits for a price, legs of a pair for each other."""

from venue import desk


def test_stops_by_last(desk):
    desk.play("""
        NEW $b $s S LMT 1 100.00 GTC id=s1
        + *
        NEW $a $s B LMT 0.5 95.00 GTC id=b1
        + *
        NEW $c $s S LMT 0.2 94.00 GTC id=stop stop=96.00
        + $stop NEW leaves=0.20000 cum=0.00000 lsn=*
        NEW $c $s B MKT 0.1 - GTC id=buystop stop=100.00
        + $buystop NEW leaves=0.10000 cum=0.00000 lsn=*
        NEW $c $s S LMT 0.2 99.00 GTC id=take stop=100.00 take=1
        + $take NEW leaves=0.20000 cum=0.00000 lsn=*
        ORD $c $s
        = $stop symbol=$s id=stop side=S type=LMT tif=GTC qty=0.20000 price=94.00 status=NEW leaves=0.20000 cum=0.00000 reserved=0.20000000 created=* updated=* stop=96.00 trigger=last armed=1
        = $buystop symbol=$s id=buystop side=B type=MKT tif=GTC qty=0.10000 price=- status=NEW leaves=0.10000 cum=0.00000 reserved=10.5021 created=* updated=* stop=100.00 trigger=last armed=1
        = $take symbol=$s id=take side=S type=LMT tif=GTC qty=0.20000 price=99.00 status=NEW leaves=0.20000 cum=0.00000 reserved=0.20000000 created=* updated=* stop=100.00 take=1 trigger=last armed=1
        + 3
    """)
    # Armed orders are in no book.
    desk.book("bid 95.00 0.50000 1", "ask 100.00 1.00000 1")
    desk.play("""
        RPL $c $s $take 0.2 99.00 stop=101.00
        + $take NEW leaves=0.20000 cum=0.00000 lsn=*
        NEW $a $s B LMT 0.1 100.00 IOC id=b2
        + * FILLED leaves=0.00000 cum=0.10000 avg=100.00 lsn=*
        ORD $c $s $buystop
        = $buystop status=FILLED cum=0.10000 avg=100.00 *
        + 1
        NEW $c $s S LMT 0.1 90.00 GTC id=late stop=100.00
        - WOULD_TRIGGER stop=100.00 price=100.00
        NEW $c $s S LMT 0.1 90.00 GTC id=late stop=100.01 take=1
        + *
    """)
    desk.book("bid 95.00 0.50000 1", "ask 100.00 0.80000 1")
    desk.play("""
        NEW $b $s S LMT 0.1 95.00 IOC id=s2
        + * FILLED *
        ORD $c $s $stop
        = $stop symbol=$s id=stop side=S type=LMT tif=GTC qty=0.20000 price=94.00 status=FILLED leaves=0.00000 cum=0.20000 avg=95.00 reserved=0.00000000 created=* updated=* stop=96.00 trigger=last
        + 1
    """)
    desk.book("bid 95.00 0.20000 1", "ask 100.00 0.80000 1")


def test_stops_by_mark(desk):
    desk.play("""
        NEW $b $s B LMT 1 100.00 GTC id=b
        + *
        MRK $s 105.00
        + OK lsn=*
        NEW $a $s S MKT 0.4 - GTC id=m stop=99.50 trigger=mark
        + $m NEW leaves=0.40000 cum=0.00000 lsn=*
        NEW $a $s S MKT 0.4 - GTC id=n stop=105.00 trigger=mark
        - WOULD_TRIGGER stop=105.00 price=105.00
        NEW $c $s S LMT 0.5 100.00 GTC id=last
        + * FILLED *
        ORD $a $s $m
        = $m status=NEW trigger=mark armed=1 *
        + 1
        MRK $s 99.50
        + OK lsn=*
        ORD $a $s $m
        = $m status=FILLED cum=0.40000 avg=100.00 *
        + 1
    """)
    desk.book("bid 100.00 0.10000 1")


def test_a_cascade_of_stops(desk):
    desk.play("""
        NEW $b $s B LMT 1 100.00 GTC id=b1
        + *
        NEW $b $s B LMT 1 99.00 GTC id=b2
        + *
        NEW $b $s B LMT 1 98.00 GTC id=b3
        + *
        NEW $c $s S MKT 1 - GTC id=low stop=99.00
        + *
        NEW $a $s S MKT 1 - GTC id=high stop=100.00
        + *
        NEW $a $s S LMT 1 100.00 GTC id=push
        + * FILLED leaves=0.00000 cum=1.00000 avg=100.00 lsn=$lsn
        ORD $a $s id=high
        = * status=FILLED avg=99.00 *
        + 1
        ORD $c $s id=low
        = * status=FILLED avg=98.00 *
        + 1
        MKT $s
        = $s state=trading last=98.00 lastqty=1.00000 lasttime=* high=100.00 low=98.00 volume=3.00000 turnover=297.00 trades=3
        + 1
    """)
    desk.book()


def test_pairs(desk):
    desk.play("""
        NEW $b $s S LMT 1 100.00 GTC id=last
        + *
        NEW $a $s B LMT 1 100.00 GTC id=own
        + *
        NEW $a $s S LMT 1 110.00 GTC id=tp
        + $tp NEW leaves=1.00000 cum=0.00000 lsn=*
        NEW $a $s S LMT 1 89.00 GTC id=sl stop=90.00 oco=nothing
        - BAD_PAIR id=nothing
        NEW $a $s S LMT 0.5 89.00 GTC id=sl stop=90.00 oco=tp
        - BAD_PAIR id=tp
        NEW $a $s S LMT 1 89.00 GTC id=sl stop=90.00 oco=own
        - BAD_PAIR id=own
        NEW $a $s S LMT 1 89.00 GTC id=sl stop=90.00 oco=tp
        + $sl NEW leaves=1.00000 cum=0.00000 lsn=*
        ORD $a $s
        = $tp oco=$sl reserved=1.00000000 *
        = $sl oco=$tp reserved=0.00000000 stop=90.00 armed=1 *
        + 2
        RPL $a $s $tp 1 111.00
        - IN_PAIR order=$tp
        NEW $a $s S LMT 1 111.00 GTC id=third oco=tp
        - BAD_PAIR id=tp
        NEW $c $s B LMT 0.4 110.00 GTC id=c
        + * FILLED *
        ORD $a $s $sl
        = $sl status=CANCELED reason=oco *
        + 1
        ORD $a $s $tp
        = $tp status=PARTIALLY_FILLED leaves=0.60000 reserved=0.60000000 *
        + 1
    """)
    assert "oco=" not in desk.ask("ORD $a $s $tp")[0]
    desk.play("""
        NEW $a $s S LMT 0.6 120.00 GTC id=tp2
        + $tp2 NEW *
        NEW $a $s S MKT 0.6 - GTC id=sl2 stop=80.00 oco=tp2
        + $sl2 NEW *
        CXL $a $s $sl2
        + $sl2 CANCELED leaves=0.00000 cum=0.00000 lsn=*
        ORD $a $s $tp2
        = $tp2 status=CANCELED reason=oco *
        + 1
    """)
