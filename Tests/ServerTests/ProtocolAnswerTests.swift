import Core
import Server
import Testing

@Suite struct ProtocolAnswerTests {
    private func script(_ lines: [(String, String)]) { script(ProtocolWorld(), lines) }

    private func script(_ world: ProtocolWorld, _ lines: [(String, String)]) {
        for (line, answer) in lines { #expect(world.send(line) == answer, "\(line)") }
    }

    @Test func ordersAndFills() {
        script([
            ("1 DEP 7 USD 50000.00 ref=wire-5", "+1 OK available=50000.00 lsn=17"),
            ("1 DEP 7 USD 50000 ref=wire-5", "+1 OK available=50000.00 dup=1"),
            ("1 DEP 7 USD 50001 ref=wire-5", "-1 ID_REUSED id=wire-5"),
            ("2 NEW 7 BTC-USD B LMT 0.50000000 64000.00 GTC id=grid-17 strategy=grid", "+2 1 NEW leaves=0.50000000 cum=0.00000000 lsn=18"),
            ("2 NEW 7 BTC-USD B LMT 0.5 64000 GTC id=grid-17 strategy=grid", "+2 1 NEW leaves=0.50000000 cum=0.00000000 dup=1"),
            ("3 NEW 7 BTC-USD B LMT 9 64000.00 GTC id=grid-18", "-3 INSUFFICIENT_FUNDS asset=USD wallet=spot need=576000.00 available=18000.00"),
            ("4 FIL 7 BTC-USD id=grid-17 0.2 63990.00 fee=1.2 liq=M exec=bn-991", "+4 1 PARTIALLY_FILLED trade=1 leaves=0.30000000 cum=0.20000000 avg=63990.00 lsn=19"),
            ("5 BAL 7", "=5 USD spot total=37200.80 available=18000.80 reserved=19200.00 held=0.00 transit=0.00\n=5 BTC spot total=0.20000000 available=0.20000000 reserved=0.00000000 held=0.00000000 transit=0.00000000\n+5 2"),
            ("6 POS 7", "=6 BTC-USD qty=0.20000000 avg=63990.00 cost=12798.00 realized=-1.20 openbuy=0.30000000\n+6 1"),
            ("7 MRK BTC-USD 64000", "+7 OK lsn=20"),
            ("6 POS 7 BTC-USD", "=6 BTC-USD qty=0.20000000 avg=63990.00 cost=12798.00 realized=-1.20 openbuy=0.30000000 unrealized=2.00 mark=64000.00\n+6 1"),
            ("7 ORD 7", "=7 1 symbol=BTC-USD id=grid-17 side=B type=LMT tif=GTC qty=0.50000000 price=64000.00 status=PARTIALLY_FILLED leaves=0.30000000 cum=0.20000000 avg=63990.00 reserved=19200.00 created=1763798400123 updated=1763798400123 strategy=grid\n+7 1"),
            ("8 TRD 7", "=8 1 symbol=BTC-USD order=1 id=grid-17 side=B qty=0.20000000 price=63990.00 fee=1.20 feeasset=USD liq=M exec=bn-991 time=1763798400123\n+8 1"),

        ])
    }

    @Test func lifeOfAnOrder() {
        let world = ProtocolWorld()
        script(world, [
            ("1 DEP 7 USD 100000 ref=a", "+1 OK available=100000.00 lsn=17"),
            ("1 DEP 7 BNB 5 ref=b", "+1 OK available=5.0 lsn=18"),
            ("1 NEW 7 BTC-USD B LMT 0.5 64000 GTC id=x", "+1 1 NEW leaves=0.50000000 cum=0.00000000 lsn=19"),
            ("2 RPL 7 BTC-USD id=x 0.4 63900.00", "+2 1 NEW leaves=0.40000000 cum=0.00000000 lsn=20"),
            ("2 RPL 7 BTC-USD 1 0.4 63900", "+2 1 NEW leaves=0.40000000 cum=0.00000000 dup=1"),
            ("3 FIL 7 BTC-USD 1 0.1 63890.0001 fee=0.05 feeasset=BNB time=1763798400000 exec=e", "+3 1 PARTIALLY_FILLED trade=1 leaves=0.30000000 cum=0.10000000 avg=63890.0001 lsn=21"),
            ("4 RPL 7 BTC-USD 1 0.05 63900", "-4 BELOW_CUM cum=0.10000000"),
            ("4 FIL 7 BTC-USD 1 0.5 63900 exec=f", "-4 OVERFILL max=0.50000000 cum=0.10000000"),
            ("5 CXL 7 BTC-USD id=x reason=enough", "+5 1 CANCELED leaves=0.00000000 cum=0.10000000 avg=63890.0001 lsn=22"),
            ("5 CXL 7 BTC-USD id=x", "+5 1 CANCELED leaves=0.00000000 cum=0.10000000 avg=63890.0001 dup=1"),
            ("5 RPL 7 BTC-USD id=x 1 1", "-5 ORDER_CLOSED status=CANCELED"),
            ("5 CXL 7 BTC-USD id=y", "-5 UNKNOWN_ORDER id=y"),
            ("5 CXL 7 BTC-USD 99", "-5 UNKNOWN_ORDER order=99"),
            ("5 ORD 7 BTC-USD 99", "-5 UNKNOWN_ORDER order=99"),
            ("5 TRD 7 BTC-USD id=y", "-5 UNKNOWN_ORDER id=y"),
            ("6 TRD 7 BTC-USD id=x", "=6 1 symbol=BTC-USD order=1 id=x side=B qty=0.10000000 price=63890.0001 fee=0.05 feeasset=BNB exec=e time=1763798400123 venuetime=1763798400000\n+6 1"),
            ("6 POS 7", "=6 BTC-USD qty=0.10000000 avg=63890.0001 cost=6389.00001 realized=0.00 fees=BNB:0.05\n+6 1"),
            ("7 NEW 7 BTC-USD S LMT 0.1 70000 GTD id=z expire=1763798400124 note=a%20b", "+7 2 NEW leaves=0.10000000 cum=0.00000000 lsn=23"),
            ("7 ORD 7 BTC-USD 2", "=7 2 symbol=BTC-USD id=z side=S type=LMT tif=GTD qty=0.10000000 price=70000.00 status=NEW leaves=0.10000000 cum=0.00000000 reserved=0.10000000 created=1763798400123 updated=1763798400123 expire=1763798400124 note=a%20b\n+7 1"),
            ("7 NEW 7 BTC-USD S LMT 0.1 70000 GTD id=zz expire=1763798400123", "-7 ALREADY_EXPIRED expire=1763798400123 now=1763798400123"),
            ("8 CXA 7 BTC-USD", "+8 OK canceled=1 lsn=24"),
            ("8 CXA 7", "+8 OK canceled=0"),
            ("9 CLS 7 BTC-USD id=c", "+9 3 NEW leaves=0.10000000 cum=0.00000000 lsn=25"),
            ("9 CLS 7 BTC-USD 5 1 id=d", "-9 NO_POSITION qty=0.10000000"),
            ("9 ORD 7 status=closed limit=1", "=9 1 symbol=BTC-USD id=x side=B type=LMT tif=GTC qty=0.40000000 price=63900.00 status=CANCELED leaves=0.00000000 cum=0.10000000 avg=63890.0001 reserved=0.00 created=1763798400123 updated=1763798400123 reason=enough\n+9 1"),
        ])
    }

    @Test func theWholeHouse() {
        let world = ProtocolWorld()
        script(world, [
            ("1 DEP 8 USD 100 ref=d", "+1 OK available=100.00 lsn=19"),
            ("1 DEP 7 USD 100 ref=d", "+1 OK available=100.00 lsn=20"),
            ("2 NEW 7 BTC-USD B LMT 1 1 GTC id=a", "+2 1 NEW leaves=1.00000000 cum=0.00000000 lsn=21"),
            ("2 NEW 8 BTC-USD B LMT 1 1 GTC id=b", "+2 2 NEW leaves=1.00000000 cum=0.00000000 lsn=22"),
            ("3 ACC * suspend", "+3 OK suspended=2 canceled=2 lsn=28"),
            ("3 ACC * suspend", "+3 OK suspended=0 canceled=0 dup=1"),
            ("4 ACC", "=4 7 status=suspended\n=4 8 status=suspended\n+4 2"),
            ("4 ACC after=7 limit=1", "=4 8 status=suspended\n+4 1"),
            ("4 ACC after=8", "+4 0"),
            ("4 ACC after=9", "-4 UNKNOWN_ACCOUNT account=9"),
            ("4 ACC 8 after=7", "-4 UNKNOWN_KEY key=after"),
            ("4 ACC 8 resume after=7", "-4 UNKNOWN_KEY key=after"),
            ("5 ACC 9 open", "+5 OK status=open lsn=30"),
            ("6 ACC * open", "-6 BAD_VALUE argument=action value=open expected=suspend|resume"),
            ("6 ACC *", "-6 BAD_NUMBER argument=account value=*"),
            ("6 ACC * resume limit=5", "-6 UNKNOWN_KEY key=limit"),
            ("7 ACC * resume", "+7 OK resumed=2 lsn=34"),
            ("7 ACC * resume", "+7 OK resumed=0 dup=1"),
        ])
        world.grant = Grant(roles: .viewer, accounts: [9, 7])
        script(world, [
            ("1 ACC", "=1 7 status=open\n=1 9 status=open\n+1 2"), ("1 ACC 9", "=1 9 status=open\n+1 1"),
            ("1 ACC after=7 limit=1", "=1 9 status=open\n+1 1"), ("1 ACC after=8", "-1 FORBIDDEN need=viewer account=8"),
            ("1 ACC 8", "-1 FORBIDDEN need=viewer account=8"), ("1 ACC * suspend", "-1 FORBIDDEN need=admin"), ("1 SES", "-1 FORBIDDEN need=admin"),
        ])
        world.grant = Grant(roles: .connector, accounts: [7])
        script(world, [("1 ACC", "-1 FORBIDDEN need=viewer")])
    }

    @Test func positionsTakenOver() {
        script([
            ("1 PTO 7 BTC-USD -0.5 64000.0001 ref=mig-1 note=old", "+1 OK qty=-0.50000000 avg=64000.0001 cost=32000.00005 realized=0.00 lsn=17"),
            ("1 PTO 7 BTC-USD -0.50 64000.0001 ref=mig-1 note=old", "+1 OK qty=-0.50000000 avg=64000.0001 cost=32000.00005 realized=0.00 dup=1"),
            ("1 PTO 7 BTC-USD -0.5 64000 ref=mig-1 note=old", "-1 ID_REUSED id=mig-1"),
            ("2 PTO 7 BTC-USD 1 1 ref=mig-2", "-2 POSITION_EXISTS qty=-0.50000000"),
            ("3 POS 7", "=3 BTC-USD qty=-0.50000000 avg=64000.0001 cost=32000.00005 realized=0.00\n+3 1"),
            ("3 BAL 7", "+3 0"),
            ("4 PTO 8 BTC-USD 1 1 ref=a", "-4 UNKNOWN_ACCOUNT account=8"),
            ("4 PTO 7 BTC-USD 0 1 ref=a", "-4 BAD_VALUE argument=qty value=0 expected=not_zero"),
            ("4 PTO 7 BTC-USD -0 1 ref=a", "-4 BAD_VALUE argument=qty value=-0 expected=not_zero"),
            ("4 PTO 7 BTC-USD --1 1 ref=a", "-4 BAD_NUMBER argument=qty value=--1"),
            ("4 PTO 7 BTC-USD - 1 ref=a", "-4 BAD_NUMBER argument=qty value=-"),
            ("4 PTO 7 BTC-USD +1 1 ref=a", "-4 BAD_NUMBER argument=qty value=+1"),
            ("4 PTO 7 BTC-USD -0.000000001 1 ref=a", "-4 TOO_MANY_DECIMALS argument=qty max=8"),
            ("4 PTO 7 BTC-USD 1 0 ref=a", "-4 BAD_VALUE argument=price value=0 expected=above_zero"),
            ("4 PTO 7 BTC-USD 1 -1 ref=a", "-4 BAD_NUMBER argument=price value=-1"),
            ("4 PTO 7 BTC-USD 1 1", "-4 MISSING_KEY key=ref"),
            ("5 ACC 8 open", "+5 OK status=open lsn=19"),
            ("5 PTO 8 BTC-USD 92233720368.54775807 922337203685477.5807 ref=a", "-5 OVERFLOW what=cost"),
        ])
    }

    @Test func checksOfAnOrder() {
        script([
            ("1 NEW 7 BTC-USD B LMT 1 1.001 GTC id=a", "-1 OFF_TICK tick=0.01"),
            ("1 INS BTC-USD lot=0.001 min_qty=0.01 max_qty=5 min_notional=10", "+1 OK lsn=18"),
            ("1 INS BTC-USD lot=0.001 min_qty=0.01", "+1 OK dup=1"),
            ("1 NEW 7 BTC-USD B LMT 1.0001 1 GTC id=a", "-1 OFF_LOT lot=0.001"),
            ("1 NEW 7 BTC-USD B LMT 6 1 GTC id=a", "-1 QTY_OUT_OF_BOUNDS min=0.010 max=5.000"),
            ("1 NEW 7 BTC-USD B LMT 1 1 GTC id=a", "-1 NOTIONAL_TOO_SMALL min=10.00 notional=1.00"),
            ("1 NEW 7 BTC-USD B MKT 1 - GTC id=a", "-1 NO_MARK symbol=BTC-USD"),
            ("1 INS BTC-USD state=halted", "+1 OK lsn=20"),
            ("1 NEW 7 BTC-USD B LMT 1 100 GTC id=a", "-1 INSTRUMENT_HALTED symbol=BTC-USD"),
            ("1 NEW 8 BTC-USD B LMT 1 100 GTC id=a", "-1 UNKNOWN_ACCOUNT account=8"),
            ("1 INS BTC-USD state=trading", "+1 OK lsn=22"),
            ("1 ACC 7 suspend", "+1 OK status=suspended canceled=0 lsn=24"),
            ("1 ACC 7 suspend", "+1 OK status=suspended dup=1"),
            ("1 ACC 7 open", "-1 ALREADY_EXISTS name=7"),
            ("1 NEW 7 BTC-USD B LMT 1 100 GTC id=a", "-1 ACCOUNT_SUSPENDED account=7"),
            ("1 ACC 7 resume", "+1 OK status=open lsn=26"),
            ("1 ACC 7 open", "+1 OK status=open dup=1"),
            ("1 AST USD decimals=3", "-1 ALREADY_EXISTS name=USD"),
        ])
    }

    @Test func limits() {
        script([
            ("1 LIM 7", "+1 0"),
            ("1 LIM 7 max_open=100", "+1 OK lsn=17"),
            ("1 LIM 7 max_open=100", "+1 OK dup=1"),
            ("1 LIM 7 BTC-USD max_qty=2 max_notional=1000.5 max_position=1.5", "+1 OK lsn=18"),
            ("1 LIM 7", "=1 7 wallet=spot max_qty=- max_notional=- max_position=- max_open=100 enabled=1\n=1 7 symbol=BTC-USD max_qty=2.00000000 max_notional=1000.50 max_position=1.50000000 max_open=- enabled=1\n+1 2"),
            ("1 NEW 7 BTC-USD B LMT 3 1 GTC id=a", "-1 LIMIT_QTY limit=2.00000000 value=3.00000000 account=7 symbol=BTC-USD"),
            ("1 NEW 7 BTC-USD B LMT 1 1001 GTC id=a", "-1 LIMIT_NOTIONAL limit=1000.50 value=1001.00 account=7 symbol=BTC-USD"),
            ("1 NEW 7 BTC-USD B LMT 2 1 GTC id=a", "-1 LIMIT_POSITION limit=1.50000000 value=2.00000000 account=7 symbol=BTC-USD"),
            ("1 LIM 7 max_open=0 max_qty=-", "+1 OK lsn=19"),
            ("1 NEW 7 BTC-USD B LMT 1 1 GTC id=a", "-1 LIMIT_OPEN_ORDERS limit=0 value=1 account=7 wallet=spot"),
            ("1 LIM 7 enabled=0", "+1 OK lsn=20"),
            ("1 NEW 7 BTC-USD B LMT 1 1 GTC id=a", "-1 LIMIT_DISABLED account=7 wallet=spot"),
            ("1 LIM 7 wallet=futures", "+1 0"),
        ])
    }

    @Test func limitsThatCameLater() {
        script([
            ("1 DEP 7 USD 1000 ref=dep", "+1 OK available=1000.00 lsn=17"),
            ("1 LIM 7 price_band_bps=100 max_order_rate=2 max_cancel_rate=1", "+1 OK lsn=18"),
            ("1 NEW 7 BTC-USD B LMT 1 100 GTC id=a", "-1 NO_MARK symbol=BTC-USD"),
            ("1 MRK BTC-USD 100", "+1 OK lsn=19"),
            ("1 NEW 7 BTC-USD B LMT 1 101.01 GTC id=a", "-1 LIMIT_PRICE_BAND limit=100 value=101 reference=100.00 account=7 wallet=spot"),
            ("1 NEW 7 BTC-USD B LMT 1 101 GTC id=a", "+1 1 NEW leaves=1.00000000 cum=0.00000000 lsn=20"),
            ("1 NEW 7 BTC-USD B LMT 1 100 GTC id=b", "+1 2 NEW leaves=1.00000000 cum=0.00000000 lsn=21"),
            ("1 NEW 7 BTC-USD B LMT 1 100 GTC id=c", "-1 LIMIT_ORDER_RATE limit=2 retry=500 account=7 wallet=spot"),
            ("1 CXL 7 BTC-USD id=a", "+1 1 CANCELED leaves=0.00000000 cum=0.00000000 lsn=22"),
            ("1 CXL 7 BTC-USD id=b", "-1 LIMIT_CANCEL_RATE limit=1 retry=1000 account=7 wallet=spot"),
            ("1 CXA 7", "+1 OK canceled=1 lsn=23"),
            ("1 LIM 7 max_order_rate=- max_cancel_rate=- short=0", "+1 OK lsn=24"),
            ("1 NEW 7 BTC-USD S LMT 1 100 GTC id=d", "-1 LIMIT_SHORT value=-1.00000000 account=7 wallet=spot symbol=BTC-USD"),
            ("1 LIM 7 short=1 listed=1 maker_bps=-0.5 stp=both", "+1 OK lsn=25"),
            ("1 NEW 7 BTC-USD B LMT 1 100 GTC id=d", "-1 LIMIT_NOT_LISTED account=7 wallet=spot symbol=BTC-USD"),
            ("1 LIM 7", "=1 7 wallet=spot max_qty=- max_notional=- max_position=- max_open=- enabled=1 price_band_bps=100 listed=1 maker_bps=-0.5 stp=both\n+1 1"),
            ("1 LIM 7 listed=0 maker_bps=- stp=- price_band_bps=-", "+1 OK lsn=26"),
            ("1 LIM 7", "=1 7 wallet=spot max_qty=- max_notional=- max_position=- max_open=- enabled=1\n+1 1"),
        ])
    }

    @Test func deadManTimers() {
        script([
            ("1 DMS", "+1 0"),
            ("1 DMS 7 -", "+1 OK deadline=- dup=1"),
            ("1 DMS 9 5", "-1 UNKNOWN_ACCOUNT account=9"),
            ("1 DMS 7 0", "+1 OK deadline=- dup=1"),
        ])
    }

    @Test func limitsOfAll() {
        script([
            ("1 DEP 7 USD 1000 ref=dep", "+1 OK available=1000.00 lsn=17"),
            ("1 LIM *", "+1 0"),
            ("1 LIM * max_qty=2 max_daily_loss=10", "+1 OK lsn=18"),
            ("1 LIM *", "=1 * wallet=spot max_qty=2 max_notional=- max_position=- max_open=- enabled=1 max_daily_loss=10\n+1 1"),
            ("1 LIM 7", "=1 7 wallet=spot max_qty=2 max_notional=- max_position=- max_open=- enabled=1 max_daily_loss=10 default=1\n+1 1"),
            ("1 NEW 7 BTC-USD B LMT 3 1 GTC id=a", "-1 LIMIT_QTY limit=2 value=3 account=7 wallet=spot"),
            ("1 NEW 7 BTC-USD B LMT 1 20 GTC id=a", "+1 1 NEW leaves=1.00000000 cum=0.00000000 lsn=19"),
            ("1 FIL 7 BTC-USD id=a 1 20 exec=1", "+1 1 FILLED trade=1 leaves=0.00000000 cum=1.00000000 avg=20.00 lsn=20"),
            ("1 MRK BTC-USD 5", "+1 OK lsn=21"),
            ("1 NEW 7 BTC-USD B LMT 1 1 GTC id=b", "-1 LIMIT_DAILY_LOSS asset=USD limit=10.00 value=15.00 account=7 wallet=spot"),
            ("1 LIM 7", "=1 7 wallet=spot max_qty=2 max_notional=- max_position=- max_open=- enabled=1 max_daily_loss=10 default=1 latched=USD\n+1 1"),
            ("1 NEW 7 BTC-USD S LMT 1 5 GTC id=c", "+1 2 NEW leaves=1.00000000 cum=0.00000000 lsn=23"),
            ("1 LIM 7 reset=loss", "+1 OK lsn=24"),
            ("1 NEW 7 BTC-USD B LMT 1 1 GTC id=b", "+1 3 NEW leaves=1.00000000 cum=0.00000000 lsn=25"),
        ])
    }

    @Test func money() {
        script([
            ("1 DEP 8 USD 10 ref=a", "+1 OK available=10.00 lsn=19"),
            ("1 ADJ 8 USD -0.000000000000000001 ref=b reason=dust", "+1 OK available=9.999999999999999999 lsn=20"),
            ("1 HLD 8 USD 4 ref=c", "+1 OK available=5.999999999999999999 lsn=21"),
            ("1 RLS 8 USD 5 ref=d", "-1 INSUFFICIENT_HELD asset=USD wallet=spot need=5.00 held=4.00"),
            ("1 RLS 8 USD 4 ref=d", "+1 OK available=9.999999999999999999 lsn=22"),
            ("1 WDR 8 USD 100 ref=e", "-1 INSUFFICIENT_FUNDS asset=USD wallet=spot need=100.00 available=9.999999999999999999"),
            ("1 XFR 8 7 USD 1 ref=f", "+1 OK available=8.999999999999999999 lsn=23"),
            ("1 XFR 8 8 USD 2 ref=g to=futures", "+1 OK available=6.999999999999999999 lsn=26"),
            ("1 XFR 8 8 USD 2 ref=g from=spot to=futures", "+1 OK available=6.999999999999999999 dup=1"),
            ("1 BAL 8 USD wallet=futures", "=1 USD futures total=2.00 available=2.00 reserved=0.00 held=0.00 transit=0.00\n+1 1"),
            ("1 BAL 8", "=1 USD spot total=6.999999999999999999 available=6.999999999999999999 reserved=0.00 held=0.00 transit=0.00\n=1 USD futures total=2.00 available=2.00 reserved=0.00 held=0.00 transit=0.00\n+1 2"),
            ("1 BAL 8 limit=1", "=1 USD spot total=6.999999999999999999 available=6.999999999999999999 reserved=0.00 held=0.00 transit=0.00\n+1 1"),
        ])
    }

    @Test func lists() {
        script([
            ("1 AST", "=1 USD decimals=2\n=1 BTC decimals=8\n=1 BNB decimals=1\n+1 3"),
            ("1 AST limit=1", "=1 USD decimals=2\n+1 1"),
            ("1 WLT", "=1 spot\n=1 futures\n+1 2"),
            ("1 VEN", "=1 manual kind=manual\n+1 1"),
            ("1 ACC", "=1 7 status=open\n+1 1"),
            ("1 ACC 7", "=1 7 status=open\n+1 1"),
            ("1 ACC 8", "-1 UNKNOWN_ACCOUNT account=8"),
            ("1 SET", "=1 window_hours value=24\n=1 window_ids value=10000000\n=1 market_margin_bps value=500\n=1 day_start_minutes value=0\n+1 4"),
            ("1 SET window_hours 48", "+1 OK lsn=18"),
            ("1 SET window_hours 48", "+1 OK dup=1"),
            ("1 INS", "=1 BTC-USD venue=manual wallet=spot base=BTC quote=USD tick=0.01 lot=0.00000001 price_scale=4 qty_scale=8 min_qty=0.00000001 max_qty=90000.00000000 min_notional=0.00 funds=full state=trading\n+1 1"),
            ("1 MRK BTC-USD 64000", "+1 OK lsn=19"),
            ("1 INS BTC-USD", "=1 BTC-USD venue=manual wallet=spot base=BTC quote=USD tick=0.01 lot=0.00000001 price_scale=4 qty_scale=8 min_qty=0.00000001 max_qty=90000.00000000 min_notional=0.00 funds=full state=trading mark=64000.00\n+1 1"),
            ("1 HELP CXL", "=1 CXL account symbol order [reason=] [before=] (trader)\n+1 1"),
        ])
    }

    @Test func rolesAreATable() {
        let world = ProtocolWorld()
        let manual = Text("manual")
        let grants: [(String, Grant)] = [
            ("viewer", Grant(roles: .viewer, accounts: [7])),
            ("trader", Grant(roles: .trader, accounts: [9, 7])),
            ("trader of 9", Grant(roles: .trader, accounts: [9])),
            ("connector", Grant(roles: .connector, accounts: [], venues: [manual])),
            ("connector elsewhere", Grant(roles: .connector, accounts: [], venues: [Text("other")])),
            ("admin", Grant(roles: .admin, accounts: [])),
        ]
        // + allowed, w allowed within the limit price, - refused; in the order of the grants.
        let table: [(String, String)] = [
            ("1 PING", "++++++"), ("1 SYNC", "++++++"), ("1 STAT", "++++++"), ("1 STAT hash=1", "-----+"), ("1 SUB", "++++++"),
            ("1 SUB account=7", "++---+"), ("1 BAL 7", "++---+"), ("1 POS 7", "++---+"), ("1 ORD 7", "++---+"), ("1 TRD 7", "++---+"),
            ("1 LIM 7", "++---+"), ("1 LIM *", "++++++"), ("1 DMS 7", "++---+"), ("1 DMS", "-----+"), ("1 DMS 7 5", "-+---+"), ("1 LIM * max_open=1", "-----+"), ("1 ACC 7", "++---+"), ("1 ACC", "+++--+"), ("1 ACC after=7", "++---+"), ("1 INS", "++++++"), ("1 AST", "++++++"),
            ("1 WLT", "++++++"), ("1 VEN", "++++++"), ("1 SET", "++++++"),
            ("1 NEW 7 BTC-USD B LMT 1 1 GTC id=a", "-+---+"), ("1 RPL 7 BTC-USD 1 1 1", "-+---+"), ("1 CXL 7 BTC-USD 1", "-+---+"),
            ("1 CXA 7", "-+---+"), ("1 CLS 7 BTC-USD id=a", "-+---+"), ("1 XFR 7 9 USD 1 ref=a", "-+---+"),
            ("1 XFR 9 8 USD 1 ref=a", "-----+"), ("1 FIL 7 BTC-USD 1 1 1 exec=a", "-w-+-+"), ("1 MRK BTC-USD 1", "---+-+"),
            ("1 DEP 7 USD 1 ref=a", "-----+"), ("1 WDR 7 USD 1 ref=a", "-----+"), ("1 ADJ 7 USD 1 ref=a reason=b", "-----+"),
            ("1 HLD 7 USD 1 ref=a", "-----+"), ("1 RLS 7 USD 1 ref=a", "-----+"), ("1 LIM 7 max_open=1", "-----+"),
            ("1 AST EUR decimals=2", "-----+"), ("1 WLT margin", "-----+"), ("1 VEN x kind=manual", "-----+"),
            ("1 INS BTC-USD tick=1", "-----+"), ("1 ACC 7 suspend", "-----+"), ("1 ACC * suspend", "-----+"), ("1 SES", "-----+"), ("1 PTO 7 BTC-USD 1 1 ref=a", "-----+"), ("1 SET window_hours 1", "-----+"),
        ]
        for (line, expected) in table {
            let parsed = world.parse(line)
            if case .refused = parsed.request { Issue.record("\(line) is refused") }
            var got = ""
            for (_, grant) in grants {
                switch world.withRegistry({ Permissions.check(parsed.requires, grant, $0) }) {
                case .allowed: got += "+"
                case .allowedWithinLimit: got += "w"
                case .refused: got += "-"
                }
            }
            #expect(got == expected, "\(line)")
        }
        world.grant = grants[0].1
        #expect(world.send("1 NEW 7 BTC-USD B LMT 1 1 GTC id=a") == "-1 FORBIDDEN need=trader account=7")
        #expect(world.send("1 MRK BTC-USD 1") == "-1 FORBIDDEN need=connector venue=manual")
        #expect(world.send("1 AST EUR decimals=2") == "-1 FORBIDDEN need=admin")
        #expect(world.send("1 XFR 7 8 USD 1 ref=a") == "-1 FORBIDDEN need=trader account=7")
    }

    @Test func tradersFillIsWithinTheLimit() {
        let world = ProtocolWorld()
        script(world, [("1 DEP 7 USD 100 ref=a", "+1 OK available=100.00 lsn=17"), ("1 NEW 7 BTC-USD B LMT 1 10 GTC id=o", "+1 1 NEW leaves=1.00000000 cum=0.00000000 lsn=18")])
        world.grant = Grant(roles: .trader, accounts: [7])
        #expect(world.send("1 FIL 7 BTC-USD id=o 1 11 exec=e") == "-1 BEYOND_LIMIT price=10.00")
        #expect(world.send("1 FIL 7 BTC-USD id=o 1 9 exec=e") == "+1 1 FILLED trade=1 leaves=0.00000000 cum=1.00000000 avg=9.00 lsn=19")
    }

    @Test func beforeAuthAndInGrace() {
        let world = ProtocolWorld()
        #expect(Verb.allCases.filter(Permissions.isTakenBeforeAuth).map(\.name) == ["AUTH", "PING", "TIME", "HELP", "QUIT"])
        for line in ["1 CXL 7 BTC-USD 1", "1 CXA 7", "1 BAL 7", "1 INS", "1 AUTH -"] { #expect(world.parse(line).isTakenInGrace) }
        for line in ["1 NEW 7 BTC-USD B LMT 1 1 GTC id=a", "1 INS BTC-USD tick=1", "1 SUB", "1 LIM 7 max_open=1"] {
            #expect(!world.parse(line).isTakenInGrace)
        }
    }
}
