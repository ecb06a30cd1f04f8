"""Five hours of real order flow through the line protocol, undisturbed and killed again and again: the balances and
positions of all accounts are those computed from the file by independent code."""

import random
import re
import subprocess
import time

import pytest

from replay_totals import ACCOUNTS, Totals, rows
from service import REPOSITORY, binary

FILE = REPOSITORY.parent / "shared" / "data" / "bitstamp-btcusd-2015-05-01-orders.csv.xz"
KILLS = 20
# Few commands a commit: some seconds of work to be killed in, however fast the disk.
KILLED_WINDOW = 4
FINISH_SECONDS_MAX = 120


@pytest.fixture(scope="module")
def totals():
    if not FILE.exists():
        pytest.skip(f"the recorded order flow is not here: {FILE}")
    return Totals(FILE)


def replay(service, window=512):
    return subprocess.Popen([binary(), "replay-orders", str(FILE), "--connect", f"127.0.0.1:{service.port}", "--window", str(window)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process):
    out, _ = process.communicate(timeout=FINISH_SECONDS_MAX)
    return process.returncode, out


def check(service, totals):
    with service.client() as client:
        found, positions, still_open = {}, {}, 0
        for account in range(1, ACCOUNTS + 1):
            held = {(row.asset, row.wallet): row for row in client.balances(account)}
            usd, btc = held["USD", "spot"], held["BTC", "spot"]
            found[account] = ((usd.total, usd.reserved), (btc.total, btc.reserved))
            for position in client.positions(account):
                positions[account] = (position.qty, position.cost, position.realized)
            still_open += sum(1 for _ in client.iter_orders(account))
    assert found == totals.balances()
    assert positions == totals.positions()
    assert still_open == len(totals.open)


def test_totals_of_the_file_by_hand(totals):
    assert sum(1 for _ in rows(FILE)) == 50_414
    assert totals.counts == dict(orders=24_894, replaces=36, fills=1_118, cancels=24_153, skipped=213)
    assert len(totals.open) == 184


@pytest.mark.parametrize("loops", [1, 4])
def test_undisturbed(fresh, totals, loops):
    service = fresh(loops=loops, laboratory=False)
    started = time.monotonic()
    code, out = finish(replay(service))
    print(f"{time.monotonic() - started:.1f} s\n{out[-2000:]}")
    assert code == 0, out
    check(service, totals)
    numbers = set(re.findall(r"\d+", out.replace(",", "")))
    for name, count in totals.counts.items():
        assert str(count) in numbers, f"{name}: {count} is not in the summary"
    again, _ = finish(replay(service))
    assert again == 0
    check(service, totals)
    service.restart()
    check(service, totals)


@pytest.mark.slow
def test_killed_again_and_again(fresh, totals):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    service = fresh(laboratory=False)
    running = replay(service, KILLED_WINDOW)
    ended_early, kills = 0, 0
    while kills < KILLS:
        time.sleep(moments.uniform(0.01, 0.25))
        if running.poll() == 0:
            ended_early += 1  # it was through; the repeat it now gets must change nothing
        if running.poll() is not None:
            running.stdout.close()
            running = replay(service, KILLED_WINDOW)
            continue
        service.kill()
        kills += 1
        service.start()
    code, out = finish(running)
    for _ in range(5):
        if code == 0:
            break
        code, out = finish(replay(service))
    assert code == 0, out
    print(f"{kills} kills, through {ended_early} times before the last of them\n{out[-1000:]}")
    assert ended_early <= KILLS // 4, "killed too late to mean anything"
    check(service, totals)
