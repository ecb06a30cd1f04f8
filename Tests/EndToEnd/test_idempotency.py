"""A repeat changes nothing and tells the present state; the same id for something else is refused. Also after a crash."""

import pytest

from lines import play

# kind: (commands that must go before, the command, its answer, the same by value, another content)
KINDS = {
    "NEW": ("", "NEW $a EX-USD B LMT 2 10.00 GTC id=i", "$o NEW leaves=2 cum=0",
            "NEW $a EX-USD B LMT 2 10.0 GTC id=i before=99999999999999", "NEW $a EX-USD B LMT 2 10.01 GTC id=i"),
    "NEW with options": ("", "NEW $a EX-USD B LMT 2 10.00 GTC id=i strategy=s note=n", "$o NEW leaves=2 cum=0",
                         "NEW $a EX-USD B LMT 2 10 GTC note=n strategy=s id=i", "NEW $a EX-USD B LMT 2 10.00 GTC id=i note=n"),
    "CLS": ("NEW $a EX-USD B LMT 3 10.00 GTC id=p;FIL $a EX-USD id=p 3 10.00 exec=p", "CLS $a EX-USD 2 11.00 id=i",
            "$o NEW leaves=2 cum=0", "CLS $a EX-USD 2 11 id=i", "CLS $a EX-USD 1 11.00 id=i"),
    "DEP": ("", "DEP $a USD 5.00 ref=i", "OK available=1005.00", "DEP $a USD 5.0 ref=i wallet=spot", "DEP $a USD 6 ref=i"),
    "WDR": ("", "WDR $a USD 5.00 ref=i", "OK available=995.00", "WDR $a USD 5 ref=i", "WDR $a USD 5.01 ref=i"),
    "ADJ": ("", "ADJ $a USD -5.00 ref=i reason=r", "OK available=995.00", "ADJ $a USD -5 reason=r ref=i",
            "ADJ $a USD 5.00 ref=i reason=r"),
    "HLD": ("", "HLD $a USD 5.00 ref=i", "OK available=995.00", "HLD $a USD 5 ref=i", "RLS $a USD 5.00 ref=i"),
    "RLS": ("HLD $a USD 50.00 ref=h", "RLS $a USD 5.00 ref=i", "OK available=955.00", "RLS $a USD 5 ref=i",
            "RLS $a USD 4 ref=i"),
    "XFR": ("", "XFR $a $a USD 5.00 from=spot to=futures ref=i", "OK available=995.00",
            "XFR $a $a USD 5 to=futures ref=i", "XFR $a $a USD 5.00 to=margin ref=i"),
    "FIL": ("NEW $a EX-USD B LMT 2 10.00 GTC id=x", "FIL $a EX-USD id=x 1 9.00 exec=i fee=0.5",
            "$o PARTIALLY_FILLED trade=* leaves=1 cum=1 avg=9.00",
            "FIL $a EX-USD id=x 1 9 exec=i fee=0.50", "FIL $a EX-USD id=x 1 9.01 exec=i fee=0.5"),
}
SHARED_NAMESPACE = [("NEW $a EX-USD B LMT 2 10.00 GTC id=i", "DEP $a USD 5.00 ref=i"),
                    ("DEP $a USD 5.00 ref=i", "WDR $a USD 5.00 ref=i"),
                    ("XFR $a $a USD 5.00 to=futures ref=i", "NEW $a EX-USD B LMT 2 10.00 GTC id=i")]


def funded(lines, account, before=""):
    play(lines, "DEP $a USD 1000.00 ref=funds\n + *", a=account)
    for step in filter(None, before.split(";")):
        play(lines, f"{step}\n + *", a=account)


def repeat_of(answer):
    # A repeat of a fill tells the order's state; whether it names the trade again is left open here.
    return " ".join(part for part in answer.split(" ") if not part.startswith("trade="))


def check_repeat(lines, account, kind, names):
    _, command, answer, same, other = KINDS[kind]
    for again in (command, same):
        lines.send("t " + again.replace("$a", str(account)) + "\n")
        found = lines.answer()[0].split(" ")
        expected = repeat_of(answer).replace("$o", names.get("o", "")).split(" ")
        assert found[0] == "+t" and set(found[1:]) - {part for part in found if part.startswith("trade=")} == \
            set(expected) | {"dup=1"}, (again, found)
    play(lines, f"{other}\n - ID_REUSED id=i", a=account)


