#!/usr/bin/env python3
"""Kill storm: the real server on a real disk behind real sockets, killed again and again under load; not one acknowledged change may be lost.

    python3 Tests/EndToEnd/kill_storm.py --kills 300                 # over 1, 2 and 4 loops; prints its seed
    python3 Tests/EndToEnd/kill_storm.py --kills 50 --loops 2 --seed 7 --config-line 'event_buffer_bytes: 65536'

Several client processes (`storm_trader.py`) trade, move and transfer money, each with a record of its own of what it was told
(`storm_record.py`). `kill -9` comes at random moments: under load, some milliseconds into a start or its recovery, several times in a row, and
while unknown outcomes are being resolved. After each, clients look before they ask again: what was acknowledged is there, what was
under way is there whole or not at all. Then all is made quiet, and record and service are compared to the last unit.
The seed makes the clients' choices and the moments; how they meet in the service is the machine's.
"""

import argparse
import collections
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from decimal import Decimal as D
from pathlib import Path

import storm_observer
import storm_trader
from service import Service, cashup

TRADERS = 3
ACCOUNTS_EACH = 2
PATIENCE_SECONDS_MAX = 120

# Small segments, so that kills meet their rolls.
SEGMENT_BYTES = 65_536


class Campaign:
    """One data directory and what is done to it."""

    def __init__(self, directory, *, loops, seed, kills, config_lines=(), segment_bytes=SEGMENT_BYTES, environment=None, observed=True):
        self.seed, self.kills_wanted = seed, kills
        self.random = random.Random(f"moments {seed}")
        config = "".join(f"{line}\n" for line in (f"segment_bytes: {segment_bytes}", *config_lines))
        self.service = Service(directory, loops=loops, config=config, environment=environment)
        self.counts = collections.Counter()
        self.inbox = collections.defaultdict(collections.deque)
        processes = multiprocessing.get_context("fork")
        everyone = self.accounts = list(range(101, 101 + TRADERS * ACCOUNTS_EACH))
        self.traders, self.pipes = [], []
        for index in range(TRADERS):
            own = everyone[index * ACCOUNTS_EACH:(index + 1) * ACCOUNTS_EACH]
            self.begin(processes, storm_trader.run, index, self.service.port, f"trader {seed} {index}", own, everyone)
        if observed:
            self.begin(processes, storm_observer.run, self.service.port)
            self.observer = self.pipes.pop()
        else:
            self.observer = None

    def begin(self, processes, run, *arguments):
        ours, theirs = processes.Pipe()
        process = processes.Process(target=run, args=(*arguments, theirs), daemon=True)
        process.start()
        self.traders.append(process)
        self.pipes.append(ours)

    def close(self):
        for process in self.traders:
            process.kill()
            process.join()
        if self.service.process is not None:
            self.service.kill()

    # -- clients -------------------------------------------------------------------------------------------------------

    def tell(self, *message):
        for pipe in self.pipes:
            pipe.send(message)

    def look_at_clients(self):
        """Ends the campaign at once when a client has found something, or the service died of itself."""
        for pipe in (*self.pipes, *([self.observer] if self.observer else [])):
            while pipe.poll():
                message = pipe.recv()
                assert message[0] != "failed", f"seed {self.seed}, after {self.counts['kills']} kills:\n{message[1]}"
                self.inbox[pipe].append(message[1:])
        if self.service.process is not None and self.service.process.poll() is not None:
            raise AssertionError(f"seed {self.seed}: the service ended by itself, {self.service.process.returncode}:\n{self.service.said()[-2000:]}")

    def hear(self, what, pipe):
        deadline = time.monotonic() + PATIENCE_SECONDS_MAX
        while True:
            self.look_at_clients()
            if self.inbox[pipe]:
                return self.inbox[pipe].popleft()
            assert time.monotonic() < deadline, f"seed {self.seed}: a client has not {what} within {PATIENCE_SECONDS_MAX} s"
            pipe.poll(0.05)

    def answers(self, what):
        return [self.hear(what, pipe) for pipe in self.pipes]

    # -- kills ---------------------------------------------------------------------------------------------------------

    def kill(self, where):
        assert self.service.process.poll() is None, f"the service ended by itself, {self.service.process.returncode}:\n{self.service.said()[-2000:]}"
        self.service.kill()
        # Those within a start come on top.
        self.counts["kills"] += where != "in a start"
        self.counts[f"kills {where}"] += 1

    def come_back(self):
        """A start; before it, sometimes, starts that are killed within milliseconds."""
        if self.random.random() < 0.4:
            for _ in range(self.random.randint(1, 4)):
                self.service.launch()
                time.sleep(self.random.uniform(0, 0.05))
                self.kill("in a start")
        began = time.monotonic()
        self.service.start()
        self.counts["starts"] += 1
        self.counts["slowest start, ms"] = max(self.counts["slowest start, ms"], round((time.monotonic() - began) * 1000))

    def load_and_kill(self):
        self.tell("load")
        for _ in range(self.random.randint(1, 4)):
            # From the first bytes after a start to a while of load.
            self.wait(self.random.choice((self.random.uniform(0, 0.03), self.random.uniform(0.02, 0.4), self.random.uniform(0.2, 1.2))))
            self.kill("under load")
            self.come_back()
        self.wait(self.random.uniform(0, 0.1))
        self.tell("settle")
        if self.random.random() < 0.4:
            self.wait(self.random.uniform(0, 0.05))
            self.kill("while outcomes are resolved")
            self.come_back()

    def wait(self, seconds):
        time.sleep(seconds)
        self.look_at_clients()

    # -- judgement -----------------------------------------------------------------------------------------------------

    def verify(self, complete=False):
        outflows = self.answers("settled")
        for index, pipe in enumerate(self.pipes):
            own = set(range(101 + index * ACCOUNTS_EACH, 101 + (index + 1) * ACCOUNTS_EACH))
            inflow = collections.Counter()
            for flows, in outflows:
                inflow.update({key: amount for key, amount in flows.items() if key[0] in own})
            pipe.send(("verify", dict(inflow), complete))
        if self.random.random() < 0.15:
            self.wait(self.random.uniform(0, 0.02))
            self.kill("while all is compared")
            self.come_back()
        held, brought = collections.Counter(), collections.Counter()
        for (sums, outside, flows), in self.answers("verified"):
            held.update(sums)
            brought.update(outside)
            brought.update(flows)
        # Conservation, over all accounts and wallets: what is there is what came from outside and by fills.
        for asset in {*held, *brought}:
            assert held[asset] == brought[asset], f"{asset}: {held[asset]} are there, {brought[asset]} came in"
        self.counts["verified states"] += 1

    def contents(self):
        with self.service.lines() as lines:
            lines.send("1 STAT hash=1\n")
            return [word for row in lines.answer() for word in row.split(" ") if word.startswith("content=")]

    def kill_when_quiet(self):
        """Live state and replayed state are one."""
        before = self.contents()
        self.kill("when quiet")
        self.come_back()
        after = self.contents()
        assert before == after and before, f"seed {self.seed}: replay comes to another state: {before}, {after}"

    def compare_events(self, fills, orders):
        """What the subscriber heard over all crashes is what the log holds: no gap, no repeat, nothing that a crash undid."""
        with self.service.lines() as lines:
            lsn = int(lines.greeting.partition("lsn=")[2].partition(" ")[0])
        self.observer.send(("catch up", lsn))
        heard, reconnected = self.hear("caught up", self.observer)
        again = storm_observer.Observer(self.service.port, None)
        again.catch_up(lsn)
        assert heard == again.heard, f"seed {self.seed}: " + next(
            (f"event {n}: heard {a!r}, the log has {b!r}" for n, (a, b) in enumerate(zip(heard, again.heard)) if a != b),
            f"{len(heard)} events heard, {len(again.heard)} in the log")
        found, entered = collections.Counter(), collections.Counter()
        for event in heard:
            _, kind, *words = event.split(" ")
            keys = dict(word.split("=", 1) for word in words if "=" in word)
            if kind == "TRADE":
                found[int(keys["account"]), keys["id"], keys["exec"]] += 1
            elif kind == "ORDER" and keys["exec"] == "NEW":
                entered[int(keys["account"]), keys["id"]] += 1
        assert set(found.values()) <= {1} and set(entered.values()) <= {1}, "something is in the log twice"
        assert set(found) == fills, "fills of the log and of the records differ"
        assert set(entered) == orders, "orders of the log and of the records differ"
        self.counts["events heard"] = len(heard)
        self.counts["subscriptions"] = reconnected

    def run(self):
        try:
            self.service.start()
            with self.service.lines() as lines:
                for account in self.accounts:
                    assert lines.ask(f"1 ACC {account} open").startswith("+1 OK")
            while self.counts["kills"] < self.kills_wanted:
                self.load_and_kill()
                self.verify()
                if self.random.random() < 0.25:
                    self.kill_when_quiet()
            self.tell("settle")
            self.verify(complete=True)
            before = self.contents()
            assert self.service.stop() == 0, self.service.said()[-2000:]
            verified = cashup("wal", "verify", self.service.data)
            assert verified.returncode == 0, verified.stdout + verified.stderr
            self.service.start()
            assert self.contents() == before, "replay after a clean stop comes to another state"
            self.tell("settle")
            self.verify(complete=True)
            self.tell("facts")
            fills, orders = set(), set()
            for counts, more, entered in self.answers("facts"):
                self.counts.update(counts)
                fills |= more
                orders |= entered
            self.counts["fills"], self.counts["segments"] = len(fills), len(self.service.segments())
            self.counts["torn tails cut"] = self.service.said().count("was torn")
            if self.observer:
                self.compare_events(fills, orders)
            assert self.service.stop() == 0
            assert "broken invariant" not in self.service.said()
            return self.counts
        finally:
            self.close()


