"""`cashup backup` of running and stopped services, and `cashup restore`."""

import asyncio
import random
import shutil
import threading
from collections import defaultdict
from decimal import Decimal as D

import pytest

from lines import play
from service import Service, cashup
from states import (SMALL, archived, ask, dump, flip, live, logs, lsn_of, pour, recovered, snap, snapshots, state_of, verify, wait_until)
from test_crash import ACCOUNTS, EX, USD, Desk, fund, trading
from test_snapshot_crash import Asker

USAGE, LOCKED = 64, 75
BACKUPS = 3


def backup(service, to, *options):
    return cashup("backup", to, "--data", service.data, *options, timeout=300)


def restore(source, to, **options):
    """A service, not started, on what was restored to a directory of its own."""
    to.mkdir()
    service = Service(to, **{"config": SMALL, **options})
    done = cashup("restore", source, "--data", service.data, timeout=300)
    assert done.returncode == 0 and "sound" in done.stdout and "restored" in done.stdout, done
    return service


def files(directory):
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.name != "LOCK"}


@pytest.fixture
def restored(tmp_path):
    """Makes services on restored directories."""
    made = []

    def make(source, **options):
        made.append(restore(source, tmp_path / f"restored{len(made)}", **options))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def lived(small):
    """A service with two snapshots, a segment in the archive and a log after them."""
    service = small()
    live(service)
    with service.lines() as lines:
        pour(lines, 1200)
        snap(lines)
        pour(lines, 20)
        snap(lines)
        pour(lines, 20)
    assert archived(service)
    return service


# -- Of a running one -------------------------------------------------------------------------------------------------

class Depositor:
    """Deposits one after the other, and which of them were acknowledged."""

    def __init__(self, service):
        self.service, self.is_over, self.count = service, False, 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with self.service.lines() as lines:
            while not self.is_over:
                assert lines.ask(deposit(self.count)).startswith("+1 OK available="), self.count
                self.count += 1

    def stop(self):
        self.is_over = True
        self.thread.join()


def deposit(number):
    return f"1 DEP 99 USD 0.01 ref=d{number}"


def check_consistent(service):
    """What accounts have is what their trades come to, and what is reserved is what their open orders say."""
    usd, ex = defaultdict(lambda: D(USD)), defaultdict(lambda: D(EX))
    for line in dump(service.data).splitlines():
        if " TRADE " in line:
            keys = dict(word.split("=", 1) for word in line.split(" ") if "=" in word)
            sign = 1 if keys["side"] == "B" else -1
            usd[int(keys["account"])] -= sign * D(keys["last"]) * D(keys["px"]) + D(keys["fee"])
            ex[int(keys["account"])] += sign * D(keys["last"])
    with service.client() as client:
        for account in ACCOUNTS:
            rows = {row.asset: row for row in client.balances(account, wallet="spot")}
            assert (rows["USD"].total, rows["EX"].total) == (usd[account], ex[account]), account
            still_open = list(client.iter_orders(account, "EX-USD"))
            assert rows["USD"].reserved == sum(order.leaves * order.price for order in still_open if order.side == "B"), account
            assert rows["EX"].reserved == sum(order.leaves for order in still_open if order.side == "S"), account


