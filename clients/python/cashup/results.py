"""What the service answers, typed. Quantities, prices and amounts are Decimal, times Unix milliseconds UTC.

Every class is made from a line's keys by `_take`; keys it does not know are ignored, as the protocol demands, so that
an older client goes on working with a newer service. A missing key that the protocol promises is a ProtocolError.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Dict, List, Optional, Tuple

from .errors import ProtocolError
from .wire import decode_decimal, decode_whole, parse_fields

OPEN_STATUSES = frozenset(("NEW", "PARTIALLY_FILLED"))


@dataclass(frozen=True)
class Row:
    """One ``=`` line, or the ``+`` line of an answer: `text` as sent (without tag), cut into words and keys."""

    text: str
    words: List[str]
    fields: Dict[str, str]

    @staticmethod
    def of(text: str) -> "Row":
        words, fields = parse_fields(text)
        return Row(text, words, fields)

    def word(self, index: int) -> str:
        try:
            return self.words[index]
        except IndexError:
            raise ProtocolError(f"too few words: {self.text!r}") from None

    @property
    def lsn(self) -> Optional[int]:
        """Log sequence number of the change; None where nothing was changed."""
        return decode_whole(self.fields["lsn"]) if "lsn" in self.fields else None

    @property
    def dup(self) -> bool:
        """The command repeated an earlier one; nothing was changed by it."""
        return self.fields.get("dup") == "1"


@dataclass(frozen=True)
class Answer:
    """A whole answer: the ``+`` line and the rows before it."""

    done: Row
    rows: List[Row]

    @property
    def lines(self) -> List[str]:
        """As sent, first bytes included, tags left out."""
        return ["=" + " " + row.text for row in self.rows] + [("+ " + self.done.text).rstrip()]


@dataclass(frozen=True)
class Order:
    """An order. Answers to NEW, RPL, CXL, CLS carry its state only (status, leaves, cum, avg); what the command itself
    said (account, symbol, id) is filled in from there. ORD rows carry everything. `leaves` + `cum` == `qty` while the
    order is open; `leaves` is 0 once it is closed. `reason` in an answer: why the venue's own rules
    cancelled it or its rest. `armed`: it waits for its `stop`; `oco` is the OrderID of the other leg."""

    order_id: int
    status: str
    leaves: Decimal
    cum: Decimal
    avg: Optional[Decimal] = None
    account: Optional[int] = None
    symbol: Optional[str] = None
    id: Optional[str] = None
    side: Optional[str] = None
    type: Optional[str] = None
    tif: Optional[str] = None
    qty: Optional[Decimal] = None
    price: Optional[Decimal] = None
    reserved: Optional[Decimal] = None
    created: Optional[int] = None
    updated: Optional[int] = None
    strategy: Optional[str] = None
    expire: Optional[int] = None
    max: Optional[Decimal] = None
    note: Optional[str] = None
    reason: Optional[str] = None
    cod: bool = False
    stop: Optional[Decimal] = None
    take: bool = False
    trigger: Optional[str] = None
    armed: bool = False
    display: Optional[Decimal] = None
    post: bool = False
    reduce: bool = False
    stp: Optional[str] = None
    oco: Optional[int] = None
    lsn: Optional[int] = None
    dup: bool = False

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


@dataclass(frozen=True)
class Fill:
    """Answer to FIL: the trade that was booked and the state of its order after it. A repeat may lack `trade_id`."""

    order_id: int
    status: str
    trade_id: Optional[int]
    leaves: Decimal
    cum: Decimal
    avg: Optional[Decimal] = None
    lsn: Optional[int] = None
    dup: bool = False


@dataclass(frozen=True)
class Trade:
    """One execution. `fee` is what the account paid (negative: a rebate). `time` is the service's, `venue_time` what
    the venue reported."""

    trade_id: int
    account: int
    symbol: str
    order_id: int
    side: str
    qty: Decimal
    price: Decimal
    time: int
    id: Optional[str] = None
    fee: Decimal = Decimal(0)
    fee_asset: Optional[str] = None
    liq: Optional[str] = None
    exec: Optional[str] = None
    venue_time: Optional[int] = None


@dataclass(frozen=True)
class Receipt:
    """Answer to DEP, WDR, ADJ, HLD, RLS, XFR: the (source) account's available balance after the change."""

    available: Decimal
    ref: str
    lsn: Optional[int] = None
    dup: bool = False


