import Core
import Server
import Testing

/// An internal venue's text: answers after matching, rows, events, the facts of its refusals.
@Suite struct ProtocolVenueTests {
    /// Account 7 with 100000 USDT, 8 with 2 BTC; no events of it are left.
    private func world() -> ProtocolWorld {
        let world = ProtocolWorld(hasInternalVenue: true)
        for line in ["0 DEP 7 USDT 100000 ref=dep-1", "0 DEP 8 BTC 2 ref=dep-2", "0 DEP 8 USDT 1000 ref=dep-3"] {
            #expect(world.send(line).hasPrefix("+0 OK"))
        }
        _ = world.events()
        return world
    }

    /// Plays lines and their answers; a `lsn` of the answer counts from the world's begin.
    private func script(_ world: ProtocolWorld, _ lines: [(String, String)]) {
        let start = world.lsn
        for (line, answer) in lines {
            var expected = answer
            if let range = expected.firstRange(of: "lsn=+"), let ahead = Int64(expected[range.upperBound...]) {
                expected.replaceSubrange(range.lowerBound..., with: "lsn=\(start + ahead)")
            }
            #expect(world.send(line) == expected, "\(line)")
        }
    }

    @Test func answersSayWhatIsAfterMatching() {
        script(world(), [
            ("1 NEW 8 BTC-USDT S LMT 0.5 64000 GTC id=ask-1 post=1", "+1 1 NEW leaves=0.50000 cum=0.00000 lsn=+1"),
            ("2 NEW 7 BTC-USDT B LMT 0.8 64010 GTC id=bid-1", "+2 2 PARTIALLY_FILLED leaves=0.30000 cum=0.50000 avg=64000.00 lsn=+3"),
            ("2 NEW 7 BTC-USDT B LMT 0.8 64010 GTC id=bid-1", "+2 2 PARTIALLY_FILLED leaves=0.30000 cum=0.50000 avg=64000.00 dup=1"),
            ("3 NEW 8 BTC-USDT S MKT 1 - IOC id=sell-2", "+3 3 CANCELED leaves=0.00000 cum=0.30000 avg=64010.00 reason=unfilled lsn=+6"),
            ("4 CXL 8 BTC-USDT 3", "+4 3 CANCELED leaves=0.00000 cum=0.30000 avg=64010.00 reason=unfilled dup=1"),
            ("5 BAL 7 USDT wallet=spot", "=5 USDT spot total=48788.6797 available=48788.6797 reserved=0.00 held=0.00 transit=0.00\n+5 1"),
            ("6 TRD 7", "=6 3 symbol=BTC-USDT order=2 id=bid-1 side=B qty=0.30000 price=64010.00 fee=1.9203 feeasset=USDT liq=M time=1763798400123\n=6 2 symbol=BTC-USDT order=2 id=bid-1 side=B qty=0.50000 price=64000.00 fee=6.40 feeasset=USDT liq=T time=1763798400123\n+6 2"),
            ("7 NEW 7 BTC-USDT B LMT 0.1 60000 GTC id=bid-2 display=0.05 stp=both", "+7 4 NEW leaves=0.10000 cum=0.00000 lsn=+7"),
            ("8 ORD 7", "=8 4 symbol=BTC-USDT id=bid-2 side=B type=LMT tif=GTC qty=0.10000 price=60000.00 status=NEW leaves=0.10000 cum=0.00000 reserved=6001.20 created=1763798400123 updated=1763798400123 display=0.05000 stp=both\n+8 1"),
            ("9 BOOK BTC-USDT", "=9 bid px=60000.00 qty=0.05000 orders=1\n+9 1"),
            ("9 MKT BTC-USDT", "=9 BTC-USDT state=trading last=64010.00 lastqty=0.30000 lasttime=1763798400123 bid=60000.00 bidqty=0.05000 high=64010.00 low=64000.00 volume=0.80000 turnover=51203.00 trades=2\n+9 1"),
            ("9 MKT", "=9 BTC-USD state=trading\n=9 BTC-USDT state=trading last=64010.00 lastqty=0.30000 lasttime=1763798400123 bid=60000.00 bidqty=0.05000 high=64010.00 low=64000.00 volume=0.80000 turnover=51203.00 trades=2\n+9 2"),
            ("a NEW 7 BTC-USDT S LMT 0.1 59000 GTC id=sl stop=59500 trigger=mark", "+a 5 NEW leaves=0.10000 cum=0.00000 lsn=+8"),
            ("b NEW 7 BTC-USDT S LMT 0.1 70000 GTC id=tp stop=69000 take=1 oco=sl", "+b 6 NEW leaves=0.10000 cum=0.00000 lsn=+9"),
            ("c ORD 7 BTC-USDT 6", "=c 6 symbol=BTC-USDT id=tp side=S type=LMT tif=GTC qty=0.10000 price=70000.00 status=NEW leaves=0.10000 cum=0.00000 reserved=0.00000000 created=1763798400123 updated=1763798400123 stop=69000.00 take=1 trigger=last armed=1 oco=5\n+c 1"),
            ("d INS BTC-USDT state=cancel_only maker_bps=-0.25 taker_bps=100", "+d OK lsn=+11"),
            ("e INS BTC-USDT", "=e BTC-USDT venue=inside wallet=spot base=BTC quote=USDT tick=0.01 lot=0.00001 price_scale=4 qty_scale=5 min_qty=0.00001 max_qty=90000000.00000 min_notional=0.00 funds=full state=cancel_only maker_bps=-0.25 taker_bps=100\n+e 1"),
        ])
    }

