"""Every command of the protocol as a function that builds it. Nothing is sent here.

A `Command` is a value: its line is final, and so is the id it carries (made here with uuid4 where the caller gave
none). A desk that must survive its own crash builds the command, writes `command.id` (or `command.line`) to its own
journal, and only then runs it. Both clients offer each function as a method of the same name and arguments.

Numbers are Decimal, int or decimal text; floats are a TypeError. `before` is the service's time in Unix milliseconds
after which the command must not take effect: with it, a retry always ends in a definite answer.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Callable, Iterable, List, Optional, Tuple, Union

from . import results
from .errors import ProtocolError
from .results import Answer
from .wire import (LINE_BYTES_MAX, Number, decode_whole, encode_account, encode_flag, encode_name, encode_number,
                   encode_text, encode_whole)

OrderRef = Union[int, str, results.Order]
Limit = Union[Number, None]
Flag = Union[bool, str, None]

#: Rows that a query gives at most.
ORDERS_PAGE_MAX = 1000

#: Given to `set_limits` to remove a limit (None leaves it as it is). Of `enabled`, `short` and `listed`, which are never
#: without a value, it gives the one that refuses nothing: 1, 1 and 0.
REMOVE = "-"

#: As an account of `limits` and `set_limits`: every account that has no limits of its own in the wallet.
ALL = "*"


@dataclass(frozen=True)
class Command:
    """A command ready to be sent.

    line    without its tag
    parse   makes the typed result of the answer
    id      its id, ref or exec, if it carries one
    repeat  it may be sent again after a lost connection. True where the service recognises the repeat by its id,
            where the command only asks (queries), and where it asks for a state (CXL, RPL, settings): those are re-sent
            in their order, before anything newer, so that they end in the same state.
    """

    line: str
    parse: Callable[[Answer], Any]
    id: Optional[str] = None
    repeat: bool = True


def new_id() -> str:
    """A fresh id of 36 bytes, the longest the protocol takes."""
    return str(uuid.uuid4())


def _line(verb: str, words: Iterable[Optional[str]], **options: Optional[str]) -> str:
    parts = [verb] + [word for word in words if word is not None]
    parts += [f"{key.rstrip('_')}={value}" for key, value in options.items() if value is not None]
    return " ".join(parts)


def _order(order: OrderRef) -> str:
    if isinstance(order, results.Order):
        order = order.order_id
    return encode_whole(order) if isinstance(order, int) else "id=" + encode_text(order)


def _maybe(encode: Callable[[Any], str], value: Any) -> Optional[str]:
    return None if value is None else encode(value)


def _rows(make: Callable[..., Any], *known: Any) -> Callable[[Answer], List[Any]]:
    def parse(answer: Answer) -> List[Any]:
        count = decode_whole(answer.done.word(0))
        if count != len(answer.rows):
            raise ProtocolError(f"{len(answer.rows)} rows, {count} announced")
        return [make(row, *known) for row in answer.rows]
    return parse


def _answer(answer: Answer) -> Answer:
    return answer


# ---- Trading --------------------------------------------------------------------------------------------------------

def new_order(account: int, symbol: str, side: str, qty: Number, price: Optional[Number] = None, *,
              type: Optional[str] = None, tif: str = "GTC", id: Optional[str] = None, expire: Optional[int] = None,
              max: Optional[Number] = None, stop: Optional[Number] = None, take: bool = False,
              trigger: Optional[str] = None, display: Optional[Number] = None, post: bool = False,
              reduce: bool = False, oco: Optional[str] = None, stp: Optional[str] = None,
              strategy: Optional[str] = None, note: Optional[str] = None, before: Optional[int] = None) -> Command:
    """NEW: enters an order; gives an `Order`. `side` is ``B`` or ``S``. Without `price` it is a market order (of which
    a buy reserves `max` of the quote asset, or by the mark price). `expire` (Unix ms) goes with ``tif="GTD"``.

    On internal venues only: `stop` arms the order until the market comes to that price (`take`: as a take-profit;
    `trigger`: by ``last`` or ``mark``), `display` is what an iceberg shows, `post` refuses what would trade at once,
    `reduce` only brings the position nearer to zero, `oco` is the id of the order that this one and which cancel each
    other, `stp` (``newest oldest both decrement``) what happens when it meets an order of the same account."""
    id = new_id() if id is None else id
    line = _line("NEW", [encode_account(account), encode_name(symbol), encode_name(side),
                         encode_name(type or ("MKT" if price is None else "LMT")), encode_number(qty),
                         "-" if price is None else encode_number(price), encode_name(tif)],
                 id=encode_text(id), expire=_maybe(encode_whole, expire), max=_maybe(encode_number, max),
                 stop=_maybe(encode_number, stop), take="1" if take else None, trigger=_maybe(encode_name, trigger),
                 display=_maybe(encode_number, display), post="1" if post else None, reduce="1" if reduce else None,
                 oco=_maybe(encode_text, oco), stp=_maybe(encode_name, stp),
                 strategy=_maybe(encode_text, strategy), note=_maybe(encode_text, note),
                 before=_maybe(encode_whole, before))
    return Command(line, lambda answer: results.order_answer(answer, account, symbol, id), id)


def replace(account: int, symbol: str, order: OrderRef, qty: Number, price: Optional[Number] = None, *,
            max: Optional[Number] = None, stop: Optional[Number] = None, before: Optional[int] = None) -> Command:
    """RPL: gives the order a new OrderQty (total, not what is left) and price, an armed one also a new `stop`; `max` and
    `stop` stay where they are not given; gives an `Order`. It carries no id:
    after a lost connection it is asked for again, and `Refused.resent` says that the first asking may have worked."""
    line = _line("RPL", [encode_account(account), encode_name(symbol), _order(order), encode_number(qty),
                         "-" if price is None else encode_number(price)],
                 max=_maybe(encode_number, max), stop=_maybe(encode_number, stop), before=_maybe(encode_whole, before))
    id = order if isinstance(order, str) else None
    return Command(line, lambda answer: results.order_answer(answer, account, symbol, id))


def cancel(account: int, symbol: str, order: OrderRef, *, reason: Optional[str] = None,
           before: Optional[int] = None) -> Command:
    """CXL: cancels what is left of an order; gives an `Order`."""
    line = _line("CXL", [encode_account(account), encode_name(symbol), _order(order)],
                 reason=_maybe(encode_text, reason), before=_maybe(encode_whole, before))
    id = order if isinstance(order, str) else None
    return Command(line, lambda answer: results.order_answer(answer, account, symbol, id))


def cancel_all(account: int, symbol: Optional[str] = None, *, wallet: Optional[str] = None,
               before: Optional[int] = None) -> Command:
    """CXA: cancels all open orders of the account (of one instrument, of one wallet); gives their number.
    Not re-sent after a lost connection: a second time it would also take orders entered after the first. It raises
    `Unknown`, and whether to call it again is the desk's decision."""
    line = _line("CXA", [encode_account(account), _maybe(encode_name, symbol)], wallet=_maybe(encode_name, wallet),
                 before=_maybe(encode_whole, before))
    return Command(line, lambda answer: decode_whole(answer.done.fields["canceled"]), repeat=False)


