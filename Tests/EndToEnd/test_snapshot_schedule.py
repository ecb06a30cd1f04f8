"""When snapshots are made without being asked for, and what becomes of the log before them: archive, subscriptions, history."""

import re
import time

import pytest

from cashup import Refused
from history_model import Database
from lines import play
from states import LIFE, SMALL, SNAPSHOT_SECONDS_MAX, archived, dump, live, logs, lsn_of, pour, snap, snapshots, state_of, verify, wait_until

# -- Schedule ---------------------------------------------------------------------------------------------------------

def scheduled(fresh, **keys):
    """A service whose schedule is by one thing alone."""
    config = SMALL
    for key, value in keys.items():
        config = re.sub(rf"^{key}: .*$", f"{key}: {value}", config, flags=re.M)
        assert f"{key}: {value}\n" in config
    return fresh(config=config)


def test_by_records(fresh):
    service = scheduled(fresh, snapshot_records=1000)
    with service.lines() as lines:
        pour(lines, 500)
        time.sleep(1.5)
        assert not snapshots(service), "too early"
        pour(lines, 600)
        wait_until(lambda: len(snapshots(service)) == 1)
        assert lsn_of(snapshots(service)[0]) >= 1000
        time.sleep(1.5)
        assert len(snapshots(service)) == 1, "once, not again and again"


def test_by_bytes(fresh):
    service = scheduled(fresh, snapshot_bytes=40_000)
    with service.lines() as lines:
        pour(lines, 300)
        time.sleep(1.5)
        assert not snapshots(service), "too early"
        pour(lines, 700)
        wait_until(lambda: len(snapshots(service)) == 1)
        end = int(lines.ask("1 SYNC").split("lsn=")[1])
        pour(lines, 1000)
        wait_until(lambda: lsn_of(snapshots(service)[0]) > end)


def test_by_time_and_only_if_there_is_something_new(fresh):
    service = scheduled(fresh, snapshot_seconds=1)
    with service.lines() as lines:
        end = int(lines.ask("1 SYNC").split("lsn=")[1])
        wait_until(lambda: snapshots(service) and lsn_of(snapshots(service)[0]) == end)
        time.sleep(2.5)
        assert [lsn_of(file) for file in snapshots(service)[:1]] == [end]
        found = len(snapshots(service))
        time.sleep(1.5)
        assert len(snapshots(service)) == found
        play(lines, "DEP 7 USD 1 ref=d\n + *")
        wait_until(lambda: lsn_of(snapshots(service)[0]) > end)


def test_the_two_newest_stay_and_the_log_before_them_goes_to_the_archive(small):
    service = small()
    live(service)
    made = []
    with service.lines() as lines:
        for _ in range(4):
            pour(lines, 1200)
            made.append(snap(lines))
            assert [lsn_of(file) for file in snapshots(service)] == made[:-3:-1]
            begins = [lsn_of(file) for file in logs(service)]
            kept = made[-2] if len(made) > 1 else 0
            # The last segment that begins at or before the first record after the older snapshot, and what follows.
            assert begins[0] <= kept + 1 and all(begin > kept + 1 for begin in begins[1:]), (begins, made)
        assert len(archived(service)) >= 2
        places = [lsn_of(file) for file in archived(service) + logs(service)]
        assert places == sorted(places) and places[0] == 1
        before = state_of(lines)
    code, said = verify(service.data)
    assert code == 0 and said.count("archive/") == len(archived(service)), said
    service.restart()
    with service.lines() as lines:
        assert state_of(lines) == before


# -- The log before them ----------------------------------------------------------------------------------------------

def read_events(client, position, last_ref, **options):
    """Events after a position, as texts, to the deposit `last_ref`."""
    found = []
    with client.subscribe(position, **options) as events:
        while not found or f" ref={last_ref} " not in found[-1]:
            found.append(events.next(30).text)
    return found


def test_with_the_archive_subscribers_get_every_event_once(small):
    service = small()
    with service.client() as client, client.subscribe(0).start() as live_events:
        live(service)
        with service.lines() as lines:
            for number in range(3):
                pour(lines, 1200)
                snap(lines)
            play(lines, "DEP 7 USD 1 ref=end\n + *")
            assert archived(service)
        seen = []
        while not seen or " ref=end " not in seen[-1]:
            seen.append(live_events.next(30).text)
        places = [tuple(map(int, text.split(" ")[0].split("."))) for text in seen]
        assert places == sorted(set(places)) and places[0] == (1, 1)
        assert sum(" BALANCE account=8 " in text and " kind=DEP " in text for text in seen) == 1 + 3 * 1200
        assert read_events(client, 0, "end") == seen
    service.restart()
    oldest = lsn_of(snapshots(service)[1])
    with service.client() as client:
        for position in (0, 1, lsn_of(archived(service)[-1]), oldest - 1, oldest, oldest + 1, lsn_of(snapshots(service)[0])):
            assert read_events(client, position, "end") == [text for text in seen if int(text.split(".")[0]) > position], position
    # The dump is the same, with more to each line, also from the middle of the archive.
    def told(*options):
        """Definitions are in it once for each wallet."""
        return [line.split(" shard=")[0] for line in dump(service.data, *options).splitlines()
                if line[0] != "S" and not (" REGISTRY " in line and " shard=0 " not in line)]

    assert told() == seen
    middle = lsn_of(archived(service)[-1]) + 10
    assert told("--from", middle) == [text for text in seen if int(text.split(".")[0]) >= middle]


