"""SUB: from the log and live the same events in order, without gap or repeat, through lost connections and kills."""

import threading
import time

import pytest

from cashup import Refused, commands as c
from lines import play

ACTIVITY = """
    DEP $a USD 1000.00 ref=d note=n
    + *
    NEW $a EX-USD B LMT 3 10.00 GTC id=1 strategy=s
    + *
    RPL $a EX-USD id=1 4 10.50
    + *
    FIL $a EX-USD id=1 1 10.25 exec=e fee=0.1
    + *
    CXL $a EX-USD id=1 reason=done
    + *
    HLD $a USD 5 ref=h reason=r
    + *
    RLS $a USD 5 ref=l
    + *
    XFR $a $a USD 7 to=futures ref=x
    + *
    LIM $a EX-USD max_qty=50
    + *
    ACC $a suspend
    + *
    ACC $a resume
    + *
"""


def read_to(events, ref, timeout=10):
    """Events up to the BALANCE of the deposit `ref`, exclusive."""
    found = []
    while True:
        event = events.next(timeout)
        if event.kind == "BALANCE" and event.fields.get("ref") == ref:
            return found
        found.append(event)


def texts(events):
    return [event.text for event in events]


def test_kinds_and_keys(shared, account):
    with shared.client() as client, client.subscribe(account=account).start() as events, shared.lines() as lines:
        play(lines, ACTIVITY, a=account)
        client.deposit(account, "USD", 1, ref="end")
        found = read_to(events, "end")
    told = [(e.kind, e.fields.get("exec") or e.fields.get("kind") or e.fields.get("status")) for e in found
            if e.kind != "REGISTRY"]
    assert told == [
        ("BALANCE", "DEP"), ("ORDER", "NEW"), ("ORDER", "REPLACED"), ("TRADE", "e"), ("POSITION", None),
        ("ORDER", "CANCELED"), ("BALANCE", "HLD"), ("BALANCE", "RLS"), ("BALANCE", "XFR_OUT"), ("BALANCE", "XFR_IN"),
        ("BALANCE", "XFR_DONE"), ("LIMIT", None)]
    by_kind = {(e.kind, e.fields.get("exec") or e.fields.get("kind")): e.fields for e in found}
    a = str(account)
    deposit = by_kind["BALANCE", "DEP"]
    assert {**deposit, "time": ""} == {"account": a, "wallet": "spot", "asset": "USD", "kind": "DEP", "amount": "1000.00",
                                       "available": "1000.00", "held": "0.00", "transit": "0.00", "ref": "d", "note": "n",
                                       "time": ""}
    new = by_kind["ORDER", "NEW"]
    order = new["order"]
    assert {**new, "time": ""} == {
        "account": a, "symbol": "EX-USD", "order": order, "id": "1", "side": "B", "type": "LMT", "tif": "GTC", "qty": "3",
        "price": "10.00", "status": "NEW", "leaves": "3", "cum": "0", "exec": "NEW", "strategy": "s", "time": ""}
    trade = by_kind["TRADE", "e"]
    assert {**trade, "time": "", "trade": ""} == {
        "account": a, "symbol": "EX-USD", "order": order, "id": "1", "side": "B", "status": "PARTIALLY_FILLED", "last": "1",
        "px": "10.25", "leaves": "3", "cum": "1", "avg": "10.25", "fee": "0.10", "feeasset": "USD", "trade": "",
        "exec": "e", "time": ""}
    position = by_kind["POSITION", None]
    assert {**position, "time": ""} == {"account": a, "symbol": "EX-USD", "qty": "1", "avg": "10.25", "cost": "10.25",
                                        "realized": "-0.10", "time": ""}
    out = by_kind["BALANCE", "XFR_OUT"]
    assert (out["wallet"], out["amount"], out["transit"], out["peer_wallet"]) == ("spot", "7.00", "7.00", "futures")
    assert by_kind["BALANCE", "XFR_IN"]["wallet"] == "futures"
    assert by_kind["BALANCE", "XFR_DONE"]["transit"] == "0.00"
    positions = [tuple(map(int, e.position.split("."))) for e in found]
    assert positions == sorted(set(positions))
    # A fill is one change with two events, numbered from 1.
    assert [e.k for e in found if e.kind in ("TRADE", "POSITION")] == [1, 2]


def test_from_the_log_equals_live_and_any_point_is_a_start(shared, account):
    with shared.client() as client, shared.lines() as lines:
        start = client.sync()
        with client.subscribe(start, account=account).start() as live:
            play(lines, ACTIVITY, a=account)
            client.deposit(account, "USD", 1, ref="end")
            seen = read_to(live, "end")
        with client.subscribe(0, account=account) as log:
            assert texts(read_to(log, "end")) == texts(seen)
        for index, event in enumerate(seen):
            with client.subscribe(event.position, account=account) as rest:
                assert texts(read_to(rest, "end")) == texts(seen[index + 1:]), event.position


def test_whole_log_has_every_lsn_once(fresh):
    with fresh().client() as client:
        client.run_many([c.deposit(a, "USD", 100, ref=f"{n}") for n in range(20) for a in (1, 2, 3)])
        client.deposit(1, "USD", 1, ref="end")
        with client.subscribe(0) as events:
            found = read_to(events, "end")
        places = [(event.lsn, event.k) for event in found]
        assert places == sorted(set(places))
        assert sum(event.kind == "BALANCE" for event in found) == 60
        assert [event.words[0] for event in found if event.kind == "REGISTRY"][:1] != []


