"""Market data: what SUB book= and SUB trades= say adds up to what BOOK, MKT and the events say, also for who reads slowly,
and a restart finds the book it left."""

import itertools
import os
import random
import subprocess
import tempfile
import threading
import time
from decimal import Decimal

import pytest
from cashup.market import LocalBook
from cashup.results import market_line_of
from lines import fields
from venue import Desk, desk, instrument


class Reader(threading.Thread):
    """Reads market data of one symbol as fast as it comes. `books` are the whole books by LSN."""

    def __init__(self, service, command, **options):
        super().__init__(daemon=True)
        self.lines = service.lines(**options)
        assert self.lines.ask(f"s {command}") == "+s OK"
        self.book, self.trades, self.failure, self.steps = LocalBook(), [], None, 0
        self.sides = {}
        self.over = False

    def run(self):
        try:
            while not self.over:
                self.take(self.lines.read(1))
        except TimeoutError:
            self.run()
        except (EOFError, OSError) as end:
            self.failure = self.failure if self.over else end
        except Exception as failure:
            self.failure = failure

    def take(self, line):
        assert line.startswith("! "), line
        assert len(line) <= 1024
        parsed = market_line_of(line[2:])
        if parsed.kind == "MTRADE":
            self.trades.append(parsed.fields)
        elif self.book.take(parsed):
            self.steps += 1
            bids, asks = self.levels()
            assert not bids or not asks or bids[0][0] < asks[0][0], f"crossed after {self.book.lsn}"

    def levels(self):
        return ([(price, each.qty, each.orders) for price, each in sorted(self.book.bids.items(), reverse=True)],
                [(price, each.qty, each.orders) for price, each in sorted(self.book.asks.items())])

    def agree(self, rows, seconds=20):
        """Waits until the book is that one."""
        deadline = time.monotonic() + seconds
        while self.levels() != rows:
            if self.failure:
                raise self.failure
            assert time.monotonic() < deadline, f"has {self.levels()} after {self.steps} steps, not {rows}"
            time.sleep(0.01)

    def close(self):
        self.over = True
        self.lines.close()
        self.join(5)


class Tape:
    """Takes the trades of a symbol off the socket, in a process of its own, and looks at them later: whoever looks at each at once, or shares an
    interpreter with the traders, may be too slow for a storm, and then trades are left out."""

    def __init__(self, service, symbol):
        self.lines = service.lines()
        assert self.lines.ask(f"s SUB trades={symbol}") == "+s OK"
        self.lines.socket.settimeout(None)
        self.file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(["cat"], stdin=self.lines.socket.fileno(), stdout=self.file)

    def trades(self, last, seconds=20):
        """All of them, when the one of that number is there."""
        deadline = time.monotonic() + seconds
        while True:
            data = os.pread(self.file.fileno(), os.fstat(self.file.fileno()).st_size, 0)
            if f" seq={last} ".encode() in data[-1000:] and data.endswith(b"\n"):
                return [fields(line)[1] for line in data.decode().splitlines()]
            assert time.monotonic() < deadline, f"trade {last} has not come"
            time.sleep(0.05)

    def close(self):
        self.lines.socket.shutdown(2)
        self.lines.close()
        self.process.wait(5)
        self.file.close()


def rows_of(found):
    """BOOK's answer as a reader has it."""
    sides = {"bid": [], "ask": []}
    for row in found[:-1]:
        words, keys = fields(row)
        sides[words[1]].append((Decimal(keys["px"]), Decimal(keys["qty"]), int(keys["orders"])))
    return sides["bid"], sides["ask"]


