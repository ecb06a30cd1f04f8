"""The client's side of a connection as a pure state machine: bytes and commands in, bytes and results out.

No sockets, no clock, no threads, so that every split of the byte stream and every moment of a lost connection can be
tested. Both clients drive it in the same way:

    connected()      a connection has been made; what the old one had half received is forgotten
    submit(command)  queues a command, gives the `Request` that will carry its outcome
    outgoing(now)    bytes to be written now (the greeting must have come, AUTH goes first, the window is kept)
    receive(data)    bytes that came; answered requests are done when it returns
    lost(why)        the connection is gone; requests that may be repeated are queued again in their order, the others
                     that had been sent end in `Unknown`

Answers come in the order of the commands, so the oldest request in flight is the one answered; its tag is checked.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional, Union

from .commands import Command
from .errors import CashUpError, NotSent, ProtocolError, Refused, SessionClosed, Unknown
from .results import (MARKET_KINDS, Answer, Event, MarketLine, Notice, Row, Session, event_of, market_line_of, notice_of,
                      session_of)
from .wire import AUTH_LINE_BYTES_MAX, LineSplitter, encode_text, encode_whole, parse_fields, parse_line

Token = Union[str, Callable[[], str], None]

#: Commands in flight on a connection. The service takes 4,096; more than this gains nothing on one connection.
WINDOW = 1024
#: A token is renewed (if the caller gave a function) this long before it expires.
RENEW_BEFORE_EXPIRY_MILLISECONDS = 30_000

AUTH_TAG = "auth"


class Request:
    """A command on its way. `done` once it has an outcome: `result`, or `error` if that is not None."""

    __slots__ = ("command", "order", "sent", "sendings", "done", "result", "error", "rows", "abandoned", "heard_before",
                 "on_done")

    def __init__(self, command: Command, order: int, on_done: Optional[Callable[["Request"], None]]):
        self.command = command
        self.order = order
        self.sent = False
        self.sendings = 0
        self.done = False
        self.result: Any = None
        self.error: Optional[BaseException] = None
        self.rows: List[Row] = []
        self.abandoned = False
        self.heard_before = 0
        self.on_done = on_done

    def finish(self, result: Any = None, error: Optional[BaseException] = None) -> None:
        if self.done:
            return
        self.done, self.result, self.error = True, result, error
        if self.on_done is not None:
            self.on_done(self)


class Core:
    def __init__(self, token: Token = None, session: Optional[str] = None, heartbeat: Optional[int] = None,
                 cancel_on_disconnect: bool = False, window: int = WINDOW,
                 on_send: Optional[Callable[[Command], None]] = None,
                 on_event: Optional[Callable[[Event], None]] = None,
                 on_notice: Optional[Callable[[Notice], None]] = None):
        self._token = token
        self._options = ((f" session={encode_text(session)}" if session else "")
                         + (f" hb={encode_whole(heartbeat)}" if heartbeat else "")
                         + (" cod=1" if cancel_on_disconnect else ""))
        self._window = window
        self._on_send = on_send
        self._on_event = on_event
        self.on_market: Optional[Callable[[MarketLine], None]] = None
        self._on_notice = on_notice
        self._numbers = itertools.count(1)
        self._waiting: Deque[Request] = deque()
        self._in_flight: Deque[Request] = deque()
        self._held_back: List[Request] = []
        self._splitter = LineSplitter()
        self.greeting: Dict[str, str] = {}
        self.session: Optional[Session] = None
        #: Set once the session is over for good; every later command fails with it.
        self.fatal: Optional[CashUpError] = None
        #: Bytes received so far over all connections: a silent connection shows by it.
        self.heard = 0
        #: Reason of the last BYE of this connection.
        self.bye: Optional[str] = None
        self._state = "lost"  # lost -> greeting -> (auth ->) ready -> (draining ->) lost

    # -- what the clients ask ------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        return self._state == "ready"

    @property
    def draining(self) -> bool:
        return self._state == "draining"

    @property
    def outstanding(self) -> int:
        """Requests without an outcome."""
        return len(self._waiting) + len(self._in_flight) + len(self._held_back)

    # -- commands ------------------------------------------------------------------------------------------------------

    def submit(self, command: Command, on_done: Optional[Callable[[Request], None]] = None) -> Request:
        request = Request(command, next(self._numbers), on_done)
        if self.fatal is not None:
            request.finish(error=self.fatal)
        else:
            self._waiting.append(request)
        return request

    def submit_first(self, command: Command, on_done: Optional[Callable[[Request], None]] = None) -> Request:
        """Like `submit`, ahead of all that waits (SUB of a new connection)."""
        request = Request(command, 0, on_done)
        self._waiting.appendleft(request)
        return request

    def give_up(self, request: Request, why: str) -> bool:
        """Ends a request whose time is over: `Unknown` if it was ever sent, else `NotSent`. True if the connection is
        to be dropped, because nothing at all was heard on it since the request was sent."""
        if request.done:
            return False
        silent = request.sent and self.heard == request.heard_before
        if request.sent:
            request.abandoned = True  # its place in the order of answers stays
        else:
            for queue in (self._waiting, self._held_back):
                if request in queue:
                    queue.remove(request)
        error = Unknown if request.sendings else NotSent
        request.finish(error=error(request.command, why))
        return silent

    # -- the connection ------------------------------------------------------------------------------------------------

    def connected(self) -> None:
        self._splitter = LineSplitter()
        self._state = "greeting"
        self.bye = None

    def lost(self, why: str) -> None:
        """Sorts what was in flight: again, or unknown."""
        again = self._held_back
        for request in self._in_flight:
            request.sent = False
            request.rows = []
            if request.done or request.command is None:
                continue
            if request.command.repeat:
                again.append(request)
            else:
                request.finish(error=Unknown(request.command, why))
        again.sort(key=lambda request: request.order)
        self._waiting.extendleft(reversed(again))
        self._in_flight.clear()
        self._held_back = []
        self._state = "lost"

    def stop(self, error: CashUpError) -> None:
        """Ends everything for good: what was sent is `Unknown`, the rest fails with `error`."""
        self.fatal = error
        for request in list(self._in_flight) + self._held_back + list(self._waiting):
            if request.command is not None:
                request.finish(error=Unknown(request.command, str(error)) if request.sendings else error)
        self._in_flight.clear()
        self._held_back = []
        self._waiting.clear()

    def outgoing(self, now: int) -> bytes:
        """What is to be written now. `now` in Unix milliseconds decides whether the token is renewed first."""
        if self._state != "ready":
            return b""
        pieces: List[bytes] = []
        expires = self.session.expires if self.session else None
        if expires is not None and callable(self._token) and now >= expires - RENEW_BEFORE_EXPIRY_MILLISECONDS:
            pieces.append(self._auth())
        while self._waiting and len(self._in_flight) < self._window:
            request = self._waiting.popleft()
            if request.done:
                continue
            if request.sendings == 0 and self._on_send is not None:
                self._on_send(request.command)
            request.sent = True
            request.sendings += 1
            request.heard_before = self.heard
            self._in_flight.append(request)
            pieces.append(f"{request.order} {request.command.line}\n".encode("utf-8", "surrogateescape"))
        return b"".join(pieces)

    def receive(self, data: bytes) -> bytes:
        """Takes what came. Gives bytes to be written at once (AUTH after the greeting, or after EXPIRED)."""
        self.heard += len(data)
        reply = b""
        for raw in self._splitter.feed(data):
            if raw and self.fatal is None:
                reply += self._line(parse_line(raw))
        return reply

    # -- lines ---------------------------------------------------------------------------------------------------------

    def _line(self, line) -> bytes:
        if line.first == "!":
            if line.text.partition(" ")[0] in MARKET_KINDS:
                if self.on_market is not None:
                    self.on_market(market_line_of(line.text))
            elif self._on_event is not None:
                self._on_event(event_of(line.text))
            return b""
        if line.first == "*":
            return self._notice(notice_of(line.text))
        if not self._in_flight:
            raise ProtocolError(f"answer to nothing: {line.text!r}")
        request = self._in_flight[0]
        expected = AUTH_TAG if request.command is None else str(request.order)
        if line.tag != expected and line.tag != "?":
            raise ProtocolError(f"answer to {line.tag}, {expected} is next")
        if line.first == "=":
            request.rows.append(Row.of(line.text))
            return b""
        self._in_flight.popleft()
        if request.command is None:
            self._authenticated(line)
        elif line.first == "+":
            self._done(request, line.text)
        else:
            self._refused(request, line.text)
        return b""

    def _done(self, request: Request, text: str) -> None:
        if request.done:
            return
        try:
            request.finish(request.command.parse(Answer(Row.of(text), request.rows)))
        except (ProtocolError, KeyError) as error:
            # The command did take effect, but the answer makes no sense to us: that must not pass for a refusal.
            request.finish(error=ProtocolError(f"{request.command.line}: answer not understood: {text!r}: {error}"))

    def _refused(self, request: Request, text: str) -> None:
        words, facts = parse_fields(text)
        code = words[0] if words else ""
        if code == "DRAINING":
            # Certainly not executed, so any command may be asked for again at the next service.
            self._state = "draining"
            request.sent = False
            request.rows = []
            if not request.done:
                self._held_back.append(request)
            return
        request.finish(error=Refused(code, facts, text, request.command, resent=request.sendings > 1))

    def _notice(self, notice: Notice) -> bytes:
        if self._state == "greeting":
            if notice.kind == "CASHUP":
                return self._greeted(notice)
            if notice.kind != "BYE":
                return b""
        if notice.kind == "BYE":
            self.bye = notice.fields.get("reason", "")
            self._state = "draining"
            if self.bye in ("replaced", "tls_required") or (self.bye == "token_expired" and not callable(self._token)):
                self.stop(SessionClosed(self.bye))
        elif notice.kind == "DRAINING" and self._state == "ready":
            self._state = "draining"
        if self._on_notice is not None:
            self._on_notice(notice)
        if notice.kind == "EXPIRED" and callable(self._token):
            return self._auth()
        return b""

    def _greeted(self, notice: Notice) -> bytes:
        self.greeting = notice.fields
        if self._token is not None or self._options:
            self._state = "auth"
            return self._auth()
        self._state = "ready"
        return b""

    def _auth(self) -> bytes:
        token = self._token() if callable(self._token) else self._token
        token = "-" if token is None or self.greeting.get("auth") == "off" else token
        raw = f"{AUTH_TAG} AUTH {token}{self._options}\n".encode("ascii")
        if len(raw) > AUTH_LINE_BYTES_MAX + 1:
            raise ValueError("token too long")
        request = Request(None, 0, None)
        request.sent = True
        self._in_flight.append(request)
        self.session = None  # so that a renewal is asked for once
        return raw

    def _authenticated(self, line) -> None:
        words, fields = parse_fields(line.text)
        if line.first == "+":
            self.session = session_of(fields)
            if self._state == "auth":
                self._state = "ready"
        elif words and words[0] == "DRAINING":
            self._state = "draining"
        else:
            self.stop(Refused(words[0] if words else "", fields, line.text))
