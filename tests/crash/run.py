#!/usr/bin/env python3
"""Attack the commands, and see that nothing is lost: make crash.

    run.py [--scale N] [--seed N] [--jobs N] [--ops OP,...] [--first] [--tap] [SUITE...]
    run.py --case 'SUITE OP SHAPE VARIANT'
    run.py --scale 10 long          a million messages, and what history they leave
    run.py --scale 67 storm         a million kills

A scale of 4 is enough to kill each command that writes at each of its system calls, whatever
the shape of the queue. If none is given it follows from CRASH_SCALE, of which 1 is five
minutes of make crash on two cores. The table at the end counts attacks and violations; each
violation is a line with the case that makes it happen again, and the exit status is 1."""

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import attack
import suites

FIVE_MINUTES = 0.55  # the scale of what they leave to this
workshop = None


def begin(base):
    global workshop
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    attack.adopt_orphans()
    workshop = suites.Workshop(base)


def work(unit):
    began = time.monotonic()
    name, done, wrong = workshop.work(unit)
    return name, done, wrong, time.monotonic() - began


class Tally:
    """Attacks, violations and seconds of a suite."""

    def __init__(self):
        self.done, self.wrong, self.seconds = 0, [], 0.0


def attack_all(args, base):
    """Work through all units; a tally by suite."""
    todo = [unit for unit in suites.units(args.suites, args.scale, args.seed)
            if not args.ops or unit[1] in args.ops.split(',')]
    at_work = {unit[0] for unit in todo}
    tally = {name: Tally() for name in args.suites if name in at_work}
    with multiprocessing.Pool(args.jobs, begin, (base,)) as pool:
        for name, done, wrong, seconds in pool.imap_unordered(work, todo):
            t = tally[name]
            t.done += done
            t.wrong += wrong
            t.seconds += seconds
            for case, line in wrong:
                print(f'# {line}\n#     python3 tests/crash/run.py --case {case!r}',
                      file=sys.stderr if args.tap else sys.stdout, flush=True)
            if wrong and args.first:
                break  # which ends the pool
    return tally


def title(name):
    if name == suites.LONG:
        return suites.LONG_PLAY[0]
    if name in suites.ROUNDS:
        return suites.ROUNDS[name][0]
    return suites.PLAYS[name][0] if name in suites.PLAYS else suites.SUITES[name].title


def table(tally, seconds):
    row = '{:10} {:30} {:>9} {:>11} {:>9}'
    print(row.format('suite', '', 'attacks', 'violations', 'core-s'))
    for name, t in tally.items():
        print(row.format(name, title(name), t.done, len(t.wrong), f'{t.seconds:.0f}'))
    print(row.format('all', f'in {seconds:.0f} s', sum(t.done for t in tally.values()),
                     sum(len(t.wrong) for t in tally.values()), ''))


def tap(tally):
    for i, (name, t) in enumerate(tally.items()):
        good = t.done > 0 and not t.wrong
        print(f'{"ok" if good else "not ok"} {i + 1} - {title(name)}: '
              f'{t.done} attacks, {len(t.wrong)} violations')


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('suites', nargs='*', metavar='SUITE')
    p.add_argument('--scale', type=float,
                   default=FIVE_MINUTES * float(os.environ.get('CRASH_SCALE') or 1))
    p.add_argument('--seed', default='1')
    p.add_argument('--jobs', type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument('--ops')
    p.add_argument('--first', action='store_true')
    p.add_argument('--tap', action='store_true')
    p.add_argument('--case')
    args = p.parse_args()
    known = [*suites.SUITES, *suites.PLAYS, *suites.ROUNDS, suites.LONG]
    for name in args.suites:
        if name not in known:
            p.error(f'{name} is none of {", ".join(known)}')
    args.suites = args.suites or known
    return args


def main():
    args = arguments()
    if args.tap and os.environ.get('SAN'):
        print('1..0 # SKIP a sanitizer makes system calls and allocations of its own')
        return 0
    if args.tap:
        print(f'1..{len(args.suites)}', flush=True)
    memory = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    base = tempfile.mkdtemp(prefix='qutils-crash.', dir=memory)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    try:
        if args.case:
            begin(base)
            wrong = workshop.case(args.case)
            print('\n'.join(line for _, line in wrong) or 'nothing is wrong')
            return 1 if wrong else 0
        tally = attack_all(args, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    if args.tap:
        tap(tally)
    else:
        table(tally, time.monotonic() - began)
    return 1 if any(t.wrong or not t.done for t in tally.values()) or not tally else 0


if __name__ == '__main__':
    sys.exit(main())