def storm(directory, *, kills, loops, seed, campaign_kills=30, log=lambda text: None, **options):
    """Campaigns on fresh directories, the loops in turn, until there were so many kills."""
    total, number = collections.Counter(), 0
    while total["kills"] < kills:
        here = Path(directory) / f"campaign{number}"
        here.mkdir()
        now = loops[number % len(loops)]
        began = time.monotonic()
        counts = Campaign(here, loops=now, seed=f"{seed}.{number}", kills=min(campaign_kills, kills - total["kills"]), **options).run()
        log(f"campaign {number}, loops {now}, {time.monotonic() - began:.1f} s: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
        slowest = max(total["slowest start, ms"], counts["slowest start, ms"])
        total.update(counts)
        total["slowest start, ms"] = slowest
        shutil.rmtree(here)
        number += 1
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--loops", default="1,2,4", help="of the campaigns, in turn")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--campaign-kills", type=int, default=30, help="kills of one data directory")
    parser.add_argument("--segment-bytes", type=int, default=SEGMENT_BYTES)
    parser.add_argument("--config-line", action="append", default=[], help="a line for the service's configuration; may be repeated")
    parser.add_argument("--directory", help="on the disk to be tested; default: a temporary one")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(2**32)
    print(f"seed {seed}", flush=True)
    directory = tempfile.mkdtemp(prefix="kill-storm-", dir=options.directory)
    began = time.monotonic()
    try:
        total = storm(directory, kills=options.kills, loops=[int(each) for each in options.loops.split(",")], seed=seed,
                      campaign_kills=options.campaign_kills, config_lines=options.config_line, segment_bytes=options.segment_bytes,
                      log=lambda text: print(text, flush=True))
    except AssertionError as found:
        print(f"FAILED: {found}\nthe data directory is kept in {directory}", flush=True)
        return 1
    shutil.rmtree(directory)
    print(f"{time.monotonic() - began:.0f} s in all")
    for name, count in sorted(total.items()):
        print(f"{count:>10}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
