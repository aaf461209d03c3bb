"""The queues that are attacked. Each is built once, by the commands, and put back in
place before each attack: the same files, so that the lease file is the one recorded."""

import os
import random
import re
import shutil
import subprocess

import craft
from command import BIN, Result, read, run, write
from state import QUEUE, look, rows

PARTS = ('data.mdb', 'hold', 'blob')
DUMP = b'dump of the shape'  # as stdin: what 'qctl dump' prints of it
LARGE = [bytes([65 + i]) * (1100000 + i) for i in range(3)]


def remove(path):
    """Remove a file, or a directory with all that is in it, if there is one."""
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.unlink(path)


class Shape:
    """A queue in a directory of its own, and what is known of it."""

    def __init__(self, name, base, build):
        self.name = name
        self.root = os.path.join(base, name)
        self.home = os.path.join(self.root, QUEUE)
        self.bodies, self.receipts, self.dump = {}, [], b''
        self.damaged = False  # it is to be repaired before its messages can be counted
        shutil.rmtree(self.root, ignore_errors=True)
        os.mkdir(self.root)
        build(self)
        self.exists = os.path.isdir(self.home)
        self.seen = set()  # by which commands it was seen untouched
        self.stat, self.messages, self.files = None, {}, {}
        if self.exists:
            if not self.damaged:
                self.stat, self.messages = look(self.root, bodies=False)
            self.files = {name: read(os.path.join(self.home, name))
                          for name in self.names()}

    def names(self):
        """The files of the queue that have content."""
        blobs = os.listdir(os.path.join(self.home, 'blob'))
        return ['data.mdb'] + [f'blob/{name}' for name in sorted(blobs)]

    def restore(self):
        """Put the queue back as it was built. What else is in its directory may be
        deleted at any time."""
        for name in os.listdir(self.root):
            if name != QUEUE:
                remove(os.path.join(self.root, name))
        remove(self.root + '.copy')
        if not self.exists:
            shutil.rmtree(self.root)
            os.mkdir(self.root)
            return
        if not os.path.isdir(self.home) or not os.path.exists(self.home + '/hold'):
            self.make_again()
        if self.names() != list(self.files):
            shutil.rmtree(os.path.join(self.home, 'blob'))
            os.mkdir(os.path.join(self.home, 'blob'), 0o700)
        for name in set(os.listdir(self.home)) - set(PARTS):
            os.unlink(os.path.join(self.home, name))
        for name, data in self.files.items():
            write(os.path.join(self.home, name), data)

    def make_again(self):
        """After it was removed. Its lease file is another one then: what was held is
        leased for a minute."""
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(os.path.join(self.home, 'blob'), 0o700)
        write(os.path.join(self.home, 'hold'), b'')

    def untouched(self):
        """Whether each byte is as it was built."""
        if not self.exists:
            return os.listdir(self.root) == []
        return os.listdir(self.root) == [QUEUE] \
            and set(os.listdir(self.home)) == set(PARTS) \
            and self.names() == list(self.files) \
            and all(read(os.path.join(self.home, name)) == data
                    for name, data in self.files.items())

    def do(self, *argv, stdin=b'') -> Result:
        """A command of the building, which must succeed."""
        result = run(list(argv), self.root, stdin)
        if result.code != 0:
            raise RuntimeError(f'{self.name}: {" ".join(argv)}: {result}')
        return result

    def push(self, bodies, *options):
        """Store bodies, in order."""
        ids = self.do('qpush', '-i', '-0', *options, QUEUE,
                      stdin=b''.join(b + b'\0' for b in bodies)).out.split()
        self.bodies.update(zip(map(int, ids), bodies))

    def lease(self, n):
        """Lease n messages for an hour, and keep their receipts."""
        taken = self.do('qpop', '-L', '1h', '-j', '-n', str(n), QUEUE)
        self.receipts += [row['receipt'] for row in rows(taken)]


def some(n, word='old'):
    """n bodies that can be told from one another."""
    return [f'{word} {i}'.encode() for i in range(n)]


def build_empty(s):
    s.do('qctl', 'create', QUEUE)