    @Test func factsOfRefusals() {
        let world = world()
        script(world, [
            ("1 NEW 8 BTC-USDT S LMT 0.5 64000 GTC id=s", "+1 1 NEW leaves=0.50000 cum=0.00000 lsn=+1"),
            ("1 NEW 7 BTC-USDT B LMT 1 64000 FOK id=a", "-1 UNFILLABLE available=0.50000"),
            ("1 NEW 7 BTC-USDT B LMT 1 64000 GTC id=a post=1", "-1 WOULD_TAKE price=64000.00"),
            ("1 NEW 7 BTC-USDT B LMT 1 64000 IOC id=a post=1", "-1 BAD_VALUE argument=post"),
            ("1 NEW 7 BTC-USDT B LMT 1 64000 GTC id=a display=1", "-1 BAD_VALUE argument=display"),
            ("1 NEW 7 BTC-USDT B LMT 1 60000 GTC id=a reduce=1", "-1 REDUCE_ONLY position=0.00000"),
            ("1 NEW 7 BTC-USDT B LMT 1 60000 GTC id=a oco=b%20c", "-1 BAD_PAIR id=b%20c"),
            ("1 MRK BTC-USDT 63000", "+1 OK lsn=+2"),
            ("1 NEW 7 BTC-USDT B LMT 1 64000 GTC id=a stop=62999.99 trigger=mark", "-1 WOULD_TRIGGER stop=62999.99 price=63000.00"),
            ("1 NEW 7 BTC-USDT B LMT 0.1 50000 GTC id=x", "+1 2 NEW leaves=0.10000 cum=0.00000 lsn=+3"),
            ("1 NEW 7 BTC-USDT B LMT 0.1 70000 GTC id=y stop=65000 oco=x", "+1 3 NEW leaves=0.10000 cum=0.00000 lsn=+4"),
            ("1 RPL 7 BTC-USDT id=x 0.1 51000", "-1 IN_PAIR order=2"),
            ("1 FIL 7 BTC-USDT id=x 0.1 50000 exec=e", "-1 NOT_SUPPORTED what=venue"),
            ("1 INS BTC-USDT state=post_only", "+1 OK lsn=+6"),
            ("1 NEW 7 BTC-USDT B MKT 1 - IOC id=a", "-1 INSTRUMENT_POST_ONLY symbol=BTC-USDT"),
            ("1 INS BTC-USDT state=cancel_only", "+1 OK lsn=+8"),
            ("1 NEW 7 BTC-USDT B LMT 1 1 GTC id=a", "-1 INSTRUMENT_CANCEL_ONLY symbol=BTC-USDT"),
            ("1 VEN inside kind=manual", "-1 ALREADY_EXISTS name=inside"),
        ])
    }

