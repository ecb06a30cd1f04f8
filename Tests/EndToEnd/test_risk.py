"""Limits beyond size, losses by the day, dead-man timers: over the socket, and with kill -9 in between."""

import os
import time

import pytest

from lines import play

FUNDED = """
    DEP $a USD 100000.00 ref=usd
    + OK *
    DEP $a EX 1000 ref=ex
    + OK *
"""

# Losing 60 of 100 that may be lost, then 60 more. Trades of PERP-USD take no money.
LOSING = """
    LIM $a wallet=futures max_daily_loss=100
    + OK lsn=*
    NEW $a PERP-USD B LMT 10 10.00 GTC id=l1
    + *
    FIL $a PERP-USD id=l1 10 10.00 exec=1
    + *
    NEW $a PERP-USD S LMT 10 4.00 GTC id=l2
    + *
    FIL $a PERP-USD id=l2 10 4.00 exec=1
    + *
"""
LOST = """
    NEW $a PERP-USD B LMT 10 10.00 GTC id=l3
    + *
    FIL $a PERP-USD id=l3 10 10.00 exec=1
    + *
    NEW $a PERP-USD S LMT 5 1.00 GTC id=l4
    + *
    FIL $a PERP-USD id=l4 5 1.00 exec=1
    + *
"""
LATCHED = """
    LIM $a wallet=futures
    = $a wallet=futures max_qty=- max_notional=- max_position=- max_open=- enabled=1 max_daily_loss=100 latched=USD
    + 1
    NEW $a PERP-USD B LMT 1 10.00 GTC id=more
    - LIMIT_DAILY_LOSS asset=USD limit=100.00 value=105.00 account=$a wallet=futures
"""


@pytest.fixture(params=[1, 4], ids=["loops1", "loops4"])
def own(request, fresh):
    return fresh(loops=request.param)


def test_list_shows_what_is_set(lines, account):
    play(lines, FUNDED + """
        LIM $a wallet=spot max_open=5 price_band_bps=250 max_order_rate=10 max_cancel_rate=20 max_daily_loss=1000.5 short=0 listed=1 maker_bps=-0.25 taker_bps=2 stp=oldest
        + OK lsn=*
        LIM $a wallet=spot stp=oldest short=0
        + OK dup=1
        LIM $a EX-USD price_band_bps=100 maker_bps=1
        + OK lsn=*
        LIM $a
        = $a wallet=spot max_qty=- max_notional=- max_position=- max_open=5 enabled=1 price_band_bps=250 max_order_rate=10 max_cancel_rate=20 max_daily_loss=1000.5 short=0 listed=1 maker_bps=-0.25 taker_bps=2 stp=oldest
        = $a symbol=EX-USD max_qty=- max_notional=- max_position=- max_open=- enabled=1 price_band_bps=100 maker_bps=1
        + 2
        LIM $a wallet=spot price_band_bps=- max_order_rate=- max_cancel_rate=- max_daily_loss=- short=1 listed=0 maker_bps=- taker_bps=- stp=-
        + OK lsn=*
        LIM $a EX-USD price_band_bps=- maker_bps=-
        + OK lsn=*
        LIM $a
        = $a wallet=spot max_qty=- max_notional=- max_position=- max_open=5 enabled=1
        = $a symbol=EX-USD max_qty=- max_notional=- max_position=- max_open=- enabled=1
        + 2
        """, a=account)


def test_order_rate_says_when_to_try_again(lines, account):
    play(lines, FUNDED + """
        LIM $a EX-USD max_order_rate=2
        + OK *
        NEW $a EX-USD B LMT 1 1.00 GTC id=1
        + *
        NEW $a EX-USD B LMT 1 1.00 GTC id=2
        + *
        """, a=account)
    refused = lines.ask(f"t NEW {account} EX-USD B LMT 1 1.00 GTC id=3").split(" ")
    assert refused[:3] == ["-t", "LIMIT_ORDER_RATE", "limit=2"] and refused[4:] == [f"account={account}", "symbol=EX-USD"], refused
    wait = int(refused[3].removeprefix("retry="))
    assert 1 <= wait <= 500
    time.sleep(wait / 1000 + 0.002)
    assert lines.ask(f"t NEW {account} EX-USD B LMT 1 1.00 GTC id=3").startswith("+t")


def test_loss_latches_over_a_crash_until_it_is_reset(own, account):
    with own.lines() as lines:
        play(lines, FUNDED + LOSING, a=account)
        # 60 are not 100.
        play(lines, LOST + LATCHED, a=account)
    own.restart()
    with own.lines() as lines:
        play(lines, LATCHED + """
            NEW $a PERP-USD S LMT 5 10.00 GTC id=less
            + *
            NEW $a PERP-USD S LMT 1 10.00 GTC id=short
            - LIMIT_DAILY_LOSS *
            CXL $a PERP-USD id=less
            + *
            LIM $a wallet=futures reset=loss
            + OK lsn=*
            LIM $a wallet=futures
            = $a wallet=futures max_qty=- max_notional=- max_position=- max_open=- enabled=1 max_daily_loss=100
            + 1
            NEW $a PERP-USD B LMT 1 10.00 GTC id=more
            + *
            """, a=account)
    hashes = states(own)
    own.restart()
    assert states(own) == hashes


