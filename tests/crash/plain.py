"""A queue as q(7) has it, with nothing of how it is stored: a dictionary of messages, and
what each act makes of them. All times are nanoseconds, and are given."""

import bisect
from dataclasses import dataclass, field, replace
from typing import Optional

SECOND = 10**9
LOOK = 16  # messages of dead holders that a take frees, if it does not want more
MOST = 256  # messages of a kind that fall due in one transaction
COUNTS = ('pushed', 'done', 'expired', 'purged', 'delivered', 'retried', 'failed',
          'released', 'lapsed', 'died', 'bytes_in', 'bytes_out')


@dataclass
class Clock:
    """The time that commands are given; boots are numbered."""
    wall: int
    boot: int
    number: int = 0


@dataclass
class Message:
    """All that is known of a message. due is by the wall clock where it waits, by the boot
    clock where it is leased; None then: held by a process, which has ended."""
    id: int
    body: bytes
    pushed: int
    priority: int = 0
    most: int = 0
    due: Optional[int] = 0
    expires: int = 0
    key: str = ''
    group: str = ''
    headers: dict = field(default_factory=dict)
    state: str = 'ready'
    changed: int = 0
    delivery: int = 0
    uncounted: int = 0
    in_a_row: int = 0
    settled: str = ''
    lapsed: bool = False
    ahead: bool = False
    boot: int = -1
    owner: Optional[int] = None

    @property
    def attempts(self):
        return self.delivery - self.uncounted - self.ahead


