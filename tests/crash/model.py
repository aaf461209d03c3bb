#!/usr/bin/env python3
"""Random commands on two queues, one after the other, against plain.py: after each, what
it printed, its exit status, the numbers and each message are what they have to be.

    model.py [--steps N] [--minimise] SEED[:STEP,...]

Time stands still, and is moved between commands. What a step does is decided by its number
and by what there is; so it can be left out, and a walk that went wrong be made shorter."""

import argparse
import itertools
import os
import random
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True

from acts import ACTS, push
from attack import adopt_orphans
from command import BIN, Result, end, environment, read, start, write
from plain import MOST, SECOND, Clock, Plain
from state import ENDED, STATES, Broken, body_of, rows

STEPS = 60
WALL, BOOT = 1_800_000_000, 100_000
SHOWN = ('id', 'state', 'attempt', 'delivery', 'max_attempts', 'priority', 'key', 'group',
         'headers', 'size', 'pushed', 'changed', 'due', 'expires')


def time_of(text):
    """Nanoseconds of a time as JSON has it."""
    date, _, fraction = text.rstrip('Z').partition('.')
    (y, m, d), clock = map(int, date[:10].split('-')), date[11:].split(':')
    y, m = (y - 1, m + 9) if m < 3 else (y, m - 3)
    days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * m + 2) // 5 + d - 719469
    hour, minute, second = map(int, clock)
    return (days * 86400 + hour * 3600 + minute * 60 + second) * SECOND \
        + int((fraction + '0' * 9)[:9])


