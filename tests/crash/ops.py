"""The commands that are attacked: what each is given, and what it may change."""

from dataclasses import dataclass, field

from shapes import DEAD, DONE, DUMP, FAILED, LARGE, LEASED, some
from state import OTHER, QUEUE

ALL = 1 << 30
LOOKS, LOOKS_AT_ALL = 0.3, 0.05  # shares; the second of what looks at each process there is
# What a worker runs: one line, in one write, once its message was read whole.
SCRIPT = 'b=$(cat) || exit 1; echo "$Q_ID $Q_ATTEMPT $b" >>"$Q_LOG"'
COMMAND = ('--', '/bin/sh', '-c', SCRIPT)


@dataclass
class Op:
    """One command. '%' among its arguments stands for the receipts of the shape, '@' for
    a directory beside the queues."""
    name: str
    argv: tuple
    shapes: tuple
    stdin: bytes = b''
    pushes: list = field(default_factory=list)  # bodies, in order
    whole: bool = True    # they are stored in one commit
    delayed: bool = False
    takes: int = 0        # as many of what is ready may be taken
    gives: str = ''       # to whom: print, json, lease, work
    fails: bool = False   # the COMMAND does
    settles: str = ''     # the state that the receipts lead to
    option: tuple = ()    # that it sets
    small: bool = False   # also in a short run
    share: float = 1      # of its attacks, so many at scale 1: what only looks can do little
    # Administration, for which admin.py has a verdict of its own: it may end messages, or
    # give another queue the same once more. Its usual exit status.
    admin: bool = False
    ends: bool = False
    doubles: bool = False
    usual: int = 0

    @property
    def works(self):
        """Whether it is a worker."""
        return self.argv[0] == 'qpop' and '--' in self.argv

    def arguments(self, shape):
        """The command line for a shape; waits for a lock are short."""
        argv = []
        for word in self.argv:
            argv += shape.receipts if word == '%' else \
                [shape.root + '.copy'] if word == '@' else [word]
        return [argv[0], '--lock-wait', '50ms'] + argv[1:]


def push(name, *argv, shapes=('small',), **more):
    more.setdefault('pushes', [b'new 0'])
    return Op(name, ('qpush',) + argv, shapes, **more)


def pop(name, *argv, shapes=('small',), **more):
    more.setdefault('takes', 1)
    return Op(name, ('qpop',) + argv, shapes, **more)


def ack(name, *argv, shapes=('leased',), **more):
    return Op(name, ('qack',) + argv, shapes, **more)


BULK = b''.join(b + b'\n' for b in some(40, 'new'))
JSON = b''.join(b'{"body":"new %d","headers":{"n":"%d"}}\n' % (i, i) for i in range(3))
ANY = ('empty', 'used', 'small', 'deep', 'leased', 'large', 'delayed', 'dead')

OPS = [
    push('push', QUEUE, 'new 0', shapes=ANY, small=True),
    push('push-create', QUEUE, 'new 0', shapes=('none',), small=True),
    push('push-id', '-i', '-p', '7', '-H', 'a=b', '-m', '3', '-e', '1h', QUEUE, 'new 0'),
    push('push-delay', '-d', '1h', QUEUE, 'new 0', delayed=True, shapes=('delayed',)),
    push('push-stdin', QUEUE, stdin=b'new 0', shapes=('empty',)),
    push('push-lines', '-l', '-i', QUEUE, stdin=BULK, pushes=some(40, 'new'), whole=False,
         shapes=('none', 'empty', 'deep'), small=True),
    push('push-json', '-J', QUEUE, stdin=JSON, pushes=some(3, 'new'), whole=False),
    push('push-atomic', '--atomic', '-l', QUEUE, stdin=BULK, pushes=some(40, 'new'),
         shapes=('empty', 'delayed')),
    push('push-large', QUEUE, stdin=LARGE[2], pushes=[LARGE[2]],
         shapes=('none', 'small', 'large'), small=True),
    push('push-from', '--from-command', QUEUE, '--', 'printf', 'new 0'),
    pop('pop', QUEUE, gives='print', shapes=('small', 'used', 'deep', 'delayed', 'large'),
        small=True),
    pop('pop-all', '-n', 'all', '-0', QUEUE, gives='print', takes=ALL,
        shapes=('small', 'deep', 'large', 'delayed'), small=True),
    pop('pop-json', '-n', '3', '-j', QUEUE, gives='json', takes=3,
        shapes=('small', 'large')),
    pop('pop-lease', '-L', '1h', '-n', '2', '-j', QUEUE, gives='lease', takes=2,
        shapes=('small', 'leased', 'large', 'delayed'), small=True),
    pop('worker', '-n', '3', QUEUE, *COMMAND, gives='work', takes=3,
        shapes=('small', 'delayed'), small=True),
    pop('worker-two', '-n', 'all', '-P', '2', QUEUE, *COMMAND, gives='work', takes=ALL),
    pop('worker-fails', QUEUE, '--', '/bin/sh', '-c', SCRIPT + '; echo bad >&2; exit 7',
        gives='work', fails=True),
    pop('worker-large', QUEUE, '--', '/bin/sh', '-c',
        'cat >"$Q_LOG.body" && echo "$Q_ID $Q_ATTEMPT large" >>"$Q_LOG"', gives='work',
        shapes=('large',)),
    ack('ack', QUEUE, '%', settles='gone', shapes=('leased', 'large', 'last'), small=True),
    ack('ack-stdin', QUEUE, '-', settles='gone'),
    ack('release', '--release', QUEUE, '%', settles='ready', small=True),
    ack('release-delay', '--release', '-d', '1h', QUEUE, '%', settles='delayed'),
    ack('fail', '--fail', '--reason', 'no luck', '-d', '1h', QUEUE, '%',
        settles='delayed', small=True),
    ack('fail-last', '--fail', QUEUE, '%', settles='dead', shapes=('last',)),
    ack('dead', '--dead', '--reason', 'no good', QUEUE, '%', settles='dead',
        shapes=('leased', 'large')),
    ack('extend', '--extend', '2h', QUEUE, '%', settles='leased'),
    Op('create', ('qctl', 'create', QUEUE, 'remember=7m'), ('none',),
       option=('remember', '7m')),
    Op('set', ('qctl', 'set', QUEUE, 'remember=7m'), ('small', 'deep'),
       option=('remember', '7m')),
    Op('stat', ('qstat', '--json', QUEUE), ('delayed',), share=LOOKS),
    Op('list', ('qstat', '--list', '--json', '--body', QUEUE), ('large',), share=LOOKS),
]


