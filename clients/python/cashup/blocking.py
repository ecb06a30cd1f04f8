"""The blocking client: one socket, owned by one thread."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections import deque
from typing import Any, Callable, Deque, Iterable, Iterator, List, Optional

from .backoff import Backoff
from .commands import ORDERS_PAGE_MAX, Command, next_page
from .core import WINDOW, Core, Request, Token
from .desk import Desk
from .market import BookFeed, MarketFeed, TradeFeed
from .errors import ProtocolError, Refused, SessionClosed, Unknown
from . import tls as _tls
from .results import Event, Notice, Session
from .subscription import Position, Subscription

RECEIVE_BYTES = 65536
CONNECT_TIMEOUT_SECONDS = 5.0
#: Seconds between two heartbeats that a subscription asks for.
SUBSCRIPTION_HEARTBEAT_SECONDS = 10


class Connection:
    """A socket under a `Core`. Each call does one blocking step, not longer than until `deadline` (monotonic seconds,
    None for ever)."""

    def __init__(self, host: str, port: int, core: Core, tls: Optional[ssl.SSLContext] = None):
        self._address = (host, port)
        self._tls = tls
        self._core = core
        self._socket: Optional[socket.socket] = None
        self._backoff = Backoff()

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    def open(self, deadline: Optional[float]) -> bool:
        """One attempt, after its pause. False if it failed or the deadline came first. A failure of TLS ends the session for good."""
        pause = self._backoff.seconds()
        if deadline is not None:
            pause = min(pause, max(0.0, deadline - time.monotonic()))
        time.sleep(pause)
        timeout = CONNECT_TIMEOUT_SECONDS
        if deadline is not None:
            timeout = min(timeout, deadline - time.monotonic())
            if timeout <= 0:
                return False
        try:
            self._socket = socket.create_connection(self._address, timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                self._socket = self._tls.wrap_socket(self._socket, server_hostname=self._address[0])
        except OSError as error:
            self._close()
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                self._core.stop(SessionClosed(_tls.failure(*self._address, error)))
            return False
        self._core.connected()
        return True

    def step(self, deadline: Optional[float]) -> bool:
        """Writes what is due, then waits for bytes once and takes them. False when the deadline came first."""
        try:
            self._write(self._core.outgoing(int(time.time() * 1000)))
            wait = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._readable(wait):
                return False
            self._take()
        except OSError as error:
            self.drop(f"connection lost: {error}")
        except ProtocolError:
            self.drop("protocol error")
            raise
        return True

    def poll(self) -> None:
        """Takes what has come meanwhile (a BYE of an idle connection), without waiting."""
        while self._socket is not None and self._readable(0):
            self.step(time.monotonic())

    def _readable(self, seconds: Optional[float]) -> bool:
        # TLS takes whole records from the socket; the rest of one waits where `select` does not see it.
        if self._tls is not None and self._socket.pending():
            return True
        return bool(select.select([self._socket], [], [], seconds)[0])

    def _write(self, data: bytes) -> None:
        if data:
            self._socket.settimeout(CONNECT_TIMEOUT_SECONDS)
            self._socket.sendall(data)

    def _take(self) -> None:
        data = self._socket.recv(RECEIVE_BYTES)
        if not data:
            self.drop("connection closed" + (f": {self._core.bye}" if self._core.bye else ""))
            return
        self._write(self._core.receive(data))
        if self._core.fatal is not None:
            self.drop(str(self._core.fatal))
        elif self._core.ready:
            self._backoff.reset()

    def drop(self, why: str) -> None:
        if self._socket is not None:
            self._close()
            self._core.lost(why)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Client(Desk):
    """A blocking client. See `cashup.commands` for its methods, which give the results of `cashup.results` or raise
    the errors of `cashup.errors`.

    token                 the JWT, or a function that gives a fresh one (called at every connection and before expiry)
    session               name of the session: a new one of the same name and subject closes the old one
    heartbeat             seconds between the service's heartbeats (also exempts from its idle timeout)
    cancel_on_disconnect  the service cancels this session's open orders when the connection ends
    timeout               seconds for one command, reconnecting and re-sending included; None for ever
    tls                   None: plain text; True: TLS with the system's authorities; a path: those of a PEM file; or an `ssl.SSLContext`
    on_send               called with each `Command` just before its first bytes are written: the place to journal ids
    on_notice             called with each `Notice` (heartbeats, BYE, DRAINING, ...)

    A lost connection is opened again when there is something to send. Not safe for use by several threads at once.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 7070, *, token: Token = None,
                 session: Optional[str] = None, heartbeat: Optional[int] = None, cancel_on_disconnect: bool = False,
                 timeout: Optional[float] = 10.0, window: int = WINDOW, tls: _tls.TLS = None,
                 on_send: Optional[Callable[[Command], None]] = None,
                 on_notice: Optional[Callable[[Notice], None]] = None):
        self._host, self._port, self._token, self._timeout = host, port, token, timeout
        self._core = Core(token, session, heartbeat, cancel_on_disconnect, window, on_send, on_notice=on_notice)
        self._tls = _tls.context(tls)
        self._connection = Connection(host, port, self._core, self._tls)

    def __enter__(self) -> "Client":
        self.connect()
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    @property
    def greeting(self) -> dict:
        """Keys of the service's greeting (lsn, auth, maxline, state)."""
        return self._core.greeting

    @property
    def session(self) -> Optional[Session]:
        """What AUTH granted, None where it was not needed."""
        return self._core.session

    def connect(self, timeout: Any = ...) -> "Client":
        """Connects and authenticates now. TimeoutError, or `Refused` for a bad token."""
        deadline = self._deadline(timeout)
        while not self._core.ready:
            if self._core.fatal is not None:
                raise self._core.fatal
            if not self._advance(deadline):
                raise TimeoutError(f"no service at {self._host}:{self._port}")
        return self

    def close(self) -> None:
        """Closes the connection; with cancel-on-disconnect that cancels the session's orders."""
        self._core.stop(SessionClosed("closed by the caller"))
        self._connection.drop("closed by the caller")

    def run(self, command: Command, timeout: Any = ...) -> Any:
        """Sends a command and waits for its result."""
        request = self._run([command], timeout)[0]
        if request.error is not None:
            raise request.error
        return request.result

    def run_many(self, commands: Iterable[Command], timeout: Any = ...) -> List[Any]:
        """Sends commands one behind the other without waiting in between; gives results in their order, and the
        `CashUpError` itself in the place of one that failed."""
        return [request.result if request.error is None else request.error
                for request in self._run(commands, timeout)]

    def iter_orders(self, account: int, symbol: Optional[str] = None, *, status: str = "open") -> Iterator[Any]:
        """All orders of a list, page by page."""
        after = None
        while True:
            page = self.orders(account, symbol, status=status, limit=ORDERS_PAGE_MAX, after=after)
            after = next_page(page, after)
            yield from page
            if after is None:
                return

    def subscribe(self, from_lsn: Position = None, *, account: Optional[int] = None, symbol: Optional[str] = None,
                  kinds: Optional[Iterable[str]] = None) -> "EventReader":
        """Events strictly after `from_lsn` (an LSN or an event's `position`; 0: the whole log; None: from now on), on a
        connection of its own."""
        return EventReader(self._host, self._port, self._token, Subscription(from_lsn, account, symbol, kinds), self._tls)

    def subscribe_book(self, symbol: str, *, depth: Optional[int] = None) -> "MarketReader":
        """The `Book` of an instrument of an internal venue, each time it is another one: the best `depth` levels of a
        side (10 unless said, at most 1000). Who asks seldom gets fewer and larger steps. On a connection of its own."""
        return MarketReader(self._host, self._port, self._token, BookFeed(symbol, depth), self._tls)

    def subscribe_trades(self, symbol: str) -> "MarketReader":
        """Each `PublicTrade` of an instrument of an internal venue from now on, on a connection of its own."""
        return MarketReader(self._host, self._port, self._token, TradeFeed(symbol), self._tls)

    def _run(self, commands: Iterable[Command], timeout: Any) -> List[Request]:
        deadline = self._deadline(timeout)
        self._connection.poll()
        requests = [self._core.submit(command) for command in commands]
        for request in requests:
            while not request.done:
                if not self._advance(deadline):
                    # No request is left behind half-owned: the time is over for all of them.
                    silent = [self._core.give_up(each, "timeout") for each in requests]
                    if any(silent):
                        self._connection.drop("silent")
        return requests

    def _advance(self, deadline: Optional[float]) -> bool:
        if deadline is not None and time.monotonic() >= deadline:
            return False
        if self._connection.is_open:
            return self._connection.step(deadline)
        self._connection.open(deadline)
        return True

    def _deadline(self, timeout: Any) -> Optional[float]:
        seconds = self._timeout if timeout is ... else timeout
        return None if seconds is None else time.monotonic() + seconds


