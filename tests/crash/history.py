"""What a history of many must show: nothing lost, nothing invented, order, one holder."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from state import ENDED, STATES


@dataclass
class Push:
    """A command that pushed bodies, and the ids it printed."""
    began: float
    over: float
    stored: bool
    bodies: list
    ids: list


@dataclass
class Delivery:
    """A message that somebody was given; held until, acknowledged at settled."""
    began: float
    over: float
    id: int
    body: str
    until: float = 0
    settled: float = None


@dataclass
class History:
    """Events in the order in which they were noted."""
    pushes: list = field(default_factory=list)
    deliveries: list = field(default_factory=list)
    clashes: list = field(default_factory=list)
    kills: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, event):
        with self.lock:
            (self.pushes if isinstance(event, Push) else self.deliveries).append(event)

    def check(self, left, stat):
        """What is wrong, given what is left in the queue and its numbers."""
        return [*self.lost(left), *self.invented(left), *self.twice(), *self.held(),
                *self.order(), *self.numbers(left, stat)]

    def known(self):
        """Body by id, as printed: stored for certain."""
        return {n: body for p in self.pushes for n, body in zip(p.ids, p.bodies)}

    def lost(self, left):
        seen = {d.id for d in self.deliveries} | set(left)
        for number, body in self.known().items():
            if number not in seen:
                yield f'lost: message {number} ({body}) was stored'
        for p in self.pushes:
            if p.stored and len(p.ids) != len(p.bodies):
                yield f'{len(p.ids)} ids printed for {len(p.bodies)} messages stored'

    def invented(self, left):
        tried = {body for p in self.pushes for body in p.bodies}
        known, bodies = self.known(), {}
        found = [(d.id, d.body) for d in self.deliveries] + list(left.items())
        for number, body in found:
            if body not in tried:
                yield f'invented: message {number} ({body})'
            if known.get(number, body) != body:
                yield f'message {number} is {body}, pushed was {known[number]}'
            if bodies.setdefault(body, number) != number:
                yield f'{body} is stored twice, as {bodies[body]} and {number}'

    def twice(self):
        """After its acknowledgement a message is given to nobody."""
        settled = {}
        for d in self.deliveries:
            if d.settled is not None:
                settled[d.id] = min(d.settled, settled.get(d.id, d.settled))
        for d in self.deliveries:
            if d.began > settled.get(d.id, d.began):
                yield f'message {d.id} was delivered after its acknowledgement'
        ended = [d.id for d in self.deliveries if d.settled is not None]
        for number, times in Counter(ended).items():
            if times > 1:
                yield f'message {number} was acknowledged by two'

    def held(self):
        """While one has a message under a lease, nobody else is given it."""
        by_id = {}
        for d in self.deliveries:
            if d.began:
                by_id.setdefault(d.id, []).append(d)
        for number, list_of in by_id.items():
            for one in list_of:
                for other in list_of:
                    if one.over <= other.began and other.over <= one.until:
                        yield f'message {number} had two holders at a time'
        for number in self.clashes:
            yield f'message {number} was run by two workers at a time'

    def order(self):
        """Of each producer, ids ascend as the messages were pushed. The request of one that
        was killed may be served after his next: he was not told when."""
        number_of = {body: n for n, body in self.known().items()}
        last = {}
        for body, number in sorted(number_of.items(), key=place):
            who = body.split()[0]
            if number < last.get(who, 0):
                yield f'{body} is message {number}, behind a later one'
            last[who] = number

    def numbers(self, left, stat):
        there = sum(stat[name] for name in STATES)
        ended = sum(stat[name] for name in ENDED)
        if stat['pushed'] != there + ended or there != len(left):
            yield f'{stat["pushed"]} pushed, {there} there ({len(left)}), {ended} ended'


def place(item):
    """Producer and serial number of (body, id)."""
    who, serial = item[0].split()
    return who, int(serial)


def fifo(history):
    """For a single consumer: each producer's messages come as they were pushed, those of
    which he was told."""
    last, told = {}, set(history.known().values())
    for d in history.deliveries:
        if d.body not in told:
            continue
        who, serial = d.body.split()
        if int(serial) < last.get(who, -1):
            yield f'{d.body} was delivered after {who} {last[who]}'
        last[who] = int(serial)
