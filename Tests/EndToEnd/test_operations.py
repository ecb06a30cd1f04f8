"""Starting, stopping and looking after it: ports, configuration, locks, corruption, drain, the log's tools."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from lines import play
from service import cashup


def starts_and_fails(service, *words):
    """The start ends by itself, with an exit code other than 0, and says each of `words`."""
    service.launch()
    code = service.process.wait(20)
    service.process = None
    said = service.said()
    assert code not in (0, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGILL, -signal.SIGTRAP), f"exit code {code}:\n{said}"
    for word in words:
        assert word in said, f"{word!r} is not in:\n{said}"
    return said


def some_orders(service, count, first=0):
    with service.lines() as lines:
        play(lines, "DEP 5 USD 1000000.00 ref=funds\n + *")
        lines.send("".join(f"{n} NEW 5 EX-USD B LMT 1 0.01 GTC id={n}\n" for n in range(first, first + count)))
        for _ in range(count):
            assert lines.answer()[-1][0] == "+"


def test_port_is_taken(fresh):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        service = fresh(start=False)
        service.port = holder.getsockname()[1]
        starts_and_fails(service, str(service.port))


def test_second_process_on_the_same_data_is_refused_and_the_first_goes_on(fresh):
    first = fresh()
    second = fresh(start=False)
    second.data = first.data
    starts_and_fails(second, str(first.data))
    some_orders(first, 10)


@pytest.mark.parametrize("config, word", [
    ("colour: red\n", "colour"),
    ("loops: many\n", "loops"),
    ("loops: 0\n", "loops"),
    ("loops: [1, 2\n", "cashup.yaml"),
])
def test_wrong_configuration(fresh, config, word):
    service = fresh(start=False, config=config)
    command = service.command
    service.command = lambda: [each for each in command() if each not in ("--loops", "1")]
    starts_and_fails(service, word)


def test_configuration_file_that_is_not_there(fresh):
    service = fresh(start=False)
    service.config = service.directory / "nowhere.yaml"
    starts_and_fails(service, "nowhere.yaml")


def test_jwt_without_a_secret(fresh):
    service = fresh(start=False, auth="jwt")
    service.secret = ""
    starts_and_fails(service, "JWT_SECRET_KEY")


def test_auth_off_only_on_loopback(fresh):
    service = fresh(start=False)
    command = service.command
    service.command = lambda: [each.replace("127.0.0.1", "0.0.0.0") for each in command()]
    starts_and_fails(service, "loopback")


def test_data_directory_that_cannot_be_written(fresh):
    service = fresh(start=False)
    service.data = service.directory / "file"
    service.data.write_text("not a directory")
    starts_and_fails(service, str(service.data))


def test_flipped_byte_in_a_sealed_segment_is_refused_with_its_place(fresh):
    service = fresh()
    some_orders(service, 2000)
    assert service.stop() == 0
    service.start()
    some_orders(service, 10, first=5000)
    assert service.stop() == 0
    segment = service.segments()[0]
    good = segment.read_bytes()
    assert len(good) > 1000
    spoiled = bytearray(good)
    spoiled[len(good) // 2] ^= 0x20
    segment.write_bytes(spoiled)
    said = starts_and_fails(service, segment.name)
    assert re.search(r"offset", said, re.I) and re.search(r"lsn", said, re.I)
    verified = cashup("wal", "verify", service.data)
    assert verified.returncode != 0
    assert segment.name in verified.stdout + verified.stderr
    segment.write_bytes(good)
    service.start()
    with service.client() as client:
        assert len(list(client.iter_orders(5))) == 2010


def test_missing_segment_is_refused(fresh):
    service = fresh()
    some_orders(service, 100)
    for number in (1, 2):
        assert service.stop() == 0
        service.start()
        some_orders(service, 10, first=1000 * number)
    assert service.stop() == 0
    segments = service.segments()
    assert len(segments) >= 3
    aside = service.directory / "aside"
    shutil.move(segments[1], aside)
    starts_and_fails(service)
    shutil.move(aside, segments[1])
    service.start()


def test_torn_tail_is_cut_and_said_so(fresh):
    service = fresh()
    some_orders(service, 200)
    service.kill()
    segment = service.segments()[-1]
    raw = segment.read_bytes().rstrip(b"\0")
    with open(segment, "r+b") as file:
        file.seek(len(raw))
        file.write(b"\x50\x2a\x4d\x18garbage of a frame that was never finished")
    service.start()
    with service.client() as client:
        assert len(list(client.iter_orders(5))) == 200


def test_term_answers_what_is_in_flight_and_exits_0(fresh):
    service = fresh()
    with service.lines() as lines:
        play(lines, "DEP 5 USD 1000000.00 ref=funds\n + *")
        found = []
        ended = threading.Event()

        def read():
            try:
                while True:
                    found.append(lines.read(20))
            except (EOFError, OSError):
                ended.set()

        reader = threading.Thread(target=read)
        reader.start()
        number = 0
        stopping = threading.Timer(0.2, lambda: service.process.send_signal(signal.SIGTERM))
        stopping.start()
        try:
            while not ended.is_set() and number < 2_000_000:
                lines.send("".join(f"{n} NEW 5 EX-USD B LMT 1 0.01 GTC id={n}\n" for n in range(number, number + 20)))
                number += 20
        except OSError:
            pass
        assert service.process.wait(20) == 0
        service.process = None
        reader.join(20)
    assert any(line.startswith("* DRAINING") for line in found)
    assert "* BYE reason=shutdown" in found
    answers = [line for line in found if line[0] in "+-"]
    done = [int(line[1:].split(" ")[0]) for line in answers if line[0] == "+"]
    refused = {line.split(" ")[1] for line in answers if line[0] == "-"}
    assert done == list(range(len(done))) and len(done) > 100
    assert refused <= {"DRAINING"}
    service.start()
    with service.client() as client:
        assert sum(1 for _ in client.iter_orders(5)) == len(done)


def test_draining_refuses_new_commands_and_connections(fresh):
    """A connection that does not take its answers keeps the drain waiting, so there is time to look at it."""
    service = fresh()
    with service.lines(receive_buffer=4096) as slow, service.lines() as lines:
        slow.socket.settimeout(0.5)
        try:
            for _ in range(200):
                slow.send("1 INS\n" * 4000)
        except OSError:
            pass
        service.process.send_signal(signal.SIGTERM)
        lines.wait_for("* DRAINING")
        try:
            answer = lines.ask("1 DEP 5 USD 1 ref=late")
            assert answer == "-1 DRAINING"
        except (EOFError, ConnectionError):
            pass  # it had nothing in flight and was closed at once, which is as good
        with pytest.raises((ConnectionError, EOFError, socket.timeout)):
            with service.lines() as late:
                assert "state=ready" not in late.greeting
                late.read()
                raise EOFError
    assert service.process.wait(40) == 0
    service.process = None


def test_segments_are_valid_zstd_streams_after_a_clean_stop(fresh):
    service = fresh()
    some_orders(service, 3000)
    service.restart()
    some_orders(service, 10, first=5000)
    assert service.stop() == 0
    segments = service.segments()
    assert len(segments) >= 2
    assert shutil.which("zstd"), "the zstd program is needed for this test"
    for segment in segments:
        tested = subprocess.run(["zstd", "-t", "--format=zstd", "-c", str(segment)], capture_output=True)
        if tested.returncode:
            tested = subprocess.run(["zstd", "-t", str(segment)], capture_output=True)
        assert tested.returncode == 0, (segment, tested.stderr)
    with open(segments[0], "rb") as file:
        plain = subprocess.run(["zstd", "-dc"], stdin=file, capture_output=True)
    assert plain.returncode == 0 and len(plain.stdout) > 3000


def test_wal_verify_and_dump(fresh):
    service = fresh()
    some_orders(service, 50)
    with service.lines() as lines:
        play(lines, "FIL 5 EX-USD id=7 1 0.01 exec=venue-77\n + *")
    assert service.stop() == 0
    verified = cashup("wal", "verify", service.data)
    assert verified.returncode == 0, verified.stderr
    dumped = cashup("wal", "dump", service.data)
    assert dumped.returncode == 0, dumped.stderr
    assert "venue-77" in dumped.stdout and "EX-USD" in dumped.stdout
    assert len(dumped.stdout.splitlines()) > 50


def test_token_command_makes_a_token_that_is_taken(fresh):
    service = fresh(auth="jwt")
    made = cashup("token", "--sub", "7", "--roles", "trader,admin", "--accounts", "7,8", "--ttl", "60",
                  env=dict(os.environ, JWT_SECRET_KEY=service.secret))
    assert made.returncode == 0, made.stderr
    with service.lines() as lines:
        answer = lines.ask(f"1 AUTH {made.stdout.strip()}")
        assert answer.startswith("+1 OK sub=7 ") and "accounts=7,8" in answer


def test_restart_keeps_everything(fresh):
    service = fresh()
    with service.lines() as lines:
        names = play(lines, """
            DEP 5 USD 100.00 ref=1
            + *
            NEW 5 EX-USD B LMT 2 10.00 GTC id=o strategy=s note=n
            + $o *
            FIL 5 EX-USD id=o 1 9.50 exec=1 fee=0.5 feeasset=FEE liq=T time=17
            + *
            LIM 5 EX-USD max_qty=50
            + *
            MRK EX-USD 11.00
            + *
            SET window_hours 48
            + *
            INS EX-USD tick=0.05
            + *
            """)
        state = ask_all(lines)
    for restart in (service.restart, lambda: (service.stop(), service.start()), service.restart):
        restart()
        with service.lines() as lines:
            assert ask_all(lines) == state
            assert names["o"] in str(state)


def ask_all(lines):
    found = []
    for query in ("BAL 5", "POS 5", "ORD 5 status=all", "TRD 5", "LIM 5", "ACC", "INS", "AST", "WLT", "VEN", "SET"):
        lines.send(f"1 {query}\n")
        found.append(sorted(lines.answer()))
    return found


def test_gtd_that_expired_while_stopped_is_expired_at_the_start(fresh):
    service = fresh()
    with service.lines() as lines:
        play(lines, "DEP 5 USD 100.00 ref=1\n + *")
        soon = int(time.time() * 1000) + 700
        play(lines, f"NEW 5 EX-USD B LMT 2 10.00 GTD id=o expire={soon}\n + *")
    service.kill()
    time.sleep(0.8)
    service.start()
    deadline = time.monotonic() + 3
    with service.client() as client:
        while client.orders(5, status="open") and time.monotonic() < deadline:
            time.sleep(0.05)
        order, = client.orders(5, status="all")
        assert (order.status, order.leaves) == ("EXPIRED", 0)


def test_help_helps():
    shown = cashup("--help")
    assert shown.returncode == 0
    for word in ("serve", "client", "token", "wal", "replay-orders"):
        assert word in shown.stdout
    serve = cashup("serve", "--help").stdout
    for option in ("--data", "--listen", "--config", "--loops", "--auth"):
        assert option in serve
