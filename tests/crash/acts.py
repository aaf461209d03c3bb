"""The steps of a walk: each a command or two, or time that goes by, and what it has to do."""

import json
import subprocess

from command import BIN
from plain import SECOND
from state import Broken, body_of, rows
from works import die, die_busy, end_owner, work

SIZES = (1, 2, 3, 5, 20, 63, 64, 65, 100, 128, 150, 200)
GROUPS = ('', '', '', '', 'g', 'h')
VERBS = {'ack': [], 'release': ['--release'], 'fail': ['--fail'], 'dead': ['--dead'],
         'extend': ['--extend', '90s']}


def some(w):
    return w.dice.choice(SIZES)


def body(w):
    """One that is nobody else's; here and there a file of its own."""
    text = f'{next(w.serial)} ' + 'x' * w.dice.randrange(90)
    return (text.ljust(5000, '.') if w.dice.random() < 0.01 else text).encode()


def fields(w):
    """What is said of a message."""
    p = {}
    dice = w.dice.random
    if dice() < 0.3:
        p['priority'] = w.dice.choice((-5, 0, 7))
    if dice() < 0.25:
        p['delay'] = w.dice.choice((10, 10, 30, 60))
    if dice() < 0.15:
        p['ttl'] = w.dice.choice((20, 50, 200))
    if dice() < 0.2:
        p['max_attempts'] = w.dice.choice((1, 2, 3))
    if dice() < 0.15 and (group := w.dice.choice(GROUPS)):
        p['group'] = group
    if dice() < 0.1:
        p['headers'] = {'n': str(w.dice.randrange(3))}
    if dice() < 0.05:
        p['key'] = f'k{w.dice.randrange(4)}'
    return p


def as_message(w, text, p):
    """The fields of a message that plain.py is given."""
    m = {name: p[name] for name in ('priority', 'group', 'key', 'headers') if name in p}
    m |= {'body': text, 'most': p.get('max_attempts', 0)}
    if 'delay' in p:
        m['due'] = w.clock.wall + p['delay'] * SECOND
    if 'ttl' in p:
        m['expires'] = w.clock.wall + p['ttl'] * SECOND
    return m


def push(w, queue, plain):
    """Runs of messages that are alike, with others between them."""
    usual, strange = fields(w), w.dice.choice((0, 0, 0.02, 0.1, 0.5))
    pushes, lines = [], []
    for _ in range(some(w)):
        p = fields(w) if w.dice.random() < strange else usual
        text = body(w)
        pushes.append(as_message(w, text, p))
        lines.append(json.dumps({'body': text.decode(), **p}).encode() + b'\n')
    wanted = plain.push(pushes)
    argv = ['--atomic'] if w.dice.random() < 0.3 else []
    made = w.must('qpush', '-J', '-i', *argv, queue, stdin=b''.join(lines))
    w.same('ids', [int(n) for n in made.out.split()], wanted)


def push_lines(w, queue, plain):
    """As most do it: lines, with options for all."""
    texts = [body(w) for _ in range(some(w))]
    p = {name: value for name, value in fields(w).items() if name not in ('key', 'headers')}
    names = {'max_attempts': '-m', 'priority': '-p', 'delay': '-d', 'ttl': '-e', 'group': '-g'}
    options = [word for name, value in p.items() for word in (names[name], str(value))]
    wanted = plain.push([as_message(w, text, p) for text in texts])
    made = w.must('qpush', '-l', '-i', *options, queue, stdin=b'\n'.join(texts))
    w.same('ids', [int(n) for n in made.out.split()], wanted)


def is_given(w, result, found):
    """Messages that were printed are those that had to be, in order."""
    given = [(row['id'], row['attempt'], row['delivery'], body_of(row))
             for row in rows(result)]
    w.same('given', given, [(m.id, m.attempts, m.delivery, m.body) for m in found])
    w.same('status', result.code, 0 if found else 1)


