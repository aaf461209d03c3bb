#!/usr/bin/env python3
"""The tests, tested: the code is broken in one place, and a check must see it.

    mutants.py [NAME...]

Each mutant is a line or a few of the code replaced in a copy of the tree, built, and given
to the check that must fail. One that survives, or that is not there to be made any more,
is an error."""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
PARTS = ('Makefile', 'libq', 'cmd', 'tests', 'build')


@dataclass
class Mutant:
    """old becomes new in file; check is given to run.py, or to bats if it names a file, or is
    a unit program."""
    name: str
    file: str
    old: str
    new: str
    check: str


MUTANTS = [
    Mutant('acknowledged before it is written', 'cmd/deliver.c',
           'if ((status = write_batch(d, q, b, out, &p)) != 0) {',
           'if (acknowledge(d, q, b, q_batch_count(b)) != 0 ||\n'
           '(status = write_batch(d, q, b, out, &p)) != 0) {',
           'kill --ops pop,pop-all'),
    Mutant('a write that failed is forgotten', 'cmd/out.c',
           'else if (n == -1 && errno != EINTR)\n\t\t\tset_error(out, errno);',
           'else if (n == -1 && errno != EINTR)\n\t\t\treturn ((ssize_t)size);',
           'error --ops pop-lease --scale 8'),
    Mutant('a commit that failed is forgotten', 'libq/txn.c',
           'rc = store_commit(t->mdb, "commit");',
           'rc = (mdb_txn_commit(t->mdb), 0);', 'error --ops push --scale 4'),
    Mutant('a row that could not be written is forgotten', 'libq/row.c',
           '\treturn (code(t, table, rc));\n}\n\nint\ntxn_put(',
           '\t(void)code(t, table, rc);\n\treturn (0);\n}\n\nint\ntxn_put(',
           'lmdb --ops push,ack --scale 3'),
    Mutant('a commit is not flushed', 'libq/txn.c',
           'mdb_env_set_flags(q->store.env, MDB_NOMETASYNC, !durable)',
           'mdb_env_set_flags(q->store.env, MDB_NOSYNC, 1)',
           'tests/concurrency.bats -f flush'),
    Mutant('a commit that found no room is made again', 'libq/apply.c',
           '\t\tif (rc == STORE_GROW)\n\t\t\tnext =\n',
           '\t\tif (rc == Q_ENOSPC && q->dead != 0)\n\t\t\tq->dead = 0, next = ONCE_MORE;\n'
           '\t\tif (rc == STORE_GROW)\n\t\t\tnext =\n',
           'error --ops pop-all --scale 8'),
    Mutant('a large body is not flushed', 'libq/blob.c',
           '!b->flushed && fsync(b->fd) != 0', '!b->flushed && fsync(b->fd) == 99',
           'error --ops push-large --scale 8'),
    Mutant('the directory of large bodies is not flushed', 'libq/blob.c',
           'if (fsync(b->dir) == 0)', 'if (fsync(b->dir) <= 0)',
           'error --ops push-large --scale 8'),
    Mutant('a new queue is not flushed', 'libq/create.c',
           'if (rc == 0 && fsync(s->parent_fd) == 0) {',
           'if (rc == 0 && fsync(s->parent_fd) <= 0) {',
           'error --ops push-create --scale 8'),
    Mutant('the lock is not taken', 'libq/lock.c',
           'bool taken = gate && flock(q->dir.data, op | LOCK_NB) == 0;',
           'bool taken = gate && op;',
           'random'),
    Mutant('a lease is not held', 'libq/hold.c',
           'if (lock_bytes(q->hold, F_OFD_SETLK, F_RDLCK, first, n, NULL) == 0)',
           'if (lock_bytes(q->hold, F_OFD_SETLK, F_UNLCK, first, n, NULL) == 0)',
           'random'),
    Mutant('requests are answered before the commit', 'libq/apply.c',
           '\trc = txn_commit(t, !may_be_undone(t, c));',
           '\tserve_answer(q, 0);\n\trc = txn_commit(t, !may_be_undone(t, c));', 'unit/mortal'),
    Mutant('what was answered is not remembered', 'libq/serve.c',
           'if (rc == 0 && t->changed)\n\t\trc = kept_put(',
           'if (rc == 99 && t->changed)\n\t\trc = kept_put(', 'unit/mortal'),
    Mutant('a message is taken for the dead', 'libq/serve.c',
           'if (slot_has_owner(q, slot))', 'if (slot_has_owner(q, slot) || true)', 'unit/stand'),
    Mutant('a lease is let go when its message is taken', 'libq/hold.c',
           'if (lock_bytes(q->hold, F_OFD_SETLK, F_RDLCK, first, n, NULL) == 0)\n'
           '\t\treturn (0);',
           'if (lock_bytes(q->hold, F_OFD_SETLK, F_UNLCK, first, n, NULL) == 0)\n'
           '\t\treturn (0);', 'storm'),
    Mutant('all who stand are told that there is nothing', 'libq/serve.c',
           'if (t->readied == 0 || t->readied == left)', 'if (t->readied == 0)', 'unit/stand'),
    Mutant('a lease in a slot is counted from when the transaction began', 'libq/serve.c',
           't->now.boot = now.boot;', 't->now.wall = now.wall;', 'unit/combine'),
    Mutant('a lease is not inherited', 'cmd/launch.c',
           'place(f->hold, many ? LEASE_FD : f->hold) != -1', '(many || !many)',
           'tests/holders.bats -f outlives'),
    Mutant('the file of a body goes before its message', 'libq/txn.c',
           'close_cursors(t);\n\t(void)mdb_env_set_flags',
           'close_cursors(t);\n\tblob_remove(q, t->files, t->file_count, false);\n'
           '\t(void)mdb_env_set_flags', 'kill --ops ack'),
    Mutant('a queue is made in place', 'libq/create.c',
           'if ((rc = open_temp(&s)) == 0 && (rc = fill(&s, args, write, arg)) == 0)\n'
           '\t\trc = publish(&s, args->flags);',
           'if ((rc = open_temp(&s)) == 0 && (rc = publish(&s, args->flags)) == 0)\n'
           '\t\trc = fill(&s, args, write, arg);', 'kill --ops push-create'),
    Mutant('what a dead creator left is not removed', 'libq/create.c',
           '\tsweep(&s);\n', '\t(void)sweep;\n', 'kill --ops push-create'),
    Mutant('what a dead writer left is not removed', 'libq/blob.c',
           '\tblob_sweep(q);\n', '', 'kill --ops push-large'),
    Mutant('the dead keep their leases', 'libq/take.c',
           '(rc = due_holders(t, (unsigned)holders)) != 0 ||', '', 'kill --ops pop'),
    Mutant('ids are given twice', 'libq/push.c',
           't->meta_changed |= 1U << META_REC_NEXT;', '', 'kill --ops push'),
    Mutant('a COMMAND that was killed has succeeded', 'cmd/verdict.c',
           '\tif (WIFSIGNALED(status)) {\n',
           '\tif (WIFSIGNALED(status)) {\n\t\tv.verb = Q_ACK;\n\t\tv.failed = false;\n',
           'kill-any --ops worker,worker-two --scale 4'),
    Mutant('the last is given first', 'libq/take.c',
           'if ((rc = txn_first(t, T_READY, &key, &v)) != 0)',
           'if ((rc = txn_last(t, T_READY, &key, &v)) != 0)', 'order'),
    Mutant('a failure acknowledges', 'cmd/verdict.c',
           'const char *how)\n{\n\tstruct verdict v = { .verb = Q_FAIL,',
           'const char *how)\n{\n\tstruct verdict v = { .verb = Q_ACK,',
           'kill --ops worker-fails'),
    Mutant('each of a crowd asks as often as if it were alone', 'libq/wake.c',
           'crowd > 2 * ENOUGH', 'crowd > 2 * ENOUGH * 100000', 'tests/concurrency.bats -f crowd'),
    Mutant('any receipt settles', 'libq/settle.c',
           'if (s->delivery != c->receipt.delivery) {', 'if (s->delivery == 0) {',
           'tests/qack.bats -f stale'),
    Mutant('checksums are not compared', 'libq/message.c',
           'if (r.bad || check != hash_record(', 'if (r.bad || check == 1 + hash_record(',
           'tests/faults_damage.bats -f damaged.message'),
    Mutant('what cannot be read for want of descriptors is damaged', 'libq/walk.c',
           'if (n == -1 && errno != EIO)', 'if (n == -1 && errno == 0)',
           'tests/faults_errors.bats -f only.then'),
    Mutant('a command that starts is in the group of its worker', 'cmd/launch.c',
           'if (signal(sig, SIG_IGN) != SIG_IGN ||', 'if (signal(sig, SIG_DFL) != SIG_IGN ||',
           'tests/worker_signals.bats -f before.the.command'),
    Mutant('jansson runs out of memory', 'cmd/json.c',
           '\tjson_set_alloc_funcs(allocate, free);', '\t(void)allocate;',
           'memory --ops pop-json,push-json --scale 7'),
    Mutant('who holds what another took for him does not look again', 'libq/fetch.c',
           's.state != Q_LEASED || s.delivery != delivery', 's.state != Q_LEASED',
           'unit/handed'),
    Mutant('what another took for us is not locked', 'libq/fetch.c',
           ' || (rc = batch_hold(q, b)) != 0)', ')', 'unit/handed'),
    Mutant('a holder whose lock is to come is dead', 'libq/due.c',
           '&& hold_is_coming(t, &e->s))', '&& false && hold_is_coming(t, &e->s))',
           'unit/handed'),
    # Extents.
    Mutant('one of many is not parted from the others', 'libq/extent.c',
           'if (rc != 0 || e.count == 1)\n\t\treturn (rc);',
           'if (rc != 0 || e.count >= 1)\n\t\treturn (rc);', 'model'),
    Mutant('the part before one is too long', 'libq/extent.c',
           'put_part(t, &e, 0, at)', 'put_part(t, &e, 0, at + 1)', 'model'),
    Mutant('the part behind some is too short', 'libq/extent.c',
           'put_part(t, e, n, e->count - n)', 'put_part(t, e, n, e->count - n - 1)', 'model'),
    Mutant('the part behind one is not listed', 'libq/extent.c',
           'int rc = from > 0 ? extent_list(t, &part) : 0;',
           'int rc = from > 1 ? extent_list(t, &part) : 0;', 'model'),
    Mutant('a part has the sizes of another', 'libq/state.c',
           'memcpy(p.size, e->size + from, ', 'memcpy(p.size, e->size, ', 'model'),
    Mutant('many leave as one', 'libq/life.c',
           'life_count_in(t, &e->s, (uint64_t)0 - e->count);',
           'life_count_in(t, &e->s, (uint64_t)0 - 1);', 'model'),
    Mutant('many are done as one', 'libq/life.c',
           'life_count(t, how, e[k].count);', 'life_count(t, how, 1);', 'model'),
    Mutant('the last of many that are done together stay', 'libq/settle.c',
           'return (rc == 0 ? end_all(t, &ended) : rc);', 'return (rc);', 'model'),
    Mutant('what was taken is still listed as ready', 'libq/take.c',
           '(rc = extent_cut(t, e, n)) != 0 || (rc = life_leave_extent(t, e)) != 0)',
           '(rc = extent_cut(t, e, n)) != 0 ||\n'
           '(life_count_in(t, &e->s, (uint64_t)0 - e->count), 0))', 'model'),
    Mutant('priorities are not compared', 'libq/state.c',
           's->rank != with->rank ||', '', 'model'),
    Mutant('times are not compared', 'libq/state.c',
           's->due != with->due ||', '', 'model'),
    Mutant('limits of attempts are not compared', 'libq/state.c',
           ' ||\n\t    s->max_attempts != with->max_attempts)', ')', 'model'),
    Mutant('of what falls due together, one is seen', 'libq/look.c',
           'e.first == id ? e.count : 1', 'e.first == id ? 1 : 1', 'model'),
    Mutant('what is left of an acknowledged extent ends, too', 'libq/settle.c',
           'if ((rc = extent_cut(t, e, n)) != 0 ||', 'if ((rc = 0) != 0 ||', 'unit/extent'),
    Mutant('of a batch that is taken apart, one is lost', 'libq/extent.c',
           'put_part(t, e, n, e->count - n)', 'put_part(t, e, n, e->count - n - 1)', 'parts'),
    Mutant('a dead holder loses his first message in place of the one', 'libq/due.c',
           '(rc = life_lapse(t, id + dead, &s, "worker died")) != 0))',
           '(rc = life_lapse(t, id, &s, "worker died")) != 0))',
           'tests/worker_death.bats -f together'),
]


