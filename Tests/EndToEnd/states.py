"""A service's state as a whole, to be compared: before and after a start, with snapshots and without. And its data directory, to be
copied, listed and damaged."""

import random
import re
import shutil
import string
import time

from lines import answer_lines, play
from service import Service, cashup

ACCOUNTS = (7, 8, 9)

# Segments as small as they get, and no snapshot but those that are asked for.
SMALL = "segment_bytes: 65536\nsnapshot_records: 0\nsnapshot_bytes: 0\nsnapshot_seconds: 0\n"
SNAPSHOT_SECONDS_MAX = 60

# Every kind of thing that a state holds, once.
LIFE = """
DEP 7 USD 100000.00 ref=usd note=first
+ OK *
DEP 7 EX 1000 ref=ex
+ OK *
DEP 8 USD 500.00 ref=usd
+ OK *
WDR 7 USD 10.00 ref=w
+ OK *
ADJ 7 USD -0.000000000000000001 ref=adj reason=dust
+ OK *
HLD 7 USD 100.00 ref=h reason=why
+ OK *
RLS 7 USD 60.50 ref=r
+ OK *
XFR 7 7 USD 500.00 from=spot to=futures ref=mv note=perps
+ OK *
XFR 7 8 USD 5.00 ref=gift
+ OK *
NEW 7 EX-USD B LMT 5 10.00 GTC id=open strategy=grid note=n%25
+ $open NEW *
NEW 7 EX-USD B LMT 5 10.00 GTC id=part strategy=grid
+ * NEW *
FIL 7 EX-USD id=part 2 9.999 fee=0.01 liq=M exec=e1 time=1700000000123
+ * PARTIALLY_FILLED *
RPL 7 EX-USD id=part 4 10.50
+ * PARTIALLY_FILLED *
NEW 7 EX-USD S LMT 3 11.00 IOC id=full
+ * NEW *
FIL 7 EX-USD id=full 3 11.00 fee=-0.25 exec=e1
+ * FILLED *
NEW 7 EX-USD B MKT 4 - GTC id=gone max=50.00
+ * NEW *
FIL 7 EX-USD id=gone 1 12.00 fee=0.5 feeasset=FEE exec=e1
+ * PARTIALLY_FILLED *
CXL 7 EX-USD id=gone reason=enough%20now
+ * CANCELED *
NEW 7 EX-USD B LMT 1 1.00 GTD id=far expire=4000000000000
+ * NEW *
NEW 8 PERP-USD S LMT 7 20.00 GTC id=short
+ * NEW *
FIL 8 PERP-USD id=short 7 20.00 fee=0.1 exec=e1
+ * FILLED *
PTO 8 EX-USD -5 64.00 ref=pto note=from%20elsewhere
+ OK *
MRK PERP-USD 19.50
+ *
LIM 7 EX-USD max_qty=50 max_position=100
+ *
LIM 8 wallet=spot max_open=3 enabled=0
+ *
ACC 9 open
+ OK *
ACC 9 suspend
+ OK *
SET window_hours 48
+ *
INS HALT-USD state=halted
+ *
"""

# After LIFE: everything is remembered as it was, and what was given away once is not given away again.
MEMORY = """
DEP 7 USD 100000.00 ref=usd note=first
+ OK available=* dup=1
DEP 7 USD 100000.01 ref=usd note=first
- ID_REUSED *
WDR 7 USD 10.00 ref=w
+ OK available=* dup=1
HLD 7 USD 100.00 ref=h reason=why
+ OK available=* dup=1
XFR 7 7 USD 500.00 from=spot to=futures ref=mv note=perps
+ OK available=* dup=1
XFR 7 7 USD 501.00 from=spot to=futures ref=mv note=perps
- ID_REUSED *
XFR 7 8 USD 5.00 ref=gift
+ OK available=* dup=1
PTO 8 EX-USD -5 64.00 ref=pto note=from%20elsewhere
+ OK qty=-5 avg=* cost=* realized=* dup=1
NEW 7 EX-USD B LMT 5 10.00 GTC id=open strategy=grid note=n%25
+ $open NEW leaves=5 cum=0 dup=1
NEW 7 EX-USD B LMT 6 10.00 GTC id=open strategy=grid note=n%25
- ID_REUSED *
NEW 7 EX-USD S LMT 3 11.00 IOC id=full
+ * FILLED leaves=0 cum=3 avg=11.00 dup=1
FIL 7 EX-USD id=full 3 11.00 fee=-0.25 exec=e1
+ * FILLED trade=* leaves=0 cum=3 avg=* dup=1
FIL 7 EX-USD id=full 3 11.01 fee=-0.25 exec=e1
- ID_REUSED *
CXL 7 EX-USD id=gone
+ * CANCELED leaves=0 cum=1 avg=* dup=1
NEW 8 EX-USD B LMT 1 1.00 GTC id=x
- LIMIT_DISABLED *
NEW 7 EX-USD B LMT 51 1.00 GTC id=x
- LIMIT_QTY *
NEW 7 HALT-USD B LMT 1 1.00 GTC id=x
- INSTRUMENT_HALTED *
NEW 9 EX-USD B LMT 1 1.00 GTC id=x
- ACCOUNT_SUSPENDED *
"""