@pytest.mark.parametrize("kind", KINDS)
def test_repeat(lines, account, kind):
    before, command, answer, _, _ = KINDS[kind]
    funded(lines, account, before)
    names = play(lines, f"{command}\n + {answer} lsn=*", a=account)
    check_repeat(lines, account, kind, names)


@pytest.mark.parametrize("first, second", SHARED_NAMESPACE)
def test_one_namespace_per_account_and_wallet(lines, account, first, second):
    funded(lines, account)
    play(lines, f"{first}\n + *\n {second}\n - ID_REUSED id=i", a=account)


def test_other_wallet_other_namespace(lines, account):
    funded(lines, account)
    play(lines, """
        DEP $a USD 5.00 ref=i
        + OK available=1005.00 lsn=*
        DEP $a USD 6.00 ref=i wallet=futures
        + OK available=6.00 lsn=*
        """, a=account)


def test_exec_is_unique_per_order_not_more(lines, account):
    funded(lines, account)
    play(lines, """
        NEW $a EX-USD B LMT 1 10.00 GTC id=1
        + *
        NEW $a EX-USD B LMT 1 10.00 GTC id=2
        + *
        FIL $a EX-USD id=1 1 10.00 exec=e
        + * FILLED trade=* leaves=0 cum=1 avg=10.00 lsn=*
        FIL $a EX-USD id=2 1 10.00 exec=e
        + * FILLED trade=* leaves=0 cum=1 avg=10.00 lsn=*
        """, a=account)


def test_repeat_tells_the_present_state(lines, account):
    funded(lines, account)
    play(lines, """
        NEW $a EX-USD B LMT 4 10.00 GTC id=i
        + $o NEW leaves=4 cum=0 lsn=*
        FIL $a EX-USD id=i 1 9.00 exec=1
        + *
        NEW $a EX-USD B LMT 4 10.00 GTC id=i
        + $o PARTIALLY_FILLED leaves=3 cum=1 avg=9.00 dup=1
        RPL $a EX-USD id=i 3 9.50
        + *
        NEW $a EX-USD B LMT 4 10.00 GTC id=i
        + $o PARTIALLY_FILLED leaves=2 cum=1 avg=9.00 dup=1
        NEW $a EX-USD B LMT 3 9.50 GTC id=i
        - ID_REUSED id=i
        CXL $a EX-USD id=i
        + *
        NEW $a EX-USD B LMT 4 10.00 GTC id=i before=1000
        + $o CANCELED leaves=0 cum=1 avg=9.00 dup=1
        """, a=account)


def test_refusals_are_not_remembered(lines, account):
    play(lines, """
        DEP $a USD 10.00 ref=1
        + *
        NEW $a EX-USD B LMT 4 10.00 GTC id=i
        - INSUFFICIENT_FUNDS *
        DEP $a USD 30.00 ref=2
        + *
        NEW $a EX-USD B LMT 4 10.00 GTC id=i
        + * NEW leaves=4 cum=0 lsn=*
        """, a=account)


@pytest.mark.parametrize("loops", [1, 4])
def test_repeat_after_a_crash_and_after_a_clean_restart(fresh, loops):
    service = fresh(loops=loops)
    names = {}
    with service.lines() as lines:
        for account, kind in enumerate(KINDS, start=1):
            before, command, answer, _, _ = KINDS[kind]
            funded(lines, account, before)
            names[kind] = play(lines, f"{command}\n + {answer} lsn=*", a=account)
    for restart in (service.restart, lambda: (service.stop(), service.start())):
        restart()
        with service.lines() as lines:
            for account, kind in enumerate(KINDS, start=1):
                check_repeat(lines, account, kind, names[kind])


def test_settings_repeat(lines, account):
    play(lines, """
        ACC $a open
        + OK status=open lsn=*
        ACC $a open
        + OK status=open dup=1
        LIM $a EX-USD max_qty=5
        + OK lsn=*
        LIM $a EX-USD max_qty=5
        + OK dup=1
        """, a=account)
