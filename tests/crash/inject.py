"""Errors: each system call of each command fails with each errno, once and from then on,
or moves half of its bytes."""

import errno
import re

from attack import DOCUMENTED, traced
from judge import expected, sound

ERRORS = ('EIO', 'ENOSPC', 'EDQUOT', 'ENOMEM', 'EMFILE', 'EINTR', 'EAGAIN', 'EACCES')
ALWAYS = 1 << 30
# A call that is interrupted is made again: for ever would be a hang of our own making.
OFTEN = {'EINTR': 50}
FEW = 3  # where a worker has done its work, it tries to settle for a minute
FLUSHES = ('fsync', 'fdatasync')
FULL = ('ENOSPC', 'EDQUOT')
LOST = re.compile('is lost$|is damaged$')  # of a message, by who repaired


def variants(n, op):
    """The names of what is done to the n-th call, and the options of trace."""
    most = FEW if op.works else ALWAYS
    yield f'{n}:short', ['-s', str(n)]
    for name in ERRORS:
        number = getattr(errno, name)
        yield f'{n}:{name}', ['-e', f'{n}:{number}']
        yield f'{n}:{name}:always', ['-e', f'{n}:{number}:{OFTEN.get(name, most)}']


def attacks(shape, op, chosen):
    """(variant, what is wrong) of each attack that is chosen."""
    # A count of calls that can fail: 0 is never reached.
    last = traced(shape, op, ['-e', '0:5']).report.count
    for n in range(1, last + 1):
        for name, how in variants(n, op):
            if not chosen(name):
                continue
            outcome = traced(shape, op, how)
            if outcome.report.hits:
                # On a full disk a worker opens the queue anew, and settles again.
                again = op.works and name.split(':')[1] in FULL
                lost = 'check' in op.argv and 'EIO' in name \
                    and outcome.report.call == 'pread64'
                yield name, judged(shape, op, outcome, again, lost)


def judged(shape, op, outcome, again, lost):
    """What is wrong after calls that failed. lost: a page that the disk does not give is
    damaged, for who checks, and repairs what can be read."""
    report, result = outcome.report, outcome.result
    if report.how != 'exit':
        return [f'{report}: {result.err.decode(errors="replace").strip()}']
    wrong = [] if lost and result.code == 65 else \
        status(result, expected(shape, op), muted=report.call == 'write')
    # Who hands over promises nothing by some: an output that cannot be kept is noted as
    # lost, and origins that cannot be forgotten at the end are so in time.
    if report.call in FLUSHES and result.code == 0 and not again \
            and '--to' not in op.argv:
        wrong.append('status 0, and not flushed')
    # A COMMAND whose end is not known has failed.
    wrong += [line for line in sound(shape, op, outcome, spared=report.call == 'wait4')
              if not lost or result.code != 0 or not LOST.search(line)]
    return [f'{report.call}({report.fd}), {result}: {line}' for line in wrong]


def status(result, usual, muted):
    """What is wrong with an exit status, and with the words that go with it."""
    code = result.code
    if code == usual:
        return []
    if code not in DOCUMENTED:
        return ['not a documented status']
    if code in (0, 1, 2, 65):
        return [f'status {code} for a call that failed']
    if not result.err and not muted:
        return ['not a word on stderr']
    return []
