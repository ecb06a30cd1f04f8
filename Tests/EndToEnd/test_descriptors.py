"""Connections use up the file descriptors that the process may have: those who are connected notice nothing, and it passes.

The limit is set before the start, so a service that looks at it may as well tell the last clients that there are too many.
"""

import os
import random
import re
import string
import time
from pathlib import Path

import pytest

from lines import Lines, play
from small_disk import wait_for_spares

DESCRIPTORS = 110


def short_of_descriptors(fresh):
    """A service that may open so few files that its connections use them up."""
    service = fresh(start=False)
    command = service.command
    service.command = lambda: ["sh", "-c", f'ulimit -n {DESCRIPTORS} && exec "$0" "$@"', *command()]
    service.start()
    limits = Path(f"/proc/{service.process.pid}/limits").read_text()
    assert re.search(rf"^Max open files +{DESCRIPTORS} ", limits, re.M)
    with service.lines() as lines:
        play(lines, """
            AST EX decimals=0
            + *
            VEN lab kind=manual
            + *
            INS EX-USD venue=lab wallet=spot base=EX quote=USD tick=0.01 lot=1
            + *
            DEP 5 USD 100.00 ref=1
            + *
            """)
    return service


def use_up_descriptors(service):
    """Connections until there are no descriptors left for them: the last ones hear nothing, or that there are too many."""
    taken = [Lines(service.port, greet=False) for _ in range(DESCRIPTORS + 4)]
    greetings = []
    try:
        for lines in taken:
            greetings.append(lines.read(0.5).split(" ")[1])
    except TimeoutError:
        pass
    except (EOFError, ConnectionError) as error:
        pytest.fail(f"closed without a word: {error!r}")
    assert 0 < greetings.count("CASHUP") < len(taken), "the descriptors did not run out"
    return taken


def processor_seconds(service):
    fields = Path(f"/proc/{service.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("spares", ["made", "to be made"])
def test_descriptors_run_out_and_come_back(fresh, spares):
    """Those connected trade on, whether or not the log needs a file just then; places that come free are given away."""
    service = short_of_descriptors(fresh)
    with service.lines() as held:
        wait_for_spares(service, 3)
        if spares == "made":
            # The first open order makes the log keep one more.
            assert held.ask("1 NEW 5 EX-USD B LMT 1 1.00 GTC id=first").startswith("+1 ")
            wait_for_spares(service, 4)
        taken = use_up_descriptors(service)
        answers = []
        for number in range(20):
            answers.append(held.ask(f"1 NEW 5 EX-USD B LMT 1 1.00 GTC id=o{number}"))
            time.sleep(0.05)
        for lines in taken:
            lines.close()
        deadline = time.monotonic() + 5
        # The service hears of the others' end in turns of its own: until then there may be too many.
        while True:
            late = service.lines()
            if "state=ready" in late.greeting:
                break
            assert late.greeting == "* BYE reason=connections" and time.monotonic() < deadline
            late.close()
            time.sleep(0.05)
        with late:
            while not late.ask("2 NEW 5 EX-USD B LMT 1 1.00 GTC id=late").startswith("+2 "):
                assert time.monotonic() < deadline, "orders are refused though descriptors are free"
                time.sleep(0.1)
        assert held.ask("3 PING") == "+3 OK"
    assert {answer[:2] for answer in answers} == {"+1"}, sorted({answer for answer in answers if answer[0] == "-"})
    service.restart()
    with service.client() as client:
        assert len(list(client.iter_orders(5))) == 21 + (spares == "made")


@pytest.mark.slow
def test_next_segment_is_begun_without_descriptors(fresh):
    """A whole segment of deposits with texts that do not compress: the log goes on in a spare that is open already."""
    service = short_of_descriptors(fresh)
    with service.lines() as held:
        wait_for_spares(service, 3)
        taken = use_up_descriptors(service)
        texts = "".join(random.choices(string.ascii_letters + string.digits, k=1_000_000))
        number = 0
        deadline = time.monotonic() + 30
        while len(service.segments()) < 2:
            assert time.monotonic() < deadline, "no second segment was begun"
            begin = random.randrange(len(texts) - 64 * 2000)
            held.send("".join(
                f"1 DEP 5 USD 1 ref={number + n}.{texts[at:at + 26]} note={texts[at + 28:at + 64]}\n"
                for n, at in enumerate(range(begin, begin + 64 * 2000, 64))))
            number += 2000
            refused = [line for line in (held.read() for _ in range(2000)) if line[0] != "+"]
            assert refused == []
        assert held.ask("2 NEW 5 EX-USD B LMT 1 1.00 GTC id=o").startswith("+2 ")
        for lines in taken:
            lines.close()


def test_waiting_for_descriptors_takes_no_processor_time(fresh):
    service = short_of_descriptors(fresh)
    wait_for_spares(service, 3)
    time.sleep(0.5)
    taken = use_up_descriptors(service)
    before = processor_seconds(service)
    time.sleep(1)
    used = processor_seconds(service) - before
    for lines in taken:
        lines.close()
    assert used < 0.3, f"{used:.2f} s of processor time in a second without anything to do: it spins while it cannot accept"


def test_subscriptions_go_on_after_descriptors_ran_out(fresh):
    """A subscription needs the log's files. It may fail while none can be opened; later ones must not."""
    service = short_of_descriptors(fresh)
    with service.lines() as held, service.lines() as early:
        assert held.ask("1 NEW 5 EX-USD B LMT 1 1.00 GTC id=first").startswith("+1 ")
        wait_for_spares(service, 4)
        taken = use_up_descriptors(service)
        early.ask("1 SUB")
        time.sleep(0.3)
        for lines in taken:
            lines.close()
        time.sleep(0.2)
        with service.lines() as late:
            assert late.ask("1 SUB").startswith("+1 OK")
            assert held.ask("2 NEW 5 EX-USD B LMT 1 1.00 GTC id=o").startswith("+2 ")
            try:
                assert " id=o " in late.wait_for("! ", 3)
            except (TimeoutError, EOFError) as silence:
                pytest.fail(f"a subscription made when descriptors were free hears nothing ({silence!r}):\n{service.said()}")
