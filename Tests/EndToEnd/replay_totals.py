"""The final balances and positions of the recorded order flow, computed from the file alone.

Written from the rules of `cashup replay-orders`, sharing no code with it or the service. Everything is whole numbers:
prices in cents, quantities in 10^-8 BTC, amounts in 10^-18 USD.
"""

import csv
import lzma
from decimal import Context, Decimal

ACCOUNTS = 50
FUNDS_USD, FUNDS_BTC = 1_000_000, 10_000
QTY_UNIT = 10**8
# One cent times 10^-8 BTC is 10^-10 USD.
NOTIONAL_UNIT = 10**8
AMOUNT_UNIT = 10**18


_EXACT = Context(prec=60)


def scaled(units, digits):
    """`units` x 10^-digits, exactly."""
    return Decimal(units).scaleb(-digits, context=_EXACT)


def rows(path):
    opened = lzma.open(path, "rt") if str(path).endswith(".xz") else open(path)
    with opened as file:
        yield from csv.DictReader(file)


class Order:
    def __init__(self, account, side, price, leaves):
        self.account, self.side, self.price, self.leaves = account, side, price, leaves


class Account:
    """Balances and the weighted average cost position of one account. `cost` and `realized` in 10^-18 USD."""

    def __init__(self):
        self.usd = FUNDS_USD * AMOUNT_UNIT
        self.btc = FUNDS_BTC * QTY_UNIT
        self.position = 0
        self.cost = 0
        self.realized = 0

    def trade(self, side, qty, price):
        notional = qty * price * NOTIONAL_UNIT
        sign = 1 if side == "bid" else -1
        self.usd -= sign * notional
        self.btc += sign * qty
        if self.position * sign < 0:
            closed = min(qty, abs(self.position))
            # Cost of what is closed, truncated toward zero; the rest stays.
            out = self.cost * closed // abs(self.position)
            self.realized += -sign * (closed * price * NOTIONAL_UNIT - out)
            self.cost -= out
            self.position += sign * closed
            qty -= closed
        if qty:
            self.position += sign * qty
            self.cost += qty * price * NOTIONAL_UNIT


class Totals:
    def __init__(self, path):
        self.accounts = [Account() for _ in range(ACCOUNTS + 1)]
        self.open = {}
        self.counts = dict(orders=0, replaces=0, fills=0, cancels=0, skipped=0)
        created = set()
        for row in rows(path):
            id, volume, action = row["id"], int(row["volume"]), row["action"]
            price = int(Decimal(row["price"]) * 100)
            assert Decimal(price) / 100 == Decimal(row["price"])
            if action == "created" and id not in created:
                created.add(id)
                self.counts["orders"] += 1
                self.open[id] = Order(1 + int(id) % ACCOUNTS, row["direction"], price, volume)
            elif action == "created" or id not in self.open:
                self.counts["skipped"] += 1
            else:
                self.event(id, self.open[id], action, price, volume)

    def event(self, id, order, action, price, volume):
        if action == "changed" and price != order.price:
            self.counts["replaces"] += 1
            order.price, order.leaves = price, volume
        elif action == "changed":
            if volume < order.leaves:
                self.fill(order, order.leaves - volume)
        elif volume == 0:
            self.fill(order, order.leaves)
            del self.open[id]
        else:
            self.counts["cancels"] += 1
            del self.open[id]
        if id in self.open and order.leaves == 0:
            del self.open[id]

    def fill(self, order, qty):
        self.counts["fills"] += 1
        self.accounts[order.account].trade(order.side, qty, order.price)
        order.leaves -= qty

    def balances(self):
        """account -> ((USD total, reserved), (BTC total, reserved)), Decimal."""
        reserved = {number: [0, 0] for number in range(1, ACCOUNTS + 1)}
        for order in self.open.values():
            if order.side == "bid":
                reserved[order.account][0] += order.leaves * order.price * NOTIONAL_UNIT
            else:
                reserved[order.account][1] += order.leaves
        return {number: ((scaled(self.accounts[number].usd, 18), scaled(usd, 18)),
                         (scaled(self.accounts[number].btc, 8), scaled(btc, 8)))
                for number, (usd, btc) in reserved.items()}

    def positions(self):
        """account -> (quantity, cost, realized), Decimal, of the accounts that traded."""
        return {number: (scaled(account.position, 8), scaled(account.cost, 18), scaled(account.realized, 18))
                for number, account in enumerate(self.accounts)
                if account.usd != FUNDS_USD * AMOUNT_UNIT or account.btc != FUNDS_BTC * QTY_UNIT or account.position}