def test_latch_and_reset_are_events(shared, account):
    with shared.lines() as events, shared.lines() as lines:
        assert events.ask(f"s SUB account={account} kind=LIMIT").startswith("+s OK")
        play(lines, FUNDED + LOSING + LOST + "LIM $a wallet=futures reset=loss\n + OK *", a=account)
        assert "max_daily_loss=100" in events.wait_for("!")
        assert f" LIMIT account={account} wallet=futures latched=USD time=" in events.wait_for("!")
        assert f" LIMIT account={account} wallet=futures reset=loss time=" in events.wait_for("!")


def states(service):
    with service.lines() as lines:
        lines.send("t STAT hash=1\n")
        return [[part for part in row.split(" ") if part.startswith("hash=")] for row in lines.answer()[1:-1]]


# ---- Dead-man timers ---------------------------------------------------------------------------------------------------

OPEN = FUNDED + """
    NEW $a EX-USD B LMT 1 1.00 GTC id=spot
    + *
    NEW $a PERP-USD B LMT 1 1.00 GTC id=futures
    + *
"""


def wait_until_canceled(lines, account, seconds):
    """How long it took until the account has nothing open."""
    began = time.monotonic()
    while lines.ask(f"t ORD {account}") != "+t 0":
        assert time.monotonic() - began < seconds, "orders are open still"
        time.sleep(0.02)
    return time.monotonic() - began


def test_timer_cancels_in_all_wallets_unless_renewed(own, account):
    with own.lines() as lines, own.lines() as events:
        assert events.ask(f"s SUB account={account} kind=ORDER").startswith("+s OK")
        play(lines, OPEN + """
            DMS $a 1
            + OK deadline=$d lsn=*
            DMS $a
            = $a wallet=spot deadline=$d
            = $a wallet=margin deadline=$d
            = $a wallet=futures deadline=$d
            = $a wallet=options deadline=$d
            = $a wallet=savings deadline=$d
            + 5
            """, a=account)
        for _ in range(4):
            time.sleep(0.5)
            assert lines.ask(f"t DMS {account} 1").startswith("+t OK deadline=")
        assert lines.ask(f"t ORD {account}") == "+t 2"
        took = wait_until_canceled(lines, account, 5)
        assert took > 0.5
        play(lines, """
            DMS $a
            + 0
            ORD $a - id=spot
            = * status=CANCELED reason=dead_man *
            + 1
            DMS $a -
            + OK deadline=- dup=1
            NEW $a EX-USD B LMT 1 1.00 GTC id=again
            + *
            """, a=account)
        time.sleep(1.2)
        assert lines.ask(f"t ORD {account}") == "+t 1"
        reasons = [events.wait_for("!") for _ in range(5)]
        assert sum("exec=CANCELED" in line and "reason=dead_man" in line for line in reasons) == 2, reasons


def test_timer_turned_off(own, account):
    with own.lines() as lines:
        play(lines, OPEN + """
            DMS $a 1
            + OK *
            DMS $a 0
            + OK deadline=- lsn=*
            DMS
            + 0
            """, a=account)
        time.sleep(1.3)
        assert lines.ask(f"t ORD {account}") == "+t 2"


def test_timer_runs_out_while_the_service_is_dead(own, account):
    with own.lines() as lines:
        play(lines, OPEN + "DMS $a 1\n + OK *", a=account)
    own.kill()
    time.sleep(1.2)
    own.start()
    with own.lines() as lines:
        assert wait_until_canceled(lines, account, 2) < 1
        assert "reason=dead_man" in ask_row(lines, f"ORD {account} - id=futures")


def test_timer_goes_on_after_a_crash(own, account):
    with own.lines() as lines:
        play(lines, OPEN + "DMS $a 3\n + OK deadline=$d lsn=*", a=account)
        own.restart()
    with own.lines() as lines:
        assert lines.ask(f"t ORD {account}") == "+t 2"
        wait_until_canceled(lines, account, 5)


def ask_row(lines, command):
    lines.send(f"t {command}\n")
    return lines.answer()[0]


