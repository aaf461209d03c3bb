"""Memory: each allocation of each command fails, once and from then on."""

from inject import status
from judge import expected, sound
from shim import preloaded

SHIM = 'shim-alloc'


def attacks(shape, op, chosen):
    """(variant, what is wrong) of each attack that is chosen."""
    last = preloaded(shape, op, SHIM, 0, False).report.count
    for at in range(1, last + 1):
        for always in (False, True):
            name = f'{at}:always' if always else f'{at}'
            if not chosen(name):
                continue
            outcome = preloaded(shape, op, SHIM, at, always)
            if outcome.report.hits:
                yield name, judged(shape, op, outcome)


def judged(shape, op, outcome):
    """What is wrong after memory ran out."""
    if outcome.report.how != 'exit':
        return [f'{outcome.report}: {outcome.result}']
    wrong = status(outcome.result, expected(shape, op), muted=False)
    wrong += sound(shape, op, outcome)
    return [f'{outcome.result}: {line}' for line in wrong]
