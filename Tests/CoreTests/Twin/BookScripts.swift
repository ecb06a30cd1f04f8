import Testing

/// Limit, market, IOC, FOK, post-only and iceberg orders. Each script is told by the twin and by Core (MarketScript.swift has the language).
@Suite struct BookScripts {
    @Test func `price-time priority: the best price first, within it whoever came first; the price is the maker's`() {
        check(
            """
            7 S 2 @ 101 id=a
            7 S 3 @ 100 id=b
            8 S 4 @ 100 id=c
            7 S 1 @ 102 id=d
            book
            > asks | 100: b 3 c 4 | 101: a 2 | 102: d 1
            9 B 6 @ 101 id=x
            > x takes 3 of b @ 100
            > x takes 3 of c @ 100
            book
            > asks | 100: c 1 | 101: a 2 | 102: d 1
            9 B 2 @ 101 id=y
            > y takes 1 of c @ 100
            > y takes 1 of a @ 101
            ord 9 x
            > filled 6 of 6 holds 0
            pos 9
            > 8 cost 801 realized 0
            bal 9
            > USD 99199
            > BTC 1008
            trades 9 x
            > 4: 3 @ 100 taker fee 0
            > 2: 3 @ 100 taker fee 0
            """)
    }

    @Test func `limit: what is left rests, a better price gives back at once`() {
        check(
            """
            7 S 2 @ 99 id=a
            8 B 5 @ 101 id=b
            > b takes 2 of a @ 99
            book
            > bids | 101: b 3
            bal 8
            > USD 99499 +303
            > BTC 1002
            ord 8 b
            > partiallyFilled 2 of 5 holds 303
            8 CXL b
            > b cancelled: requested
            bal 8
            > USD 99802
            > BTC 1002
            """)
    }

    @Test func `market: takes what is there, never rests, leaves an empty book alone`() {
        check(
            """
            7 B 3 @ mkt id=e
            > e cancelled: unfilled
            ord 7 e
            > canceled unfilled 0 of 3 holds 0
            7 S 2 @ 100 id=a
            7 S 2 @ 103 id=b
            8 B 5 @ mkt id=m
            > m takes 2 of a @ 100
            > m takes 2 of b @ 103
            > m cancelled: unfilled
            ord 8 m
            > canceled unfilled 4 of 5 holds 0
            bal 8
            > USD 99594
            > BTC 1004
            8 S 1 @ mkt id=n
            > n cancelled: unfilled
            9 B 2 @ 90 id=c
            8 S 1 @ mkt id=o
            > o takes 1 of c @ 90
            book
            > bids | 90: c 1
            bal 8
            > USD 99684
            > BTC 1003
            """)
    }

    @Test func `market buy: holds what the book asks, others' only, and no more than it has`() {
        check(
            """
            wdr 8 USD 99700
            7 S 2 @ 100 id=a
            7 S 2 @ 120 id=b
            8 B 3 @ mkt id=x
            > refused: insufficientFunds(0, 0, need: 320000000000000000000, available: 300000000000000000000)
            dep 8 USD 20
            8 B 3 @ mkt id=x
            > x takes 2 of a @ 100
            > x takes 1 of b @ 120
            bal 8
            > USD 0
            > BTC 1003
            """)
    }

    @Test func `market buy by max: spends no more, fees included, in whole lots`() {
        check(
            """
            fees 0 100
            7 S 5 @ 100 id=a
            7 S 5 @ 110 id=b
            8 B 10 @ mkt max=250 id=x
            > x takes 2 of a @ 100 fees 0 2
            > x cancelled: funds
            ord 8 x
            > canceled funds 2 of 10 holds 0
            bal 8
            > USD 99798
            > BTC 1002
            8 B 10 @ mkt max=303 id=y
            > y takes 3 of a @ 100 fees 0 3
            > y cancelled: funds
            bal 8
            > USD 99495
            > BTC 1005
            8 B 10 @ mkt max=100 id=z
            > z cancelled: funds
            8 B 2 @ mkt max=222.2 id=v
            > v takes 2 of b @ 110 fees 0 2.2
            on LOT5
            7 S 20 @ 10 id=c
            8 B 20 @ mkt max=171.7 id=w
            > w takes 15 of c @ 10
            > w cancelled: funds
            ord 8 w
            > canceled funds 15 of 20 holds 0
            book
            > asks | 10: c 5
            """)
    }

    @Test func `IOC: takes what it can, the rest goes`() {
        check(
            """
            7 S 2 @ 100 id=a
            7 S 2 @ 105 id=b
            8 B 5 @ 102 ioc id=x
            > x takes 2 of a @ 100
            > x cancelled: unfilled
            ord 8 x
            > canceled unfilled 2 of 5 holds 0
            book
            > asks | 105: b 2
            8 B 5 @ 102 ioc id=y
            > y cancelled: unfilled
            bal 8
            > USD 99800
            > BTC 1002
            """)
    }