def test_a_book_and_its_trades_as_lines(desk, shared):
    with shared.lines() as listener:
        desk.play("""
            NEW $b $s S LMT 0.5 100.00 GTC id=s1
            + *
            NEW $c $s S LMT 0.7 100.00 GTC id=s2
            + *
            NEW $a $s B LMT 1 99.00 GTC id=b1
            + * NEW leaves=1.00000 cum=0.00000 lsn=$l1
        """)
        s = desk.symbol
        assert listener.ask(f"s SUB book={s} trades={s} depth=2") == "+s OK"
        first = [listener.wait_for("! ") for _ in range(3)]
        lsn = int(first[2].rpartition("lsn=")[2])
        assert lsn >= int(desk.names["l1"])
        assert first == [
            f"! BOOK symbol={s} seq=1 type=snapshot levels=2 depth=2",
            f"! BOOK symbol={s} seq=2 side=bid px=99.00 qty=1.00000 orders=1",
            f"! BOOK symbol={s} seq=3 side=ask px=100.00 qty=1.20000 orders=2 lsn={lsn}"]
        desk.play("""
            NEW $a $s B LMT 0.6 100.00 GTC id=b2
            + * FILLED leaves=0.00000 cum=0.60000 avg=100.00 lsn=$l2
        """)
        found = sorted(listener.wait_for("! ") for _ in range(3))
        l2 = desk.names["l2"]
        trade = found[1].partition(" trade=")
        assert found[0] == f"! BOOK symbol={s} seq=4 side=ask px=100.00 qty=0.60000 orders=1 lsn={l2}"
        assert trade[0] == f"! MTRADE symbol={s} seq=1 px=100.00 qty=0.50000 side=B"
        assert found[2].startswith(f"! MTRADE symbol={s} seq=2 px=100.00 qty=0.10000 side=B trade=")
        assert desk.names["a"] not in " ".join(first + found).split("="), "an account in public data"
        # Three levels of a side, of which two are seen; the third comes into sight when the second goes.
        desk.play("""
            NEW $a $s B LMT 2 98.00 GTC id=b3
            + * NEW leaves=2.00000 cum=0.00000 lsn=$l3
        """)
        assert listener.wait_for("! ") == f"! BOOK symbol={s} seq=5 side=bid px=98.00 qty=2.00000 orders=1 lsn={desk.names['l3']}"
        desk.play("""
            NEW $a $s B LMT 3 97.00 GTC id=b4
            + *
            CXL $a $s id=b3
            + * CANCELED leaves=0.00000 cum=0.00000 lsn=$l5
        """)
        assert [listener.wait_for("! ") for _ in range(2)] == [
            f"! BOOK symbol={s} seq=6 side=bid px=98.00 qty=0",
            f"! BOOK symbol={s} seq=7 side=bid px=97.00 qty=3.00000 orders=1 lsn={desk.names['l5']}"]
        # Ending one leaves the other; a new one begins anew.
        assert listener.ask(f"s UNS book={s}") == "+s OK"
        assert listener.ask(f"s UNS book={s}") == "-s NOT_SUBSCRIBED"
        desk.play("""
            NEW $b $s S LMT 1 99.00 GTC id=s3
            + *
        """)
        assert listener.wait_for("! ").startswith(f"! MTRADE symbol={s} seq=3 px=99.00 qty=1.00000 side=S")
        assert listener.ask(f"s SUB book={s}") == "+s OK"
        assert listener.wait_for("! ") == f"! BOOK symbol={s} seq=1 type=snapshot levels=2 depth=10"
        assert listener.ask(f"s SUB trades={s}") == "-s ALREADY_SUBSCRIBED"
        assert listener.ask("s UNS") == "+s OK"
        assert listener.ask("s UNS") == "-s NOT_SUBSCRIBED"
        desk.play("""
            CXA $a
            + *
            CXA $b
            + *
        """)
        time.sleep(0.3)
        assert listener.ask("s PING") == "+s OK"
        listener.send("s PING\n")
        assert listener.read() == "+s OK", "market data after UNS"


