# SPDX-License-Identifier: ISC
"""What must be in a queue after a cut, and whether a check's answer agrees.

Marks, in the order of time:
  +NAME  may be there from now on       !NAME  must be there
  -NAME  may be gone                    ~NAME  must be gone
  Q      the queue must exist           O N V  option N may have the value V; with "!"
  <A,B   the first of them are there    =A,B   all there, or none; until "!"
  D NAME must be dead                   F NAME N  must have failed N times
  R NAME RECEIPT  of a lease
"""


class Model:
    def __init__(self):
        self.may, self.must = set(), set()
        self.queue = False
        self.options, self.groups = {}, []
        self.dead, self.failures, self.receipts = set(), {}, {}

    def copy(self):
        other = Model()
        other.may, other.must = set(self.may), set(self.must)
        other.queue, other.groups = self.queue, list(self.groups)
        other.options = {n: set(v) for n, v in self.options.items()}
        other.dead, other.failures = set(self.dead), dict(self.failures)
        other.receipts = dict(self.receipts)
        return other

    def mark(self, text):
        kind, rest = text[0], text[1:]
        if kind == "+":
            self.may.add(rest)
        elif kind == "!":
            self.must.add(rest)
            self.groups = [g for g in self.groups if rest not in g[1]]
        elif kind == "-":
            self.must.discard(rest)
        elif kind == "~":
            self.must.discard(rest)
            self.may.discard(rest)
            self.receipts.pop(rest, None)
        elif kind in "<=":
            self.groups.append((kind, rest.split(",")))
        else:
            self._fact(kind, rest.split())

    def _fact(self, kind, word):
        if kind == "Q":
            self.queue = True
        elif kind == "O":
            known = self.options.setdefault(int(word[0]), set())
            if len(word) > 2:
                known.clear()
            known.add(word[1])
        elif kind == "D":
            self.dead.add(word[0])
        elif kind == "F":
            self.failures[word[0]] = int(word[1])
        elif kind == "R":
            self.receipts[word[0]] = word[1]

    def key(self):
        return hash((tuple(sorted(self.must)), tuple(sorted(self.may)), self.queue,
            tuple(sorted((n, tuple(sorted(v))) for n, v in self.options.items()))))


class Answer:
    def __init__(self, lines):
        self.there, self.taken, self.wrong, self.old = {}, [], [], []
        self.stat = self.left = None
        self.options, self.absent, self.status = {}, False, -1
        for line in lines:
            self._read(line.split())

    def _read(self, word):
        if not word:
            return
        kind = word[0]
        if kind == "m":
            if word[5] in self.there:
                self.wrong.append("twice: " + word[5])
            self.there[word[5]] = (word[2], int(word[3]), int(word[4]))
        elif kind == "t":
            self.taken.append(word[3])
        elif kind == "stat":
            self.stat = [int(w) for w in word[1:]]
        elif kind == "left":
            self.left = [int(w) for w in word[1:]]
        elif kind == "opt":
            self.options[int(word[1])] = word[2]
        elif kind == "f":
            self.old.append((word[1], int(word[2])))
        elif kind == "e" and word[1] == "open" and word[2] == "-12":
            self.absent = True
        elif kind == "e":
            self.wrong.append(" ".join(word[1:]))
        elif kind == "end":
            self.status = int(word[1])


def judge(model, answer, name):
    """Sentences about what is wrong; the check pushed NAME1 and NAME2 itself."""
    bad = list(answer.wrong)
    if answer.status != 0 and not bad:
        signal = answer.status & 127
        bad.append(f"killed by signal {signal}" if signal else f"status {answer.status >> 8}")
    if bad:
        return bad
    if answer.absent and (model.queue or model.must):
        bad.append("no queue")
    there = set(answer.there)
    bad += ["lost: " + n for n in sorted(model.must - there)]
    bad += ["back or invented: " + n for n in sorted(there - model.may)]
    bad += _groups(model, there)
    bad += _facts(model, answer)
    bad += _use(model, answer, name)
    return bad


def _groups(model, there):
    """Of pushes under way: what came through are the first ones, or all."""
    for kind, names in model.groups:
        came = [n in there for n in names]
        if kind == "=" and any(came) != all(came):
            yield "in part: " + names[0]
        if kind == "<" and came != sorted(came, reverse=True):
            yield "with gaps: " + names[0]


def _facts(model, answer):
    if not answer.absent:
        for number, values in model.options.items():
            if answer.options.get(number) not in values:
                yield f"option {number}: {answer.options.get(number)}"
    for name, (state, _, failures) in answer.there.items():
        if name in model.dead and name in model.must and state != "dead":
            yield f"not dead: {name}"
        if name in model.must and failures < model.failures.get(name, 0):
            yield f"failures of {name}: {failures}"


def _use(model, answer, name):
    """All that was waiting or leased is delivered, once; nothing else is."""
    want = {n for n, (state, _, _) in answer.there.items() if state in ("ready", "leased")}
    want -= {n for n in want if n[0] == "x"}  # their time was over
    want |= {name + "1", name + "2"}
    due = {n for n, (state, _, _) in answer.there.items() if state == "delayed"}
    taken = set(answer.taken)
    if len(taken) < len(answer.taken):
        yield "delivered twice"
    yield from ("not delivered: " + n for n in sorted(want - taken))
    yield from ("delivered: " + n for n in sorted(taken - want - due))
    for receipt, code in answer.old:
        if code == 0:
            yield f"receipt of a lost lease settles a new one: {receipt}"
    if answer.left is None or answer.left[0] or answer.left[2]:
        yield f"left: {answer.left}"
    elif answer.left[4] != answer.left[1] + answer.left[3] + answer.left[5]:
        yield f"books: {answer.left}"
