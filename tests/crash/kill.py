"""kill -9 at the n-th system call, for every n until the command ends by itself."""

from attack import traced
from judge import expected, sound



def attacks(shape, op, chosen, follow=False):
    """(n, what is wrong) of each attack that is chosen. With follow, the COMMANDs of a
    worker are counted and killed, too."""
    n, last = 0, traced(shape, op, [], follow).report.count + 1
    while n < last:
        n += 1
        if not chosen(n):
            continue
        outcome = traced(shape, op, ['-k', str(n)], follow)
        yield str(n), judged(shape, op, outcome, follow)
        if n == last and outcome.report.hits:
            last += 1  # it made more calls this time


def judged(shape, op, outcome, follow):
    """What is wrong after a kill."""
    report = outcome.report
    if report.how == 'hang':
        return [f'{report}']
    if report.hits == 0 and outcome.result.code != expected(shape, op):
        return [f'nothing was done to it, and yet: {outcome.result}']
    if report.hits and not report.killed and not follow:
        return [f'killed, and yet: {outcome.result}']
    return [f'at {report.call}: {line}'
            for line in sound(shape, op, outcome, follow and not report.killed)]


def attacks_any(shape, op, chosen):
    """The same, of a worker or of what it runs."""
    return attacks(shape, op, chosen, follow=True)
