"""Deposits, holds, transfers between accounts and wallets; conservation, also when killed in the middle."""

import asyncio
import random
from collections import Counter
from decimal import Decimal as D

import pytest

from cashup import CashUpError, Refused, commands as c
from lines import play

KILLS = 20
WALLETS = ("spot", "margin", "futures")
STORM_ACCOUNTS = (11, 12, 13, 14)
FUNDS = 1_000_000


def test_hold_release_withdraw_adjust(lines, account):
    play(lines, """
        DEP $a USD 100.00 ref=1 note=first
        + OK available=100.00 lsn=*
        HLD $a USD 30.5 ref=2 reason=audit
        + OK available=69.50 lsn=*
        BAL $a
        = USD spot total=100.00 available=69.50 reserved=0.00 held=30.50 transit=0.00
        + 1
        WDR $a USD 70 ref=3
        - INSUFFICIENT_FUNDS asset=USD wallet=spot need=70.00 available=69.50
        RLS $a USD 30.51 ref=4
        - INSUFFICIENT_HELD asset=USD wallet=spot need=30.51 held=30.50
        RLS $a USD 0.5 ref=4
        + OK available=70.00 lsn=*
        WDR $a USD 70 ref=3
        + OK available=0.00 lsn=*
        ADJ $a USD -0.000000000000000001 ref=5 reason=dust
        - INSUFFICIENT_FUNDS asset=USD wallet=spot need=0.000000000000000001 available=0.00
        ADJ $a USD 0.000000000000000001 ref=6 reason=dust
        + OK available=0.000000000000000001 lsn=*
        ADJ $a USD -0.000000000000000001 ref=5 reason=dust
        + OK available=0.00 lsn=*
        """, a=account)


def test_a_position_taken_over_is_still_there_after_a_kill(fresh, tmp_path):
    """With the Python client: long and short, a repeat after `kill -9`, the event, and the order that closes it."""
    service = fresh(laboratory=True)
    with service.client() as desk:
        desk.open_account(7)
        first = desk.take_over(7, "PERP-USD", -3, "10.50", ref="mig-1", note="old book")
        assert (first.qty, first.avg, first.cost, first.realized, first.dup) == (-3, D("10.50"), D("31.50"), 0, False)
        with pytest.raises(Refused) as refused:
            desk.take_over(7, "PERP-USD", 1, 1, ref="mig-2")
        assert refused.value.code == "POSITION_EXISTS" and refused.value.facts == {"qty": "-3"}
        assert desk.balances(7) == []
    service.kill()
    service.start()
    with service.client() as desk:
        again = desk.take_over(7, "PERP-USD", -3, "10.50", ref="mig-1", note="old book")
        assert (again.qty, again.cost, again.dup) == (-3, D("31.50"), True)
        with desk.subscribe(0, account=7, kinds=["POSITION"]) as events:
            event = events.next(5)
            assert (event.lsn, event["qty"], event["ref"], event["note"]) == (first.lsn, "-3", "mig-1", "old book")
        order = desk.close_position(7, "PERP-USD", price="10.00", id="close")
        desk.fill(7, "PERP-USD", order.order_id, 3, "10.00", exec="e")
        [position] = desk.positions(7)
        assert (position.qty, position.realized) == (0, D("1.50"))


def test_transfer_between_accounts_and_wallets(lines, accounts):
    first, second = next(accounts), next(accounts)
    play(lines, """
        DEP $a USD 100.00 ref=1
        + OK *
        ACC $b open
        + OK *
        XFR $a $b USD 10.00 ref=2
        + OK available=90.00 lsn=*
        XFR $a $b USD 20.00 from=spot to=savings ref=3
        + OK available=70.00 lsn=*
        XFR $b $a USD 5.00 from=savings to=spot ref=2
        + OK available=15.00 lsn=*
        XFR $a $b USD 75.01 ref=4
        - INSUFFICIENT_FUNDS asset=USD wallet=spot need=75.01 available=75.00
        ACC $b suspend
        + OK *
        XFR $b $a USD 5.00 ref=5
        - ACCOUNT_SUSPENDED account=$b
        XFR $a $b USD 75.00 to=options ref=6
        + OK available=0.00 lsn=*
        BAL $b USD wallet=spot
        = USD spot total=10.00 available=10.00 reserved=0.00 held=0.00 transit=0.00
        + 1
        BAL $b USD wallet=savings
        = USD savings total=15.00 available=15.00 reserved=0.00 held=0.00 transit=0.00
        + 1
        BAL $b USD wallet=options
        = USD options total=75.00 available=75.00 reserved=0.00 held=0.00 transit=0.00
        + 1
        """, a=first, b=second)


def test_transfer_to_itself_changes_nothing_or_is_refused(lines, account):
    play(lines, "DEP $a USD 100.00 ref=1\n + *", a=account)
    lines.ask(f"1 XFR {account} {account} USD 10.00 ref=2")
    play(lines, """
        BAL $a
        = USD spot total=100.00 available=100.00 reserved=0.00 held=0.00 transit=0.00
        + 1
        """, a=account)


