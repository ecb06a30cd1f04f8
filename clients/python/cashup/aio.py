"""The asyncio client: many commands outstanding on one connection, matched in order."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import Any, AsyncIterator, Callable, Deque, Iterable, Optional, Tuple

from .backoff import Backoff
from .blocking import CONNECT_TIMEOUT_SECONDS, SUBSCRIPTION_HEARTBEAT_SECONDS
from .commands import ORDERS_PAGE_MAX, Command, next_page
from .core import WINDOW, Core, Request, Token
from .desk import Desk
from .market import BookFeed, MarketFeed, TradeFeed
from .errors import ProtocolError, Refused, SessionClosed, Unknown
from . import tls as _tls
from .results import Event, Notice, Session
from .subscription import Position, Subscription

#: A connection with heartbeats that is silent for this many of them is taken for dead.
HEARTBEATS_MISSED_MAX = 3


class Call(asyncio.Future):
    """What a method of `AsyncClient` gives: await it for the result. `command` (and `id`, its id, ref or exec) is known
    before anything is sent; bytes leave at the earliest when the caller next awaits."""

    def __init__(self, command: Command, loop: asyncio.AbstractEventLoop):
        super().__init__(loop=loop)
        self.command = command
        self._give_up: Optional[Callable[[], None]] = None

    @property
    def id(self) -> Optional[str]:
        return self.command.id

    def cancel(self, msg: Any = None) -> bool:
        """The command is not sent (again); if it was sent before, it may have taken effect."""
        cancelled = super().cancel(msg=msg)
        if cancelled and self._give_up is not None:
            self._give_up()
        return cancelled


class _Link(asyncio.Protocol):
    """One TCP connection; hands everything to its owner."""

    def __init__(self, owner: "AsyncClient"):
        self._owner = owner
        self.transport: Optional[asyncio.Transport] = None
        self.writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._owner._received(self, data)

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._owner._lost(self, "connection lost" + (f": {error}" if error else ""))

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self._owner._flush()


class AsyncClient(Desk):
    """The asyncio client. Its methods are those of `cashup.commands`; each gives a `Call`, queued in the order of the
    calls, also when not awaited at once::

        calls = [client.new_order(7, "BTC-USD", "B", 1, price) for price in prices]   # one write, one sync of the log
        orders = await asyncio.gather(*calls)

    Arguments as for the blocking `Client`. A lost connection is opened again when something is to be sent.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 7070, *, token: Token = None,
                 session: Optional[str] = None, heartbeat: Optional[int] = None, cancel_on_disconnect: bool = False,
                 timeout: Optional[float] = 10.0, window: int = WINDOW, tls: _tls.TLS = None,
                 on_send: Optional[Callable[[Command], None]] = None,
                 on_notice: Optional[Callable[[Notice], None]] = None):
        self._host, self._port, self._token, self._timeout = host, port, token, timeout
        self._tls = _tls.context(tls)
        self._heartbeat = heartbeat
        self._core = Core(token, session, heartbeat, cancel_on_disconnect, window, on_send, on_notice=on_notice)
        self._link: Optional[_Link] = None
        self._opening: Optional[asyncio.Task] = None
        self._backoff = Backoff()
        self._flush_due = False
        # Deadlines of calls with the client's own timeout: in order, so one timer serves them all.
        self._deadlines: Deque[Tuple[float, Request]] = deque()
        self._sweep_timer: Optional[asyncio.TimerHandle] = None
        self._watch: Optional[asyncio.TimerHandle] = None
        self._heard_at_watch = -1
        self._ready_waiters: Deque[asyncio.Future] = deque()

    async def __aenter__(self) -> "AsyncClient":
        return await self.connect()

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    @property
    def greeting(self) -> dict:
        """Keys of the service's greeting (lsn, auth, maxline, state)."""
        return self._core.greeting

    @property
    def session(self) -> Optional[Session]:
        """What AUTH granted, None where it was not needed."""
        return self._core.session

    async def connect(self, timeout: Any = ...) -> "AsyncClient":
        """Connects and authenticates now. TimeoutError, or `Refused` for a bad token."""
        if self._core.fatal is not None:
            raise self._core.fatal
        if not self._core.ready:
            ready = asyncio.get_running_loop().create_future()
            self._ready_waiters.append(ready)
            self._open()
            try:
                await asyncio.wait_for(ready, self._timeout if timeout is ... else timeout)
            except asyncio.TimeoutError:
                raise TimeoutError(f"no service at {self._host}:{self._port}") from None
        return self

    async def close(self) -> None:
        """Closes the connection; with cancel-on-disconnect that cancels the session's orders."""
        closed = SessionClosed("closed by the caller")
        self._core.stop(closed)
        self._tell_ready(closed)
        self._drop("closed by the caller")
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])

    def run(self, command: Command, timeout: Any = ...) -> Call:
        """Queues a command; await the `Call` for its result."""
        loop = asyncio.get_running_loop()
        call = Call(command, loop)

        def done(request: Request) -> None:
            call._give_up = None  # no cycle left for the collector
            if call.done():
                return
            if request.error is not None:
                call.set_exception(request.error)
            else:
                call.set_result(request.result)

        request = self._core.submit(command, done)
        if not request.done:
            call._give_up = lambda: self._core.give_up(request, "cancelled by the caller")
        if timeout is not ...:
            if timeout is not None:
                loop.call_later(timeout, self._expire, request)
        elif self._timeout is not None:
            while self._deadlines and self._deadlines[0][1].done:
                self._deadlines.popleft()
            self._deadlines.append((loop.time() + self._timeout, request))
            if self._sweep_timer is None:
                self._sweep_timer = loop.call_later(self._timeout, self._sweep)
        self._flush_soon()
        return call

    async def iter_orders(self, account: int, symbol: Optional[str] = None, *,
                          status: str = "open") -> AsyncIterator[Any]:
        """All orders of a list, page by page."""
        after = None
        while True:
            page = await self.orders(account, symbol, status=status, limit=ORDERS_PAGE_MAX, after=after)
            after = next_page(page, after)
            for order in page:
                yield order
            if after is None:
                return

    def subscribe(self, from_lsn: Position = None, *, account: Optional[int] = None, symbol: Optional[str] = None,
                  kinds: Optional[Iterable[str]] = None) -> "AsyncEventReader":
        """Events strictly after `from_lsn` (an LSN or an event's `position`; 0: the whole log; None: from now on), on a
        connection of its own."""
        return AsyncEventReader(self._host, self._port, self._token, Subscription(from_lsn, account, symbol, kinds), self._tls)

    def subscribe_book(self, symbol: str, *, depth: Optional[int] = None) -> "AsyncMarketReader":
        """The `Book` of an instrument of an internal venue, each time it is another one: the best `depth` levels of a
        side (10 unless said, at most 1000). Who asks seldom gets fewer and larger steps. On a connection of its own."""
        return AsyncMarketReader(self._host, self._port, self._token, BookFeed(symbol, depth), self._tls)

    def subscribe_trades(self, symbol: str) -> "AsyncMarketReader":
        """Each `PublicTrade` of an instrument of an internal venue from now on, on a connection of its own."""
        return AsyncMarketReader(self._host, self._port, self._token, TradeFeed(symbol), self._tls)

    # -- the connection ------------------------------------------------------------------------------------------------

    def _flush_soon(self) -> None:
        # One write for all commands of this turn of the loop.
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if self._link is None:
            if self._core.outstanding and self._core.fatal is None:
                self._open()
        elif self._link.writable and self._link.transport is not None:
            data = self._core.outgoing(int(time.time() * 1000))
            if data:
                self._link.transport.write(data)

    def _open(self) -> None:
        if self._opening is None and self._link is None:
            self._opening = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._link is None and (self._core.outstanding or self._ready_waiters):
                await asyncio.sleep(self._backoff.seconds())
                link = _Link(self)
                try:
                    # The core must be ready for the greeting before the first byte can come in.
                    self._core.connected()
                    self._link = link
                    await asyncio.wait_for(loop.create_connection(lambda: link, self._host, self._port, ssl=self._tls),
                                           CONNECT_TIMEOUT_SECONDS)
                except (OSError, asyncio.TimeoutError) as error:
                    if self._link is link:
                        self._link = None
                        self._core.lost("not connected")
                    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                        # It will not be better next time.
                        self._core.stop(SessionClosed(_tls.failure(self._host, self._port, error)))
                        self._tell_ready(self._core.fatal)
        finally:
            self._opening = None
        if self._link is not None:
            self._watch_heartbeats()
        self._flush()

    def _received(self, link: _Link, data: bytes) -> None:
        if link is not self._link:
            return
        try:
            reply = self._core.receive(data)
        except ProtocolError as error:
            self._drop(str(error))
            return
        if reply:
            link.transport.write(reply)
        if self._core.fatal is not None:
            self._tell_ready(self._core.fatal)
            self._drop(str(self._core.fatal))
            return
        if self._core.ready:
            self._backoff.reset()
            self._tell_ready(None)
        self._flush()

    def _tell_ready(self, error: Optional[BaseException]) -> None:
        while self._ready_waiters:
            waiter = self._ready_waiters.popleft()
            if not waiter.done():
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)

    def _drop(self, why: str) -> None:
        link = self._link
        if link is not None:
            self._lost(link, why)
            if link.transport is not None:
                link.transport.abort()

    def _lost(self, link: _Link, why: str) -> None:
        if link is not self._link:
            return
        self._link = None
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._core.lost(why + (f" ({self._core.bye})" if self._core.bye else ""))
        if (self._core.outstanding or self._ready_waiters) and self._core.fatal is None:
            self._open()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep_timer = None
        while self._deadlines and (self._deadlines[0][1].done or self._deadlines[0][0] <= loop.time()):
            self._expire(self._deadlines.popleft()[1])
        if self._deadlines:
            self._sweep_timer = loop.call_at(self._deadlines[0][0], self._sweep)

    def _expire(self, request: Request) -> None:
        if self._core.give_up(request, "timeout"):
            self._drop("silent")

    def _watch_heartbeats(self) -> None:
        if not self._heartbeat or self._link is None:
            return
        if self._core.heard == self._heard_at_watch:
            self._drop("no heartbeat")
            return
        self._heard_at_watch = self._core.heard
        self._watch = asyncio.get_running_loop().call_later(HEARTBEATS_MISSED_MAX * self._heartbeat,
                                                            self._watch_heartbeats)


