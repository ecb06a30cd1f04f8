"""history.sqlite beside the log: each closed order, trade and ledger line exactly once, whatever happens to the process or
to the file."""

import asyncio
import random
import shutil
import sqlite3
import time
from decimal import Decimal as D

import pytest

from cashup import commands as c
from history_model import Database, Model
from lines import play
from service import cashup
from test_crash import Desk

KILLS = 9
ACCOUNTS = range(31, 37)
SECONDS_MAX = 30


def dump(service):
    done = cashup("wal", "dump", service.data)
    assert done.returncode == 0, done.stderr
    return done.stdout


def caught_up(service, lsn=None):
    """Waits until history has everything up to `lsn`, or what is durable now; gives its LSN."""
    if lsn is None:
        with service.lines() as lines:
            lsn = int(lines.ask("t SYNC").split("lsn=")[1])
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        try:
            with Database(service.data) as database:
                if database.lsn >= lsn:
                    return database.lsn
        except (sqlite3.Error, TypeError):
            pass
        time.sleep(0.02)
    raise AssertionError(f"history is not at LSN {lsn} within {SECONDS_MAX} s:\n{service.said()[-3000:]}")


@pytest.fixture
def keeping(fresh):
    """Makes services that keep history."""
    return lambda **options: fresh(**{"history": "on", **options})


def rows(service):
    with Database(service.data) as database:
        return database.rows()


def delete(service):
    for file in service.data.glob("history.sqlite*"):
        file.unlink()


A_BIT_OF_EVERYTHING = """
DEP 7 USD 100000.00 ref=a%20b note=first
+ OK *
DEP 8 USD 5.00 ref=usd
+ OK *
DEP 7 EX 1000 ref=ex
+ OK *
WDR 7 USD 10.00 ref=w note=out
+ OK *
ADJ 7 USD -0.000000000000000001 ref=adj reason=dust
+ OK *
HLD 7 USD 100.00 ref=h reason=why
+ OK *
RLS 7 USD 60.50 ref=r
+ OK *
XFR 7 7 USD 500.00 from=spot to=futures ref=mv note=perps
+ OK *
XFR 7 8 USD 5.00 ref=gift
+ OK *
NEW 7 EX-USD B LMT 5 10.00 GTC id=g%201 strategy=grid note=n%25
+ $o1 NEW *
FIL 7 EX-USD id=g%201 2 9.999 fee=0.01 liq=M exec=e%201 time=1700000000123
+ * PARTIALLY_FILLED *
RPL 7 EX-USD id=g%201 4 10.50
+ * PARTIALLY_FILLED *
CXL 7 EX-USD id=g%201 reason=enough%20now
+ * CANCELED *
FIL 7 EX-USD id=g%201 1 10.01 fee=0.5 feeasset=FEE liq=T exec=late
+ * CANCELED *
NEW 7 EX-USD S LMT 3 11.00 IOC id=s1
+ $o2 NEW *
FIL 7 EX-USD id=s1 3 11.00 fee=-0.25 exec=e1
+ * FILLED *
NEW 7 EX-USD S MKT 4 - GTC id=s2 strategy=grid
+ $o3 NEW *
FIL 7 EX-USD id=s2 4 10.00 fee=0.03 feeasset=EX exec=e1
+ * FILLED *
NEW 7 EX-USD B MKT 4 - GTC id=m1 max=50.00
+ $o4 NEW *
CXA 7 EX-USD
+ canceled=1 *
NEW 7 EX-USD B LMT 4 1.00 GTC id=down
+ $o5 NEW *
FIL 7 EX-USD id=down 1 1.00 exec=e1
+ * PARTIALLY_FILLED *
RPL 7 EX-USD id=down 1 1.00
+ * FILLED *
NEW 7 PERP-USD B LMT 3 100.00 GTC id=p1
+ $o6 NEW *
FIL 7 PERP-USD id=p1 3 100.00 fee=0.1 exec=e
+ * FILLED *
NEW 7 PERP-USD S LMT 5 120.00 GTC id=p2 strategy=other
+ $o7 NEW *
FIL 7 PERP-USD id=p2 5 120.00 fee=0.2 exec=e
+ * FILLED *
LIM 7 EX-USD max_qty=100
+ OK *
LIM 7 wallet=spot max_open=10
+ OK *
MRK EX-USD 10.00
+ OK *
SET window_ids 100000
+ OK *
INS HALT-USD tick=0.1 state=halted
+ OK *
ACC 8 suspend
+ OK *
NEW 7 EX-USD B LMT 1 1.00 GTC id=stays
+ $o8 NEW *
"""