class EventReader:
    """An endless iterator of `Event`, which reconnects and goes on from where it was. The socket is read only when an
    event is asked for, so a slow reader is fed by the service from its log and holds nothing in memory here."""

    def __init__(self, host: str, port: int, token: Token, subscription: Subscription,
                 tls: Optional[ssl.SSLContext] = None):
        self._subscription = subscription
        self._events: Deque[Event] = deque()
        self._read = subscription.position
        self._core = Core(token, heartbeat=SUBSCRIPTION_HEARTBEAT_SECONDS, on_event=self._take,
                          on_notice=subscription.take_notice)
        self._connection = Connection(host, port, self._core, tls)
        self._request: Optional[Request] = None

    @property
    def position(self) -> Optional[str]:
        """To be handed to ``subscribe(from_lsn=...)`` to go on after the last event that was read."""
        return self._read if self._events else self._subscription.position

    def __enter__(self) -> "EventReader":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self._core.stop(SessionClosed("closed by the caller"))
        self._connection.drop("closed by the caller")

    def __iter__(self) -> "EventReader":
        return self

    def __next__(self) -> Event:
        return self.next()

    def start(self, timeout: Optional[float] = 10.0) -> "EventReader":
        """Waits until the service has taken the subscription: events of commands sent afterwards will be seen."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._request is None or not self._request.done or self._request.error is not None:
            if not self._advance(deadline):
                raise TimeoutError("subscription not taken in time")
        return self

    def next(self, timeout: Optional[float] = None) -> Event:
        """The next event; TimeoutError if none comes within `timeout` seconds. `Refused` if the service takes no such
        subscription (LOG_GONE, FORBIDDEN)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._events:
            if not self._advance(deadline):
                raise TimeoutError("no event in time")
        event = self._events.popleft()
        self._read = event.position
        return event

    def _take(self, event: Event) -> None:
        if self._subscription.take(event):
            self._events.append(event)

    def _advance(self, deadline: Optional[float]) -> bool:
        if self._core.fatal is not None:
            raise self._core.fatal
        if deadline is not None and time.monotonic() >= deadline:
            return False
        if not self._connection.is_open:
            self._request = None
            if self._connection.open(deadline):
                self._request = self._core.submit_first(self._subscription.command())
            return True
        progressed = self._connection.step(self._patience(deadline))
        if not progressed and (deadline is None or time.monotonic() < deadline):
            self._connection.drop("no heartbeat")
            return True
        self._check_refusal()
        return progressed

    @staticmethod
    def _patience(deadline: Optional[float]) -> float:
        limit = time.monotonic() + 3 * SUBSCRIPTION_HEARTBEAT_SECONDS
        return limit if deadline is None else min(deadline, limit)

    def _check_refusal(self) -> None:
        request = self._request
        if request is None or not request.done or request.error is None:
            return
        error = request.error
        if isinstance(error, Refused) and error.code == "BUSY":
            self._connection.drop("busy")  # too many catch up at once: again after a pause
        elif not isinstance(error, Unknown):
            self._core.stop(error)
            self._connection.drop(str(error))
            raise error


class MarketReader(EventReader):
    """An endless iterator of `Book` or `PublicTrade`, which reconnects: a book goes on as it is then, trades with those
    that come from then on. The socket is read only when something is asked for."""

    def __init__(self, host: str, port: int, token: Token, feed: MarketFeed, tls: Optional[ssl.SSLContext] = None):
        super().__init__(host, port, token, feed, tls)  # type: ignore[arg-type]
        self._feed = feed
        self._core.on_market = feed.take

    @property
    def missed(self) -> int:
        """Trades that were left out because this side did not read."""
        return getattr(self._feed, "missed", 0)

    def next(self, timeout: Optional[float] = None) -> Any:
        """The next one; TimeoutError if none comes within `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (taken := self._feed.taken()) is None:
            if not self._advance(deadline):
                raise TimeoutError("no news of the market in time")
        return taken