class Plain:
    """The queue. Acts are as if nobody else used it."""

    def __init__(self, clock):
        self.clock, self.messages = clock, {}
        self.next = 1
        self.count = dict.fromkeys(COUNTS, 0)
        self.option = {'max-attempts': 20, 'remember': 3600, 'max-leased': 0, 'window': 0,
                       'backoff': 5, 'backoff-max': 3600, 'group-on-dead': 'skip'}
        self.members = {}  # of each group: ids, in order, of those who are not over
        self.keys = {}     # (id, until when it is known once that is over)
        self.done = {}     # (delivery, until when it is remembered)
        self.gone = set()  # owners that have ended

    # From state to state.

    def enter(self, m, state):
        m.state, m.changed = state, self.clock.wall

    def join(self, m):
        """Into its group: blocked if there is somebody before it."""
        ids = self.members.setdefault(m.group, [])
        if not m.group or m.id in ids:
            return
        if ids:
            m.due = m.due if m.state == 'delayed' else 0
            m.state = 'blocked'
        bisect.insort(ids, m.id)

    def leave_group(self, m):
        ids = self.members.get(m.group, [])
        if not m.group or m.id not in ids:
            return
        ids.remove(m.id)
        if m.state != 'blocked' and ids:
            head = self.messages[ids[0]]
            self.enter(head, 'delayed' if head.due > self.clock.wall else 'ready')

    def end(self, m, how):
        del self.messages[m.id]
        self.count[how] += 1
        if m.key and self.keys.get(m.key, (0, 0))[0] == m.id:
            del self.keys[m.key]
            if how == 'done' and self.option['window']:
                self.keys[m.key] = (m.id, self.clock.wall + self.option['window'] * SECOND)
        self.leave_group(m)

    def die(self, m):
        self.count['died'] += 1
        self.enter(m, 'dead')
        if self.option['group-on-dead'] == 'skip':
            self.leave_group(m)

    def most(self, m):
        return m.most or self.option['max-attempts']

    def expired(self, m):
        return 0 < m.expires <= self.clock.wall

    def retry(self, m, due=0):
        """It comes back."""
        if m.attempts >= self.most(m):
            self.die(m)
        elif self.expired(m):
            self.end(m, 'expired')
        else:
            was_dead, m.state = m.state == 'dead', 'ready'
            if isinstance(due, tuple) or due > self.clock.wall:
                m.state, m.due = 'delayed', due
            if was_dead:
                self.join(m)
            self.enter(m, m.state)

    def lapse(self, m):
        self.count['lapsed'] += 1
        m.uncounted += m.ahead
        m.in_a_row = m.in_a_row if m.ahead else 0
        m.owner, m.lapsed, m.ahead = None, True, False
        self.retry(m)

    # Time.

    def over(self, m):
        """Whether a lease has ended by its time."""
        return m.state == 'leased' and (m.boot != self.clock.number or (
            m.due is not None and m.due <= self.clock.boot))

    def due(self, m):
        """Whether a delay has ended. One that is not known exactly has not."""
        return m.state == 'delayed' and isinstance(m.due, int) and m.due <= self.clock.wall

    def fallen(self):
        """What has fallen due: of each kind, how many."""
        wall = self.clock.wall
        return (sum(map(self.expired, self.messages.values())),
                sum(map(self.due, self.messages.values())),
                sum(map(self.over, self.messages.values())),
                sum(until <= wall for _, until in self.done.values()),
                sum(0 < until <= wall for _, until in self.keys.values()))

    def promote(self):
        """What any change of the queue does first; no more than MOST have fallen due."""
        wall = self.clock.wall
        while ended := sorted((m.expires, m.id) for m in self.messages.values()
                              if self.expired(m) and m.state not in ('leased', 'dead')):
            self.end(self.messages[ended[0][1]], 'expired')
        for m in self.messages.values():
            if self.due(m):
                self.enter(m, 'ready')
        for m in [m for m in self.messages.values() if self.over(m)]:
            self.lapse(m)
        self.done = {n: d for n, d in self.done.items() if d[1] > wall}
        self.keys = {k: u for k, u in self.keys.items() if not 0 < u[1] <= wall}

    def state(self, m):
        """As it is shown, whatever was promoted."""
        state = m.state
        if self.over(m) or (state == 'leased' and (m.due is None or m.owner in self.gone)):
            state = 'dead' if m.attempts >= self.most(m) else 'ready'
        elif self.due(m):
            state = 'ready'
        if state not in ('leased', 'dead') and self.expired(m):
            return 'expired'
        return state

    # What commands do.

    def known(self, key):
        """The message that has a key, or 0."""
        number, until = self.keys.get(key, (0, 0))
        if not key or until:
            return number if until > self.clock.wall else 0
        m = self.messages.get(number)
        return number if m and m.state != 'dead' else 0

    def push(self, pushes):
        """Dictionaries with the fields of messages: the ids they get."""
        self.promote()
        return [self.add(p) for p in pushes]

    def add(self, p):
        if number := self.known(p.get('key', '')):
            return number
        m = Message(self.next, pushed=self.clock.wall, **p)
        self.next += 1
        self.messages[m.id] = m
        self.count['pushed'] += 1
        self.count['bytes_in'] += len(m.body)
        m.state = 'delayed' if m.due > self.clock.wall else 'ready'
        if m.state == 'ready':
            m.due = 0
        self.join(m)
        m.changed = self.clock.wall
        if m.key:
            self.keys[m.key] = (m.id, 0)
        return m.id

    def replace(self, old, body):
        """By another that is like it: its id."""
        self.end(old, 'purged')
        m = replace(old, id=self.next, body=body, uncounted=old.delivery - old.attempts,
                    in_a_row=0, settled='', lapsed=False)
        self.next += 1
        self.messages[m.id] = m
        self.count['pushed'] += 1
        self.count['bytes_in'] += len(body)
        if old.state != 'dead':
            m.state = 'delayed' if old.state != 'ready' and m.due > self.clock.wall \
                else 'ready'
            self.join(m)
            self.keys |= {m.key: (m.id, 0)} if m.key else {}
        elif self.option['group-on-dead'] == 'hold' and not self.members.get(m.group):
            self.join(m)
        return m.id

    def free_dead(self, most):
        """The leases of those who have ended, the oldest messages first."""
        held = [m for n, m in sorted(self.messages.items())
                if m.state == 'leased' and m.due is None]
        for m in held[:most]:
            self.lapse(m)
        for m in [m for m in self.messages.values() if m.owner in self.gone]:
            if m.state == 'leased':
                self.lapse(m)

    def in_order(self):
        ready = [m for m in self.messages.values() if m.state == 'ready']
        return sorted(ready, key=lambda m: (-m.priority, m.id))

    def choose(self, n, number=0, group=''):
        room = self.option['max-leased']
        if room:
            n = min(n, max(0, room - sum(
                m.state == 'leased' for m in self.messages.values())))
        ids = (number,) if number else self.members.get(group, ())
        return [m for m in self.in_order()
                if not (number or group) or m.id in ids][:n]

    def take(self, n, due, owner=None, **which):
        """Lease up to n messages; due is None if they are held."""
        self.promote()
        self.free_dead(max(LOOK, n))
        found = self.choose(n, **which)
        if not found and which.get('number', 0) in (0, *self.messages):
            self.free_dead(MOST)
            found = self.choose(n, **which)
        for m in found:
            self.deliver(m, due, owner)
        return found

    def deliver(self, m, due=None, owner=None, ahead=False):
        m.delivery += 1
        m.settled, m.lapsed, m.ahead = '', False, ahead
        m.owner, m.boot = owner, self.clock.number
        m.due = due if due is None else self.clock.boot + due
        self.enter(m, 'leased')
        self.count['delivered'] += 1
        self.count['bytes_out'] += len(m.body)
        self.count['retried'] += m.delivery > 1

    def is_stale(self, m, delivery, verb, strict):
        """None if it is not; else whether it was settled so before."""
        if m.delivery != delivery:
            return False
        if m.state != 'leased' and not m.lapsed:
            return m.settled == verb
        if m.state != 'leased' and strict:
            return False
        ids = self.members.get(m.group, [])
        if verb == 'extend' and m.state == 'dead' and m.group and ids and m.id not in ids:
            return False
        return None

    def settle(self, number, delivery, verb, due=None, strict=False):
        """What becomes of a receipt: its result, whether that is of before. due is how long
        until the message is back, or its lease over."""
        m = self.messages.get(number)
        if m is None:
            if number not in self.done:
                return 'gone', False
            again = self.done[number][0] == delivery and verb == 'ack'
            return 'ok' if again else 'stale', again
        again = self.is_stale(m, delivery, verb, strict)
        if again is not None:
            return 'ok' if again else 'stale', again
        if verb != 'extend':
            m.owner = None
        m.settled, m.lapsed = verb, False
        getattr(self, 'settle_' + verb)(m, due)
        return 'ok', False

    def settle_ack(self, m, _):
        self.end(m, 'done')
        if self.option['remember']:
            self.done[m.id] = (m.delivery,
                               self.clock.wall + self.option['remember'] * SECOND)

    def settle_release(self, m, due):
        m.in_a_row += 1
        m.uncounted += 1
        self.count['released'] += 1
        self.retry(m, self.after(due, m.in_a_row))

    def settle_fail(self, m, due):
        m.in_a_row = 0
        self.count['failed'] += 1
        self.retry(m, self.after(due, m.attempts))

    def settle_dead(self, m, _):
        m.in_a_row = 0
        self.count['failed'] += 1
        self.die(m)

    def settle_extend(self, m, due):
        if m.state == 'dead':
            self.join(m)
        if m.state != 'leased' or m.due is not None:
            m.due = self.clock.boot + due
        m.boot, m.settled = self.clock.number, ''
        if m.state != 'leased':
            self.enter(m, 'leased')

    def after(self, delay, attempt):
        """When it is back. Without a delay it backs off: the earliest and the latest."""
        if delay is not None:
            return delay and self.clock.wall + delay
        most = min(self.option['backoff-max'],
                   self.option['backoff'] * 2 ** (attempt - 1)) * SECOND
        return self.clock.wall + most - most // 2, self.clock.wall + most

    # Administration.

    MEANT = {'purge': ('ready', 'delayed', 'blocked', 'dead'), 'redrive': ('dead',),
             'release': ('delayed', 'leased'),
             'dead': ('ready', 'delayed', 'blocked', 'leased'),
             'move': ('ready', 'delayed', 'blocked', 'dead')}

    def is_meant(self, m, act, state='', older=0):
        """Whether an act is for a message."""
        return m.state in ((state,) if state else self.MEANT[act]) \
            and (not older or m.pushed <= self.clock.wall - older) \
            and not (act in ('redrive', 'move') and self.expired(m))

    def manage(self, act, m):
        m.lapsed, m.settled, m.owner = False, '', None
        getattr(self, 'act_' + act)(m)

    def act_purge(self, m):
        self.end(m, 'purged')

    def act_redrive(self, m):
        m.uncounted, m.in_a_row, m.state = m.delivery, 0, 'ready'
        self.join(m)
        self.enter(m, m.state)

    def act_release(self, m):
        if m.state == 'leased':
            m.uncounted += 1
            self.count['released'] += 1
            self.retry(m)
        else:
            self.enter(m, 'ready')

    def act_dead(self, m):
        if m.state != 'leased':
            m.delivery += 1
            m.uncounted += 1
        if m.state == 'blocked':
            self.leave_group(m)
        m.in_a_row = 0
        self.die(m)

    def move(self, chosen, other):
        """Into another queue: they are dead until they are there."""
        pushes = []
        for m in chosen:
            due = m.due if m.state == 'delayed' and not m.delivery else 0
            pushes.append({name: getattr(m, name) for name in (
                'body', 'priority', 'most', 'expires', 'key', 'group', 'headers')}
                | {'due': due})
            m.lapsed, m.settled, m.owner = False, '', None
            if m.state == 'blocked':
                self.leave_group(m)
            self.enter(m, 'dead')
        if pushes:
            other.push(pushes)
        for m in chosen:
            self.end(m, 'purged')
