"""Snapshots: SNP, and what a start from one answers."""

import re
import signal
import time

import pytest

from cashup import commands as c
from lines import play
from service import cashup
from states import (ACCOUNTS, GOING_ON, MEMORY, SNAPSHOT_SECONDS_MAX, ask, copy_of, live, lsn_of, pour, recovered, snap, snapshots, state_of,
                    verify, wait_until, without_times)


# -- SNP --------------------------------------------------------------------------------------------------------------

def test_answer(small):
    service = small()
    names = live(service)
    with service.lines() as lines:
        end = int(lines.ask("1 SYNC").split("lsn=")[1])
        answer = lines.ask("2 SNP", SNAPSHOT_SECONDS_MAX)
        found = re.fullmatch(r"\+2 OK snapshot=(\d+) orders=(\d+) bytes=(\d+) ms=(\d+) retired=0", answer)
        assert found, answer
        lsn, orders, size, _ = map(int, found.groups())
        file, = snapshots(service)
        assert lsn == end == lsn_of(file) and size == file.stat().st_size
        remembered = sum(len(ask(lines, f"ORD {account} status=all limit=1000")) - 1 for account in ACCOUNTS)
        assert orders == remembered and names["open"]
        assert lines.ask("3 SNP") == f"+3 OK snapshot={end} dup=1"
        assert lines.ask("4 SYNC") == f"+4 OK lsn={end}", "a snapshot is no change"
        assert lines.ask("5 SNP now").startswith("-5 EXTRA_ARGUMENT ")
        assert lines.ask("6 SNP upto=5").startswith("-6 UNKNOWN_KEY ")
    assert not list(service.data.glob("snapshot.tmp"))
    assert f"snapshot of LSN {end}: {orders} orders, {size} bytes" in service.said()


def test_what_is_sent_behind_it_is_answered_behind_it(small):
    service = small()
    live(service)
    with service.lines() as lines:
        pour(lines, 500)
        lines.send("1 PING\n2 SNP\n3 PING\n4 NEW 7 EX-USD B LMT 1 1.00 GTC id=behind\n5 ORD 7 EX-USD id=behind\n6 SNP\n7 SYNC\n8 BOGUS\n9 DEP 7 USD 1 ref=money\n")
        found = []
        while len(found) < 10:
            found.append(lines.read(SNAPSHOT_SECONDS_MAX))
        assert [line.split(" ")[0] for line in found] == ["+1", "+2", "+3", "+4", "=5", "+5", "+6", "+7", "-8", "+9"]
        assert found[1].startswith("+2 OK snapshot=") and found[6].startswith("+6 OK snapshot=")
        assert " status=NEW " in found[4]
        first, second = (int(re.search(r"snapshot=(\d+)", found[place]).group(1)) for place in (1, 6))
        assert first <= second
    service.restart()
    with service.lines() as lines:
        assert ask(lines, "ORD 7 EX-USD id=behind")[-1] == "+ 1"
        play(lines, "DEP 7 USD 1 ref=money\n + OK available=* dup=1")


def test_nobody_else_waits_for_it(small):
    """On other connections commands are answered while one is made, also of accounts that are in it."""
    service = small(loops=2)
    with service.client() as client:
        client.deposit(7, "USD", 1_000_000, ref="usd")
        client.run_many([c.new_order(7, "EX-USD", "B", 1, "0.01", id=f"o{number}") for number in range(20_000)])
    with service.lines() as asking, service.lines() as trading:
        asking.send("1 SNP\n")
        asking.socket.setblocking(False)
        taken, slowest, answer = 0, 0.0, b""
        while not answer:
            began = time.monotonic()
            assert trading.ask(f"1 NEW 7 EX-USD S MKT 1 - GTC id=late{taken}").startswith("-1 INSUFFICIENT")
            assert trading.ask(f"2 DEP 7 USD 1 ref=late{taken}").startswith("+2 OK")
            slowest = max(slowest, time.monotonic() - began)
            taken += 1
            try:
                answer = asking.socket.recv(1000)
            except BlockingIOError:
                pass
        snapshot = re.search(rb"snapshot=(\d+) orders=20000 .*ms=(\d+)", answer)
        assert snapshot, answer
        print(f"{taken} deposits while one was made in {int(snapshot.group(2))} ms, the slowest in {slowest * 1000:.1f} ms")
        assert taken >= 3
        assert lsn_of(snapshots(service)[0]) == int(snapshot.group(1))