def test_an_iceberg_shows_its_slice_only(desk, shared):
    reader = Reader(shared, f"SUB book={desk.symbol}")
    reader.start()
    try:
        desk.play("""
            NEW $b $s S LMT 0.5 100.00 GTC id=s display=0.2
            + *
            NEW $a $s B LMT 0.25 100.00 GTC id=b
            + *
        """)
        # The first slice is gone, of the second 0.15 is left; behind it 0.1 that nobody sees.
        reader.agree(([], [(Decimal("100.00"), Decimal("0.15"), 1)]))
    finally:
        reader.close()


def test_events_and_several_markets_on_one_connection(desk, shared, lines, accounts):
    other = Desk(lines, accounts, money=False)
    with shared.lines() as listener:
        listener.send(f"1 SUB symbol={desk.symbol} kind=ORDER\n2 SUB book={desk.symbol}\n3 SUB book={other.symbol}\n4 SUB\n")
        lines = [listener.read() for _ in range(6)]
        assert [line for line in lines if line[0] in "+-"][1:] == ["+2 OK", "+3 OK", "-4 ALREADY_SUBSCRIBED"]
        assert "subscribed=1" in " ".join(desk.ask("SES"))
        desk.play("""
            NEW $a $s B LMT 1 99.00 GTC id=b
            + *
        """)
        found = [line for line in lines if line[0] == "!"] + [listener.wait_for("! ") for _ in range(2)]
        assert sum(line.startswith(f"! BOOK symbol={other.symbol} seq=1 type=snapshot levels=0") for line in found) == 1
        assert sum(" ORDER account=" in line for line in found) == 1
        assert sum(line.startswith(f"! BOOK symbol={desk.symbol}") for line in found) == 2


def test_too_many_subscriptions_are_refused(desk, lines, shared):
    symbols = [desk.symbol]
    for number in range(128):
        symbol = f"{desk.symbol}-{number}"
        assert lines.ask(f"t INS {symbol} venue=internal wallet=spot base=BTC quote=USDT tick=0.01 lot=0.00001").startswith("+t OK")
        symbols.append(symbol)
    with shared.lines() as listener:
        for symbol in symbols[:128]:
            assert listener.ask(f"s SUB book={symbol} trades={symbol}") == "+s OK"
        assert listener.ask(f"s SUB book={symbols[128]}") == "-s TABLE_FULL what=subscriptions max=256"
        assert listener.ask(f"s UNS trades={symbols[0]}") == "+s OK"
        assert listener.ask(f"s SUB book={symbols[128]}") == "+s OK"


def test_who_subscribes_holds_up_nobody(fresh):
    """Many deep books to compare take the service a while; a loop that has taken in a subscription does not wait for it."""
    service = fresh(loops=1)
    with service.lines() as lines:
        desk = Desk(lines, (7, 8, 9))
        symbols = [desk.symbol] + [instrument(lines) for _ in range(15)]
        for symbol in symbols:
            lines.send("".join(f"t NEW {account} {symbol} {side} LMT 0.00001 {price:.2f} GTC id={symbol}{side}{price}\n"
                               for account, side, least in ((7, "B", 1), (8, "S", 1001)) for price in range(least, least + 1000)))
            assert all(lines.answer()[-1][0] == "+" for _ in range(2000))
    readers = [service.lines() for _ in range(100)]
    for reader in readers:
        reader.send("".join(f"s SUB book={symbol} depth=1000\n" for symbol in symbols))
    over = threading.Event()

    def repeat(*commands):
        with service.lines() as busy:
            for number in itertools.count(1):
                if over.is_set():
                    return
                busy.send("".join(f"t {command.format(price=number % 1000 + 1, qty=number % 9 + 1)}\n" for command in commands))
                for _ in commands:
                    busy.answer()

    moves = [f"RPL 7 {symbol} id={symbol}B{{price}} 0.0000{{qty}} {{price}}.00" for symbol in symbols]
    comings = [command for symbol in symbols for command in (f"SUB book={symbol} depth=1000", f"UNS book={symbol}")]
    threads = [threading.Thread(target=repeat, args=commands) for commands in (moves, comings)]
    for thread in threads:
        thread.start()
    took = []
    try:
        with service.lines() as lines:
            time.sleep(2)
            for number in range(60):
                began = time.monotonic()
                assert lines.ask(f"t NEW 9 BTC-USDT B LMT 0.001 1.00 GTC id=n{number}")[0] == "+"
                took.append(time.monotonic() - began)
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for reader in readers:
            reader.close()
    assert sorted(took)[30] < 0.04, sorted(took)


