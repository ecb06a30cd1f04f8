"""The grammar, with canned bytes."""

from decimal import Decimal

import pytest

from cashup import ProtocolError, wire


def test_lines_every_split_of_the_stream_gives_the_same_lines():
    stream = b"* CASHUP 1 lsn=38\r\n+1 OK\n\n=2 USD spot total=1\n+2 1\n"
    expected = [b"* CASHUP 1 lsn=38", b"+1 OK", b"", b"=2 USD spot total=1", b"+2 1"]
    for first in range(len(stream) + 1):
        for second in range(first, len(stream) + 1):
            splitter = wire.LineSplitter()
            lines = []
            for piece in (stream[:first], stream[first:second], stream[second:]):
                lines += splitter.feed(piece)
            assert lines == expected


def test_line_without_end_is_bounded():
    splitter = wire.LineSplitter()
    with pytest.raises(ProtocolError):
        for _ in range(10):
            splitter.feed(b"x" * 10_000)


@pytest.mark.parametrize("raw, expected", [
    (b"+1 OK lsn=4", ("+", "1", "OK lsn=4")),
    (b"+1", ("+", "1", "")),
    (b"-? BAD_TAG", ("-", "?", "BAD_TAG")),
    (b"=a-b_C x", ("=", "a-b_C", "x")),
    (b"! 7.1 TRADE a=b", ("!", "", "7.1 TRADE a=b")),
    (b"* HB lsn=1", ("*", "", "HB lsn=1")),
])
def test_first_byte(raw, expected):
    assert wire.parse_line(raw) == expected


@pytest.mark.parametrize("raw", [b"HTTP/1.1 400", b"+", b"+ OK", b"*x", b"\x00", b"+1 \xff", b"?"])
def test_not_a_line_of_the_protocol(raw):
    with pytest.raises(ProtocolError):
        wire.parse_line(raw)


def test_fields_words_keys_and_escapes():
    assert wire.parse_fields("12 NEW leaves=1.0 note=a%20b%25=c empty=") == (
        ["12", "NEW"], {"leaves": "1.0", "note": "a b%=c", "empty": ""})


@pytest.mark.parametrize("text, encoded", [
    ("grid-17", "grid-17"), ("a b", "a%20b"), ("100%", "100%25"), ("a=b", "a=b"), ("ü", "%C3%BC"), ("\n", "%0A"),
    ("\x7f", "%7F"), ("\udcff", "%FF"),
])
def test_text_there_and_back(text, encoded):
    assert wire.encode_text(text) == encoded
    assert wire.decode_text(encoded) == text


@pytest.mark.parametrize("text", ["", "x" * 37, "ü" * 19])
def test_text_of_the_wrong_length(text):
    with pytest.raises(ValueError):
        wire.encode_text(text)


@pytest.mark.parametrize("value, text", [
    (Decimal("0.50000000"), "0.5"), (Decimal("1E+3"), "1000"), (Decimal("100"), "100"), (Decimal("0.00"), "0"),
    (Decimal("-0"), "0"), (Decimal("-1.50"), "-1.5"), (12, "12"), ("64000.00", "64000"), ("10", "10"),
    (Decimal("0.000000000000000001"), "0.000000000000000001"),
    (Decimal("1234567890123456789012345678901234.123456789"), "1234567890123456789012345678901234.123456789"),
])
def test_number_is_exact_and_plain(value, text):
    assert wire.encode_number(value) == text


@pytest.mark.parametrize("value", [0.1, 1.0, True, None, b"1"])
def test_number_of_a_wrong_type(value):
    with pytest.raises(TypeError):
        wire.encode_number(value)


@pytest.mark.parametrize("value", ["1e5", "NaN", "", " 1", "1 ", "1_000", "+1", "1.", ".5", Decimal("NaN"),
                                   Decimal("Infinity"), "1\n"])
def test_number_that_is_none(value):
    with pytest.raises(ValueError):
        wire.encode_number(value)


@pytest.mark.parametrize("name", ["", "BTC USD", "BTC\n", "x" * 25, "a=b", "é"])
def test_name_cannot_smuggle(name):
    with pytest.raises(ValueError):
        wire.encode_name(name)