class AsyncEventReader:
    """An endless asynchronous iterator of `Event`, which reconnects and goes on from where it was. The socket is read
    only when an event is asked for, so a slow reader is fed by the service from its log and holds little in memory
    here (the stream's buffer)."""

    def __init__(self, host: str, port: int, token: Token, subscription: Subscription,
                 tls: Optional[ssl.SSLContext] = None):
        self._host, self._port, self._tls = host, port, tls
        self._subscription = subscription
        self._events: Deque[Event] = deque()
        self._read = subscription.position
        self._core = Core(token, heartbeat=SUBSCRIPTION_HEARTBEAT_SECONDS, on_event=self._take,
                          on_notice=subscription.take_notice)
        self._streams: Any = None
        self._request: Optional[Request] = None
        self._backoff = Backoff()

    @property
    def position(self) -> Optional[str]:
        """To be handed to ``subscribe(from_lsn=...)`` to go on after the last event that was read."""
        return self._read if self._events else self._subscription.position

    async def __aenter__(self) -> "AsyncEventReader":
        return await self.start()

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    def __aiter__(self) -> "AsyncEventReader":
        return self

    async def start(self) -> "AsyncEventReader":
        """Waits until the service has taken the subscription: events of commands sent afterwards will be seen."""
        while self._request is None or not self._request.done or self._request.error is not None:
            await self._advance()
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            await self._advance()
        event = self._events.popleft()
        self._read = event.position
        return event

    async def close(self) -> None:
        self._core.stop(SessionClosed("closed by the caller"))
        self._drop("closed by the caller")

    def _take(self, event: Event) -> None:
        if self._subscription.take(event):
            self._events.append(event)

    async def _advance(self) -> None:
        if self._core.fatal is not None:
            raise self._core.fatal
        try:
            if self._streams is None:
                await asyncio.sleep(self._backoff.seconds())
                self._request = None
                self._streams = await asyncio.wait_for(asyncio.open_connection(self._host, self._port, ssl=self._tls),
                                                       CONNECT_TIMEOUT_SECONDS)
                self._core.connected()
                self._request = self._core.submit_first(self._subscription.command())
            reader, writer = self._streams
            writer.write(self._core.outgoing(int(time.time() * 1000)))
            data = await asyncio.wait_for(reader.read(65536), HEARTBEATS_MISSED_MAX * SUBSCRIPTION_HEARTBEAT_SECONDS)
        except (OSError, asyncio.TimeoutError) as error:
            self._drop(f"connection lost: {error}")
            return
        if not data:
            self._drop("connection closed")
            return
        try:
            writer.write(self._core.receive(data))
        except ProtocolError as error:
            self._drop(str(error))
            raise
        if self._core.ready:
            self._backoff.reset()
        self._check_refusal()

    def _check_refusal(self) -> None:
        request = self._request
        if request is None or not request.done or request.error is None:
            return
        error = request.error
        if isinstance(error, Refused) and error.code == "BUSY":
            self._drop("busy")  # too many catch up at once: again after a pause
        elif not isinstance(error, Unknown):
            self._core.stop(error)
            self._drop(str(error))
            raise error

    def _drop(self, why: str) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
        self._core.lost(why)


class AsyncMarketReader(AsyncEventReader):
    """An endless asynchronous iterator of `Book` or `PublicTrade`, which reconnects: a book goes on as it is then, trades
    with those that come from then on."""

    def __init__(self, host: str, port: int, token: Token, feed: MarketFeed, tls: Optional[ssl.SSLContext] = None):
        super().__init__(host, port, token, feed, tls)  # type: ignore[arg-type]
        self._feed = feed
        self._core.on_market = feed.take

    @property
    def missed(self) -> int:
        """Trades that were left out because this side did not read."""
        return getattr(self._feed, "missed", 0)

    async def __anext__(self) -> Any:
        while (taken := self._feed.taken()) is None:
            await self._advance()
        return taken
