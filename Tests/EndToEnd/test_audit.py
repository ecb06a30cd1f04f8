"""The audit of refused commands: complete, without secrets, bounded, and no harm to the service."""

import json
import time
from collections import Counter

import pytest

FILE_BYTES = 65_536
FILES = 3


def files(directory):
    return sorted(directory.glob("refused-*.jsonl"))


def entries(directory):
    return [json.loads(line) for path in files(directory) for line in path.read_text().splitlines()]


def refused(lines, commands):
    """Sends all at once; gives (line as sent, code, facts) of those that were refused."""
    lines.send("".join(f"t{n} {command}\n" for n, command in enumerate(commands)))
    found = []
    for n, command in enumerate(commands):
        answer = lines.answer()[-1]
        if answer[0] == "-":
            tag, code, *facts = answer[1:].split(" ")
            assert tag == f"t{n}"
            found.append((f"t{n} {command}", code, dict(fact.split("=", 1) for fact in facts)))
    return found


COMMANDS = [
    "NEW 7 EX-USD B LMT 1 10.00 GTC id=good", "NEW 7 EX-USD B LMT 1 10.005 GTC id=a", "NEW 7 PERP-USD B LMT 1 10.005 GTC id=a",
    "CXL 7 EX-USD id=nope", "CXL 7 PERP-USD id=nope", "RPL 7 PERP-USD id=nope 1 1.00", "FIL 7 PERP-USD 5 1 1.00 exec=e", "CLS 7 PERP-USD id=c",
    "DEP 7 USD 1 ref=x", "ACC 7 suspend", "ACC 8", "BAL 8", "BAL 7 NOPE", "ORD 7 EX-USD id=nope", "TRD 7 PERP-USD id=nope", "XFR 7 8 USD 1 ref=x",
    "XFR 7 7 USD 99999999 to=futures ref=x", "XFR 7 7 USD 99999999 from=futures ref=x", "STAT hash=1", "SUB kind=NOPE", "UNS", "NOPE", "BAL",
    "BAL 7", "NEW 7 EX-USD B LMT 1 10.00 GTC id=%ZZ", "SES",
]
ADMIN_COMMANDS = [
    "WDR 7 USD 99999999.00 ref=w", "HLD 7 USD 99999999.00 ref=w wallet=futures", "PTO 7 EX-USD 0 1.00 ref=p", "PTO 404 PERP-USD 1 1.00 ref=p",
    "INS EX-USD venue=lab wallet=futures base=EX quote=USD tick=0.01 lot=1", "AST EX decimals=5", "ACC 404 suspend", "LIM 404 max_open=1",
    "SET window_hours 0", "MRK EX-USD 0", "BAL 404", "ACC * open",
]


@pytest.mark.parametrize("loops", [1, 4])
def test_every_refusal_is_there_with_who_what_and_why(fresh, loops):
    service = fresh(loops=loops, auth="jwt")
    expected = []
    with service.lines() as admin, service.lines() as trader, service.lines() as nobody:
        name = lambda lines: "%s:%d" % lines.socket.getsockname()
        secret = service.token(sub="admin", roles=["admin"], accounts="*")
        assert admin.ask(f"1 AUTH {secret}").startswith("+1 OK")
        assert admin.ask("1 DEP 7 USD 1000.00 ref=d").startswith("+1 OK")
        assert trader.ask(f"1 AUTH {service.token(sub='träder', roles=['viewer', 'trader'], accounts=[7])} session=grid").startswith("+1 OK")
        bad = service.token(sub="x") + "x"
        assert nobody.ask(f"1 AUTH {bad} session=me").split(" ")[1] == "BAD_TOKEN"
        assert nobody.ask(f"2 {bad}").split(" ")[1] == "UNKNOWN_VERB"
        assert nobody.ask("3 BAL 7") == "-3 AUTH_REQUIRED"
        nobody_name = name(nobody)
        expected += [("", nobody_name, "", "1 AUTH *** session=me", "BAD_TOKEN"), ("", nobody_name, "", "2 ***", "UNKNOWN_VERB"),
                     ("", nobody_name, "", "3 BAL 7", "AUTH_REQUIRED")]
        facts = {}
        for lines, sub, session, commands in ((trader, "träder", "grid", COMMANDS), (admin, "admin", "", ADMIN_COMMANDS)):
            found = refused(lines, commands)
            assert len(found) >= len(commands) - 2
            expected += [(sub, name(lines), session, line, code) for line, code, _ in found]
            facts.update({(sub, line): values for line, _, values in found})
    assert service.stop() == 0
    have = entries(service.data / "audit")
    assert Counter((e["sub"], e["peer"], e["name"], e["command"], e["code"]) for e in have) == Counter(expected)
    for entry in have:
        assert entry["facts"] == facts.get((entry["sub"], entry["command"]), entry["facts"])
        assert (entry["session"] == 0) == (entry["sub"] == "") and entry["time"].endswith("Z")
        assert entry["roles"] == {"träder": ["viewer", "trader"], "admin": ["admin"], "": []}[entry["sub"]]
        words = entry["command"].split(" ")
        account = int(words[2]) if len(words) > 2 and words[2].isdigit() and words[1] not in ("SET",) else None
        assert entry.get("account") == account, entry
    everything = b"".join(path.read_bytes() for path in files(service.data / "audit"))
    assert b"eyJ" not in everything and secret.split(".")[2].encode() not in everything
    assert secret.split(".")[2] not in service.said()


