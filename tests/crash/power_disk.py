# SPDX-License-Identifier: ISC
"""A disk under power: what was written, what of it is flushed, and what a cut may leave.

A file's flush makes its writes certain, a directory's flush the names in it; nothing
else does. fdatasync leaves a size that no written byte needs uncertain.
"""

import os

SECTOR = 512
PAGE = 4096


class Write:
    def __init__(self, at, data):
        self.at, self.data, self.end = at, data, at + len(data)


class Size:
    """ftruncate, which may cut, or fallocate, which only grows."""

    def __init__(self, size, cuts):
        self.end, self.cuts = size, cuts


class File:
    def __init__(self, data=b""):
        self.data, self.size, self.pending = bytearray(data), len(data), []
        self.version = 0

    def flush(self, datasync):
        kept = []
        written = self.size
        for op in self.pending:
            if isinstance(op, Write):
                written = max(written, op.end)
                _write(self.data, op.at, op.data)
                self.size = max(self.size, op.end)
            elif datasync and not op.cuts and op.end > written:
                kept.append(op)
            else:
                self.size = _resize(self.data, self.size, op)
        self.pending = [op for op in kept if op.end > self.size]
        self.version += 1

    def flush_pages(self, at, end):
        """What a write through O_DSYNC takes along: the pages it is in."""
        first, last = at // PAGE * PAGE, -(-end // PAGE) * PAGE
        kept = []
        for op in self.pending:
            if not isinstance(op, Write) or op.at >= last or op.end <= first:
                kept.append(op)
                continue
            a, b = max(op.at, first), min(op.end, last)
            _write(self.data, a, op.data[a - op.at : b - op.at])
            self.size = max(self.size, b)
            if op.at < first:
                kept.append(Write(op.at, op.data[: first - op.at]))
            if op.end > last:
                kept.append(Write(last, op.data[last - op.at :]))
        self.pending = kept
        self.version += 1


class Dir:
    def __init__(self):
        self.names, self.version = {}, 0


class Entry:
    """A change of names: add, or remove when ino is None, in one directory or two."""

    def __init__(self, seq, changes):
        self.seq, self.changes = seq, changes
        self.dirs = {d for d, _, _ in changes}


def _write(data, at, new):
    if at > len(data):
        data.extend(bytes(at - len(data)))
    data[at : at + len(new)] = new


def _resize(data, size, op):
    if op.cuts:
        del data[op.end :]
        return op.end
    return max(size, op.end)


class Disk:
    def __init__(self):
        self.nodes, self.entries, self.seq, self.root = {}, [], 0, None

    @classmethod
    def of(cls, path):
        """All that is below path, and certain."""
        disk = cls()
        disk.root = disk._take(path)
        return disk

    def _take(self, path):
        st = os.stat(path)
        if not os.path.isdir(path):
            with open(path, "rb") as f:
                data = f.read()
            self.nodes[st.st_ino] = file = File(data.rstrip(b"\0"))
            file.size = len(data)
            return st.st_ino
        self.nodes[st.st_ino] = node = Dir()
        for name in os.listdir(path):
            node.names[name] = self._take(os.path.join(path, name))
        return st.st_ino

    def play(self, op, data):
        """One line of a record. True: something is less certain than before."""
        kind, word = op[0], op[1:]
        if kind in "CRU":
            return self._names(kind, word)
        node = self.nodes.get(int(word[0]))
        if node is None:
            return False
        if kind == "S":
            self._flush(int(word[0]), node, word[1] == "1")
            return False
        if kind == "W":
            node.pending.append(Write(int(word[1]), data))
        else:
            node.pending.append(Size(int(word[1]), kind == "T"))
        return True

    def after_dsync(self, op):
        self.nodes[int(op[1])].flush_pages(int(op[2]), int(op[2]) + int(op[3]))

    def _names(self, kind, word):
        at = int(word[0])
        if at not in self.nodes:
            return False
        if kind == "C":
            ino = int(word[1])
            self.nodes[ino] = File() if word[2] == "f" else Dir()
            changes = [(at, word[3], ino)]
        elif kind == "R":
            changes = [(at, word[3], None), (int(word[1]), word[4], int(word[2]))]
        else:
            changes = [(at, word[1], None)]
        self.seq += 1
        self.entries.append(Entry(self.seq, changes))
        return True

    def _flush(self, ino, node, datasync):
        if isinstance(node, File):
            node.flush(datasync)
            return
        done = [e for e in self.entries if ino in e.dirs]
        names = {i: n.names for i, n in self.nodes.items() if isinstance(n, Dir)}
        for e in done:
            self._enter(e.changes, names)
        self.entries = [e for e in self.entries if ino not in e.dirs]
        node.version += 1

    @staticmethod
    def _enter(changes, names):
        for d, name, ino in changes:
            if ino is None:
                names[d].pop(name, None)
            else:
                names[d][name] = ino


class State:
    """What a cut leaves: the certain, and a choice among the rest."""

    def __init__(self, disk, choose):
        """choose(ino, ops) gives (op, sectors) for those that came through, in order;
        sectors None is all of them, else a set. ino is None for names."""
        self.disk, self.key, self.files = disk, [], {}
        self.names = {i: dict(n.names) for i, n in disk.nodes.items() if isinstance(n, Dir)}
        for e, _ in choose(None, disk.entries):
            disk._enter(e.changes, self.names)
            self.key.append(e.seq)
        for ino in self._reachable():
            node = disk.nodes[ino]
            if isinstance(node, File):
                self.files[ino] = self._content(ino, node, choose(ino, node.pending))

    def _reachable(self):
        seen, todo = [], [self.disk.root]
        while todo:
            ino = todo.pop()
            seen.append(ino)
            if ino in self.names:
                todo.extend(self.names[ino].values())
        return seen

    def _content(self, ino, node, chosen):
        parts = tuple((id(op), s and tuple(sorted(s))) for op, s in chosen)
        self.key.append((ino, node.version, parts))
        if not chosen:
            return node.data, node.size
        data, size = bytearray(node.data), node.size
        for op, sectors in chosen:
            if isinstance(op, Size):
                size = _resize(data, size, op)
                continue
            for at, part in _parts(op, sectors):
                _write(data, at, part)
            size = max(size, op.end)
        return data, size

    def build(self, path):
        self._build(self.disk.root, path)

    def _build(self, ino, path):
        if ino in self.files:
            data, size = self.files[ino]
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            if data:
                os.write(fd, data[:size])
            os.ftruncate(fd, size)
            os.close(fd)
            return
        os.mkdir(path, 0o700)
        for name, child in self.names[ino].items():
            self._build(child, path + "/" + name)


def sectors_of(op):
    return range(op.at // SECTOR, -(-op.end // SECTOR))


def _parts(op, sectors):
    if sectors is None:
        yield op.at, op.data
        return
    for s in sectors:
        a, b = max(op.at, s * SECTOR), min(op.end, (s + 1) * SECTOR)
        yield a, op.data[a - op.at : b - op.at]
