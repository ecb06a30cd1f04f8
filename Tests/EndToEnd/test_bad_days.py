"""What an operator meets on bad days: read-only disks, clocks, crowds, sleepers, crashes, wrong files, signals, a wrong `rm`."""

import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from cashup import commands as c
from lines import play
from service import free_port
from small_disk import wait_for_spares

CRASHES = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGILL, -signal.SIGTRAP, -signal.SIGBUS)


def ends(service, code, *words):
    """The process ends by itself with that code, having said each of the words."""
    found = service.process.wait(20)
    service.process = None
    said = service.said()
    assert found == code, f"exit code {found}:\n{said}"
    for word in words:
        assert word in said, f"{word!r} is not in:\n{said}"


def refuses_to_start(service, code, *words):
    service.launch()
    ends(service, code, *words)


def row(lines, query, tag="q"):
    lines.send(f"{tag} {query}\n")
    return lines.answer()


# -- directories -------------------------------------------------------------------------------------------------------

def test_data_directory_that_is_a_file_or_below_one(fresh):
    service = fresh(start=False)
    file = service.directory / "file"
    file.write_text("not a directory")
    for path in (file, file / "below"):
        service.data = path
        refuses_to_start(service, 74, str(path), "Not a directory")
    assert file.read_text() == "not a directory"


def test_read_only_disk(small_disk, fresh):
    """New and with a log in it; the log is as it was when the disk can be written again."""
    disk = small_disk("512m")
    service = fresh(start=False)
    service.data = disk.path / "data"
    disk.remount("ro")
    refuses_to_start(service, 74, str(service.data), "Read-only file system")
    disk.remount("rw")
    service.start()
    with service.lines() as lines:
        play(lines, "DEP 5 USD 100.00 ref=1\n + *")
    assert service.stop() == 0
    disk.remount("ro")
    refuses_to_start(service, 74, str(service.data), "Read-only file system")
    disk.remount("rw")
    service.start()
    with service.lines() as lines:
        play(lines, "DEP 5 USD 100.00 ref=1\n + OK available=100.00 dup=1")


def test_data_directory_removed_under_a_running_service(fresh):
    """What happens: the open segment goes on to take records though it has no name any more; as no spare can be made, new
    orders are soon refused with STORAGE_FULL. The end must not be called a clean stop: what was acknowledged is lost."""
    service = fresh()
    with service.lines() as lines:
        play(lines, "DEP 5 USD 100.00 ref=1\n + *")
        wait_for_spares(service, 3)
        shutil.rmtree(service.data)
        answers = []
        try:
            for number in range(20):
                answers.append(lines.ask(f"1 NEW 5 EX-USD B LMT 1 1.00 GTC id=o{number}"))
                time.sleep(0.05)
        except (EOFError, ConnectionError):
            pass
    acknowledged = sum(answer.startswith("+1 ") for answer in answers)
    assert {answer for answer in answers if answer[0] == "-"} <= {"-1 STORAGE_FULL"}
    if service.process.poll() is None:
        service.process.send_signal(signal.SIGTERM)
    code = service.process.wait(20)
    service.process = None
    assert code not in CRASHES, service.said()
    assert code != 0 and "stopped cleanly" not in service.said(), (
        f"{acknowledged} orders acknowledged, then into a file that no start will find; exit code {code}:\n{service.said()}")


# -- the clock ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def clock(monkeypatch):
    """``clock("+2h")``: the wall clock of processes started from now on; the monotonic clock stays true."""
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        pytest.skip("libfaketime is not installed (apt-get install faketime)")

    names = [f"cashup_{kind}_{os.getpid()}" for kind in ("sem", "shm")]

    def set(offset):
        if not offset:
            return monkeypatch.delenv("LD_PRELOAD", raising=False)
        monkeypatch.setenv("LD_PRELOAD", found[0])
        monkeypatch.setenv("FAKETIME", offset)
        monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        # Without this variable the library adds it, and a Swift program whose environment was moved loses its arguments.
        monkeypatch.setenv("FAKETIME_SHARED", " ".join(f"/{name}" for name in names))

    yield set
    for name in names:
        for path in (Path("/dev/shm") / name, Path("/dev/shm") / f"sem.{name}"):
            path.unlink(missing_ok=True)


def time_of(service):
    with service.lines() as lines:
        return int(lines.ask("1 TIME").partition("time=")[2])


