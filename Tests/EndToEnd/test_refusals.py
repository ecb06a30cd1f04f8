"""Every refusal code of the document's section 10, provoked from outside; and a check that none is forgotten."""

import re

import pytest

from lines import Lines, play
from service import REPOSITORY

# (code, what it takes before, the command, the facts it must carry). `$a` is a funded account of its own with
# 1000.00 USD, 10 EX in spot and an open buy order `open` of 2 EX-USD at 10.00.
CASES = [
    ("UNKNOWN_VERB", "", "FROBNICATE 1", {"verb": "FROBNICATE"}),
    ("UNKNOWN_VERB", "", "new 1", {"verb": "new"}),
    ("MISSING_ARGUMENT", "", "NEW", {"argument": "account"}),
    ("MISSING_ARGUMENT", "", "NEW $a EX-USD B LMT 1 10.00 id=x", {"argument": "tif"}),
    ("MISSING_ARGUMENT", "", "CXL $a EX-USD", {"argument": "order"}),
    ("EXTRA_ARGUMENT", "", "PING now", {"value": "now"}),
    ("EXTRA_ARGUMENT", "", "CXL $a EX-USD id=open 5", {"value": "5"}),
    ("MISSING_KEY", "", "NEW $a EX-USD B LMT 1 10.00 GTC", {"key": "id"}),
    ("MISSING_KEY", "", "DEP $a USD 1", {"key": "ref"}),
    ("MISSING_KEY", "", "FIL $a EX-USD id=open 1 10.00", {"key": "exec"}),
    ("MISSING_KEY", "", "ADJ $a USD 1 ref=x", {"key": "reason"}),
    ("MISSING_KEY", "", "CLS $a EX-USD", {"key": "id"}),
    ("MISSING_KEY", "", "NEW $a EX-USD B LMT 1 10.00 GTD id=x", {"key": "expire"}),
    ("UNKNOWN_KEY", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=x color=red", {"key": "color"}),
    ("UNKNOWN_KEY", "", "PING x=1", {"key": "x"}),
    ("REPEATED_KEY", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=x id=x", {"key": "id"}),
    ("BAD_VALUE", "", "NEW $a EX-USD X LMT 1 10.00 GTC id=x", {"argument": "side", "value": "X"}),
    ("BAD_VALUE", "", "NEW $a EX-USD B LMT 1 10.00 DAY id=x", {"argument": "tif", "value": "DAY"}),
    ("BAD_VALUE", "", "NEW $a EX-USD B FOO 1 10.00 GTC id=x", {"argument": "type"}),
    ("BAD_VALUE", "", "NEW 0 EX-USD B LMT 1 10.00 GTC id=x", {"argument": "account"}),
    ("NUMBER_TOO_LARGE", "", "NEW 9007199254740992 EX-USD B LMT 1 10.00 GTC id=x", {"argument": "account"}),
    ("BAD_VALUE", "", "NEW $a EX-USD B LMT 0 10.00 GTC id=x", {"argument": "qty"}),
    ("BAD_VALUE", "", "NEW $a EX-USD B LMT 1 0 GTC id=x", {"argument": "price"}),
    ("BAD_VALUE", "", "DEP $a USD 0 ref=x", {"argument": "amount"}),
    ("BAD_VALUE", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=", {}),
    ("BAD_VALUE", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=" + 37 * "x", {}),
    ("BAD_VALUE", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=a%2", {}),
    ("BAD_VALUE", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=a%zz", {}),
    ("BAD_VALUE", "", "FIL $a EX-USD id=open 1 10.00 exec=x liq=Q", {"argument": "liq", "value": "Q"}),
    ("BAD_VALUE", "", "ORD $a limit=1001", {}),
    ("BAD_VALUE", "", "ORD $a limit=0", {}),
    ("BAD_VALUE", "", "SUB from=99999999999", {"argument": "from"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT -1 10.00 GTC id=x", {"argument": "qty", "value": "-1"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT +1 10.00 GTC id=x", {"argument": "qty"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT NaN 10.00 GTC id=x", {"argument": "qty", "value": "NaN"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT 1e3 10.00 GTC id=x", {"argument": "qty"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT 1 inf GTC id=x", {"argument": "price"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT 1. 10.00 GTC id=x", {"argument": "qty"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT .5 10.00 GTC id=x", {"argument": "qty"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT 01 10.00 GTC id=x", {"argument": "qty"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT 1,5 10.00 GTC id=x", {"argument": "qty"}),
    ("BAD_NUMBER", "", "NEW $a EX-USD B LMT 0x1 10.00 GTC id=x", {"argument": "qty"}),
    ("BAD_NUMBER", "", "DEP $a USD -5 ref=x", {"argument": "amount", "value": "-5"}),
    ("BAD_NUMBER", "", "WDR $a USD --5 ref=x", {"argument": "amount"}),
    ("TOO_MANY_DECIMALS", "", "NEW $a EX-USD B LMT 1.0 10.00 GTC id=x", {"argument": "qty", "max": "0"}),
    ("TOO_MANY_DECIMALS", "", "NEW $a EX-USD B LMT 1 10.00001 GTC id=x", {"argument": "price", "max": "4"}),
    ("TOO_MANY_DECIMALS", "", "DEP $a USD 0.0000000000000000001 ref=x", {"argument": "amount", "max": "18"}),
    ("NUMBER_TOO_LARGE", "", "NEW $a EX-USD B LMT 99999999999999999999 10.00 GTC id=x", {"argument": "qty"}),
    ("NUMBER_TOO_LARGE", "", "NEW $a EX-USD B LMT 1 9999999999999999.99 GTC id=x", {"argument": "price"}),
    ("NUMBER_TOO_LARGE", "", "DEP $a USD 1" + 39 * "0" + " ref=x", {"argument": "amount"}),
    ("NUMBER_TOO_LARGE", "", "DEP $a USD " + 200 * "9" + " ref=x", {"argument": "amount"}),
    ("NOT_SUPPORTED", "", "NEW $a EX-USD B STP 1 10.00 GTC id=x", {}),
    ("NOT_SUPPORTED", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=x post=1", {}),
    ("NOT_SUPPORTED", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=x display=1", {}),
    ("NOT_SUPPORTED", "", "BOOK EX-USD", {"what": "BOOK"}),
    ("NOT_SUPPORTED", "", "SUB trades=EX-USD", {"what": "trades"}),
    ("NOT_SUPPORTED", "", "INS EX-USD taker_bps=1", {"what": "fee"}),
    ("NOT_SUPPORTED", "", "VEN outside kind=connector", {}),
    ("NOT_SUPPORTED", "", "ACK 1", {}),
    ("UNKNOWN_ACCOUNT", "", "NEW 888888 EX-USD B LMT 1 10.00 GTC id=x", {"account": "888888"}),
    ("UNKNOWN_ACCOUNT", "", "BAL 888888", {"account": "888888"}),
    ("UNKNOWN_ACCOUNT", "", "XFR $a 888888 USD 1 ref=x", {"account": "888888"}),
    ("UNKNOWN_ASSET", "", "DEP $a NOPE 1 ref=x", {"asset": "NOPE"}),
    ("UNKNOWN_WALLET", "", "DEP $a USD 1 ref=x wallet=nowhere", {"wallet": "nowhere"}),
    ("UNKNOWN_WALLET", "", "XFR $a $a USD 1 ref=x to=nowhere", {"wallet": "nowhere"}),
    ("UNKNOWN_VENUE", "", "INS NEW-ONE venue=nowhere wallet=spot base=EX quote=USD tick=1 lot=1", {"venue": "nowhere"}),
    ("UNKNOWN_INSTRUMENT", "", "NEW $a NO-PE B LMT 1 10.00 GTC id=x", {"symbol": "NO-PE"}),
    ("UNKNOWN_ORDER", "", "CXL $a EX-USD id=nope", {}),
    ("UNKNOWN_ORDER", "", "CXL $a EX-USD 4", {}),
    ("UNKNOWN_ORDER", "", "RPL $a HALT-USD id=open 1 10.00", {}),
    ("UNKNOWN_ORDER", "", "FIL $a EX-USD id=nope 1 10.00 exec=x", {}),
    ("UNKNOWN_ORDER", "", "ORD $a EX-USD id=nope", {"id": "nope"}),
    ("UNKNOWN_ORDER", "", "ORD $a - 999999999", {"order": "999999999"}),
    ("UNKNOWN_ORDER", "", "TRD $a EX-USD id=nope", {"id": "nope"}),
    ("UNKNOWN_SETTING", "", "SET color 5", {}),
    ("ACCOUNT_SUSPENDED", "ACC $a suspend", "NEW $a EX-USD B LMT 1 10.00 GTC id=x", {"account": "$a"}),
    ("OFF_TICK", "", "NEW $a EX-USD B LMT 1 10.005 GTC id=x", {"tick": "0.01"}),
    ("OFF_TICK", "", "RPL $a EX-USD id=open 2 10.005", {"tick": "0.01"}),
    ("OFF_LOT", "", "NEW $a LOT-USD B LMT 7 10.00 GTC id=x", {"lot": "5"}),
    ("QTY_OUT_OF_BOUNDS", "", "NEW $a LOT-USD B LMT 5 10.00 GTC id=x", {"min": "10", "max": "100"}),
    ("QTY_OUT_OF_BOUNDS", "", "NEW $a LOT-USD B LMT 105 10.00 GTC id=x", {"min": "10", "max": "100"}),
    ("NOTIONAL_TOO_SMALL", "", "NEW $a LOT-USD B LMT 10 1.00 GTC id=x", {"min": "50.00", "notional": "10.00"}),
    ("NO_MARK", "", "NEW $a NOMARK-USD B MKT 1 - IOC id=x", {"symbol": "NOMARK-USD"}),
    ("ALREADY_EXPIRED", "", "NEW $a EX-USD B LMT 1 10.00 GTD id=x expire=1000", {"expire": "1000"}),
    ("TOO_LATE", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=x before=1000", {"before": "1000"}),
    ("TOO_LATE", "", "BAL $a before=1000", {"before": "1000"}),
    ("ORDER_CLOSED", "FIL $a EX-USD id=open 2 10.00 exec=e", "CXL $a EX-USD id=open", {"status": "FILLED"}),
    ("ORDER_CLOSED", "CXL $a EX-USD id=open", "RPL $a EX-USD id=open 1 10.00", {"status": "CANCELED"}),
    ("BELOW_CUM", "FIL $a EX-USD id=open 1 10.00 exec=e;RPL $a EX-USD id=open 3 10.00;"
     "FIL $a EX-USD id=open 1 10.00 exec=f", "RPL $a EX-USD id=open 1 10.00", {"cum": "2"}),
    ("OVERFILL", "", "FIL $a EX-USD id=open 3 10.00 exec=e", {"max": "2", "cum": "0"}),
    ("POSITION_EXISTS", "PTO $a PERP-USD -3 10.00 ref=p", "PTO $a PERP-USD 1 10.00 ref=q", {"qty": "-3"}),
    ("NO_POSITION", "", "CLS $a EX-USD id=x", {"qty": "0"}),
    ("INSUFFICIENT_FUNDS", "", "NEW $a EX-USD B LMT 99 10.00 GTC id=x",
     {"asset": "USD", "wallet": "spot", "need": "990.00", "available": "980.00"}),
    ("INSUFFICIENT_FUNDS", "", "NEW $a EX-USD S LMT 11 10.00 GTC id=x", {"asset": "EX", "need": "11", "available": "10"}),
    ("INSUFFICIENT_FUNDS", "", "WDR $a USD 980.01 ref=x", {"need": "980.01", "available": "980.00"}),
    ("INSUFFICIENT_FUNDS", "", "HLD $a USD 980.01 ref=x", {"need": "980.01", "available": "980.00"}),
    ("INSUFFICIENT_FUNDS", "", "XFR $a $a USD 980.01 to=futures ref=x", {"need": "980.01"}),
    ("INSUFFICIENT_HELD", "HLD $a USD 5 ref=h", "RLS $a USD 5.01 ref=x",
     {"asset": "USD", "wallet": "spot", "need": "5.01", "held": "5.00"}),
    ("LIMIT_DISABLED", "LIM $a EX-USD enabled=0", "NEW $a EX-USD B LMT 1 10.00 GTC id=x", {"account": "$a"}),
    ("LIMIT_QTY", "LIM $a EX-USD max_qty=3", "NEW $a EX-USD B LMT 4 10.00 GTC id=x", {"limit": "3", "value": "4"}),
    ("LIMIT_NOTIONAL", "LIM $a wallet=spot max_notional=30.00", "NEW $a EX-USD B LMT 4 10.00 GTC id=x",
     {"limit": "30.00", "value": "40.00"}),
    ("LIMIT_POSITION", "LIM $a EX-USD max_position=3", "NEW $a EX-USD B LMT 2 10.00 GTC id=x", {"limit": "3", "value": "4"}),
    ("LIMIT_OPEN_ORDERS", "LIM $a wallet=spot max_open=1", "NEW $a EX-USD B LMT 1 10.00 GTC id=x", {"limit": "1"}),
    ("LIMIT_PRICE_BAND", "MRK BAND-USD 10.00;LIM $a BAND-USD price_band_bps=100", "NEW $a BAND-USD B LMT 1 10.11 GTC id=x",
     {"limit": "100", "value": "110", "reference": "10.00", "symbol": "BAND-USD"}),
    ("NO_MARK", "LIM $a NOMARK-USD price_band_bps=100", "NEW $a NOMARK-USD B LMT 1 10.11 GTC id=x", {"symbol": "NOMARK-USD"}),
    ("LIMIT_ORDER_RATE", "LIM $a EX-USD max_order_rate=1;NEW $a EX-USD B LMT 1 10.00 GTC id=y", "NEW $a EX-USD B LMT 1 10.00 GTC id=x",
     {"limit": "1", "symbol": "EX-USD"}),
    ("LIMIT_CANCEL_RATE", "LIM $a wallet=spot max_cancel_rate=1;NEW $a EX-USD B LMT 1 10.00 GTC id=y;CXL $a EX-USD id=y", "CXL $a EX-USD id=open",
     {"limit": "1", "wallet": "spot"}),
    ("LIMIT_DAILY_LOSS", "LIM $a wallet=futures max_daily_loss=5;NEW $a PERP-USD B LMT 1 10.00 GTC id=y;FIL $a PERP-USD id=y 1 10.00 exec=1 fee=6",
     "NEW $a PERP-USD B LMT 1 10.00 GTC id=x", {"asset": "USD", "limit": "5.00", "value": "6.00", "wallet": "futures"}),
    ("LIMIT_SHORT", "LIM $a wallet=futures short=0", "NEW $a PERP-USD S LMT 2 10.00 GTC id=x",
     {"value": "-2", "wallet": "futures", "symbol": "PERP-USD"}),
    ("LIMIT_NOT_LISTED", "LIM $a wallet=spot listed=1", "NEW $a EX-USD B LMT 1 10.00 GTC id=x", {"wallet": "spot", "symbol": "EX-USD"}),
    ("ID_REUSED", "", "NEW $a EX-USD B LMT 3 10.00 GTC id=open", {"id": "open"}),
    ("ID_REUSED", "", "DEP $a USD 1001.00 ref=usd", {"id": "usd"}),
    ("OVERFLOW", "DEP $a EX 1200000000000000 ref=b", "DEP $a EX 1200000000000000 ref=c", {}),
    ("FIXED", "", "INS EX-USD base=USD", {"key": "base"}),
    ("ALREADY_EXISTS", "", "AST EX decimals=9", {"name": "EX"}),
    ("NOT_SUBSCRIBED", "", "UNS", {}),
    ("ALREADY_SUBSCRIBED", "SUB", "SUB", {}),
    ("INSTRUMENT_HALTED", "", "NEW $a STOPPED-USD B LMT 1 10.00 GTC id=x", {"symbol": "STOPPED-USD"}),
    ("BAD_CHARACTER", "", "PING  ", {}),
    ("BAD_CHARACTER", "", "NEW $a  EX-USD B LMT 1 10.00 GTC id=x", {}),
    ("BAD_CHARACTER", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=a\x00b", {}),
    ("BAD_CHARACTER", "", "NEW $a EX-USD B LMT 1 10.00 GTC id=\xfc", {}),
    ("BAD_CHARACTER", "", "NEW $a EX-USD B LMT 1 10.00 GTC\tid=x", {}),
    ("LINE_TOO_LONG", "", "PING " + 1100 * "x", {"max": "1024"}),
]

# Codes that are provoked elsewhere, or not from outside.
ELSEWHERE = {
    "BAD_TAG": "test_input: the answer has no tag of ours",
    "AUTH_REQUIRED": "test_auth", "BAD_TOKEN": "test_auth", "TOKEN_EXPIRED": "test_auth", "FORBIDDEN": "test_auth",
    "BEYOND_LIMIT": "test_auth: only a trader's fill is bound by the limit",
    "DRAINING": "test_operations",
    **dict.fromkeys(("INSTRUMENT_POST_ONLY", "INSTRUMENT_CANCEL_ONLY", "UNFILLABLE", "WOULD_TAKE", "WOULD_TRIGGER", "REDUCE_ONLY", "BAD_PAIR",
                     "IN_PAIR"), "test_venue"),
    "UPGRADE_NEEDED": "test_data_formats",
    "TABLE_FULL": "test_market_data: subscriptions; other tables are larger than a test may fill",
    "STORAGE_FULL": "needs a full disk; the log's own tests fill one",
    "LOG_GONE": "test_snapshot_schedule: the log before the older snapshot is removed",
    "SNAPSHOT_FAILED": "test_snapshot_crash, test_data_formats: a disk without room, a data directory that has none",
    "BUSY": "needs many subscribers that catch up at the same moment; a matter of timing",
}


@pytest.fixture(scope="module")
def refusing(shared):
    with shared.lines() as lines:
        play(lines, """
            INS LOT-USD venue=lab wallet=spot base=EX quote=USD tick=0.01 lot=5 min_qty=10 max_qty=100 min_notional=50.00
            + OK *
            INS BAND-USD venue=lab2 wallet=futures base=EX quote=USD tick=0.01 lot=1 funds=none
            + OK *
            INS STOPPED-USD venue=lab wallet=spot base=EX quote=USD tick=0.01 lot=1 state=halted
            + OK *
            """)
    return shared


@pytest.mark.parametrize("code, before, command, facts", CASES,
                         ids=[f"{code}: {command[:40]!r}" for code, _, command, _ in CASES])
def test_refusal(refusing, account, code, before, command, facts):
    with refusing.lines() as lines:
        play(lines, """
            DEP $a USD 1000.00 ref=usd
            + OK *
            DEP $a EX 10 ref=ex
            + OK *
            NEW $a EX-USD B LMT 2 10.00 GTC id=open
            + *
            """, a=account)
        for step in filter(None, before.split(";")):
            play(lines, f"{step}\n + *", a=account)
        state = everything(lines, account)
        lines.send(f"me {command.replace('$a', str(account))}\n".encode("latin-1"))
        answer = lines.answer()
        assert answer[-1].split(" ")[0] == "-me" and len(answer) == 1
        found = answer[-1].split(" ")[1:]
        assert found[0] == code, answer
        told = dict(part.split("=", 1) for part in found[1:])
        for key, value in facts.items():
            assert told.get(key) == value.replace("$a", str(account)), answer
        assert everything(lines, account) == state, "a refusal changed something"


def everything(lines: Lines, account):
    found = []
    for query in (f"BAL {account}", f"POS {account}", f"ORD {account} status=all", f"TRD {account}", f"LIM {account}"):
        lines.send(f"1 {query}\n")
        found += lines.answer()
    return found


def test_table_covers_the_document():
    document = (REPOSITORY / "docs" / "PROTOCOL.md").read_text()
    section = re.search(r"^## 10\. Refusals$(.*?)^## 11\.", document, re.S | re.M).group(1)
    codes = set()
    for row in re.findall(r"^\| (`.*?) \|", section, re.M):
        codes |= set(re.findall(r"`([A-Z_]+)`", row))
    assert len(codes) > 50
    provoked = {case[0] for case in CASES}
    assert provoked | set(ELSEWHERE) == codes
    assert not provoked & set(ELSEWHERE)
