import Testing

/// States of an instrument, suspension, funds, closing, the ends of arithmetic. Each script is told by the twin and by Core (MarketScript.swift has the language).
@Suite struct StateScripts {
    @Test func `states: halted, cancel_only, post_only`() {
        check(
            """
            7 B 2 @ 100 id=a
            7 S 2 @ 110 id=b
            state halted
            7 B 1 @ 99 id=c
            > refused: instrumentHalted(0)
            7 RPL a 1 @ 100
            > refused: instrumentHalted(0)
            7 CLS
            > refused: noPosition(0, quantity: 0)
            7 CXL b
            > b cancelled: requested
            state cancel_only
            7 B 1 @ 99 id=c
            > refused: instrumentCancelOnly(0)
            7 RPL a 3 @ 100
            > refused: instrumentCancelOnly(0)
            7 RPL a 1 @ 99
            > refused: instrumentCancelOnly(0)
            7 RPL a 1 @ 100
            state post_only
            8 S 1 @ 100 id=d
            > refused: instrumentPostOnly(0)
            8 S 1 @ 101 id=d
            8 S 1 @ mkt id=e
            > refused: instrumentPostOnly(0)
            8 S 1 @ 101 ioc id=e
            > refused: instrumentPostOnly(0)
            8 S 1 @ 101 fok id=e
            > refused: instrumentPostOnly(0)
            8 RPL d 1 @ 100
            > refused: instrumentPostOnly(0)
            8 RPL d 1 @ 102
            8 B 1 @ 120 stop=110 mark id=f
            mark 111
            state trading
            8 S 1 @ 100 id=g
            > g takes 1 of a @ 100
            > f triggers
            > f cancelled: selfTrade
            """)
    }

    @Test func `suspended: everything goes, nothing is taken`() {
        check(
            """
            7 B 2 @ 100 id=a
            7 B 2 @ 120 stop=110 id=b
            suspend 7
            > a cancelled: suspended
            > b cancelled: suspended
            7 B 1 @ 99 id=c
            > refused: accountSuspended(7)
            book
            resume 7
            7 B 1 @ 99 id=c
            book
            > bids | 99: c 1
            """)
    }

    @Test func `funds none: nothing is held, realized PnL and fees in quote`() {
        check(
            """
            on PERP
            fees 1 2
            7 B 2 @ 100 id=a
            bal 7
            > USD 100000
            > BTC 1000
            8 S 2 @ 100 id=b
            > b takes 2 of a @ 100 fees 0.02 0.04
            pos 7
            > 2 cost 200 realized -0.02
            pos 8
            > -2 cost 200 realized -0.04
            bal 7
            > USD 99999.98
            > BTC 1000
            bal 8
            > USD 99999.96
            > BTC 1000
            9 B 2 @ 110 id=c
            7 CLS @ 110
            > close22 takes 2 of c @ 110 fees 0.022 0.044
            pos 7
            > 0 cost 0 realized 19.936
            bal 7
            > USD 100019.936
            > BTC 1000
            7 S 1 @ 200 id=d
            bal 7
            > USD 100019.936
            > BTC 1000
            """)
    }

    @Test func `close position: at the market and at a limit`() {
        check(
            """
            7 B 3 @ 100 id=a
            8 S 3 @ 100 id=b
            > b takes 3 of a @ 100
            7 CLS 4
            > refused: noPosition(0, quantity: 3)
            9 B 2 @ 99 id=c
            7 CLS
            > close23 takes 2 of c @ 99
            > close23 cancelled: unfilled
            pos 7
            > 1 cost 100 realized -2
            7 CLS @ 101
            book
            > asks | 101: close24 1
            8 CLS
            > close25 takes 1 of close24 @ 101
            > close25 cancelled: unfilled
            """)
    }

    @Test func `overflow: the side that does not fit is cancelled, matching goes on`() {
        check(
            """
            on PERP
            dep 7 USD 1
            7 B 900000000000000 @ 1 id=a
            6 B 900000000000000 @ 1 id=a6
            8 S 900000000000000 @ 1 id=b
            > b takes 900000000000000 of a @ 1
            7 B 900000000000000 @ 1 id=c
            8 S 900000000000000 @ 1 id=d
            > d cancelled: overflow
            9 S 900000000000000 @ 1 id=e
            > e takes 900000000000000 of a6 @ 1
            book
            > bids | 1: c 900000000000000
            """)
    }
}
