"""The steps of a walk in which workers run COMMANDs, or die of them."""

import os
import re

from state import Broken

RUN = 60  # messages that a walk gives to COMMANDs one by one
# A COMMAND that does with each message what its id says.
SCRIPT = 'echo "$Q_ID" >>"$Q_LOG"; cat >/dev/null; case $((Q_ID % 11)) in ' \
    '3) exit 7;; 5) exit 75;; 8) exit 65;; esac'
DIE = 'echo $$ >>"$Q_LOG"; kill -9 $PPID'


def work(w, queue, plain):
    """A worker until nothing is ready: in which order is its own business."""
    if sum(m.state not in ('dead', 'leased') for m in plain.messages.values()) > RUN:
        return
    ran, code = [], 1
    while found := plain.take(1 << 10, None):
        for m in found:
            ran.append(m.id)
            code = 4 if m.id % 11 in (3, 8) or code == 4 else 0
            m.settled = {3: 'fail', 5: 'release', 8: 'dead'}.get(m.id % 11)
            if m.settled:
                getattr(plain, 'settle_' + m.settled)(m, None)
            else:
                plain.end(m, 'done')
    w.fresh_log()
    w.must('qpop', '-n', 'all', '-P', str(w.dice.choice((1, 3))), queue, '--', '/bin/sh', '-c',
           SCRIPT, code=code)
    w.same('ran', sorted(map(int, w.log())), sorted(ran))


def die(w, queue, plain):
    """A worker that is killed with all it has."""
    n = w.dice.choice((1, 2, 20, 64, 65, 150))
    if any(len(m.body) > 4096 for m in plain.messages.values()):
        return  # no line for a COMMAND
    found = plain.take(n, None)
    w.fresh_log()
    w.must('qpop', '-B', str(n), queue, '-n', str(n), '--', '/bin/sh', '-c', DIE,
           code=-9 if found else 1)
    for line in w.log():
        os.waitpid(int(line), 0)  # a worker's COMMAND has the leases, too


def die_busy(w, queue, plain):
    """A worker that is killed between its messages: of some the end is not stored, of some
    not even that they were begun, and some it had taken ahead."""
    if plain.option['max-leased'] or any(
            m.group or (m.state == 'leased' and (m.due is None or m.owner in plain.gone))
            for m in plain.messages.values()):
        return  # what comes back meanwhile may be taken, too
    w.must('qctl', 'set', queue, 'max-leased=0')
    plain.promote()
    order = plain.in_order()
    if len(order) < 2:
        return
    last = w.dice.randrange(min(RUN, len(order)))
    w.fresh_log()
    w.must('qpop', '-n', 'all', queue, '--', '/bin/sh', '-c',
           f'cat >/dev/null; [ $Q_ID != {order[last].id} ] || {{ {DIE}; }}', code=-9)
    os.waitpid(int(w.log()[0]), 0)
    found = {row['id']: row for row in w.listed(queue)}
    became = [outcome(m, found.get(m.id)) for m in order]
    text = ''.join(became)
    if not re.fullmatch('d*[ba]*r*', text) or text[last] not in 'ba' \
            or 'r' in text[:last] or 'd' in text[last:] or 'b' in text[last + 1:]:
        raise Broken(f'{text}, killed at {last}')
    for m, what in zip(order, became):
        if what != 'r':
            plain.deliver(m, ahead=what == 'a')
        if what == 'd':
            plain.end(m, 'done')


def outcome(m, row):
    """done, begun, ahead, or ready as before."""
    if row is None:
        return 'd'
    if row['delivery'] == m.delivery:
        return 'r'
    return 'b' if row['attempt'] > m.attempts else 'a'


def end_owner(w, _queue, _plain):
    for owner in w.owners:
        owner.kill()
        owner.wait()
        for plain in w.plain.values():
            plain.gone.add(owner.pid)
    w.owners.clear()
