"""AUTH: tokens good and forged, roles, sessions, expiry, cancel on disconnect, heartbeats."""

import time

import pytest

from lines import play
from tokens import base64url, sign, token

# Keys of the configuration that these tests shorten.
GRACE_CONFIG = "token_grace_seconds: 1\n"
IDLE_CONFIG = "idle_seconds: 1\n"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A service with tokens: accounts 7, 8 and 9 funded, an open order of each on the venues lab and lab2."""
    from conftest import LABORATORY
    from service import Service
    service = Service(tmp_path_factory.mktemp("guarded"), auth="jwt").start()
    with service.lines() as lines:
        assert lines.greeting.endswith("auth=jwt maxline=1024 state=ready")
        lines.ask("t AUTH " + service.token(sub="setup", roles=["admin"], accounts="*"))
        play(lines, LABORATORY)
        for account in (7, 8, 9):
            play(lines, "DEP $a USD 100000.00 ref=funds\n + *\n DEP $a EX 1000 ref=ex\n + *", a=account)
    yield service
    service.close()


def session(service, **claims):
    """A connection with such a token."""
    lines = service.lines()
    options = claims.pop("options", "")
    answer = lines.ask(f"t AUTH {service.token(**claims)}{options}")
    assert answer.startswith("+t OK"), answer
    return lines


def test_before_auth_only_a_few_verbs(guarded):
    with guarded.lines() as lines:
        assert lines.ask("1 PING") == "+1 OK"
        assert lines.ask("1 TIME").startswith("+1 OK time=")
        assert lines.ask("1 HELP").startswith("+1 ")
        for command in ("BAL 7", "NEW 7 EX-USD B LMT 1 1.00 GTC id=x", "SUB", "STAT", "INS", "SYNC", "CXA 7", "ACC 7 suspend", "SNP"):
            assert lines.ask(f"1 {command}").split(" ")[1] == "AUTH_REQUIRED", command
        assert lines.ask("1 QUIT") == "+1 OK"


def test_answer_tells_what_was_granted(guarded):
    with guarded.lines() as lines:
        expires = int(time.time()) + 500
        granted = guarded.token(sub="desk", roles=["trader", "viewer"], accounts=[7, 8], exp=expires)
        answer = lines.ask(f"1 AUTH {granted} session=grid")
        words = answer.split(" ")
        assert words[:2] == ["+1", "OK"]
        assert {"sub=desk", "accounts=7,8", "session=grid", f"expires={expires}000"} <= set(words)
        assert {"roles=trader,viewer", "roles=viewer,trader"} & set(words)


def forged(service):
    good = service.token(sub="7")
    head, claims, signature = good.split(".")
    now = int(time.time())
    header = {"alg": "HS256", "typ": "JWT"}
    plain = {"sub": "7", "exp": now + 600, "type": "access", "roles": ["viewer"], "accounts": [7]}
    return {
        "not a token": "abc",
        "empty": "..",
        "two parts": f"{head}.{claims}",
        "other secret": token("another secret of the same kind", sub="7"),
        "signature cut": good[:-2],
        "signature of nothing": f"{head}.{claims}.",
        "claims changed": head + "." + base64url(b'{"sub":"7","exp":99999999999,"type":"access","roles":["admin"],"accounts":"*"}')
                          + "." + signature,
        "alg none": base64url(b'{"alg":"none","typ":"JWT"}') + "." + claims + ".",
        "alg none, signed": token(service.secret, header={"alg": "none", "typ": "JWT"}),
        "alg HS384 in the header": token(service.secret, header={"alg": "HS384", "typ": "JWT"}),
        "alg RS256 in the header": token(service.secret, header={"alg": "RS256", "typ": "JWT"}),
        "wrong type": service.token(type="refresh"),
        "no type": service.token(type=None),
        "no sub": service.token(sub=None),
        "no exp": service.token(exp=None),
        "exp is text": service.token(exp="tomorrow"),
        "not yet valid": service.token(nbf=now + 600),
        "roles is text": sign(service.secret, header, {**plain, "roles": "admin"}),
        "accounts is text": sign(service.secret, header, {**plain, "accounts": "7"}),
        "claims are a list": sign(service.secret, header, ["admin"]),
    }


FORGED = ("not a token", "empty", "two parts", "other secret", "signature cut", "signature of nothing", "claims changed",
          "alg none", "alg none, signed", "alg HS384 in the header", "alg RS256 in the header", "wrong type", "no type",
          "no sub", "no exp", "exp is text", "not yet valid", "roles is text", "accounts is text", "claims are a list")


@pytest.mark.parametrize("kind", FORGED)
def test_forged_token(guarded, kind):
    with guarded.lines() as lines:
        assert lines.ask(f"1 AUTH {forged(guarded)[kind]}").split(" ")[:2] == ["-1", "BAD_TOKEN"]
        assert lines.ask("1 BAL 7").split(" ")[1] == "AUTH_REQUIRED"


def test_expired_token(guarded):
    with guarded.lines() as lines:
        expired = int(time.time()) - 5
        answer = lines.ask(f"1 AUTH {guarded.token(exp=expired)}")
        assert answer == f"-1 TOKEN_EXPIRED expired={expired}000"
        assert lines.ask("1 BAL 7").split(" ")[1] == "AUTH_REQUIRED"


def test_long_auth_line_is_taken_and_a_longer_one_is_not(guarded):
    with guarded.lines() as lines:
        assert lines.ask("1 AUTH " + guarded.token(padding="x" * 5000)).startswith("+1 OK")
        assert lines.ask("1 AUTH " + "x" * 8200).split(" ")[:2] == ["-1", "LINE_TOO_LONG"]


QUERIES = ["BAL 7", "POS 7", "ORD 7", "TRD 7", "ACC 7", "ACC", "LIM 7", "LIM *", "DMS 7", "INS", "AST", "WLT", "VEN", "SYNC", "STAT"]
TRADING = ["NEW 7 EX-USD B LMT 1 1.00 GTC id=$n", "RPL 7 EX-USD id=none 1 1.00", "CXL 7 EX-USD id=none", "CXA 7 NOMARK-USD",
           "CLS 7 EX-USD id=$n", "DMS 7 -", "XFR 7 7 USD 1 to=futures ref=$n"]
OWN_FILL = ["FIL 7 EX-USD id=none 1 1.00 exec=$n"]
VENUE_FACTS = ["MRK PERP-USD 10.00"]
ADMIN = ["DEP 7 USD 1 ref=$n", "WDR 7 USD 1 ref=$n", "ADJ 7 USD 1 ref=$n reason=r", "HLD 7 USD 1 ref=$n", "RLS 7 USD 1 ref=$n",
         "AST X$n decimals=2", "WLT spot", "VEN lab kind=manual", "INS EX-USD state=trading", "ACC 7 open", "ACC 7 suspend",
         "ACC 7 resume", "ACC * suspend", "ACC * resume", "LIM 7 wallet=spot max_qty=-", "LIM * wallet=spot max_qty=-", "LIM 7 reset=loss", "DMS", "SET market_margin_bps 100", "STAT hash=1", "SES", "SNP",
         "PTO 7 PERP-USD 1 1.00 ref=$n"]

# Everybody's.
PUBLIC = ["BOOK BTC-USDT", "MKT", "SUB book=BTC-USDT", "UNS book=BTC-USDT"]

MATRIX = {
    "viewer": (PUBLIC + QUERIES, TRADING + OWN_FILL + VENUE_FACTS + ADMIN),
    "trader": (PUBLIC + QUERIES + TRADING + OWN_FILL, VENUE_FACTS + ADMIN),
    "connector": (PUBLIC + OWN_FILL + VENUE_FACTS, TRADING + ADMIN + ["BAL 7", "POS 7", "ORD 7", "TRD 7", "ACC"]),
    "admin": (PUBLIC + QUERIES + TRADING + OWN_FILL + VENUE_FACTS + ADMIN, []),
}


@pytest.mark.parametrize("role", MATRIX)
def test_roles(guarded, role):
    allowed, forbidden = MATRIX[role]
    accounts = () if role == "connector" else (7,)
    with session(guarded, sub="r" + role, roles=[role], accounts=accounts, venues=("lab",)) as lines:
        for number, command in enumerate(forbidden + allowed):
            answer = lines.ask("1 " + command.replace("$n", f"{role}{number}"))
            code = answer.split(" ")[1] if answer.startswith("-") else "done"
            assert (code == "FORBIDDEN") == (command in forbidden), (role, command, answer)
            if code == "FORBIDDEN":
                assert "need=" in answer
        assert lines.ask("1 SUB").split(" ")[0] == ("-1" if role == "connector" else "+1")


def test_a_viewer_lists_the_accounts_of_its_token(guarded):
    with session(guarded, roles=["admin"], accounts="*") as lines:
        for number in (7, 8, 9):
            assert lines.ask(f"1 ACC {number} open").startswith("+1 OK")
    with session(guarded, roles=["viewer"], accounts=[9, 7]) as lines:
        lines.send("1 ACC\n")
        assert sorted(lines.answer()) == ["+1 2", "=1 7 status=open", "=1 9 status=open"]
        assert lines.ask("2 ACC after=8") == "-2 FORBIDDEN need=viewer account=8"


def test_who_is_connected(guarded):
    token = guarded.token(sub="ops", roles=["viewer", "trader"], accounts=[7, 8])
    with guarded.lines() as unknown, guarded.lines() as trader, session(guarded, sub="watch", roles=["admin"], accounts="*") as admin:
        assert trader.ask(f"1 AUTH {token} session=grid cod=1").startswith("+1 OK")
        assert trader.ask("2 SUB").startswith("+2 OK")
        admin.send("3 SES\n")
        *rows, end = admin.answer()
        rows = [dict(word.partition("=")[::2] for word in row.split(" ")[2:]) | {"number": int(row.split(" ")[1])} for row in rows]
        assert end == "+3 %d" % len(rows)
        of = {row["peer"]: row for row in rows}
        name = lambda lines: "%s:%d" % lines.socket.getsockname()
        first, second, third = of[name(unknown)], of[name(trader)], of[name(admin)]
        assert first["number"] == 0 and "sub" not in first and "roles" not in first
        assert second["number"] > 0 and second["number"] != third["number"]
        assert {key: second[key] for key in ("sub", "roles", "accounts", "name", "subscribed", "cod", "inflight", "unsent")} == {
            "sub": "ops", "roles": "viewer,trader", "accounts": "7,8", "name": "grid", "subscribed": "1", "cod": "1", "inflight": "0",
            "unsent": "0"}
        assert int(second["expires"]) > int(second["heard"]) >= int(second["opened"]) > 0
        assert (third["sub"], third["accounts"], third["inflight"], third["subscribed"], third["cod"]) == ("watch", "*", "1", "0", "0")
        trader.close()
        for _ in range(50):
            admin.send("4 SES\n")
            if not any(name_ in row for row in admin.answer() for name_ in ("sub=ops",)):
                break
            time.sleep(0.02)
        else:
            raise AssertionError("the session that has ended is still listed")


def test_every_verb_is_in_the_matrix(guarded):
    with guarded.lines() as lines:
        lines.send("1 HELP\n")
        listed = {row.split(" ")[1] for row in lines.answer()[:-1]}
    covered = {command.split(" ")[0] for allowed, _ in MATRIX.values() for command in allowed}
    session_verbs = {"AUTH", "HELP", "PING", "TIME", "QUIT", "SUB", "UNS"}
    later = {"ACK", "REJ", "CAN", "RPD", "CRJ"}
    assert listed - later <= covered | session_verbs


@pytest.mark.parametrize("command", [
    "BAL 8", "POS 8", "ORD 8", "TRD 8", "ACC 8", "LIM 8", "DMS 8", "DMS 8 5", "NEW 8 EX-USD B LMT 1 1.00 GTC id=x", "RPL 8 EX-USD 5 1 1.00",
    "CXL 8 EX-USD 5", "CXA 8", "CLS 8 EX-USD id=x", "XFR 7 8 USD 1 ref=x", "XFR 8 7 USD 1 ref=x",
    "FIL 8 EX-USD 5 1 1.00 exec=x", "SUB account=8", "BAL 424242"])
def test_other_accounts_are_forbidden_whether_they_exist_or_not(guarded, command):
    with session(guarded, roles=["trader"], accounts=[7]) as lines:
        answer = lines.ask(f"1 {command}")
        assert answer.split(" ")[:2] == ["-1", "FORBIDDEN"], answer


def test_other_venue_is_forbidden_for_a_connector(guarded):
    with session(guarded, roles=["connector"], accounts=[], venues=["lab"]) as lines:
        assert lines.ask("1 MRK HALT-USD 5.00").split(" ")[1] == "FORBIDDEN"
        assert lines.ask("1 MRK PERP-USD 5.00").startswith("+1 OK")


def test_trader_fill_not_beyond_the_limit_connector_fill_is(guarded):
    with session(guarded, roles=["trader"], accounts=[8]) as trader, \
         session(guarded, sub="c", roles=["connector"], accounts=[], venues="*") as connector:
        play(trader, """
            NEW 8 EX-USD B LMT 2 10.00 GTC id=limit
            + $o *
            FIL 8 EX-USD id=limit 1 10.01 exec=1
            - BEYOND_LIMIT *
            FIL 8 EX-USD id=limit 1 9.99 exec=1
            + *
            NEW 8 EX-USD S LMT 2 10.00 GTC id=limit2
            + *
            FIL 8 EX-USD id=limit2 1 9.99 exec=1
            - BEYOND_LIMIT *
            """)
        play(connector, "FIL 8 EX-USD id=limit 1 10.01 exec=2\n + * FILLED *")


def test_admin_lists_all_accounts(guarded):
    with session(guarded, roles=["admin"], accounts="*") as lines:
        lines.send("1 ACC\n")
        rows = lines.answer()
        assert {row.split(" ")[1] for row in rows[:-1]} >= {"7", "8", "9"}


def test_new_session_of_the_same_name_closes_the_old_one(guarded):
    old = session(guarded, sub="s", accounts=[7], options=" session=grid")
    other = session(guarded, sub="s", accounts=[7], options=" session=other")
    foreign = session(guarded, sub="t", accounts=[7], options=" session=grid")
    old.send("".join(f"{n} NEW 7 EX-USD B LMT 1 1.00 GTC id=grid-{n}\n" for n in range(50)))
    new = session(guarded, sub="s", accounts=[7], options=" session=grid")
    # What the old one had read in was decided before the answer above, so ORD is final now.
    new.send("1 ORD 7 EX-USD limit=1000\n")
    listed = {row for row in new.answer() if "id=grid-" in row}
    rest = old.rest()
    assert rest[-1].startswith("* BYE") and "reason=replaced" in rest[-1]
    time.sleep(0.1)
    new.send("2 ORD 7 EX-USD limit=1000\n")
    assert {row.replace("=2 ", "=1 ", 1) for row in new.answer() if "id=grid-" in row} == listed
    assert other.ask("1 PING") == "+1 OK" and foreign.ask("1 PING") == "+1 OK"
    assert new.ask("3 CXA 7 EX-USD").startswith("+3 OK")


def test_session_may_be_extended_but_not_by_another_subject(guarded):
    with session(guarded, sub="x", accounts=[7], ttl=5) as lines:
        assert lines.ask("1 AUTH " + guarded.token(sub="x", accounts=[7], ttl=900)).startswith("+1 OK")
        assert lines.ask("2 AUTH " + guarded.token(sub="y", accounts=[7])).startswith("-2 ")
        assert lines.ask("3 BAL 7").startswith("+3")


def test_expiry_grace_period_then_closed(fresh):
    service = fresh(auth="jwt", config=GRACE_CONFIG)
    with session(service, sub="admin", roles=["admin"], accounts="*") as admin:
        play(admin, "DEP 7 USD 1000.00 ref=wire\n + *")
    soon = int(time.time()) + 2
    with session(service, roles=["trader"], accounts=[7], exp=soon) as lines:
        play(lines, "NEW 7 EX-USD B LMT 1 1.00 GTC id=1\n + *")
        assert lines.wait_for("* EXPIRED") == "* EXPIRED grace=1"
        play(lines, """
            NEW 7 EX-USD B LMT 1 1.00 GTC id=2
            - TOKEN_EXPIRED *
            RPL 7 EX-USD id=1 2 1.00
            - TOKEN_EXPIRED *
            ORD 7
            = *
            + 1
            CXL 7 EX-USD id=1
            + * CANCELED *
            CXA 7
            + OK canceled=0
            """)
        assert lines.rest(5)[-1] == "* BYE reason=token_expired"
    soon = int(time.time()) + 2
    with session(service, roles=["trader"], accounts=[7], exp=soon) as lines:
        lines.wait_for("* EXPIRED")
        assert lines.ask("1 AUTH " + service.token(roles=["trader"], accounts=[7])).startswith("+1 OK")
        time.sleep(1.5)
        play(lines, "NEW 7 EX-USD B LMT 1 1.00 GTC id=3\n + *")


def test_cancel_on_disconnect(fresh):
    service = fresh(auth="jwt")
    admin = session(service, sub="admin", roles=["admin"], accounts="*")
    play(admin, "DEP 7 USD 1000.00 ref=wire\n + *")

    def enter(cod, id, **options):
        lines = session(service, accounts=[7], options=f" cod={cod}", **options)
        play(lines, f"NEW 7 EX-USD B LMT 1 1.00 GTC id={id}a\n + *\n NEW 7 PERP-USD B LMT 1 1.00 GTC id={id}b\n + *")
        return lines

    def statuses(admin):
        admin.send("1 ORD 7 status=all\n")
        return {row.split(" id=")[1].split(" ")[0]: (row.split(" status=")[1].split(" ")[0],
                                                      "reason=disconnect" in row) for row in admin.answer()[:-1]}

    enter(1, "closed").close()
    enter(1, "reset").reset()
    quitting = enter(1, "quit")
    assert quitting.ask("1 QUIT") == "+1 OK"
    enter(0, "stays").close()
    replaced = enter(1, "replaced", sub="r")
    deadline = time.monotonic() + 5
    expected = {f"{id}{letter}": state for id, state in (
        ("closed", ("CANCELED", True)), ("reset", ("CANCELED", True)), ("quit", ("CANCELED", True)),
        ("stays", ("NEW", False)), ("replaced", ("NEW", False))) for letter in "ab"}
    while statuses(admin) != expected and time.monotonic() < deadline:
        time.sleep(0.02)
    assert statuses(admin) == expected
    # A crash ends the connection too: the next start cancels.
    service.restart()
    replaced.close()
    admin = session(service, sub="admin", roles=["admin"], accounts="*")
    expected.update({"replaceda": ("CANCELED", True), "replacedb": ("CANCELED", True)})
    assert statuses(admin) == expected


def test_heartbeats_carry_lsn_and_time(guarded):
    with session(guarded, accounts=[7], options=" hb=1") as lines:
        first, second = lines.wait_for("* HB", 3), lines.wait_for("* HB", 3)
        times = [int(line.rpartition("time=")[2].split(" ")[0]) for line in (first, second)]
        assert 500 < times[1] - times[0] < 1500
        assert "lsn=" in first


def test_idle_connection_is_closed_unless_it_has_heartbeats_or_a_subscription(fresh):
    service = fresh(config=IDLE_CONFIG)
    idle, beating, watching = service.lines(), service.lines(), service.lines()
    assert beating.ask("1 AUTH - hb=1").startswith("+1 OK")
    assert watching.ask("1 SUB").startswith("+1 OK")
    started = time.monotonic()
    assert idle.rest(6) == ["* BYE reason=idle"]
    assert 0.5 < time.monotonic() - started < 4
    assert beating.ask("2 PING") == "+2 OK" and watching.ask("2 PING") == "+2 OK"


def test_auth_off_grants_everything_and_names_the_session(shared):
    with shared.lines() as lines:
        answer = lines.ask("1 AUTH - session=me")
        assert answer.startswith("+1 OK") and "session=me" in answer
        assert lines.ask("2 STAT hash=1").startswith("+2")
