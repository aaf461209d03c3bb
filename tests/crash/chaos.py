"""Four producers and four consumers, all killed at random, and the history they leave.
A single consumer is not killed: it sees the messages of each producer in order.

Each event of the history is a command that ended: when it was started and when it was
over, and what it is known to have done. A command that was killed may have done it."""

import os
import random
import threading
import time
from dataclasses import dataclass, field

from attack import end_orphans
from command import Result, end, environment, read, start, write
from history import Delivery, History, Push, fifo
from state import QUEUE, body_of, rows

PATIENCE = 600  # seconds: nobody takes so long, whatever the queue holds
LEASE = 4  # seconds; some are abandoned, and run out meanwhile or afterwards
# Whoever finds its own message being run by somebody else says so.
SCRIPT = '''set -C
{ echo >"$Q_DIR/$Q_ID"; } 2>/dev/null || echo "clash $Q_ID" >>"$Q_LOG"
echo "ran $Q_ID $Q_ATTEMPT $(cat)" >>"$Q_LOG"
rm -f "$Q_DIR/$Q_ID"'''


@dataclass
class Plan:
    """What is done, and how often it is disturbed."""
    seed: int
    pushes: int
    deadly: float = 0.35   # of all commands, so many are killed
    producers: int = 4
    consumers: tuple = ('print', 'lease', 'lease', 'work')
    base: str = ''
    at_a_time: int = 0  # if not 0, messages of each push and take
    sizes: tuple = ()   # likewise, one of these each time
    history: History = field(default_factory=History)


class Actor(threading.Thread):
    """One who runs commands one after the other, and notes what they did."""

    def __init__(self, plan, name):
        super().__init__()
        self.plan, self.who = plan, name
        self.dice = random.Random(f'{plan.seed} {name}')
        self.files = os.path.join(plan.base, name)
        self.failed = []
        self.deadly = plan.deadly

    def command(self, argv, stdin=b'', env=None, spare=False):
        """(started, over, exit status or minus a signal, output)"""
        after = None
        if not spare and self.dice.random() < self.deadly:
            after = self.dice.random() * 0.006
        given = '/dev/null'
        if stdin:
            given = self.files + '.in'
            write(given, stdin)
        began = time.monotonic()
        pid = start(argv, env or environment(self.plan.base), given,
                    self.files + '.out', self.files + '.err')
        code = end(pid, after if after is not None else PATIENCE)
        over = time.monotonic()
        if code == -9:
            self.plan.history.kills += 1
        if code not in (0, 1, -9) or (code == -9 and after is None):
            self.failed.append(f'{argv[0]}: status {code}: '
                               f'{read(self.files + ".err").decode().strip()}')
        return began, over, code, read(self.files + '.out')


    def several(self, usual):
        """How many messages, if not as many as usual."""
        if self.plan.sizes:
            return self.dice.choice(self.plan.sizes)
        return self.plan.at_a_time or self.dice.choice(usual)

    def found(self, *argv):
        """What qstat shows of a queue nobody uses any more."""
        out = self.command(['qstat', *argv], spare=True)[3]
        return [] if self.failed else rows_of(out)


class Producer(Actor):
    """Pushes numbered messages, one or a few at a time."""

    def run(self):
        made = 0
        while made < self.plan.pushes:
            n = self.several((1, 1, 1, 5))
            bodies = [f'{self.who} {made + i}' for i in range(n)]
            made += n
            text = ''.join(b + '\n' for b in bodies).encode()
            began, over, code, out = self.command(['qpush', '-l', '-i', QUEUE], text)
            self.plan.history.add(Push(began, over, code == 0, bodies,
                                       [int(w) for w in out.split()]))