# It goes on: releases what is held, late fills, closes what is open.
GOING_ON = """
RLS 7 USD 39.50 ref=rest
+ OK *
RLS 7 USD 0.01 ref=more
- INSUFFICIENT_HELD *
FIL 7 EX-USD id=gone 1 12.00 exec=late
+ * CANCELED *
FIL 7 EX-USD id=part 2 10.00 exec=e2
+ * FILLED *
CXL 7 EX-USD id=far
+ * CANCELED *
"""

# Everything that an internal venue and the limits since data format 4 add to a state, but for timers of a day at most. Before LIFE: that suspends 9.
VENUE_ACCOUNTS = (10, 11, 12)
VENUE = """
INS IX-USD venue=internal wallet=spot base=EX quote=USD tick=0.01 lot=1 maker_bps=-0.5 taker_bps=2
+ OK *
DEP 10 USD 100000.00 ref=usd
+ OK *
DEP 10 EX 1000 ref=ex
+ OK *
DEP 11 USD 100000.00 ref=usd
+ OK *
DEP 11 EX 1000 ref=ex
+ OK *
DEP 12 USD 1000.00 ref=usd
+ OK *
NEW 10 IX-USD S LMT 10 20.00 GTC id=ask strategy=grid
+ * NEW *
NEW 10 IX-USD S LMT 30 20.50 GTC id=ice display=4
+ * NEW *
NEW 11 IX-USD B LMT 4 20.00 IOC id=take
+ * FILLED *
NEW 11 IX-USD B LMT 5 19.00 GTC id=bid post=1
+ * NEW *
NEW 11 IX-USD B LMT 3 18.00 GTD id=far expire=4000000000000
+ * NEW *
NEW 11 IX-USD S LMT 2 18.50 GTC id=stop stop=18.60
+ * NEW *
NEW 11 IX-USD S MKT 2 - GTC id=mark stop=15.00 trigger=mark
+ * NEW *
NEW 10 IX-USD B LMT 2 17.00 GTC id=leg1
+ * NEW *
NEW 10 IX-USD B LMT 2 25.00 GTC id=leg2 stop=24.00 oco=leg1
+ * NEW *
NEW 11 IX-USD S LMT 1 22.00 GTC id=less reduce=1
+ * NEW *
NEW 11 IX-USD S LMT 1 21.00 GTC id=fired stop=19.50 take=1 trigger=mark
+ * NEW *
LIM 10 stp=oldest maker_bps=-1 price_band_bps=10000
+ OK *
NEW 10 IX-USD B LMT 5 20.00 GTC id=own
+ * *
MRK IX-USD 20.00
+ *
LIM 12 max_daily_loss=1.00
+ OK *
NEW 12 IX-USD B LMT 5 20.50 IOC id=loser
+ * FILLED *
MRK IX-USD 16.00
+ *
NEW 12 IX-USD B LMT 1 10.00 GTC id=more
- LIMIT_DAILY_LOSS *
LIM 11 IX-USD max_order_rate=50 max_cancel_rate=50 short=0
+ OK *
LIM * max_open=100000
+ OK *
SET day_start_minutes 60
+ *
"""


def ask(lines, command):
    """The lines of an answer, without tags."""
    lines.send(f"q {command}\n")
    return answer_lines(lines.answer(SNAPSHOT_SECONDS_MAX))