def test_amounts_are_exact_to_the_last_digit(lines, account):
    play(lines, """
        DEP $a USD 1200000000000000.000000000000000001 ref=1
        + OK available=1200000000000000.000000000000000001 lsn=*
        WDR $a USD 1199999999999999.999999999999999999 ref=2
        + OK available=0.000000000000000002 lsn=*
        """, a=account)


def test_pipelined_transfers_around_a_ring_conserve(shared, accounts):
    ring = [next(accounts) for _ in range(4)]
    with shared.client() as client:
        client.run_many([c.deposit(a, "USD", FUNDS, wallet=w, ref="d" + w) for a in ring for w in WALLETS])
        moves = []
        for number in range(1500):
            source, target = ring[number % 4], ring[(number + 1 + number // 7) % 4]
            moves.append(c.transfer(source, target, "USD", number + 1, ref=f"m{number}",
                                    from_wallet=WALLETS[number % 3], to_wallet=WALLETS[(number // 3) % 3]))
        results = client.run_many(moves)
        assert [result for result in results if isinstance(result, Exception) and
                not (isinstance(result, Refused) and result.code == "BAD_VALUE")] == []
        assert money(client, ring) == (FUNDS * len(ring) * len(WALLETS), 0)


def money(client, accounts):
    """Sum of totals and sum in transit over all wallets."""
    rows = [row for account in accounts for row in client.balances(account, "USD")]
    return sum(row.total for row in rows), sum(row.transit for row in rows)


class Transfers:
    """Seeded transfers with fixed refs; knows which were answered. An unanswered one is sent again, same as it was."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.made = []
        self.answered = {}

    def make(self):
        source, target = self.random.sample([(a, w) for a in STORM_ACCOUNTS for w in WALLETS], 2)
        amount = D(self.random.randint(1, 10**12)).scaleb(-9)
        command = c.transfer(source[0], target[0], "USD", amount, from_wallet=source[1], to_wallet=target[1],
                             ref=f"t{len(self.made)}")
        self.made.append((command, source, target, amount))
        return command

    def unanswered(self):
        return [command for command, *_ in self.made if command.id not in self.answered]

    def expected(self):
        balances = Counter({(a, w): D(FUNDS) for a in STORM_ACCOUNTS for w in WALLETS})
        for _, source, target, amount in self.made:
            balances[source] -= amount
            balances[target] += amount
        return balances


async def storm(service, transfers, seconds):
    """Sends until killed: what was left unanswered first, then new ones, 200 outstanding; kills after `seconds`."""
    client = service.async_client(timeout=None)
    await client.connect(10)
    retries = transfers.unanswered()

    async def keep_sending():
        while True:
            command = retries.pop(0) if retries else transfers.make()
            transfers.answered[command.id] = await client.run(command)

    tasks = [asyncio.ensure_future(keep_sending()) for _ in range(200)]
    await asyncio.sleep(seconds)
    service.kill()
    await client.close()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, CashUpError) and not isinstance(outcome, Refused), outcome


@pytest.mark.slow
@pytest.mark.parametrize("loops", [1, 4])
def test_transfers_killed_again_and_again_sum_is_exact_and_each_is_done_once(fresh, loops):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    service = fresh(loops=loops, laboratory=False)
    transfers = Transfers(seed)
    moments = random.Random(seed + 1)
    with service.client() as client:
        client.run_many([c.deposit(a, "USD", FUNDS, wallet=w, ref="d" + w) for a in STORM_ACCOUNTS for w in WALLETS])
    everything = FUNDS * len(STORM_ACCOUNTS) * len(WALLETS)
    for _ in range(KILLS):
        asyncio.run(storm(service, transfers, moments.uniform(0.02, 0.2)))
        service.start()
        with service.client() as client:
            # Ready means that what was under way has been driven to its end.
            assert money(client, STORM_ACCOUNTS) == (everything, 0)
    print(f"{len(transfers.made)} transfers made, {len(transfers.unanswered())} unanswered after {KILLS} kills")
    assert len(transfers.answered) > KILLS
    with service.client() as client:
        for outcome in client.run_many(transfers.unanswered()):
            assert not isinstance(outcome, Exception), outcome
        for outcome in client.run_many([command for command, *_ in transfers.made]):
            assert outcome.dup, outcome
        found = {(row.account, row.wallet): row.total
                 for a in STORM_ACCOUNTS for row in client.balances(a, "USD")}
        assert found == dict(transfers.expected())
        # Within one wallet a transfer is one change; between two there is a third step, when the source learns of it.
        between = sum(source[1] != target[1] for _, source, target, _ in transfers.made)
        expected = Counter(XFR_OUT=len(transfers.made), XFR_IN=len(transfers.made), XFR_DONE=between)
        steps, refs = Counter(), Counter()
        with client.subscribe(0, kinds=["BALANCE"]) as events:
            while sum(steps.values()) < sum(expected.values()):
                event = events.next(timeout=10)
                if event["kind"] != "DEP":
                    steps[event["kind"]] += 1
                    refs[event["kind"], event["ref"]] += 1
        assert steps == expected and set(refs.values()) == {1}
