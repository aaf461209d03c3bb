"""Running one command: its input and output are files, its time is bounded."""

import os
import select
import signal
import time
from dataclasses import dataclass

BIN = os.environ.get('BIN') or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '..', '..', 'build')
BIN = os.path.abspath(BIN)
LIMIT = 60  # seconds; nothing here needs more than a few

FILE = os.POSIX_SPAWN_OPEN
MAKE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@dataclass
class Result:
    """How a command ended: its exit status, or minus the number of a signal."""
    code: int
    out: bytes
    err: bytes

    def __str__(self):
        how = f'exit {self.code}' if self.code >= 0 else f'signal {-self.code}'
        return f'{how} {self.err.decode(errors="replace").strip()}'


def environment(root, path=BIN, **more):
    """Of a command whose queues are below root."""
    env = {'PATH': f'{path}:/usr/bin:/bin', 'Q_ROOT': root, 'HOME': root,
           'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'EDITOR': 'sed -i s/$/!/', 'TMPDIR': root}
    env.update(more)
    return env


def start(argv, env, stdin, out, err):
    """The process id of argv, reading and writing the files named."""
    path = argv[0] if '/' in argv[0] else os.path.join(BIN, argv[0])
    actions = [(FILE, 0, stdin, os.O_RDONLY, 0), (FILE, 1, out, MAKE, 0o600),
               (FILE, 2, err, MAKE, 0o600)]
    return os.posix_spawn(path, argv, env, file_actions=actions,
                          setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])


def end(pid, kill_after=None):
    """Wait for a process, killing it after so many seconds if they are given."""
    if kill_after is not None:
        fd = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        deadline = time.monotonic() + kill_after
        while (left := deadline - time.monotonic()) > 0:
            if left < 0.001 and not poll.poll(0):
                time.sleep(left)
            elif poll.poll(left * 1000):
                break
        if not poll.poll(0):
            os.kill(pid, signal.SIGKILL)
        os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def read(path):
    """The bytes of a file, none if there is no such file."""
    try:
        with open(path, 'rb') as f:
            return f.read()
    except FileNotFoundError:
        return b''


def write(path, data):
    """Replace what a file holds."""
    with open(path, 'wb') as f:
        f.write(data)


def run(argv, root, stdin=b'', env=None, kill_after=LIMIT):
    """Run argv to its end. Its files are beside root, not in it."""
    given = '/dev/null'
    if stdin:
        given = root + '.in'
        write(given, stdin)
    out, err = root + '.out', root + '.err'
    pid = start(argv, env or environment(root), given, out, err)
    code = end(pid, kill_after)
    return Result(code, read(out), read(err))
