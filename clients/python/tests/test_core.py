"""The state machine, driven with canned bytes: answers, refusals, lost connections, sessions, subscriptions."""

from decimal import Decimal

import pytest

from cashup import NotSent, ProtocolError, Refused, SessionClosed, Unknown, commands as c
from cashup.core import AUTH_TAG, Core
from cashup.results import Balance, Event, Order, Position, Snapshot, Trade
from cashup.subscription import Subscription

GREETING = b"* CASHUP 1 lsn=38 auth=off maxline=1024 state=ready\n"
NOW = 1_763_798_400_000


def ready(**options):
    core = Core(**options)
    core.connected()
    core.receive(GREETING)
    return core


def sent(core):
    return core.outgoing(NOW).decode().splitlines()


def test_session_of_the_protocol_every_split():
    stream = GREETING + (
        b"+1 OK available=50000.00 lsn=40\n"
        b"+2 1099511627777 NEW leaves=0.50000000 cum=0.00000000 lsn=41\n"
        b"* HB lsn=41 time=1\n"
        b"-3 INSUFFICIENT_FUNDS asset=USD wallet=spot need=576000.00 available=18000.00\n"
        b"! 41.1 ORDER account=7\n"
        b"=4 USD spot total=31200.80 available=12000.80 reserved=19200.00 held=0.00 transit=0.00\n"
        b"* FUTURE kind=unknown\n"
        b"=4 BTC spot total=0.2 available=0.2 reserved=0 held=0 transit=0 future=key\n"
        b"+4 2\n")
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1, 7):
            core = Core()
            core.connected()
            requests = [core.submit(command) for command in (
                c.deposit(7, "USD", 50000, ref="wire-5"),
                c.new_order(7, "BTC-USD", "B", "0.5", 64000, id="grid-17"),
                c.new_order(7, "BTC-USD", "B", 9, 64000, id="grid-18"),
                c.balances(7))]
            # Commands leave when the greeting is in, so its end is one cut more.
            cuts = sorted({0, first, second, len(GREETING), len(stream)})
            for start, end in zip(cuts, cuts[1:]):
                core.receive(stream[start:end])
                core.outgoing(NOW)
            assert [request.done for request in requests] == [True] * 4
            assert requests[0].result.available == Decimal("50000.00") and requests[0].result.lsn == 40
            assert requests[1].result == Order(1099511627777, "NEW", Decimal("0.5"), Decimal(0), account=7,
                                               symbol="BTC-USD", id="grid-17", lsn=41)
            assert isinstance(requests[2].error, Refused)
            assert (requests[2].error.code, requests[2].error.facts["need"]) == ("INSUFFICIENT_FUNDS", "576000.00")
            assert requests[3].result == [
                Balance(7, "USD", "spot", Decimal("31200.80"), Decimal("12000.80"), Decimal(19200), Decimal(0), Decimal(0)),
                Balance(7, "BTC", "spot", Decimal("0.2"), Decimal("0.2"), Decimal(0), Decimal(0), Decimal(0))]


def test_nothing_is_sent_before_the_greeting():
    core = Core()
    core.connected()
    core.submit(c.ping())
    assert sent(core) == []
    core.receive(GREETING)
    assert sent(core) == ["1 PING"]


def test_auth_goes_first_and_commands_wait_for_it():
    core = Core(token="abc", session="grid", heartbeat=10, cancel_on_disconnect=True)
    core.connected()
    core.submit(c.ping())
    assert core.receive(b"* CASHUP 1 lsn=0 auth=jwt maxline=1024 state=ready\n") == (
        f"{AUTH_TAG} AUTH abc session=grid hb=10 cod=1\n".encode())
    assert sent(core) == []
    core.receive(f"+{AUTH_TAG} OK sub=7 roles=trader,viewer accounts=7,8 session=grid expires=99\n".encode())
    assert core.session.roles == ("trader", "viewer") and core.session.accounts == (7, 8)
    assert sent(core) == ["1 PING"]


def test_auth_refused_ends_everything():
    core = Core(token="abc")
    core.connected()
    request = core.submit(c.ping())
    core.receive(b"* CASHUP 1 lsn=0 auth=jwt maxline=1024 state=ready\n")
    core.receive(f"-{AUTH_TAG} BAD_TOKEN reason=signature\n".encode())
    assert core.fatal.code == "BAD_TOKEN" and request.error is core.fatal


def test_token_function_is_asked_again_before_expiry():
    tokens = iter(["one", "two"])
    core = Core(token=lambda: next(tokens))
    core.connected()
    core.receive(b"* CASHUP 1 lsn=0 auth=jwt maxline=1024 state=ready\n")
    core.receive(f"+{AUTH_TAG} OK sub=7 roles=viewer accounts=7 expires={NOW + 1000}\n".encode())
    core.submit(c.ping())
    assert sent(core) == [f"{AUTH_TAG} AUTH two", "1 PING"]


