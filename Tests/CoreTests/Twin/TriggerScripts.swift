import Testing

/// Stops and take-profits. Each script is told by the twin and by Core (MarketScript.swift has the language).
@Suite struct TriggerScripts {
    @Test func `stops: buy at or above, sale at or below, by last; refused where it would trigger at once`() {
        check(
            """
            7 B 1 @ 106 stop=105 id=early
            8 S 5 @ 100 id=a
            9 B 1 @ 100 id=t
            > t takes 1 of a @ 100
            7 B 1 @ 106 stop=100 id=b
            > refused: wouldTrigger(0, stop: 100, price: 100)
            7 B 1 @ 106 stop=101 id=b
            7 S 1 @ 94 stop=100 id=c
            > refused: wouldTrigger(0, stop: 100, price: 100)
            7 S 1 @ 94 stop=99 id=c
            7 B 1 @ 99 stop=100 take id=d
            > refused: wouldTrigger(0, stop: 100, price: 100)
            7 B 1 @ 99 stop=99 take id=d
            7 S 1 @ 102 stop=100 take id=e
            > refused: wouldTrigger(0, stop: 100, price: 100)
            7 S 1 @ 102 stop=101 take id=e
            bal 7
            > USD 99689 +311
            > BTC 998 +2
            8 S 1 @ 105 id=u
            9 B 5 @ 105 id=v
            > v takes 4 of a @ 100
            > v takes 1 of u @ 105
            > b triggers
            > e triggers
            > e cancelled: selfTrade
            > early triggers
            book
            > bids | 106: b 1 early 1
            ord 7 early
            > new 0 of 1 holds 106
            """)
    }

    @Test func `stop cascade: rising lowest first, falling highest first, one price in the order of arming`() {
        check(
            """
            6 S 9 @ 100 id=m1
            6 S 1 @ 101 id=m2
            6 S 1 @ 102 id=m3
            6 S 5 @ 103 id=m4
            9 B 1 @ 100 id=t
            > t takes 1 of m1 @ 100
            7 B 1 @ 110 stop=102 id=s2
            8 B 2 @ 110 stop=101 id=s1a
            7 B 1 @ 110 stop=101 id=s1b
            8 B 1 @ 110 stop=103 id=s3
            9 B 9 @ 101 id=x
            > x takes 8 of m1 @ 100
            > x takes 1 of m2 @ 101
            > s1a triggers
            > s1a takes 1 of m3 @ 102
            > s1a takes 1 of m4 @ 103
            > s1b triggers
            > s1b takes 1 of m4 @ 103
            > s2 triggers
            > s2 takes 1 of m4 @ 103
            > s3 triggers
            > s3 takes 1 of m4 @ 103
            book
            > asks | 103: m4 1
            """)
    }

    @Test func `stop cascade: each trades before the next is looked at, and both directions are`() {
        check(
            """
            6 B 1 @ 99 id=b1
            6 B 1 @ 98 id=b2
            6 B 5 @ 97 id=b3
            6 S 5 @ 101 id=a1
            9 B 1 @ 101 id=t
            > t takes 1 of a1 @ 101
            7 S 1 @ mkt stop=99 id=s1
            7 S 2 @ mkt stop=98 id=s2
            8 B 1 @ mkt stop=97 take id=p1
            8 B 1 @ 101 stop=102 id=never
            9 S 1 @ 99 id=x
            > x takes 1 of b1 @ 99
            > s1 triggers
            > s1 takes 1 of b2 @ 98
            > s2 triggers
            > s2 takes 2 of b3 @ 97
            > p1 triggers
            > p1 takes 1 of a1 @ 101
            book
            > bids | 97: b3 3
            > asks | 101: a1 3
            ord 8 never
            > new 0 of 1 holds 101
            """)
    }

