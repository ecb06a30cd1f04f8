import Testing

/// Replaces, fees, expiry. Each script is told by the twin and by Core (MarketScript.swift has the language).
@Suite struct ReplaceScripts {
    @Test func `iceberg: replace up and down`() {
        check(
            """
            7 S 10 @ 100 display=3 id=ice
            6 S 2 @ 100 id=b
            8 B 1 @ 100 id=x1
            > x1 takes 1 of ice @ 100
            7 RPL ice 8 @ 100
            book
            > asks | 100: ice 2(+5) b 2
            7 RPL ice 2 @ 100
            book
            > asks | 100: ice 1 b 2
            7 RPL ice 9 @ 100
            book
            > asks | 100: b 2 ice 3(+5)
            7 RPL ice 9 @ 101
            book
            > asks | 100: b 2 | 101: ice 3(+5)
            """)
    }

    @Test func `iceberg: a thousand slices at most, of what is left`() {
        check(
            """
            7 B 2002 @ 10 display=2 id=bad
            > refused: badValue(Key.display)
            7 B 2001 @ 10 display=2 id=bad
            > refused: badValue(Key.display)
            7 B 2000 @ 10 display=2 id=ice
            7 RPL ice 2001 @ 10
            > refused: badValue(Key.quantity)
            7 RPL ice 2000 @ 9
            8 S 1 @ 9 id=x
            > x takes 1 of ice @ 9
            7 RPL ice 2001 @ 9
            7 RPL ice 2002 @ 9
            > refused: badValue(Key.quantity)
            book
            > bids | 9: ice 2(+1998)
            """)
    }

    @Test func `replace: down keeps the place, up and another price lose it`() {
        check(
            """
            7 B 5 @ 100 id=a
            6 B 5 @ 100 id=b
            7 RPL a 3 @ 100
            book
            > bids | 100: a 3 b 5
            7 RPL a 4 @ 100
            book
            > bids | 100: b 5 a 4
            6 RPL b 5 @ 99
            6 RPL b 5 @ 100
            book
            > bids | 100: a 4 b 5
            8 S 1 @ 100 id=x
            > x takes 1 of a @ 100
            7 RPL a 4 @ 100
            7 RPL a 2 @ 100
            ord 7 a
            > partiallyFilled 1 of 2 holds 100
            6 RPL b 1 @ 100
            6 RPL b 0 @ 100
            > refused: badValue(Key.quantity)
            6 RPL b 1 @ 101
            9 S 1 @ 100 id=y
            > y takes 1 of b @ 101
            ord 6 b
            > filled 1 of 1 holds 0
            """)
    }

    @Test func `replace: a new price that crosses takes, down to what is filled fills`() {
        check(
            """
            7 S 3 @ 105 id=a
            8 B 5 @ 100 id=b
            8 RPL b 5 @ 106
            > b takes 3 of a @ 105
            book
            > bids | 106: b 2
            bal 8
            > USD 99473 +212
            > BTC 1003
            ord 8 b
            > partiallyFilled 3 of 5 holds 212
            8 RPL b 2 @ 106
            > refused: belowCumulative(0, cumulative: 3)
            8 RPL b 3 @ 106
            ord 8 b
            > filled 3 of 3 holds 0
            book
            8 RPL b 4 @ 106
            > refused: orderClosed(OrderStatus.filled)
            8 RPL b 3 @ 106
            bal 8
            > USD 99685
            > BTC 1003
            """)
    }

    @Test func `fees: maker and taker, cut off, rebates, exact to the last of 18 decimals`() {
        check(
            """
            on FINE
            fees -2.5 7.51
            lim 9 taker=3
            lim 9 all maker=1 taker=9
            7 S 0.00000003 @ 0.0007 id=a
            8 B 0.00000003 @ 0.0007 id=x
            > x takes 0.00000003 of a @ 0.0007 fees -0.00000000000000525 0.000000000000015771
            trades 7 a
            > 1: 0.00000003 @ 0.0007 maker fee -0.00000000000000525
            trades 8 x
            > 2: 0.00000003 @ 0.0007 taker fee 0.000000000000015771
            bal 7
            > USD 100000.00000000002100525
            > BTC 999.99999997
            bal 8
            > USD 99999.999999999978984229
            > BTC 1000.00000003
            9 B 1.5 @ 64000.1234 id=b
            bal 9
            > USD 3971.01484447 +96028.98515553
            > BTC 1000
            7 S 0.33333333 @ 64000 id=c
            > c takes 0.33333333 of b @ 64000.1234 fees 2.1333374253332922 16.021364064253024422
            trades 9 b
            > 3: 0.33333333 @ 64000.1234 maker fee 2.1333374253332922
            trades 7 c
            > 4: 0.33333333 @ 64000.1234 taker fee 16.021364064253024422
            9 RPL b 1 @ 64000.1234
            bal 9
            > USD 35984.9432378306665844 +42679.5491714110781234
            > BTC 1000.33333333
            9 CXL b
            > b cancelled: requested
            bal 9
            > USD 78664.4924092417447078
            > BTC 1000.33333333
            9 S 0.1 @ 5 id=d
            7 B 0.1 @ 5 id=e
            > e takes 0.1 of d @ 5 fees 0.00005 0.0003755
            pos 7
            > -0.23333336 cost 14933.362489334001219916 realized 6383.490024434688760912
            pos 9
            > 0.23333333 cost 14933.361913332922 realized -6401.6457274253332922
            """)
    }

    @Test func `fees: an order keeps the rates of the moment it was accepted`() {
        check(
            """
            fees 1 2
            7 S 1 @ 1000 id=a
            fees 10 20
            8 B 1 @ 1000 id=x
            > x takes 1 of a @ 1000 fees 0.1 2
            7 S 1 @ 1000 id=b
            fees 0 0
            7 RPL b 2 @ 1000
            8 B 1 @ 1000 id=y
            > y takes 1 of b @ 1000 fees 1 0
            """)
    }

    @Test func `expiry: rests until its time`() {
        check(
            """
            7 B 1 @ 100 gtd=10 id=a
            7 B 1 @ 99 gtd=0 id=b
            > refused: alreadyExpired(expire: 1700000000002000, now: 1700000000002000)
            wait 9
            book
            > bids | 100: a 1
            wait 1
            > a expires
            book
            ord 7 a
            > expired 0 of 1 holds 0
            """)
    }
}