def pop(w, queue, plain):
    """Taken and acknowledged: in takes, until there is no more."""
    n = w.dice.choice((1, 1, 2, *SIZES, 10**6))
    found = []
    while len(found) < n and (more := plain.take(min(n - len(found), 1 << 14), None)):
        found += more
        for m in more:
            plain.end(m, 'done')
    result = w.run('qpop', '-j', '-n', 'all' if n == 10**6 else str(n), queue)
    is_given(w, result, found)


def pop_lost(w, queue, plain):
    """Nobody reads what was taken: it comes back, uncounted."""
    found = plain.take(some(w) if w.dice.random() < 0.5 else 1, None)
    result = w.run('qpop', '-j', '-n', str(max(1, len(found))), queue, out='/dev/full')
    w.same('status', result.code, 3 if found else 1)
    for m in found:
        m.settled, m.lapsed = 'release', False
        plain.settle_release(m, 0)


def lease(w, queue, plain):
    """With receipts that are kept; some leases have an owner."""
    n, seconds, owner, argv = some(w), w.dice.choice((5, 30, 100)), None, []
    if w.dice.random() < 0.2:
        if not w.owners:
            # It ends with us, if nobody ends it before.
            w.owners.append(subprocess.Popen(
                ['cat'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))
        owner = w.owners[-1].pid
        argv = ['--owner', str(owner)]
    found = plain.take(n, seconds * SECOND, owner)
    while found and len(found) < n and (
            more := plain.take(n - len(found), seconds * SECOND, owner)):
        found += more
    result = w.run('qpop', '-j', '-n', str(n), '-L', str(seconds), *argv, queue)
    is_given(w, result, found)
    keep(w, queue, result)


def keep(w, queue, result):
    w.receipts[queue] += [(row['receipt'], row['id'], row['delivery'])
                          for row in rows(result)]


def lease_one(w, queue, plain):
    """One that was asked for, or of a group."""
    if w.dice.random() < 0.7:
        which = {'number': 1 + w.dice.randrange(max(1, plain.next))}
        argv = ['--id', str(which['number'])]
    else:
        which = {'group': w.dice.choice('gh')}
        argv = ['-g', which['group']]
    found = plain.take(1, 50 * SECOND, **which)
    result = w.run('qpop', '-j', '-L', '50', *argv, queue)
    is_given(w, result, found)
    keep(w, queue, result)


def receipts(w, queue):
    """Some of those that were given, most of them of late: a run of them, or here and there
    one; perhaps one twice."""
    known = w.receipts[queue]
    n = some(w)
    late = known[-n:] if w.dice.random() < 0.8 else known
    if w.dice.random() < 0.4:
        at = w.dice.randrange(len(late))
        chosen = late[at:at + n]
    else:
        chosen = [r for r in late if w.dice.random() < w.dice.choice((0.1, 0.5, 0.9))]
    if chosen and w.dice.random() < 0.2:
        chosen.append(w.dice.choice(chosen))
    if w.dice.random() < 0.2:
        w.dice.shuffle(chosen)
    return chosen


def settle(w, queue, plain):
    chosen = receipts(w, queue) if w.receipts[queue] else []
    verb = w.dice.choice(('ack', 'ack', 'ack', 'release', 'release', 'fail', 'dead', 'extend'))
    if not chosen:
        return
    argv, due = list(VERBS[verb]), 0
    if verb == 'extend':
        due = 90 * SECOND
    elif verb == 'fail':
        due = None
    if verb in ('release', 'fail') and w.dice.random() < 0.6:
        due = w.dice.choice((10, 45)) * SECOND
        argv += ['-d', str(due // SECOND)]
    strict = w.dice.random() < 0.2
    plain.promote()
    wanted = [(n, *plain.settle(n, delivery, verb, due, strict)) for _, n, delivery in chosen]
    result = w.run('qack', '-j', *argv, *(['--strict'] if strict else []), queue, '-',
                   stdin=''.join(r[0] + '\n' for r in chosen).encode())
    w.same('results', [(row['id'], row['result'], row.get('again', False))
                       for row in rows(result)], wanted)
    w.same('status', result.code, int(any(what != 'ok' for _, what, _ in wanted)))


def selection(w, plain, act):
    """Ids, or none; and the options that select, as arguments and as plain.py has them."""
    way = w.dice.random()
    if way < 0.6 and plain.next > 1:
        first = 1 + w.dice.randrange(plain.next - 1)
        if w.dice.random() < 0.5:
            return list(range(first, min(plain.next, first + some(w)))), [], ('', 0)
        return w.dice.sample(range(1, plain.next), min(plain.next - 1, some(w) // 3 + 1)), \
            [], ('', 0)
    state = w.dice.choice(plain.MEANT[act]) if way < 0.8 and act != 'redrive' else ''
    older = w.dice.choice((0, 20 * SECOND))
    return [], (['--state', state] if state else []) + (
        ['--older-than', str(older // SECOND)] if older else []), (state, older)


def manage(w, queue, plain):
    """Message by message: what is done to one decides whether the next is meant."""
    act = w.dice.choice(('purge', 'redrive', 'release', 'dead'))
    plain.promote()
    ids, argv, which = selection(w, plain, act)
    left = 0
    for number in ids or sorted(plain.messages):
        m = plain.messages.get(number)
        if m and plain.is_meant(m, act, *which):
            plain.manage(act, m)
        else:
            left += 1
    name = 'cancel' if act == 'purge' and ids else act
    yes = ['--yes'] if act == 'purge' else [] if ids or argv else ['--all']
    w.must('qctl', name, queue, *yes, *argv, *map(str, ids), code=int(bool(ids and left)))


def move(w, queue, plain):
    other = 'r' if queue == 'q' else 'q'
    ids, argv, which = selection(w, plain, 'move')
    n = 0 if ids else w.dice.choice((0, 0, some(w)))
    plain.promote()
    meant = [number for number in ids or sorted(plain.messages) if number in plain.messages
             and plain.is_meant(plain.messages[number], 'move', *which)]
    code = int(bool(ids) and meant != ids)
    if n:
        meant, argv = meant[:n], [*argv, '-n', str(n)]
    plain.move([plain.messages[number] for number in meant], w.plain[other])
    w.must('qctl', 'move', queue, other, *argv, *map(str, ids), code=code)


def edit(w, queue, plain):
    """In its place comes another, with all else that it had."""
    w.flush(queue)
    can = [m for m in plain.messages.values() if m.state != 'leased']
    if not can:
        return
    m = w.dice.choice(can)
    number = plain.replace(m, m.body + b'!')
    result = w.must('qctl', 'edit', queue, str(m.id))
    w.same('edit', result.out, f'replaced by message {number}\n'.encode())


def go_on(w, _queue, _plain):
    """Time goes by; as much as falls due at once is stored."""
    seconds = w.dice.choice((1, 4, 6, 11, 31, 61, 101, 400))
    w.clock.wall += seconds * SECOND
    w.clock.boot += seconds * SECOND
    settle_time(w)


def set_clock(w, _queue, _plain):
    w.clock.wall += w.dice.choice((-50, -9, 9, 50)) * SECOND
    settle_time(w)


def reboot(w, _queue, _plain):
    w.clock.number += 1
    w.clock.boot = 50 * SECOND
    w.clock.wall += 20 * SECOND
    settle_time(w)


def settle_time(w):
    for queue, plain in w.plain.items():
        if max(plain.fallen()) > 250 or w.dice.random() < 0.3:
            w.flush(queue)


def set_option(w, queue, plain):
    name, values = w.dice.choice((
        ('max-attempts', (2, 4, 20)), ('remember', (0, 60, 3600)), ('max-leased', (0, 0, 150)),
        ('window', (0, 30)), ('backoff', (1, 5, 20)), ('group-on-dead', ('skip', 'hold')),
        ('results', ('asked', 'all')), ('log', (0, 30))))
    value = w.dice.choice(values)
    plain.promote()
    if name == 'group-on-dead' and value == 'skip':
        for _, m in sorted(plain.messages.items()):
            if m.state == 'dead':
                plain.leave_group(m)
    plain.option[name] = value
    w.must('qctl', 'set', queue, f'{name}={value}')


def copies(w, queue, plain):
    """A backup and a dump that is loaded have the same messages; compacting changes
    nothing."""
    if any(m.state == 'leased' and m.due is None for m in plain.messages.values()):
        return  # of a copy, it is not known who holds what
    where = w.files + '.copy'
    w.flush(queue)
    w.must('qctl', 'backup', queue, where)
    w.same('backup', read_list(w, where), read_list(w, queue))
    w.check(where)
    repair(w, where, plain)
    w.must('qctl', 'rm', '--yes', '--force', where)
    dump = w.must('qctl', 'dump', queue)
    w.must('qctl', 'load', where, stdin=dump.out)
    w.check(where)
    w.same('loaded', [kept(row) for row in read_list(w, where)],
           [kept(row) for row in read_list(w, queue)])
    w.must('qctl', 'rm', '--yes', where)
    w.must('qctl', 'compact', queue)
    plain.promote()


def repair(w, where, plain):
    """With one state record damaged, a repair keeps what was pushed, and what became of
    others; what was to wait does wait."""
    number = 1 + w.dice.randrange(plain.next)
    damage = [f'{BIN}/tool/damage', f'{where}/data.mdb', 'record', 'msg', f'{number:016x}']
    if subprocess.run(damage, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return  # no record is under that id
    w.must('qctl', 'check', where, code=65)
    w.must('qctl', 'check', '--repair', '--yes', where)
    w.check(where)
    after = {row['id']: row for row in w.listed(where)}
    w.same('ids', sorted(after), [n for n, m in sorted(plain.messages.items())
                                  if n in after or not plain.expired(m)])
    for row in after.values():
        m = plain.messages[row['id']]
        w.same(f'body of {m.id}', row['body'], m.body)
        if m.group:
            continue
        if m.state == 'delayed':
            w.same(f'delay of {m.id}', (row['state'], row.get('due')), ('delayed', m.due))
        if row['delivery'] == m.delivery:
            w.same(f'message {m.id}', row, w.expected(plain, m))
        elif not number <= m.id < number + 64:
            raise Broken(f'message {m.id} is changed, and {number} was damaged')


def read_list(w, queue):
    return rows(w.must('qstat', '--list', '--json', '--body', queue))


def kept(row):
    """What a dump says of a message; a lease is over there."""
    names = ('id', 'attempt', 'delivery', 'max_attempts', 'priority', 'headers', 'size',
             'pushed', 'expires', 'key', 'group', 'body')
    live = row['state'] if row['state'] != 'leased' else 'ready'
    return [row.get(name) for name in names] + [live if 'group' not in row else '']


def pause(w, queue, plain):
    """Nothing comes in or goes out meanwhile; what falls due does."""
    w.must('qctl', 'pause', queue)
    w.must('qpush', queue, 'x', code=75)
    w.must('qpop', queue, code=75)
    w.must('qctl', 'resume', queue)
    plain.promote()


ACTS = ((push, 10), (push_lines, 8), (pop, 8), (pop_lost, 2), (lease, 14), (lease_one, 5),
        (settle, 20), (work, 3), (die, 4), (die_busy, 3), (end_owner, 2), (manage, 9),
        (move, 4), (edit, 2), (go_on, 9), (set_clock, 2), (reboot, 2), (set_option, 3),
        (copies, 1), (pause, 1))
