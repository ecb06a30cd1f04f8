"""An instrument of an internal venue for a test of its own, and accounts with money in its assets."""

import itertools
import re

import pytest

from lines import answer_lines, play

_numbers = itertools.count(1)

FUNDED = """
    DEP {0} USDT 100000.00 ref=usdt
    + OK available=100000.00 lsn=*
    DEP {0} BTC 10 ref=btc
    + OK available=10.00000000 lsn=*
"""


def instrument(lines, fees="maker_bps=1 taker_bps=2"):
    """A symbol that no other test uses: tick 0.01, lot 0.00001."""
    symbol = f"M{next(_numbers)}-USDT"
    done = lines.ask(f"t INS {symbol} venue=internal wallet=spot base=BTC quote=USDT tick=0.01 lot=0.00001 {fees}")
    assert done.startswith("+t OK"), done
    return symbol


class Desk:
    """A script's surroundings: `symbol` as $s, the accounts as $a, $b, $c. Names found stay."""

    def __init__(self, lines, accounts, fees="maker_bps=1 taker_bps=2", money=True):
        self.lines = lines
        self.names = dict(zip("abc", map(str, accounts)), s=instrument(lines, fees))
        if money:
            for account in "abc":
                play(lines, FUNDED.format(self.names[account]))

    @property
    def symbol(self):
        return self.names["s"]

    def play(self, script):
        self.names = play(self.lines, script, **self.names)
        return self.names

    def ask(self, command):
        """The lines of an answer, names replaced and tags left out."""
        command = re.sub(r"\$(\w+)", lambda match: self.names[match.group(1)], command)
        self.lines.send(f"t {command}\n")
        return answer_lines(self.lines.answer())

    def book(self, *levels):
        """Looks at the book: ``bid 64000.00 0.50000 1``, best first."""
        found = self.ask("BOOK $s depth=1000")
        rows = []
        for row in found[:-1]:
            side, price, quantity, orders = row[2:].split(" ")
            rows.append(" ".join([side] + [each.partition("=")[2] for each in (price, quantity, orders)]))
        assert rows == list(levels), f"the book is {rows}"

    def balance(self, account, asset):
        """total, available and reserved, as printed."""
        row = self.ask(f"BAL ${account} {asset} wallet=spot")[0]
        fields = dict(part.partition("=")[::2] for part in row.split(" ")[3:])
        return fields["total"], fields["available"], fields["reserved"]


@pytest.fixture
def desk(lines, accounts):
    return Desk(lines, accounts)
