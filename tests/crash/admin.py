"""What must hold after administration was attacked, whatever it was: no message is lost or
there twice but where that is what was asked for, and every queue is sound and usable."""

import os
from collections import Counter

from command import run
from state import OTHER, QUEUE, Broken, body_of, books, rows

PROBE = b'probe'


def queues(root):
    """The queues below root."""
    return sorted(name for name in os.listdir(root)
                  if os.path.exists(os.path.join(root, name, 'data.mdb'))
                  and not name.startswith('.'))


def held(root, name, wrong):
    """The bodies in a queue; what is wrong with it is added to wrong."""
    stat = run(['qstat', '--json', name], root)
    listing = run(['qstat', '--list', '--json', '--body', name], root)
    check = run(['qctl', 'check', name], root)
    for result in (stat, listing, check):
        if result.code != 0:
            wrong.append(f'{name} afterwards: {result}')
            return []
    found = {row['id']: row for row in rows(listing)}
    wrong += [f'{name}: {line}' for line in books(rows(stat)[0], found)]
    return [body_of(row) for row in found.values()]


def compared(shape, op, bodies, done):
    """What is wrong with the bodies of all queues together."""
    wanted, there = Counter(shape.bodies.values()), Counter(bodies)
    fresh = Counter(op.pushes)
    wrong = []
    if not op.ends:
        wrong += [f'{body[:20]!r} is lost' for body in wanted - there]
    if done:
        wrong += [f'{body[:20]!r} is stored, by the status, and is not'
                  for body in fresh - there]
    most = wanted + fresh + (wanted if op.doubles else Counter())
    return wrong + [f'{body[:20]!r} is there too often' for body in there - most]


def again(shape, op):
    """Do op again, undisturbed; what is wrong with that."""
    result = run(op.arguments(shape), shape.root)
    return [] if result.code in (0, 1) else [f'again: {result}']


def mended(shape):
    """Repair the queue, undisturbed; what is wrong with that."""
    result = run(['qctl', 'check', '--repair', '--yes', QUEUE], shape.root)
    return [] if result.code == 0 else [f'repaired afterwards: {result}']


def usable(root, name):
    """What is wrong with the use of a queue."""
    if run(['qctl', 'resume', name], root).code != 0:
        return [f'{name} cannot be resumed']
    pushed = run(['qpush', '-i', name, PROBE.decode()], root)
    popped = run(['qpop', '--id', pushed.out.decode().strip(), name], root)
    if pushed.code != 0 or popped.code != 0 or popped.out != PROBE:
        return [f'{name} is not usable: {pushed}, {popped}']
    return []


def sound(shape, op, outcome, spared):
    """What does not hold after an outcome, a line each."""
    wrong, bodies = [], []
    done = outcome.result.code == op.usual and not spared
    doubles = 'backup' in op.argv or bool(op.stdin)
    try:
        if OTHER in op.argv and not op.stdin and not done:
            # What was interrupted takes over the rest when it is done again.
            wrong += again(shape, op)
        if shape.damaged and not (done and '--repair' in op.argv):
            wrong += mended(shape)
        names = queues(shape.root)
        if QUEUE not in names and not op.ends:
            wrong.append('the queue is gone')
        for name in names:
            if not doubles or name == QUEUE:
                bodies += held(shape.root, name, wrong)
        wrong += compared(shape, op, bodies, done)
        if doubles and done:
            wrong += copied(shape)
        for name in names:
            wrong += usable(shape.root, name)
    except Broken as e:
        wrong.append(str(e))
    return wrong


def copied(shape):
    """What is wrong with a copy: a backup, or a queue that was loaded."""
    wrong = []
    copy = shape.root + '.copy' if os.path.isdir(shape.root + '.copy') else OTHER
    bodies = held(shape.root, copy, wrong)
    if Counter(bodies) != Counter(shape.bodies.values()):
        wrong.append(f'of {len(shape.bodies)} messages the copy has {len(bodies)}')
    return wrong