def test_clock_behind_the_log(fresh, clock):
    service = fresh(start=False)
    clock("+2h")
    service.start()
    assert 7_190_000 < time_of(service) - time.time() * 1000 < 7_210_000, "the clock was not faked"
    with service.lines() as lines:
        # The record's time is not before this.
        logged = int(re.search(r" time=(\d+)", row(lines, "STAT")[0]).group(1))
        play(lines, "DEP 5 USD 100.00 ref=1\n + *")
    assert service.stop() == 0
    clock(None)
    now = int(time.time() * 1000)
    refuses_to_start(service, 64, "--accept-clock")
    times = sorted(int(text) for text in re.findall(r"\b\d{13}\b", service.said().partition("the clock says")[2]))[:2]
    assert len(times) == 2, service.said()
    assert abs(times[0] - now) < 5_000 and abs(times[1] - logged) < 5_000
    # Not more than a minute behind is taken as it is; the service's time goes on from the log's.
    clock("+7150s")
    service.start()
    assert time_of(service) >= logged
    assert service.stop() == 0
    clock(None)
    command = service.command
    service.command = lambda: command() + ["--accept-clock"]
    service.start()
    assert "going on at the log's time" in service.said()
    assert time_of(service) >= logged
    with service.lines() as lines:
        play(lines, f"""
            DEP 5 USD 100.00 ref=1
            + OK available=100.00 dup=1
            DEP 5 USD 1.00 ref=2 before={now + 60_000}
            - TOO_LATE *
            DEP 5 USD 1.00 ref=2
            + *
            """)


# -- too many clients -------------------------------------------------------------------------------------------------

def test_connections_beyond_the_maximum_harm_nobody(fresh):
    service = fresh(config="max_connections: 3\n")
    held = [service.lines() for _ in range(3)]
    play(held[0], "DEP 5 USD 100.00 ref=1\n + *")
    for number in range(30):
        with service.lines(greet=False) as lines:
            assert lines.rest() == ["* BYE reason=connections"]
        assert held[number % 3].ask(f"1 NEW 5 EX-USD B LMT 1 1.00 GTC id=o{number}").startswith("+1 ")
    assert [lines.ask("2 PING") for lines in held] == ["+2 OK"] * 3


# -- a subscriber that sleeps ------------------------------------------------------------------------------------------

