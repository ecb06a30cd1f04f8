"""One client of the kill storm: a process that trades over a socket, loses it, looks, asks again, and never forgets what it was told.

Its parent tells it what to do over a pipe: `load` until it says `settle`, which resolves every unknown outcome by sending the same line again;
then `verify`, which compares everything the service says of its accounts with its record.
"""

import collections
import random
import socket
import time
import traceback
from decimal import Decimal as D

from lines import fields
from storm_record import (INSTRUMENTS, Cancel, Command, Enter, Fill, Money, Order, Record, Replace, Report, Transfer)

WINDOW = 48
OPEN_MAX = 150
SILENCE_SECONDS_MAX = 60
QUERIES_AT_ONCE = 200


class CancelAll(Command):
    """CXA: nothing else of the account is under way."""

    def __init__(self, account, orders):
        self.orders = orders
        super().__init__(f"CXA {account}", account)

    def apply(self, record):
        for order in self.orders:
            order.status = "CANCELED"

    def check(self, words, keys):
        canceled = int(keys["canceled"])
        # Repeated, it finds what the crash left of them, wallet by wallet.
        assert canceled == len(self.orders) or (self.sent > 1 and canceled < len(self.orders)), (self.line, canceled, len(self.orders))


def state_in(row):
    """An `ORD` row as `Order.state` has it."""
    _, keys = row
    price = None if keys["price"] == "-" else D(keys["price"])
    return (keys["status"], D(keys["qty"]), price, D(keys["leaves"]), D(keys["cum"]), D(keys["avg"]) if "avg" in keys else None)


