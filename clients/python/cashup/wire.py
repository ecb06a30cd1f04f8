"""The grammar: bytes to lines, lines to words and keys, values to text and back.

No I/O. The only state is the unfinished line in `LineSplitter`. Numbers are `decimal.Decimal` from end to end;
binary floating point is refused because 0.1 has no exact double.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Dict, List, NamedTuple, Tuple, Union

from .errors import ProtocolError

Number = Union[Decimal, int, str]

LINE_BYTES_MAX = 1024
AUTH_LINE_BYTES_MAX = 8192
#: Longest line taken from the service; its own are far shorter, so a longer one is not CashUp.
RECEIVED_LINE_BYTES_MAX = 65536
ACCOUNT_MAX = 2**53 - 1

_NAME = re.compile(r"[A-Za-z0-9._\-/:]{1,24}\Z")
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
_ESCAPE = re.compile(rb"%([0-9A-F]{2})")


class LineSplitter:
    """Cuts a stream of bytes into lines, however the stream was cut into pieces before."""

    def __init__(self) -> None:
        self._unfinished = b""

    def feed(self, data: bytes) -> List[bytes]:
        """The lines that `data` completes, without their ends."""
        pieces = (self._unfinished + data).split(b"\n")
        self._unfinished = pieces.pop()
        if len(self._unfinished) > RECEIVED_LINE_BYTES_MAX:
            raise ProtocolError("line without end")
        return [piece[:-1] if piece.endswith(b"\r") else piece for piece in pieces]


class Line(NamedTuple):
    """One line of the service. `first` is its first byte; `tag` is empty for ``!`` and ``*`` lines."""

    first: str
    tag: str
    text: str


def parse_line(raw: bytes) -> Line:
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        raise ProtocolError(f"not ASCII: {raw[:80]!r}") from None
    first = text[:1]
    if first in "!*" and text[1:2] == " ":
        return Line(first, "", text[2:])
    if first and first in "+-=":
        tag, _, rest = text[1:].partition(" ")
        if tag:
            return Line(first, tag, rest)
    raise ProtocolError(f"not a line of the protocol: {text[:80]!r}")


def parse_fields(text: str) -> Tuple[List[str], Dict[str, str]]:
    """Splits into words and ``key=value`` pairs; ``%XX`` in values is decoded, bytes that are not UTF-8 are kept
    as surrogate escapes so that `encode_text` gives them back."""
    words: List[str] = []
    fields: Dict[str, str] = {}
    for part in text.split(" "):
        key, equals, value = part.partition("=")
        if equals:
            fields[key] = decode_text(value)
        elif part:
            words.append(part)
    return words, fields


def decode_text(text: str) -> str:
    if "%" not in text:
        return text
    raw = _ESCAPE.sub(lambda match: bytes([int(match.group(1), 16)]), text.encode("ascii"))
    return raw.decode("utf-8", "surrogateescape")


def encode_text(text: str) -> str:
    """`text` as a value: printable ASCII except blank and ``%`` stands for itself, any other byte is ``%XX``."""
    if not isinstance(text, str):
        raise TypeError(f"text expected, not {type(text).__name__}")
    raw = text.encode("utf-8", "surrogateescape")
    if not 1 <= len(raw) <= 36:
        raise ValueError(f"1 to 36 bytes expected, not {len(raw)}: {text!r}")
    return "".join(chr(byte) if 0x21 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}" for byte in raw)


def encode_number(value: Number) -> str:
    """`value` as plain decimal text, exactly. Trailing zeros after the point are left out, because they count as
    decimals to the service and products of Decimals are full of them. TypeError for floats."""
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        raise TypeError(f"Decimal, int or decimal text expected, not {type(value).__name__}: {value!r}")
    if isinstance(value, str):
        if not _PLAIN_NUMBER.match(value):
            raise ValueError(f"not a plain decimal number: {value!r}")
        value = Decimal(value)
    if isinstance(value, int):
        return str(value)
    if not value.is_finite():
        raise ValueError(f"not a number: {value}")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def encode_name(name: str) -> str:
    """A symbol, asset, wallet, venue or setting, checked so that it cannot smuggle in another field or line."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise ValueError(f"not a name (1 to 24 of A-Z a-z 0-9 . _ - / :): {name!r}")
    return name


def encode_account(account: int) -> str:
    if isinstance(account, bool) or not isinstance(account, int) or not 1 <= account <= ACCOUNT_MAX:
        raise ValueError(f"not an account number (1 to {ACCOUNT_MAX}): {account!r}")
    return str(account)


def encode_whole(value: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"not a whole number: {value!r}")
    return str(value)


def encode_flag(value: bool) -> str:
    return "1" if value else "0"


def decode_decimal(text: str) -> Decimal:
    if not _PLAIN_NUMBER.match(text):
        raise ProtocolError(f"not a decimal number: {text!r}")
    return Decimal(text)


def decode_whole(text: str) -> int:
    if not text.isdigit():
        raise ProtocolError(f"not a whole number: {text!r}")
    return int(text)