def test_many_at_once(small):
    service = small(loops=4)
    live(service)
    with service.lines() as lines:
        pour(lines, 300)
        end = int(lines.ask("1 SYNC").split("lsn=")[1])
    connections = [service.lines() for _ in range(8)]
    try:
        for lines in connections:
            lines.send("1 SNP\n2 SNP\n")
        answers = [lines.answer(SNAPSHOT_SECONDS_MAX)[0] for lines in connections for _ in range(2)]
    finally:
        for lines in connections:
            lines.close()
    assert {re.match(r"\+[12] OK snapshot=(\d+) ", answer).group(1) for answer in answers} == {str(end)}
    assert len(snapshots(service)) == 1


def test_a_stop_does_not_wait_for_it(small):
    """Whoever has asked is told the one or the other, and half a snapshot is not left."""
    service = small()
    with service.client() as client:
        client.deposit(7, "USD", 1_000_000, ref="usd")
        client.run_many([c.new_order(7, "EX-USD", "B", 1, "0.01", id=f"o{number}") for number in range(20_000)])
    with service.lines() as lines:
        lines.send("1 SNP\n2 PING\n")
        time.sleep(0.01)
        service.process.send_signal(signal.SIGTERM)
        found = [line for line in lines.rest(SNAPSHOT_SECONDS_MAX) if line[0] in "+-"]
    assert service.process.wait(20) == 0
    service.process = None
    assert len(found) == 2 and found[1] == "+2 OK", found
    made = found[0].startswith("+1 OK snapshot=")
    assert made or found[0] == "-1 DRAINING"
    assert len(snapshots(service)) == int(made)
    assert not list(service.data.glob("snapshot.tmp"))
    service.start()
    with service.lines() as lines:
        assert lines.ask("1 SNP", SNAPSHOT_SECONDS_MAX).startswith("+1 OK snapshot=")


def test_command_line(small):
    service = small(auth="jwt")
    admin = service.token(roles=["admin"], accounts="*")
    viewer = service.token(roles=["viewer"], accounts=[7])
    at = ("snapshot", "--connect", f"127.0.0.1:{service.port}")
    refused = cashup(*at, "--token", viewer)
    assert refused.returncode == 1 and "FORBIDDEN need=admin" in refused.stderr
    assert not snapshots(service)
    done = cashup(*at, "--token", admin)
    assert done.returncode == 0 and f"snapshot={lsn_of(snapshots(service)[0])}" in done.stdout, done
    busy = cashup("snapshot", "--data", service.data)
    assert busy.returncode == 75 and "in use" in busy.stderr
    with service.lines() as lines:
        assert lines.ask("1 AUTH " + admin).startswith("+1 OK")
        live_lsn = int(lines.ask("2 DEP 7 USD 1 ref=x").split("lsn=")[1])
    service.kill()
    crashed = cashup("snapshot", "--data", service.data)
    assert crashed.returncode == 64 and "start the service once" in crashed.stderr
    service.start()
    assert service.stop() == 0
    done = cashup("snapshot", "--data", service.data)
    assert done.returncode == 0 and f"LSN {live_lsn}" in done.stdout, done
    assert "already" in cashup("snapshot", "--data", service.data).stdout
    code, said = verify(service.data)
    assert code == 0 and said.count("whole, the same as a replay") == 2, said
    service.start()
    assert recovered(service) == live_lsn


def test_python_client(small):
    with small().client() as client:
        client.deposit(7, "USD", 1, ref="d")
        end = client.sync()
        made = client.snapshot(timeout=SNAPSHOT_SECONDS_MAX)
        assert (made.lsn, made.orders, made.retired, made.dup) == (end, 0, 0, False) and made.bytes > 0 and made.ms >= 0
        again = client.snapshot()
        assert (again.lsn, again.orders, again.dup) == (end, None, True)


