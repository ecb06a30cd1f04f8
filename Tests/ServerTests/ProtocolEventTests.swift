import Core
import Server
import Testing

@Suite struct ProtocolEventTests {
    /// A day's script whose events the tests below look at; the set-up's events are taken out.
    private func world(_ lines: [String]) -> ProtocolWorld {
        let world = ProtocolWorld()
        _ = world.events()
        for line in lines {
            let answer = world.send(line)
            if answer.hasPrefix("-") { Issue.record("\(line): \(answer)") }
        }
        return world
    }

    private static let day = [
        "1 DEP 7 USD 50000 ref=wire-5 note=n", "2 NEW 7 BTC-USD B LMT 0.5 64000 GTC id=grid-17 strategy=grid",
        "3 FIL 7 BTC-USD id=grid-17 0.2 63990.00 fee=1.2 liq=M exec=bn-991 time=1763798400000", "4 RPL 7 BTC-USD 1 0.4 63000",
        "5 CXL 7 BTC-USD 1 reason=enough", "6 MRK BTC-USD 64000.5", "7 LIM 7 max_open=5", "8 ADJ 7 USD -0.5 ref=a reason=fix",
        "9 HLD 7 USD 1 ref=h", "10 RLS 7 USD 1 ref=r reason=ok", "11 XFR 7 8 USD 5 ref=x", "12 XFR 7 7 USD 6 ref=y to=futures note=m", "13 WDR 7 USD 1 ref=w",
    ]

    private func day() -> ProtocolWorld {
        let world = world(["0 ACC 8 open"])
        _ = world.events()
        for line in Self.day {
            let answer = world.send(line)
            if answer.hasPrefix("-") { Issue.record("\(line): \(answer)") }
        }
        return world
    }