class Walk:
    """Queues, what they should be, and the dice of the step at hand."""

    def __init__(self, base, seed, trace=False):
        self.base, self.seed, self.trace = base, seed, trace
        self.root = os.path.join(base, 'root')
        self.files = os.path.join(base, 'file')
        os.makedirs(self.root)
        self.clock = Clock(WALL * SECOND, BOOT * SECOND)
        self.plain = {'q': Plain(self.clock), 'r': Plain(self.clock)}
        self.receipts = {'q': [], 'r': []}  # (receipt, id, delivery), of all there were
        self.owners = []
        self.serial = itertools.count(1)
        self.dice = random.Random(seed)
        self.step = 0

    def environment(self):
        name = self.files + '.boot'
        write(name, b'%08d-0000-4000-8000-000000000000\n' % self.clock.number)
        return environment(
            self.root, f'{BIN}/api', LD_LIBRARY_PATH=BIN, SHIM_STILL='1', Q_LOG=self.files
            + '.log', LD_PRELOAD=f'{BIN}/tool/shim-time', SHIM_BOOT_ID=name,
            SHIM_WALL=str(self.clock.wall // SECOND),
            SHIM_BOOT=str(self.clock.boot // SECOND))

    def run(self, *argv, stdin=b'', out=None):
        """Run a command to its end."""
        write(self.files + '.in', stdin)
        pid = start([f'{BIN}/api/{argv[0]}', *argv[1:]], self.environment(),
                    self.files + '.in', out or self.files + '.out', self.files + '.err')
        code = end(pid, 60)
        result = Result(code, b'' if out else read(self.files + '.out'),
                        read(self.files + '.err'))
        if self.trace:
            print(f'{self.step}: {self.clock.wall // SECOND - WALL} s: {" ".join(argv)}'
                  f'  <<< {len(stdin)} bytes, {result}')
        return result

    def must(self, *argv, code=0, stdin=b'', out=None):
        """Run a command that has to end with a status."""
        result = self.run(*argv, stdin=stdin, out=out)
        if result.code != code:
            raise Broken(f'{" ".join(argv)}: {result}, and not status {code}')
        return result

    def same(self, what, is_, wanted):
        """Compare two values; of lists, where they differ first."""
        if is_ == wanted:
            return
        if isinstance(is_, list) and isinstance(wanted, list):
            at = next((i for i, (a, b) in enumerate(zip(is_, wanted)) if a != b),
                      min(len(is_), len(wanted)))
            one, other = is_[at:at + 1], wanted[at:at + 1]
            if one and other and isinstance(one[0], dict):
                differ = {name for name in one[0] | other[0]
                          if one[0].get(name) != other[0].get(name)}
                one, other = ([{name: row.get(name) for name in ('id', *sorted(differ))}]
                              for row in (one[0], other[0]))
            raise Broken(f'{what}: {len(is_)}, wanted {len(wanted)}; at {at} {one}, '
                        f'wanted {other}')
        raise Broken(f'{what}: {is_}, wanted {wanted}')

    def fresh_log(self):
        write(self.files + '.log', b'')

    def log(self):
        """What COMMANDs wrote."""
        return read(self.files + '.log').decode().split()

    # What has to be.

    def expected(self, plain, m):
        """A message as it is to be listed."""
        row = {'id': m.id, 'state': plain.state(m), 'attempt': m.attempts,
               'delivery': m.delivery, 'max_attempts': plain.most(m),
               'priority': m.priority, 'headers': m.headers, 'size': len(m.body),
               'pushed': m.pushed, 'changed': m.changed, 'body': m.body}
        row |= {name: value for name in ('key', 'group') if (value := getattr(m, name))}
        if row['state'] == 'delayed' or (row['state'] == 'blocked' and m.due > self.clock.wall):
            row['due'] = m.due
        if row['state'] == 'leased' and m.due is not None:
            row['due'] = self.clock.wall + m.due - self.clock.boot
        if m.expires:
            row['expires'] = m.expires
        return row

    def shown(self, row):
        """The same, of what is listed."""
        found = {name: row[name] for name in SHOWN if name in row}
        for name in ('pushed', 'changed', 'due', 'expires'):
            if name in found:
                found[name] = time_of(found[name])
        return found | {'body': body_of(row)}

    def listed(self, queue):
        """The messages of a queue, as they are shown."""
        result = self.must('qstat', '--list', '--json', '--body', queue)
        return list(map(self.shown, rows(result)))

    def compare(self, queue):
        plain = self.plain[queue]
        found = self.listed(queue)
        self.adopt(plain, found)
        wanted = [self.expected(plain, m) for _, m in sorted(plain.messages.items())]
        over = [row for row in wanted if row['state'] == 'expired']
        wanted = [row for row in wanted if row['state'] != 'expired']
        self.same(f'messages of {queue}', found, wanted)
        stat = rows(self.must('qstat', '--json', queue))[0]
        count = {name: sum(row['state'] == name for row in wanted) for name in STATES}
        count |= {name: plain.count[name] for name in ('pushed', *ENDED)}
        count['expired'] += len(over)
        count['bytes'] = sum(len(m.body) for m in plain.messages.values())
        if not self.pending(plain):
            count |= plain.count
        self.same(f'numbers of {queue}', {name: stat[name] for name in count}, count)

    def adopt(self, plain, found):
        """What is left to chance, within its bounds: (least, most) until it is known."""
        for row in found:
            m = plain.messages.get(row['id'])
            if m and isinstance(m.due, tuple):
                due = row.get('due', self.clock.wall)
                if not m.due[0] <= due <= m.due[1]:
                    raise Broken(f'message {m.id} is due at {due}, not within {m.due}')
                m.due = due

    def pending(self, plain):
        """Whether something has changed with time that is not stored."""
        return any(plain.state(m) != m.state for m in plain.messages.values())

    def check(self, queue):
        result = self.run('qctl', 'check', queue)
        if result.code != 0:
            raise Broken(f'check: {result} {result.out.decode()}')

    def flush(self, queue):
        """Have stored what has changed with time, as far as one change does not."""
        plain = self.plain[queue]
        for _ in range(0, max(plain.fallen()), MOST):
            self.must('qctl', 'set', queue, f'remember={plain.option["remember"]}')
        plain.promote()

    # A walk.

    def begin(self):
        for queue in self.plain:
            self.must('qctl', 'create', queue, 'inline=4K')
            push(self, queue, self.plain[queue])

    def one(self, number):
        self.step = number
        self.dice = random.Random(f'{self.seed} {number}')
        act = self.dice.choices([f for f, _ in ACTS], [w for _, w in ACTS])[0]
        queue = 'q' if self.dice.random() < 0.9 else 'r'
        act(self, queue, self.plain[queue])
        for name in self.plain:
            self.compare(name)
            if number % 4 == 0:
                self.check(name)

    def close(self):
        for owner in self.owners:
            owner.kill()
            owner.wait()


def walk(seed, steps, base, trace=False):
    """Do the steps of a seed: (the one that went wrong, how), or None."""
    shutil.rmtree(base, ignore_errors=True)
    w = Walk(base, seed, trace)
    number = 0
    try:
        w.begin()
        for number in steps:
            w.one(number)
        for queue in w.plain:
            w.flush(queue)
            w.compare(queue)
            w.check(queue)
    except Broken as e:
        return number, str(e)
    finally:
        w.close()
    return None


def case(text, base, trace=False):
    """A walk by its name, SEED or SEED:STEP,...: what is wrong, a line each."""
    seed, _, only = text.partition(':')
    steps = [int(n) for n in only.split(',')] if only else range(1, STEPS + 1)
    wrong = walk(seed, steps, base, trace)
    return [f'step {wrong[0]}: {wrong[1]}'] if wrong else []


def minimised(seed, steps, base):
    """The fewest steps found that go wrong still."""
    size = len(steps) // 2
    while size:
        for at in range(0, len(steps), size):
            fewer = steps[:at] + steps[at + size:]
            wrong = fewer and walk(seed, fewer, base)
            if wrong:
                steps = [n for n in fewer if n <= wrong[0]]
                break
        else:
            size //= 2
    return steps


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('case', metavar='SEED[:STEP,...]')
    p.add_argument('--steps', type=int, default=STEPS)
    p.add_argument('--minimise', action='store_true')
    p.add_argument('-v', '--verbose', action='store_true')
    args = p.parse_args()
    adopt_orphans()
    memory = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    top = tempfile.mkdtemp(prefix='qutils-model.', dir=memory)
    base = os.path.join(top, 'walk')
    seed, _, only = args.case.partition(':')
    steps = [int(n) for n in only.split(',')] if only else list(range(1, args.steps + 1))
    try:
        wrong = walk(seed, steps, base, args.verbose)
        if wrong and args.minimise:
            steps = minimised(seed, [n for n in steps if n <= wrong[0]], base)
            wrong = walk(seed, steps, base, args.verbose)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    if args.minimise and wrong:
        print(f'{seed}:{",".join(map(str, steps))}')
    print(f'step {wrong[0]}: {wrong[1]}' if wrong else 'nothing is wrong')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
