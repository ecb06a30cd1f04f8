"""Data directories of former versions, and of later ones: what opens them, what they answer, and `cashup upgrade`. What they hold is in
data/README.txt."""

import json
import shutil
import tarfile
import time
from pathlib import Path

import pytest

from lines import play
from service import Service, cashup
from states import ACCOUNTS, SMALL, VENUE_ACCOUNTS, archived, ask, logs, lsn_of, recovered, snap, snapshots, state_of, verify

DATA = Path(__file__).parent / "data"
FORMAT_3 = "cashup data format 3\n"
FORMAT_4 = "cashup data format 4\n"


@pytest.fixture
def kept(tmp_path):
    """Makes services on copies of a kept directory; gives one, not started, and what was answered by who wrote it."""
    made = []

    def make(name, config=SMALL, **options):
        directory = tmp_path / f"kept{len(made)}"
        directory.mkdir()
        service = Service(directory, config=config, **options)
        service.data.mkdir()
        with tarfile.open(DATA / f"{name}.tar.gz") as archive:
            archive.extractall(service.data, filter="data")
        made.append(service)
        return service, json.loads((DATA / f"{name}.json").read_text())

    yield make
    for service in made:
        service.close()


def state_told(lines):
    """The state, in the words of the versions that wrote what is kept: without settings that came later and are as they begin."""
    state = state_of(lines)
    rows = [row for row in state["SET"][:-1] if row != "= day_start_minutes value=0"]
    return {**state, "SET": [*rows, f"+ {len(rows)}"]}


def later_work(lines):
    """It is a service like any other: knows its orders, trades, and its numbers go on. (What was closed is remembered for a year.)"""
    play(lines, """
        ORD 7 EX-USD id=open
        = $open status=NEW *
        + 1
        NEW 7 EX-USD B LMT 5 10.00 GTC id=open strategy=grid note=n%25
        + $open NEW leaves=5 cum=0 dup=1
        NEW 7 EX-USD B LMT 6 10.00 GTC id=open strategy=grid note=n%25
        - ID_REUSED *
        FIL 7 EX-USD id=part 2 9.999 fee=0.01 liq=M exec=e1 time=1700000000123
        + * PARTIALLY_FILLED trade=* leaves=2 cum=2 avg=* dup=1
        NEW 8 EX-USD B LMT 1 1.00 GTC id=x
        - LIMIT_DISABLED *
        NEW 7 HALT-USD B LMT 1 1.00 GTC id=x
        - INSTRUMENT_HALTED *
        NEW 9 EX-USD B LMT 1 1.00 GTC id=x
        - ACCOUNT_SUSPENDED *
        RLS 7 USD 39.50 ref=rest
        + OK *
        NEW 7 EX-USD B LMT 1 2.00 GTC id=later
        + $o NEW *
        FIL 7 EX-USD id=later 1 2.00 exec=1
        + $o FILLED *
        XFR 7 8 USD 1 ref=later2
        + OK *
        """)


@pytest.mark.parametrize("loops", [1, 4])
@pytest.mark.parametrize("name", ["format-2", "format-3"])
def test_answers_are_those_of_the_version_that_wrote_it(kept, name, loops):
    service, expected = kept(name, loops=loops)
    code, said = verify(service.data)
    assert code == 0 and f"format {name[-1]}," in said and f" to {expected['lsn']}\n" in said, said
    service.start()
    with service.lines() as lines:
        assert int(lines.greeting.split("lsn=")[1].split(" ")[0]) == expected["lsn"]
        assert state_told(lines) == expected["state"]
        later_work(lines)
        before = state_of(lines)
    service.restart()
    with service.lines() as lines:
        assert state_of(lines) == before


def from_each_snapshot(service):
    """Starts it from the newer of two snapshots, from the older and from the log alone, with a kill in between: a connection each, and the LSN."""
    newer, older = map(lsn_of, snapshots(service))
    for origin in (newer, older, 0):
        service.start()
        assert recovered(service) == origin
        with service.lines() as lines:
            yield lines, origin
        service.kill()
        if origin:
            snapshots(service)[0].unlink()


def test_format_3_has_what_it_says(kept):
    service, expected = kept("format-3")
    assert (service.data / "FORMAT").read_text() == FORMAT_3
    assert len(snapshots(service)) == 2 and archived(service)
    code, said = verify(service.data)
    assert code == 0 and said.count("whole, the same as a replay") == 2, said
    for lines, origin in from_each_snapshot(service):
        assert state_told(lines) == expected["state"], origin


def venue_state(lines):
    """The state with the book; what format 4 was kept with."""
    return {**state_of(lines, ACCOUNTS + VENUE_ACCOUNTS), "BOOK": [row.split(" lsn=")[0] for row in ask(lines, "BOOK IX-USD depth=1000")]}


