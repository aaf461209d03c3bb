"""What must hold after an attack, whatever was hit: of the messages one by one, of the
numbers, and of the use of the queue from then on."""

import os

import admin
from command import run
from state import QUEUE, Broken, body_of, books, changes, in_order, look, rows

PROBE = b'probe'
LARGE = b'large'  # in place of a body that is too long for a line


def expected(shape, op):
    """The exit status of op on shape when nobody disturbs it."""
    if op.admin:
        return op.usual
    if op.takes and not in_order(shape.messages):
        return 1
    return 4 if op.fails else 0


def is_large(row):
    """Whether the body of a message is a file of its own."""
    return row['size'] > 1 << 20


class Judge:
    """The verdict on one outcome: self.wrong has a line for each thing that is."""

    def __init__(self, shape, op, outcome, spared=False):
        """spared: the command lived on when a COMMAND of it died."""
        self.spared = spared
        self.shape, self.op, self.outcome = shape, op, outcome
        self.done = outcome.result.code == expected(shape, op)
        self.wrong = []
        self.settled = {int(r.split('.')[0]) for r in shape.receipts} if op.settles \
            else set()
        self.candidates = in_order(shape.messages)[:op.takes]
        self.given, self.receipts = self.read_given()

    def say(self, text):
        self.wrong.append(text)

    def read_given(self):
        """Which messages were handed over whole, and receipts by id."""
        op, out = self.op, self.outcome.result.out
        whole = out[:out.rfind(b'\n') + 1]
        if op.gives in ('json', 'lease'):
            found = rows(type(self.outcome.result)(0, whole, b''))
            for row in found:
                if body_of(row) != self.shape.bodies.get(row['id']):
                    self.say(f'message {row["id"]} was given with another body')
            receipts = {row['id']: row['receipt'] for row in found} \
                if op.gives == 'lease' else {}
            return [row['id'] for row in found], receipts
        if op.gives == 'work':
            return self.read_log(), {}
        return (self.read_bodies(out), {}) if op.gives == 'print' else ([], {})

    def read_log(self):
        ran = []
        for line in self.outcome.log.splitlines():
            number, _, body = (line.split(b' ', 2) + [b''])[:3]
            number = int(number)
            if body != self.shape.bodies.get(number) and body != LARGE:
                self.say(f'message {number} was run with another body')
            if number in ran:
                self.say(f'message {number} was run twice')
            ran.append(number)
        return ran

    def read_bodies(self, out):
        """Bodies one after the other, in order, the last perhaps in part."""
        given, mark = [], b'\0' if '-0' in self.op.argv else b''
        for number in self.candidates:
            body = self.shape.bodies[number] + mark
            if not out.startswith(body):
                if not body.startswith(out):
                    self.say('what was printed is not what was pushed')
                return given
            given.append(number)
            out = out[len(body):]
        if out:
            self.say('more was printed than there was')
        return given

    # The messages that were there before.

    def old_message(self, number, old, new):
        if number in self.settled:
            self.settled_message(number, old, new)
        elif number in self.candidates:
            self.taken_message(number, old, new)
        elif new is None:
            self.say(f'message {number} is lost')
        elif differs := changes(old, new):
            self.say(f'message {number} was changed: {", ".join(differs)}')

    def settled_message(self, number, old, new):
        state = 'gone' if new is None else new['state']
        changed = new is None or changes(old, new) != []
        if changed and state != self.op.settles:
            self.say(f'message {number} is {state}, not {self.op.settles}')
        if not changed and self.done:
            self.say(f'message {number} was settled, by the status, and is not')

    def taken_message(self, number, old, new):
        state = 'gone' if new is None else new['state']
        if state == 'gone':
            if self.op.gives == 'lease' or self.op.fails:
                self.say(f'message {number} is lost, nobody acknowledged it')
            elif number not in self.given:
                self.say(f'message {number} is lost, nobody was given it')
        elif self.done and self.op.gives in ('print', 'json', 'work') and not self.op.fails:
            self.say(f'message {number} was done, by the status, and is {state}')
        elif state == 'leased' and self.op.gives != 'lease':
            self.say(f'message {number} is still leased, its holder is gone')
        elif state == 'ready' and number in self.receipts:
            self.say(f'message {number} was leased, by its receipt, and is not')
        elif state not in ('ready', 'leased') and not (
                (self.op.fails or self.spared) and state == 'delayed'):
            self.say(f'message {number} is {state}')
        elif new['attempt'] > old['attempt'] + 1:
            self.say(f'message {number} has attempt {new["attempt"]}')

    # Those that are new.

    def new_messages(self, fresh):
        op, n = self.op, len(fresh)
        if n > len(op.pushes):
            self.say(f'{n - len(op.pushes)} messages were invented')
        if 0 < n < len(op.pushes) and op.whole:
            self.say(f'{n} of {len(op.pushes)} are stored, of one commit')
        if self.done and n < len(op.pushes):
            self.say(f'{n} of {len(op.pushes)} are stored, by the status all')
        if '-i' in op.argv:
            printed = [int(w) for w in self.outcome.result.out.split()]
            if printed != sorted(fresh)[:len(printed)]:
                self.say('an id was printed of what is not stored')
        wanted = 'delayed' if op.delayed else 'ready'
        for row in fresh.values():
            if row['state'] != wanted:
                self.say(f'message {row["id"]} is {row["state"]}, not {wanted}')

    def messages(self, stat, found):
        before = self.shape.messages
        for number, old in before.items():
            self.old_message(number, old, found.get(number))
        fresh = {n: row for n, row in found.items() if n not in before}
        self.new_messages(fresh)
        was = self.shape.stat or {'pushed': 0, 'done': 0, 'expired': 0, 'purged': 0}
        gone = len(before) + len(fresh) - len(found)
        if stat['pushed'] - was['pushed'] != len(fresh):
            self.say(f'{stat["pushed"] - was["pushed"]} counted pushed, {len(fresh)} are')
        if stat['done'] - was['done'] != gone:
            self.say(f'{stat["done"] - was["done"]} counted done, {gone} are gone')
        for line in books(stat, found):
            self.say(line)
        for number, row in found.items():
            if is_large(row) and not os.path.exists(self.blob(number)):
                self.say(f'the file of message {number} is missing')
        for number, body in zip(sorted(fresh), self.op.pushes):
            self.expected[number] = body

    def blob(self, name):
        return os.path.join(self.shape.home, 'blob', str(name))

    # The use of it afterwards.

    def must(self, argv, codes=(0,), stdin=b''):
        result = run(argv[:1] + ['--lock-wait', '5s'] + argv[1:], self.shape.root, stdin)
        if result.code not in codes:
            self.say(f'{argv[0]} afterwards: {result}')
        elif result.code == 0 and result.err and b'lease was over' not in result.err:
            self.say(f'{argv[0]} afterwards says {result.err.decode().strip()}')
        return result

    def again(self):
        """Settling with the same receipts again is no error, and settles them."""
        if self.op.settles:
            self.must(['qack'] + [w for w in self.op.arguments(self.shape)[3:]
                                  if w != '-'] + (self.shape.receipts if
                                                  self.op.argv[-1] == '-' else []))
        if self.receipts:
            self.must(['qack', QUEUE] + list(self.receipts.values()))

    def usable(self):
        self.again()
        pushed = self.must(['qpush', '-i', QUEUE, PROBE.decode()])
        if pushed.code == 0:
            popped = self.must(['qpop', '--id', pushed.out.decode().strip(), QUEUE])
            if popped.code == 0 and popped.out != PROBE:
                self.say('a message pushed afterwards is another when it is popped')
        found = look(self.shape.root, bodies=False)[1]
        wanted = in_order(found)
        drained = self.must(['qpop', '-n', 'all', '-j', QUEUE], (0,) if wanted else (1,))
        got = rows(drained)
        if [row['id'] for row in got] != wanted:
            self.say(f'of {len(wanted)} ready, {len(got)} are given, or in another order')
        for row in got:
            if body_of(row) != self.expected.get(row['id']):
                self.say(f'message {row["id"]} is given with another body')
        stat, left = look(self.shape.root, bodies=False)
        if stat['ready'] != 0:
            self.say(f'{stat["ready"]} are ready after all were taken')
        for line in books(stat, left):
            self.say(line)
        self.leftovers(left)

    def leftovers(self, left):
        """No file is there that no message names, after the next sweep."""
        names = os.listdir(self.shape.root)
        if names != [QUEUE]:
            self.say(f'left beside the queue: {sorted(set(names) - {QUEUE})}')
        wanted = {str(n) for n, row in left.items() if is_large(row)}
        blob = self.blob('')
        if set(os.listdir(blob)) == wanted:
            return
        self.must(['qpush', QUEUE], stdin=b'x' * 1100000)
        self.must(['qpop', QUEUE])
        names = set(os.listdir(blob))
        if names != wanted:
            self.say(f'left in blob: {sorted(names - wanted)}, '
                     f'missing: {sorted(wanted - names)}')

    def option_is(self):
        name, value = self.op.option
        result = run(['qctl', 'get', QUEUE, name], self.shape.root)
        is_new = result.out.decode().split()[-1:] == [value]
        if result.code != 0 or (self.done and not is_new):
            self.say(f'{name} is not {value}, by the status it is')

    def all(self):
        """Everything that must hold: what does not, a line each."""
        self.expected = dict(self.shape.bodies)
        try:
            if os.path.isdir(self.shape.home):
                self.messages(*look(self.shape.root, bodies=False))
                if self.op.option:
                    self.option_is()
            elif self.done or self.shape.exists:
                self.say('there is no queue')
            self.usable()
        except Broken as e:
            self.say(str(e))
        return self.wrong


def sound(shape, op, outcome, spared=False):
    """What does not hold after an outcome. A queue that is, byte for byte, what it was
    is looked at once."""
    if op.admin:
        return admin.sound(shape, op, outcome, spared)
    try:
        judge = Judge(shape, op, outcome, spared)
    except Broken as e:
        return [str(e)]
    if not judge.done and shape.untouched():
        if op.name in shape.seen:
            return judge.wrong
        shape.seen.add(op.name)
    return judge.all()