def fill(account: int, symbol: str, order: OrderRef, qty: Number, price: Number, *, exec: Optional[str] = None,
         fee: Optional[Number] = None, fee_asset: Optional[str] = None, liq: Optional[str] = None,
         time: Optional[int] = None, before: Optional[int] = None) -> Command:
    """FIL: reports an execution of the venue; gives a `Fill`. `exec` is the venue's id of it and should be given:
    one made here protects against a lost connection, not against reporting the same execution twice.
    `fee` is what the account pays (negative: a rebate), in the quote asset unless `fee_asset` says otherwise."""
    exec = new_id() if exec is None else exec
    line = _line("FIL", [encode_account(account), encode_name(symbol), _order(order), encode_number(qty),
                         encode_number(price)],
                 exec=encode_text(exec), fee=_maybe(encode_number, fee), feeasset=_maybe(encode_name, fee_asset),
                 liq=_maybe(encode_name, liq), time=_maybe(encode_whole, time), before=_maybe(encode_whole, before))
    return Command(line, results.fill_answer, exec)


def close_position(account: int, symbol: str, qty: Optional[Number] = None, price: Optional[Number] = None, *,
                   id: Optional[str] = None, max: Optional[Number] = None, strategy: Optional[str] = None,
                   note: Optional[str] = None, before: Optional[int] = None) -> Command:
    """CLS: an order of the opposite side for the whole position (or `qty` of it); gives an `Order`."""
    id = new_id() if id is None else id
    words = [encode_account(account), encode_name(symbol)]
    if qty is not None or price is not None:
        words.append("-" if qty is None else encode_number(qty))
    if price is not None:
        words.append(encode_number(price))
    line = _line("CLS", words, id=encode_text(id), max=_maybe(encode_number, max),
                 strategy=_maybe(encode_text, strategy), note=_maybe(encode_text, note),
                 before=_maybe(encode_whole, before))
    return Command(line, lambda answer: results.order_answer(answer, account, symbol, id), id)