@dataclass(frozen=True)
class Balance:
    """total = available + reserved (by open orders) + held; `transit` is outgoing and outside total."""

    account: int
    asset: str
    wallet: str
    total: Decimal
    available: Decimal
    reserved: Decimal
    held: Decimal
    transit: Decimal


@dataclass(frozen=True)
class Position:
    """Net position: `qty` is negative for a short. `mark` and `unrealized` are None without a mark price.
    `fees` are those paid in assets other than base and quote."""

    account: int
    symbol: str
    qty: Decimal
    cost: Decimal
    realized: Decimal
    avg: Optional[Decimal] = None
    unrealized: Optional[Decimal] = None
    mark: Optional[Decimal] = None
    fees: Dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class TakenOver:
    """Answer to PTO: the position as it is after it (of a repeat: as it is now). `avg` is None when it is flat."""

    account: int
    symbol: str
    qty: Decimal
    cost: Decimal
    realized: Decimal
    ref: str
    avg: Optional[Decimal] = None
    lsn: Optional[int] = None
    dup: bool = False


@dataclass(frozen=True)
class Instrument:
    symbol: str
    venue: str
    wallet: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    price_scale: int
    qty_scale: int
    funds: str
    state: str
    min_qty: Optional[Decimal] = None
    max_qty: Optional[Decimal] = None
    min_notional: Optional[Decimal] = None
    mark: Optional[Decimal] = None
    maker_bps: Optional[Decimal] = None
    taker_bps: Optional[Decimal] = None


@dataclass(frozen=True)
class Level:
    """Orders of one price: how many, and what of them shows."""

    price: Decimal
    qty: Decimal
    orders: int


@dataclass(frozen=True)
class Book:
    """The best levels of both sides, best first, as they were after the change `lsn`."""

    symbol: str
    bids: Tuple[Level, ...]
    asks: Tuple[Level, ...]
    lsn: Optional[int] = None


@dataclass(frozen=True)
class Market:
    """What everybody may know of an instrument. `volume` (base), `turnover` (quote), `trades`, `high` and `low` are of
    the last 24 hours; None where nothing is matched here, or nothing was."""

    symbol: str
    state: str
    mark: Optional[Decimal] = None
    last: Optional[Decimal] = None
    last_qty: Optional[Decimal] = None
    last_time: Optional[int] = None
    bid: Optional[Decimal] = None
    bid_qty: Optional[Decimal] = None
    ask: Optional[Decimal] = None
    ask_qty: Optional[Decimal] = None
    high: Optional[Decimal] = None
    low: Optional[Decimal] = None
    volume: Optional[Decimal] = None
    turnover: Optional[Decimal] = None
    trades: Optional[int] = None


@dataclass(frozen=True)
class PublicTrade:
    """A trade as everybody sees it. `side` is the taker's; `seq` numbers the trades of one subscription."""

    symbol: str
    seq: int
    price: Decimal
    qty: Decimal
    side: str
    trade_id: int
    time: int


@dataclass(frozen=True)
class MarketLine:
    """A ``! BOOK`` or ``! MTRADE`` line."""

    kind: str
    fields: Dict[str, str]


@dataclass(frozen=True)
class Limits:
    """Risk limits of an account in a wallet (`symbol` is None) or of one instrument. None: no such limit. `default`: they
    are those of all accounts, which `account` None stands for. `latched`: assets of which the account has lost too much."""

    account: Optional[int] = None
    wallet: Optional[str] = None
    symbol: Optional[str] = None
    max_qty: Optional[Decimal] = None
    max_notional: Optional[Decimal] = None
    max_position: Optional[Decimal] = None
    max_open: Optional[int] = None
    enabled: bool = True
    price_band_bps: Optional[int] = None
    max_order_rate: Optional[int] = None
    max_cancel_rate: Optional[int] = None
    max_daily_loss: Optional[Decimal] = None
    short: bool = True
    listed: bool = False
    maker_bps: Optional[Decimal] = None
    taker_bps: Optional[Decimal] = None
    stp: Optional[str] = None
    default: bool = False
    latched: Tuple[str, ...] = ()


@dataclass(frozen=True)
class DeadMan:
    """A dead-man timer: when (Unix milliseconds) everything the account has open is cancelled. None: it is off."""

    account: int
    wallet: Optional[str] = None
    deadline: Optional[int] = None
    lsn: Optional[int] = None
    dup: bool = False


@dataclass(frozen=True)
class Account:
    account: int
    status: str
    canceled: int = 0
    lsn: Optional[int] = None
    dup: bool = False


