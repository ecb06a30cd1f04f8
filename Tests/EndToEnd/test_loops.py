"""One loop and four: the same answers, the same state; a directory of one is opened by the other."""

import contextlib
import random
import re
import time

from lines import play

SEED = 20150501
CONNECTIONS = 4
COMMANDS = 1500

# Two instruments in each of three wallets, so that several shards are busy at once.
INSTRUMENTS = {f"{wallet.upper()}{n}-USD": wallet for wallet in ("spot", "margin", "futures") for n in (1, 2)}


def set_up(service):
    with service.lines() as lines:
        for symbol, wallet in INSTRUMENTS.items():
            play(lines, f"""
                INS {symbol} venue=lab wallet={wallet} base=EX quote=USD tick=0.01 lot=1
                + OK *
                MRK {symbol} 10.00
                + OK *
                """)
        for account in range(1, CONNECTIONS + 1):
            for wallet in ("spot", "margin", "futures"):
                play(lines, f"""
                    DEP {account} USD 1000000.00 ref=u{wallet} wallet={wallet}
                    + *
                    DEP {account} EX 100000 ref=e{wallet} wallet={wallet}
                    + *
                    """)


def commands_of(account):
    """A seeded stream of commands of one account over all wallets; some are refused, some repeat."""
    pick = random.Random(SEED + account)
    ids = {symbol: [] for symbol in INSTRUMENTS}
    for number in range(COMMANDS):
        symbol = pick.choice(list(INSTRUMENTS))
        known = ids[symbol]
        kind = pick.random()
        price = f"{pick.randint(900, 1100) / 100:.2f}"
        if kind < 0.4 or not known:
            id = f"{number}" if pick.random() < 0.95 or not known else known[-1]
            known.append(id)
            yield f"NEW {account} {symbol} {pick.choice('BS')} LMT {pick.randint(1, 20)} {price} GTC id={id}"
        elif kind < 0.6:
            yield f"FIL {account} {symbol} id={pick.choice(known)} {pick.randint(1, 5)} {price} exec={number} fee=0.01"
        elif kind < 0.7:
            yield f"RPL {account} {symbol} id={pick.choice(known)} {pick.randint(1, 25)} {price}"
        elif kind < 0.8:
            yield f"CXL {account} {symbol} id={pick.choice(known)}"
        elif kind < 0.85:
            yield f"CLS {account} {symbol} id=c{number}"
        elif kind < 0.9:
            yield f"HLD {account} USD {pick.randint(1, 9)}.50 ref=h{number} wallet={INSTRUMENTS[symbol]}"
        elif kind < 0.95:
            yield f"POS {account} {symbol}"
        else:
            yield f"BAL {account} USD wallet={INSTRUMENTS[symbol]}"


def without_order_of_time(text):
    """An answer without what may differ: LSNs and times."""
    return re.sub(r" (lsn|time|created|updated|now)=\S+", "", text)


def without_ids(text):
    """An answer without OrderID and TradeID."""
    return re.sub(r"^(\S+) \d+ (?=[A-Z])", r"\1 ID ", re.sub(r" trade=\d+", " trade=ID", text))


def run_pipelined(service):
    """All accounts' streams at once, each pipelined on a connection of its own; gives each one's answers.

    OrderIDs depend on how the accounts' commands meet in a shard, so the streams of this run name orders by ClOrdID,
    and OrderIDs and TradeIDs are left out of the comparison of interleaved runs.
    """
    connections = [service.lines() for _ in range(CONNECTIONS)]
    streams = [list(commands_of(account)) for account in range(1, CONNECTIONS + 1)]
    answers = [[] for _ in connections]
    for start in range(0, COMMANDS, 250):
        for lines, stream in zip(connections, streams):
            lines.send("".join(f"x {command}\n" for command in stream[start:start + 250]))
        for lines, stream, found in zip(connections, streams, answers):
            for _ in stream[start:start + 250]:
                found.append([without_ids(without_order_of_time(line)) for line in lines.answer()])
    for lines in connections:
        lines.close()
    return answers


def run_one_connection(service):
    """One account's stream after the other on one connection, pipelined over the wallets: a fixed sequence per shard."""
    answers = []
    with service.lines() as lines:
        for account in range(1, CONNECTIONS + 1):
            stream = list(commands_of(account))
            for start in range(0, COMMANDS, 500):
                lines.send("".join(f"x {command}\n" for command in stream[start:start + 500]))
                for _ in stream[start:start + 500]:
                    answers.append([without_order_of_time(line) for line in lines.answer()])
    return answers


def state(service):
    """Everything that can be asked, without LSNs and times."""
    found = []
    with service.lines() as lines:
        for account in range(1, CONNECTIONS + 1):
            for query in (f"BAL {account}", f"POS {account}", f"LIM {account}", f"TRD {account} limit=1000"):
                lines.send(f"1 {query}\n")
                found += sorted(map(without_order_of_time, lines.answer()))
            for symbol in INSTRUMENTS:
                lines.send(f"1 ORD {account} {symbol} status=all limit=1000\n")
                found += map(without_order_of_time, lines.answer())
    return found


def hashes(service):
    """Wallet -> hash of its state."""
    with service.lines() as lines:
        lines.send("1 STAT hash=1\n")
        rows = [row.split(" ") for row in lines.answer() if row.startswith("=1 wallet ")]
    found = {row[2]: next(part for part in row if part.startswith("hash=")) for row in rows}
    assert len(found) == 5
    return found