def test_timer_of_nobody_and_of_another_desk(fresh):
    service = fresh(auth="jwt")
    with service.lines() as admin, service.lines() as trader:
        assert admin.ask("t AUTH " + service.token(sub="a", roles=["admin"], accounts="*")).startswith("+t OK")
        assert admin.ask("t ACC 7 open").startswith("+t OK") and admin.ask("t ACC 8 open").startswith("+t OK")
        assert trader.ask("t AUTH " + service.token(sub="t", roles=["trader"], accounts=[7])).startswith("+t OK")
        assert trader.ask("t DMS 7 60").startswith("+t OK")
        assert trader.ask("t DMS 7") == "+t 5"
        assert trader.ask("t DMS 8 60") == "-t FORBIDDEN need=trader account=8"
        assert trader.ask("t DMS").startswith("-t FORBIDDEN need=admin")
        assert admin.ask("t DMS") == "+t 5"
        assert admin.ask("t DMS 9 60") == "-t UNKNOWN_ACCOUNT account=9"
        assert admin.ask("t DMS 7 86401").startswith("-t BAD_VALUE argument=seconds")


# ---- Limits of all, configuration --------------------------------------------------------------------------------------

def test_limits_of_all(fresh):
    service = fresh()
    with service.lines() as lines:
        play(lines, FUNDED + """
            LIM * wallet=spot max_qty=5 max_order_rate=1000
            + OK lsn=*
            LIM * wallet=spot
            = * wallet=spot max_qty=5 max_notional=- max_position=- max_open=- enabled=1 max_order_rate=1000
            + 1
            LIM $a
            = $a wallet=spot max_qty=5 max_notional=- max_position=- max_open=- enabled=1 max_order_rate=1000 default=1
            + 1
            NEW $a EX-USD B LMT 6 1.00 GTC id=1
            - LIMIT_QTY limit=5 value=6 account=$a wallet=spot
            LIM $a wallet=spot max_open=9
            + OK lsn=*
            LIM $a
            = $a wallet=spot max_qty=5 max_notional=- max_position=- max_open=9 enabled=1 max_order_rate=1000
            + 1
            LIM * EX-USD max_qty=1
            - EXTRA_ARGUMENT value=EX-USD
            LIM * reset=loss
            - BAD_VALUE argument=reset value=loss expected=only_for_an_account
            """, a=7)


ORIGINAL = {"MAX_ORDER_SIZE": "1000.50", "MAX_POSITION_SIZE": "5000", "MAX_DAILY_LOSS": "50000.0"}


def test_limits_of_the_original_begin_in_every_wallet(fresh):
    service = fresh(environment=ORIGINAL)
    with service.lines() as lines:
        lines.send("t LIM *\n")
        rows = lines.answer()
    wanted = "max_qty=1000.5 max_notional=- max_position=5000 max_open=- enabled=1 max_daily_loss=50000"
    assert rows == [f"=t * wallet={wallet} {wanted}" for wallet in ("spot", "margin", "futures", "options", "savings")] + ["+t 5"]
    service.restart()
    assert "not in force" not in service.said()
    # The log is the truth from then on, and whoever sets another limit here hears that it is not in force.
    service.environment["MAX_ORDER_SIZE"] = "1"
    with service.lines() as lines:
        assert lines.ask("t LIM * wallet=margin max_qty=1").startswith("+t OK")
        assert lines.ask("t LIM * wallet=margin max_daily_loss=1").startswith("+t OK")
        assert lines.ask("t LIM * wallet=options max_qty=1").startswith("+t OK")
        lines.send("t LIM *\n")
        rows = lines.answer()
    service.restart()
    with service.lines() as lines:
        lines.send("t LIM *\n")
        assert lines.answer() == rows
    assert "(max_qty=1 max_position=5000 max_daily_loss=50000.0) are not in force in spot, margin, futures, savings: " in service.said()


def test_limits_of_the_original_switched_off(fresh):
    service = fresh(environment={**ORIGINAL, "RISK_CHECK_ENABLED": "false"})
    with service.lines() as lines:
        assert lines.ask("t LIM *") == "+t 0"


def test_day_begins_at_midnight_of_the_time_zone(fresh):
    service = fresh(config="time_zone: Asia/Shanghai\n")
    with service.lines() as lines:
        lines.send("t SET\n")
        assert "=t day_start_minutes value=960" in lines.answer()
    service.config.write_text("time_zone: Asia/Kathmandu\n")
    service.restart()
    with service.lines() as lines:
        lines.send("t SET\n")
        assert "=t day_start_minutes value=1095" in lines.answer()
    # Without one it stays as it is.
    service.config.write_text("")
    service.restart()
    with service.lines() as lines:
        lines.send("t SET\n")
        assert "=t day_start_minutes value=1095" in lines.answer()


def test_wrong_configuration_is_refused(fresh):
    for key, value in [("max_order_size", "0"), ("max_daily_loss", "-5"), ("max_position_size", "many"), ("time_zone", "Europe/Atlantis"),
                       ("risk_check_enabled", "maybe")]:
        service = fresh(start=False, config=f"{key}: {value}\n")
        service.launch()
        assert service.process.wait(20) == os.EX_USAGE, key
        service.process = None
        assert f"{key}: {value}: expected" in service.said()