@dataclass(frozen=True)
class House:
    """Answer to ACC * suspend, ACC * resume: how many accounts it changed, how many orders went with it."""

    accounts: int
    canceled: int = 0
    lsn: Optional[int] = None
    dup: bool = False


@dataclass(frozen=True)
class Snapshot:
    """Answer to SNP. `lsn` is that of the last change in it; the others are None where there was one already (`dup`).
    `orders` are open or remembered, `ms` is how long it took, `retired` how many parts of the log it made dispensable."""

    lsn: int
    orders: Optional[int] = None
    bytes: Optional[int] = None
    ms: Optional[int] = None
    retired: Optional[int] = None
    dup: bool = False


@dataclass(frozen=True)
class Connection:
    """A row of SES. `number` is 0 and `sub`, `roles` empty before AUTH; `accounts` is None for all. Times are Unix ms;
    `inflight` commands are taken and not answered, `unsent` bytes wait for the client to read."""

    number: int
    peer: str
    opened: int
    heard: int
    inflight: int
    unsent: int
    subscribed: bool
    cod: bool
    loop: int
    sub: Optional[str] = None
    roles: Tuple[str, ...] = ()
    accounts: Optional[Tuple[int, ...]] = None
    name: Optional[str] = None
    expires: Optional[int] = None


@dataclass(frozen=True)
class Session:
    """What AUTH granted. `accounts` is None for all; `expires` is None without an expiry."""

    sub: Optional[str] = None
    roles: Tuple[str, ...] = ()
    accounts: Optional[Tuple[int, ...]] = None
    session: Optional[str] = None
    expires: Optional[int] = None


@dataclass(frozen=True)
class Event:
    """A pushed event. `position` is its place in the log, to be handed to ``subscribe(from_=...)`` to go on strictly
    after it. `words` are what stands before the keys (REGISTRY events name what was defined)."""

    lsn: int
    k: int
    kind: str
    words: Tuple[str, ...]
    fields: Dict[str, str]
    text: str

    @property
    def position(self) -> str:
        return f"{self.lsn}.{self.k}"

    @property
    def time(self) -> Optional[int]:
        return decode_whole(self.fields["time"]) if "time" in self.fields else None

    def __getitem__(self, key: str) -> str:
        return self.fields[key]

    def decimal(self, key: str) -> Decimal:
        return decode_decimal(self.fields[key])


@dataclass(frozen=True)
class Notice:
    """A ``*`` line after the greeting: HB, BYE, DRAINING, EXPIRED, or a kind this client does not know."""

    kind: str
    fields: Dict[str, str]


# How each type of field is read. Annotations are text here (`from __future__ import annotations`).
_READERS = {
    "int": decode_whole,
    "Optional[int]": decode_whole,
    "Decimal": decode_decimal,
    "Optional[Decimal]": decode_decimal,
    "str": str,
    "Optional[str]": str,
    "bool": lambda text: text == "1",
}


def _take(cls, fields: Dict[str, str], rename: Optional[Dict[str, str]] = None, **known):
    """An instance of `cls` from a line's keys. ``-`` and absence both mean None; `known` values come from elsewhere."""
    values = dict(known)
    for name_field in dataclasses.fields(cls):
        name = name_field.name
        if values.get(name) is not None:
            continue
        reader = _READERS.get(name_field.type)
        text = fields.get((rename or {}).get(name, name))
        if reader is not None and text is not None and text != "-":
            values[name] = reader(text)
    try:
        return cls(**values)
    except TypeError as missing:
        raise ProtocolError(f"{cls.__name__}: {missing}; got {fields}") from None


def order_answer(answer: Answer, account: int, symbol: str, id: Optional[str]) -> Order:
    done = answer.done
    return _take(Order, done.fields, order_id=decode_whole(done.word(0)), status=done.word(1),
                 account=account, symbol=symbol, id=id)


def fill_answer(answer: Answer) -> Fill:
    done = answer.done
    trade = done.fields.get("trade")
    return _take(Fill, done.fields, order_id=decode_whole(done.word(0)), status=done.word(1),
                 trade_id=None if trade is None else decode_whole(trade))


def receipt(answer: Answer, ref: str) -> Receipt:
    return _take(Receipt, answer.done.fields, ref=ref)


def taken_over(answer: Answer, account: int, symbol: str, ref: str) -> TakenOver:
    return _take(TakenOver, answer.done.fields, account=account, symbol=symbol, ref=ref)


def snapshot_answer(answer: Answer) -> Snapshot:
    return _take(Snapshot, answer.done.fields, {"lsn": "snapshot"})


