import Testing

/// Self-trade prevention and reduce-only orders. Each script is told by the twin and by Core (MarketScript.swift has the language).
@Suite struct RuleScripts {
    @Test func `stp: the four ways`() {
        check(
            """
            8 S 2 @ 100 id=o1
            7 S 2 @ 100 id=own
            8 S 2 @ 100 id=o2
            7 B 5 @ 100 id=n
            > n takes 2 of o1 @ 100
            > n cancelled: selfTrade
            ord 7 n
            > canceled selfTrade 2 of 5 holds 0
            book
            > asks | 100: own 2 o2 2
            8 S 2 @ 99 id=o3
            7 B 6 @ 100 stp=oldest id=o
            > o takes 2 of o3 @ 99
            > own cancelled: selfTrade
            > o takes 2 of o2 @ 100
            book
            > bids | 100: o 2
            7 CXA
            > o cancelled: all
            8 CXA
            7 S 2 @ 100 id=p
            8 S 1 @ 100 id=o4
            7 B 3 @ 100 stp=both id=b
            > p cancelled: selfTrade
            > b cancelled: selfTrade
            book
            > asks | 100: o4 1
            8 CXA
            > o4 cancelled: all
            7 S 2 @ 100 id=q
            8 S 1 @ 100 id=o5
            7 B 4 @ 100 stp=decrement id=d1
            > q cancelled: selfTrade
            > d1 is now 2
            > d1 takes 1 of o5 @ 100
            ord 7 d1
            > partiallyFilled 1 of 2 holds 100
            ord 7 q
            > canceled selfTrade 0 of 2 holds 0
            book
            > bids | 100: d1 1
            7 S 3 @ 101 display=1 id=d2
            7 RPL d1 3 @ 99
            7 B 2 @ 101 stp=decrement id=d3
            > d2 is now 1
            > d3 cancelled: selfTrade
            book
            > bids | 99: d1 2
            > asks | 101: d2 1
            7 B 1 @ 101 stp=decrement id=d4
            > d2 cancelled: selfTrade
            > d4 cancelled: selfTrade
            book
            > bids | 99: d1 2
            7 CXA
            > d1 cancelled: all
            7 S 2 @ 101 id=d5
            7 B 2 @ mkt stp=decrement id=d6
            > d5 cancelled: selfTrade
            > d6 cancelled: selfTrade
            bal 7
            > USD 99302
            > BTC 1007
            """)
    }

    @Test func `stp: of the order, else of the account on the instrument, else of the account, else newest`() {
        check(
            """
            7 S 1 @ 100 id=a
            lim 7 all stp=oldest
            7 B 1 @ 99 id=b
            7 S 1 @ 99 id=c
            > b cancelled: selfTrade
            book
            > asks | 99: c 1 | 100: a 1
            lim 7 stp=both
            7 B 1 @ 99 id=d
            > c cancelled: selfTrade
            > d cancelled: selfTrade
            7 S 1 @ 98 id=e
            7 B 1 @ 101 stp=newest id=f
            > f cancelled: selfTrade
            book
            > asks | 98: e 1 | 100: a 1
            """)
    }

    @Test func `reduce-only: not without a position, not for more than it, never past flat`() {
        check(
            """
            7 S 1 @ 100 reduce id=a
            > refused: reduceOnly(0, position: 0)
            7 B 5 @ 100 id=b
            8 S 5 @ 100 id=c
            > c takes 5 of b @ 100
            7 B 1 @ 100 reduce id=d
            > refused: reduceOnly(0, position: 5)
            7 S 6 @ 100 reduce id=e
            > refused: reduceOnly(0, position: 5)
            7 S 5 @ 105 reduce id=f
            7 S 4 @ 104 reduce id=g
            7 RPL f 6 @ 105
            > refused: reduceOnly(0, position: 5)
            9 B 2 @ 110 id=h
            > h takes 2 of g @ 104
            pos 7
            > 3 cost 300 realized 8
            8 B 5 @ 105 id=i
            > i takes 2 of g @ 104
            > i takes 1 of f @ 105
            > f cancelled: reduceOnly
            pos 7
            > 0 cost 0 realized 21
            book
            > bids | 105: i 2
            9 B 2 @ 106 id=j
            book
            > bids | 106: j 2 | 105: i 2
            7 CLS
            > refused: noPosition(0, quantity: 0)
            """)
    }

    @Test func `reduce-only: what it may no longer do is cancelled when its turn comes`() {
        check(
            """
            7 B 3 @ 100 id=b
            8 S 3 @ 100 id=c
            > c takes 3 of b @ 100
            7 S 3 @ 105 reduce id=f
            7 S 3 @ 103 id=g
            9 B 3 @ 103 id=h
            > h takes 3 of g @ 103
            pos 7
            > 0 cost 0 realized 9
            book
            > asks | 105: f 3
            9 S 1 @ 106 id=i
            8 B 1 @ 106 id=j
            > f cancelled: reduceOnly
            > j takes 1 of i @ 106
            book
            """)
    }

    @Test func `reduce-only: a flip by others' ways is not its own`() {
        check(
            """
            7 B 2 @ 100 id=b
            8 S 2 @ 100 id=c
            > c takes 2 of b @ 100
            7 S 2 @ 90 stop=95 reduce id=s
            7 S 4 @ 99 id=g
            8 B 4 @ 99 id=h
            > h takes 4 of g @ 99
            pos 7
            > -2 cost 198 realized -2
            8 B 5 @ 94 id=i
            9 S 1 @ 94 id=k
            > k takes 1 of i @ 94
            > s triggers
            > s cancelled: reduceOnly
            ord 7 s
            > canceled reduceOnly 0 of 2 holds 0
            pos 7
            > -2 cost 198 realized -2
            """)
    }

    @Test func `market order: its own account's orders are passed over or prevent it`() {
        check(
            """
            7 S 1 @ 100 id=own
            8 S 2 @ 101 id=a
            7 B 2 @ mkt id=m1
            > m1 cancelled: selfTrade
            7 B 2 @ mkt stp=oldest id=m2
            > own cancelled: selfTrade
            > m2 takes 2 of a @ 101
            bal 7
            > USD 99798
            > BTC 1002
            """)
    }
}