def venue_goes_on(lines):
    """An iceberg shows its next slice, a trigger fires, a pair's leg goes with the other, a latch holds until it is reset."""
    play(lines, """
        NEW 11 IX-USD B LMT 4 20.50 IOC id=later
        + * FILLED leaves=0 cum=4 avg=20.50 *
        ORD 10 IX-USD id=ice
        = * leaves=21 display=4 *
        + 1
        CXL 10 IX-USD id=leg1
        + * CANCELED *
        ORD 10 IX-USD id=leg2
        = * status=CANCELED reason=oco *
        + 1
        MRK IX-USD 15.00
        + OK *
        ORD 11 IX-USD id=mark
        = * status=FILLED avg=20.00 *
        + 1
        NEW 12 IX-USD B LMT 1 10.00 GTC id=more
        - LIMIT_DAILY_LOSS *
        LIM 12 reset=loss
        + OK *
        NEW 12 IX-USD B LMT 1 10.00 GTC id=more
        + * NEW *
        NEW 11 IX-USD S LMT 900 60.00 GTC id=short
        - LIMIT_SHORT *
        """)


@pytest.mark.parametrize("loops", [1, 4])
def test_format_4_with_a_venue(kept, loops):
    service, expected = kept("format-4", loops=loops)
    assert (service.data / "FORMAT").read_text() == FORMAT_4
    code, said = verify(service.data)
    assert code == 0 and "format 4," in said and said.count("whole, the same as a replay") == 2, said
    for lines, origin in from_each_snapshot(service):
        assert venue_state(lines) == expected["state"], origin
        if origin == 0:
            venue_goes_on(lines)
            later_work(lines)
            before = venue_state(lines)
    service.start()
    with service.lines() as lines:
        assert venue_state(lines) == before


def test_format_2_has_no_snapshots_until_it_is_upgraded(kept):
    """So that the version that wrote it could still be put back."""
    service, expected = kept("format-2", config="segment_bytes: 65536\nsnapshot_records: 1\nsnapshot_bytes: 1\nsnapshot_seconds: 1\n")
    service.start()
    with service.lines() as lines:
        answer = lines.ask("1 SNP")
        assert answer.startswith("-1 SNAPSHOT_FAILED reason=data_format_2"), answer
        play(lines, "DEP 7 USD 1 ref=format\n + OK *")
        time.sleep(2.5)
        assert lines.ask("2 SNP") == answer.replace("-1 ", "-2 ")
    assert {path.name for path in service.data.iterdir() if not path.name.startswith("spare-") and path.suffix != ".wal"} == {"LOCK", "audit"}
    assert service.stop() == 0
    refused = cashup("snapshot", "--data", service.data)
    assert refused.returncode == 64 and "cashup upgrade" in refused.stderr, refused
    assert not snapshots(service)


def test_upgrade(kept):
    service, expected = kept("format-2")
    service.start()
    busy = cashup("upgrade", service.data, "--commit")
    assert busy.returncode == 75 and "in use" in busy.stderr, busy
    service.kill()
    for _ in range(2):
        said = cashup("upgrade", service.data)
        assert said.returncode == 0 and "format 2" in said.stdout and "Nothing was changed" in said.stdout and "--commit" in said.stdout, said
        assert not (service.data / "FORMAT").exists()
    done = cashup("upgrade", service.data, "--commit")
    assert done.returncode == 0 and "has format 4 now" in done.stdout, done
    assert (service.data / "FORMAT").read_text() == FORMAT_4
    again = cashup("upgrade", service.data, "--commit")
    assert again.returncode == 0 and "nothing to do" in again.stdout, again
    service.start()
    with service.lines() as lines:
        assert state_told(lines) == expected["state"]
        first = snap(lines)
        later_work(lines)
        snap(lines)
        before = state_of(lines)
    service.restart()
    assert recovered(service) > first and archived(service) and lsn_of(logs(service)[0]) > 1
    with service.lines() as lines:
        assert state_of(lines) == before
    code, said = verify(service.data)
    assert code == 0 and said.count("whole, the same as a replay") == 2, said


OF_FORMAT_4 = ["VEN internal kind=internal", "INS HALT-USD state=post_only", "INS HALT-USD state=cancel_only", "INS EX-USD maker_bps=1",
               "INS NEW-USD venue=lab wallet=spot base=EX quote=USD tick=0.01 lot=1 taker_bps=-0.5",
               "LIM 7 price_band_bps=100", "LIM 7 EX-USD max_order_rate=5", "LIM 7 max_cancel_rate=5", "LIM 7 max_daily_loss=5", "LIM 7 short=0",
               "LIM 7 listed=1", "LIM 7 maker_bps=1", "LIM 7 taker_bps=1", "LIM 7 stp=oldest", "LIM 7 reset=loss", "LIM * max_open=5", "DMS 7 60",
               "SET day_start_minutes 60"]