class Consumer(Actor):
    """Takes messages in one of the ways, until told that all is over."""

    def __init__(self, plan, name, way, over):
        super().__init__(plan, name)
        self.way, self.over = way, over

    def run(self):
        while not self.over.is_set():
            getattr(self, self.way)()

    def taken(self, out):
        return rows_of(out[:out.rfind(b'\n') + 1])

    def print(self):
        began, over, code, out = self.command(
            ['qpop', '-j', '-n', str(self.several((3,))), QUEUE])
        for row in self.taken(out):
            self.plan.history.add(Delivery(
                began, over, row['id'], body_of(row).decode(),
                settled=over if code == 0 else None))

    def leased(self):
        """Messages under a lease: what is printed, and what is noted of it."""
        argv = ['qpop', '-j', '-L', f'{LEASE}s', '-n', str(self.several((2,))), QUEUE]
        began, over, _, out = self.command(argv)
        return [(row, Delivery(began, over, row['id'], body_of(row).decode(),
                               until=began + LEASE)) for row in self.taken(out)]

    def settle(self, some, *how):
        """Acknowledge, or do something else with, some of what is leased."""
        asked, answered, code, _ = self.command(
            ['qack', *how, QUEUE, '-'],
            ''.join(row['receipt'] + '\n' for row, _ in some).encode())
        for _, note in some:
            note.until = min(note.until, asked)
            note.settled = answered if code == 0 and not how else None

    def lease(self):
        found = self.leased()
        if found and self.dice.random() < 0.9:
            self.settle(found)
        for _, note in found:
            self.plan.history.add(note)

    def part(self):
        """Some are acknowledged, some given back in one way or another, some forgotten."""
        found = self.leased()
        ways = ((), ('--release',), ('--fail', '-d', '10ms'), None)
        weights = self.dice.choice(((5, 3, 1, 1), (2, 4, 0, 0), (8, 1, 0, 1)))
        chosen = self.dice.choices(ways, weights, k=len(found))
        for way in ways[:3]:
            if some := [one for one, its in zip(found, chosen) if its == way]:
                self.settle(some, *way)
        for _, note in found:
            self.plan.history.add(note)

    def work(self):
        log = self.files + '.log'
        env = environment(self.plan.base, Q_LOG=log,
                          Q_DIR=os.path.join(self.plan.base, 'running'))
        self.command(['qpop', '-n', '8', '-P', '2', QUEUE, '--', '/bin/sh', '-c', SCRIPT],
                     env=env)


def rows_of(out):
    """The JSON objects of an output."""
    return rows(Result(0, out, b''))


def worked(plan):
    """What workers' commands noted: deliveries whose times are not known."""
    for i in range(len(plan.consumers)):
        for line in read(os.path.join(plan.base, f'c{i}.log')).decode().splitlines():
            word, number, *rest = line.split(' ', 3)
            if word == 'clash':
                plan.history.clashes.append(int(number))
            else:
                plan.history.add(Delivery(0, time.monotonic(), int(number), rest[1]))


def play(plan):
    """Run it to the end; what is wrong, a line each."""
    os.makedirs(os.path.join(plan.base, 'running'))
    over = threading.Event()
    first = Actor(plan, 'main')
    first.command(['qctl', 'create', QUEUE], spare=True)
    producers = [Producer(plan, f'p{i}') for i in range(plan.producers)]
    consumers = [Consumer(plan, f'c{i}', way, over)
                 for i, way in enumerate(plan.consumers)]
    if len(consumers) == 1:
        consumers[0].deadly = 0
    for actor in producers + consumers:
        actor.start()
    for actor in producers:
        actor.join()
    over.set()
    for actor in consumers:
        actor.join()
    end_orphans()  # else they write into the next play's logs
    worked(plan)
    first.command(['qctl', 'check', QUEUE], spare=True)
    found = first.found('--list', '--json', '--body', QUEUE)
    left = {row['id']: body_of(row).decode() for row in found}
    stat = first.found('--json', QUEUE)
    wrong = [line for actor in producers + consumers + [first] for line in actor.failed]
    if not first.failed:
        wrong += plan.history.check(left, stat[0])
    return wrong + (list(fifo(plan.history)) if len(consumers) == 1 else [])