@pytest.mark.slow
@pytest.mark.parametrize("loops", [1, 4])
def test_of_a_service_that_trades_and_makes_snapshots(small, tmp_path, restored, loops):
    """Whatever was acknowledged before a backup began is in it; it is the state of one moment; and it goes on as a service."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    service = small(loops=loops)
    desks = [Desk(account, seed + account) for account in ACCOUNTS]
    fund(service)
    asker, depositor = Asker(service), Depositor(service)
    taken = []

    async def storm():
        loop = asyncio.get_running_loop()
        async with trading(service, desks):
            for number in range(BACKUPS):
                count = sum(len(desk.told) for desk in desks)
                while sum(len(desk.told) for desk in desks) < count + 300 or not depositor.count:
                    await asyncio.sleep(0.05)
                told, deposited = [dict(desk.told) for desk in desks], depositor.count
                to = tmp_path / f"backup{number}"
                done = await loop.run_in_executor(None, backup, service, to)
                assert done.returncode == 0 and "sound" in done.stdout and "copied" in done.stdout, done
                taken.append((to, told, deposited))

    try:
        asyncio.run(storm())
    finally:
        depositor.stop()
        asker.stop()
    assert asker.made and not asker.refused
    ends = []
    for to, told, deposited in taken:
        before = files(to)
        code, said = verify(to)
        assert code == 0, said
        copy = restored(to, loops=loops).start()
        with copy.client() as client, copy.lines() as lines:
            for desk, orders in zip(desks, told):
                desk.check_told(client, orders)
            check_consistent(copy)
            # Everything that was told is a repeat here, and where that ends the rest is new.
            repeats = [" dup=1" in lines.ask(deposit(number)) for number in range(depositor.count)]
            assert repeats == sorted(repeats, reverse=True) and repeats.count(True) >= deposited > 0
            assert client.deposit(ACCOUNTS[0], "USD", USD, ref="usd").dup
            check_consistent(copy)
            snap(lines)
            end = state_of(lines, (*ACCOUNTS, 99))
        copy.restart()
        with copy.lines() as lines:
            assert state_of(lines, (*ACCOUNTS, 99)) == end
        ends.append(sum(map(len, told)))
        assert files(to) == before, "the backup itself is not touched"
    print(f"orders told before the backups: {ends}, {len(asker.made)} snapshots meanwhile")
    assert ends == sorted(ends) and ends[0] > 0
    assert service.process.poll() is None
    with service.client() as client:
        for desk in desks:
            desk.check_end(client)


def test_says_what_it_holds_and_leaves_out_what_is_no_state(lived, tmp_path, restored):
    with lived.lines() as lines:
        state = state_of(lines)
    to = tmp_path / "deep"
    done = backup(lived, to)
    assert done.returncode == 0, done
    assert {path.name for path in to.iterdir()} == {"FORMAT", "archive"} | {path.name for path in snapshots(lived) + logs(lived)}
    assert {path.name for path in (to / "archive").iterdir()} == {path.name for path in archived(lived)}
    assert f"copied {len(files(to))} files, {sum(map(len, files(to).values()))} bytes" in done.stdout
    copy = restored(to).start()
    assert recovered(copy) == lsn_of(snapshots(lived)[0])
    with copy.lines() as lines:
        assert state_of(lines) == state
        assert lines.ask("1 SUB from=0").startswith("+1 OK")


def test_without_the_archive(lived, tmp_path, restored):
    with lived.lines() as lines:
        state = state_of(lines)
    done = backup(lived, tmp_path / "to", "--without-archive")
    assert done.returncode == 0 and not (tmp_path / "to" / "archive").exists(), done
    copy = restored(tmp_path / "to").start()
    with copy.lines() as lines:
        assert state_of(lines) == state
        assert lines.ask("1 SUB from=0") == f"-1 LOG_GONE oldest={lsn_of(snapshots(lived)[1]) + 1}"
    # It is backed up again like any other.
    assert backup(copy, tmp_path / "again").returncode == 0


def test_without_the_archive_history_stands_still_and_says_so(lived, tmp_path, restored):
    """It needs the log from its begin (docs/HISTORY.md); the service trades without it."""
    assert backup(lived, tmp_path / "to", "--without-archive").returncode == 0
    copy = restored(tmp_path / "to", http=True).start()
    wait_until(lambda: "history: ready at LSN" in copy.said() or "history stands still" in copy.said())
    with copy.rest(account=7) as client, copy.lines() as lines:
        assert "history stands still" in str(client.expect(503, "GET", "/health/ready")["reasons"])
        play(lines, "NEW 7 EX-USD B LMT 1 1.00 GTC id=new\n + * NEW *")
    assert copy.said().count("history stands still") == 1


def test_of_a_stopped_one_is_the_same(lived, tmp_path, restored):
    with lived.lines() as lines:
        state = state_of(lines)
    for number, end in enumerate((lived.kill, lived.stop)):
        end()
        to = tmp_path / f"to{number}"
        done = backup(lived, to)
        assert done.returncode == 0, done
        copy = restored(to).start()
        with copy.lines() as lines:
            assert state_of(lines) == state
            play(lines, "DEP 7 USD 100000.00 ref=usd note=first\n + OK available=* dup=1\n DEP 7 USD 1 ref=new\n + OK *")
        lived.start()


# -- What is refused --------------------------------------------------------------------------------------------------

def test_nothing_is_overwritten(lived, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    for command in (("backup", other, "--data", lived.data), ("restore", lived.data, "--data", other)):
        if command[0] == "restore":
            lived.kill()
        refused = cashup(*command)
        assert refused.returncode == USAGE and "not empty" in refused.stderr, refused
        assert files(other).keys() == {(other / "letter.txt").relative_to(other)}
    refused = cashup("backup", lived.data, "--data", lived.data)
    assert refused.returncode == USAGE and "not empty" in refused.stderr, refused


def test_of_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "nowhere"):
        for command in (("backup", tmp_path / "to", "--data", source), ("restore", source, "--data", tmp_path / "to")):
            refused = cashup(*command)
            assert refused.returncode in (USAGE, 74) and str(source) in refused.stderr, refused
            assert not (tmp_path / "to").exists(), command
    assert not (tmp_path / "nowhere").exists()


def test_of_a_backup_in_use(lived, tmp_path):
    refused = cashup("restore", lived.data, "--data", tmp_path / "to")
    assert refused.returncode == LOCKED and "in use" in refused.stderr, refused
    assert not (tmp_path / "to").exists()


DAMAGES = {
    "log": lambda to: flip(sorted(to.glob("*.wal"))[0], 2000),
    "archive": lambda to: flip(sorted(to.glob("archive/*.wal"))[0]),
    "snapshot": lambda to: flip(sorted(to.glob("*.snap"))[0]),
    "segment gone": lambda to: sorted(to.glob("*.wal"))[0].unlink(),
    "format": lambda to: (to / "FORMAT").write_text("cashup data format 9\n"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_is_not_restored(lived, tmp_path, restored, damage):
    with lived.lines() as lines:
        state = state_of(lines)
    to = tmp_path / "to"
    assert backup(lived, to).returncode == 0
    whole = files(to)
    DAMAGES[damage](to)
    refused = cashup("restore", to, "--data", tmp_path / "restored")
    assert refused.returncode == USAGE and "not sound" in refused.stderr and "nothing was restored" in refused.stderr, refused
    assert not (tmp_path / "restored").exists()
    for path, data in whole.items():
        (to / path).write_bytes(data)
    copy = restored(to).start()
    with copy.lines() as lines:
        assert state_of(lines) == state


def test_a_damaged_directory_is_not_backed_up_as_if_it_were_none(lived, tmp_path):
    flip(archived(lived)[0])
    refused = backup(lived, tmp_path / "to")
    assert refused.returncode == USAGE and "the copy is not sound" in refused.stderr, refused
    assert "NOT SOUND: log is corrupt" in refused.stderr
    done = backup(lived, tmp_path / "without", "--without-archive")
    assert done.returncode == 0, done
    with lived.lines() as lines:
        assert ask(lines, "PING") == ["+ OK"]