# ---- Money ----------------------------------------------------------------------------------------------------------

def _money(verb: str, account: int, asset: str, amount: Number, ref: Optional[str], **options: Optional[str]) -> Command:
    ref = new_id() if ref is None else ref
    line = _line(verb, [encode_account(account), encode_name(asset), encode_number(amount)],
                 ref=encode_text(ref), **options)
    return Command(line, lambda answer: results.receipt(answer, ref), ref)


def deposit(account: int, asset: str, amount: Number, *, ref: Optional[str] = None, wallet: Optional[str] = None,
            note: Optional[str] = None, before: Optional[int] = None) -> Command:
    """DEP: adds to the available balance, opens the account if it is new; gives a `Receipt`."""
    return _money("DEP", account, asset, amount, ref, wallet=_maybe(encode_name, wallet),
                  note=_maybe(encode_text, note), before=_maybe(encode_whole, before))


def withdraw(account: int, asset: str, amount: Number, *, ref: Optional[str] = None, wallet: Optional[str] = None,
             note: Optional[str] = None, before: Optional[int] = None) -> Command:
    """WDR: takes from the available balance; gives a `Receipt`."""
    return _money("WDR", account, asset, amount, ref, wallet=_maybe(encode_name, wallet),
                  note=_maybe(encode_text, note), before=_maybe(encode_whole, before))


def adjust(account: int, asset: str, amount: Number, reason: str, *, ref: Optional[str] = None,
           wallet: Optional[str] = None, before: Optional[int] = None) -> Command:
    """ADJ: a signed correction of the available balance, with its reason; gives a `Receipt`."""
    return _money("ADJ", account, asset, amount, ref, reason=encode_text(reason), wallet=_maybe(encode_name, wallet),
                  before=_maybe(encode_whole, before))


def hold(account: int, asset: str, amount: Number, *, ref: Optional[str] = None, wallet: Optional[str] = None,
         reason: Optional[str] = None, before: Optional[int] = None) -> Command:
    """HLD: available to held; gives a `Receipt`."""
    return _money("HLD", account, asset, amount, ref, wallet=_maybe(encode_name, wallet),
                  reason=_maybe(encode_text, reason), before=_maybe(encode_whole, before))


def release(account: int, asset: str, amount: Number, *, ref: Optional[str] = None, wallet: Optional[str] = None,
            reason: Optional[str] = None, before: Optional[int] = None) -> Command:
    """RLS: held to available; gives a `Receipt`."""
    return _money("RLS", account, asset, amount, ref, wallet=_maybe(encode_name, wallet),
                  reason=_maybe(encode_text, reason), before=_maybe(encode_whole, before))


