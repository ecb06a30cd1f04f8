"""Bad input over the socket: each gets its own refusal or a bounded disconnect; state, memory and others are unharmed."""

import os
import random
import resource
import socket
import time

import pytest

from cashup import commands as c
from lines import play

MEMORY_GROWTH_BYTES_MAX = 64 << 20


@pytest.fixture
def bystander(shared, accounts):
    """Another client, which must notice nothing: it trades before and after."""
    account = next(accounts)
    with shared.client() as client:
        client.deposit(account, "USD", 1000, ref="funds")
        order = client.new_order(account, "EX-USD", "B", 1, "10.00", id="before")
        before = client.balances(account)
        memory = shared.resident_bytes()
        yield client
        assert client.balances(account) == before
        assert client.cancel(account, "EX-USD", order).status == "CANCELED"
        assert client.new_order(account, "EX-USD", "B", 1, "10.00", id="after").status == "NEW"
        assert shared.resident_bytes() - memory < MEMORY_GROWTH_BYTES_MAX


LINES = [
    (b"PING", "-PING MISSING_ARGUMENT argument=verb"),
    (b"PING%", "-? BAD_TAG"),
    (b"PING extra words", "-PING UNKNOWN_VERB verb=extra"),
    (b" 1 PING", "-? BAD_TAG"),
    (b"!x PING", "-? BAD_TAG"),
    (b"123456789012345678901 PING", "-? BAD_TAG"),
    (b"12345678901234567890 PING", "+12345678901234567890 OK"),
    (b"\x00", "-? BAD_TAG"),
    (b"\xff\xfe 1 PING", "-? BAD_TAG"),
    (b"1 PING ", "-1 BAD_CHARACTER"),
    (b"1  PING", "-1 BAD_CHARACTER"),
    (b"1 PI\x00NG", "-1 BAD_CHARACTER"),
    (b"1 PING\x07", "-1 BAD_CHARACTER"),
    (b"1 PING\r\r", "-1 BAD_CHARACTER"),
    (b"1 \xc3\xbc", "-1 BAD_CHARACTER"),
    (b"1 " + b"x" * 2000, "-1 LINE_TOO_LONG"),
    (b"x" * 5000, "-? LINE_TOO_LONG"),
    (b"x%" * 5000 + b" PING", "-? LINE_TOO_LONG"),
    (b"1 PING\r", "+1 OK"),
]


@pytest.mark.parametrize("line, answer", LINES, ids=[repr(line[:20])[2:-1] for line, _ in LINES])
def test_line(shared, line, answer):
    with shared.lines() as lines:
        lines.send(line + b"\nafter PING\n")
        found = lines.answer()[-1]
        assert found == answer or found.startswith(answer + " "), found
        assert lines.answer() == ["+after OK"]


def test_line_of_exactly_1024_bytes_is_taken_and_one_more_is_not(shared):
    with shared.lines() as lines:
        command = "1 NEW 1 EX-USD B LMT 1 1.00 GTC id=x note="
        assert lines.ask(command + "x" * (1024 - len(command))).split(" ")[1] != "LINE_TOO_LONG"
        assert lines.ask(command + "x" * (1025 - len(command))).split(" ")[1] == "LINE_TOO_LONG"
        lines.send(command + "x" * (1024 - len(command)) + "\r\n")
        assert lines.answer()[-1].split(" ")[1] != "LINE_TOO_LONG"


def test_empty_lines_are_ignored(shared):
    with shared.lines() as lines:
        lines.send("\n\r\n\n1 PING\n\n")
        assert lines.answer() == ["+1 OK"]


def test_over_long_line_of_megabytes_is_skipped_in_bounded_memory(shared, bystander):
    with shared.lines() as lines:
        for _ in range(64):
            lines.send(b"y" * (1 << 20))
        lines.send("\n1 PING\n")
        assert lines.answer()[-1].split(" ")[:2] == ["-?", "LINE_TOO_LONG"]
        assert lines.answer() == ["+1 OK"]


def test_bytes_one_at_a_time(shared):
    with shared.lines() as lines:
        lines.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"1 PING\n2 BAL 424242\n":
            lines.send(bytes([byte]))
        assert lines.answer() == ["+1 OK"]
        assert lines.answer()[0].startswith("-2 UNKNOWN_ACCOUNT")


def test_garbage_between_good_commands_answers_stay_in_order(shared, account, bystander):
    with shared.lines() as lines:
        lines.send(f"1 DEP {account} USD 5 ref=g\n".encode() + b"2 \x01\x02\n3 NOPE\n" + b"z" * 3000
                   + f"\n4 BAL {account} USD\n5 PING\n\xff\n6 ".encode("latin-1") + b"PING\n")
        first = [lines.answer()[-1].split(" ")[:2] for _ in range(7)]
        assert first == [["+1", "OK"], ["-2", "BAD_CHARACTER"], ["-3", "UNKNOWN_VERB"], ["-?", "LINE_TOO_LONG"],
                         ["+4", "1"], ["+5", "OK"], ["-?", "BAD_TAG"]]
        assert lines.answer() == ["+6 OK"]
        assert lines.ask(f"7 WDR {account} USD 5 ref=h").startswith("+7 OK")