def test_subscriber_that_sleeps_under_load_has_no_gap_and_no_repeat(fresh):
    """Its socket, its buffer and the service's buffer of recent events overflow: it is fed from the log, more than once."""
    count = 12_000
    service = fresh(config="event_buffer_bytes: 65536\nmax_unsent_bytes: 65536\n")
    sleeper = service.lines(receive_buffer=4096)
    assert sleeper.ask("1 SUB from=0").startswith("+1 OK")
    with service.client() as client:
        client.deposit(5, "USD", 1_000_000, ref="d")
        client.run_many([c.new_order(5, "EX-USD", "B", 1, "0.01", id=f"warm{n}") for n in range(count // 10)], timeout=60)
        before = service.resident_bytes()
        orders = client.run_many([c.new_order(5, "EX-USD", "B", 1, "0.01", id=f"{n}") for n in range(count)], timeout=60)
        assert not any(isinstance(order, Exception) for order in orders)
        last = client.deposit(5, "USD", 1, ref="end").lsn
        time.sleep(1.2)
        grown = service.resident_bytes() - before

    def read(lines):
        found = []
        while not found or not found[-1].startswith(f"! {last}."):
            line = lines.read()
            if line[0] == "!":
                found.append(line)
        return found

    heard = read(sleeper)
    with service.lines() as other:
        assert other.ask("1 SUB from=0").startswith("+1 OK")
        assert heard == read(other)
    places = [tuple(map(int, line.split(" ")[1].split("."))) for line in heard]
    assert places == sorted(set(places))
    ids = [line.split(" id=")[1].split(" ")[0] for line in heard if " ORDER " in line]
    assert ids == [f"warm{n}" for n in range(count // 10)] + [f"{n}" for n in range(count)]
    assert grown < 100 << 20, f"{grown >> 20} MiB for {count} orders"
    sleeper.close()


# -- cancel on disconnect ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("end", ["kill", "stop"])
def test_cancel_on_disconnect_when_the_service_ends(fresh, end):
    service = fresh(loops=4)
    with service.lines() as marked, service.lines() as other:
        assert marked.ask("1 AUTH - session=marked cod=1").startswith("+1 OK")
        play(other, """
            DEP 5 USD 100.00 ref=1
            + *
            NEW 5 EX-USD B LMT 2 10.00 GTC id=stays
            + *
            """)
        play(marked, """
            NEW 5 EX-USD B LMT 2 10.00 GTC id=goes
            + *
            NEW 5 PERP-USD B LMT 2 10.00 GTC id=goes
            + *
            NEW 5 EX-USD B LMT 2 5.00 GTC id=part
            + *
            FIL 5 EX-USD id=part 1 5.00 exec=1
            + *
            NEW 5 EX-USD B LMT 1 1.00 GTC id=filled
            + *
            FIL 5 EX-USD id=filled 1 1.00 exec=1
            + *
            RPL 5 EX-USD id=stays 2 9.00
            + *
            """)
        service.kill() if end == "kill" else service.stop()
    lsns = []
    for _ in range(2):
        service.start()
        with service.lines() as lines:
            lsns.append(lines.greeting)
            play(lines, """
                ORD 5 status=all
                = * symbol=EX-USD id=stays status=NEW leaves=2 *
                = * symbol=EX-USD id=goes status=CANCELED reason=disconnect leaves=0 cum=0 *
                = * symbol=EX-USD id=part status=CANCELED reason=disconnect leaves=0 cum=1 *
                = * symbol=EX-USD id=filled status=FILLED *
                = * symbol=PERP-USD id=goes status=CANCELED reason=disconnect *
                + 5
                BAL 5 USD wallet=spot
                = USD spot total=94.00 available=76.00 reserved=18.00 held=0.00 transit=0.00
                + 1
                """)
            lines.send("1 SUB from=0 kind=ORDER account=5\n2 SYNC\n")
            lines.wait_for("+1 OK")
            canceled = [lines.wait_for("! ") for _ in range(9)][-3:]
            assert all("CANCELED" in line and "reason=disconnect" in line for line in canceled), canceled
        service.kill()
    assert lsns[0] == lsns[1], "the second start changed something again"


# -- configuration -----------------------------------------------------------------------------------------------------

def test_differences_from_the_seed_are_told_and_change_nothing(fresh):
    service = fresh()
    with service.lines() as lines:
        play(lines, "DEP 5 USD 100.00 ref=1\n + *")
        before = [sorted(row(lines, query)) for query in ("AST", "WLT", "VEN", "INS", "ACC", "SET", "BAL 5")]
    assert service.stop() == 0
    differences = ["AST USD decimals=4", "AST XRP decimals=6", "WLT extra", "VEN other kind=manual",
                   "INS EX-USD venue=lab wallet=spot base=EX quote=USD tick=0.05 lot=1"]
    service.config = service.directory / "other.yaml"
    service.config.write_text("seed:\n" + "".join(f"  - {line}\n" for line in [
        "AST EX decimals=0", *differences, "DEP 5 USD 7.00 ref=seed"]))
    told = len(service.said())
    service.start()
    said = service.said()[told:]
    for line in differences:
        assert f"`{line}`" in said, f"{line} is not in:\n{said}"
    assert "`AST EX decimals=0`" not in said
    with service.lines() as lines:
        assert [sorted(row(lines, query)) for query in ("AST", "WLT", "VEN", "INS", "ACC", "SET", "BAL 5")] == before


def listening_on(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_flag_before_environment_before_file(fresh, monkeypatch):
    in_file, in_environment, in_flag = free_port(), free_port(), free_port()
    service = fresh(start=False)
    service.config = service.directory / "cashup.yaml"
    service.config.write_text(f"listen: 127.0.0.1:{in_file}\nloops: 2\nauth: off\ndata: {service.data}\n")
    command = service.command()
    short = [command[0], "serve", "--config", str(service.config)]

    def started(port, loops, *flags):
        service.command = lambda: short + list(flags)
        service.port = port
        service.start()
        with service.lines() as lines:
            assert f"loops={loops} " in row(lines, "STAT")[0]
        assert [each for each in (in_file, in_environment, in_flag) if listening_on(each)] == [port]
        assert service.stop() == 0

    started(in_file, 2)
    monkeypatch.setenv("CASHUP_LISTEN", f"127.0.0.1:{in_environment}")
    monkeypatch.setenv("CASHUP_LOOPS", "3")
    started(in_environment, 3)
    started(in_flag, 1, "--listen", f"127.0.0.1:{in_flag}", "--loops", "1")
    # The file itself: the flag's before the environment's.
    monkeypatch.setenv("CASHUP_CONFIG", str(service.directory / "nowhere.yaml"))
    started(in_environment, 3)
    short = [command[0], "serve"]
    service.command = lambda: short
    refuses_to_start(service, 64, "nowhere.yaml", "No such file")
    monkeypatch.setenv("CASHUP_CONFIG", str(service.config))
    started(in_environment, 3)
    monkeypatch.setenv("CASHUP_LOOPS", "several")
    refuses_to_start(service, 64, "CASHUP_LOOPS=several")


def test_configuration_that_is_a_directory(fresh):
    service = fresh(start=False)
    service.config = service.directory / "etc"
    service.config.mkdir()
    service.launch()
    try:
        code = service.process.wait(2)
    except subprocess.TimeoutExpired:
        code = None
    if code is None:
        pytest.fail("it serves the defaults, as if the file named had been empty")
    service.process = None
    assert code == 64 and str(service.config) in service.said(), service.said()


# -- signals -----------------------------------------------------------------------------------------------------------

def held_back(service):
    """A client that takes no answers, so that a drain has to wait for it."""
    slow = service.lines(receive_buffer=4096)
    slow.socket.settimeout(0.3)
    try:
        for _ in range(200):
            slow.send("1 INS\n" * 4000)
    except OSError:
        pass
    return slow


@pytest.mark.parametrize("first, second, code", [
    (signal.SIGTERM, signal.SIGTERM, 0), (signal.SIGTERM, signal.SIGINT, 130), (signal.SIGINT, signal.SIGINT, 130)])
def test_second_signal_while_draining(fresh, first, second, code):
    """A second SIGTERM changes nothing; a SIGINT after any ends it at once. Either way what was acknowledged is there."""
    service = fresh()
    with service.lines() as lines:
        play(lines, "DEP 5 USD 100.00 ref=1\n + *")
        slow = held_back(service)
        service.process.send_signal(first)
        lines.wait_for("* DRAINING")
        time.sleep(0.1)
        assert service.process.poll() is None, "the drain did not wait"
        service.process.send_signal(second)
        if code == 0:
            time.sleep(0.2)
            assert service.process.poll() is None, "the second signal cut the drain short"
        else:
            assert service.process.wait(2) == code
        slow.close()
        assert service.process.wait(15) == code
        service.process = None
    service.start()
    with service.lines() as lines:
        play(lines, "DEP 5 USD 100.00 ref=1\n + OK available=100.00 dup=1")


def test_interrupt_is_a_clean_stop(fresh):
    service = fresh()
    service.process.send_signal(signal.SIGINT)
    ends(service, 0, "SIGINT: draining", "stopped cleanly")


def test_term_during_the_start(fresh):
    """At any moment: until it is ready it dies of it, later it stops cleanly. The log is whole either way."""
    service = fresh()
    with service.client() as client:
        client.deposit(5, "USD", 1_000_000, ref="d")
        client.run_many([c.new_order(5, "EX-USD", "B", 1, "0.01", id=f"{n}") for n in range(5_000)], timeout=60)
    service.kill()
    codes = []
    for step in range(24):
        service.launch()
        time.sleep(0.002 * step)
        service.process.send_signal(signal.SIGTERM)
        codes.append(service.process.wait(10))
        service.process = None
    assert set(codes) <= {0, -signal.SIGTERM}, f"{codes}:\n{service.said()}"
    service.start()
    assert service.stop() == 0
    service.start()
    with service.client() as client:
        assert len(list(client.iter_orders(5))) == 5_000


def test_slow_disk_bounds_what_is_in_flight(fresh, preload, tmp_path):
    """A connection that sends and sends is not read any further when 4,096 of its commands wait for the disk."""
    slow = tmp_path / "slow"
    service = fresh(environment={"LD_PRELOAD": preload("slow_disk"), "SLOW_DISK_WHILE": str(slow)})
    with service.client() as client:
        client.deposit(5, "USD", 1_000_000, ref="d")
    commands = "".join(f"n{n} NEW 5 EX-USD B LMT 1 0.01 GTC id=f{n}\n" for n in range(30_000)).encode()
    with service.lines() as flood, service.lines() as other:
        slow.touch()
        sender = threading.Thread(target=flood.send, args=(commands,), daemon=True)
        sender.start()
        time.sleep(0.7)
        other.send("1 STAT\n")
        row = other.read(timeout=20)
        slow.unlink()
        facts = dict(pair.split("=", 1) for pair in row.split(" ") if "=" in pair)
        assert 0 < int(facts["lsn"]) - int(facts["durable"]) <= 4_096, row
        for number in range(30_000):
            assert flood.read(timeout=20).startswith(f"+n{number} ")
        sender.join(10)