# ---- The storm ------------------------------------------------------------------------------------------------------

COMMANDS = 12_000
AT_ONCE = 100


def storm(service, account, symbol, seed, failures):
    """One trader: orders around a price that walks, all kinds of them, cancels and replaces; as fast as answers come."""
    try:
        chance = random.Random(seed)
        with service.lines() as lines:
            center, made = 10_000, []
            for first in range(0, COMMANDS, AT_ONCE):
                batch = []
                for number in range(first, first + AT_ONCE):
                    center = min(11_000, max(9_000, center + chance.randint(-3, 3)))
                    price = f"{center + chance.randint(-40, 40)}.{chance.choice(['00', '25', '50', '75'])}"
                    what, side, qty = chance.random(), chance.choice("BS"), f"0.{chance.randint(1, 400):05d}"
                    if what < 0.55 or not made:
                        options = chance.choice(["", "", "", " post=1", " stp=oldest", " stp=decrement", " stp=both", " display=0.00001"])
                        made.append(f"o{number}")
                        batch.append(f"NEW {account} {symbol} {side} LMT {qty} {price} GTC id=o{number}{options}")
                    elif what < 0.62:
                        batch.append(f"NEW {account} {symbol} {side} MKT {qty} - IOC id=o{number}")
                    elif what < 0.67:
                        batch.append(f"NEW {account} {symbol} {side} LMT {qty} {price} {chance.choice(['IOC', 'FOK'])} id=o{number}")
                    elif what < 0.72:
                        batch.append(f"NEW {account} {symbol} {side} LMT {qty} {price} GTC id=o{number} stop={price}{chance.choice(['', ' take=1'])}")
                    elif what < 0.80:
                        batch.append(f"RPL {account} {symbol} id={chance.choice(made[-300:])} {qty} {price}")
                    else:
                        batch.append(f"CXL {account} {symbol} id={chance.choice(made[-300:])}")
                lines.send("".join(f"t {line}\n" for line in batch))
                for line in batch:
                    answer = lines.answer()[-1]
                    if answer.startswith("-") and answer.split(" ")[1] not in REFUSALS:
                        raise AssertionError(f"{line}: {answer}")
    except BaseException as failure:
        failures.append(failure)


REFUSALS = {"WOULD_TAKE", "WOULD_TRIGGER", "UNFILLABLE", "ORDER_CLOSED", "UNKNOWN_ORDER", "BELOW_CUM", "INSUFFICIENT_FUNDS", "BAD_VALUE",
            "NO_MARK"}


def trade_more_than_sockets_hold(desk):
    """Trades of one lot between the best prices until their lines are more than the kernel and the service keep for who does not read."""
    with open("/proc/sys/net/ipv4/tcp_wmem") as file:
        held = int(file.read().split()[2]) + (1 << 20)
    trades = int(fields(desk.ask("MKT $s")[0])[1]["trades"])
    for first in itertools.count(0, 500):
        market = fields(desk.ask("MKT $s")[0])[1]
        if int(market["trades"]) - trades > held // len(f"! MTRADE symbol={desk.symbol} seq=1 px=1.00 qty=0.00001 side=B trade=1"):
            return
        price = Decimal(market["bid"]) + Decimal("0.01")
        assert price < Decimal(market["ask"])
        sells = [f"t NEW 7 {desk.symbol} S LMT 0.00001 {price} GTC id=m{first + number}" for number in range(500)]
        desk.lines.send("\n".join([*sells, f"t NEW 8 {desk.symbol} B LMT 0.00500 {price} GTC id=m{first}"]) + "\n")
        for _ in range(501):
            assert desk.lines.answer()[-1].startswith("+t ")