def build_used(s):
    """Empty again: with free pages and remembered receipts."""
    s.push(some(40))
    s.lease(20)
    s.do('qack', QUEUE, *s.receipts)
    s.do('qpop', '-n', 'all', QUEUE)
    s.bodies, s.receipts = {}, []


def build_small(s):
    s.push(some(6))
    s.push(some(2, 'urgent'), '-p', '5')


def build_deep(s):
    s.push(some(10000))


def build_leased(s):
    s.push(some(6))
    s.lease(3)


def build_large(s):
    s.push(LARGE[:2])
    s.push(some(1))
    s.lease(1)


def build_delayed(s):
    """One that has fallen due, some that are not due yet, and some that can expire."""
    s.push(some(3, 'later'), '-d', '1h')
    s.push(some(1, 'due'), '-d', '1ms')
    s.push(some(2, 'mortal'), '-e', '1d')
    while look(s.root, bodies=False)[0]['ready'] < 3:
        pass


def build_dead(s):
    s.push(some(5))
    s.lease(2)
    s.do('qack', '--dead', '--reason', 'no good', QUEUE, *s.receipts)
    s.receipts = []


def build_last(s):
    """Leased for the last attempt: a failure is death."""
    s.push(some(2), '-m', '1')
    s.push(some(2))
    s.lease(2)


LEASED, DEAD, DONE, FAILED = 8, 9, 10, 11  # messages of what is built now


def build_rich(s):
    """Something of everything there is."""
    s.do('qctl', 'create', QUEUE, 'log=10', 'results=all', 'window=1h',
         'backoff=1h')
    s.push([b'first'], '-H', 'a=b', '-p', '3')
    s.do('qpush', '-k', 'key', QUEUE, 'keyed')
    s.bodies[2] = b'keyed'
    s.push([b'g 1', b'g 2'], '-g', 'g')
    s.push([b'mortal'], '-e', '1d')
    s.push([b'later'], '-d', '1h')
    s.push(LARGE[:1])
    s.push([b'leased'], '-p', '9')
    s.lease(1)
    s.push([b'dead'], '-p', '9', '-m', '1')
    s.do('qctl', 'dead', '--reason', 'no good', QUEUE, str(DEAD))
    s.push([b'done'], '-p', '9')
    s.do('qpop', QUEUE, '--', 'cat')
    del s.bodies[DONE]
    s.push([b'fails'], '-p', '9', '-H', 'a=b')
    run(['qpop', QUEUE, '--', 'sh', '-c', 'echo bad >&2; exit 3'], s.root)
    s.dump = s.do('qctl', 'dump', QUEUE).out


def build_broken(s):
    """All bodies are there, and rows of all else are damaged or lost."""
    build_rich(s)
    s.damaged = True
    for row in (('record', 'msg', f'{1:016x}'), ('record', 'msg', f'{LEASED:016x}'),
                ('lose', 'ready', f'{100:02x}{2:016x}'),
                ('record', 'failure', f'{FAILED:016x}{1:08x}'),
                ('record', 'result', f'{DEAD:016x}'),
                ('record', 'meta', b'counters'.hex())):
        subprocess.run([f'{BIN}/tool/damage', f'{s.home}/data.mdb', *row], check=True)


def build_torn(s):
    """All bodies are there, and pages that say what became of them are not."""
    build_rich(s)
    s.damaged = True
    path = f'{s.home}/data.mdb'
    data = bytearray(read(path))
    for table in ('ready', 'msg', 'group'):
        for name, how in craft.crafted(data, random.Random(1)):
            if re.search(f'of {table}, page .* is of no kind', name):
                how(data)
                break
    write(path, data)


def build_none(s):
    """No queue at all."""


BUILD = {
    'none': build_none, 'empty': build_empty, 'used': build_used,
    'small': build_small, 'deep': build_deep, 'leased': build_leased,
    'large': build_large, 'delayed': build_delayed, 'dead': build_dead,
    'last': build_last, 'rich': build_rich, 'staged': build_rich,
    'broken': build_broken, 'torn': build_torn,
}


def make(name, base):
    """Build the shape of that name below base."""
    return Shape(name, base, BUILD[name])