    @Test func `FOK: all at once or nothing`() {
        check(
            """
            7 S 2 @ 100 id=a
            6 S 2 @ 101 id=b
            8 B 5 @ 102 fok id=x
            > refused: unfillable(0, available: 4)
            8 B 4 @ 100 fok id=x
            > refused: unfillable(0, available: 2)
            8 B 4 @ 101 fok id=x
            > x takes 2 of a @ 100
            > x takes 2 of b @ 101
            book
            7 S 3 @ 100 display=1 id=c
            8 B 3 @ 100 fok id=y
            > y takes 1 of c @ 100
            > y takes 1 of c @ 100
            > y takes 1 of c @ 100
            8 B 1 @ mkt fok id=z
            > refused: unfillable(0, available: 0)
            """)
    }

    @Test func `FOK: own orders stop the count, reduce-only ones and the second leg of a pair do not count`() {
        check(
            """
            7 S 2 @ 100 id=a
            8 S 2 @ 101 id=own
            7 S 2 @ 102 id=b
            8 B 2 @ 101 fok id=x1
            > x1 takes 2 of a @ 100
            7 S 2 @ 100 id=a2
            8 B 3 @ 102 fok id=x2
            > refused: unfillable(0, available: 2)
            8 B 3 @ 102 fok stp=oldest id=x3
            > x3 takes 2 of a2 @ 100
            > own cancelled: selfTrade
            > x3 takes 1 of b @ 102
            book
            > asks | 102: b 1
            9 B 1 @ 50 id=r0
            7 S 1 @ 50 id=r1
            > r1 takes 1 of r0 @ 50
            9 S 1 @ 90 reduce id=red
            8 B 2 @ 102 fok id=x4
            > refused: unfillable(0, available: 1)
            8 B 1 @ 102 fok id=x5
            > x5 takes 1 of red @ 90
            7 CXA
            > b cancelled: all
            9 CXA
            7 S 3 @ 100 id=leg1
            7 S 3 @ 101 oco=leg1 id=leg2
            8 B 4 @ 101 fok id=x6
            > refused: unfillable(0, available: 3)
            8 B 3 @ 101 fok id=x7
            > leg2 cancelled: oco
            > x7 takes 3 of leg1 @ 100
            book
            """)
    }

    @Test func `FOK with max: the cost of whole levels with fees must be within it`() {
        check(
            """
            fees 0 100
            7 S 2 @ 100 id=a
            7 S 2 @ 110 id=b
            8 B 3 @ mkt fok max=313 id=x
            > refused: unfillable(0, available: 2)
            8 B 3 @ mkt fok max=313.1 id=x
            > x takes 2 of a @ 100 fees 0 2
            > x takes 1 of b @ 110 fees 0 1.1
            ord 8 x
            > filled 3 of 3 holds 0
            bal 8
            > USD 99686.9
            > BTC 1003
            """)
    }

    @Test func `post: rests at the touch, is refused where it would take`() {
        check(
            """
            7 S 2 @ 101 id=a
            8 B 1 @ 101 post id=x
            > refused: wouldTake(0, price: 101)
            8 B 1 @ 100 post id=x
            7 B 1 @ 101 post id=y
            > refused: wouldTake(0, price: 101)
            8 RPL x 1 @ 101
            > refused: wouldTake(0, price: 101)
            8 RPL x 2 @ 99
            book
            > bids | 99: x 2
            > asks | 101: a 2
            8 B 1 @ 100 post ioc id=z
            > refused: badValue(Key.post)
            8 B 1 @ mkt post id=z
            > refused: badValue(Key.post)
            """)
    }

    @Test func `iceberg: a slice at a time, each new one at the back`() {
        check(
            """
            7 S 10 @ 100 display=3 id=ice
            6 S 2 @ 100 id=b
            book
            > asks | 100: ice 3(+7) b 2
            8 B 2 @ 100 id=x1
            > x1 takes 2 of ice @ 100
            book
            > asks | 100: ice 1(+7) b 2
            8 B 2 @ 100 id=x2
            > x2 takes 1 of ice @ 100
            > x2 takes 1 of b @ 100
            book
            > asks | 100: b 1 ice 3(+4)
            8 B 8 @ 100 id=x3
            > x3 takes 1 of b @ 100
            > x3 takes 3 of ice @ 100
            > x3 takes 3 of ice @ 100
            > x3 takes 1 of ice @ 100
            book
            8 B 9 @ 100 display=4 id=x4
            book
            > bids | 100: x4 4(+5)
            8 B 1 @ 100 display=1 id=bad
            > refused: badValue(Key.display)
            8 B 2 @ 100 display=2 id=bad
            > refused: badValue(Key.display)
            8 B 5 @ 100 display=2 fok id=bad
            > refused: badValue(Key.display)
            """)
    }
}
