"""A subscription's place in the log, pure: what to ask for after a lost connection so that no event is missed or seen
twice."""

from __future__ import annotations

from typing import Iterable, Optional, Tuple, Union

from .commands import Command
from .results import Answer, Event, Notice
from .wire import encode_account, encode_name

Position = Union[int, str, None]

# Stands for "after every event of this LSN"; no change has so many events.
_ALL = 2**62


def _place(position: str) -> Tuple[int, int]:
    lsn, _, k = position.partition(".")
    return int(lsn), int(k) if k else 0


class Subscription:
    """The filter and the position. `position` is what to hand to ``subscribe(from_=...)`` to go on from here."""

    def __init__(self, from_: Position = None, account: Optional[int] = None, symbol: Optional[str] = None,
                 kinds: Optional[Iterable[str]] = None):
        self.position: Optional[str] = None if from_ is None else str(from_)
        if self.position is not None:
            _place(self.position)
        # A repeat is one at or before this place; before the first event nothing is.
        self._seen: Tuple[int, int] = (-1, 0)
        self._filter = "".join((
            "" if account is None else f" account={encode_account(account)}",
            "" if symbol is None else f" symbol={encode_name(symbol)}",
            "" if kinds is None else " kind=" + ",".join(encode_name(kind) for kind in kinds)))

    def command(self) -> Command:
        start = "" if self.position is None else f" from={self.position}"
        return Command(f"SUB{start}{self._filter}", self._started, repeat=False)

    def _started(self, answer: Answer) -> None:
        # Without `from` the service says where "now" was; a connection lost before the first event goes on from there.
        if self.position is None and "from" in answer.done.fields:
            # "Now" is after all of that LSN, whatever event number the answer may put behind it.
            self.position = answer.done.fields["from"].partition(".")[0]

    def take(self, event: Event) -> bool:
        """False for an event that was had before."""
        place = (event.lsn, event.k)
        if place <= self._seen:
            return False
        self._seen = place
        self.position = event.position
        return True

    def take_notice(self, notice: Notice) -> None:
        """A heartbeat says that all up to its LSN has been sent, even where the filter let nothing through."""
        lsn = notice.fields.get("lsn")
        if notice.kind == "HB" and lsn is not None and self.position is not None:
            place = (int(lsn), _ALL)
            if place > self._seen and int(lsn) > _place(self.position)[0]:
                self._seen = place
                self.position = lsn
