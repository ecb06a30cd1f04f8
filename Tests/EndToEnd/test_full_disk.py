"""A disk that is full, on a real file system: what is taken, that nothing acknowledged is lost, that it starts and goes on.

The service keeps segments zero-filled ahead: the one it writes, three spares, and one more as soon as orders are open. A
disk with room for four and a half is therefore full some moments after the first order.
"""

import time

import pytest

from lines import play
from small_disk import wait_for_storage

FULL_AFTER_SECONDS_MAX = 5


@pytest.fixture
def segment_bytes(fresh):
    """Size of a segment that is being written: it is zero-filled to its end."""
    service = fresh(laboratory=False)
    size = service.segments()[-1].stat().st_size
    assert service.stop() == 0
    return size


def state_of(lines):
    """The content of every wallet, hashed by the service, and the rows of the account."""
    found = []
    for query in ("STAT hash=1", "BAL 5", "POS 5", "ORD 5 status=all limit=1000", "TRD 5", "LIM 5", "ACC", "INS", "SET"):
        lines.send(f"q {query}\n")
        rows = lines.answer()
        if query.startswith("STAT"):
            rows = [word for row in rows if row.startswith("=q wallet") for word in row.split(" ") if "content=" in word]
            assert rows
        found.append(rows)
    return found


def full_service(disk, fresh, loops=1, **options):
    """On a disk on which a filler leaves room for four and a half segments; orders are driven until the disk is full."""
    service = fresh(start=False, loops=loops, **options)
    service.data = disk.path / "data"
    service.start()
    with service.lines() as lines:
        play(lines, """
            AST EX decimals=0
            + *
            VEN lab kind=manual
            + *
            INS EX-USD venue=lab wallet=spot base=EX quote=USD tick=0.01 lot=1
            + *
            INS PERP-USD venue=lab wallet=futures base=EX quote=USD tick=0.01 lot=1 funds=none
            + *
            DEP 5 USD 1000000.00 ref=usd
            + *
            DEP 5 EX 1000 ref=ex
            + *
            HLD 5 USD 100.00 ref=held
            + *
            """)
        wait_for_storage(lines, "ok")
        deadline = time.monotonic() + FULL_AFTER_SECONDS_MAX
        number = 0
        while True:
            answer = lines.ask(f"1 NEW 5 EX-USD {'BS'[number % 2]} LMT 2 10.00 GTC id=o{number}")
            if answer[0] == "-":
                break
            number += 1
            assert time.monotonic() < deadline, f"not full after {number} orders, {disk.free_bytes} bytes are free"
            time.sleep(0.002)
        assert answer == "-1 STORAGE_FULL"
        assert number > 12, "the disk was full too early for the rest of the test"
    return service


def tear_tail(segment):
    """The beginning of a frame behind the last whole one; the start keeps the file as it was, which takes room."""
    # A little further on: the last frame itself may end with zeros.
    end = len(segment.read_bytes().rstrip(b"\0")) + 16
    with open(segment, "r+b") as file:
        file.seek(end)
        file.write(b"\x50\x2a\x4d\x18garbage of a frame that was never finished")


