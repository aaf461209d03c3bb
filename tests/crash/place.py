#!/usr/bin/env python3
"""Places: each place of a command that calls the system or asks for memory fails, the
first time it is reached, each time, and by a signal that interrupts it; or does half.

    place.py [--ops OP,...] [--times N] [--case 'OP SHAPE PLACE HOW']

A command of this list must name no file that is not its own: a check that fails may let
it replace what is there, and who runs this may be root.

A place is attacked in the first N commands that reach it. What holds then: the command
ends by itself, with a documented status; if that is not the usual one, with words that
begin with the name of the program; and the queue is what the judge wants of it."""

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile

sys.dont_write_bytecode = True

import attack
import shapes
from attack import Outcome, Report, launch, prepare
from command import BIN, environment, read, write
from inject import status
from lmdb import CORRUPT, NEVER
from judge import expected, sound
from ops import DONE, OPS, OTHER, QUEUE, admin
from screen import play

SHIM = os.path.join(BIN, 'tool', 'shim-place')
ROW, ROWS, NAME = 32, 2048, 8
LARGE = '7'  # of the shape rich
WAITS = ('wait4', 'waitpid')  # a COMMAND whose end is not known has failed
SLOW = ('open', 'read', 'pread', 'write', 'pwritev', 'waitpid', 'wait4', 'poll', 'ppoll')
HALVED = ('read', 'pread', 'write', 'pwritev')
HOW = {'once': {}, 'always': {'SHIM_ALWAYS': '1'}, 'interrupted': {'SHIM_EINTR': '1'},
       'short': {'SHIM_ALWAYS': '1', 'SHIM_SHORT': '1'}, 'busy': {'SHIM_CODE': '-7'}, 'corrupt': {'SHIM_CODE': '-20'}}
# What is typed where a command is on a terminal.
KEYS = {
    'board': (b'\r', b'r', b'y', b'?', b'?', b'p', b'y', b'P', b'y', b'\x7f', b'sq'),
}
MORE = [
    admin('sizes', 'qstat', '--sizes', '--json', QUEUE),
    admin('all', 'qstat'),
    admin('all-sizes', 'qstat', '--sizes'),
    admin('met', 'qstat', '--check', 'ready>1000', QUEUE),
    admin('dashboard', 'qstat', '--grafana-dashboard'),
    admin('metrics-file', 'qstat', '--openmetrics', '-o', '@', QUEUE),
    admin('log-all', 'qwatch', '--since', '2020-01-01T00:00:00Z', '--json'),
    admin('events-all', 'qwatch', '--events', '--timeout', '10ms'),
    admin('alert-all', 'qwatch', '--alert', 'ready>0', '-n', '1', '--', 'true'),
    admin('until-done', 'qwatch', '--until', f'done {DONE}', QUEUE),
    admin('edit-large', 'qctl', 'edit', QUEUE, LARGE, ends=True,
          pushes=[shapes.LARGE[0] + b'!']),
    admin('push-file', 'qpush', '-f', __file__, '--json', QUEUE, pushes=[read(__file__)]),
    admin('pop-to-lines', 'qpop', '-n', 'all', '--to', OTHER, '--to-lines', QUEUE, '--', 'cat',
          shapes=('staged',)),
    admin('ack-dead', 'qack', '--dead', '--json', QUEUE, '-', ends=True),
    admin('board', 'qwatch', QUEUE, shapes=('staged',)),
]
# Without end, polls are a wait for nothing, and a file of which no name is one is no queue.
ONCE = ('poll', 'ppoll', 'q_path')


def hows(function):
    """The ways in which a function fails."""
    yield 'once'
    if function not in ONCE:
        yield 'always'
    if function in SLOW:
        yield 'interrupted'
    if function in HALVED:
        yield 'short'
    if function.startswith('q_'):
        yield 'busy'
        yield 'corrupt'