def test_half_line_and_hang_up_takes_no_effect(shared, account, bystander):
    command = f"1 DEP {account} USD 5 ref=half"
    for hang_up in ("close", "reset"):
        for length in range(0, len(command) + 1, 3):
            lines = shared.lines()
            lines.send(command[:length])
            getattr(lines, hang_up)()


def test_whole_lines_and_hang_up_take_effect(shared, account):
    lines = shared.lines()
    lines.send("".join(f"{n} DEP {account} USD 1 ref={n}\n" for n in range(20)))
    lines.socket.shutdown(socket.SHUT_WR)
    assert len([line for line in lines.rest() if line.startswith("+")]) == 20
    with shared.client() as client:
        assert client.balances(account)[0].total == 20


def test_a_thousand_idle_connections(shared, bystander):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    idle = []
    try:
        for _ in range(1000):
            idle.append(shared.lines(greet=False))
        assert idle[0].ask("1 PING").startswith("*") or idle[0].ask("2 PING").startswith("+")
        assert idle[999].read().startswith("* CASHUP 1")
        assert bystander.ping(timeout=2) is None
        assert idle[999].ask("1 PING") == "+1 OK"
    finally:
        for lines in idle:
            lines.close()


def test_client_that_never_reads_is_bounded(shared, bystander):
    """It sends queries with long answers and takes none: the service stops reading from it, its memory stays bounded."""
    with shared.lines(receive_buffer=4096) as lines:
        lines.socket.settimeout(0.5)
        sent = 0
        started = time.monotonic()
        try:
            while sent < 256 << 20 and time.monotonic() - started < 10:
                sent += lines.socket.send(b"1 INS\n" * 10_000)
        except (socket.timeout, ConnectionError):
            pass
        assert sent < 256 << 20, "the service went on reading"
        assert bystander.ping(timeout=2) is None


def test_window_of_commands_in_flight(shared, account):
    """More commands than the window of 4,096 in one go: all are answered, in order."""
    with shared.client(window=20_000) as client:
        client.deposit(account, "USD", 20_000, ref="d")
        lsns = [r.lsn for r in client.run_many([c.withdraw(account, "USD", 1, ref=f"{n}") for n in range(20_000)], 60)]
        assert lsns == sorted(lsns) and len(set(lsns)) == 20_000
        assert [balance.total for balance in client.balances(account)] in ([], [0])


@pytest.mark.parametrize("kind", ["bytes", "ascii", "mutated"])
def test_random_bytes(shared, bystander, kind):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    pick = random.Random(seed)
    good = [b"1 NEW 999 EX-USD B LMT 1 10.00 GTC id=x\n", b"2 BAL 999\n", b"3 RPL 999 EX-USD id=x 1 1.00\n", b"4 PING\n",
            b"5 ORD 999 status=all limit=5\n", b"6 FIL 999 EX-USD 17 1 1.0 exec=x fee=-1\n", b"7 CXL 999 EX-USD id=x\n"]

    def noise():
        if kind == "bytes":
            return os.urandom(0) + pick.randbytes(pick.randint(1, 4000))
        if kind == "ascii":
            return bytes(pick.choice(b"ABDEFLNSX 0123456789.-=%\n\n") for _ in range(pick.randint(1, 2000)))
        mutated = bytearray(b"".join(pick.choice(good) for _ in range(20)))
        for _ in range(pick.randint(1, 20)):
            mutated[pick.randrange(len(mutated))] = pick.randrange(256)
        return bytes(mutated)

    for _ in range(60):
        with shared.lines() as lines:
            try:
                for _ in range(5):
                    lines.send(noise())
                lines.send(b"\n~\nend TIME\n")
                assert lines.wait_for("+end OK")
            except ConnectionError:
                pytest.fail("closed for mere noise")


def test_connections_beyond_the_maximum_are_told_so(fresh):
    service = fresh(config="max_connections: 5\n", start=False).start()
    held = [service.lines() for _ in range(5)]
    deadline = time.monotonic() + 5
    with service.lines(greet=False) as lines:
        assert lines.rest()[-1] == "* BYE reason=connections"
    held.pop().close()
    while time.monotonic() < deadline:
        with service.lines(greet=False) as lines:
            if lines.read().startswith("* CASHUP"):
                return
        time.sleep(0.05)
    pytest.fail("the place of a closed connection was not given to another")


def test_numbers_at_the_edge_of_64_bits(shared, account):
    with shared.lines() as lines:
        play(lines, """
            DEP $a USD 1000000000000.00 ref=1
            + *
            NEW $a EX-USD B LMT 9223372036854775807 0.01 GTC id=1
            - * *
            NEW $a EX-USD B LMT 9223372036854775808 0.01 GTC id=1
            - NUMBER_TOO_LARGE *
            NEW $a EX-USD B LMT 1 922337203685477.58 GTC id=1
            - * *
            NEW $a EX-USD B LMT 9000000000000000000 900000000000000.00 GTC id=1
            - * *
            """, a=account)
