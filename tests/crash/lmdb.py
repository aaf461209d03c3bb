"""LMDB: each call of each command fails, once and from then on, with each of the results
that LMDB has for it; or fails after it was done."""

import errno
import re

from inject import status
from judge import expected, sound
from shim import preloaded

SHIM = 'shim-lmdb'
# What LMDB has to say of a call, and what it says before anything is written.
CODES = {'EIO': errno.EIO, 'ENOSPC': errno.ENOSPC, 'ENOMEM': errno.ENOMEM,
         'CORRUPTED': -30796, 'MAP_FULL': -30792, 'TXN_FULL': -30788}
EARLY = ('MAP_FULL', 'TXN_FULL')
# Damage that LMDB sees is called so. A message that cannot be read is set aside, dead, and
# the next one is taken; one whose end cannot be noted is given again, or is in two queues.
# What never is:
CORRUPT = 65
DONE = re.compile('was (done|settled), by the status, and is (ready|not)')
NEVER = ('invented', 'another body', 'counted', 'afterwards', 'cannot be', 'not usable')


def variants(op):
    """The names of what is done to a call, and what the library is told."""
    for name, code in CODES.items():
        yield name, False, {'SHIM_CODE': str(code)}
        # A worker waits for a minute that there is room to settle.
        if not op.works or name != 'ENOSPC':
            yield f'{name}:always', True, {'SHIM_CODE': str(code)}
        if name not in EARLY:
            yield f'{name}:late', False, {'SHIM_CODE': str(code), 'SHIM_LATE': '1'}


def attacks(shape, op, chosen):
    """(variant, what is wrong) of each attack that is chosen."""
    last = preloaded(shape, op, SHIM, 0, False).report.count
    for at in range(1, last + 1):
        for name, always, told in variants(op):
            name = f'{at}:{name}'
            if not chosen(name):
                continue
            outcome = preloaded(shape, op, SHIM, at, always, **told)
            if outcome.report.hits:
                yield name, judged(shape, op, outcome, 'CORRUPTED' in name)


def judged(shape, op, outcome, damage):
    """What is wrong after LMDB failed."""
    result = outcome.result
    if outcome.report.how != 'exit':
        return [f'{outcome.report}: {result}']
    wrong = []
    if not damage or result.code != CORRUPT:
        wrong = status(result, expected(shape, op), muted=False)
    wrong += [line for line in sound(shape, op, outcome)
              if not damage or any(words in line for words in NEVER)
              or (result.code == 0 and DONE.search(line))]
    return [f'{result}: {line}' for line in wrong]
