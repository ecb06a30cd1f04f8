"""Subscriptions to market data, pure: a book that is kept up to date from its lines, and the trades of an instrument.

Both begin anew with each connection: a book with a snapshot, trades with those that come from then on.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Dict, List, Optional, Union

from .commands import Command
from .errors import ProtocolError
from .results import Answer, Book, Level, MarketLine, Notice, PublicTrade, level, public_trade
from .wire import decode_whole, encode_name, encode_whole


def _nothing(_: Answer) -> None:
    return None


class LocalBook:
    """What an instrument's book lines come to. Lines are taken in steps, up to one with ``lsn``: only then are they all
    there and the book is whole."""

    def __init__(self) -> None:
        self.bids: Dict[Decimal, Level] = {}
        self.asks: Dict[Decimal, Level] = {}
        self.lsn: Optional[int] = None
        self._sequence = 0
        self._step: List[MarketLine] = []

    def take(self, line: MarketLine) -> bool:
        """True when the book is another one now. ProtocolError for a gap."""
        sequence = decode_whole(line.fields["seq"])
        if sequence != self._sequence + 1:
            raise ProtocolError(f"a book's line {sequence} after {self._sequence}")
        self._sequence = sequence
        self._step.append(line)
        if "lsn" not in line.fields:
            return False
        for each in self._step:
            self._apply(each.fields)
        self._step.clear()
        self.lsn = decode_whole(line.fields["lsn"])
        return True

    def _apply(self, fields: Dict[str, str]) -> None:
        if fields.get("type") == "snapshot":
            self.bids.clear()
            self.asks.clear()
            return
        side = {"bid": self.bids, "ask": self.asks}.get(fields.get("side", ""))
        if side is None:
            raise ProtocolError(f"side of a book: {fields}")
        price = Decimal(fields["px"])
        if Decimal(fields["qty"]) == 0:
            if side.pop(price, None) is None:
                raise ProtocolError(f"a level has gone that was not there: {fields}")
        else:
            side[price] = level(fields)

    def book(self, symbol: str) -> Book:
        """As it is, best first."""
        return Book(symbol, tuple(self.bids[price] for price in sorted(self.bids, reverse=True)),
                    tuple(self.asks[price] for price in sorted(self.asks)), self.lsn)


class BookFeed:
    """``SUB book=``. `taken` gives the book when it has changed since it was last asked for, else None."""

    position: Optional[str] = None

    def __init__(self, symbol: str, depth: Optional[int] = None):
        self._symbol = symbol
        self._line = f"SUB book={encode_name(symbol)}" + ("" if depth is None else f" depth={encode_whole(depth)}")
        self._book = LocalBook()
        self._changed = False

    def command(self) -> Command:
        self._book = LocalBook()
        self._changed = False
        return Command(self._line, _nothing, repeat=False)

    def take(self, line: MarketLine) -> None:
        if line.kind == "BOOK" and self._book.take(line):
            self._changed = True

    def take_notice(self, notice: Notice) -> None:
        pass

    def taken(self) -> Optional[Book]:
        if not self._changed:
            return None
        self._changed = False
        return self._book.book(self._symbol)


class TradeFeed:
    """``SUB trades=``. `missed` counts the trades that were left out because this side did not read."""

    position: Optional[str] = None

    def __init__(self, symbol: str):
        self._line = f"SUB trades={encode_name(symbol)}"
        self._sequence = 0
        self._trades: List[PublicTrade] = []
        self.missed = 0

    def command(self) -> Command:
        self._sequence = 0
        return Command(self._line, _nothing, repeat=False)

    def take(self, line: MarketLine) -> None:
        if line.kind != "MTRADE":
            return
        trade = public_trade(line.fields)
        if trade.seq <= self._sequence:
            raise ProtocolError(f"trade {trade.seq} after {self._sequence}")
        self.missed += trade.seq - self._sequence - 1
        self._sequence = trade.seq
        self._trades.append(trade)

    def take_notice(self, notice: Notice) -> None:
        pass

    def taken(self) -> Optional[PublicTrade]:
        return self._trades.pop(0) if self._trades else None


MarketFeed = Union[BookFeed, TradeFeed]
