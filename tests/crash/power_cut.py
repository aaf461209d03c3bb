# SPDX-License-Identifier: ISC
"""Which of the uncertain a cut keeps: everything, nothing, one, some, torn."""

import random

from power_disk import SECTOR, State, Write, sectors_of

META = 2 * 4096  # of LMDB: its two first pages say which tree is in force


def _whole(ops):
    return [(op, None) for op in ops]


def _all(rng, ino, ops):
    return _whole(ops)


def _none(rng, ino, ops):
    return []


def _meta(rng, ino, ops):
    """The pages that say what is in force, and nothing of what they speak of."""
    return _whole(op for op in ops if isinstance(op, Write) and op.at < META)


def _names(rng, ino, ops):
    """Every name, and nothing of the files."""
    return _whole(ops) if ino is None else []


def _files(rng, ino, ops):
    return [] if ino is None else _whole(ops)


def _lost(rng, ino, ops):
    skip = rng.randrange(len(ops)) if ops else 0
    return _whole(op for i, op in enumerate(ops) if i != skip)


def _kept(rng, ino, ops):
    return _whole([rng.choice(ops)]) if ops else []


def _prefix(rng, ino, ops):
    return _whole(ops[: rng.randrange(len(ops) + 1)])


def _random(rng, ino, ops):
    p = rng.choice((0, 0.1, 0.5, 0.9, 1))
    return _whole(op for op in ops if rng.random() < p)


def _torn(rng, ino, ops):
    p = rng.choice((0.2, 0.5, 0.8, 0.97))
    chosen = []
    for op in ops:
        if isinstance(op, Write) and len(op.data) > 2 * SECTOR:
            came = {s for s in sectors_of(op) if rng.random() < p}
            if came:
                chosen.append((op, came))
        elif rng.random() < p:
            chosen.append((op, None))
    return chosen


ONCE = (_all, _none, _meta, _names, _files)
AGAIN = (_random, _torn, _lost, _kept, _prefix)


def states(disk, seed, rounds):
    """States a cut now may leave, each with a name to find it again."""
    for how in ONCE + AGAIN * rounds:
        seed += 1
        rng = random.Random(seed)
        yield how.__name__[1:], State(disk, lambda ino, ops: how(rng, ino, ops))
