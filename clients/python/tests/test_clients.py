"""Both clients over real sockets, against a server that plays a script: what it must read, what it then writes."""

import asyncio
import socket
import threading

import pytest

from cashup import AsyncClient, Client, Refused, Unknown, commands as c

GREETING = "* CASHUP 1 lsn=0 auth=off maxline=1024 state=ready"


class Script(threading.Thread):
    """One connection per list of steps; a step is a line to be read (``> ...``) or written; the end closes it."""

    def __init__(self, *connections):
        super().__init__(daemon=True)
        self._connections = connections
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.read = []
        self.start()

    def run(self):
        for steps in self._connections:
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rw", newline="\n") as file:
                for step in (GREETING, *steps):
                    if step == ">":
                        self.read.append(file.readline().rstrip("\n"))
                    else:
                        file.write(step + "\n")
                        file.flush()
        self._listener.close()

    def finished(self):
        self.join(5)
        assert not self.is_alive()
        return self.read


RECONNECT = (
    [">", ">", "+1 OK available=1 lsn=1"],
    [">", "+2 OK available=3 dup=1"],
)


def test_blocking_lost_connection_resends_by_id():
    script = Script(*RECONNECT)
    with Client(port=script.port, timeout=5) as client:
        receipts = client.run_many([c.deposit(7, "USD", 1, ref="a"), c.deposit(7, "USD", 2, ref="b")])
        assert [receipt.available for receipt in receipts] == [1, 3] and receipts[1].dup
    assert script.finished() == ["1 DEP 7 USD 1 ref=a", "2 DEP 7 USD 2 ref=b", "2 DEP 7 USD 2 ref=b"]


def test_asyncio_lost_connection_resends_by_id():
    async def session(port):
        async with AsyncClient(port=port, timeout=5) as client:
            calls = [client.deposit(7, "USD", 1, ref="a"), client.deposit(7, "USD", 2, ref="b")]
            assert calls[0].id == "a"
            return await asyncio.gather(*calls)

    script = Script(*RECONNECT)
    receipts = asyncio.run(session(script.port))
    assert [receipt.available for receipt in receipts] == [1, 3]
    assert script.finished() == ["1 DEP 7 USD 1 ref=a", "2 DEP 7 USD 2 ref=b", "2 DEP 7 USD 2 ref=b"]


def test_blocking_commands_that_may_not_be_repeated_are_unknown_and_the_client_goes_on():
    script = Script([">"], [">", "+2 OK"])
    with Client(port=script.port, timeout=5) as client:
        with pytest.raises(Unknown):
            client.cancel_all(7)
        assert client.ping() is None
    assert script.finished() == ["1 CXA 7", "2 PING"]


def test_asyncio_commands_that_may_not_be_repeated_are_unknown_and_the_client_goes_on():
    async def session(port):
        async with AsyncClient(port=port, timeout=5) as client:
            with pytest.raises(Unknown):
                await client.cancel_all(7)
            assert await client.ping() is None

    script = Script([">"], [">", "+2 OK"])
    asyncio.run(session(script.port))
    assert script.finished() == ["1 CXA 7", "2 PING"]


def test_blocking_timeout():
    script = Script([">", ">"], [">", "+2 OK"])
    with Client(port=script.port) as client:
        with pytest.raises(Unknown):
            client.ping(timeout=0.1)
        client.sync()  # nothing had been heard, so this goes out on a new connection
    assert script.finished() == ["1 PING", "", "2 SYNC"]


def test_asyncio_cancelled_call_is_not_sent_again():
    async def session(port):
        async with AsyncClient(port=port, timeout=5) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.deposit(7, "USD", 1, ref="a"), 0.1)
            with pytest.raises(Refused) as refusal:
                await client.cancel(7, "A-B", "x")
            assert refusal.value.code == "UNKNOWN_ORDER"

    script = Script([">", ">"], [">", "-2 UNKNOWN_ORDER order=x"])
    asyncio.run(session(script.port))
    assert script.finished() == ["1 DEP 7 USD 1 ref=a", "2 CXL 7 A-B id=x", "2 CXL 7 A-B id=x"]


EVENTS = (
    [">", "+0 OK from=5", "! 6.1 TRADE a=1", "! 6.2 POSITION a=1"],
    [">", "+0 OK from=6.2", "! 6.2 POSITION a=1", "! 7.1 TRADE a=2", ">"],
)


def events_script():
    return Script(*([">", "+auth OK"] + steps for steps in EVENTS))


def test_blocking_events_resume_without_gap_or_repeat():
    script = events_script()
    with Client(port=script.port).subscribe(5) as events:
        assert [events.next(5).position for _ in range(3)] == ["6.1", "6.2", "7.1"]
        assert events.position == "7.1"
    assert script.finished() == ["auth AUTH - hb=10", "0 SUB from=5", "auth AUTH - hb=10", "0 SUB from=6.2", ""]


def test_asyncio_events_resume_without_gap_or_repeat():
    async def session(port):
        positions = []
        events = AsyncClient(port=port).subscribe(5)
        async for event in events:
            positions.append(event.position)
            if len(positions) == 3:
                break
        await events.close()
        return positions

    script = events_script()
    assert asyncio.run(session(script.port)) == ["6.1", "6.2", "7.1"]
    assert script.finished() == ["auth AUTH - hb=10", "0 SUB from=5", "auth AUTH - hb=10", "0 SUB from=6.2", ""]
