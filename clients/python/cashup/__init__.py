"""Client of the CashUp trading service. See README.md for a session; `Client` blocks, `AsyncClient` is for asyncio."""

from . import commands
from .aio import AsyncClient, AsyncEventReader, AsyncMarketReader, Call
from .blocking import Client, EventReader, MarketReader
from .commands import REMOVE, Command, new_id
from .errors import CashUpError, NotSent, ProtocolError, Refused, SessionClosed, Unknown
from .results import (Account, Answer, Balance, Book, Connection, DeadMan, Event, Fill, House, Instrument, Level, Limits, Market, Notice, Order,
                      Position, PublicTrade,
                      Receipt, Row, Session, Snapshot, TakenOver, Trade)

__all__ = [
    "Account", "Answer", "AsyncClient", "AsyncEventReader", "AsyncMarketReader", "Balance", "Book", "Call", "CashUpError", "Client", "Command",
    "Connection", "DeadMan", "Event", "EventReader", "Fill", "House", "Instrument", "Level", "Limits", "Market", "MarketReader", "NotSent", "Notice", "Order", "Position", "ProtocolError", "PublicTrade",
    "REMOVE", "Receipt", "Refused", "Row", "Session", "SessionClosed", "Snapshot", "TakenOver", "Trade", "Unknown", "commands", "new_id",
]
