#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Are power cuts and damage any good? Each mutant of the source loses what they must see.

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
    ("data is never flushed", "power.py --play mixed",
        ("libq/store.c", "MDB_NOSUBDIR |", "MDB_NOSYNC | MDB_NOSUBDIR |")),
    ("no commit flushes its meta page", "power.py --play mixed",
        ("libq/txn.c", "MDB_NOMETASYNC, !durable)", "MDB_NOMETASYNC, 1)")),
    ("leases with a receipt are flushed once", "power.py --play takes",
        ("libq/apply.c", "how->lease == 0 && !how->each &&", "")),
    ("a queue is renamed before it is flushed", "power.py --play create",
        ("libq/create.c", "rc == 0 && fsync(data) != 0", "rc != 0"),
        ("libq/create.c", "|| fsync(fds[i]) != 0", "")),
    ("a queue's names are not flushed", "power.py --play create",
        ("libq/create.c", "|| fsync(fds[i]) != 0", "|| (i < 2 && fsync(fds[i]) != 0)")),
    ("a queue's parent is not flushed", "power.py --play create",
        ("libq/create.c", "rc == 0 && fsync(s->parent_fd) == 0", "rc == 0")),
    ("a new parent's name is not flushed", "power.py --play create",
        ("libq/create.c", "fd != -1 && fsync(fd) == 0", "fd != -1")),
    ("a dead creator's name is not flushed", "power.py --play create_killed",
        ("libq/dir.c", "write && data.st_mode & DIR_UNNAMED", "write && 0")),
    ("a large body is not flushed", "power.py --play mixed",
        ("libq/blob.c", "!b->flushed && fsync(b->fd) != 0", "0")),
    ("a large body's name is not flushed", "power.py --play mixed",
        ("libq/blob.c", "if (fsync(b->dir) == 0)", "if (1)")),
    ("a large body goes before the commit says so", "power.py --play mixed",
        ("libq/txn.c", "close_cursors(t);\n\t(void)mdb_env",
            "close_cursors(t);\n\tblob_remove(q, t->blobs, t->blob_count);\n\t(void)mdb_env")),
    ("the checksum of a message is not compared", "damage.py",
        ("libq/message.c", "r.bad || check != hash", "r.bad || 0 && check != hash")),
    ("the checksum of a large body is not compared", "damage.py",
        ("libq/blob.c", "total != size || XXH3_64bits_digest(state) != hash", "total != size")),
    ("the meta pages are not compared", "damage.py",
        ("libq/store.c", "(id[0] + 1 != id[1] && id[1] + 1 != id[0])", "0"),
        ("libq/store.c", "if (id[0] % 2 != 0 || id[1] % 2 != 1 ||", "if (")),
    ("the roots are not looked at", "damage.py --scale 3",
        ("libq/store.c", "    found == number", "    (found == number || 1)")),
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
    subprocess.run(make + ["all"] + apis + tools, check=True, stdout=subprocess.DEVNULL)


def noticed(mutant, where):
    env = dict(os.environ, BIN=where + "/build")
    script, *args = mutant[1].split()
    command = [sys.executable, "-B", f"{where}/tests/crash/{script}", "--first", *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    word = script[:-3] + ": "
    said = [line[len(word) :] for line in done.stdout.splitlines() if line.startswith(word)]
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