def test_a_bit_of_everything(keeping):
    service = keeping()
    with service.lines() as lines:
        play(lines, A_BIT_OF_EVERYTHING)
        expire = int(lines.ask("t TIME").split("time=")[1]) + 300
        assert lines.ask(f"t NEW 7 EX-USD B LMT 1 1.00 GTD id=gtd expire={expire}").startswith("+t")
        time.sleep(0.6)
        lines.send("t ORD 7 EX-USD status=closed\n")
        ord_rows = lines.answer()[:-1]
    caught_up(service)
    with Database(service.data) as database:
        model = database.check(dump(service))
        assert len(model.orders) == 8 and len(model.trades) == 7 and len(model.open) == 1
        # What events do not tell, ORD does.
        for line in ord_rows:
            words = line.split(" ")
            keys = dict(word.split("=", 1) for word in words[2:])
            row = database.all("SELECT * FROM orders WHERE id = ?", int(words[1]))[0]
            assert (row["note"], row["max"]) == (keys.get("note"), keys.get("max"))
            assert row["status"] == {"FILLED": 2, "CANCELED": 3, "EXPIRED": 4}[keys["status"]]
            assert (row["cancel_session"] is not None) == ("cod" in keys)
        assert {line.split("max=")[1].split(" ")[0] for line in ord_rows if "max=" in line} == {"50.00"}


def test_only_the_owner_can_read_it(keeping):
    service = keeping()
    caught_up(service)
    for file in service.data.glob("history.sqlite*"):
        assert file.stat().st_mode & 0o077 == 0, file


