"""What one client of the kill storm knows: the acknowledged state of its accounts, by arithmetic of its own.

Written from docs/PROTOCOL.md alone; exact Decimals. An order has at most one command under way, so each command has exactly two outcomes
that a crash may leave, and a repeat with the same id settles which. Orders, money and transfers run side by side.
"""

import decimal
from decimal import Decimal as D

decimal.getcontext().prec = 80

UNIT = D(1).scaleb(-18)
CLOSED = ("FILLED", "CANCELED", "EXPIRED")


class Instrument:
    def __init__(self, symbol, wallet, base, quote, tick, lot, price, funded=True):
        self.symbol, self.wallet, self.base, self.quote, self.funded = symbol, wallet, base, quote, funded
        self.tick, self.lot, self.price = D(tick), D(lot), D(price)
        self.price_unit = self.tick / 100

    @property
    def assets(self):
        return self.base, self.quote


# As the default configuration seeds them: three wallets, so two or three loops at work.
INSTRUMENTS = {each.symbol: each for each in (
    Instrument("BTC-USD", "spot", "BTC", "USD", "0.01", "0.00000001", "64000.00"),
    Instrument("SOL-USD", "spot", "SOL", "USD", "0.001", "0.0001", "150.000"),
    Instrument("BTC-USDT-M", "margin", "BTC", "USDT", "0.01", "0.00001", "64000.00"),
    Instrument("BTC-USDT-PERP", "futures", "BTC", "USDT", "0.1", "0.001", "64000.0", funded=False))}


class Fill:
    def __init__(self, qty, price, fee, fee_asset, exec):
        self.qty, self.price, self.fee, self.fee_asset, self.exec = qty, price, fee, fee_asset, exec


class Order:
    def __init__(self, account, instrument, id, side, qty, price, expire=None):
        self.account, self.instrument, self.id, self.side, self.expire = account, instrument, id, side, expire
        self.qty, self.price = qty, price
        self.largest = qty  # it ever had: so much may be filled, also after it was cancelled
        self.status, self.cum, self.value = None, D(0), D(0)
        self.number = None  # its OrderID
        self.fills = {}     # TradeID -> Fill
        self.busy = False   # a command is under way

    @property
    def leaves(self):
        return self.qty - self.cum if self.is_open else D(0)

    @property
    def is_open(self):
        return self.status in ("NEW", "PARTIALLY_FILLED")

    @property
    def sign(self):
        return 1 if self.side == "B" else -1

    def state(self):
        """What `ORD` must say of it; None: that it is unknown."""
        if self.status is None:
            return None
        return self.status, self.qty, self.price, self.leaves, self.cum, self.average()

    def average(self):
        return (self.value / self.cum).quantize(self.instrument.price_unit, decimal.ROUND_HALF_EVEN) if self.cum else None

    def reserve(self):
        """(asset, amount) held back for it, or None."""
        if not self.is_open or not self.instrument.funded:
            return None
        if self.side == "B":
            return self.instrument.quote, self.leaves * self.price
        return self.instrument.base, self.leaves


class Command:
    """One line that asks for a change, with what it does to the record when it is taken."""

    def __init__(self, line, account, refusals=(), order=None):
        self.line, self.account, self.refusals, self.order = line, account, refusals, order
        self.sent = 0

    def apply(self, record):
        raise NotImplementedError

    def after(self):
        """The order's state once it is taken, without changing the record."""
        raise NotImplementedError

    def check(self, words, keys):
        """The `+` answer, after `apply`."""
        order = self.order
        assert words[0] == str(order.number) and words[1] == order.status, (self.line, words)
        told = D(keys["leaves"]), D(keys["cum"]), D(keys["avg"]) if "avg" in keys else None
        assert told == (order.leaves, order.cum, order.average()), (self.line, keys, order.state())


