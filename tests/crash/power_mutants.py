#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Are the power cuts any good? Each mutant of the source loses something they must see.

  power_mutants.py [NAME...]

Exit 1: a mutant survived, or the line it changes is not there any more.
"""

import os
import shutil
import subprocess
import sys
import tempfile

# Name, the run that must notice, and the changes: file, text, text in its place.
MUTANTS = (
    ("data is never flushed", "mixed",
        ("libq/store.c", "MDB_NOSUBDIR |", "MDB_NOSYNC | MDB_NOSUBDIR |")),
    ("no commit flushes its meta page", "mixed",
        ("libq/txn.c", "MDB_NOMETASYNC, !durable)", "MDB_NOMETASYNC, 1)")),
    ("leases with a receipt are flushed once", "takes",
        ("libq/apply.c", "how->lease == 0 && !how->each &&", "")),
    ("a queue is renamed before it is flushed", "create",
        ("libq/create.c", "rc == 0 && fsync(data) != 0", "rc != 0"),
        ("libq/create.c", "|| fsync(fds[i]) != 0", "")),
    ("a queue's names are not flushed", "create",
        ("libq/create.c", "|| fsync(fds[i]) != 0", "|| (i < 2 && fsync(fds[i]) != 0)")),
    ("a queue's parent is not flushed", "create",
        ("libq/create.c", "rc == 0 && fsync(s->parent_fd) == 0", "rc == 0")),
    ("a new parent's name is not flushed", "create",
        ("libq/create.c", "fd != -1 && fsync(fd) == 0", "fd != -1")),
    ("a dead creator's name is not flushed", "create_killed",
        ("libq/dir.c", "write && data.st_mode & DIR_UNNAMED", "write && 0")),
    ("a large body is not flushed", "mixed",
        ("libq/blob.c", "!b->flushed && fsync(b->fd) != 0", "0")),
    ("a large body's name is not flushed", "mixed",
        ("libq/blob.c", "if (fsync(b->dir) == 0)", "if (1)")),
    ("a large body goes before the commit says so", "mixed",
        ("libq/txn.c", "close_cursors(t);\n\t(void)mdb_env",
            "close_cursors(t);\n\tblob_remove(q, t->blobs, t->blob_count);\n\t(void)mdb_env")),
)


def build(source, into, mutant):
    shutil.copytree(source, into, ignore=shutil.ignore_patterns("build*", ".git"))
    for file, old, new in mutant[2:]:
        path = os.path.join(into, file)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        if text.count(old) != 1:
            raise RuntimeError(f"{mutant[0]}: {file}: {text.count(old)} times: {old}")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
    tools = [f"build/tool/{t}" for t in ("shim-record", "shim-time", "power-check")]
    apis = [f"build/api/{c}" for c in ("qpush", "qpop", "qack", "qstat", "qctl")]
    make = ["make", "-s", "-j2", "-C", into, "CFLAGS=-O1 -w", "MAKEFLAGS="]
    subprocess.run(make + apis + tools, check=True, stdout=subprocess.DEVNULL)


def noticed(mutant, where):
    env = dict(os.environ, BIN=where + "/build")
    power = [sys.executable, where + "/tests/crash/power.py", "--first", "--play", mutant[1]]
    done = subprocess.run(power, env=env, capture_output=True, text=True, check=False)
    said = [line[7:] for line in done.stdout.splitlines() if line.startswith("power: ")]
    return said[0] if done.returncode == 1 and said else ""


def main():
    source = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    survived = 0
    for mutant in MUTANTS:
        if len(sys.argv) > 1 and mutant[0] not in sys.argv[1:]:
            continue
        where = tempfile.mkdtemp(prefix="mutant.")
        try:
            build(source, where + "/src", mutant)
            said = noticed(mutant, where + "/src")
        finally:
            shutil.rmtree(where)
        survived += not said
        print(f"{mutant[0]:<46} {said or 'SURVIVED'}", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