def test_same_answers_and_state_with_one_loop_and_four(fresh):
    answers, states = [], []
    for loops in (1, 4):
        service = fresh(loops=loops)
        set_up(service)
        answers.append(run_one_connection(service))
        states.append(state(service))
    assert len(answers[0]) == CONNECTIONS * COMMANDS
    refused = sum(answer[-1].startswith("-") for answer in answers[0])
    assert 0 < refused < len(answers[0]) / 2
    assert answers[0] == answers[1]
    assert states[0] == states[1]


def test_same_answers_of_interleaved_accounts(fresh):
    answers = []
    for loops in (1, 4):
        service = fresh(loops=loops)
        set_up(service)
        answers.append(run_pipelined(service))
    assert answers[0] == answers[1]


def test_directory_of_one_is_opened_by_the_other(fresh):
    service = fresh(loops=4)
    set_up(service)
    run_pipelined(service)
    live, told = hashes(service), state(service)
    assert len(set(live.values())) > 3, "hashes of different content must differ"
    for loops, end in ((1, service.stop), (4, service.kill), (2, service.kill), (1, service.stop)):
        end()
        service.loops = loops
        service.start()
        assert hashes(service) == live, f"opened with {loops} loops"
        assert state(service) == told


def test_hash_changes_with_the_state_and_only_with_it(fresh):
    service = fresh()
    set_up(service)
    before = hashes(service)
    with service.lines() as lines:
        assert lines.ask("1 BAL 1").startswith("+1")
        assert lines.ask("1 NEW 1 SPOT1-USD B LMT 1 99999999.00 GTC id=no").startswith("-1")
        assert hashes(service) == before
        assert lines.ask("1 HLD 1 USD 1 ref=h").startswith("+1")
    after = hashes(service)
    assert after["spot"] != before["spot"] and after["margin"] == before["margin"]


def test_what_follows_a_cancel_all_is_not_cancelled_by_it(fresh):
    """Promise 4, on whichever loop the connection is: each loop does its share of CXA in a turn of its own."""
    service = fresh(loops=4)
    set_up(service)
    for connection in range(8):  # they are spread over the loops
        with service.lines() as lines:
            for round in range(10):
                id = f"c{connection}-{round}"
                lines.send(f"1 NEW 1 SPOT1-USD B LMT 1 1.00 GTC id=before-{id}\n2 CXA 1\n3 NEW 1 SPOT1-USD B LMT 1 1.00 GTC id={id}\n")
                answers = [lines.read() for _ in range(3)]
                assert re.match(r"\+1 \d+ NEW ", answers[0]) and re.match(r"\+2 OK canceled=[12] ", answers[1]), answers
                assert re.match(r"\+3 \d+ NEW ", answers[2]), answers
                lines.send(f"4 ORD 1 SPOT1-USD id=before-{id}\n5 ORD 1 SPOT1-USD id={id}\n")
                rows = [lines.read() for _ in range(4)]
                assert "status=CANCELED" in rows[0] and "status=NEW" in rows[2], rows


def test_kill_switch_of_the_house(fresh):
    """`ACC * suspend` with desks that enter orders all the while: afterwards nothing is open anywhere, the count is that of the orders
    that are cancelled by it, each account stands in the log once, and a start finds the same. Then everything is lifted again."""
    for loops in (1, 4):
        service = fresh(loops=loops)
        set_up(service)
        with service.lines() as admin, contextlib.ExitStack() as stack:
            desks = [stack.enter_context(service.lines()) for _ in range(CONNECTIONS)]
            for account, lines in enumerate(desks, 1):
                lines.send("".join(f"x NEW {account} {symbol} B LMT 1 1.00 GTC id={n}{symbol}\n" for n in range(200) for symbol in INSTRUMENTS))
            time.sleep(0.01)
            answer = admin.ask("1 ACC * suspend", 30)
            words, accepted = answer.split(" "), 0
            assert words[:3] == ["+1", "OK", f"suspended={CONNECTIONS}"], answer
            for lines in desks:
                for _ in range(200 * len(INSTRUMENTS)):
                    line = lines.answer(30)[-1]
                    accepted += line[0] == "+"
                    assert line[0] == "+" or "ACCOUNT_SUSPENDED" in line
            assert int(words[3].removeprefix("canceled=")) == accepted
            assert admin.ask("2 ACC * suspend") == "+2 OK suspended=0 canceled=0 dup=1"
            for account in range(1, CONNECTIONS + 1):
                assert admin.ask(f"3 ORD {account}") == "+3 0"
                assert admin.ask(f"3 NEW {account} SPOT1-USD B LMT 1 1.00 GTC id=later").split(" ")[1] == "ACCOUNT_SUSPENDED"
            assert admin.ask("4 ACC 99 open").startswith("+4 OK status=open")
        service.restart()
        with service.lines() as admin:
            admin.send("5 ACC\n")
            assert admin.answer() == [f"=5 {n} status=suspended" for n in range(1, CONNECTIONS + 1)] + ["=5 99 status=open", "+5 5"]
            assert admin.ask("6 ACC * resume").split(" ")[:3] == ["+6", "OK", f"resumed={CONNECTIONS}"]
            assert admin.ask("7 NEW 1 SPOT1-USD B LMT 1 1.00 GTC id=later").startswith("+7")


def test_sessions_of_all_loops(fresh):
    service = fresh(loops=4)
    connections = [service.lines() for _ in range(9)]
    connections[0].send("1 SES\n")
    *rows, end = connections[0].answer()
    assert end == "+1 9" and len(rows) == 9
    assert len({row.split(" peer=")[1].split(" ")[0] for row in rows}) == 9
    assert len({row.split(" ")[1] for row in rows}) == 9
    assert {row.split(" loop=")[1] for row in rows} == {"0", "1", "2", "3"}
    for lines in connections:
        lines.close()
