"""Memory that runs out, a process that is stopped and goes on, and SIGTERM in every phase of a life."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lines import play
from venue import Desk

AT_ONCE = 500
ORDERS_MAX = 2_000_000
LONG = 100_000
NOTE = "n" * 36
MEMORY_GROUPS = Path("/sys/fs/cgroup/memory")


def entered(first, count):
    return "".join(f"{n} NEW 5 BTC-USD B LMT 0.00000001 0.01 GTC id=o{n} note={NOTE}\n" for n in range(first, first + count))


def orders(service, count=ORDERS_MAX):
    """Orders until there are so many or the service ends; gives how many it has acknowledged. Answers come in their order."""
    taken = 0
    try:
        with service.lines() as lines:
            play(lines, "DEP 5 USD 1000000.00 ref=1\n + *")
            while taken < count:
                lines.send(entered(taken, AT_ONCE))
                for _ in range(AT_ONCE):
                    answer = lines.read(timeout=30)
                    assert answer.startswith(f"+{taken} "), answer
                    taken += 1
    except (EOFError, ConnectionError):
        pass
    return taken


def open_orders(service):
    with service.lines() as lines:
        lines.send("1 STAT\n")
        return int(re.search(r" open_orders=(\d+)", " ".join(lines.answer())).group(1))


def are_there(service, taken):
    """All that were acknowledged, and of those under way at the end a beginning."""
    assert taken <= open_orders(service) <= taken + AT_ONCE
    with service.lines() as lines:
        lines.send(entered(taken - AT_ONCE, AT_ONCE))
        assert all(line.endswith("dup=1") for line in (lines.read() for _ in range(AT_ONCE)))


# -- memory ------------------------------------------------------------------------------------------------------------

def address_space(service):
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(re.search(r"VmSize:\s+(\d+)", status).group(1)) << 10


@pytest.mark.slow
def test_limit_on_memory_ends_the_process_and_loses_nothing(fresh):
    """It says what was missing. A start under the same limit ends the same way, again and again, and harms nothing."""
    service = fresh(laboratory=False, config="segment_bytes: 4194304\n")
    limit = address_space(service) + (24 << 20)
    subprocess.run(["prlimit", "--pid", str(service.process.pid), f"--as={limit}"], check=True)
    taken = orders(service)
    assert AT_ONCE < taken < ORDERS_MAX
    code = service.process.wait(20)
    service.process = None
    assert code == -signal.SIGABRT and "failed to allocate" in service.said(), f"exit code {code}:\n{service.said()[:2000]}"
    command = service.command
    service.command = lambda: ["prlimit", "--as=200000000", *command()]
    for _ in range(3):
        service.launch()
        code = service.process.wait(20)
        service.process = None
        assert code != 0
    service.command = command
    service.start()
    are_there(service, taken)


@pytest.fixture
def memory_group():
    """A cgroup of the test's own: ``memory_group(bytes)`` gives a function that puts a process into it."""
    if not (MEMORY_GROUPS / "memory.limit_in_bytes").exists() or not os.access(MEMORY_GROUPS, os.W_OK):
        pytest.skip("there is no memory cgroup (version 1) that may be written")
    group = MEMORY_GROUPS / f"cashup-test-{os.getpid()}"

    def make(size):
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(size))
        return lambda process: (group / "cgroup.procs").write_text(str(process))

    yield make
    if group.exists():
        group.rmdir()


@pytest.mark.slow
def test_kernel_out_of_memory_loses_nothing(memory_group, fresh):
    service = fresh(laboratory=False, config="segment_bytes: 4194304\n")
    memory_group(service.resident_bytes() + (40 << 20))(service.process.pid)
    taken = orders(service)
    assert AT_ONCE < taken < ORDERS_MAX
    assert service.process.wait(20) == -signal.SIGKILL
    service.process = None
    service.start()
    are_there(service, taken)


# -- stopped, and going on ---------------------------------------------------------------------------------------------

def test_stopped_for_seconds_and_going_on(fresh):
    """As under a debugger, or on a virtual machine that is moved: what was sent meanwhile is answered, time has gone on, nothing is lost."""
    service = fresh(loops=2)
    with service.lines() as lines, service.lines() as other:
        now = int(lines.ask("1 TIME").partition("time=")[2])
        play(lines, f"""
            DEP 5 USD 100000.00 ref=1
            + *
            NEW 5 EX-USD B LMT 1 1.00 GTD id=short expire={now + 1500}
            + *
            """)
        service.process.send_signal(signal.SIGSTOP)
        # A turn that had begun would decide all that it then reads at the time of its begin.
        time.sleep(0.1)
        for number in range(200):
            other.send(f"{number} NEW 5 EX-USD B LMT 1 1.00 GTC id=o{number}\n")
        other.send(f"late NEW 5 EX-USD B LMT 1 1.00 GTC id=late before={now + 1000}\n")
        time.sleep(3)
        service.process.send_signal(signal.SIGCONT)
        for number in range(200):
            assert other.read().startswith(f"+{number} ")
        assert other.read().startswith("-late TOO_LATE")
        assert 2_900 < int(lines.ask("2 TIME").partition("time=")[2]) - now < 9_000
        deadline = time.monotonic() + 3
        while True:
            lines.send("3 ORD 5 EX-USD id=short\n")
            row = lines.answer()[0]
            if "status=EXPIRED" in row:
                break
            assert time.monotonic() < deadline, row
    service.restart()
    assert open_orders(service) == 200


