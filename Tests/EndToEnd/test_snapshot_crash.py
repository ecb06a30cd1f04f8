"""kill -9 while snapshots are made, and disks that have no room for one."""

import asyncio
import random
import socket
import threading
import time

import pytest

from lines import play
from small_disk import wait_for_storage
from states import SMALL, SNAPSHOT_SECONDS_MAX, archived, copy_of, live, lsn_of, pour, recovered, snap, snapshots, state_of, verify, wait_until
from test_crash import ACCOUNTS, Desk, fund, look, trading

KILLS = 12
# A snapshot leaves the processor to all others: on a machine that is busy it takes its time.
MOMENT_SECONDS_MAX = 10


class Asker:
    """Asks for snapshots without end, on a thread of its own, whatever becomes of the service."""

    def __init__(self, service):
        self.service = service
        self.is_over = False
        self.made = []
        self.refused = []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.is_over:
            try:
                with self.service.lines() as lines:
                    while not self.is_over:
                        answer = lines.ask("s SNP", SNAPSHOT_SECONDS_MAX)
                        if not answer.startswith("+s OK snapshot="):
                            self.refused.append(answer)
                        elif " dup=1" not in answer:
                            self.made.append(int(answer.split("snapshot=")[1].split(" ")[0]))
            except (OSError, EOFError, socket.timeout):
                time.sleep(0.01)

    def stop(self):
        self.is_over = True
        self.thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("loops", [1, 4])
def test_killed_while_snapshots_are_made(small, tmp_path, loops):
    """Told is there after each start; in the end the state is that of an undisturbed run, and of a replay of the whole log."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    service = small(loops=loops)
    desks = [Desk(account, seed + account) for account in ACCOUNTS]
    moments = random.Random(seed)
    fund(service)
    asker = Asker(service)
    origins = []
    half_made = service.data / "snapshot.tmp"

    async def storm():
        loop = asyncio.get_running_loop()
        async with trading(service, desks):
            for number in range(KILLS):
                # At any moment; while one is written; when one has just been answered.
                count = len(asker.made)
                until = time.monotonic() + MOMENT_SECONDS_MAX
                while time.monotonic() < until and not (
                        number % 3 == 0 or number % 3 == 1 and half_made.exists() or number % 3 == 2 and len(asker.made) > count):
                    await asyncio.sleep(0.0005)
                await asyncio.sleep(moments.uniform(0.0, 0.3 if number % 3 == 0 else 0.02))
                service.kill()
                promised, half = asker.made[-1:], half_made.exists()
                told = [dict(desk.told) for desk in desks]
                await loop.run_in_executor(None, service.start)
                # A snapshot that was answered is there, or one after it.
                origins.append((recovered(service), half))
                assert not promised or origins[-1][0] >= promised[0]
                assert "cannot be used" not in service.said()
                await loop.run_in_executor(None, look, service, desks, told)

    try:
        asyncio.run(storm())
    finally:
        asker.stop()
    print(f"{sum(desk.number for desk in desks)} orders, {KILLS} kills, {len(asker.made)} snapshots answered, "
          f"{sum(half for _, half in origins)} left half, {len(set(lsn for lsn, _ in origins))} different ones started from")
    assert [desk.refused for desk in desks] == [[] for _ in desks]
    assert not asker.refused
    assert len(set(lsn for lsn, _ in origins)) >= KILLS // 4, "too few snapshots to mean anything"
    assert any(half for _, half in origins), "none was killed while it was written"
    # Also because the thread that started it last has ended, and the process with it.
    service.restart()
    with service.client() as client, service.lines() as lines:
        for desk in desks:
            desk.check_end(client)
        before = state_of(lines, ACCOUNTS)
    service.restart()
    with service.lines() as lines:
        assert state_of(lines, ACCOUNTS) == before
    service.kill()
    code, said = verify(service.data)
    assert code == 0 and said.count("whole, the same as a replay") == 2, said
    whole = copy_of(service, tmp_path / "whole", snapshots=False, loops=loops)
    try:
        whole.start()
        assert recovered(whole) == 0
        with whole.lines() as lines:
            assert state_of(lines, ACCOUNTS) == before
    finally:
        whole.close()


@pytest.mark.parametrize("loops", [1, 4])
def test_no_room_for_a_snapshot(small_disk, fresh, loops):
    """It is refused, gives back what it has taken, and the service goes on; with room there is one."""
    disk = small_disk(64 << 20)
    service = fresh(start=False, loops=loops, config=SMALL)
    service.data = disk.path / "data"
    service.start()
    from conftest import LABORATORY
    live(service, LABORATORY)
    live(service)
    with service.lines() as lines:
        pour(lines, 1500)
        first = snap(lines)
        pour(lines, 6000)
        wait_for_storage(lines, "ok")
        # Room for the log's next segments, not for a snapshot of half a megabyte.
        filler = disk.fill(disk.free_bytes - (64 << 10))
        before = state_of(lines)
        answer = lines.ask("1 SNP", SNAPSHOT_SECONDS_MAX)
        assert answer == "-1 SNAPSHOT_FAILED reason=no_space"
        assert "no snapshot was made: " in service.said() and "no room" in service.said()
        assert not (service.data / "snapshot.tmp").exists()
        assert [lsn_of(file) for file in snapshots(service)] == [first]
        assert state_of(lines) == before
        play(lines, "CXL 7 EX-USD id=part\n + * CANCELED *\n PING\n + OK")
        assert lines.ask("2 SNP", SNAPSHOT_SECONDS_MAX) == "-2 SNAPSHOT_FAILED reason=no_space"
        before = state_of(lines)
    service.restart()
    assert recovered(service) == first
    with service.lines() as lines:
        assert state_of(lines) == before
        filler.unlink()
        wait_for_storage(lines, "ok")
        second = snap(lines)
        play(lines, "DEP 7 USD 1 ref=room\n + OK *")
        third = snap(lines)
        assert [lsn_of(file) for file in snapshots(service)] == [third, second]
        assert archived(service)
        before = state_of(lines)
    assert verify(service.data)[0] == 0
    service.restart()
    with service.lines() as lines:
        assert state_of(lines) == before


def test_a_schedule_that_fails_tries_again_later(small_disk, fresh):
    """Not again and again: the disk has other things to do."""
    disk = small_disk(64 << 20)
    service = fresh(start=False, config=SMALL.replace("snapshot_seconds: 0", "snapshot_seconds: 1"))
    service.data = disk.path / "data"
    service.start()
    with service.lines() as lines:
        wait_until(lambda: snapshots(service))
        # So little is left that not even a small one has room, and spares are there for the log.
        wait_for_storage(lines, "ok")
        disk.fill(disk.free_bytes - 4096)
        pour(lines, 200)
        wait_until(lambda: "no snapshot was made" in service.said(), 30)
        time.sleep(3)
        assert service.said().count("no snapshot was made") == 1
        play(lines, "BAL 8\n = USD *\n + 1")
