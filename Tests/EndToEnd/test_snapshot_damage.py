"""Snapshots and logs that are damaged, missing or of another directory: what starts all the same, what is refused, and what the tools say."""

import os
import shutil
from types import SimpleNamespace

import pytest

from lines import play
from service import Service, cashup
from states import (SMALL, archived, ask, copy_of, flip, hashes, live, logs, lsn_of, pour, recovered, snap, snapshots, state_of, verify)

DATA_ERROR = 65


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A directory with two snapshots, a segment in the archive, and a log that goes on after them; and what was answered last."""
    from conftest import LABORATORY
    service = Service(tmp_path_factory.mktemp("origin"), config=SMALL).start()
    live(service, LABORATORY)
    live(service)
    with service.lines() as lines:
        pour(lines, 1300, seed=1)
        older = snap(lines)
        pour(lines, 1300, seed=2)
        newer = snap(lines)
        state_then = state_of(lines)
        pour(lines, 1300, seed=3)
        play(lines, "NEW 7 EX-USD B LMT 1 3.00 GTC id=last\n + *")
        state = state_of(lines)
        end = int(lines.ask("1 SYNC").split("lsn=")[1])
    service.kill()
    assert len(archived(service)) == 1 and len(snapshots(service)) == 2
    return SimpleNamespace(service=service, older=older, newer=newer, state_then=state_then, state=state, end=end)


@pytest.fixture
def damaged(origin, tmp_path):
    """Makes copies of it, to be damaged."""
    made = []

    def make(**options):
        made.append(copy_of(origin.service, tmp_path / f"copy{len(made)}", **options))
        return made[-1]

    yield make
    for service in made:
        service.close()


def starts(service, origin, lsn):
    """It starts from there, says what is wrong, and is as it was."""
    service.start()
    assert recovered(service) == lsn
    with service.lines() as lines:
        assert state_of(lines) == origin.state


def is_refused(service, *texts, code=DATA_ERROR):
    """It does not start, says why, and nothing in the directory has changed."""
    def files():
        return {path.relative_to(service.data): path.read_bytes() for path in service.data.rglob("*") if path.is_file() and path.name != "LOCK"}
    before = files()
    service.launch()
    assert service.process.wait(20) == code, service.said()
    service.process = None
    for text in texts:
        assert text in service.said(), service.said()
    assert files() == before


def cut_off(path, size):
    os.truncate(path, size)


DAMAGES = {
    "half": lambda file, older: cut_off(file, file.stat().st_size // 2),
    "last byte": lambda file, older: cut_off(file, file.stat().st_size - 1),
    "longer": lambda file, older: file.write_bytes(file.read_bytes() + b"\0"),
    "empty": lambda file, older: cut_off(file, 0),
    "zeros": lambda file, older: file.write_bytes(bytes(file.stat().st_size)),
    "first header": lambda file, older: flip(file, 20),
    "head": lambda file, older: flip(file, 80),
    "middle": lambda file, older: flip(file),
    "end": lambda file, older: flip(file, -1),
    "older": lambda file, older: shutil.copyfile(older, file),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_newest_damaged(origin, damaged, damage):
    service = damaged()
    newest, older = snapshots(service)
    DAMAGES[damage](newest, older)
    code, said = verify(service.data)
    assert code == 1, said
    assert f"{newest.name}: LSN {origin.newer}, DAMAGED: " in said and f"{older.name}: LSN {origin.older}, whole, the same as a replay" in said
    assert f"a start would work all the same, from the snapshot of LSN {origin.older}" in said
    starts(service, origin, origin.older)
    warning, = [line for line in service.said().splitlines() if " warning " in line and newest.name in line]
    assert "cannot be used" in warning
    # Two more, and nothing of it is left.
    with service.lines() as lines:
        for number in (1, 2):
            play(lines, f"DEP 7 USD 1 ref=more{number}\n + *")
            snap(lines)
        assert not newest.exists() and len(snapshots(service)) == 2
        before = state_of(lines)
    code, said = verify(service.data)
    assert code == 0, said
    service.restart()
    with service.lines() as lines:
        assert state_of(lines) == before


def test_every_byte_counts(origin, damaged):
    """A bit of any section changed is found; in a file of some thousand bytes, of some thirty places."""
    service = damaged()
    newest = snapshots(service)[0]
    whole = newest.read_bytes()
    sections = whole.count(b"CUSS")
    assert sections >= 4
    for offset in range(0, len(whole), max(97, len(whole) // 30)):
        flip(newest, offset, 1 << offset % 8)
        code, said = verify(service.data)
        assert code == 1 and f"{newest.name}: LSN {origin.newer}, DAMAGED: " in said, offset
        newest.write_bytes(whole)
    assert verify(service.data)[0] == 0


def test_all_damaged_and_the_log_is_whole(origin, damaged):
    service = damaged()
    for file in snapshots(service):
        flip(file)
    code, said = verify(service.data)
    assert code == 1 and said.count("DAMAGED") == 2 and "the log is whole" in said, said
    starts(service, origin, 0)
    assert service.said().count("cannot be used") == 2


def test_all_gone_and_the_log_is_whole(origin, damaged):
    service = damaged(snapshots=False)
    code, said = verify(service.data)
    assert code == 0 and "0 snapshots" in said, said
    starts(service, origin, 0)


@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_no_snapshot_and_no_begin_of_the_log(origin, damaged, how):
    service = damaged()
    shutil.rmtree(service.data / "archive")
    starts_all_the_same = damaged()
    shutil.rmtree(starts_all_the_same.data / "archive")
    starts(starts_all_the_same, origin, origin.newer)
    for file in snapshots(service):
        flip(file) if how == "damaged" else file.unlink()
    code, said = verify(service.data)
    assert code == 1 and "the segments before it are missing" in said and "a start would work" not in said, said
    is_refused(service, "log is corrupt", "the segments before it are missing", "Restore")
    repaired = cashup("wal", "repair", service.data, "--cut")
    assert repaired.returncode == 1 and "a repair would keep nothing" in repaired.stdout + repaired.stderr, repaired


def cut_log(service, lsn):
    """The log ends before the record of that LSN, as if it had never been written."""
    for path in reversed(logs(service)):
        if lsn_of(path) < lsn:
            break
        path.unlink()
    else:
        raise AssertionError("all of it")
    return path


def test_snapshot_newer_than_the_log(origin, damaged):
    """What is in a snapshot was durable: a log that ends before it has lost something."""
    service = damaged()
    last = cut_log(service, origin.newer)
    assert lsn_of(last) < origin.newer
    data = last.read_bytes()
    last.write_bytes(data[:len(data) // 3])
    code, said = verify(service.data)
    assert code == 1 and f"there is a snapshot of LSN {origin.newer}" in said, said
    is_refused(service, "log is corrupt", f"there is a snapshot of LSN {origin.newer}")


@pytest.mark.parametrize("snapshots_too", [False, True])
def test_log_in_use_gone(origin, damaged, snapshots_too):
    """All segments but those that were put away: not taken for a new directory, in which a new log might begin."""
    service = damaged(snapshots=not snapshots_too)
    for path in logs(service):
        path.unlink()
    assert archived(service)
    is_refused(service, "log is corrupt")
    code, said = verify(service.data)
    assert code == 1, said


def foreign(origin, directory, batches):
    """A snapshot of another log, of an LSN that this one has, too; made of few frames, or of as many."""
    from conftest import LABORATORY
    other = Service(directory, config=SMALL).start()
    try:
        live(other, LABORATORY)
        with other.lines() as lines:
            while int(lines.ask("1 SYNC").split("lsn=")[1]) < origin.newer + 200:
                if batches:
                    pour(lines, 200, account=7)
                else:
                    play(lines, "DEP 7 USD 1 ref=%s\n + *" % os.urandom(8).hex())
            snap(lines)
        return shutil.copy(snapshots(other)[0], directory / "taken")
    finally:
        other.close()


@pytest.mark.parametrize("batches", [True, False])
def test_snapshot_of_another_directory(origin, damaged, tmp_path, batches):
    service = damaged()
    (tmp_path / "other").mkdir()
    file = foreign(origin, tmp_path / "other", batches)
    other = service.data / sorted((tmp_path / "other" / "data").glob("*.snap"))[-1].name
    assert origin.newer < lsn_of(other) < origin.end
    shutil.copy(file, other)
    code, said = verify(service.data)
    assert code == 1 and other.name in said, said
    is_refused(service, other.name, "of another log")
    # Put away, as it says, it is in nobody's way.
    other.unlink()
    starts(service, origin, origin.newer)


def test_log_damaged_before_the_snapshot(origin, damaged):
    """In a segment that a start does not need: it starts from the snapshot, and the tools say both."""
    service = damaged()
    flip(archived(service)[0])
    code, said = verify(service.data)
    assert code == 1 and "NOT SOUND: log is corrupt" in said and f"a start would work all the same, from the snapshot of LSN {origin.newer}" in said, said
    repair = cashup("wal", "repair", service.data, "--cut")
    assert repair.returncode == 0 and "nothing to repair" in repair.stdout, repair
    starts(service, origin, origin.newer)


def test_log_damaged_after_the_snapshot_and_repaired(origin, damaged):
    """Refused; `wal repair` says what is lost, and keeps the snapshot and what is before the damage."""
    service = damaged()
    holding = [path for path in logs(service) if lsn_of(path) <= origin.newer + 1][-1]
    after = logs(service)[logs(service).index(holding) + 1]
    flip(after, after.stat().st_size // 2)
    code, said = verify(service.data)
    assert code == 1 and "log is corrupt" in said and "a start would work" not in said, said
    is_refused(service, "log is corrupt", after.name, "cashup wal repair")
    would = cashup("wal", "repair", service.data)
    assert would.returncode == 1 and "Nothing was changed" in would.stdout
    done = cashup("wal", "repair", service.data, "--cut")
    assert done.returncode == 0 and "LOST" in done.stdout, done
    assert len(snapshots(service)) == 2
    code, said = verify(service.data)
    assert code == 0 and said.count("whole, the same as a replay") == 2, said
    whole = damaged(snapshots=False)
    for path in logs(whole):
        path.unlink()
    for path in logs(service):
        shutil.copy(path, whole.data)
    found = []
    for each, lsn in ((service, origin.newer), (whole, 0)):
        each.start()
        assert recovered(each) == lsn
        with each.lines() as lines:
            found.append(state_of(lines))
    assert found[0] == found[1] != origin.state


def test_log_damaged_between_the_snapshots_and_cut_there(origin, damaged):
    """The damage is in the segment that the newer one needs: what is cut takes that one with it, into a file aside."""
    service = damaged()
    holding = [path for path in logs(service) if lsn_of(path) <= origin.newer + 1][-1]
    assert lsn_of(holding) > origin.older
    flip(holding, 200)
    is_refused(service, "log is corrupt", f"LSN {lsn_of(holding)}", "cashup wal repair")
    done = cashup("wal", "repair", service.data, "--cut")
    assert done.returncode == 0 and f"{origin.newer:020}.snap.cut" in done.stdout, done
    assert [lsn_of(path) for path in snapshots(service)] == [origin.older]
    code, said = verify(service.data)
    assert code == 0, said
    service.start()
    assert recovered(service) == origin.older
    with service.lines() as lines:
        assert ask(lines, "ORD 7 EX-USD id=last")[0].startswith("- UNKNOWN_ORDER")
        play(lines, "ORD 7 EX-USD id=open\n = * status=NEW *\n + 1\n DEP 7 USD 1 ref=new\n + OK *")
        snap(lines)
        before = hashes(lines)
    assert verify(service.data)[0] == 0
    service.restart()
    with service.lines() as lines:
        assert hashes(lines) == before


def test_half_a_snapshot_is_removed(origin, damaged):
    service = damaged()
    (service.data / "snapshot.tmp").write_bytes(snapshots(service)[0].read_bytes()[:1000])
    assert verify(service.data)[0] == 0
    starts(service, origin, origin.newer)
    assert not (service.data / "snapshot.tmp").exists()