def test_filters(shared, accounts):
    first, second = next(accounts), next(accounts)
    with shared.client() as client, shared.lines() as lines:
        start = client.sync()
        for account in (first, second):
            play(lines, ACTIVITY, a=account)
        play(lines, "NEW $a HALT-USD B LMT 1 1.00 GTC id=halt\n + *\n", a=first)
        for account in (second, first):
            client.deposit(account, "USD", 1, ref="end")

        def read(**filters):
            kinds = filters.pop("kinds", None)
            with client.subscribe(start, kinds=kinds and [*kinds, "BALANCE"], **filters) as events:
                return [e for e in read_to(events, "end") if kinds is None or e.kind in kinds]

        everything = read()
        assert texts(read(account=first)) == [e.text for e in everything if e.fields.get("account") == str(first)
                                              or e.words[:2] == ("ACC", str(first))]
        assert {e.kind for e in read(kinds=["TRADE", "POSITION"])} == {"TRADE", "POSITION"}
        assert texts(read(kinds=["ORDER"], account=second)) == [
            e.text for e in everything if e.kind == "ORDER" and e["account"] == str(second)]
        with client.subscribe(start, symbol="HALT-USD") as events:
            assert events.next(10)["id"] == "halt"


def test_session_sees_only_its_accounts(fresh):
    service = fresh(auth="jwt")
    with service.client(token=service.token(sub="a", roles=["admin"], accounts="*")) as admin:
        for account in (7, 8):
            admin.deposit(account, "USD", 100, ref="d")
        admin.deposit(7, "USD", 1, ref="end")
        with service.client(token=service.token(roles=["viewer"], accounts=[7])) as viewer:
            with viewer.subscribe(0) as events:
                found = read_to(events, "end")
            assert {event["account"] for event in found if "account" in event.fields} == {"7"}
            with viewer.subscribe(0, account=8) as events, pytest.raises(Refused) as refusal:
                events.next(5)
            assert refusal.value.code == "FORBIDDEN"


def test_point_after_the_end_is_refused(shared):
    with shared.client() as client, client.subscribe(10**15) as events, pytest.raises(Refused) as refusal:
        events.next(5)
    assert (refusal.value.code, refusal.value.facts["argument"]) == ("BAD_VALUE", "from")


def test_unsubscribe_and_subscribe_again(lines):
    assert lines.ask("1 SUB").startswith("+1 OK from=")
    assert lines.ask("2 SUB").split(" ")[1] == "ALREADY_SUBSCRIBED"
    assert lines.ask("3 UNS").startswith("+3 OK")
    assert lines.ask("4 SUB from=0 kind=LIMIT").startswith("+4 OK from=0")


def test_heartbeats_carry_a_filtered_readers_position(shared, account):
    with shared.lines() as lines, shared.client() as client:
        lines.ask("1 AUTH - hb=1")
        assert lines.ask("2 SUB account=999999999").startswith("+2 OK")
        lsn = client.deposit(account, "USD", 1).lsn
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            beat = lines.wait_for("* HB", 3)
            if int(beat.split("lsn=")[1].split(" ")[0]) >= lsn:
                return
        pytest.fail("the heartbeat's position did not follow the log")


@pytest.mark.parametrize("loops", [1, 4])
def test_no_gap_or_repeat_through_kills_and_reconnects(fresh, loops):
    service = fresh(loops=loops)
    with service.client() as client:
        client.deposit(5, "USD", 1_000_000, ref="d")
    stop = threading.Event()

    def write():
        with service.client(timeout=60) as client:
            number = 0
            while not stop.is_set():
                for order in client.run_many([c.new_order(5, "EX-USD", "B", 1, "0.01", id=f"{number + n}")
                                              for n in range(50)]):
                    assert not isinstance(order, Exception), order
                number += 50
            client.deposit(5, "USD", 1, ref="end")

    writer = threading.Thread(target=write)
    client = service.client(timeout=60)
    live = client.subscribe(0)
    seen = []
    writer.start()
    try:
        for _ in range(6):
            reading_until = time.monotonic() + 0.15
            while time.monotonic() < reading_until:
                seen.append(live.next(10))
            service.restart()
    finally:
        stop.set()
        writer.join(60)
    seen += read_to(live, "end", 30)
    with client.subscribe(0) as log:
        assert texts(read_to(log, "end", 30)) == texts(seen)
    ids = [event["id"] for event in seen if event.kind == "ORDER"]
    assert len(ids) == len(set(ids)) and len(ids) >= 300
    live.close()
    client.close()


def test_slow_reader_loses_nothing(fresh):
    service = fresh()
    slow = service.lines(receive_buffer=4096)
    assert slow.ask("1 SUB from=0 kind=ORDER").startswith("+1 OK")
    with service.client() as client:
        client.deposit(5, "USD", 1_000_000, ref="d")
        before = service.resident_bytes()
        orders = client.run_many([c.new_order(5, "EX-USD", "B", 1, "0.01", id=f"{n}") for n in range(30_000)], timeout=60)
        assert not any(isinstance(order, Exception) for order in orders)
        assert client.ping(timeout=2) is None
        assert service.resident_bytes() - before < 200 << 20
    ids = []
    while len(ids) < 30_000:
        line = slow.read()
        if line.startswith("! "):
            ids.append(int(line.split(" id=")[1].split(" ")[0]))
    assert ids == list(range(30_000))