def transfer(from_account: int, to_account: int, asset: str, amount: Number, *, from_wallet: Optional[str] = None,
             to_wallet: Optional[str] = None, ref: Optional[str] = None, note: Optional[str] = None,
             before: Optional[int] = None) -> Command:
    """XFR: between accounts and wallets; gives a `Receipt` of the source once the target is credited."""
    ref = new_id() if ref is None else ref
    line = _line("XFR", [encode_account(from_account), encode_account(to_account), encode_name(asset),
                         encode_number(amount)],
                 ref=encode_text(ref), from_=_maybe(encode_name, from_wallet), to=_maybe(encode_name, to_wallet),
                 note=_maybe(encode_text, note), before=_maybe(encode_whole, before))
    return Command(line, lambda answer: results.receipt(answer, ref), ref)


def take_over(account: int, symbol: str, qty: Number, price: Number, *, ref: Optional[str] = None,
              note: Optional[str] = None, before: Optional[int] = None) -> Command:
    """PTO: takes over a position that was built elsewhere: quantity (negative: short) and average price, where the
    account is flat; gives a `TakenOver`. No balance changes."""
    ref = new_id() if ref is None else ref
    line = _line("PTO", [encode_account(account), encode_name(symbol), encode_number(qty), encode_number(price)],
                 ref=encode_text(ref), note=_maybe(encode_text, note), before=_maybe(encode_whole, before))
    return Command(line, lambda answer: results.taken_over(answer, account, symbol, ref), ref)


# ---- Queries --------------------------------------------------------------------------------------------------------

def balances(account: int, asset: Optional[str] = None, *, wallet: Optional[str] = None) -> Command:
    """BAL: list of `Balance`."""
    return Command(_line("BAL", [encode_account(account), _maybe(encode_name, asset)],
                         wallet=_maybe(encode_name, wallet)),
                   _rows(results.balance_row, account))


def positions(account: int, symbol: Optional[str] = None) -> Command:
    """POS: list of `Position`, flat ones that were ever traded included."""
    return Command(_line("POS", [encode_account(account), _maybe(encode_name, symbol)]),
                   _rows(results.position_row, account))


def orders(account: int, symbol: Optional[str] = None, order: Optional[OrderRef] = None, *,
           status: Optional[str] = None, limit: Optional[int] = None, after: Optional[int] = None) -> Command:
    """ORD: list of `Order` by ascending OrderID, open ones unless `status` is ``closed`` or ``all``; one page of at
    most `limit` (100 unless said, at most 1000) after the OrderID `after`. Of one `order` without a symbol: an id is
    looked for in every wallet, so there may be several, or none."""
    if order is not None and symbol is None:
        symbol = "-"
    return Command(_line("ORD", [encode_account(account), _maybe(encode_name, symbol), _maybe(_order, order)],
                         status=_maybe(encode_name, status), limit=_maybe(encode_whole, limit),
                         after=_maybe(encode_whole, after)),
                   _rows(results.order_row, account))


def next_page(page: List[results.Order], after: Optional[int]) -> Optional[int]:
    """Where the page after a full `page` of orders begins; None after the last one. The list must ascend, otherwise
    pages would repeat or miss orders."""
    numbers = [0 if after is None else after] + [order.order_id for order in page]
    if any(left >= right for left, right in zip(numbers, numbers[1:])):
        raise ProtocolError("the list of orders does not ascend")
    return numbers[-1] if len(page) == ORDERS_PAGE_MAX else None


def trades(account: int, symbol: Optional[str] = None, order: Optional[OrderRef] = None, *,
           limit: Optional[int] = None) -> Command:
    """TRD: list of `Trade`, newest first; an `order` only with its symbol."""
    if order is not None and symbol is None:
        raise ValueError("the trades of one order need its symbol")
    return Command(_line("TRD", [encode_account(account), _maybe(encode_name, symbol), _maybe(_order, order)],
                         limit=_maybe(encode_whole, limit)),
                   _rows(results.trade_row, account))