    @Test func `triggers by mark: only a mark that changes, or a trade after it`() {
        check(
            """
            7 B 1 @ 120 stop=105 mark id=a
            8 S 1 @ 110 id=b
            mark 104
            7 B 1 @ 120 stop=104 mark id=c
            > refused: wouldTrigger(0, stop: 104, price: 104)
            7 B 1 @ 120 stop=108 mark id=c
            mark 105
            > a triggers
            > a takes 1 of b @ 110
            mark 105
            state halted
            mark 109
            state trading
            mark 109
            8 S 1 @ 111 id=d
            6 S 1 @ 100 id=e
            9 B 1 @ 100 id=f
            > f takes 1 of e @ 100
            > c triggers
            > c takes 1 of d @ 111
            """)
    }

    @Test func `triggered: IOC, market without max, market with max; FOK is refused`() {
        check(
            """
            mark 100
            fees 0 10
            7 B 2 @ 105 ioc stop=101 mark id=i
            7 B 2 @ 105 fok stop=102 mark id=f
            > refused: badValue(Key.timeInForce)
            7 B 2 @ mkt stop=103 mark id=m
            7 B 2 @ mkt max=150 stop=104 mark id=n
            bal 7
            > USD 99423.2737 +576.7263
            > BTC 1000
            8 S 1 @ 105 id=a
            mark 101
            > i triggers
            > i takes 1 of a @ 105 fees 0 0.105
            > i cancelled: unfilled
            8 S 2 @ 104 id=c
            mark 103
            > m triggers
            > m takes 2 of c @ 104 fees 0 0.208
            ord 7 m
            > filled 2 of 2 holds 0
            8 S 2 @ 90 id=d
            mark 104
            > n triggers
            > n takes 1 of d @ 90 fees 0 0.09
            > n cancelled: funds
            ord 7 n
            > canceled funds 1 of 2 holds 0
            bal 7
            > USD 99596.597
            > BTC 1004
            """)
    }

    @Test func `armed: replace moves the stop and the place, or keeps both`() {
        check(
            """
            mark 100
            7 B 1 @ 105 stop=103 mark id=a
            8 B 1 @ 105 stop=103 mark id=b
            7 RPL a 2 @ 106
            7 RPL a 2 @ 106 stop=103
            7 RPL a 2 @ 106 stop=100
            > refused: wouldTrigger(0, stop: 100, price: 100)
            7 RPL a 2 @ 106 stop=104
            7 RPL a 2 @ 106 stop=103
            6 S 9 @ 105 id=s
            mark 103
            > b triggers
            > b takes 1 of s @ 105
            > a triggers
            > a takes 2 of s @ 105
            6 RPL s 9 @ 105 stop=5
            > refused: badValue(Key.stop)
            7 B 1 @ mkt stop=110 mark id=m
            bal 7
            > USD 99674.5 +115.5
            > BTC 1002
            7 RPL m 2 mkt stop=120
            bal 7
            > USD 99538 +252
            > BTC 1002
            7 RPL m 2 mkt max=7
            bal 7
            > USD 99783 +7
            > BTC 1002
            7 CXL m
            > m cancelled: requested
            bal 7
            > USD 99790
            > BTC 1002
            """)
    }

    @Test func `armed: expires, is cancelled and suspended like any other`() {
        check(
            """
            7 B 2 @ 105 stop=104 gtd=3 id=a
            8 B 2 @ mkt stop=104 id=b
            9 S 2 @ 95 stop=96 id=c
            bal 7
            > USD 99790 +210
            > BTC 1000
            wait 3
            > a expires
            bal 7
            > USD 100000
            > BTC 1000
            8 CXL b
            > b cancelled: requested
            bal 8
            > USD 100000
            > BTC 1000
            suspend 9
            > c cancelled: suspended
            bal 9
            > USD 100000
            > BTC 1000
            6 S 1 @ 104 id=d
            5 B 1 @ 104 id=e
            > e takes 1 of d @ 104
            """)
    }

    @Test func `triggered iceberg: shows its slices where it comes to rest`() {
        check(
            """
            8 S 1 @ 100 id=a
            7 B 9 @ 99 display=2 stop=100 id=ice
            9 B 1 @ 100 id=t
            > t takes 1 of a @ 100
            > ice triggers
            book
            > bids | 99: ice 2(+7)
            6 S 3 @ 99 id=u
            > u takes 2 of ice @ 99
            > u takes 1 of ice @ 99
            book
            > bids | 99: ice 1(+5)
            """)
    }
}