def build(tree, *more):
    """Whether make succeeds in a tree."""
    targets = ['all'] + [f'build/api/{c}' for c in
                         ('qpush', 'qpop', 'qack', 'qstat', 'qctl')]
    targets += ['build/tool/killer', *more]
    return subprocess.run(['make', '-s', '-j2', 'CFLAGS=-O1 -w', *targets], cwd=tree,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def units(mutants):
    """The programs among their checks."""
    return sorted({f'build/{m.check}' for m in mutants if m.check.startswith('unit/')})


def seen(tree, check):
    """Whether the check finds something in a tree, and what it says first. One that fails
    and says nothing has not run."""
    env = dict(os.environ, BIN=os.path.join(tree, 'build'), SRC=tree,
               CMOCKA_MESSAGE_OUTPUT='TAP')
    words = check.split()
    if words[0].endswith('.bats'):
        argv = ['bats', '--tap', *words]
    elif words[0].startswith('unit/'):
        argv = [os.path.join(tree, 'build', words[0])]
    else:
        argv = [sys.executable, 'tests/crash/run.py', '--first', *words]
    done = subprocess.run(argv, cwd=tree, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    lines = [line for line in done.stdout.splitlines()
             if line.startswith(('not ok', '# '))]
    if done.returncode != 0 and not lines:
        sys.exit(f'mutants: {check}: {done.stdout}')
    return done.returncode != 0, ''.join(lines[:1]).lstrip('# ')[:100]


def tried(tree, mutant):
    """What became of a mutant: None if it was seen."""
    path = os.path.join(tree, mutant.file)
    with open(path, encoding='utf-8') as f:
        text = f.read()
    if text.count(mutant.old) != 1:
        return f'{mutant.file} is not what it was'
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text.replace(mutant.old, mutant.new))
    try:
        if not build(tree, *units([mutant])):
            return 'does not compile'
        caught, how = seen(tree, mutant.check)
    finally:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
    print(f'{"seen" if caught else "SURVIVES":8} {mutant.name}: {how}', flush=True)
    return None if caught else f'survives {mutant.check}'


def main():
    wanted = [m for m in MUTANTS if not sys.argv[1:] or m.name in sys.argv[1:]]
    tree = tempfile.mkdtemp(prefix='qutils-mutants.')
    try:
        for part in PARTS:
            subprocess.run(['cp', '-a', os.path.join(TREE, part), tree], check=True)
        if not build(tree, *units(wanted)):
            sys.exit('mutants: the tree does not compile')
        for check in sorted({m.check for m in wanted if m.check.startswith(('tests/', 'unit/'))}):
            caught, how = seen(tree, check)
            if caught:
                sys.exit(f'mutants: {check} fails without any: {how}')
        wrong = [(m.name, why) for m in wanted if (why := tried(tree, m))]
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    for name, why in wrong:
        print(f'mutants: {name}: {why}', file=sys.stderr)
    print(f'{len(wanted) - len(wrong)} of {len(wanted)} mutants seen')
    return 1 if wrong or not wanted else 0


if __name__ == '__main__':
    sys.exit(main())