class Enter(Command):
    def __init__(self, order):
        price = "-" if order.price is None else f"{order.price:f}"
        expire = f"GTD id={order.id} expire={order.expire}" if order.expire else f"GTC id={order.id}"
        type = "MKT" if order.price is None else "LMT"
        super().__init__(f"NEW {order.account} {order.instrument.symbol} {order.side} {type} {order.qty:f} {price} {expire}", order.account,
                         ("INSUFFICIENT_FUNDS",) + (("ALREADY_EXPIRED",) if order.expire else ()), order)

    def after(self):
        order = self.order
        return "NEW", order.qty, order.price, order.qty, D(0), None

    def apply(self, record):
        self.order.status = "NEW"

    def check(self, words, keys):
        self.order.number = int(words[0])
        if self.order.expire and words[1] == "EXPIRED":
            return
        super().check(words, keys)


class Replace(Command):
    def __init__(self, order, qty, price):
        self.qty, self.price = qty, price
        super().__init__(f"RPL {order.account} {order.instrument.symbol} id={order.id} {qty:f} {price:f}", order.account,
                         ("INSUFFICIENT_FUNDS",), order)

    def status(self):
        order = self.order
        return "FILLED" if self.qty == order.cum else order.status

    def after(self):
        order = self.order
        status = self.status()
        return status, self.qty, self.price, D(0) if status == "FILLED" else self.qty - order.cum, order.cum, order.average()

    def apply(self, record):
        order = self.order
        order.status, order.qty, order.price = self.status(), self.qty, self.price
        order.largest = max(order.largest, order.qty)


class Cancel(Command):
    def __init__(self, order):
        super().__init__(f"CXL {order.account} {order.instrument.symbol} id={order.id}", order.account, (), order)

    def after(self):
        order = self.order
        return "CANCELED", order.qty, order.price, D(0), order.cum, order.average()

    def apply(self, record):
        self.order.status = "CANCELED"


class Report(Command):
    """FIL"""

    def __init__(self, order, fill):
        self.fill = fill
        asset = f" feeasset={fill.fee_asset}" if fill.fee_asset != order.instrument.quote else ""
        super().__init__(f"FIL {order.account} {order.instrument.symbol} id={order.id} {fill.qty:f} {fill.price:f} exec={fill.exec}"
                         f" fee={fill.fee:f}{asset}", order.account, (), order)

    def after(self):
        order, fill = self.order, self.fill
        cum, value = order.cum + fill.qty, order.value + fill.qty * fill.price
        status = order.status
        if order.is_open:
            status = "FILLED" if cum == order.qty else "PARTIALLY_FILLED"
        average = (value / cum).quantize(order.instrument.price_unit, decimal.ROUND_HALF_EVEN)
        return status, order.qty, order.price, D(0) if status in CLOSED else order.qty - cum, cum, average

    def apply(self, record):
        order, fill = self.order, self.fill
        order.status = self.after()[0]
        order.cum += fill.qty
        order.value += fill.qty * fill.price

    def check(self, words, keys):
        super().check(words, keys)
        trade = int(keys["trade"])
        assert trade not in self.order.fills, f"two fills have one TradeID: {self.line}"
        self.order.fills[trade] = self.fill


class Money(Command):
    """DEP WDR ADJ HLD RLS: what goes to the total and to what is held."""

    def __init__(self, line, account, wallet, asset, total=D(0), held=D(0), refusals=()):
        self.wallet, self.asset, self.total, self.held = wallet, asset, total, held
        super().__init__(line, account, refusals)

    def apply(self, record):
        record.add(self.account, self.wallet, self.asset, self.total, self.held)
        record.outside[self.asset] = record.outside.get(self.asset, D(0)) + self.total

    def check(self, words, keys):
        assert words == ["OK"] and "available" in keys, (self.line, words)


class Transfer(Command):
    def __init__(self, line, account, wallet, target, target_wallet, asset, amount):
        self.wallet, self.target, self.target_wallet, self.asset, self.amount = wallet, target, target_wallet, asset, amount
        super().__init__(line, account, ("INSUFFICIENT_FUNDS",))

    def apply(self, record):
        record.add(self.account, self.wallet, self.asset, -self.amount)
        record.credit(self.target, self.target_wallet, self.asset, self.amount)

    def check(self, words, keys):
        assert words == ["OK"] and "available" in keys, (self.line, words)