def order_row(row: Row, account: int) -> Order:
    return _take(Order, row.fields, order_id=decode_whole(row.word(0)), account=account)


def trade_row(row: Row, account: int) -> Trade:
    return _take(Trade, row.fields, {"order_id": "order", "fee_asset": "feeasset", "venue_time": "venuetime"},
                 trade_id=decode_whole(row.word(0)), account=account)


def balance_row(row: Row, account: int) -> Balance:
    return _take(Balance, row.fields, account=account, asset=row.word(0), wallet=row.word(1))


def position_row(row: Row, account: int) -> Position:
    fees = {}
    for item in filter(None, row.fields.get("fees", "").split(",")):
        asset, colon, amount = item.rpartition(":")
        if not colon:
            raise ProtocolError(f"fees: {item!r}")
        fees[asset] = decode_decimal(amount)
    return _take(Position, row.fields, account=account, symbol=row.word(0), fees=fees)


def instrument_row(row: Row) -> Instrument:
    return _take(Instrument, row.fields, symbol=row.word(0))


def level(fields: Dict[str, str]) -> Level:
    return _take(Level, fields, {"price": "px"})


def book_answer(answer: Answer, symbol: str) -> Book:
    sides: Dict[str, List[Level]] = {"bid": [], "ask": []}
    for row in answer.rows:
        if row.word(0) not in sides:
            raise ProtocolError(f"side of a book: {row.text!r}")
        sides[row.word(0)].append(level(row.fields))
    if decode_whole(answer.done.word(0)) != len(answer.rows):
        raise ProtocolError(f"{len(answer.rows)} rows, {answer.done.word(0)} announced")
    return Book(symbol, tuple(sides["bid"]), tuple(sides["ask"]), answer.done.lsn)


def market_row(row: Row) -> Market:
    return _take(Market, row.fields, {"last_qty": "lastqty", "last_time": "lasttime", "bid_qty": "bidqty", "ask_qty": "askqty"},
                 symbol=row.word(0))


def public_trade(fields: Dict[str, str]) -> PublicTrade:
    return _take(PublicTrade, fields, {"price": "px", "trade_id": "trade"})


def limits_row(row: Row, account: Optional[int]) -> Limits:
    flags = {name: row.fields.get(name, otherwise) == "1"
             for name, otherwise in (("enabled", "1"), ("short", "1"), ("listed", "0"), ("default", "0"))}
    return _take(Limits, row.fields, account=account, latched=tuple(filter(None, row.fields.get("latched", "").split(","))),
                 **flags)


def dead_man_row(row: Row) -> DeadMan:
    return _take(DeadMan, row.fields, account=decode_whole(row.word(0)))


def dead_man_answer(answer: Answer, account: int) -> DeadMan:
    return _take(DeadMan, answer.done.fields, account=account)


def account_row(row: Row) -> Account:
    return _take(Account, row.fields, account=decode_whole(row.word(0)))


def _roles(fields: Dict[str, str]) -> Tuple[str, ...]:
    return tuple(filter(None, fields.get("roles", "").split(",")))


def _accounts(fields: Dict[str, str], absent: str) -> Optional[Tuple[int, ...]]:
    accounts = fields.get("accounts", absent)
    return None if accounts == "*" else tuple(decode_whole(each) for each in accounts.split(",") if each)


def connection_row(row: Row) -> Connection:
    return _take(Connection, row.fields, number=decode_whole(row.word(0)), roles=_roles(row.fields),
                 accounts=_accounts(row.fields, ""))


def session_of(fields: Dict[str, str]) -> Session:
    return Session(
        sub=fields.get("sub"),
        roles=_roles(fields),
        accounts=_accounts(fields, "*"),
        session=fields.get("session"),
        expires=decode_whole(fields["expires"]) if "expires" in fields else None)


def event_of(text: str) -> Event:
    words, fields = parse_fields(text)
    if len(words) < 2:
        raise ProtocolError(f"event: {text!r}")
    lsn, _, k = words[0].partition(".")
    return Event(decode_whole(lsn), decode_whole(k or "0"), words[1], tuple(words[2:]), fields, text)


#: Pushed lines that are no events of the log but market data.
MARKET_KINDS = ("BOOK", "MTRADE")


def market_line_of(text: str) -> MarketLine:
    words, fields = parse_fields(text)
    return MarketLine(words[0], fields)


def notice_of(text: str) -> Notice:
    words, fields = parse_fields(text)
    return Notice(words[0] if words else "", fields)
