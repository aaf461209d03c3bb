"""One attack: a command run with a library preloaded that makes the n-th call fail."""

import os
import struct

from attack import Outcome, Report, launch, prepare
from command import BIN, environment, read, write


def preloaded(shape, op, shim, at, always, **more):
    """Run op on shape, its at-th call of those that shim has failing, and with always
    each one after it; the report has how many there were."""
    given = prepare(shape, op)
    count = shape.root + '.count'
    write(count, bytes(8))
    env = environment(
        shape.root, os.path.join(BIN, 'api'), Q_LOG=shape.root + '.log',
        LD_LIBRARY_PATH=BIN, LD_PRELOAD=os.path.join(BIN, 'tool', shim), SHIM_AT=str(at),
        SHIM_COUNT=count, SHIM_ALWAYS='1' if always else '0', **more)
    argv = op.arguments(shape)
    result = launch(shape, [os.path.join(BIN, 'api', argv[0])] + argv[1:], given, env)
    number = struct.unpack('Q', read(count))[0]
    how = 'exit' if result.code >= 0 else 'signal'
    report = Report(number, number >= at > 0, shim, at, how, abs(result.code))
    return Outcome(result, report, read(shape.root + '.log'))
