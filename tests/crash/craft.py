# SPDX-License-Identifier: ISC
"""craft.py FILE PATTERN: damage a data file in the first way whose name has it.

Damage that no accident makes, but somebody may: several fields of a page at once, of
each kind of page, chosen so that LMDB, which believes its pages, would search for ever,
leave the page, or give away pages that are in use."""

import random
import re
import struct
import sys

PAGE = 4096
HEAD = 16
BRANCH, LEAF, RUN, DIRTY, LEAF2 = 1, 2, 4, 16, 32
ROW_RUN, ROW_TREE, ROW_MANY = 1, 2, 4
TREE_FLAGS, TREE_DEPTH, TREE_ROWS, TREE_ROOT = 4, 6, 32, 40
META_TREES, META_LAST, META_TXN = 40, 136, 144
NONE = 2**64 - 1


def u16(data, at):
    return struct.unpack_from("<H", data, at)[0]


def u64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def p16(data, at, value):
    struct.pack_into("<H", data, at, value & 0xFFFF)


def p64(data, at, value):
    struct.pack_into("<Q", data, at, value & NONE)


class Page:
    """One page that is in use, and how it is reached."""

    def __init__(self, data, number, role, table, parent):
        self.number, self.role, self.table, self.parent = number, role, table, parent
        self.at = number * PAGE
        self.kind, self.lower, self.upper = struct.unpack_from("<HHH", data, self.at + 10)
        rows = (self.lower - HEAD) // 2 if self.kind != RUN else 0
        self.rows = [self.at + u16(data, self.at + HEAD + 2 * i) for i in range(rows)]

    def name(self):
        return f"{self.role} of {self.table}, page {self.number},"


def below(data, row):
    """The page that a row of a branch leads to."""
    return u64(data, row) & (1 << 48) - 1


def key(data, row):
    return bytes(data[row + 8 : row + 8 + u16(data, row + 6)])


def value(data, row):
    return row + 8 + u16(data, row + 6)


def walk(data, number, table, parent=None, depth=0):
    """All pages of a tree."""
    head = u16(data, number * PAGE + 10)
    role = ("lone leaf" if head == LEAF else "root") if parent is None else (
        "leaf" if head == LEAF else "inner")
    page = Page(data, number, role, table, parent)
    yield page
    for row in page.rows:
        if page.kind == BRANCH:
            yield from walk(data, below(data, row), table, page, depth + 1)
        elif u16(data, row + 4) & ROW_RUN:
            yield Page(data, u64(data, value(data, row)), "run", table, page)


def trees(data):
    """(table, where its record is) of each tree."""
    meta = max((0, PAGE), key=lambda at: u64(data, at + META_TXN))
    yield "free pages", meta + META_TREES
    yield "tables", meta + META_TREES + 48
    for row in Page(data, u64(data, meta + META_TREES + 48 + TREE_ROOT), "", "", None).rows:
        if u16(data, row + 4) & ROW_TREE:
            yield key(data, row).decode(), value(data, row)


def interesting(data, rng):
    """Of each tree, one page in each role."""
    for table, record in trees(data):
        root = u64(data, record + TREE_ROOT)
        by_role = {}
        for page in [] if root == NONE else walk(data, root, table):
            by_role.setdefault(page.role, []).append(page)
        for pages in by_role.values():
            yield pages[0]
            if len(pages) > 1:
                yield rng.choice(pages[1:])


def bounds(kind, lower, upper=None):
    def how(data, page):
        p16(data, page.at + 10, kind if kind else page.kind)
        p16(data, page.at + 12, lower)
        if upper is not None:
            p16(data, page.at + 14, upper)
    return how


def as_kind(kind):
    return lambda data, page: p16(data, page.at + 10, kind)


def numbered(number):
    return lambda data, page: p64(data, page.at, number)


def upper(to):
    return lambda data, page: p16(data, page.at + 14, to)


def pointer(to, which=0):
    def how(data, page):
        if page.rows:
            p16(data, page.at + HEAD + 2 * (which % len(page.rows)), to)
    return how


def all_same(data, page):
    for i in range(len(page.rows)):
        p16(data, page.at + HEAD + 2 * i, page.rows[0] - page.at)


def out_of_order(data, page):
    """The first row is where the last was, and the other way round."""
    if len(page.rows) > 1:
        p16(data, page.at + HEAD, page.rows[-1] - page.at)
        p16(data, page.at + HEAD + 2 * (len(page.rows) - 1), page.rows[0] - page.at)