@pytest.mark.slow
@pytest.mark.parametrize("loops", [1, 4])
def test_killed_again_and_again(keeping, loops):
    """At each kill the database has a prefix of the log, whole, and at the end all of it, once."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    service = keeping(loops=loops)
    desks = [Desk(account, seed + account) for account in ACCOUNTS]
    with service.client() as client:
        for account in ACCOUNTS:
            client.deposit(account, "USD", 10_000_000, ref="usd")
            client.deposit(account, "EX", 1_000_000, ref="ex")
    behind = []

    async def money(client, stopping):
        number = 0
        while not stopping.is_set():
            number += 1
            account = moments.choice(ACCOUNTS)
            await client.run(c.transfer(account, moments.choice(ACCOUNTS), "USD", "1.25", ref=f"x{number}", to_wallet="futures"))
            await client.run(c.hold(account, "USD", "0.5", ref=f"h{number}"))

    async def storm():
        stopping = asyncio.Event()
        clients = [service.async_client(timeout=120) for _ in range(len(desks) + 1)]
        work = [asyncio.ensure_future(desk.trade(client, stopping)) for desk, client in zip(desks, clients)]
        work.append(asyncio.ensure_future(money(clients[-1], stopping)))
        loop = asyncio.get_running_loop()
        for _ in range(KILLS):
            await asyncio.sleep(moments.uniform(0.02, 0.5))
            service.kill()

            def look():
                if (service.data / "history.sqlite").exists():
                    text = dump(service)
                    try:
                        with Database(service.data) as database:
                            behind.append(Model(text).lsn - database.lsn)
                            database.check(text)
                    except (sqlite3.OperationalError, TypeError):
                        # Killed before the schema was there.
                        behind.append(None)
                service.start()
            await loop.run_in_executor(None, look)
        stopping.set()
        await asyncio.gather(*work)
        for client in clients:
            await client.close()

    asyncio.run(storm())
    # Once more: who was started by a thread of asyncio's ends with it.
    service.restart()
    caught_up(service)
    print(f"records behind at the kills: {behind}")
    assert any(behind), "no kill hit history at work"
    with Database(service.data) as database:
        model = database.check(dump(service))
        assert len(model.orders) > 10 * KILLS
        with service.client() as client:
            for account in ACCOUNTS:
                for balance in client.balances(account):
                    wallet = model.wallets.index(balance.wallet)
                    asset = database.one("SELECT id FROM assets WHERE name = ?", balance.asset)
                    lines = database.all(
                        "SELECT kind, amount FROM ledger WHERE account = ? AND wallet = ? AND asset = ?", account, wallet, asset)
                    held = sum(D(line["amount"]) for line in lines if line["kind"] in (3, 4))
                    total = sum(D(line["amount"]) for line in lines if line["kind"] not in (3, 4))
                    assert (balance.total, balance.held) == (total, held), (account, balance)
    before = rows(service)
    service.stop()
    delete(service)
    service.start()
    caught_up(service)
    assert rows(service) == before, "made again while serving, row for row"
    service.stop()
    done = cashup("history", "rebuild", "--data", service.data)
    assert done.returncode == 0 and " rows up to LSN " in done.stdout, done.stderr
    assert rows(service) == before, "made again by the command, row for row"
    service.start()
    caught_up(service)
    assert rows(service) == before


def objects(data):
    with sqlite3.connect(data / "history.sqlite") as connection:
        return dict(connection.execute("SELECT name, type FROM sqlite_master WHERE sql IS NOT NULL"))


def test_what_orders_of_internal_venues_asked_for_outlives_an_older_schema(keeping):
    service = keeping()
    with service.lines() as lines:
        play(lines, """
            VEN internal kind=internal
            + OK *
            INS IN-USD venue=internal wallet=spot base=EX quote=USD tick=0.01 lot=1 maker_bps=-1 taker_bps=5
            + OK *
            DEP 71 USD 100000 ref=a
            + OK *
            DEP 72 EX 1000 ref=b
            + OK *
            NEW 71 IN-USD B LMT 10 9.00 GTC id=first display=2 stp=both
            + $first NEW *
            NEW 71 IN-USD B MKT 10 - GTC id=second stop=9.50 oco=first
            + $second NEW *
            NEW 72 IN-USD S LMT 4 9.00 GTC id=maker post=1
            - WOULD_TAKE *
            NEW 72 IN-USD S LMT 10 9.00 IOC id=sale
            + $sale FILLED *
            CXA 71
            + OK canceled=0
            """)
    caught_up(service)

    def options():
        with sqlite3.connect(service.data / "history.sqlite") as connection:
            return list(connection.execute(
                "SELECT client_id, trigger, stop, trigger_price, display, post_only, reduce_only, self_trade, oco IS NOT NULL, reason "
                "FROM order_options JOIN orders USING (id) ORDER BY id"))
    # EX-USD's price scale is two more than its tick's.
    assert options() == [("first", 0, None, 0, 2, 0, 0, 3, 1, None), ("second", 1, 95000, 0, None, 0, 0, 0, 1, 8)]
    with sqlite3.connect(service.data / "history.sqlite") as connection:
        trades = list(connection.execute("SELECT account, quantity, price, fee, liquidity, exec, closing FROM trades ORDER BY id"))
        assert trades[:2] == [(71, 2, 90000, "-0.0018", 1, "", 0), (72, 2, 90000, "0.009", 2, "", 0)] and len(trades) == 10
        keys = list(connection.execute("SELECT lsn, group_concat(k), group_concat(kind) FROM ledger WHERE trade IS NOT NULL GROUP BY lsn"))
        assert all(row[1:] == ("1,2,3,4,5,6", "7,7,8,7,7,8") for row in keys) and len(keys) == 5
    service.stop()
    before = options()
    assert cashup("history", "migrate", "--to", 2, "--data", service.data).returncode == 0
    assert cashup("history", "migrate", "--data", service.data).returncode == 0
    assert options() == before
    assert cashup("history", "rebuild", "--data", service.data).returncode == 0
    assert options() == before


def test_migrations_down_and_up(keeping):
    service = keeping()
    with service.lines() as lines:
        play(lines, A_BIT_OF_EVERYTHING)
    caught_up(service)
    before = rows(service)
    for command in ("migrate", "rebuild"):
        refused = cashup("history", command, "--data", service.data)
        assert refused.returncode == 75 and "in use by process" in refused.stderr
    status = cashup("history", "status", "--data", service.data)
    assert status.returncode == 0 and "schema   version 3\n" in status.stdout and "orders   7\n" in status.stdout

    service.stop()
    newest = objects(service.data)
    done = cashup("history", "migrate", "--to", 1, "--data", service.data)
    assert done.returncode == 0 and done.stdout.startswith("down from version 3: "), done.stderr
    assert newest.keys() - objects(service.data).keys() == {"orders_account_instrument", "trades_account_instrument"}
    assert rows(service) == before
    done = cashup("history", "migrate", "--data", service.data)
    assert done.stdout.startswith("up to version 2: ")
    assert objects(service.data) == newest and rows(service) == before

    cashup("history", "migrate", "--to", 1, "--data", service.data)
    service.start()
    said_soon(service, "history: at LSN")
    assert objects(service.data) == newest, "a start takes an older schema up"
    service.stop()
    done = cashup("history", "migrate", "--to", 0, "--data", service.data)
    assert done.returncode == 0 and objects(service.data) == {}
    service.start()
    caught_up(service, before["actions"][-1][0])
    assert rows(service) == before
    service.stop()

    with sqlite3.connect(service.data / "history.sqlite") as connection:
        connection.execute("PRAGMA user_version = 9")
    for command in ("status", "migrate"):
        refused = cashup("history", command, "--data", service.data)
        assert refused.returncode == 1 and "schema version 9, this program knows versions up to 3" in refused.stderr
    service.start()
    with service.lines() as lines:
        assert lines.ask("t DEP 7 USD 1.00 ref=goes-on").startswith("+t OK")
    said_soon(service, "schema version 9")
    assert cashup("history", "migrate", "--to", 4, "--data", service.data).returncode == 64


def said_soon(service, text):
    until = time.monotonic() + SECONDS_MAX
    while text not in service.said():
        assert time.monotonic() < until, f"never said {text!r}:\n{service.said()[-3000:]}"
        time.sleep(0.05)


def test_another_logs_database_is_not_taken(keeping):
    one, other = keeping(), keeping()
    for service in (one, other):
        with service.client() as client:
            client.deposit(5, "USD", 7 if service is one else 8, ref="d")
        caught_up(service)
        service.stop()
    shutil.copy(one.data / "history.sqlite", other.data / "history.sqlite")
    other.start()
    said_soon(other, "it belongs to another log")
    caught_up(other)
    with Database(other.data) as database:
        database.check(dump(other))
    assert (other.data / "history.sqlite.old").exists()


def test_a_log_that_was_put_back(keeping, tmp_path):
    """Restored from a backup, the log is behind the database; later it is past it again, but with other records."""
    service = keeping()
    with service.client() as client:
        client.deposit(5, "USD", 7, ref="d1")
        caught_up(service)
        service.stop()
    backup = tmp_path / "backup"
    shutil.copytree(service.data, backup)
    service.start()
    with service.client() as client:
        for number in range(5):
            client.deposit(5, "USD", 1, ref=f"lost{number}")
    caught_up(service)
    service.stop()
    ahead = tmp_path / "history.sqlite"
    shutil.copy(service.data / "history.sqlite", ahead)

    def restore():
        shutil.rmtree(service.data)
        shutil.copytree(backup, service.data)
        shutil.copy(ahead, service.data / "history.sqlite")

    restore()
    service.start()
    said_soon(service, "it has records up to LSN")
    caught_up(service)
    with Database(service.data) as database:
        assert database.check(dump(service)).totals[5, 0, "USD"] == 7
    service.stop()

    restore()
    (service.data / "history.sqlite").unlink()
    service.start()
    with service.client() as client:
        for number in range(9):
            client.deposit(5, "USD", 2, ref=f"new{number}")
    service.stop()
    shutil.copy(ahead, service.data / "history.sqlite")
    service.start()
    said_soon(service, "the log is another than it was")
    caught_up(service)
    with Database(service.data) as database:
        assert database.check(dump(service)).totals[5, 0, "USD"] == 7 + 9 * 2


@pytest.mark.parametrize("damage", ["header", "pages", "empty"])
def test_a_damaged_file_is_made_again(keeping, damage):
    service = keeping()
    with service.lines() as lines:
        play(lines, A_BIT_OF_EVERYTHING)
    caught_up(service)
    before = rows(service)
    service.stop()
    file = service.data / "history.sqlite"
    if damage == "empty":
        file.write_bytes(b"")
    else:
        with open(file, "r+b") as handle:
            if damage == "pages":
                handle.seek(4096)
            handle.write(b"\xa5" * (64 if damage == "header" else file.stat().st_size - 4096))
    service.start()
    with service.lines() as lines:
        assert lines.ask("t DEP 7 USD 1.00 ref=goes-on").startswith("+t OK")
    if damage != "empty":
        said_soon(service, "its file is damaged")
    caught_up(service)
    after = rows(service)
    assert after["orders"] == before["orders"] and after["trades"] == before["trades"]
    assert after["ledger"][:-1] == before["ledger"]


def test_another_programs_file_is_left_alone(keeping):
    service = keeping(start=False)
    service.data.mkdir()
    with sqlite3.connect(service.data / "history.sqlite") as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    service.start()
    said_soon(service, "the file is a database of something else")
    with service.lines() as lines:
        assert lines.ask("t DEP 7 USD 1.00 ref=goes-on").startswith("+t OK")
    assert objects(service.data) == {"recipes": "table"}


def test_history_leaves_the_log_the_last_of_the_disk(small_disk, keeping):
    disk = small_disk("400M")
    service = keeping(start=False)
    service.data = disk.path / "data"
    service.start()
    said_soon(service, "are free on its disk, and the log needs them more")
    with service.lines() as lines:
        assert lines.ask("t DEP 7 USD 1.00 ref=goes-on").startswith("+t OK")
    assert not (service.data / "history.sqlite").exists()


def test_switched_off(keeping):
    service = keeping(history="off")
    with service.client() as client:
        client.deposit(5, "USD", 7, ref="d1")
    time.sleep(0.3)
    assert not list(service.data.glob("history.sqlite*"))
    service.stop()
    status = cashup("history", "status", "--data", service.data)
    assert status.returncode == 0 and "There is no history" in status.stdout