    @Test func everyEventOfADay() {
        let time = "time=1763798400123"
        #expect(
            day().events() == [
                "! 19.1 BALANCE account=7 wallet=spot asset=USD kind=DEP amount=50000.00 available=50000.00 held=0.00 transit=0.00 ref=wire-5 note=n \(time)",
                "! 20.1 ORDER account=7 symbol=BTC-USD order=1 id=grid-17 side=B type=LMT tif=GTC qty=0.50000000 price=64000.00 status=NEW leaves=0.50000000 cum=0.00000000 exec=NEW strategy=grid \(time)",
                "! 21.1 TRADE account=7 symbol=BTC-USD order=1 id=grid-17 side=B status=PARTIALLY_FILLED last=0.20000000 px=63990.00 leaves=0.30000000 cum=0.20000000 avg=63990.00 fee=1.20 feeasset=USD liq=M trade=1 exec=bn-991 venuetime=1763798400000 \(time)",
                "! 21.2 POSITION account=7 symbol=BTC-USD qty=0.20000000 avg=63990.00 cost=12798.00 realized=-1.20 \(time)",
                "! 22.1 ORDER account=7 symbol=BTC-USD order=1 id=grid-17 side=B type=LMT tif=GTC qty=0.40000000 price=63000.00 status=PARTIALLY_FILLED leaves=0.20000000 cum=0.20000000 avg=63990.00 exec=REPLACED strategy=grid \(time)",
                "! 23.1 ORDER account=7 symbol=BTC-USD order=1 id=grid-17 side=B type=LMT tif=GTC qty=0.40000000 price=63000.00 status=CANCELED leaves=0.00000000 cum=0.20000000 avg=63990.00 exec=CANCELED reason=enough strategy=grid \(time)",
                "! 24.1 MARK symbol=BTC-USD price=64000.50 \(time)",
                "! 25.1 LIMIT account=7 wallet=spot max_qty=- max_notional=- max_position=- max_open=5 enabled=1 \(time)",
                "! 26.1 BALANCE account=7 wallet=spot asset=USD kind=ADJ amount=-0.50 available=37200.30 held=0.00 transit=0.00 ref=a reason=fix \(time)",
                "! 27.1 BALANCE account=7 wallet=spot asset=USD kind=HLD amount=1.00 available=37199.30 held=1.00 transit=0.00 ref=h \(time)",
                "! 28.1 BALANCE account=7 wallet=spot asset=USD kind=RLS amount=1.00 available=37200.30 held=0.00 transit=0.00 ref=r reason=ok \(time)",
                "! 29.1 BALANCE account=7 wallet=spot asset=USD kind=XFR_OUT amount=5.00 available=37195.30 held=0.00 transit=0.00 ref=x peer=8 peer_wallet=spot \(time)",
                "! 29.2 BALANCE account=8 wallet=spot asset=USD kind=XFR_IN amount=5.00 available=5.00 held=0.00 transit=0.00 ref=x peer=7 peer_wallet=spot \(time)",
                "! 30.1 BALANCE account=7 wallet=spot asset=USD kind=XFR_OUT amount=6.00 available=37189.30 held=0.00 transit=6.00 ref=y note=m peer=7 peer_wallet=futures \(time)",
                "! 31.1 BALANCE account=7 wallet=futures asset=USD kind=XFR_IN amount=6.00 available=6.00 held=0.00 transit=0.00 ref=y peer=7 peer_wallet=spot \(time)",
                "! 32.1 BALANCE account=7 wallet=spot asset=USD kind=XFR_DONE amount=6.00 available=37189.30 held=0.00 transit=0.00 ref=y peer=7 peer_wallet=futures \(time)",
                "! 33.1 BALANCE account=7 wallet=spot asset=USD kind=WDR amount=1.00 available=37188.30 held=0.00 transit=0.00 ref=w \(time)",
            ])
    }

    @Test func aPositionTakenOver() {
        let lines = ["1 PTO 7 BTC-USD -0.5 64000 ref=mig-1 note=a%20b"]
        let event =
            "! 17.1 POSITION account=7 symbol=BTC-USD qty=-0.50000000 avg=64000.00 cost=32000.00 realized=0.00 ref=mig-1 note=a%20b time=1763798400123"
        #expect(world(lines).events() == [event])
        #expect(world(lines).events(EventFilter(account: 7, instrument: 0, kinds: EventKinds(.position))) == [event])
        #expect(world(lines).events(EventFilter(visible: [8])) == [])
        #expect(world(lines).events(EventFilter(kinds: EventKinds(.balance))) == [])
    }

    @Test func registryOnceAndItsCopiesForTheDump() {
        let lines = ["1 SET window_hours 48", "2 ACC 9 open", "3 INS BTC-USD state=halted"]
        #expect(
            world(lines).events().map { $0.split(separator: " ").dropFirst().prefix(4).joined(separator: " ") } == [
                "17.1 REGISTRY SET window_hours", "19.1 REGISTRY ACC 9", "21.1 REGISTRY INS BTC-USD",
            ])
        #expect(world(lines).events(EventFilter(copies: true)).count == 6)
        #expect(world(["1 ACC 7 suspend"]).events() == ["! 17.1 REGISTRY ACC 7 status=suspended time=1763798400123"])
    }

    @Test func filtersAndPositions() {
        func positions(_ filter: EventFilter, after: Int = 0) -> String {
            day().events(filter, after: after).map { String($0.split(separator: " ")[1]) }.joined(separator: " ")
        }
        #expect(positions(EventFilter(account: 8)) == "29.2")
        #expect(positions(EventFilter(visible: [8])) == "24.1 29.2")
        #expect(positions(EventFilter(visible: [])) == "24.1")
        #expect(positions(EventFilter(instrument: 0)) == "20.1 21.1 21.2 22.1 23.1 24.1")
        #expect(positions(EventFilter(kinds: [EventKinds(.position), EventKinds(.limit)])) == "21.2 25.1")
        #expect(positions(EventFilter(account: 7, instrument: 0, kinds: EventKinds(.trade))) == "21.1")
        #expect(positions(EventFilter(), after: 1) == "21.2 29.2")
    }
}