@pytest.mark.parametrize("loops", [1, 4])
def test_only_what_reduces_risk_is_taken_and_nothing_is_lost(small_disk, segment_bytes, fresh, loops):
    disk = small_disk(6 * segment_bytes)
    filler = disk.fill(segment_bytes * 3 // 2)
    service = full_service(disk, fresh, loops)
    with service.lines() as lines:
        before = state_of(lines)
        play(lines, """
            NEW 5 EX-USD B LMT 1 10.00 GTC id=late
            - STORAGE_FULL
            NEW 5 PERP-USD B LMT 1 10.00 GTC id=late
            - STORAGE_FULL
            CLS 5 EX-USD 1 9.00 id=late
            - STORAGE_FULL
            DEP 5 USD 1.00 ref=late
            - STORAGE_FULL
            DEP 6 USD 1.00 ref=late
            - STORAGE_FULL
            WDR 5 USD 1.00 ref=late
            - STORAGE_FULL
            ADJ 5 USD 1.00 ref=late reason=late
            - STORAGE_FULL
            HLD 5 USD 1.00 ref=late
            - STORAGE_FULL
            XFR 5 5 USD 1.00 from=spot to=futures ref=late
            - STORAGE_FULL
            MRK EX-USD 10.00
            - STORAGE_FULL
            SET window_hours 48
            - STORAGE_FULL
            AST LATE decimals=2
            - STORAGE_FULL
            WLT late
            - STORAGE_FULL
            VEN late kind=manual
            - STORAGE_FULL
            INS LATE-USD venue=lab wallet=spot base=EX quote=USD tick=0.01 lot=1
            - STORAGE_FULL
            INS EX-USD tick=0.05
            - STORAGE_FULL
            RPL 5 EX-USD id=o0 3 10.00
            - STORAGE_FULL
            RPL 5 EX-USD id=o0 2 10.01
            - STORAGE_FULL
            """)
        assert state_of(lines) == before
        play(lines, """
            CXL 5 EX-USD id=o2 reason=full
            + * CANCELED *
            FIL 5 EX-USD id=o4 1 10.00 exec=1 fee=0.5
            + * PARTIALLY_FILLED *
            RLS 5 USD 40.00 ref=back
            + OK *
            LIM 5 EX-USD max_qty=50
            + OK *
            ACC 8 open
            + OK *
            ACC 8 suspend
            + OK *
            ACC 8 resume
            + OK *
            PING
            + OK
            TIME
            + OK *
            SYNC
            + OK *
            CXA 5 PERP-USD
            + OK *
            """)
        acknowledged = state_of(lines)
    # Each start takes a segment and gives one back: many starts must not use up what the first one had.
    for order in ("o6", "o8", "o10", "o12"):
        service.kill()
        if order in ("o8", "o10"):
            tear_tail(service.segments()[-1])
        service.start()
        with service.lines() as lines:
            assert state_of(lines) == acknowledged
            wait_for_storage(lines, "reserved")
            play(lines, f"""
                NEW 5 EX-USD B LMT 1 10.00 GTC id=late
                - STORAGE_FULL
                CXL 5 EX-USD id={order}
                + * CANCELED *
                """)
            acknowledged = state_of(lines)
    assert len(list(service.data.glob("*.torn"))) == 2
    with service.lines() as lines:
        filler.unlink()
        wait_for_storage(lines, "ok")
        play(lines, """
            NEW 5 EX-USD B LMT 1 10.00 GTC id=late
            + * NEW *
            DEP 6 USD 1.00 ref=late
            + *
            """)
    service.restart()
    with service.lines() as lines:
        play(lines, "ORD 5 EX-USD id=late\n = * status=NEW *\n + 1")


@pytest.mark.parametrize("loops", [1, 4])
def test_replace_down_is_taken_on_every_connection(small_disk, segment_bytes, fresh, loops):
    disk = small_disk(6 * segment_bytes)
    disk.fill(segment_bytes * 3 // 2)
    service = full_service(disk, fresh, loops)
    # Connections go to the loops in turn: these are on all of them.
    answers = []
    for number in range(4):
        with service.lines() as lines:
            answers.append(lines.ask(f"1 RPL 5 EX-USD id=o{2 * number} 1 9.00"))
    assert all(answer.startswith("+1 ") for answer in answers), answers


def test_repeat_is_answered_as_a_repeat(small_disk, segment_bytes, fresh):
    """A retry after a lost connection: `-` would tell the client that the order it has is not there (promise 2)."""
    disk = small_disk(6 * segment_bytes)
    disk.fill(segment_bytes * 3 // 2)
    service = full_service(disk, fresh)
    with service.lines() as lines:
        play(lines, """
            DEP 5 USD 1000000.00 ref=usd
            + OK available=* dup=1
            NEW 5 EX-USD B LMT 2 10.00 GTC id=o0
            + * NEW leaves=2 cum=0 dup=1
            """)


def test_disk_with_room_for_the_next_start_only(small_disk, segment_bytes, fresh):
    """Nothing is written any more, queries go on, it starts, and goes on when the disk has grown."""
    origin = fresh()
    with origin.lines() as lines:
        play(lines, """
            DEP 5 USD 1000.00 ref=usd
            + *
            NEW 5 EX-USD B LMT 2 10.00 GTC id=o
            + *
            """)
        acknowledged = state_of(lines)
    assert origin.stop() == 0
    disk = small_disk(segment_bytes * 5 // 2)
    service = fresh(start=False)
    service.data = disk.path / "data"
    service.data.mkdir()
    for segment in origin.segments():
        (service.data / segment.name).write_bytes(segment.read_bytes())
    service.start()
    for _ in range(3):
        with service.lines() as lines:
            wait_for_storage(lines, "full")
            play(lines, """
                NEW 5 EX-USD B LMT 1 10.00 GTC id=late
                - STORAGE_FULL
                DEP 6 USD 1.00 ref=late
                - STORAGE_FULL
                CXL 5 EX-USD id=o
                - STORAGE_FULL
                CXA 5
                - STORAGE_FULL
                ACC 5 suspend
                - STORAGE_FULL
                SYNC
                + OK *
                """)
            assert state_of(lines) == acknowledged
        service.restart()
    with service.lines() as lines:
        wait_for_storage(lines, "full")
        disk.remount(f"size={8 * segment_bytes}")
        wait_for_storage(lines, "ok")
        play(lines, "CXL 5 EX-USD id=o\n + * CANCELED *\n DEP 6 USD 1.00 ref=late\n + *")


def test_disk_without_room_for_a_log(small_disk, fresh):
    disk = small_disk(1 << 20)
    service = fresh(start=False)
    service.data = disk.path / "data"
    service.launch()
    assert service.process.wait(20) == 73
    service.process = None
    assert "no room on the disk" in service.said() and str(service.data) in service.said()
    disk.remount("size=512m")
    service.start()


def test_over_rest(small_disk, segment_bytes, fresh):
    disk = small_disk(6 * segment_bytes)
    disk.fill(segment_bytes * 3 // 2)
    service = full_service(disk, fresh, http=True, history="off")
    with service.rest(account=5) as client:
        body = {"symbol": "EX-USD", "order_type": "limit", "side": "buy", "quantity": "1", "price": "10.00"}
        for path, content in (("orders", body), ("balances/add", {"asset": "USD", "amount": "1.00"}), ("instruments", {
                "symbol": "LATE", "venue": "lab", "balance_type": "spot", "base_asset": "EX", "quote_asset": "USD", "tick": "0.01", "lot": "1"})):
            answer = client.refuse(503, "STORAGE_FULL", "POST", path, content)
            assert answer["error"] == "UNAVAILABLE" and int(answer.headers["retry-after"]) >= 1
        ready = client.expect(503, "GET", "/health/ready")
        assert ready["status"] == "not_ready" and "storage" in str(ready["reasons"]).lower()
        # What reduces risk is taken, and reading goes on.
        order = client.get("orders/o0")
        assert client.expect(200, "DELETE", "orders/o0")["status"] == "cancelled"
        assert client.post("orders/o1/execute", {"execution_price": "10.00"}, 200)["status"] == "filled"
        assert client.get("balances")["total"] > 0 and order["status"] == "submitted"