@pytest.mark.parametrize("loops", [1, 4])
@pytest.mark.parametrize("name", ["format-2", "format-3"])
def test_an_older_format_gets_nothing_new(kept, name, loops):
    """What its own version could not read is refused, and everything else is taken; after the upgrade that is taken, too."""
    service, expected = kept(name, loops=loops)
    service.start()
    with service.lines() as lines:
        for number, command in enumerate(OF_FORMAT_4):
            answer = lines.ask(f"{number} {command}")
            assert answer.startswith(f"-{number} UPGRADE_NEEDED format={name[-1]} need=4"), (command, answer)
        assert state_told(lines) == expected["state"]
        for command in ("VEN more kind=manual", "INS HALT-USD state=trading", "INS HALT-USD state=halted", "LIM 7 max_open=1000 enabled=1", "SET window_ids 100000"):
            assert lines.ask(f"1 {command}").startswith("+1 OK"), command
        later_work(lines)
        before = state_of(lines)
    assert service.stop() == 0
    assert cashup("upgrade", service.data, "--commit").returncode == 0
    assert (service.data / "FORMAT").read_text() == FORMAT_4
    service.start()
    with service.lines() as lines:
        assert state_of(lines) == before
        for number, command in enumerate(OF_FORMAT_4):
            # Post-only and fees are for internal venues, in whatever format.
            wanted = f"-{number} NOT_SUPPORTED what=" if command.startswith("INS") else f"+{number} "
            answer = lines.ask(f"{number} {command}")
            assert answer.startswith(wanted), (command, answer)
        play(lines, """
            INS IN-USD venue=internal wallet=spot base=EX quote=USD tick=0.01 lot=1 maker_bps=1 taker_bps=2
            + OK *
            INS IN-USD state=post_only
            + OK *
            LIM 8 enabled=1
            + OK *
            """)
        snap(lines)
        before = state_of(lines)
    service.restart()
    with service.lines() as lines:
        assert state_of(lines) == before
    code, said = verify(service.data)
    assert code == 0 and "format 4," in said, said


def test_upgrade_of_what_is_none(tmp_path):
    (tmp_path / "empty").mkdir()
    refused = cashup("upgrade", tmp_path / "empty", "--commit")
    assert refused.returncode == 64 and "no log" in refused.stderr, refused
    assert not (tmp_path / "empty" / "FORMAT").exists()
    assert cashup("upgrade", tmp_path / "nowhere").returncode != 0 and not (tmp_path / "nowhere").exists()


def test_a_new_directory_has_the_newest(fresh):
    service = fresh(laboratory=False)
    assert (service.data / "FORMAT").read_text() == FORMAT_4


@pytest.mark.parametrize("text, said", [
    ("cashup data format 5\n", "data format 5, of a newer version"),
    ("cashup data format 999\n", "data format 999, of a newer version"),
    ("cashup data format 3", "FORMAT is damaged"),
    ("cashup data format 2\n", "FORMAT is damaged"),
    ("", "FORMAT is damaged"),
    ("\xff\x00\xfe\n", "FORMAT is damaged"),
])
def test_another_format_is_refused(kept, text, said):
    service, expected = kept("format-3")
    (service.data / "FORMAT").write_bytes(text.encode("latin-1"))
    before = {path: path.read_bytes() for path in service.data.rglob("*") if path.is_file()}
    service.launch()
    assert service.process.wait(20) == 64, service.said()
    service.process = None
    assert said in service.said() and str(service.data) in service.said()
    assert {path: path.read_bytes() for path in service.data.rglob("*") if path.is_file() and path.name != "LOCK"} == before
    for command in (("snapshot", "--data", service.data), ("upgrade", service.data, "--commit"),
                    ("backup", service.directory / "copy", "--data", service.data)):
        refused = cashup(*command)
        assert refused.returncode == 64 and said in refused.stderr, refused
    code, found = verify(service.data)
    assert code == 1 and said in found, found
    assert {path: path.read_bytes() for path in service.data.rglob("*") if path.is_file() and path.name != "LOCK"} == before
    (service.data / "FORMAT").write_text(FORMAT_3)
    service.start()
    with service.lines() as lines:
        assert state_told(lines) == expected["state"]


def test_without_its_format_file_a_snapshot_is_not_forgotten(kept):
    """FORMAT lost, as by a careless copy: it is taken for format 2, whose log must be whole; here it is, in the archive."""
    service, expected = kept("format-3")
    (service.data / "FORMAT").unlink()
    service.start()
    assert recovered(service) == 0
    with service.lines() as lines:
        assert state_told(lines) == expected["state"]
        assert lines.ask("1 SNP").startswith("-1 SNAPSHOT_FAILED reason=data_format_2")
    service.kill()
    shutil.rmtree(service.data / "archive")
    service.launch()
    assert service.process.wait(20) == 65
    service.process = None
    assert "the segments before it are missing" in service.said()
    assert cashup("upgrade", service.data, "--commit").returncode == 0
    service.start()
    assert recovered(service) > 0
    with service.lines() as lines:
        assert state_told(lines) == expected["state"]