    @Test func eventsOfAMatchAndATrigger() {
        let world = world()
        for line in ["1 NEW 8 BTC-USDT S LMT 0.5 64000 GTC id=ask", "1 NEW 8 BTC-USDT S LMT 0.1 60000 GTC id=stop stop=64000", "2 NEW 7 BTC-USDT B LMT 0.6 64000 GTC id=bid"] {
            #expect(world.send(line).hasPrefix("+"))
        }
        let time = "time=1763798400123"
        let first = world.lsn - 5
        let expected = [
            "1.1 ORDER account=8 symbol=BTC-USDT order=1 id=ask side=S type=LMT tif=GTC qty=0.50000 price=64000.00 status=NEW leaves=0.50000 cum=0.00000 exec=NEW",
            "2.1 ORDER account=8 symbol=BTC-USDT order=2 id=stop side=S type=LMT tif=GTC qty=0.10000 price=60000.00 status=NEW leaves=0.10000 cum=0.00000 exec=NEW stop=64000.00 trigger=last armed=1",
            "3.1 ORDER account=7 symbol=BTC-USDT order=3 id=bid side=B type=LMT tif=GTC qty=0.60000 price=64000.00 status=NEW leaves=0.60000 cum=0.00000 exec=NEW",
            "4.1 TRADE account=8 symbol=BTC-USDT order=1 id=ask side=S status=FILLED last=0.50000 px=64000.00 leaves=0.00000 cum=0.50000 avg=64000.00 fee=3.20 feeasset=USDT liq=M trade=1",
            "4.2 TRADE account=7 symbol=BTC-USDT order=3 id=bid side=B status=PARTIALLY_FILLED last=0.50000 px=64000.00 leaves=0.10000 cum=0.50000 avg=64000.00 fee=6.40 feeasset=USDT liq=T trade=2",
            "4.3 POSITION account=8 symbol=BTC-USDT qty=-0.50000 avg=64000.00 cost=32000.00 realized=-3.20",
            "4.4 POSITION account=7 symbol=BTC-USDT qty=0.50000 avg=64000.00 cost=32000.00 realized=-6.40",
            "5.1 ORDER account=8 symbol=BTC-USDT order=2 id=stop side=S type=LMT tif=GTC qty=0.10000 price=60000.00 status=NEW leaves=0.10000 cum=0.00000 exec=TRIGGERED stop=64000.00 trigger=last",
            "6.1 TRADE account=7 symbol=BTC-USDT order=3 id=bid side=B status=FILLED last=0.10000 px=64000.00 leaves=0.00000 cum=0.60000 avg=64000.00 fee=0.64 feeasset=USDT liq=M trade=3",
            "6.2 TRADE account=8 symbol=BTC-USDT order=2 id=stop side=S status=FILLED last=0.10000 px=64000.00 leaves=0.00000 cum=0.10000 avg=64000.00 fee=1.28 feeasset=USDT liq=T trade=4",
            "6.3 POSITION account=7 symbol=BTC-USDT qty=0.60000 avg=64000.00 cost=38400.00 realized=-7.04",
            "6.4 POSITION account=8 symbol=BTC-USDT qty=-0.60000 avg=64000.00 cost=38400.00 realized=-4.48",
        ].map { line in
            let point = line.firstIndex(of: ".")!
            return "! \(first + Int64(line[..<point])! - 1)\(line[point...]) \(time)"
        }
        #expect(world.events() == expected)
    }

    /// Both sides of a match are one change, and each account sees its own.
    @Test func eachAccountSeesItsSide() {
        let world = world()
        for line in ["1 NEW 8 BTC-USDT S LMT 0.5 64000 GTC id=ask", "2 NEW 7 BTC-USDT B LMT 0.5 64000 GTC id=bid"] { _ = world.send(line) }
        let events = world.events(EventFilter(visible: [7], kinds: [EventKinds(.trade), EventKinds(.position)]))
        #expect(events.map { $0.split(separator: " ")[1...3].joined(separator: " ") } == ["\(world.lsn).2 TRADE account=7", "\(world.lsn).4 POSITION account=7"])
    }
}
