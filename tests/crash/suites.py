"""The suites: what each attacks, and how much of it a run of scale 1 does."""

import os
import shutil
import zlib
from dataclasses import dataclass
from typing import Callable

import alloc
import chaos
import inject
import kill
import lmdb
import model
import shapes
import storm
from ops import BY_NAME, OPS


@dataclass
class Suite:
    """share is the part of the attacks that scale 1 makes, 1 being all; commands and shapes
    have shares of their own."""
    title: str
    attacks: Callable
    share: float
    chosen: Callable = lambda op, shape: True
    parts: int = 4


def workers(op, shape):
    return op.gives == 'work' and shape != 'large'


def not_deep(op, shape):
    return shape != 'deep'


SHARES = {'deep': 0.3}  # of shapes: to judge 10,000 messages takes half a second


SUITES = {
    'kill': Suite('kill -9 at a system call', kill.attacks, 1),
    'kill-any': Suite('kill -9 of worker or COMMAND', kill.attacks_any, 0.06, workers),
    'error': Suite('system call fails', inject.attacks, 0.06, not_deep),
    'memory': Suite('allocation fails', alloc.attacks, 0.15, not_deep),
    'lmdb': Suite('call of LMDB fails', lmdb.attacks, 0.03, not_deep),
}
# (title, plays at scale 1, the consumers if not the usual ones)
PLAYS = {
    'random': ('kill -9 at random', 24, None),
    'order': ('producers killed at random', 40, ('print',)),
    'parts': ('batches taken apart, killed', 12, ('print', 'part', 'part', 'work')),
}
PUSHES = 100  # of each producer of a play
# Of a play of batches: messages of a producer, and at a time.
PARTS, SIZES = 1500, (1, 3, 20, 63, 64, 65, 130, 200)
# Others of which there are so many: (title, rounds at scale 1)
MODEL, STORM = 'model', 'storm'
ROUNDS = {
    MODEL: ('as a plain queue has it', 12),  # walks of random commands
    STORM: ('kill -9 of one of eight', 6),  # kills by the thousand
}
# One play of many messages: (title, messages at scale 1, at a time)
LONG = 'long'
LONG_PLAY = ('messages, killed at random', 100000, 500)


def picked(text, share):
    """Whether a case is in a share: each is, or is not, whenever it is asked."""
    return zlib.crc32(text.encode()) % 10000 < share * 10000


def units(names, scale, seed):
    """What is done in one piece: (suite, op, shape, part, parts, share, seed)."""
    found = []
    for name in names:
        if name == LONG:
            found.append((name, None, None, 0, 1, scale, seed))
            continue
        if name in PLAYS or name in ROUNDS:
            n = max(1, round({**PLAYS, **ROUNDS}[name][1] * scale))
            found += [(name, None, None, i, n, 1, seed) for i in range(n)]
            continue
        suite = SUITES[name]
        for op in OPS:
            if suite.share * scale < 1 and scale < 0.5 and not op.small:
                continue
            for shape in op.shapes:
                share = min(1, suite.share * op.share * SHARES.get(shape, 1) * scale)
                if suite.chosen(op, shape):
                    found += [(name, op.name, shape, i, suite.parts, share, seed)
                              for i in range(suite.parts)]
    return sorted(found, key=lambda u: u[2] != 'deep' and u[0] != LONG)


class Workshop:
    """A directory in memory, and the shapes that were built there."""

    def __init__(self, base):
        self.base = os.path.join(base, str(os.getpid()))
        os.makedirs(self.base)
        self.made = {}

    def shape(self, name):
        if name not in self.made:
            self.made[name] = shapes.make(name, self.base)
        return self.made[name]

    def work(self, unit):
        """(suite, attacks, [(case, what is wrong)])"""
        name, op, shape, part, parts, share, seed = unit
        if name == LONG:
            return self.long(f'{share:g}.{seed}')
        if name in PLAYS:
            return self.play(name, f'{seed}.{part}')
        if name == MODEL:
            return self.walk(f'{seed}.{part}')
        if name == STORM:
            return self.storm(f'{seed}.{part}')
        case = f'{name} {op} {shape}'

        def chosen(variant):
            text = f'{case} {variant}'
            return zlib.crc32(text.encode()[::-1]) % parts == part \
                and picked(f'{text} {seed}', share)

        done, wrong = 0, []
        for variant, lines in SUITES[name].attacks(
                self.shape(shape), BY_NAME[op], lambda v: chosen(str(v))):
            done += 1
            wrong += [(f'{case} {variant}', line) for line in lines]
        return name, done, wrong

    def play(self, name, seed):
        base = os.path.join(self.base, 'play')
        shutil.rmtree(base, ignore_errors=True)
        plan = chaos.Plan(seed, PUSHES, base=base)
        if PLAYS[name][2]:
            plan.consumers = PLAYS[name][2]
        if name == 'parts':
            plan.pushes, plan.sizes = PARTS, SIZES
        wrong = chaos.play(plan)
        return name, plan.history.kills, [(f'{name} {seed}', line) for line in wrong]

    def walk(self, text):
        """What is counted are its steps."""
        wrong = model.case(text, os.path.join(self.base, 'walk'))
        return MODEL, model.STEPS, [(f'{MODEL} {text}', line) for line in wrong]

    def storm(self, seed):
        kills, wrong = storm.storm(seed, os.path.join(self.base, 'storm'))
        return STORM, kills, [(f'{STORM} {seed}', line) for line in wrong]

    def long(self, seed):
        """Of this one the messages are counted, not the kills."""
        base = os.path.join(self.base, 'long')
        shutil.rmtree(base, ignore_errors=True)
        _, messages, at_a_time = LONG_PLAY
        plan = chaos.Plan(seed, 0, deadly=0.1, base=base, at_a_time=at_a_time)
        plan.pushes = max(at_a_time, round(
            messages * float(seed.rpartition('.')[0]) / plan.producers))
        wrong = chaos.play(plan)
        return (LONG, plan.producers * plan.pushes,
                [(f'{LONG} {seed}', line) for line in wrong])

    def case(self, text):
        """One case by its name: what is wrong."""
        words = text.split()
        if words[0] == LONG:
            return self.long(words[1])[2]
        if words[0] in PLAYS:
            return self.play(words[0], words[1])[2]
        if words[0] == MODEL:
            return self.walk(words[1])[2]
        if words[0] == STORM:
            return self.storm(words[1])[2]
        name, op, shape, variant = words
        return [(text, line) for _, lines in SUITES[name].attacks(
            self.shape(shape), BY_NAME[op], lambda v: str(v) == variant)
            for line in lines]
