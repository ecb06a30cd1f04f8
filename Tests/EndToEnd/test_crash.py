"""kill -9 in a storm of orders and fills: what the client was told is there after the restart, and the end is the one of
an undisturbed run."""

import asyncio
import contextlib
import random
from decimal import Decimal as D

import pytest

from cashup import Refused, Unknown, commands as c

KILLS = 20
ACCOUNTS = range(21, 29)
USD, EX = 10_000_000, 1_000_000
CLOSED = ("FILLED", "CANCELED")


class Desk:
    """One account's stream of orders, each with its own little life, and what must be left of it at the end."""

    def __init__(self, account, seed):
        self.account = account
        self.random = random.Random(seed)
        self.number = 0
        self.usd, self.ex = D(USD), D(EX)
        self.orders = {}    # id -> (status, leaves, cum) at the end
        self.told = {}      # id -> (status, cum) as last answered
        self.refused = []

    def next_order(self):
        """Commands of one order: new, maybe replace, fills, maybe a cancel."""
        self.number += 1
        pick, id, a = self.random, f"o{self.number}", self.account
        side = pick.choice("BS")
        qty, price = pick.randint(2, 9), D(pick.randint(9_000, 11_000)) / 100
        commands = [c.new_order(a, "EX-USD", side, qty, price, id=id)]
        if pick.random() < 0.3:
            qty += pick.randint(-1, 2)
            commands.append(c.replace(a, "EX-USD", id, qty, price))
        filled = pick.choice((0, 0, 1, qty))
        for part in ([filled] if filled < 3 else [1, filled - 1]) if filled else []:
            commands.append(c.fill(a, "EX-USD", id, part, price, exec=f"e{part}", fee="0.01"))
            sign = 1 if side == "B" else -1
            self.ex += sign * part
            self.usd -= sign * part * price + D("0.01")
        if filled < qty and pick.random() < 0.9:
            commands.append(c.cancel(a, "EX-USD", id))
            self.orders[id] = ("CANCELED", D(0), D(filled))
        elif filled == qty:
            self.orders[id] = ("FILLED", D(0), D(filled))
        else:
            self.orders[id] = ("PARTIALLY_FILLED" if filled else "NEW", D(qty - filled), D(filled))
        return id, commands

    async def trade(self, client, stopping):
        async def one(id, command):
            try:
                answer = await client.run(command)
                self.told[id] = (answer.status, answer.cum)
            except Refused as refusal:
                # A replace that had worked is asked for again after the order was closed: no other refusal may come.
                if not (refusal.resent and refusal.code in ("ORDER_CLOSED", "BELOW_CUM") and command.line[:3] == "RPL"):
                    self.refused.append(refusal)

        while not stopping.is_set():
            batch = [self.next_order() for _ in range(8)]
            await asyncio.gather(*(one(id, command) for id, commands in batch for command in commands))

    def check_told(self, client, told):
        """All that was answered before the kill is there; what is there may be ahead of the answers, not behind."""
        found = {order.id: order for order in client.iter_orders(self.account, "EX-USD", status="all")}
        for id, (status, cum) in told.items():
            assert id in found, f"acknowledged order {id} of account {self.account} is lost"
            assert found[id].cum >= cum, f"acknowledged fill of {id} is lost"
            assert found[id].status == status or status not in CLOSED, (id, status, found[id].status)

    def check_end(self, client):
        found = {order.id: (order.status, order.leaves, order.cum)
                 for order in client.iter_orders(self.account, "EX-USD", status="all")}
        assert found == self.orders
        totals = {balance.asset: balance.total for balance in client.balances(self.account, wallet="spot")}
        assert totals == {"USD": self.usd, "EX": self.ex}
        position, = client.positions(self.account, "EX-USD")
        assert position.qty == self.ex - EX


def fund(service):
    with service.client() as client:
        for account in ACCOUNTS:
            client.deposit(account, "USD", USD, ref="usd")
            client.deposit(account, "EX", EX, ref="ex")


@contextlib.asynccontextmanager
async def trading(service, desks):
    """The desks trade, each on a connection of its own, until the block ends; whatever becomes of the service meanwhile."""
    stopping = asyncio.Event()
    clients = [service.async_client(timeout=120) for _ in desks]
    tasks = [asyncio.ensure_future(desk.trade(client, stopping)) for desk, client in zip(desks, clients)]
    yield
    stopping.set()
    await asyncio.gather(*tasks)
    for client in clients:
        await client.close()


def look(service, desks, told):
    """What each desk had been told is so."""
    with service.client() as client:
        for desk, before in zip(desks, told):
            desk.check_told(client, before)


@pytest.mark.slow
@pytest.mark.parametrize("loops", [1, 4])
def test_orders_and_fills_killed_again_and_again(fresh, loops):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    service = fresh(loops=loops)
    desks = [Desk(account, seed + account) for account in ACCOUNTS]
    moments = random.Random(seed)
    fund(service)

    async def storm():
        loop = asyncio.get_running_loop()
        async with trading(service, desks):
            for _ in range(KILLS):
                await asyncio.sleep(moments.uniform(0.02, 0.25))
                service.kill()
                told = [dict(desk.told) for desk in desks]
                await loop.run_in_executor(None, service.start)
                await loop.run_in_executor(None, look, service, desks, told)

    asyncio.run(storm())
    print(f"{sum(desk.number for desk in desks)} orders, {KILLS} kills")
    assert sum(desk.number for desk in desks) > 10 * KILLS
    assert [desk.refused for desk in desks] == [[] for _ in desks]
    service.restart()
    with service.client() as client:
        for desk in desks:
            desk.check_end(client)


def test_nothing_unacknowledged_is_half_there(fresh):
    """A batch killed at any moment: of each account either the whole of a command is there or nothing."""
    service = fresh()
    with service.client() as client:
        client.deposit(5, "USD", 1_000_000, ref="d")

    async def burst(number):
        client = service.async_client(timeout=None)
        await client.connect(10)
        calls = [client.new_order(5, "EX-USD", "B", 1, "10.00", id=f"{number}-{each}") for each in range(300)]
        await asyncio.sleep(0.001 * number)
        service.kill()
        await client.close()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        return sum(1 for outcome in outcomes if not isinstance(outcome, Exception)), outcomes

    acknowledged = 0
    for number in range(6):
        done, outcomes = asyncio.run(burst(number))
        acknowledged += done
        assert all(isinstance(outcome, (Unknown, Exception)) or outcome.status == "NEW" for outcome in outcomes)
        service.start()
        with service.client() as client:
            orders = list(client.iter_orders(5))
            usd, = client.balances(5, "USD", wallet="spot")
            assert len(orders) >= acknowledged
            assert (usd.total, usd.reserved) == (1_000_000, 10 * len(orders))
            acknowledged = len(orders)
