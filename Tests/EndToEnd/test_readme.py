"""README.md and README.zh-CN.md say the same: what does not depend on the language is compared, piece by piece.

Numbers in tables are compared cell by cell; large ones in words keep their digits ("100 thousand" is "100k" there, not "10 万").
"""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = "README.md", "README.zh-CN.md"


class Readme:
    def __init__(self, name):
        self.headings, self.blocks, self.tables = [], [], []
        prose, block, table = [], None, None
        for line in (ROOT / name).read_bytes().decode().split("\n"):
            if block is None and line.startswith("```"):
                block, table = [line], None
                self.blocks.append(block)
                continue
            if block is not None:
                block.append(line)
                if line == "```":
                    block = None
                continue
            prose.append(line)
            if heading := re.match(r"#+(?= )", line):
                self.headings.append(len(heading[0]))
            if line.startswith("|"):
                if table is None:
                    table = []
                    self.tables.append(table)
                table.append(line.rstrip().removeprefix("|").removesuffix("|").split("|"))
            else:
                table = None
        assert block is None, f"{name}: a code block has no end"
        self.links = set(re.findall(r"\]\(([^)\s]+)\)", "\n".join(prose)))


@pytest.fixture(scope="module")
def both():
    return Readme(ENGLISH), Readme(CHINESE)


def test_each_links_to_the_other(both):
    english, chinese = both
    assert CHINESE in english.links
    assert ENGLISH in chinese.links


def test_headings(both):
    english, chinese = both
    assert english.headings and english.headings == chinese.headings


def test_code_blocks(both):
    english, chinese = both
    assert english.blocks and english.blocks == chinese.blocks


def test_shape_of_tables(both):
    shapes = [[[len(row) for row in table] for table in readme.tables] for readme in both]
    assert shapes[0] and shapes[0] == shapes[1]


def test_numbers_in_tables(both):
    def numbers(readme):
        return [
            (f"table {t} row {r} column {c}", Counter(re.findall(r"\d+(?:[.,]\d+)*", cell)))
            for t, table in enumerate(readme.tables, 1)
            for r, row in enumerate(table, 1)
            for c, cell in enumerate(row, 1)
        ]

    english, chinese = map(numbers, both)
    assert english and english == chinese


def test_links(both):
    english, chinese = both
    assert english.links - {CHINESE} == chinese.links - {ENGLISH}