def test_without_the_archive_the_log_is_gone(small):
    service = small("archive: remove\n")
    live(service)
    with service.client() as client, client.subscribe(0).start() as live_events:
        with service.lines() as lines:
            for _ in range(3):
                pour(lines, 1200)
                answer = lines.ask("1 SNP", SNAPSHOT_SECONDS_MAX)
            assert re.search(r" retired=[1-9]", answer), answer
            play(lines, "DEP 7 USD 1 ref=end\n + *")
        seen = []
        while not seen or " ref=end " not in seen[-1]:
            seen.append(live_events.next(30).text)
    assert not (service.data / "archive").exists()
    assert lsn_of(logs(service)[0]) > 1
    oldest = lsn_of(snapshots(service)[1]) + 1
    for _ in range(2):
        with service.lines() as lines, service.client() as client:
            before = state_of(lines)
            for position in (0, 1, oldest - 2, f"{oldest - 1}.1"):
                assert lines.ask(f"1 SUB from={position}") == f"-1 LOG_GONE oldest={oldest}", position
            with pytest.raises(Refused) as refusal:
                read_events(client, 0, "end")
            assert refusal.value.code == "LOG_GONE"
            assert read_events(client, oldest - 1, "end") == [text for text in seen if int(text.split(".")[0]) >= oldest]
            assert read_events(client, oldest, "end") == [text for text in seen if int(text.split(".")[0]) > oldest]
        assert [line.split(" ")[0] for line in dump(service.data, "--from", oldest).splitlines() if line[0] != "S"] == [
            text.split(" ")[0] for text in seen if int(text.split(".")[0]) >= oldest]
        code, said = verify(service.data)
        assert code == 0 and "whole" in said, said
        service.restart()
        with service.lines() as lines:
            assert state_of(lines) == before


def test_a_subscriber_that_is_overtaken_by_the_removal_is_told(small):
    """It has read so slowly that what it needs next was removed: it learns so, rather than wait for ever, and the log does not fill."""
    service = small("archive: remove\nevent_buffer_bytes: 65536\nmax_unsent_bytes: 65536\nslow_seconds: 3600\n")
    with service.lines() as lines, service.lines(receive_buffer=4096) as slow:
        assert slow.ask("1 SUB from=0").startswith("+1 OK")
        for _ in range(8):
            pour(lines, 2500)
            snap(lines)
        end = int(lines.ask("1 SYNC").split("lsn=")[1])
        found = []
        try:
            while not found or not found[-1].startswith((f"! {end}.", "* ")):
                found.append(slow.read(10))
        except TimeoutError:
            raise AssertionError(f"nothing more after {found[-1]!r}; the end is {end}\n{service.said()[-500:]}") from None
        except EOFError:
            pass
        places = [tuple(map(int, line.split(" ")[1].split("."))) for line in found if line[0] == "!"]
        assert places == sorted(set(places)) and places[-1][0] < end, "it was never too late: the test means nothing"
        assert found[-1].startswith(("* UNSUBSCRIBED ", "* BYE ")), found[-1]
    assert service.said().count("subscription") < 10


def test_archive_remove_needs_history_off(fresh):
    service = fresh(start=False, config="archive: remove\n", history="on")
    service.launch()
    assert service.process.wait(20) == 64
    service.process = None
    assert "archive" in service.said() and "history" in service.said()


def test_history_is_made_anew_from_the_archive(small):
    service = small(history="on")
    # The model knows no PTO.
    live(service, re.sub(r"PTO .*\n.*\n", "", LIFE))
    with service.lines() as lines:
        for _ in range(3):
            pour(lines, 1200)
            snap(lines)
        end = int(lines.ask("1 SYNC").split("lsn=")[1])
    assert archived(service)
    for delete in (False, True):
        service.kill()
        if delete:
            for file in service.data.glob("history.sqlite*"):
                file.unlink()
        service.start()
        until = time.monotonic() + 60
        while True:
            try:
                with Database(service.data) as database:
                    if database.lsn >= end:
                        database.check(dump(service.data))
                        break
            except Exception as error:
                if isinstance(error, AssertionError) or time.monotonic() > until:
                    raise
            time.sleep(0.05)
