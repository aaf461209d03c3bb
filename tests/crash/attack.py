"""One attack: a command run under tests/tool/trace, which kills it or fails a call."""

import ctypes
import os
from dataclasses import dataclass

from command import BIN, Result, end, environment, read, start, write
from shapes import DUMP
from state import OTHER

TRACE = os.path.join(BIN, 'tool', 'trace')
PR_SET_CHILD_SUBREAPER = 36
HANG = 20  # seconds
DOCUMENTED = (0, 1, 2, 3, 4, 65, 75)


@dataclass
class Report:
    """What trace saw: calls made, calls hit, the first of these, and the end."""
    count: int
    hits: int
    call: str
    fd: int
    how: str
    number: int

    @property
    def killed(self):
        return self.how == 'signal' and self.number == 9

    def __str__(self):
        return f'{self.call}({self.fd}), then {self.how} {self.number}'


@dataclass
class Outcome:
    """An attack that was made."""
    result: Result
    report: Report
    log: bytes  # what COMMANDs wrote


def prepare(shape, op):
    """The shape in place, and what the command reads."""
    shape.restore()
    for name in ('.log', '.log.body', '.report'):
        if os.path.exists(shape.root + name):
            os.unlink(shape.root + name)
    if OTHER in op.argv and not op.stdin:
        shape.do('qctl', 'create', OTHER)
    stdin = shape.dump if op.stdin == DUMP else op.stdin
    if op.argv[-1] == '-':
        stdin = ''.join(r + '\n' for r in shape.receipts).encode()
    if not stdin:
        return '/dev/null'
    write(shape.root + '.in', stdin)
    return shape.root + '.in'


def adopt_orphans():
    """From here on, what commands leave running is this process's to wait for."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans():
    """Wait for what a command left running; it may have a lease."""
    try:
        while os.waitpid(-1, 0):
            pass
    except ChildProcessError:
        pass


def launch(shape, argv, given, env):
    """Run argv, and gather what it left. Of a hang, that is minus SIGKILL."""
    root = shape.root
    pid = start(argv, env, given, root + '.out', root + '.err')
    code = end(pid, 2 * HANG)
    end_orphans()
    return Result(code, read(root + '.out'), read(root + '.err'))


def traced(shape, op, how, follow=False):
    """Run op on shape with the options how of trace."""
    given = prepare(shape, op)
    argv = [TRACE, '-a', 'fcntl', '-t', str(HANG), '-r', shape.root + '.report', *how]
    if follow:
        argv.append('-f')
    env = environment(shape.root, Q_LOG=shape.root + '.log')
    result = launch(shape, argv + ['--'] + op.arguments(shape), given, env)
    if result.code != 0:
        raise RuntimeError(f'trace: {result}')
    words = read(shape.root + '.report').decode().split()
    report = Report(int(words[0]), int(words[1]), words[2], int(words[3]), words[4],
                    int(words[5]))
    result.code = report.number if report.how == 'exit' else -report.number or -99
    return Outcome(result, report, read(shape.root + '.log'))