@pytest.mark.parametrize("loops", [1, 4])
def test_storm(fresh, loops):
    service = fresh(loops=loops)
    with service.lines() as lines:
        desk = Desk(lines, (7, 8, 9), money=False)
        symbol = desk.symbol
        for account in (7, 8):
            for asset, amount in (("USDT", "10000000.00"), ("BTC", "1000")):
                assert lines.ask(f"t DEP {account} {asset} {amount} ref={asset}").startswith("+t OK")
        readers = {depth: Reader(service, f"SUB book={symbol} depth={depth}") for depth in (1000, 5, 1)}
        tape = Tape(service, symbol)
        # One that reads nothing until all is over, through a small window.
        slow = Reader(service, f"SUB book={symbol} trades={symbol} depth=1000", receive_buffer=4096)
        events = service.lines()
        assert events.ask(f"e SUB symbol={symbol} kind=TRADE").startswith("+e OK")
        for reader in readers.values():
            reader.start()
        failures = []
        traders = [threading.Thread(target=storm, args=(service, account, symbol, account, failures)) for account in (7, 8)]
        for trader in traders:
            trader.start()
        looked = {}
        while any(trader.is_alive() for trader in traders):
            found = desk.ask("BOOK $s depth=1000")
            looked[int(found[-1].rpartition("lsn=")[2])] = rows_of(found)
            bids, asks = rows_of(found)
            assert not bids or not asks or bids[0][0] < asks[0][0]
            unsent = [int(fields(row)[1]["unsent"]) for row in desk.ask("SES")[:-1] if "subscribed=1" in row]
            assert max(unsent) < 6 << 20, "lines pile up for a reader that does not read"
            time.sleep(0.02)
        if failures:
            raise failures[0]
        assert len(looked) > 3
        trade_more_than_sockets_hold(desk)

        # Everybody has the same book, whatever the way it came.
        final = desk.ask("BOOK $s depth=1000")
        bids, asks = rows_of(final)
        assert len(bids) > 5 and len(asks) > 5
        for depth, reader in readers.items():
            reader.agree((bids[:depth], asks[:depth]))
        slow.start()
        slow.agree((bids, asks))

        # The tape is complete, and says what MKT and the events say.
        market = fields(desk.ask("MKT $s")[0])[1]
        count = int(market["trades"])
        assert count > 1000
        trades = tape.trades(count)
        assert [int(trade["seq"]) for trade in trades] == list(range(1, count + 1))
        # The slow one has missed many, and its numbers say how many.
        numbers = [int(trade["seq"]) for trade in slow.trades]
        assert numbers == sorted(set(numbers)), "not in order"
        assert len(numbers) < count and numbers[-1] <= count, f"{len(numbers)} of {count}, the last is {numbers[-1]}"
        assert sum(Decimal(trade["qty"]) for trade in trades) == Decimal(market["volume"])
        assert sum(Decimal(trade["qty"]) * Decimal(trade["px"]) for trade in trades) == Decimal(market["turnover"])
        assert max(Decimal(trade["px"]) for trade in trades) == Decimal(market["high"])
        assert (trades[-1]["px"], trades[-1]["qty"]) == (market["last"], market["lastqty"])

        # No money was made or lost: what two accounts have and what fees took is what was deposited.
        fees, traded = Decimal(0), {}
        for _ in range(2 * count):
            keys = fields(events.wait_for("! "))[1]
            fees += Decimal(keys["fee"])
            signed = Decimal(keys["last"]) * (1 if keys["side"] == "B" else -1)
            traded[keys["account"]] = traded.get(keys["account"], Decimal(0)) + signed
        assert sum(traded.values()) == 0
        desk.names.update(x="7", y="8")
        left = {each: {asset: Decimal(desk.balance(each, asset)[0]) for asset in ("USDT", "BTC")} for each in "xy"}
        assert left["x"]["USDT"] + left["y"]["USDT"] + fees == 2 * 10_000_000
        assert left["x"]["BTC"] + left["y"]["BTC"] == 2000
        assert left["x"]["BTC"] - 1000 == traded["7"]
        for reader in (*readers.values(), slow):
            assert reader.failure is None
            reader.close()
        tape.close()
        events.close()

        # What a kill -9 leaves is the same book, and the same state to the last bit.
        hashes = [row for row in desk.ask("STAT hash=1") if " wallet " in row]
        before = desk.ask("BOOK $s depth=1000")
    service.restart()
    with service.lines() as lines:
        desk.lines = lines
        assert desk.ask("BOOK $s depth=1000")[:-1] == before[:-1]
        assert [row for row in desk.ask("STAT hash=1") if " wallet " in row] == hashes
        # And it goes on: from a snapshot, too.
        assert lines.ask("t SNP").startswith("+t OK snapshot=")
    service.restart()
    with service.lines() as lines:
        desk.lines = lines
        assert desk.ask("BOOK $s depth=1000")[:-1] == before[:-1]
        reader = Reader(service, f"SUB book={desk.symbol} depth=1000")
        reader.start()
        reader.agree((bids, asks))
        desk.play("""
            CXA 7
            + OK canceled=* lsn=*
            CXA 8
            + OK canceled=* lsn=*
        """)
        reader.agree(([], []))
        reader.close()