def attacked(shape, op, place=0, how='once'):
    """Run op on shape with a place failing; the outcome, and the places it reached."""
    given = prepare(shape, op)
    rows = shape.root + '.places'
    write(rows, bytes(ROW * ROWS))
    env = environment(
        shape.root, os.path.join(BIN, 'api'), Q_LOG=shape.root + '.log',
        LD_LIBRARY_PATH=BIN, LD_PRELOAD=SHIM, SHIM_PLACES=rows, SHIM_PLACE=str(place),
        TERM='xterm', **HOW[how])
    argv = op.arguments(shape)
    argv[0] = os.path.join(BIN, 'api', argv[0])
    if op.name in KEYS:
        result = play(argv, env, KEYS[op.name])
    else:
        result = launch(shape, argv, given, env)
    ended = 'exit' if result.code >= 0 else 'signal'
    reached = dict(listed(read(rows)))
    report = Report(len(reached), int(place in reached), reached.get(place, ''), 0, ended,
                    abs(result.code))
    return Outcome(result, report, read(shape.root + '.log')), reached


def listed(data):
    """(place, name of the function) of the rows of a file."""
    for at in range(0, len(data), ROW):
        place = int.from_bytes(data[at:at + NAME], 'little')
        if place == 0:
            return
        yield place, data[at + NAME:at + ROW].rstrip(b'\0').decode()


def judged(shape, op, outcome, how):
    """What is wrong after a place failed."""
    result, report = outcome.result, outcome.report
    if report.how != 'exit':
        return [f'{report}: {result}']
    usual = expected(shape, op)
    wrong = []
    if how != 'corrupt' or result.code != CORRUPT:
        wrong = status(result, usual, muted=False)
    for line in result.err.decode(errors='replace').splitlines():
        if not line.startswith((f'{op.argv[0]}: ', 'sed: ', 'ba')):
            wrong.append(f'says {line!r}')
    wrong += [line for line in sound(shape, op, outcome, report.call in WAITS)
              if how != 'corrupt' or any(words in line for words in NEVER)]
    return [f'{report.call}: {result}: {line}' for line in wrong]


workshop = {}


def shape_of(name, base):
    if name not in workshop:
        home = os.path.join(base, str(os.getpid()))
        os.makedirs(home, exist_ok=True)
        workshop[name] = shapes.make(name, home)
    return workshop[name]


ALL = OPS + MORE
BY_NAME = {op.name: op for op in ALL}


def reach(unit):
    base, op, name = unit
    return unit, attacked(shape_of(name, base), BY_NAME[op])[1]


def attack_place(unit):
    """(case, what is wrong)"""
    base, op, name, place, how = unit
    shape = shape_of(name, base)
    outcome = attacked(shape, BY_NAME[op], place, how)[0]
    return f'{op} {name} {place} {how}', judged(shape, BY_NAME[op], outcome, how)


def begin():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    attack.adopt_orphans()


def plan(pool, base, names, most):
    """The units of all places of the commands named."""
    times, found = {}, []
    todo = [(base, op.name, shape) for op in ALL if not names or op.name in names
            for shape in op.shapes if shape != 'deep']
    for (_, op, shape), reached in pool.imap(reach, todo):
        for place, function in reached.items():
            key = BY_NAME[op].argv[0], place
            times[key] = times.get(key, 0) + 1
            if times[key] <= most:
                found += [(base, op, shape, place, how) for how in hows(function)]
    return found, len(times)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--ops')
    p.add_argument('--times', type=int, default=1)
    p.add_argument('--case')
    args = p.parse_args()
    memory = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    base = tempfile.mkdtemp(prefix='qutils-place.', dir=memory)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    bad = 0
    try:
        if args.case:
            begin()
            op, shape, place, how = args.case.split()
            wrong = attack_place((base, op, shape, int(place), how))[1]
            print('\n'.join(wrong) or 'nothing is wrong')
            return 1 if wrong else 0
        with multiprocessing.Pool(None, begin) as pool:
            units, places = plan(
                pool, base, args.ops.split(',') if args.ops else [], args.times)
            for case, wrong in pool.imap_unordered(attack_place, units, 8):
                bad += bool(wrong)
                for line in wrong:
                    print(f'# {line}\n#     python3 tests/crash/place.py --case {case!r}',
                          flush=True)
        print(f'{places} places, {len(units)} attacks, {bad} violations')
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return 1 if bad or not units else 0


if __name__ == '__main__':
    sys.exit(main())