def test_lost_connection_repeats_in_order_and_leaves_the_rest_unknown():
    core = ready()
    order = core.submit(c.new_order(7, "A-B", "B", 1, 1, id="x"))
    cancel_all = core.submit(c.cancel_all(7))
    replace = core.submit(c.replace(7, "A-B", "x", 2, 1))
    query = core.submit(c.balances(7))
    assert len(sent(core)) == 4
    core.receive(b"+1 5 NEW leaves=1 cum=0 lsn=9\n=4")  # half a line is no answer
    core.lost("cable")
    later = core.submit(c.ping())
    assert order.result.order_id == 5
    assert isinstance(cancel_all.error, Unknown) and cancel_all.error.command.line == "CXA 7"
    assert not replace.done and not query.done and not later.done
    core.connected()
    core.receive(GREETING)
    assert sent(core) == ["3 RPL 7 A-B id=x 2 1", "4 BAL 7", "5 PING"]
    core.receive(b"-3 ORDER_CLOSED status=FILLED\n=4 USD spot total=1 available=1 reserved=0 held=0 transit=0\n+4 1\n")
    assert replace.error.resent and len(query.result) == 1


def test_rows_received_before_the_loss_are_not_counted_again():
    core = ready()
    query = core.submit(c.balances(7))
    sent(core)
    core.receive(b"=1 USD spot total=1 available=1 reserved=0 held=0 transit=0\n")
    core.lost("cable")
    core.connected()
    core.receive(GREETING)
    sent(core)
    core.receive(b"=1 USD spot total=2 available=2 reserved=0 held=0 transit=0\n+1 1\n")
    assert [row.total for row in query.result] == [2]


def test_draining_refusal_is_asked_again_in_order_even_for_commands_that_are_never_repeated():
    core = ready()
    first = core.submit(c.cancel_all(7))
    second = core.submit(c.new_order(7, "A-B", "B", 1, 1, id="x"))
    sent(core)
    core.receive(b"* DRAINING\n-1 DRAINING\n-2 DRAINING\n* BYE reason=shutdown\n")
    core.submit(c.ping())
    assert sent(core) == []
    core.lost("closed")
    core.connected()
    core.receive(GREETING)
    assert sent(core) == ["1 CXA 7", "2 NEW 7 A-B B LMT 1 1 GTC id=x", "3 PING"]
    assert not first.done and not second.done


def test_timeout_unknown_when_sent_not_sent_otherwise():
    core = ready()
    first = core.submit(c.deposit(7, "USD", 1, ref="r"))
    sent(core)
    second = core.submit(c.ping())
    assert core.give_up(first, "timeout") is True  # nothing heard since: the connection is to be dropped
    assert core.give_up(second, "timeout") is False
    assert isinstance(first.error, Unknown) and first.error.command.id == "r"
    assert isinstance(second.error, NotSent)
    third = core.submit(c.ping())
    sent(core)
    core.receive(b"+1 OK available=1 lsn=2\n+3 OK\n")  # the late answer keeps its place
    assert third.done and third.error is None


def test_window_is_kept():
    core = ready(window=2)
    for _ in range(5):
        core.submit(c.ping())
    assert sent(core) == ["1 PING", "2 PING"]
    core.receive(b"+1 OK\n")
    assert sent(core) == ["3 PING"]


@pytest.mark.parametrize("reason, fatal", [("replaced", True), ("token_expired", True), ("idle", False),
                                           ("slow", False), ("shutdown", False), ("connections", False)])
def test_bye(reason, fatal):
    core = ready()
    request = core.submit(c.deposit(7, "USD", 1))
    sent(core)
    core.receive(f"* BYE reason={reason}\n".encode())
    core.lost("closed")
    assert (core.fatal is not None) is fatal
    assert isinstance(request.error, Unknown) is fatal
    if fatal:
        assert isinstance(core.submit(c.ping()).error, SessionClosed)


@pytest.mark.parametrize("data", [b"+9 OK\n", b"HTTP/1.1 400 Bad Request\n", b"+1 \xff\n"])
def test_nonsense_is_a_protocol_error(data):
    core = ready()
    core.submit(c.ping())
    sent(core)
    with pytest.raises(ProtocolError):
        core.receive(data)


def test_answer_not_understood_is_neither_done_nor_refused():
    core = ready()
    request = core.submit(c.new_order(7, "A-B", "B", 1, 1))
    sent(core)
    core.receive(b"+1 NEW leaves=1\n")
    assert isinstance(request.error, ProtocolError)


def answer_of(command, *lines):
    core = ready()
    request = core.submit(command)
    sent(core)
    core.receive("".join(f"{line[0]}1 {line[1:]}\n" for line in lines).encode())
    assert request.error is None, request.error
    return request.result