def book(symbol: str, depth: Optional[int] = None) -> Command:
    """BOOK: the `Book` of an instrument of an internal venue, `depth` levels of a side (10 unless said, at most 1000)."""
    return Command(_line("BOOK", [encode_name(symbol)], depth=_maybe(encode_whole, depth)),
                   lambda answer: results.book_answer(answer, symbol))


def market(symbol: Optional[str] = None) -> Command:
    """MKT: list of `Market`: last price, best prices, the last 24 hours."""
    return Command(_line("MKT", [_maybe(encode_name, symbol)]), _rows(results.market_row))


def instruments(symbol: Optional[str] = None) -> Command:
    """INS: list of `Instrument`."""
    return Command(_line("INS", [_maybe(encode_name, symbol)]), _rows(results.instrument_row))


def _limited(account: Union[int, str]) -> str:
    return ALL if account == ALL else encode_account(account)


def limits(account: Union[int, str], symbol: Optional[str] = None, *, wallet: Optional[str] = None) -> Command:
    """LIM without options: list of `Limits`; of `ALL`, what holds for accounts without their own."""
    return Command(_line("LIM", [_limited(account), _maybe(encode_name, symbol)],
                         wallet=_maybe(encode_name, wallet)),
                   _rows(results.limits_row, None if account == ALL else account))


def dead_men(account: Optional[int] = None) -> Command:
    """DMS: list of `DeadMan`, the account's timers that run; without an account (admin) everybody's."""
    return Command(_line("DMS", [_maybe(encode_account, account)]), _rows(results.dead_man_row))


def accounts(account: Optional[int] = None, *, after: Optional[int] = None, limit: Optional[int] = None) -> Command:
    """ACC: list of `Account` in the order in which they were opened, those the session may see; `limit` of them, after
    the account `after`."""
    return Command(_line("ACC", [_maybe(encode_account, account)], after=_maybe(encode_whole, after),
                         limit=_maybe(encode_whole, limit)), _rows(results.account_row))


# ---- Set-up and risk ------------------------------------------------------------------------------------------------

def define_asset(name: str, decimals: int) -> Command:
    """AST: an asset; `decimals` are the least printed."""
    return Command(_line("AST", [encode_name(name)], decimals=encode_whole(decimals)), _answer)


def define_wallet(name: str) -> Command:
    """WLT: a wallet."""
    return Command(_line("WLT", [encode_name(name)]), _answer)


def define_venue(name: str, kind: str = "manual") -> Command:
    """VEN: a venue."""
    return Command(_line("VEN", [encode_name(name)], kind=encode_name(kind)), _answer)


def define_instrument(symbol: str, *, venue: str, wallet: str, base: str, quote: str, tick: Number, lot: Number,
                      price_scale: Optional[int] = None, qty_scale: Optional[int] = None,
                      min_qty: Optional[Number] = None, max_qty: Optional[Number] = None,
                      min_notional: Optional[Number] = None, funds: Optional[str] = None,
                      state: Optional[str] = None, maker_bps: Optional[Number] = None,
                      taker_bps: Optional[Number] = None) -> Command:
    """INS: a new instrument. `maker_bps` and `taker_bps` are an internal venue's fees in basis points, negative: a
    rebate."""
    return Command(_line("INS", [encode_name(symbol)], venue=encode_name(venue), wallet=encode_name(wallet),
                         base=encode_name(base), quote=encode_name(quote), tick=encode_number(tick),
                         lot=encode_number(lot), price_scale=_maybe(encode_whole, price_scale),
                         qty_scale=_maybe(encode_whole, qty_scale), min_qty=_maybe(encode_number, min_qty),
                         max_qty=_maybe(encode_number, max_qty), min_notional=_maybe(encode_number, min_notional),
                         funds=_maybe(encode_name, funds), state=_maybe(encode_name, state),
                         maker_bps=_maybe(encode_number, maker_bps), taker_bps=_maybe(encode_number, taker_bps)), _answer)