# -- Starts -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("loops", [1, 4])
def test_a_start_from_it_is_a_start_from_the_log(small, tmp_path, loops):
    """The same state, to the last bit, as before the kill and as of a replay from the beginning; with records after the snapshot, and
    with none."""
    service = small(loops=loops)
    live(service)
    with service.lines() as lines:
        first = snap(lines)
        play(lines, "CXL 7 EX-USD id=part\n + *\n DEP 7 USD 1 ref=after\n + *\n ACC 11 open\n + *\n AST NEWER decimals=3\n + *\n DEP 11 NEWER 5 ref=1\n + *")
        pour(lines, 1500)
        second = snap(lines)
        before = state_of(lines, (*ACCOUNTS, 11))
    service.kill()
    whole = copy_of(service, tmp_path / "whole", snapshots=False, loops=loops)
    older = copy_of(service, tmp_path / "older", loops=loops)
    snapshots(older)[0].unlink()
    try:
        for each, origin in ((service, second), (older, first), (whole, 0)):
            each.start()
            assert recovered(each) == origin
            with each.lines() as lines:
                assert state_of(lines, (*ACCOUNTS, 11)) == before, origin
    finally:
        older.close()
        whole.close()
    service.restart()
    with service.lines() as lines:
        assert state_of(lines, (*ACCOUNTS, 11)) == before


@pytest.mark.parametrize("loops", [1, 4])
def test_everything_goes_on(small, tmp_path, loops):
    """What was remembered is remembered, numbers go on, and what a service on the snapshot does next is what one on the log does."""
    service = small(loops=loops)
    names = live(service)
    with service.lines() as lines:
        snap(lines)
        last = max(int(row.split(" ")[1]) for row in ask(lines, "ORD 7 status=all limit=1000")[:-1])
        trades = max(int(row.split(" ")[1]) for row in ask(lines, "TRD 7 limit=1000")[:-1])
    service.kill()
    whole = copy_of(service, tmp_path / "whole", snapshots=False, loops=loops)
    found = []
    try:
        for each in (service, whole):
            each.start()
            with each.lines() as lines:
                play(lines, MEMORY, open=names["open"])
                play(lines, GOING_ON)
                new = play(lines, "NEW 7 EX-USD B LMT 1 2.00 GTC id=next\n + $next NEW *\n FIL 7 EX-USD id=next 1 2.00 exec=1\n + $next FILLED trade=$trade *")
                assert int(new["next"]) > last and int(new["trade"]) > trades
                found.append((new["next"], new["trade"], without_times(state_of(lines))))
        assert found[0] == found[1]
    finally:
        whole.close()
    service.restart()
    with service.lines() as lines:
        assert without_times(state_of(lines)) == found[0][2]


def test_orders_of_lost_sessions_and_those_that_expire(small):
    """Cancel on disconnect of sessions and expiry of orders that are in the snapshot alone."""
    service = small()
    with service.lines() as lines, service.lines() as leaving:
        play(lines, "DEP 7 USD 1000 ref=d\n + *")
        assert leaving.ask("1 AUTH - session=desk cod=1").startswith("+1 OK")
        assert leaving.ask("2 NEW 7 EX-USD B LMT 2 10.00 GTC id=cod").startswith("+2 ")
        soon = int(lines.ask("t TIME").split("time=")[1]) + 2500
        play(lines, f"NEW 7 EX-USD B LMT 3 10.00 GTD id=soon expire={soon}\n + * NEW *\n NEW 7 EX-USD B LMT 4 10.00 GTC id=stays\n + * NEW *")
        lsn = snap(lines)
        service.kill()
    service.start()
    assert recovered(service) == lsn
    with service.lines() as lines:
        play(lines, "ORD 7 EX-USD id=cod\n = * status=CANCELED reason=disconnect *\n + 1")
        wait_until(lambda: " status=EXPIRED " in ask(lines, "ORD 7 EX-USD id=soon")[0], 20)
        play(lines, "ORD 7 EX-USD id=stays\n = * status=NEW *\n + 1\n BAL 7 USD\n = USD spot total=1000.00 available=960.00 reserved=40.00 held=0.00 transit=0.00\n + 1")