def test_auth_off_is_local_and_a_start_goes_on_in_the_same_file(fresh):
    service = fresh()
    with service.lines() as lines:
        assert lines.ask("1 BAL 404") == "-1 UNKNOWN_ACCOUNT account=404"
        deadline = time.monotonic() + 5
        while not files(service.data / "audit") or not entries(service.data / "audit"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    service.restart()
    with service.lines() as lines:
        lines.send(b"2 BAL \xff\n")
        assert lines.answer() == ["-2 BAD_CHARACTER at=7"]
    assert service.stop() == 0
    first, second = entries(service.data / "audit")
    assert (first["sub"], first["roles"], first["account"]) == ("local", ["viewer", "trader", "connector", "admin"], 404)
    assert second["command"] == "2 BAL \xff" and second["session"] != first["session"] and len(files(service.data / "audit")) == 1


@pytest.mark.parametrize("loops", [1, 4])
def test_a_storm_is_bounded_in_memory_and_on_disk(fresh, loops):
    service = fresh(loops=loops, config=f"audit_bytes: {FILE_BYTES}\naudit_files: {FILES}\n")
    connections = [service.lines() for _ in range(4)]
    batch = "".join(f"x NEW 7 EX-USD B LMT 1 1.00 GTC id=storm-{n}\n" for n in range(500)).encode()
    before = service.resident_bytes()
    count = 0
    for _ in range(60):
        for lines in connections:
            lines.send(batch)
        for lines in connections:
            for _ in range(500):
                assert lines.answer()[-1] == "-x UNKNOWN_ACCOUNT account=7"
                count += 1
    assert service.resident_bytes() - before < 48 << 20
    assert connections[0].ask("1 DEP 7 USD 5 ref=a").startswith("+1 OK")
    for lines in connections:
        lines.close()
    assert service.stop() == 0
    kept = files(service.data / "audit")
    assert len(kept) == FILES
    assert all(path.stat().st_size <= 2 * FILE_BYTES for path in kept)
    assert count == 120_000 and entries(service.data / "audit")


def test_a_full_disk_of_the_audit_is_said_once_and_hurts_nobody(small_disk, fresh):
    disk = small_disk(1 << 20)
    service = fresh(environment={"CASHUP_AUDIT": str(disk.path / "audit")})
    with service.lines() as lines:
        assert lines.ask("1 DEP 7 USD 100000 ref=a").startswith("+1 OK")
        for round in range(20):
            commands = [f"NEW 404 EX-USD B LMT 1 1.00 GTC id={n} note=" + 36 * "n" for n in range(300)]
            assert len(refused(lines, commands)) == 300
            assert lines.ask(f"1 NEW 7 EX-USD B LMT 1 1.00 GTC id=r{round}").startswith("+1")
        deadline = time.monotonic() + 5
        while "refused commands are not in the audit" not in service.said():
            assert time.monotonic() < deadline, "nothing was said"
            time.sleep(0.01)
    assert service.stop() == 0
    assert service.said().count("refused commands are not in the audit") == 1
    found = entries(disk.path / "audit")
    lost = sum(entry.get("dropped", 0) for entry in found)
    kept = [entry for entry in found if "dropped" not in entry]
    assert 500 < len(kept) < 6_000 and all(entry["code"] == "UNKNOWN_ACCOUNT" for entry in kept) and len(kept) + lost <= 6_000


def test_off(fresh):
    service = fresh(config="audit: off\n")
    with service.lines() as lines:
        assert lines.ask("1 BAL 404").startswith("-1")
    assert service.stop() == 0
    assert not (service.data / "audit").exists()