# -- SIGTERM in every phase --------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def long_log(tmp_path_factory):
    """A data directory whose replay takes some tens of milliseconds; killed, not stopped."""
    from service import Service
    service = Service(tmp_path_factory.mktemp("long"), config="segment_bytes: 4194304\n").start()
    assert orders(service, LONG) == LONG
    service.kill()
    return service


def ends_with(service, *codes):
    code = service.process.wait(15)
    service.process = None
    assert code in codes, f"exit code {code}:\n{service.said()[-2000:]}"
    return code


def wait_until_said(service, text, before):
    deadline = time.monotonic() + 10
    while text not in service.said()[before:]:
        assert time.monotonic() < deadline and service.process.poll() is None, service.said()[before:]
        time.sleep(0.002)


@pytest.mark.slow
def test_term_during_a_long_replay_ends_at_once(long_log):
    """The replay is held up, so that the signal meets it: it does not wait for the replay's end, and harms nothing."""
    service = long_log
    codes = set()
    for step in range(12):
        service.launch()
        time.sleep(0.01 + 0.005 * step)
        # Stopped in the middle of it: the signal is there before anything else goes on.
        service.process.send_signal(signal.SIGSTOP)
        service.process.send_signal(signal.SIGTERM)
        service.process.send_signal(signal.SIGCONT)
        codes.add(ends_with(service, 0, -signal.SIGTERM))
    assert -signal.SIGTERM in codes
    assert "SIGTERM during the start" in service.said()
    service.start()
    assert open_orders(service) == LONG
    service.kill()


@pytest.mark.slow
@pytest.mark.parametrize("loops", [1, 4])
def test_term_under_load_answers_what_it_took(fresh, loops):
    """What was received is answered, what is refused was not done; the stop is clean, and nothing is lost after it."""
    service = fresh(loops=loops)
    with service.lines() as lines:
        play(lines, "DEP 5 USD 1000000.00 ref=1\n + *")
        lines.send(entered(0, 5_000))
        lines.read()
        service.process.send_signal(signal.SIGTERM)
        answers = lines.rest()
    taken = 1 + sum(line[0] == "+" for line in answers)
    assert {line.split(" ")[1] for line in answers if line[0] == "-"} <= {"DRAINING"}
    assert answers[-1] == "* BYE reason=shutdown"
    ends_with(service, 0)
    assert "stopped cleanly" in service.said()
    service.start()
    assert open_orders(service) == taken


@pytest.mark.slow
@pytest.mark.parametrize("after_ms", [0, 1, 3, 10, 50])
def test_term_and_then_kill(fresh, after_ms):
    """An impatient supervisor: in the middle of the drain, of the closing frame, of the cut of the last segment."""
    service = fresh(laboratory=False, config="segment_bytes: 65536\n")
    taken = 0
    for _ in range(4):
        with service.lines() as lines:
            play(lines, "DEP 5 USD 1000000.00 ref=1\n + *")
            lines.send(entered(taken, 1_000))
            for _ in range(500):
                assert lines.read()[0] == "+"
            service.process.send_signal(signal.SIGTERM)
            time.sleep(after_ms / 1000)
            service.process.send_signal(signal.SIGKILL)
            taken += 500 + sum(line[0] == "+" for line in lines.rest())
        ends_with(service, 0, -signal.SIGKILL)
        service.start()
        found = open_orders(service)
        assert taken <= found <= taken + 1_000
        taken = found


def test_orders_that_look_at_all_of_a_book_let_others_in(fresh):
    """FOK orders for more than there is change nothing, so nothing but their time ends a turn."""
    service = fresh(loops=1)
    with service.lines() as lines, service.lines() as other:
        desk = Desk(lines, (7, 8, 9))
        for first in range(0, 40_000, 4_000):
            lines.send("".join(f"t NEW 7 {desk.symbol} S LMT 0.0001 {100 + number % 100}.00 GTC id=s{number}\n" for number in range(first, first + 4_000)))
            assert all(lines.answer()[-1][0] == "+" for _ in range(4_000))
        lines.send("".join(f"t NEW 8 {desk.symbol} B LMT 5 200.00 FOK id=f{number}\n" for number in range(300)))
        took = []
        for number in range(10):
            began = time.monotonic()
            assert other.ask(f"t NEW 9 BTC-USDT B LMT 0.001 1.00 GTC id=n{number}")[0] == "+"
            took.append(time.monotonic() - began)
        assert all(lines.answer()[-1] == "-t UNFILLABLE available=4.00000" for _ in range(300))
    assert max(took) < 0.3, took