def hashes(lines):
    """wallet -> [hash, content]"""
    rows = [dict(word.split("=", 1) for word in row.split(" ") if "=" in word) | {"name": row.split(" ")[2]}
            for row in ask(lines, "STAT hash=1") if row.startswith("= wallet")]
    assert rows
    return {row["name"]: [row["hash"], row["content"]] for row in rows}


def state_of(lines, accounts=ACCOUNTS):
    """Everything that can be asked for, and the hashes."""
    found = {"hashes": hashes(lines)}
    for query in ("AST", "WLT", "VEN", "INS", "SET", "ACC"):
        found[query] = ask(lines, query)
    for account in accounts:
        for query in ("BAL $a", "POS $a", "ORD $a status=all limit=1000", "TRD $a limit=1000", "LIM $a"):
            query = query.replace("$a", str(account))
            found[query] = ask(lines, query)
    return found


def without_times(state):
    """Of two services that did the same at other times."""
    return {**state, "hashes": {name: content for name, (_, content) in state["hashes"].items()},
            **{query: [re.sub(r" (created|updated|time)=\d+", "", row) for row in rows] for query, rows in state.items() if query != "hashes"}}


def snap(lines):
    """Has a snapshot made that is new; gives its LSN."""
    answer = lines.ask("snap SNP", SNAPSHOT_SECONDS_MAX)
    found = re.fullmatch(r"\+snap OK snapshot=(\d+) orders=\d+ bytes=\d+ ms=\d+ retired=\d+", answer)
    assert found, answer
    return int(found.group(1))


_letters = string.ascii_letters + string.digits + "_-"


def pour(lines, count, account=8, seed=None):
    """Deposits of the smallest amount there is, whose texts do not compress: some 1,000 fill a segment of 64 KiB. Gives their refs."""
    pick = random.Random(seed)
    refs = []
    while len(refs) < count:
        batch = ["".join(pick.choices(_letters, k=36)) for _ in range(min(250, count - len(refs)))]
        lines.send("".join(f"p DEP {account} USD 0.000000000000000001 ref={ref} note={''.join(pick.choices(_letters, k=36))}\n" for ref in batch))
        for ref in batch:
            answer = lines.answer(SNAPSHOT_SECONDS_MAX)[-1]
            assert answer.startswith("+p OK"), answer
        refs += batch
    return refs


# -- data directories ---------------------------------------------------------------------------------------------------

def snapshots(service):
    """Snapshot files, newest first."""
    return sorted(service.data.glob("snapshot-*.snap"), reverse=True)


def archived(service):
    return sorted((service.data / "archive").glob("*.wal"))


def logs(service):
    """Segments that are not put away."""
    return sorted(service.data.glob("*.wal"))


def lsn_of(path):
    """The number in the name of a snapshot, or of a segment: the LSN it begins with."""
    return int(re.search(r"(\d{20})", path.name).group(1))


def copy_of(service, directory, *, snapshots=True, config=SMALL, **options):
    """A service, not started, on a copy of the data directory of one that does not run."""
    assert service.process is None
    directory.mkdir(parents=True)
    copy = Service(directory, config=config, **options)
    leave = ["LOCK", "audit", "history.sqlite*"] + ([] if snapshots else ["*.snap"])
    shutil.copytree(service.data, copy.data, ignore=shutil.ignore_patterns(*leave))
    return copy


def flip(path, offset=None, bits=0x10):
    """Damages one byte: of the middle, unless told."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if offset is None else offset] ^= bits
    path.write_bytes(data)


def verify(data):
    """Exit code and output of `cashup wal verify`."""
    done = cashup("wal", "verify", data)
    assert done.stderr == ""
    return done.returncode, done.stdout


def dump(data, *options):
    done = cashup("wal", "dump", data, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def recovered(service):
    """LSN of the snapshot from which the last start went on; 0: the log alone."""
    last = [line for line in service.said().splitlines() if " recovered " in line][-1]
    found = re.search(r"recovered the snapshot of LSN (\d+)", last)
    return int(found.group(1)) if found else 0


def wait_until(what, seconds=60):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "not within %d s" % seconds
        time.sleep(0.05)


def live(service, script=LIFE):
    with service.lines() as lines:
        return play(lines, script)