def key_size(to):
    def how(data, page):
        for row in page.rows[len(page.rows) // 2 :]:
            p16(data, row + 6, to)
    return how


def row_flags(to):
    def how(data, page):
        for row in page.rows:
            p16(data, row + 4, to)
    return how


def row_size(to):
    def how(data, page):
        for row in page.rows:
            struct.pack_into("<I", data, row, to)
    return how


ANY = {
    "is searched for ever": lambda data, page: bounds(page.kind | LEAF2, 0)(data, page),
    "is searched for ever, but for 14 bytes": lambda data, page: bounds(
        page.kind | LEAF2, 14)(data, page),
    "has rows of one size": lambda data, page: as_kind(page.kind | LEAF2)(data, page),
    "is dirty": lambda data, page: as_kind(page.kind | DIRTY)(data, page),
    "has fewer rows than none": bounds(0, 0),
    "has no rows": bounds(0, HEAD, PAGE),
    "has one row": bounds(0, HEAD + 2),
    "has rows beyond it": bounds(0, 0xFFF0),
    "has room beyond it": upper(0x8000),
    "has no room": upper(HEAD),
    "is of no kind": as_kind(0),
    "is of both kinds": as_kind(BRANCH | LEAF),
    "is a run": as_kind(RUN),
    "has the number of a meta page": numbered(1),
    "has another number": lambda data, page: numbered(page.number + 1)(data, page),
    "has a row in its head": pointer(0),
    "has a row behind it": pointer(PAGE - 4),
    "has a row far behind it": pointer(0xFFFE, 3),
    "has one row for all": all_same,
    "has keys out of order": out_of_order,
    "has long keys": key_size(0x7FFF),
    "has empty keys": key_size(0),
}
OF_LEAVES = {
    "has long values": row_size(0x7FFFFFFF),
    "has short values": row_size(3),
    "has runs": row_flags(ROW_RUN),
    "has tables": row_flags(ROW_TREE),
    "has many values a key": row_flags(ROW_MANY),
    "has tables of values": row_flags(ROW_TREE | ROW_MANY),
}


def leading(to):
    """A branch whose last row, and one within, lead elsewhere."""
    def how(data, page):
        for row in {page.rows[-1], page.rows[len(page.rows) // 2]}:
            number = to(data, page)
            struct.pack_into("<I", data, row, number & 0xFFFFFFFF)
            p16(data, row + 4, number >> 32)
    return how


OF_BRANCHES = {
    "leads to itself": leading(lambda data, page: page.number),
    "leads up": leading(lambda data, page: page.parent.number if page.parent else page.number),
    "leads to a meta page": leading(lambda data, page: 0),
    "leads beyond the file": leading(lambda data, page: len(data) // PAGE + 5),
    "leads far beyond the file": leading(lambda data, page: (1 << 48) - 2),
    "leads to the first leaf": leading(lambda data, page: below(data, page.rows[0])),
}


def run_pages(n):
    return lambda data, page: struct.pack_into("<I", data, page.at + 12, n)


OF_RUNS = {
    "is of no pages": run_pages(0),
    "is of one page too many": lambda data, page: run_pages(
        struct.unpack_from("<I", data, page.at + 12)[0] + 1)(data, page),
    "is of all pages": run_pages(0x7FFFFFFF),
    "has another number": ANY["has another number"],
    "is of no kind": as_kind(0),
}


def listed(change):
    """The lists of free pages of a leaf, changed."""
    def how(data, page):
        for row in page.rows:
            if not u16(data, row + 4) & ROW_RUN:
                change(data, value(data, row), page)
    return how


OF_LISTS = {
    "has endless lists": listed(lambda data, at, page: p64(data, at, 1 << 40)),
    "has lists too long": listed(lambda data, at, page: p64(data, at, u64(data, at) + 9)),
    "frees meta pages": listed(lambda data, at, page: p64(data, at + 8 * u64(data, at), 1)),
    "frees beyond the file": listed(lambda data, at, page: p64(data, at + 8, 1 << 50)),
    "frees itself": listed(lambda data, at, page: p64(data, at + 8, page.number)),
}


def to_record(at, size, change):
    def how(data, record):
        was = int.from_bytes(data[record + at : record + at + size], "little")
        to = change(was, data) & (1 << 8 * size) - 1
        data[record + at : record + at + size] = to.to_bytes(size, "little")
    return how


OF_TREES = {
    "says many values": to_record(TREE_FLAGS, 2, lambda was, data: 4),
    "says native numbers": to_record(TREE_FLAGS, 2, lambda was, data: 8),
    "says reversed": to_record(TREE_FLAGS, 2, lambda was, data: 2),
    "has keys of one size": to_record(0, 4, lambda was, data: 8),
    "is 99 deep": to_record(TREE_DEPTH, 2, lambda was, data: 99),
    "is empty": to_record(TREE_ROOT, 8, lambda was, data: NONE),
    "is a meta page": to_record(TREE_ROOT, 8, lambda was, data: 1),
    "is beyond the file": to_record(TREE_ROOT, 8, lambda was, data: len(data) // PAGE + 1),
    "is far beyond the file": to_record(TREE_ROOT, 8, lambda was, data: 1 << 50),
    "is the next page": to_record(TREE_ROOT, 8, lambda was, data: was + 1),
}


def main():
    path, text = sys.argv[1:]
    with open(path, "rb") as f:
        data = bytearray(f.read())
    for name, how in crafted(data, random.Random(1)):
        if re.search(text, name):
            how(data)
            with open(path, "wb") as f:
                f.write(data)
            return 0
    return f"craft: there is no {text!r}"


def crafted(data, rng):
    """(name, function that damages a copy) of each."""
    def on_page(how, page):
        return lambda copy: how(copy, page)

    for page in interesting(data, rng):
        hows = OF_RUNS if page.role == "run" else dict(ANY, **(
            OF_BRANCHES if page.kind == BRANCH else
            OF_LISTS if page.table == "free pages" else OF_LEAVES))
        for what, how in hows.items():
            yield f"{page.name()} {what}", on_page(how, page)
    for table, record in trees(data):
        for what, how in OF_TREES.items():
            yield f"the tree of {table} {what}", lambda copy, how=how, at=record: how(copy, at)


if __name__ == "__main__":
    sys.exit(main())