def admin(name, *argv, shapes=('rich',), **more):
    return Op(name, argv, shapes, admin=True, **more)


FIRST = '1'  # message of the shape rich
OPS += [
    admin('check', 'qctl', 'check', QUEUE, share=LOOKS),
    admin('check-damaged', 'qctl', 'check', QUEUE, shapes=('broken', 'torn'), usual=65,
          share=LOOKS),
    admin('repair', 'qctl', 'check', '--repair', '--yes', QUEUE,
          shapes=('rich', 'broken', 'torn'), small=True, share=0.3),
    admin('compact', 'qctl', 'compact', QUEUE, shapes=('rich', 'used')),
    admin('backup', 'qctl', 'backup', QUEUE, '@'),
    admin('dump', 'qctl', 'dump', QUEUE, share=LOOKS),
    admin('load', 'qctl', 'load', OTHER, stdin=DUMP),
    admin('move', 'qctl', 'move', QUEUE, OTHER),
    admin('copy', 'qctl', 'copy', QUEUE, OTHER, doubles=True),
    admin('redrive', 'qctl', 'redrive', '--all', QUEUE),
    admin('redrive-to', 'qctl', 'redrive', '--all', '--to', OTHER, QUEUE),
    admin('purge', 'qctl', 'purge', '--yes', QUEUE, ends=True),
    admin('cancel', 'qctl', 'cancel', '--yes', QUEUE, FIRST, ends=True),
    admin('bury', 'qctl', 'dead', '--all', QUEUE),
    admin('give-back', 'qctl', 'release', QUEUE, str(LEASED)),
    admin('pause', 'qctl', 'pause', QUEUE),
    admin('drain', 'qctl', 'drain', '--timeout', '10ms', QUEUE, usual=1),
    admin('remove', 'qctl', 'rm', '--yes', '--force', QUEUE, ends=True),
    admin('get', 'qctl', 'get', QUEUE, share=LOOKS),
    admin('ls', 'qctl', 'ls', share=LOOKS),
    admin('queue', 'qstat', QUEUE, share=LOOKS),
    admin('board', 'qstat', '--forecast', QUEUE, share=LOOKS),
    admin('metrics', 'qstat', '--openmetrics', QUEUE, share=LOOKS),
    admin('holders', 'qstat', '--holders', QUEUE, share=LOOKS_AT_ALL),
    admin('messages', 'qstat', '--list', QUEUE, share=LOOKS),
    admin('message', 'qstat', QUEUE, str(DEAD), share=LOOKS),
    admin('result', 'qwatch', QUEUE, str(DONE), share=LOOKS),
    admin('until', 'qwatch', '--until', 'ready>0', QUEUE, share=LOOKS),
    admin('message-json', 'qstat', '--json', QUEUE, str(FAILED), share=LOOKS),
    admin('log', 'qwatch', '--since', '2020-01-01T00:00:00Z', QUEUE, share=LOOKS),
    admin('events', 'qwatch', '--events', '--json', '--since', '2020-01-01T00:00:00Z', '-n', '4',
          QUEUE, share=LOOKS),
    admin('alert', 'qwatch', '--alert', 'ready>0', '--clear', 'empty', '-n', '1', QUEUE, '--',
          'true', share=LOOKS),
    admin('edit', 'qctl', 'edit', QUEUE, FIRST, pushes=[b'first!'], ends=True),
    admin('rerun', 'qctl', 'rerun', QUEUE, str(FAILED), usual=3),
    admin('pop-file', 'qpop', '-o', '@', '-j', QUEUE, ends=True),
    admin('pop-group', 'qpop', '-g', 'g', QUEUE, ends=True),
    admin('pop-id', 'qpop', '--id', FIRST, QUEUE, ends=True),
    # Not where the queue is removed, too: what is leased is that for a minute then.
    admin('pop-batch', 'qpop', '-B', '2', '-n', 'all', QUEUE, '--', 'cat', ends=True,
          usual=4, shapes=('staged',)),
    admin('pop-to', 'qpop', '-n', 'all', '--to', OTHER, QUEUE, '--', 'cat',
          shapes=('staged',)),
    admin('push-rich', 'qpush', '-k', 'new', '-g', 'g', '-H', 'a=b', '-e', '1h', QUEUE, 'new 0',
          pushes=[b'new 0']),
    admin('push-again', 'qpush', '-k', 'key', QUEUE, 'new 0'),
]
BY_NAME = {op.name: op for op in OPS}
