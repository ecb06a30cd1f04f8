import Core
import Server
import Testing

@Suite struct ProtocolParserTests {
    /// One line per rule: what is sent, and the whole answer.
    static let refusals: [(String, String)] = [
        // The line.
        (" 1 PING", "-? BAD_TAG"),
        ("1\u{e9} PING", "-? BAD_TAG"),
        ("a.b PING", "-? BAD_TAG"),
        ("123456789012345678901 PING", "-? BAD_TAG"),
        ("1", "-1 MISSING_ARGUMENT argument=verb"),
        ("1 ", "-1 BAD_CHARACTER at=2"),
        ("1 PING ", "-1 BAD_CHARACTER at=7"),
        ("1  PING", "-1 BAD_CHARACTER at=3"),
        ("1 BAL  7", "-1 BAD_CHARACTER at=7"),
        ("1 BAL\t7", "-1 BAD_CHARACTER at=6"),
        ("1 BAL 7\r", "-1 BAD_CHARACTER at=8"),
        ("1 CXL 7 BTC-USD id=caf\u{e9}", "-1 BAD_CHARACTER at=23"),
        ("1 \u{7f}", "-1 BAD_CHARACTER at=3"),
        ("1 ping", "-1 UNKNOWN_VERB verb=ping"),
        ("1 NEWS", "-1 UNKNOWN_VERB verb=NEWS"),
        ("1 AB", "-1 UNKNOWN_VERB verb=AB"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 id=a", "-1 MISSING_ARGUMENT argument=tif"),
        ("1 NEW", "-1 MISSING_ARGUMENT argument=account"),
        ("1 CXL 7", "-1 MISSING_ARGUMENT argument=symbol"),
        ("1 CXL 7 BTC-USD", "-1 MISSING_ARGUMENT argument=order"),
        ("1 DEP 7 USD ref=a", "-1 MISSING_ARGUMENT argument=amount"),
        ("1 ADJ 7 USD ref=a reason=b", "-1 MISSING_ARGUMENT argument=amount"),
        ("1 PING x", "-1 EXTRA_ARGUMENT value=x"),
        ("1 MRK BTC-USD 1 2", "-1 EXTRA_ARGUMENT value=2"),
        ("1 CXL 7 reason=x BTC-USD 5", "-1 EXTRA_ARGUMENT value=BTC-USD"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC", "-1 MISSING_KEY key=id"),
        ("1 DEP 7 USD 1", "-1 MISSING_KEY key=ref"),
        ("1 ADJ 7 USD 1 ref=a", "-1 MISSING_KEY key=reason"),
        ("1 FIL 7 BTC-USD id=a 1 1", "-1 MISSING_KEY key=exec"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTD id=a", "-1 MISSING_KEY key=expire"),
        ("1 AST EUR", "-1 MISSING_KEY key=decimals"),
        ("1 AST decimals=2", "-1 MISSING_ARGUMENT argument=name"),
        ("1 VEN x", "-1 MISSING_KEY key=kind"),
        ("1 INS X venue=manual", "-1 MISSING_KEY key=wallet"),
        ("1 INS tick=1", "-1 MISSING_ARGUMENT argument=symbol"),
        ("1 SET window_hours", "-1 MISSING_ARGUMENT argument=value"),
        ("1 BAL 7 colour=red", "-1 UNKNOWN_KEY key=colour"),
        ("1 BAL 7 max_notionals=1", "-1 UNKNOWN_KEY key=max_notionals"),
        ("1 BAL 7 id=a", "-1 UNKNOWN_KEY key=id"),
        ("1 AST EUR decimals=2 limit=5", "-1 UNKNOWN_KEY key=limit"),
        ("1 BAL 7 limit=5 limit=5", "-1 REPEATED_KEY key=limit"),
        // Values.
        ("1 NEW 7 BTC-USD X LMT 1 1.00 GTC id=a", "-1 BAD_VALUE argument=side value=X expected=B|S"),
        ("1 NEW 7 BTC-USD B LIM 1 1.00 GTC id=a", "-1 BAD_VALUE argument=type value=LIM expected=LMT|MKT"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 DAY id=a", "-1 BAD_VALUE argument=tif value=DAY expected=GTC|IOC|FOK|GTD"),
        ("1 NEW 7 BTC-USD B LMT 1 - GTC id=a", "-1 BAD_VALUE argument=price value=- expected=a_price"),
        ("1 NEW 7 BTC-USD B MKT 1 5.00 GTC id=a", "-1 BAD_VALUE argument=price value=5.00 expected=-"),
        ("1 NEW 7 BTC-USD B LMT 0 1.00 GTC id=a", "-1 BAD_VALUE argument=qty value=0 expected=above_zero"),
        ("1 NEW 7 BTC-USD B LMT 1 0.00 GTC id=a", "-1 BAD_VALUE argument=price value=0.00 expected=above_zero"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=", "-1 BAD_VALUE argument=id value= expected=1..36_bytes"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=1234567890123456789012345678901234567", "-1 BAD_VALUE argument=id value=123456789012345678901234567890123456 expected=1..36_bytes"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a%2", "-1 BAD_VALUE argument=id value=a%252 expected=%XX"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a%c3", "-1 BAD_VALUE argument=id value=a%25c3 expected=%XX"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a expire=5", "-1 BAD_VALUE argument=expire value=5 expected=only_with_GTD"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTD id=a expire=0", "-1 BAD_VALUE argument=expire value=0 expected=unix_milliseconds"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a max=5", "-1 BAD_VALUE argument=max value=5 expected=only_for_a_market_buy"),
        ("1 BAL 0", "-1 BAD_VALUE argument=account value=0 expected=1..9007199254740991"),
        ("1 PING before=0", "-1 BAD_VALUE argument=before value=0 expected=unix_milliseconds"),
        ("1 FIL 7 BTC-USD 5 1 1 exec=a liq=X", "-1 BAD_VALUE argument=liq value=X expected=M|T"),
        ("1 BAL 7 limit=0", "-1 BAD_VALUE argument=limit value=0 expected=1..1000"),
        ("1 BAL 7 limit=1001", "-1 BAD_VALUE argument=limit value=1001 expected=1..1000"),
        ("1 ORD 7 status=new", "-1 BAD_VALUE argument=status value=new expected=open|closed|all"),
        ("1 POS 7 BTC=USD", "-1 UNKNOWN_KEY key=BTC"),
        ("1 POS 7 BTC+USD", "-1 BAD_VALUE argument=symbol value=BTC+USD expected=name"),
        ("1 BAL 7 =5", "-1 UNKNOWN_KEY key="),
        ("1 POS 7 1234567890123456789012345", "-1 BAD_VALUE argument=symbol value=1234567890123456789012345 expected=name"),
        ("1 DEP 7 USD 0 ref=a", "-1 BAD_VALUE argument=amount value=0 expected=above_zero"),
        ("1 ADJ 7 USD -0.0 ref=a reason=b", "-1 BAD_VALUE argument=amount value=-0.0 expected=not_zero"),
        ("1 XFR 7 7 USD 1 ref=a", "-1 BAD_VALUE argument=to value=7 expected=another_account_or_wallet"),
        ("1 CXA 7 BTC-USD wallet=futures", "-1 BAD_VALUE argument=wallet value=futures expected=the_wallet_of_the_symbol"),
        ("1 VEN x kind=dark", "-1 BAD_VALUE argument=kind value=dark expected=manual|internal"),
        ("1 AST X decimals=19", "-1 BAD_VALUE argument=decimals value=19 expected=0..18"),
        ("1 ACC 7 close", "-1 BAD_VALUE argument=action value=close expected=open|suspend|resume"),
        ("1 LIM 7 enabled=2", "-1 BAD_VALUE argument=enabled value=2 expected=0|1"),
        ("1 LIM 7 max_order_rate=0", "-1 BAD_VALUE argument=max_order_rate value=0 expected=1..1000000"),
        ("1 LIM 7 max_cancel_rate=1000001", "-1 BAD_VALUE argument=max_cancel_rate value=1000001 expected=1..1000000"),
        ("1 LIM 7 price_band_bps=0", "-1 BAD_VALUE argument=price_band_bps value=0 expected=1..1000000"),
        ("1 LIM 7 price_band_bps=1.5", "-1 TOO_MANY_DECIMALS argument=price_band_bps max=0"),
        ("1 LIM 7 max_daily_loss=-1", "-1 BAD_NUMBER argument=max_daily_loss value=-1"),
        ("1 LIM 7 short=2", "-1 BAD_VALUE argument=short value=2 expected=0|1"),
        ("1 LIM 7 maker_bps=101", "-1 BAD_VALUE argument=maker_bps value=101 expected=-10..100"),
        ("1 LIM 7 stp=none", "-1 BAD_VALUE argument=stp value=none expected=newest|oldest|both|decrement"),
        ("1 LIM 7 reset=all", "-1 BAD_VALUE argument=reset value=all expected=loss"),
        ("1 LIM * reset=loss", "-1 BAD_VALUE argument=reset value=loss expected=only_for_an_account"),
        ("1 LIM 7 BTC-USD max_daily_loss=5", "-1 BAD_VALUE argument=max_daily_loss value=5 expected=without_a_symbol"),
        ("1 LIM 7 BTC-USD listed=1", "-1 BAD_VALUE argument=listed value=1 expected=without_a_symbol"),
        ("1 LIM * BTC-USD max_qty=1", "-1 EXTRA_ARGUMENT value=BTC-USD"),
        ("1 DMS 7 86401", "-1 BAD_VALUE argument=seconds value=86401 expected=0..86400|-"),
        ("1 DMS 7 1.5", "-1 TOO_MANY_DECIMALS argument=seconds max=0"),
        ("1 DMS 7 5 limit=1", "-1 UNKNOWN_KEY key=limit"),
        ("1 DMS *", "-1 BAD_NUMBER argument=account value=*"),
        ("1 SET day_start_minutes 1440", "-1 BAD_VALUE argument=value value=1440 expected=0..1439"),
        ("1 SET window_hours 0", "-1 BAD_VALUE argument=value value=0 expected=1..8760"),
        ("1 INS X venue=manual wallet=spot base=USD quote=USD tick=1 lot=1", "-1 BAD_VALUE argument=quote value=USD expected=another_asset_than_base"),
        ("1 INS X venue=manual wallet=spot base=BTC quote=USD tick=0.000000001 lot=0.00000001", "-1 BAD_VALUE argument=tick value=0.000000001 expected=price_scale+qty_scale<=18"),
        ("1 INS BTC-USD state=open", "-1 BAD_VALUE argument=state value=open expected=trading|post_only|cancel_only|halted"),
        ("1 AUTH - hb=0", "-1 BAD_VALUE argument=hb value=0 expected=1..3600"),
        ("1 AUTH - cod=yes", "-1 BAD_VALUE argument=cod value=yes expected=0|1"),
        ("1 SUB kind=ORDER,ORDER", "-1 BAD_VALUE argument=kind value=ORDER,ORDER expected=ORDER,TRADE,POSITION,BALANCE,LIMIT,MARK,REGISTRY"),
        ("1 SUB kind=ORDER,", "-1 BAD_VALUE argument=kind value=ORDER, expected=ORDER,TRADE,POSITION,BALANCE,LIMIT,MARK,REGISTRY"),
        ("1 BAL x", "-1 BAD_NUMBER argument=account value=x"),
        ("1 BAL 07", "-1 BAD_NUMBER argument=account value=07"),
        ("1 NEW 7 BTC-USD B LMT -1 1.00 GTC id=a", "-1 BAD_NUMBER argument=qty value=-1"),
        ("1 NEW 7 BTC-USD B LMT 1e3 1.00 GTC id=a", "-1 BAD_NUMBER argument=qty value=1e3"),
        ("1 NEW 7 BTC-USD B LMT NaN 1.00 GTC id=a", "-1 BAD_NUMBER argument=qty value=NaN"),
        ("1 WDR 7 USD -1 ref=a", "-1 BAD_NUMBER argument=amount value=-1"),
        ("1 MRK BTC-USD -1", "-1 BAD_NUMBER argument=price value=-1"),
        ("1 SUB from=1.x", "-1 BAD_NUMBER argument=from value=x"),
        ("1 CXL 7 BTC-USD first", "-1 BAD_NUMBER argument=order value=first"),
        ("1 BAL 7.0", "-1 TOO_MANY_DECIMALS argument=account max=0"),
        ("1 NEW 7 BTC-USD B LMT 1.000000000 1.00 GTC id=a", "-1 TOO_MANY_DECIMALS argument=qty max=8"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00000 GTC id=a", "-1 TOO_MANY_DECIMALS argument=price max=4"),
        ("1 DEP 7 USD 0.0000000000000000001 ref=a", "-1 TOO_MANY_DECIMALS argument=amount max=18"),
        ("1 BAL 9007199254740992", "-1 NUMBER_TOO_LARGE argument=account"),
        ("1 NEW 7 BTC-USD B LMT 92233720368.54775808 1.00 GTC id=a", "-1 NUMBER_TOO_LARGE argument=qty"),
        ("1 DEP 7 USD 1298074214633706.907132624082305024 ref=a", "-1 NUMBER_TOO_LARGE argument=amount"),
        ("1 DEP 7 USD 999999999999999999999999999999999999999999999 ref=a", "-1 NUMBER_TOO_LARGE argument=amount"),
        ("1 CXL 7 BTC-USD 9007199254740992", "-1 NUMBER_TOO_LARGE argument=order"),
        // Names.
        ("1 DEP 7 EUR 1 ref=a", "-1 UNKNOWN_ASSET asset=EUR"),
        ("1 DEP 7 USD 1 ref=a wallet=margin", "-1 UNKNOWN_WALLET wallet=margin"),
        ("1 INS X venue=dark wallet=spot base=BTC quote=USD tick=1 lot=1", "-1 UNKNOWN_VENUE venue=dark"),
        ("1 MRK ETH-USD 1", "-1 UNKNOWN_INSTRUMENT symbol=ETH-USD"),
        ("1 INS ETH-USD", "-1 UNKNOWN_INSTRUMENT symbol=ETH-USD"),
        ("1 SET colour 1", "-1 UNKNOWN_SETTING setting=colour"),
        ("1 ACC 8 resume", "-1 UNKNOWN_ACCOUNT account=8"),
        ("1 BAL 8", "-1 UNKNOWN_ACCOUNT account=8"),
        ("1 HELP NOPE", "-1 UNKNOWN_VERB verb=NOPE"),
        // Not in this version.
        ("1 NEW 7 BTC-USD B STP 1 1.00 GTC id=a", "-1 NOT_SUPPORTED what=STP"),
        ("1 NEW 7 BTC-USD B STL 1 1.00 GTC id=a", "-1 NOT_SUPPORTED what=STL"),
        ("1 NEW 7 BTC-USD B TPM 1 1.00 GTC id=a", "-1 NOT_SUPPORTED what=TPM"),
        ("1 NEW 7 BTC-USD B TPL 1 1.00 GTC id=a", "-1 NOT_SUPPORTED what=TPL"),
        ("1 VEN x kind=connector", "-1 NOT_SUPPORTED what=connector"),
        ("1 BOOK BTC-USD", "-1 NOT_SUPPORTED what=BOOK"),
        // Of internal venues.
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a stop=5", "-1 NOT_SUPPORTED what=instructions"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a display=0.5", "-1 NOT_SUPPORTED what=instructions"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a post=1", "-1 NOT_SUPPORTED what=instructions"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a reduce=1", "-1 NOT_SUPPORTED what=instructions"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a stp=oldest", "-1 NOT_SUPPORTED what=instructions"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a oco=b", "-1 NOT_SUPPORTED what=instructions"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a take=1", "-1 MISSING_KEY key=stop"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a trigger=mark", "-1 MISSING_KEY key=stop"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a stop=0", "-1 BAD_VALUE argument=stop value=0 expected=above_zero"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a stop=-1", "-1 BAD_NUMBER argument=stop value=-1"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a stop=5.00001", "-1 TOO_MANY_DECIMALS argument=stop max=4"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a stop=5 take=yes", "-1 BAD_VALUE argument=take value=yes expected=0|1"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a stop=5 trigger=bid", "-1 BAD_VALUE argument=trigger value=bid expected=last|mark"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a display=0", "-1 BAD_VALUE argument=display value=0 expected=above_zero"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a display=0.000000001", "-1 TOO_MANY_DECIMALS argument=display max=8"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a post=2", "-1 BAD_VALUE argument=post value=2 expected=0|1"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a reduce=", "-1 BAD_VALUE argument=reduce value= expected=0|1"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a stp=none", "-1 BAD_VALUE argument=stp value=none expected=newest|oldest|both|decrement"),
        ("1 NEW 7 BTC-USD B LMT 1 1.00 GTC id=a oco=", "-1 BAD_VALUE argument=oco value= expected=1..36_bytes"),
        ("1 RPL 7 BTC-USD 5 1 1.00 stop=0", "-1 BAD_VALUE argument=stop value=0 expected=above_zero"),
        ("1 RPL 7 BTC-USD 5 1 1.00 post=1", "-1 UNKNOWN_KEY key=post"),
        ("1 INS BTC-USD maker_bps=-10.01", "-1 BAD_VALUE argument=maker_bps value=-10.01 expected=-10..100"),
        ("1 INS BTC-USD taker_bps=100.01", "-1 BAD_VALUE argument=taker_bps value=100.01 expected=-10..100"),
        ("1 INS BTC-USD taker_bps=99999999999", "-1 BAD_VALUE argument=taker_bps value=99999999999 expected=-10..100"),
        ("1 INS BTC-USD taker_bps=0.005", "-1 TOO_MANY_DECIMALS argument=taker_bps max=2"),
        ("1 INS BTC-USD maker_bps=+1", "-1 BAD_NUMBER argument=maker_bps value=+1"),
        ("1 INS BTC-USD maker_bps=1", "-1 NOT_SUPPORTED what=fee"),
        ("1 INS BTC-USD state=post_only", "-1 NOT_SUPPORTED what=venue"),
        ("1 INS BTC-USD state=cancel_only", "-1 NOT_SUPPORTED what=venue"),
        ("1 BOOK", "-1 MISSING_ARGUMENT argument=symbol"),
        ("1 BOOK ETH-USD", "-1 UNKNOWN_INSTRUMENT symbol=ETH-USD"),
        ("1 BOOK BTC-USD limit=5", "-1 UNKNOWN_KEY key=limit"),
        ("1 MKT ETH-USD", "-1 UNKNOWN_INSTRUMENT symbol=ETH-USD"),
        ("1 SUB book=BTC-USD", "-1 NOT_SUPPORTED what=book"),
        ("1 SUB trades=BTC-USD", "-1 NOT_SUPPORTED what=trades"),
        ("1 SUB book=ETH-USD", "-1 UNKNOWN_INSTRUMENT symbol=ETH-USD"),
        ("1 SUB book=BTC-USD from=5", "-1 UNKNOWN_KEY key=from"),
        ("1 SUB trades=BTC-USD kind=ORDER", "-1 UNKNOWN_KEY key=kind"),
        ("1 SUB depth=5", "-1 UNKNOWN_KEY key=depth"),
        ("1 UNS book=ETH-USD", "-1 UNKNOWN_INSTRUMENT symbol=ETH-USD"),
        ("1 ACK a b c=d", "-1 NOT_SUPPORTED what=ACK"),
        ("1 REJ", "-1 NOT_SUPPORTED what=REJ"),
        ("1 CAN", "-1 NOT_SUPPORTED what=CAN"),
        ("1 RPD", "-1 NOT_SUPPORTED what=RPD"),
        ("1 CRJ", "-1 NOT_SUPPORTED what=CRJ"),
        // What never changes of an instrument.
        ("1 INS BTC-USD wallet=futures", "-1 FIXED key=wallet"),
        ("1 INS BTC-USD base=USD", "-1 FIXED key=base"),
        ("1 INS BTC-USD quote=BNB", "-1 FIXED key=quote"),
        ("1 INS BTC-USD price_scale=5", "-1 FIXED key=price_scale"),
        ("1 INS BTC-USD qty_scale=7", "-1 FIXED key=qty_scale"),
        ("1 INS BTC-USD funds=none", "-1 FIXED key=funds"),
        ("1 INS BTC-USD tick=0.00001", "-1 TOO_MANY_DECIMALS argument=tick max=4"),
    ]

    @Test func everyRefusal() {
        let world = ProtocolWorld()
        for (line, answer) in Self.refusals { #expect(world.send(line) == answer, "\(line)") }
    }

    @Test func lengthOfALine() {
        let world = ProtocolWorld()
        let long = "1 DEP 7 USD 1 ref=" + String(repeating: "x", count: 1_007)
        #expect(long.utf8.count == 1_025)
        #expect(world.send(long) == "-1 LINE_TOO_LONG max=1024")
        #expect(world.send(String(long.dropLast())).hasPrefix("-1 BAD_VALUE argument=ref"))
        let token = "1 AUTH " + String(repeating: "x", count: 8_185)
        #expect(world.send(token) == "+1 OK")
        #expect(world.send(token + "x") == "-1 LINE_TOO_LONG max=8192")
        #expect(world.send("1 AUTH" + String(repeating: "x", count: 1_100)) == "-1 LINE_TOO_LONG max=1024")
        let many = "1 BAL" + String(repeating: " 7", count: 500)
        #expect(world.send(many) == "-1 EXTRA_ARGUMENT value=7")
    }

    @Test func keysAndVerbsArePackedAsTheyAreWritten() {
        for key in OptionKey.allCases {
            var name = key.name.description
            #expect(name.withUTF8 { OptionKey(UnsafeRawBufferPointer($0)) } == key)
            name += "x"
            #expect(name.withUTF8 { OptionKey(UnsafeRawBufferPointer($0)) } == nil)
            name = String(name.dropLast(2))
            #expect(name.withUTF8 { OptionKey(UnsafeRawBufferPointer($0)) }?.name.description != key.name.description)
        }
        #expect(OptionKey.allCases.count <= 64)
        for verb in Verb.allCases {
            var name = verb.name
            #expect(name.withUTF8 { Verb(UnsafeRawBufferPointer($0)) } == verb)
        }
    }

    @Test func everyVerbTakesBefore() {
        for verb in Verb.allCases { #expect(verb.shape.keys.contains(.before), "\(verb)") }
        let world = ProtocolWorld()
        #expect(world.parse("1 PING before=5").before == 5_000)
        #expect(world.parse("1 NEW 7 BTC-USD B LMT 1 1 GTC id=a before=5").before == 5_000)
        #expect(world.send("1 NEW 7 BTC-USD B LMT 1 1 GTC id=a before=5") == "-1 TOO_LATE before=5 now=1763798400123")
    }

    @Test func newOrderBecomesACommand() throws {
        let line = ProtocolWorld().parse(
            "tag_-9 NEW 7 BTC-USD S LMT 0.50000000 64000.01 GTD note=a%20b expire=1763798400999 id=grid%2517 strategy=grid before=1763798500000")
        #expect(line.tag == Text("tag_-9"))
        guard case (0, .newOrder(let order))? = line.command else { throw Unexpected() }
        #expect(order.account == 7 && order.instrument == 0 && order.side == .sell && order.type == .limit && order.timeInForce == .gtd)
        #expect(order.quantity == 50_000_000 && order.price == 640_000_100 && order.max == 0)
        #expect(order.clientID == Text("grid%17") && order.note == Text("a b") && order.strategy == Text("grid"))
        #expect(order.expire == 1_763_798_400_999_000 && order.before == 1_763_798_500_000_000)
        #expect(line.requires.access == .trade && line.requires.account == 7)
    }

    @Test func optionsOfInternalVenuesBecomeInstructions() throws {
        let world = ProtocolWorld()
        let head = "1 NEW 7 BTC-USD S LMT 1 2.00 GTC id=a "
        func order(_ options: String) throws -> NewOrder {
            guard case (0, .newOrder(let order))? = world.parse(head + options).command else { throw Unexpected() }
            return order
        }
        let all = try order("stop=2.5 take=1 trigger=mark display=0.25 post=1 reduce=1 oco=a%20b stp=decrement")
        var it = Instructions()
        it.stop = 25_000
        it.trigger = .takeProfit
        it.triggerPrice = .mark
        it.display = 25_000_000
        it.postOnly = true
        it.reduceOnly = true
        it.selfTrade = .decrement
        #expect(all.instructions == it && all.oco == Text("a b"))
        #expect(try order("stop=2.5").instructions.trigger == .stop)
        #expect(try order("stop=2.5 take=0 trigger=last").instructions.triggerPrice == .last)
        for (word, value) in [("newest", SelfTradePrevention.newest), ("oldest", .oldest), ("both", .both)] {
            #expect(try order("stp=" + word).instructions.selfTrade == value)
        }
        // Nothing is left from the line before.
        let plain = try order("post=0")
        #expect(plain.instructions.isPlain && plain.oco.isEmpty)
        guard case (_, .replace(let replace))? = world.parse("1 RPL 7 BTC-USD 5 1 - stop=7").command else { throw Unexpected() }
        #expect(replace.stop == 70_000)
        guard case (_, .replace(let without))? = world.parse("1 RPL 7 BTC-USD 5 1 -").command else { throw Unexpected() }
        #expect(without.stop == 0)
    }

    @Test func marketDataOfInternalVenues() throws {
        let world = ProtocolWorld(hasInternalVenue: true)
        guard case .query(let book) = world.parse("1 BOOK BTC-USDT").request else { throw Unexpected() }
        #expect(book.kind == .book && book.instrument == 1 && book.depth == 10 && book.scope == .shard(0))
        guard case .query(let deep) = world.parse("1 BOOK BTC-USDT depth=1000").request else { throw Unexpected() }
        #expect(deep.depth == 1_000)
        guard case .query(let market) = world.parse("1 MKT").request else { throw Unexpected() }
        #expect(market.kind == .market && market.instrument == -1 && market.scope == .allShards)
        guard case .session(.subscribeMarket(let both)) = world.parse("1 SUB trades=BTC-USDT book=BTC-USDT depth=7").request else { throw Unexpected() }
        #expect(both.book == 1 && both.trades == 1 && both.depth == 7)
        guard case .session(.unsubscribeMarket(let one)) = world.parse("1 UNS trades=BTC-USDT").request else { throw Unexpected() }
        #expect(one.book == -1 && one.trades == 1)
        guard case .session(.unsubscribe) = world.parse("1 UNS").request else { throw Unexpected() }
        for depth in ["0", "1001"] {
            #expect(world.send("1 BOOK BTC-USDT depth=" + depth) == "-1 BAD_VALUE argument=depth value=\(depth) expected=1..1000")
        }
        // Public: any role will do, but there must be one.
        for line in ["1 BOOK BTC-USDT", "1 MKT", "1 SUB book=BTC-USDT"] { #expect(world.parse(line).requires.access == .session) }
    }

    @Test func ordersAreNamedByNumberOrByID() throws {
        let world = ProtocolWorld()
        guard case (_, .cancel(let a))? = world.parse("1 CXL 7 BTC-USD 1099511627777").command, case .order(1_099_511_627_777) = a.order
        else { throw Unexpected() }
        guard case (_, .replace(let b))? = world.parse("1 RPL 7 BTC-USD id=a=b 1 -").command, case .client(let id) = b.order
        else { throw Unexpected() }
        #expect(id == Text("a=b") && b.price == 0)
        guard case .query(let query) = world.parse("1 ORD 7 BTC-USD id=x status=all limit=3 after=4").request else { throw Unexpected() }
        #expect(query.limit == 3 && query.after == 4 && query.status == .all && query.scope == .shard(0))
    }

    @Test func depositExposesANewAccount() {
        let world = ProtocolWorld()
        #expect(world.parse("1 DEP 8 USD 1 ref=a").opensAccount)
        #expect(!world.parse("1 DEP 7 USD 1 ref=a").opensAccount)
        #expect(!world.parse("1 WDR 8 USD 1 ref=a").opensAccount)
    }

    @Test func defaultsOfAnInstrument() throws {
        let world = ProtocolWorld()
        guard
            case .define(.instrument(let info)) = world.parse(
                "1 INS ETH-USD venue=manual wallet=futures base=BTC quote=USD tick=0.05 lot=0.010").request
        else { throw Unexpected() }
        #expect(info.priceScale == 4 && info.quantityScale == 3 && info.funds == .full && info.wallet == 1)
        #expect(info.terms.tick == 500 && info.terms.lot == 10 && info.terms.minQuantity == 10 && info.terms.minNotional == 0)
        #expect(info.terms.maxQuantity == 9_000_000_000_000)
    }

    @Test func subscriptions() throws {
        let world = ProtocolWorld()
        guard case .session(.subscribe(let all)) = world.parse("1 SUB").request else { throw Unexpected() }
        #expect(all.from == nil && all.account == 0 && all.instrument == -1 && all.kinds == .all)
        guard
            case .session(.subscribe(let some)) = world.parse("1 SUB from=81274.2 account=7 symbol=BTC-USD kind=TRADE,MARK").request
        else { throw Unexpected() }
        #expect(some.from == .init(lsn: 81_274, event: 2) && some.account == 7 && some.instrument == 0)
        #expect(some.kinds == [EventKinds(.trade), EventKinds(.mark)])
        guard case .session(.subscribe(let from)) = world.parse("1 SUB from=0").request else { throw Unexpected() }
        #expect(from.from == .init(lsn: 0, event: nil))
    }

    @Test func authenticationPointsAtTheToken() throws {
        guard
            case .session(.authenticate(let auth)) = ProtocolWorld().parse("1 AUTH ab.cd.ef session=grid hb=10 cod=1").request
        else { throw Unexpected() }
        #expect(auth.tokenStart == 7 && auth.tokenEnd == 15 && auth.hasToken && auth.session == Text("grid"))
        #expect(auth.heartbeatSeconds == 10 && auth.cancelOnDisconnect)
        guard case .session(.authenticate(let off)) = ProtocolWorld().parse("1 AUTH -").request else { throw Unexpected() }
        #expect(!off.hasToken)
    }

    @Test func tagAndLengthOfOverlongLines() {
        func bytes<R>(_ text: String, _ body: (UnsafeRawBufferPointer) -> R) -> R {
            var copy = text
            return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
        }
        #expect(bytes("12 NEW") { LineParser.tag(of: $0) } == Text("12"))
        #expect(bytes("\u{1}2 NEW") { LineParser.tag(of: $0) } == nil)
        #expect(bytes("1 AUTH x") { LineParser.maxLength($0) } == 8_192)
        #expect(bytes("1 AUTHX x") { LineParser.maxLength($0) } == 1_024)
        #expect(bytes("1 NEW x") { LineParser.maxLength($0) } == 1_024)
    }

    struct Unexpected: Error {}
}
