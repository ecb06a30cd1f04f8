"""Books and public trades from canned lines."""

from decimal import Decimal

import pytest

from cashup import ProtocolError, commands as c
from cashup.core import Core
from cashup.market import BookFeed, LocalBook, TradeFeed
from cashup.results import Answer, Book, Level, Market, PublicTrade, Row, market_line_of


def level(price, qty, orders):
    return Level(Decimal(price), Decimal(qty), orders)


def answer(done, *rows):
    return Answer(Row.of(done), [Row.of(row) for row in rows])


def take(book, text):
    return book.take(market_line_of(text))


def test_the_answer_to_book():
    parsed = c.book("BTC-USDT").parse(answer("3 lsn=9", "bid px=10.00 qty=1.5 orders=2", "bid px=9.99 qty=1 orders=1",
                                             "ask px=10.01 qty=2 orders=1"))
    assert parsed == Book("BTC-USDT", (level("10", "1.5", 2), level("9.99", "1", 1)), (level("10.01", "2", 1),), 9)
    with pytest.raises(ProtocolError):
        c.book("BTC-USDT").parse(answer("2", "bid px=10.00 qty=1.5 orders=2"))
    with pytest.raises(ProtocolError):
        c.book("BTC-USDT").parse(answer("1", "middle px=10.00 qty=1.5 orders=2"))


def test_the_answer_to_mkt():
    [market] = c.market("BTC-USDT").parse(answer(
        "1", "BTC-USDT state=trading mark=10.00 last=9.99 lastqty=0.5 lasttime=5 bid=9.98 bidqty=1 volume=3.5 turnover=35.00 trades=7"))
    assert market == Market("BTC-USDT", "trading", mark=Decimal("10"), last=Decimal("9.99"), last_qty=Decimal("0.5"), last_time=5,
                            bid=Decimal("9.98"), bid_qty=Decimal(1), volume=Decimal("3.5"), turnover=Decimal(35), trades=7)


def test_a_book_is_whole_where_a_line_has_an_lsn():
    book = LocalBook()
    assert not take(book, "BOOK symbol=A-B seq=1 type=snapshot levels=2 depth=10")
    assert not take(book, "BOOK symbol=A-B seq=2 side=bid px=1.00 qty=5 orders=1")
    assert take(book, "BOOK symbol=A-B seq=3 side=ask px=1.10 qty=2 orders=2 lsn=40")
    assert book.book("A-B") == Book("A-B", (level("1", 5, 1),), (level("1.1", 2, 2),), 40)
    # A better ask and the bid it has eaten: half of it is not a book.
    assert not take(book, "BOOK symbol=A-B seq=4 side=bid px=1.00 qty=0")
    assert book.book("A-B").bids == (level("1", 5, 1),)
    assert take(book, "BOOK symbol=A-B seq=5 side=ask px=1.00 qty=1 orders=1 lsn=41")
    assert book.book("A-B") == Book("A-B", (), (level("1", 1, 1), level("1.1", 2, 2)), 41)
    assert take(book, "BOOK symbol=A-B seq=6 type=snapshot levels=0 depth=10 lsn=42")
    assert book.book("A-B") == Book("A-B", (), (), 42)


@pytest.mark.parametrize("text", [
    "BOOK symbol=A-B seq=3 side=bid px=1.00 qty=5 orders=1 lsn=41",
    "BOOK symbol=A-B seq=1 side=bid px=1.00 qty=5 orders=1 lsn=41",
    "BOOK symbol=A-B seq=2 side=bid px=1.00 qty=0 lsn=41",
    "BOOK symbol=A-B seq=2 side=middle px=1.00 qty=1 orders=1 lsn=41",
])
def test_a_book_that_does_not_add_up(text):
    book = LocalBook()
    assert take(book, "BOOK symbol=A-B seq=1 type=snapshot levels=0 depth=10 lsn=40")
    with pytest.raises(ProtocolError):
        take(book, text)


def ready(feed):
    core = Core()
    core.on_market = feed.take
    core.connected()
    core.receive(b"* CASHUP 1 lsn=38 auth=off maxline=1024 state=ready\n")
    core.submit_first(feed.command())
    return core


def test_a_book_begins_anew_with_each_connection():
    feed = BookFeed("A-B", 5)
    core = ready(feed)
    assert core.outgoing(1).endswith(b" SUB book=A-B depth=5\n")
    core.receive(b"+0 OK\n! BOOK symbol=A-B seq=1 type=snapshot levels=1 depth=5\n! BOOK symbol=A-B seq=2 side=bid px=1 qty=1 orders=1 lsn=4\n"
                 b"! BOOK symbol=A-B seq=3 side=bid px=2 qty=1 orders=1\n")
    assert feed.taken() == Book("A-B", (level(1, 1, 1),), (), 4)
    assert feed.taken() is None
    ready(feed).receive(b"! BOOK symbol=A-B seq=1 type=snapshot levels=0 depth=5 lsn=9\n")
    assert feed.taken() == Book("A-B", (), (), 9)


def test_trades_that_were_left_out_are_counted():
    feed = TradeFeed("A-B")
    core = ready(feed)
    core.receive(b"! MTRADE symbol=A-B seq=1 px=1.5 qty=2 side=B trade=7 time=5\n! 9.1 ORDER account=7\n")
    core.receive(b"! MTRADE symbol=A-B seq=4 px=1.5 qty=2 side=S trade=13 time=6\n")
    assert feed.taken() == PublicTrade("A-B", 1, Decimal("1.5"), Decimal(2), "B", 7, 5)
    assert feed.taken().trade_id == 13 and feed.taken() is None and feed.missed == 2
    with pytest.raises(ProtocolError):
        core.receive(b"! MTRADE symbol=A-B seq=4 px=1.5 qty=2 side=S trade=13 time=6\n")