class Trader:
    def __init__(self, index, port, seed, accounts, everyone, pipe):
        self.index, self.port, self.pipe = index, port, pipe
        self.random = random.Random(seed)
        self.accounts, self.others = accounts, [each for each in everyone if each not in accounts]
        self.record = Record(accounts)
        self.flight = collections.deque()
        self.idle = []                                  # open orders without a command under way
        self.timed = []                                 # GTD orders that have not expired yet
        self.closed = collections.deque(maxlen=300)     # some that may get a late fill
        self.refused = collections.deque(maxlen=50)     # entered, and refused for good
        self.changed = {}                               # orders since the last verification
        self.socket, self.unread, self.number = None, b"", 0
        self.counts = collections.Counter()
        self.first = [self.money("DEP", account, wallet, asset, amount) for account in accounts for wallet, asset, amount in (
            ("spot", "USD", 400_000), ("spot", "BTC", 5), ("spot", "SOL", 2000), ("margin", "USDT", 300_000), ("margin", "BTC", 5),
            ("futures", "USDT", 50_000))]

    # -- what to do next -----------------------------------------------------------------------------------------------

    def money(self, verb, account, wallet, asset, amount):
        ref = f"{verb[0]}{self.next()}"
        amount = D(amount)
        total = {"DEP": amount, "WDR": -amount, "ADJ": amount}.get(verb, D(0))
        held = {"HLD": amount, "RLS": -amount}.get(verb, D(0))
        refusals = {"DEP": (), "RLS": ("INSUFFICIENT_HELD",)}.get(verb, ("INSUFFICIENT_FUNDS",))
        reason = " reason=storm" if verb == "ADJ" else ""
        return Money(f"{verb} {account} {asset} {amount:f} ref={ref} wallet={wallet}{reason}", account, wallet, asset, total, held, refusals)

    def next(self):
        self.number += 1
        return self.number

    def choose(self):
        """The next command."""
        if self.first:
            return self.first.pop()
        pick = self.random
        chance = pick.random()
        if chance < 0.12:
            return self.choose_money()
        if chance < 0.14 and self.closed:
            order = self.closed[pick.randrange(len(self.closed))]
            room = order.largest - order.cum
            if not order.busy and order.status == "CANCELED" and room > 0:
                return self.report(order, room)
        if self.idle and (chance < 0.62 or len(self.idle) > OPEN_MAX):
            at = pick.randrange(len(self.idle))
            self.idle[at], self.idle[-1] = self.idle[-1], self.idle[at]
            order = self.idle.pop()
            what = pick.random()
            if what < 0.15 and order.price is not None:
                lots = max(1, int((order.cum / order.instrument.lot).to_integral_value()) + pick.randint(0, 40_000))
                qty = max(lots * order.instrument.lot, order.cum)
                return Replace(order, qty, self.price(order.instrument))
            if what < 0.6:
                return self.report(order, order.leaves)
            return Cancel(order)
        return self.enter()

    def price(self, instrument):
        return (instrument.price * self.random.randint(900, 1100) / 1000).quantize(instrument.tick)

    def enter(self):
        pick = self.random
        instrument = pick.choice(list(INSTRUMENTS.values()))
        side, expire = pick.choice("BS"), None
        price = self.price(instrument)
        chance = pick.random()
        if chance < 0.03:
            expire = int(time.time() * 1000) + pick.randint(20, 400)
        elif chance < 0.06 and side == "S":
            price = None
        order = Order(pick.choice(self.accounts), instrument, f"o{self.next()}", side, pick.randint(1, 90_000) * instrument.lot, price, expire)
        self.record.orders[order.id] = order
        return Enter(order)

    def report(self, order, room):
        """A fill of a part of what is left, or of all; at any price and with any fee: it is a fact."""
        pick, instrument = self.random, order.instrument
        parts = int(room / instrument.lot)
        qty = room if parts <= 1 or pick.random() < 0.4 else pick.randint(1, parts) * instrument.lot
        price = self.price(instrument)
        if pick.random() < 0.2:
            price += instrument.price_unit * pick.randint(1, 99)  # between two ticks
        asset = pick.choice((instrument.quote, instrument.quote, "EUR", instrument.base if instrument.funded else "EUR"))
        fee = D(pick.randint(-20, 400)).scaleb(-7)
        return Report(order, Fill(qty, price, fee, asset, f"x{self.next()}"))

    def choose_money(self):
        pick = self.random
        account = pick.choice(self.accounts)
        wallet, asset = pick.choice((("spot", "USD"), ("spot", "BTC"), ("margin", "USDT"), ("margin", "BTC"), ("futures", "USDT")))
        amount = D(pick.randint(1, 10**8)).scaleb(-8) * (100 if asset.startswith("USD") else 1)
        verb = pick.choice(("DEP", "WDR", "HLD", "RLS", "ADJ", "XFR", "XFR", "XFR"))
        if verb == "DEP":
            amount *= 5
        if verb == "ADJ" and pick.random() < 0.5:
            amount = -amount
        if verb != "XFR":
            return self.money(verb, account, wallet, asset, amount)
        target = pick.choice((account, pick.choice(self.accounts), pick.choice(self.others or self.accounts)))
        into = pick.choice(("spot", "margin", "futures"))
        if target == account and into == wallet:
            into = "savings"
        line = f"XFR {account} {target} {asset} {amount:f} from={wallet} to={into} ref=T{self.next()}"
        return Transfer(line, account, wallet, target, into, asset, amount)

    # -- the connection ------------------------------------------------------------------------------------------------

    def connect(self):
        """Until somebody answers who is ready. Everything acknowledged must be in what it has."""
        deadline = time.monotonic() + SILENCE_SECONDS_MAX
        while True:
            if self.socket:
                self.socket.close()
            self.socket, self.unread = socket.socket(), b""
            self.socket.settimeout(SILENCE_SECONDS_MAX)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.socket.connect(("127.0.0.1", self.port))
                _, keys = fields(self.read())
                if keys.get("state") == "ready":
                    break
            except TimeoutError:
                raise AssertionError("connected, but no greeting comes") from None
            except (OSError, EOFError):
                pass
            assert time.monotonic() < deadline, "nobody answers"
            time.sleep(0.003)
        assert int(keys["lsn"]) >= self.record.lsn, f"LSN {self.record.lsn} was acknowledged, the service has {keys['lsn']}"

    def read(self):
        while True:
            line, end, rest = self.unread.partition(b"\n")
            if end:
                self.unread = rest
                return line.decode("ascii")
            data = self.socket.recv(1 << 16)
            if not data:
                raise EOFError
            self.unread += data

    def persist(self, body):
        """Runs `body` on a connection until it comes to its end; a lost connection begins it again."""
        while True:
            try:
                if self.socket is None:
                    self.connect()
                    self.look()
                    self.send(self.flight)
                return body()
            except TimeoutError:
                raise AssertionError(f"no answer for {SILENCE_SECONDS_MAX} s to {[each.line for each in self.flight][:3]}") from None
            except (OSError, EOFError):
                if self.socket:
                    self.socket.close()
                self.socket = None
                self.counts["connections lost"] += 1

    def send(self, commands):
        if commands:
            for command in commands:
                command.sent += 1
            self.socket.sendall("".join(f"{command.tag} {command.line}\n" for command in commands).encode())

    def ask(self, queries):
        """Rows of each query's answer, or its refusal's code. Nothing else is under way on the connection."""
        found = []
        for begin in range(0, len(queries), QUERIES_AT_ONCE):
            some = queries[begin:begin + QUERIES_AT_ONCE]
            self.socket.sendall("".join(f"q {query}\n" for query in some).encode())
            for _ in some:
                rows = []
                while True:
                    line = self.read()
                    if line[0] == "=":
                        rows.append(fields(line.partition(" ")[2]))
                    elif line[0] == "+":
                        found.append(rows)
                        break
                    elif line[0] == "-":
                        found.append(line.split(" ")[1])
                        break
        return found

    # -- load and answers ----------------------------------------------------------------------------------------------

    def step(self, more=True):
        """Fills the window and takes what has been answered."""
        if more:
            fresh = []
            while len(self.flight) + len(fresh) < WINDOW:
                command = self.choose()
                command.tag = f"c{self.next()}"
                if command.order:
                    command.order.busy = True
                fresh.append(command)
            self.flight.extend(fresh)
            self.send(fresh)
        if self.flight:
            self.take(self.read())
            while b"\n" in self.unread:
                self.take(self.read())

    def take(self, line):
        if line[0] == "*":
            return
        command = self.flight[0]
        words, keys = fields(line)
        assert words[0][1:] == command.tag, f"{line}: this is not the answer to {command.tag} {command.line}"
        order = command.order
        if line[0] == "-":
            assert words[1] in command.refusals, f"{command.line} (sent {command.sent} times): {line}"
            self.counts["refused"] += 1
            if order and isinstance(command, Enter):
                del self.record.orders[order.id]
                self.refused.append(order)
        else:
            dup = keys.get("dup") == "1"
            assert line[0] == "+" and (command.sent > 1 or not dup), f"{command.line}: {line}"
            self.counts["acknowledged"] += 1
            if command.sent > 1:
                self.counts["unknown, had been done" if dup else "unknown, done by the repeat"] += 1
            command.apply(self.record)
            command.check(words[1:], keys)
            if isinstance(command, Report):
                self.record.filled(order, int(keys["trade"]))
            if not dup and "lsn" in keys:
                self.record.lsn = max(self.record.lsn, int(keys["lsn"]))
        self.flight.popleft()
        if order:
            self.changed[order.id] = order
            if order.expire:
                if order.id in self.record.orders:
                    self.timed.append(order)
                return
            order.busy = False
            if order.is_open:
                self.idle.append(order)
            elif order.status == "CANCELED":
                self.closed.append(order)

    def look(self):
        """After a restart, before anything is sent again: what was acknowledged is there; what was under way is there whole or not at all."""
        under_way = {command.order.id: command for command in self.flight if command.order}
        settled = [order for order in list(self.changed.values())[-40:] if order.id not in under_way and order.id in self.record.orders]
        orders = [command.order for command in under_way.values()] + settled
        for order, rows in zip(orders, self.ask([self.query(order) for order in orders])):
            found = None if rows == "UNKNOWN_ORDER" else state_in(rows[0])
            allowed = [order.state()]
            if order.id in under_way:
                allowed.append(under_way[order.id].after())
            if order.expire:
                allowed.append(("EXPIRED", order.qty, order.price, D(0), D(0), None))
            assert found in allowed, f"{order.id} of {order.account} after a restart: {found}, allowed {allowed}"
            self.counts["looked at after a restart"] += 1

    @staticmethod
    def query(order):
        return f"ORD {order.account} {order.instrument.symbol} id={order.id}"

    def settle(self):
        def resolve():
            while self.flight:
                self.step(more=False)
        self.persist(resolve)
        self.persist(self.wait_for_expiry)
        if self.random.random() < 0.2:
            account = self.random.choice(self.accounts)
            command = CancelAll(account, self.record.open_orders(account))
            command.tag = "all"
            self.flight.append(command)
            if self.socket:
                try:
                    self.send([command])
                except OSError:
                    self.socket = None
            self.persist(resolve)
            self.idle = [order for order in self.idle if order.is_open]
            self.changed.update((order.id, order) for order in command.orders)

    def wait_for_expiry(self):
        """GTD orders end by themselves: also one whose service died before its time and started after it."""
        if not self.timed:
            return
        last = max(order.expire for order in self.timed) / 1000 + 0.3
        if time.time() < last:
            time.sleep(last - time.time())
        deadline = time.monotonic() + 10
        while self.timed:
            rows = self.ask([self.query(order) for order in self.timed])
            left = []
            for order, (row,) in zip(self.timed, rows):
                order.number = int(row[0][0])
                if row[1]["status"] == "EXPIRED":
                    order.status = "EXPIRED"
                else:
                    left.append(order)
            self.timed = left
            assert time.monotonic() < deadline, f"{[order.id for order in left]} do not expire"

    # -- verification --------------------------------------------------------------------------------------------------

    def verify(self, inflow, complete):
        """Everything the service says of these accounts against the record. Gives sums for the parent."""
        self.record.receive(inflow)
        self.record.settle()
        sums = self.persist(lambda: self.compare(complete))
        self.changed = {}
        return sums, self.record.outside, self.record.flows

    def compare(self, complete):
        totals = {}
        orders = {account: [] for account in self.accounts}
        for order in self.record.orders.values():
            orders[order.account].append(order)
        for account in self.accounts:
            is_open = [order for order in orders[account] if order.is_open]
            self.compare_balances(account, is_open, totals)
            self.compare_positions(account, is_open)
            wanted = {order.number: order for order in (orders[account] if complete else is_open)}
            self.compare_orders(account, "all" if complete else "open", wanted)
        changed = [order for order in self.changed.values() if order.id in self.record.orders]
        for order, rows in zip(changed, self.ask([self.query(order) for order in changed])):
            self.compare_order(order, rows[0])
        for order, rows in zip(self.refused, self.ask([self.query(order) for order in self.refused])):
            assert rows == "UNKNOWN_ORDER", f"{order.id} was refused and is there: {rows}"
        self.counts["verified orders"] += len(changed)
        self.counts["verifications"] += 1
        return totals

    def compare_order(self, order, row):
        assert order.status is not None and state_in(row) == order.state(), f"{order.id} of {order.account}: {row}, record {order.state()}"
        words, keys = row
        reserve = order.reserve()
        assert int(words[0]) == order.number and keys["side"] == order.side and keys["id"] == order.id, row
        assert D(keys.get("reserved", "0")) == (reserve[1] if reserve else 0), (row, reserve)

    def compare_orders(self, account, status, wanted):
        after, seen = 0, 0
        while True:
            rows, = self.ask([f"ORD {account} status={status} limit=1000 after={after}" if after else f"ORD {account} status={status} limit=1000"])
            for row in rows:
                number = int(row[0][0])
                assert number > after and number in wanted, f"an order nobody knows, or one twice: {row}"
                after, seen = number, seen + 1
                self.compare_order(wanted[number], row)
            if len(rows) < 1000:
                break
        assert seen == len(wanted), f"{len(wanted) - seen} orders of account {account} are missing"

    def compare_balances(self, account, is_open, totals):
        deadline = time.monotonic() + 5
        while True:
            rows, = self.ask([f"BAL {account}"])
            # Between wallets the source hears a moment later that its transfer has come.
            if all(D(keys["transit"]) == 0 for _, keys in rows):
                break
            assert time.monotonic() < deadline, f"still in transit: {rows}"
        found = {(words[1], words[0]): tuple(D(keys[name]) for name in ("total", "available", "reserved", "held")) for words, keys in rows}
        expected = self.record.expected_balances(account, is_open)
        assert found == expected, f"account {account}: " + "; ".join(
            f"{key}: {found.get(key)}, record {expected.get(key)}" for key in sorted({*found, *expected}) if found.get(key) != expected.get(key))
        for (_, asset), amounts in found.items():
            totals[asset] = totals.get(asset, D(0)) + amounts[0]

    def compare_positions(self, account, is_open):
        rows, = self.ask([f"POS {account}"])
        found = {words[0]: keys for words, keys in rows}
        for (owner, symbol), position in self.record.positions.items():
            if owner != account:
                continue
            keys = found[symbol]
            unit = INSTRUMENTS[symbol].price_unit
            assert (D(keys["qty"]), D(keys["cost"]), D(keys["realized"])) == (position.qty, position.cost, position.realized), (
                account, symbol, keys, vars(position))
            average = (position.cost / abs(position.qty)).quantize(unit, "ROUND_HALF_EVEN") if position.qty else None
            assert (D(keys["avg"]) if "avg" in keys else None) == average, (account, symbol, keys, average)
            fees = dict(each.split(":") for each in keys.get("fees", "").split(",") if each)
            assert {asset: D(fee) for asset, fee in fees.items() if D(fee)} == {asset: fee for asset, fee in position.fees.items() if fee}, keys
        for symbol, keys in found.items():
            for name, side in (("openbuy", "B"), ("opensell", "S")):
                left = sum((order.leaves for order in is_open if order.instrument.symbol == symbol and order.side == side), D(0))
                assert D(keys.get(name, "0")) == left, (account, symbol, name, keys, left)

    def main(self):
        try:
            while True:
                what, *rest = self.pipe.recv()
                if what == "load":
                    while not self.pipe.poll():
                        self.persist(self.step)
                elif what == "settle":
                    self.settle()
                    self.pipe.send(("settled", self.record.outflow))
                elif what == "verify":
                    self.pipe.send(("verified", self.verify(*rest)))
                elif what == "facts":
                    fills = {(order.account, order.id, fill.exec)
                             for order in self.record.orders.values() for fill in order.fills.values()}
                    self.pipe.send(("facts", self.counts, fills, {(order.account, order.id) for order in self.record.orders.values()}))
                elif what == "stop":
                    return
        except (KeyboardInterrupt, BrokenPipeError):
            pass
        except BaseException:
            self.pipe.send(("failed", traceback.format_exc()))


def run(*arguments):
    Trader(*arguments).main()