def change_instrument(symbol: str, *, tick: Optional[Number] = None, lot: Optional[Number] = None,
                      min_qty: Optional[Number] = None, max_qty: Optional[Number] = None,
                      min_notional: Optional[Number] = None, state: Optional[str] = None,
                      maker_bps: Optional[Number] = None, taker_bps: Optional[Number] = None) -> Command:
    """INS: changes the admission rules of a known instrument; ``state="halted"`` stops new orders (internal venues also
    know ``post_only`` and ``cancel_only``). Open orders keep the fees they were accepted with."""
    options = dict(tick=_maybe(encode_number, tick), lot=_maybe(encode_number, lot),
                   min_qty=_maybe(encode_number, min_qty), max_qty=_maybe(encode_number, max_qty),
                   min_notional=_maybe(encode_number, min_notional), state=_maybe(encode_name, state),
                   maker_bps=_maybe(encode_number, maker_bps), taker_bps=_maybe(encode_number, taker_bps))
    if not any(options.values()):
        raise ValueError("nothing to change")
    return Command(_line("INS", [encode_name(symbol)], **options), _answer)


def _account(action: str, account: int) -> Command:
    def parse(answer: Answer) -> results.Account:
        fields = answer.done.fields
        return results.Account(account, fields.get("status", ""), decode_whole(fields.get("canceled", "0")),
                               answer.done.lsn, answer.done.dup)
    return Command(_line("ACC", [encode_account(account), action]), parse)


def open_account(account: int) -> Command:
    """ACC open; gives an `Account`."""
    return _account("open", account)


def suspend(account: int) -> Command:
    """ACC suspend, the kill switch: cancels all open orders in all wallets and refuses new ones; gives an `Account`."""
    return _account("suspend", account)


def resume(account: int) -> Command:
    """ACC resume; gives an `Account`."""
    return _account("resume", account)


def _house(action: str, count: str) -> Command:
    def parse(answer: Answer) -> results.House:
        fields = answer.done.fields
        return results.House(decode_whole(fields[count]), decode_whole(fields.get("canceled", "0")), answer.done.lsn,
                             answer.done.dup)
    return Command(_line("ACC", ["*", action]), parse)


def suspend_all() -> Command:
    """ACC * suspend, the kill switch of the house: suspends every account and cancels all open orders everywhere; gives
    a `House`."""
    return _house("suspend", "suspended")


def resume_all() -> Command:
    """ACC * resume: lifts every suspension, whoever made it; gives a `House`."""
    return _house("resume", "resumed")


def set_limits(account: Union[int, str], symbol: Optional[str] = None, *, wallet: Optional[str] = None,
               max_qty: Limit = None, max_notional: Limit = None, max_position: Limit = None,
               max_open: Union[int, str, None] = None, enabled: Flag = None, price_band_bps: Limit = None,
               max_order_rate: Limit = None, max_cancel_rate: Limit = None, max_daily_loss: Limit = None,
               short: Flag = None, listed: Flag = None, maker_bps: Limit = None,
               taker_bps: Limit = None, stp: Optional[str] = None) -> Command:
    """LIM: sets those risk limits that are given; `REMOVE` removes one. `enabled=False` refuses every new order.
    `ALL` as the account: for every account without its own."""
    def limit(value: Limit) -> Optional[str]:
        return REMOVE if value == REMOVE else _maybe(encode_number, value)

    def flag(value: Flag, free: bool) -> Optional[str]:
        return encode_flag(free) if value == REMOVE else _maybe(encode_flag, value)
    options = dict(max_qty=limit(max_qty), max_notional=limit(max_notional), max_position=limit(max_position),
                   max_open=limit(max_open), enabled=flag(enabled, True),
                   price_band_bps=limit(price_band_bps), max_order_rate=limit(max_order_rate),
                   max_cancel_rate=limit(max_cancel_rate), max_daily_loss=limit(max_daily_loss),
                   short=flag(short, True), listed=flag(listed, False), maker_bps=limit(maker_bps),
                   taker_bps=limit(taker_bps), stp=_maybe(encode_name, stp))
    if not any(options.values()):
        raise ValueError("no limit given")
    return Command(_line("LIM", [_limited(account), _maybe(encode_name, symbol)],
                         wallet=_maybe(encode_name, wallet), **options), _answer)