def test_results_position():
    rows = answer_of(c.positions(7),
                     "=BTC-USD qty=-0.20000000 avg=63990.00 cost=12798.00 realized=-1.20 unrealized=2.00 mark=64000.00"
                     " fees=BNB:0.1,XYZ:2", "=X-Y qty=0 cost=0 realized=5", "+2")
    assert rows == [
        Position(7, "BTC-USD", Decimal("-0.2"), Decimal(12798), Decimal("-1.2"), Decimal(63990), Decimal(2),
                 Decimal(64000), {"BNB": Decimal("0.1"), "XYZ": Decimal(2)}),
        Position(7, "X-Y", Decimal(0), Decimal(0), Decimal(5))]


def test_results_order_and_trade_rows():
    order, = answer_of(c.orders(7), "=12 symbol=A-B id=a%20b side=B type=LMT tif=GTC qty=0.5 price=64000.00"
                       " status=PARTIALLY_FILLED leaves=0.3 cum=0.2 avg=63990.00 reserved=19200.00 created=17 updated=18"
                       " strategy=grid cod=1", "+1")
    assert (order.order_id, order.id, order.is_open, order.cod, order.created, order.expire) == (
        12, "a b", True, True, 17, None)
    trade, = answer_of(c.trades(7), "=3 symbol=A-B order=12 id=x side=B qty=0.2 price=63990.00 fee=-1.20 feeasset=USD"
                       " liq=M exec=bn-991 time=19 venuetime=18", "+1")
    assert trade == Trade(3, 7, "A-B", 12, "B", Decimal("0.2"), Decimal(63990), 19, "x", Decimal("-1.2"), "USD", "M",
                          "bn-991", 18)


def test_results_others():
    fill = answer_of(c.fill(7, "A-B", 12, 1, 1, exec="e"),
                     "+12 FILLED trade=3 leaves=0 cum=1 avg=1.00 lsn=43 dup=1")
    assert (fill.trade_id, fill.status, fill.dup, fill.lsn) == (3, "FILLED", True, 43)
    assert answer_of(c.cancel_all(7), "+OK canceled=12 lsn=56") == 12
    suspended = answer_of(c.suspend(7), "+OK status=suspended canceled=3 lsn=97")
    assert (suspended.status, suspended.canceled) == ("suspended", 3)
    limits, = answer_of(c.limits(7), "=7 wallet=spot max_qty=- max_notional=5 max_position=- max_open=100 enabled=0", "+1")
    assert (limits.max_qty, limits.max_notional, limits.max_open, limits.enabled) == (None, 5, 100, False)
    assert answer_of(c.time(), "+OK time=1763798400123") == 1763798400123
    assert answer_of(c.sync(), "+OK lsn=81290") == 81290
    assert answer_of(c.snapshot(), "+OK snapshot=81290 orders=5210 bytes=104180 ms=12 retired=1") == Snapshot(81290, 5210, 104180, 12, 1)
    assert answer_of(c.snapshot(), "+OK snapshot=81290 dup=1") == Snapshot(81290, dup=True)


def test_events_position_and_repeats():
    subscription = Subscription(81274)
    seen = []
    core = ready(on_event=lambda event: seen.append(event) if subscription.take(event) else None,
                 on_notice=subscription.take_notice)
    core.submit(subscription.command())
    assert sent(core) == ["1 SUB from=81274"]
    core.receive(b"+1 OK from=81274\n! 81275.1 TRADE account=7 px=63990.00 time=17\n! 81275.2 POSITION qty=0.2\n")
    assert [(event.position, event.kind) for event in seen] == [("81275.1", "TRADE"), ("81275.2", "POSITION")]
    assert isinstance(seen[0], Event) and seen[0].decimal("px") == Decimal(63990) and seen[0].time == 17
    assert subscription.command().line == "SUB from=81275.2"
    core.receive(b"! 81275.2 POSITION qty=0.2\n* HB lsn=81300 time=1\n")
    assert len(seen) == 2 and subscription.command().line == "SUB from=81300"
    core.receive(b"! 81300.1 TRADE px=1\n! 81301.1 TRADE px=1\n")
    assert [event.position for event in seen[2:]] == ["81301.1"]


def test_subscription_from_now_remembers_where_now_was():
    subscription = Subscription(account=7, symbol="A-B", kinds=["ORDER", "TRADE"])
    core = ready()
    core.submit(subscription.command())
    assert sent(core) == ["1 SUB account=7 symbol=A-B kind=ORDER,TRADE"]
    core.receive(b"+1 OK from=50\n")
    assert subscription.command().line == "SUB from=50 account=7 symbol=A-B kind=ORDER,TRADE"
