"""Memory: each allocation of each command fails, once and from then on."""

import os
import struct

from attack import Outcome, Report, launch, prepare
from command import BIN, environment, read, write
from inject import status
from judge import expected, sound

SHIM = os.path.join(BIN, 'tool', 'shim-alloc')


def limited(shape, op, at, always):
    """Run op, its at-th allocation failing; and how many there were."""
    given = prepare(shape, op)
    count = shape.root + '.count'
    write(count, bytes(8))
    env = environment(
        shape.root, os.path.join(BIN, 'api'), Q_LOG=shape.root + '.log',
        LD_LIBRARY_PATH=BIN, LD_PRELOAD=SHIM, SHIM_ALLOC=str(at), SHIM_COUNT=count,
        SHIM_ALWAYS='1' if always else '0')
    argv = op.arguments(shape)
    result = launch(shape, [os.path.join(BIN, 'api', argv[0])] + argv[1:], given, env)
    number = struct.unpack('Q', read(count))[0]
    how = 'exit' if result.code >= 0 else 'signal'
    report = Report(number, number >= at > 0, 'malloc', at, how, abs(result.code))
    return Outcome(result, report, read(shape.root + '.log'))


def attacks(shape, op, chosen):
    """(variant, what is wrong) of each attack that is chosen."""
    last = limited(shape, op, 0, False).report.count
    for at in range(1, last + 1):
        for always in (False, True):
            name = f'{at}:always' if always else f'{at}'
            if not chosen(name):
                continue
            outcome = limited(shape, op, at, always)
            if outcome.report.hits:
                yield name, judged(shape, op, outcome)


def judged(shape, op, outcome):
    """What is wrong after memory ran out."""
    if outcome.report.how != 'exit':
        return [f'{outcome.report}: {outcome.result}']
    wrong = status(outcome.result, expected(shape, op), muted=False)
    wrong += sound(shape, op, outcome)
    return [f'{outcome.result}: {line}' for line in wrong]
