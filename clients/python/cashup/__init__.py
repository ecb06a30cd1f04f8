"""Client of the CashUp trading service. See README.md for a session; `Client` blocks, `AsyncClient` is for asyncio."""

from . import commands
from .aio import AsyncClient, AsyncEventReader, Call
from .blocking import Client, EventReader
from .commands import REMOVE, Command, new_id
from .errors import CashUpError, NotSent, ProtocolError, Refused, SessionClosed, Unknown
from .results import (Account, Answer, Balance, Connection, Event, Fill, House, Instrument, Limits, Notice, Order, Position,
                      Receipt, Row, Session, Snapshot, TakenOver, Trade)

__all__ = [
    "Account", "Answer", "AsyncClient", "AsyncEventReader", "Balance", "Call", "CashUpError", "Client", "Command",
    "Connection", "Event", "EventReader", "Fill", "House", "Instrument", "Limits", "NotSent", "Notice", "Order", "Position", "ProtocolError",
    "REMOVE", "Receipt", "Refused", "Row", "Session", "SessionClosed", "Snapshot", "TakenOver", "Trade", "Unknown", "commands", "new_id",
]