def test_the_client_keeps_a_book(fresh):
    service = fresh()
    with service.client() as admin:
        for account in (7, 8):
            admin.deposit(account, "USDT", 100_000)
            admin.deposit(account, "BTC", 10)
        admin.new_order(7, "BTC-USDT", "B", "0.5", "99.00")
        book = admin.subscribe_book("BTC-USDT", depth=3).start()
        trades = admin.subscribe_trades("BTC-USDT").start()
        first = book.next(10)
        assert [(level.price, level.qty, level.orders) for level in first.bids] == [(Decimal(99), Decimal("0.5"), 1)] and first.asks == ()
        order = admin.new_order(8, "BTC-USDT", "S", "0.2", "99.00")
        assert order.status == "FILLED" and order.reason is None
        trade = trades.next(10)
        assert (trade.price, trade.qty, trade.side, trade.seq) == (Decimal(99), Decimal("0.2"), "S", 1)
        assert book.next(10).bids[0].qty == Decimal("0.3")
        [market] = admin.market("BTC-USDT")
        assert (market.last, market.bid, market.bid_qty, market.trades) == (Decimal(99), Decimal(99), Decimal("0.3"), 1)
        assert admin.book("BTC-USDT").bids == book._feed._book.book("").bids
        rest = admin.new_order(8, "BTC-USDT", "S", "1", tif="IOC")
        assert (rest.status, rest.reason, rest.cum) == ("CANCELED", "unfilled", Decimal("0.3"))
        assert trades.next(10).qty == Decimal("0.3")
        [armed] = admin.orders(7, "BTC-USDT", admin.new_order(7, "BTC-USDT", "B", 1, 120, stop=110, trigger="mark", stp="both"))
        assert armed.armed and armed.stop == 110 and armed.trigger == "mark" and armed.stp == "both"
    service.restart()
    with service.client() as admin:
        # The readers connect again: the book as it is, trades from then on.
        while book.next(10).bids:
            pass
        admin.new_order(7, "BTC-USDT", "B", 1, "98.00")
        assert book.next(10).bids[0].price == Decimal(98)
        with pytest.raises(TimeoutError):
            trades.next(0.3)
        admin.new_order(8, "BTC-USDT", "S", 1, "98.00")
        assert trades.next(10).price == Decimal(98)
    book.close()
    trades.close()
