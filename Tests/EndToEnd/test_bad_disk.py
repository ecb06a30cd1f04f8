"""Disks that fail under a running service: read-only all at once, hanging, full while segments are begun. On real file systems."""

import random
import string
import time

import pytest

from small_disk import wait_for_storage

SMALL_SEGMENTS = "segment_bytes: 65536\n"
TEXTS = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=100_000))


def on(disk, fresh, **options):
    service = fresh(start=False, **options)
    service.data = disk.path / "data"
    return service


def ends(service, code, *words):
    found = service.process.wait(20)
    service.process = None
    said = service.said()
    assert found == code, f"exit code {found}:\n{said}"
    for word in words:
        assert word in said, f"{word!r} is not in:\n{said}"


def deposits(lines, first, count):
    """Pipelined deposits whose texts do not compress; gives the refs that were acknowledged, and the refusals."""
    refs = [f"{first + n}.{TEXTS[(first + n) * 31 % 90_000:][:24]}" for n in range(count)]
    lines.send("".join(f"1 DEP 5 USD 1 ref={ref} note={TEXTS[(first + n) * 37 % 90_000:][:36]}\n" for n, ref in enumerate(refs)))
    taken, refused = [], []
    for ref in refs:
        answer = lines.answer()[-1]
        (taken if answer[0] == "+" else refused).append(ref if answer[0] == "+" else answer)
    return taken, refused


def are_there(service, refs):
    """Each deposit once: asked for again, none is done a second time, and the money is theirs."""
    with service.lines() as lines:
        for begin in range(0, len(refs), 1000):
            some = refs[begin:begin + 1000]
            lines.send("".join(f"1 DEP 5 USD 1 ref={ref} note={note_of(ref)}\n" for ref in some))
            for ref in some:
                answer = lines.answer()[-1]
                assert answer[0] == "+" and answer.endswith("dup=1"), f"{ref} was acknowledged: {answer}"
        lines.send("1 BAL 5 USD wallet=spot\n")
        assert f" total={len(refs)}.00 " in lines.answer()[0]


def note_of(ref):
    return TEXTS[int(ref.partition(".")[0]) * 37 % 90_000:][:36]


def test_file_system_turns_read_only_under_a_running_service(loop_disk, fresh):
    """As after an error of the disk under ext4: the first write that fails ends the process, and what was acknowledged is there."""
    disk = loop_disk(64 << 20)
    service = on(disk, fresh, config="segment_bytes: 1048576\n").start()
    with service.lines() as lines:
        taken, refused = deposits(lines, 0, 500)
        assert refused == []
        disk.break_down()
        lines.send("2 DEP 5 USD 1 ref=late\n")
        with pytest.raises((EOFError, ConnectionError)):
            while lines.read()[0] == "*":
                pass
    ends(service, 70, "the log cannot be written", "Read-only file system")
    service.launch()
    ends(service, 74, "Read-only file system")
    disk.repair()
    service.start()
    are_there(service, taken)


def test_disk_that_hangs_and_comes_back(loop_disk, fresh):
    """Nothing is acknowledged meanwhile, and afterwards all answers come. (The loop that writes waits for the disk, and all its clients with it.)"""
    disk = loop_disk(64 << 20)
    service = on(disk, fresh, config="segment_bytes: 1048576\n").start()
    with service.lines() as lines, service.lines() as other:
        taken, _ = deposits(lines, 0, 100)
        disk.freeze()
        try:
            lines.send(f"2 DEP 5 USD 1 ref=9000.x note={note_of('9000.x')}\n")
            with pytest.raises(TimeoutError):
                lines.read(timeout=1)
            other.send("3 NEW 5 BTC-USD B LMT 1 0.01 GTC id=o\n")
        finally:
            disk.thaw()
        assert lines.read().startswith("+2 OK")
        assert other.read().split(" ")[2] == "NEW"
    service.kill()
    service.start()
    are_there(service, taken + ["9000.x"])


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_full_while_segments_are_begun(small_disk, loop_disk, fresh, kind):
    """Small segments, so that the disk is full in the middle of their rolls. Killed and started there, it goes on when there is room."""
    disk = small_disk(6 << 20) if kind == "tmpfs" else loop_disk(12 << 20)
    # ext4's own journal takes a part of the disk.
    filler = disk.fill(disk.free_bytes - (3 << 20))
    service = on(disk, fresh, config=SMALL_SEGMENTS + "audit: off\n").start()
    taken, deadline = [], time.monotonic() + 30
    for _ in range(3):
        refused = []
        with service.lines() as lines:
            while not refused:
                some, refused = deposits(lines, len(taken), 500)
                taken += some
                assert time.monotonic() < deadline, f"not full after {len(taken)} deposits, {disk.free_bytes} bytes are free"
        assert {line.split(" ")[1] for line in refused} == {"STORAGE_FULL"}
        assert len(taken) > 5000 and len(service.segments()) > 10
        service.kill()
        service.start()
        are_there(service, taken)
    filler.unlink()
    with service.lines() as lines:
        wait_for_storage(lines, "ok")
        more, refused = deposits(lines, len(taken), 2000)
        assert refused == []
    assert service.stop() == 0
    service.start()
    are_there(service, taken + more)


@pytest.mark.parametrize("left", [0, 40_000, 100_000, 200_000])
def test_full_at_a_start(small_disk, fresh, left):
    """With a log there and next to no room: it starts and answers queries, or says that there is no room; nothing is lost by the try."""
    disk = small_disk(8 << 20)
    service = on(disk, fresh, config=SMALL_SEGMENTS + "audit: off\n").start()
    with service.lines() as lines:
        taken, refused = deposits(lines, 0, 3000)
        assert refused == []
    service.kill()
    for spare in service.data.glob("spare-*"):
        spare.unlink()
    filler = disk.fill(disk.free_bytes - left)
    started = 0
    for _ in range(3):
        service.launch()
        deadline = time.monotonic() + 20
        while service.process.poll() is None:
            try:
                with service.lines() as lines:
                    assert "state=ready" in lines.greeting
                    lines.send("1 BAL 5 USD wallet=spot\n")
                    assert f" total={len(taken)}.00 " in lines.answer()[0]
                    # Whatever is taken is there afterwards, too.
                    some, _ = deposits(lines, 5000 + 10 * started, 10)
                    taken += some
                    started += 1
                    break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        if service.process.poll() is None:
            service.kill()
        else:
            ends(service, 73, "no room on the disk")
    filler.unlink()
    service.start()
    are_there(service, taken)