def reset_loss(account: int, *, wallet: Optional[str] = None) -> Command:
    """LIM reset=loss: an account that has lost too much today may trade again; losses are counted from now."""
    return Command(_line("LIM", [encode_account(account)], wallet=_maybe(encode_name, wallet), reset="loss"), _answer)


def dead_man(account: int, seconds: Optional[int]) -> Command:
    """DMS: unless it is sent again within so many seconds, everything the account has open is cancelled; None: the timer
    is off. Not sent again after a lost connection: it would stand for a client that is not there. Gives a `DeadMan`."""
    return Command(_line("DMS", [encode_account(account), "-" if seconds is None else encode_whole(seconds)]),
                   lambda answer: results.dead_man_answer(answer, account), repeat=False)


def set_mark(symbol: str, price: Number) -> Command:
    """MRK: the mark price of an instrument."""
    return Command(_line("MRK", [encode_name(symbol), encode_number(price)]), _answer)


def set_setting(key: str, value: Number) -> Command:
    """SET key value: a setting of the service."""
    return Command(_line("SET", [encode_name(key), encode_number(value)]), _answer)


# ---- Session --------------------------------------------------------------------------------------------------------

def sync() -> Command:
    """SYNC: everything before it on this connection is answered and durable; gives the LSN."""
    return Command("SYNC", lambda answer: answer.done.lsn)


def ping() -> Command:
    """PING; gives None."""
    return Command("PING", lambda answer: None)


def time() -> Command:
    """TIME: the service's time in Unix milliseconds, which never goes back."""
    return Command("TIME", lambda answer: decode_whole(answer.done.fields["time"]))


def stat(hash: bool = False) -> Command:
    """STAT: list of `Row`; with `hash` (admin) the hash of each wallet's state."""
    return Command(_line("STAT", [], hash="1" if hash else None), lambda answer: answer.rows)


def sessions() -> Command:
    """SES (admin): list of `Connection`, who is connected."""
    return Command("SES", _rows(results.connection_row))


def snapshot() -> Command:
    """SNP: has the service make a snapshot of all that is durable; gives a `Snapshot` once it is on the disk. A large
    state takes longer than a client's default timeout: give one. What is sent after it waits for its answer."""
    return Command("SNP", results.snapshot_answer)


def raw(line: str, *, repeat: bool = False) -> Command:
    """Any line (verb and arguments, without a tag); gives an `Answer`. Re-sent after a lost connection only with
    `repeat=True`. SUB, AUTH and QUIT are the client's own business and refused here."""
    if "\n" in line or "\r" in line or not line:
        raise ValueError("one line expected")
    verb = line.split(" ", 1)[0]
    if verb in ("AUTH", "SUB", "UNS", "QUIT"):
        raise ValueError(f"{verb} is not for raw commands: use the client's arguments, subscribe() or close()")
    if len(line.encode("utf-8", "surrogateescape")) > LINE_BYTES_MAX - 21:
        raise ValueError(f"a line has at most {LINE_BYTES_MAX} bytes, its tag included")
    return Command(line, _answer, None, repeat)


BUILDERS: Tuple[Callable[..., Command], ...] = (
    new_order, replace, cancel, cancel_all, fill, close_position,
    deposit, withdraw, adjust, hold, release, transfer, take_over,
    balances, positions, orders, trades, book, market, instruments, limits, accounts, dead_men,
    define_asset, define_wallet, define_venue, define_instrument, change_instrument,
    open_account, suspend, resume, suspend_all, resume_all, set_limits, reset_loss, dead_man, set_mark, set_setting,
    sync, ping, time, stat, sessions, snapshot, raw)
