import Testing

/// OCO pairs. Each script is told by the twin and by Core (MarketScript.swift has the language).
@Suite struct PairScripts {
    @Test func `oco: both legs hold what the dearer one holds; a trade of one cancels the other before`() {
        check(
            """
            7 B 2 @ 95 id=low
            bal 7
            > USD 99810 +190
            > BTC 1000
            7 B 2 @ 106 stop=105 oco=low id=high
            bal 7
            > USD 99788 +212
            > BTC 1000
            ord 7 low
            > new 0 of 2 holds 190
            ord 7 high
            > new 0 of 2 holds 22
            8 S 1 @ 95 id=x
            > high cancelled: oco
            > x takes 1 of low @ 95
            bal 7
            > USD 99810 +95
            > BTC 1001
            ord 7 low
            > partiallyFilled 1 of 2 holds 95
            7 B 2 @ 90 oco=low id=no
            > refused: badPair(low)
            7 B 2 @ 90 id=p
            7 B 2 @ 80 oco=p id=q
            bal 7
            > USD 99630 +275
            > BTC 1001
            ord 7 q
            > new 0 of 2 holds 0
            7 CXL p
            > p cancelled: requested
            > q cancelled: oco
            ord 7 q
            > canceled oco 0 of 2 holds 0
            bal 7
            > USD 99810 +95
            > BTC 1001
            """)
    }

    @Test func `oco: a trigger cancels the other before`() {
        check(
            """
            8 S 5 @ 100 id=a
            9 B 1 @ 100 id=t
            > t takes 1 of a @ 100
            7 B 1 @ 95 id=p
            7 B 1 @ mkt stop=101 oco=p id=q
            bal 7
            > USD 99893.95 +106.05
            > BTC 1000
            8 S 1 @ 101 id=b
            9 B 5 @ 101 id=u
            > u takes 4 of a @ 100
            > u takes 1 of b @ 101
            > p cancelled: oco
            > q triggers
            > q cancelled: unfilled
            ord 7 p
            > canceled oco 0 of 1 holds 0
            ord 7 q
            > canceled unfilled 0 of 1 holds 0
            bal 7
            > USD 100000
            > BTC 1000
            """)
    }

    @Test func `oco: an armed market buy that came first goes`() {
        check(
            """
            mark 100
            7 B 1 @ mkt stop=101 mark id=p
            7 B 1 @ 95 oco=p id=q
            bal 7
            > USD 99893.95 +106.05
            > BTC 1000
            7 CXL p
            > p cancelled: requested
            > q cancelled: oco
            bal 7
            > USD 100000
            > BTC 1000
            7 CXL q
            bal 7
            > USD 100000
            > BTC 1000
            """)
    }

    @Test func `oco: the leg that comes second takes at once`() {
        check(
            """
            8 S 1 @ 100 id=a
            7 B 2 @ 95 id=p
            7 B 2 @ 100 oco=p id=q
            > p cancelled: oco
            > q takes 1 of a @ 100
            ord 7 p
            > canceled oco 0 of 2 holds 0
            ord 7 q
            > partiallyFilled 1 of 2 holds 100
            book
            > bids | 100: q 1
            """)
    }

    @Test func `oco: cancel, expiry, CXA, suspend`() {
        check(
            """
            7 B 2 @ 95 gtd=5 id=p
            7 B 2 @ 94 oco=p id=q
            wait 5
            > p expires
            > q cancelled: oco
            7 B 2 @ 95 id=r
            7 B 2 @ 94 oco=r id=s
            7 CXL s
            > s cancelled: requested
            > r cancelled: oco
            ord 7 r
            > canceled oco 0 of 2 holds 0
            7 B 2 @ 95 id=t
            7 B 2 @ 94 oco=t id=u
            7 B 2 @ 93 id=v
            7 CXA
            > t cancelled: all
            > u cancelled: oco
            > v cancelled: all
            7 B 2 @ 95 id=w
            7 B 2 @ 94 oco=w id=x
            suspend 7
            > w cancelled: suspended
            > x cancelled: oco
            bal 7
            > USD 100000
            > BTC 1000
            """)
    }

    @Test func `oco: what cannot be a leg`() {
        check(
            """
            7 B 2 @ 95 id=p
            7 S 2 @ 105 oco=p id=a
            > refused: badPair(p)
            7 B 3 @ 94 oco=p id=b
            > refused: badPair(p)
            8 B 2 @ 94 oco=p id=c
            > refused: badPair(p)
            7 B 2 @ 94 oco=q id=q
            > refused: badPair(q)
            7 B 2 @ 94 ioc oco=p id=d
            > refused: badValue(Key.oco)
            7 B 2 @ mkt oco=p id=e
            > refused: badValue(Key.oco)
            7 B 2 @ 94 oco=p id=f
            7 B 2 @ 93 oco=p id=g
            > refused: badPair(p)
            7 RPL p 1 @ 95
            > refused: inPair(1)
            7 RPL p 2 @ 95
            7 CXL f
            > f cancelled: requested
            > p cancelled: oco
            7 B 2 @ 93 oco=p id=h
            > refused: badPair(p)
            """)
    }

    @Test func `oco and stp: decrement and cancel of a leg take the other with them`() {
        check(
            """
            7 B 2 @ 95 id=p
            7 B 2 @ 94 oco=p id=q
            7 S 1 @ 95 stp=decrement id=x
            > q cancelled: oco
            > p is now 1
            > x cancelled: selfTrade
            book
            > bids | 95: p 1
            7 B 1 @ 94 oco=p id=r
            7 B 1 @ 93 id=p2
            7 B 1 @ 92 oco=p2 id=q2
            7 S 1 @ 92 stp=oldest id=y
            > p cancelled: selfTrade
            > r cancelled: oco
            > p2 cancelled: selfTrade
            > q2 cancelled: oco
            book
            > asks | 92: y 1
            """)
    }

    @Test func `oco: two sales hold their base once, with fees the dearer purchase counts`() {
        check(
            """
            fees 10 20
            7 S 3 @ 110 id=p
            7 S 3 @ 90 stop=95 oco=p id=q
            bal 7
            > USD 100000
            > BTC 997 +3
            7 CXL q
            > q cancelled: requested
            > p cancelled: oco
            bal 7
            > USD 100000
            > BTC 1000
            7 B 3 @ 95 id=r
            7 B 3 @ mkt stop=110 oco=r id=s
            bal 7
            > USD 99652.807 +347.193
            > BTC 1000
            ord 7 s
            > new 0 of 3 holds 61.623
            8 S 1 @ 95 id=t
            > s cancelled: oco
            > t takes 1 of r @ 95 fees 0.095 0.19
            bal 7
            > USD 99714.525 +190.38
            > BTC 1001
            """)
    }

    @Test func `a triggered leg may be a first leg again, and holds all it needs`() {
        check(
            """
            mark 100
            7 B 2 @ 95 id=p
            7 B 2 @ 90 stop=101 mark oco=p id=q
            mark 101
            > p cancelled: oco
            > q triggers
            7 B 2 @ 94 oco=q id=r
            bal 7
            > USD 99812 +188
            > BTC 1000
            ord 7 q
            > new 0 of 2 holds 180
            ord 7 r
            > new 0 of 2 holds 8
            """)
    }
}