class Position:
    def __init__(self):
        self.qty, self.cost, self.realized, self.fees, self.last_trade = D(0), D(0), D(0), {}, 0

    def take(self, trade, side, fill, instrument):
        """One fill, in the order of TradeIDs; gives what it realized."""
        assert trade > self.last_trade, f"trade {trade} comes after {self.last_trade}"
        self.last_trade = trade
        before, signed = self.realized, fill.qty * side
        if self.qty * signed >= 0:
            self.qty += signed
            self.cost += fill.qty * fill.price
        else:
            closed = min(abs(self.qty), fill.qty)
            removed = (self.cost * closed / abs(self.qty)).quantize(UNIT, decimal.ROUND_DOWN)
            self.realized += (closed * fill.price - removed) * (1 if self.qty > 0 else -1)
            self.cost -= removed
            self.qty += signed
            if fill.qty > closed:
                self.cost = (fill.qty - closed) * fill.price
        if fill.fee_asset == instrument.quote:
            self.realized -= fill.fee
        elif fill.fee_asset == instrument.base:
            self.realized -= fill.fee * fill.price
        elif fill.fee:
            self.fees[fill.fee_asset] = self.fees.get(fill.fee_asset, D(0)) + fill.fee
        return self.realized - before


class Record:
    """Of one client's accounts."""

    def __init__(self, accounts):
        self.accounts = set(accounts)
        self.balances = {}    # (account, wallet, asset) -> [total, held], without fills not yet settled
        self.outside = {}     # asset -> deposits less withdrawals, with corrections
        self.outflow = {}     # (account, wallet, asset) of other clients -> what was sent there
        self.inflow = {}      # of its own, what others sent, as far as it is in `balances`
        self.orders = {}
        self.positions = {}   # (account, symbol) -> Position
        self.flows = {}       # asset -> what fills brought in and took, fees included
        self.fresh = []       # (order, TradeID) not yet in a position
        self.lsn = 0          # the highest that was acknowledged
        self.refs = set()

    def add(self, account, wallet, asset, total, held=D(0)):
        entry = self.balances.setdefault((account, wallet, asset), [D(0), D(0)])
        entry[0] += total
        entry[1] += held

    def credit(self, account, wallet, asset, amount):
        if account in self.accounts:
            return self.add(account, wallet, asset, amount)
        key = account, wallet, asset
        self.outflow[key] = self.outflow.get(key, D(0)) + amount

    def receive(self, inflow):
        """What all others say they have sent, from the beginning."""
        for key, amount in inflow.items():
            self.add(*key, amount - self.inflow.get(key, D(0)))
        self.inflow = dict(inflow)

    def filled(self, order, trade):
        self.fresh.append((order, trade))

    def settle(self):
        """Books the fills since the last time: positions in the order of their TradeIDs, and the money. Nothing may be under way."""
        for order, trade in sorted(self.fresh, key=lambda each: each[1]):
            instrument, fill = order.instrument, order.fills[trade]
            position = self.positions.setdefault((order.account, instrument.symbol), Position())
            realized = position.take(trade, order.sign, fill, instrument)
            if instrument.funded:
                legs = [(instrument.base, order.sign * fill.qty), (instrument.quote, -order.sign * fill.qty * fill.price), (fill.fee_asset, -fill.fee)]
            else:
                # Realized has the quote fee in it already; other fees are paid beside it.
                own = fill.fee_asset == instrument.quote
                legs = [(instrument.quote, realized)] + ([] if own else [(fill.fee_asset, -fill.fee)])
                assert fill.fee_asset != instrument.base
            for asset, amount in legs:
                self.add(order.account, instrument.wallet, asset, amount)
                self.flows[asset] = self.flows.get(asset, D(0)) + amount
        self.fresh = []

    def open_orders(self, account):
        return [order for order in self.orders.values() if order.account == account and order.is_open]

    def expected_balances(self, account, open_orders):
        """(wallet, asset) -> (total, available, reserved, held), of what is not all zero."""
        reserved = {}
        for order in open_orders:
            reserve = order.reserve()
            if reserve:
                key = order.instrument.wallet, reserve[0]
                reserved[key] = reserved.get(key, D(0)) + reserve[1]
        found = {}
        for (owner, wallet, asset), (total, held) in self.balances.items():
            if owner != account:
                continue
            kept = reserved.get((wallet, asset), D(0))
            if total or held or kept:
                found[wallet, asset] = total, total - kept - held, kept, held
        return found
