"""Heap allocations of the whole server path, counted in the running process by a library put in front of the C library.

Steady state: what was closed is forgotten again (`window_ids`), arrays and buffers have their size. What is left are the timers, a few
allocations four times a second whatever the load; a command costs none, alone in its turn or in a batch.
"""

import mmap
import struct
import time

import pytest

# Timers, four times a second: what they allocate in a second, and room for a growing table.
TIMERS_PER_SECOND_MAX = 150
FEW = 40


class Counter:
    def __init__(self, path):
        with open(path, "rb") as file:
            self._page = mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ)

    def __call__(self):
        return struct.unpack("<Q", self._page[:8])[0]


def life(number):
    """An order's: entered, replaced, filled in part, looked at, cancelled."""
    return [
        f"1 NEW 7 BTC-USD B LMT 0.5 64000.00 GTC id=grid-{number}",
        f"2 RPL 7 BTC-USD id=grid-{number} 0.6 64001.00",
        f"3 FIL 7 BTC-USD id=grid-{number} 0.2 63990.00 fee=0.01 liq=M exec=bn-{number}",
        f"4 ORD 7 BTC-USD id=grid-{number}",
        "5 BAL 7",
        "6 POS 7",
        f"7 CXL 7 BTC-USD id=grid-{number}",
        f"8 NEW 7 BTC-USD B LMT 90000 64000.00 GTC id=refused-{number}",
    ]


def ask(lines, commands):
    """All in one segment; waits for the end of every answer."""
    lines.send("".join(command + "\n" for command in commands))
    answered = 0
    while answered < len(commands):
        line = lines.read()
        if line[0] in "+-":
            answered += 1
            assert line[0] == "+" or "INSUFFICIENT_FUNDS" in line, line


@pytest.mark.parametrize("lives_at_once", [1, 32])
def test_steady_state_allocates_nothing(fresh, preload, tmp_path, lives_at_once):
    count_file = tmp_path / "count"
    service = fresh(laboratory=False, environment={"LD_PRELOAD": preload("allocations"), "ALLOCATIONS_COUNT": str(count_file)})
    count = Counter(count_file)
    with service.lines() as lines:
        ask(lines, ["1 SET window_ids 1000", "2 DEP 7 USD 1000000000 ref=a", "3 DEP 7 BTC 1000000 ref=b"])
        number = 0

        def live(rounds):
            nonlocal number
            for _ in range(rounds):
                commands = []
                for _ in range(lives_at_once):
                    number += 1
                    commands += life(number)
                if lives_at_once == 1:
                    for command in commands:
                        ask(lines, [command])
                else:
                    ask(lines, commands)

        live(2_500 // lives_at_once)
        before, started = count(), time.monotonic()
        rounds = max(8, 1_600 // lives_at_once)
        live(rounds)
        seconds = time.monotonic() - started
        allocated = count() - before
    messages = rounds * lives_at_once * 8
    print(f"{messages} messages in {seconds:.2f} s: {allocated} allocations")
    assert before > 1_000, "nothing was counted at the start: the library is not in front"
    allowed = FEW + TIMERS_PER_SECOND_MAX * seconds
    assert allowed < messages / 4, "too slow to tell the timers from the commands"
    assert allocated <= allowed
