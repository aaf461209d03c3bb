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
        ("libq/apply.c", "how->lease == 0 &&\n\t\t!how->durable && ", "")),
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
        ("libq/dir.c", "write && data->st_mode & DIR_UNNAMED", "write && 0")),
    ("a large body is not flushed", "power.py --play mixed",
        ("libq/blob.c", "!b->flushed && fsync(b->fd) != 0", "0")),
    ("a large body's name is not flushed", "power.py --play mixed",
        ("libq/blob.c", "if (fsync(b->dir) == 0)", "if (1)")),
    ("a large body goes before the commit says so", "power.py --play mixed",
        ("libq/txn.c", "close_cursors(t);\n\t(void)mdb_env",
            "close_cursors(t);\n\tblob_remove(q, t->files, t->file_count);\n\t(void)mdb_env")),
    ("the checksum of a message is not compared", "damage.py",
        ("libq/message.c", "r.bad || check != hash", "r.bad || 0 && check != hash")),
    ("the checksum of a large body is not compared", "damage.py",
        ("libq/blob.c", "total != size || XXH3_64bits_digest(state) != hash", "total != size")),
    ("the meta pages are not compared", "damage.py",
        ("libq/store.c", "meta[0].txn + 1 != meta[1].txn && meta[1].txn + 1 != meta[0].txn",
            "0"),
        ("libq/page.c", " && m->txn % 2 == number", "")),
    ("pages are not looked at", "damage.py --shape crafted --only searched --timeout 1",
        ("libq/trail.h", "if (s->sight.map == NULL)", "if (1)")),
)


NOT_MADE = "NOT MADE"


class NoMutant(Exception):
    """Its text is not there once, or what it becomes does not compile."""


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def change(tree, mutant):
    """Returns what the files of a mutant were before."""
    was = {}
    for file, old, new in mutant[2:]:
        path = os.path.join(tree, file)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        was.setdefault(path, text)
        if text.count(old) != 1:
            restore(was)
            raise NoMutant(f"{file} has {text.count(old)} times: {old}")
        write(path, text.replace(old, new))
    return was


def restore(was):
    for path, text in was.items():
        write(path, text)


def build(tree):
    tools = [f"build/tool/{t}" for t in ("shim-record", "shim-time", "power-check")]
    apis = [f"build/api/{c}" for c in ("qpush", "qpop", "qack", "qstat", "qctl")]
    make = ["make", "-s", "-j2", "-C", tree, "CFLAGS=-O1 -w", "MAKEFLAGS="]
    done = subprocess.run(make + ["all"] + apis + tools, capture_output=True, check=False)
    if done.returncode != 0:
        raise NoMutant("does not compile")


def noticed(mutant, where):
    env = dict(os.environ, BIN=where + "/build")
    script, *args = mutant[1].split()
    command = [sys.executable, "-B", f"{where}/tests/crash/{script}", "--first", *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    word = script[:-3] + ": "
    said = [line[len(word) :] for line in done.stdout.splitlines() if line.startswith(word)]
    return said[0] if done.returncode == 1 and said else ""


def attempt(tree, mutant):
    """What was said of a mutant, in a tree that is as it was afterwards."""
    try:
        was = change(tree, mutant)
    except NoMutant as why:
        return f"{NOT_MADE}: {why}"
    try:
        build(tree)
        return noticed(mutant, tree)
    except NoMutant as why:
        return f"{NOT_MADE}: {why}"
    finally:
        restore(was)


def main():
    source = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    wanted = [m for m in MUTANTS if len(sys.argv) == 1 or m[0] in sys.argv[1:]]
    seen = 0
    tree = tempfile.mkdtemp(prefix="mutants.")
    try:
        shutil.copytree(source, tree, dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("build*", ".git"))
        build(tree)
        for mutant in wanted:
            said = attempt(tree, mutant)
            seen += said != "" and not said.startswith(NOT_MADE)
            print(f"{mutant[0]:<46} {said or 'SURVIVED'}", flush=True)
    finally:
        shutil.rmtree(tree)
    print(f"{seen} of {len(wanted)} mutants seen")
    return 1 if seen < len(wanted) or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
