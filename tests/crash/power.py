#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Simulated power cuts.

Runs of commands are recorded, write by write and flush by flush; every state that a cut
may leave on the disk is built, opened, judged against what the commands had promised by
then, and used. Some are cut again while that happens.

  power.py [--scale N] [--seed S] [--play NAME] [--state K] [-v]

Exit 1: a promise was broken; each line shows how to see that state again.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

from power_cut import states
from power_disk import Disk
from power_judge import Answer, Model, judge
from power_play import Play, parse, read_log

# Runs for each unit of scale, and rounds of random states at each of their cuts.
PLAYS = {
    "create": (2, 6),
    "create_killed": (50, 0),
    "takes": (4, 2),
    "grow": (1, 1),
    "churn": (2, 1),
    "mixed": (5, 1),
}
COLUMNS = ("runs", "cuts", "states", "of a second", "violations", "seconds")
SECOND_EACH = 50  # every so manyth state is cut again
SHOW_MOST = 20


class Checker:
    """power-check, in another boot: the nth since the record."""

    def __init__(self, bin_dir, where, n):
        boot = f"{where}/boot{n}"
        with open(boot, "w") as f:
            f.write(f"01234567-89ab-cdef-0123-{n:012}\n")
        env = dict(os.environ, SHIM_BOOT_ID=boot, RECORD_DEV=str(os.stat(where).st_dev),
            LD_PRELOAD=f"{bin_dir}/tool/shim-record:{bin_dir}/tool/shim-time",
            LC_ALL="C.UTF-8", ASAN_OPTIONS="verify_asan_link_order=0")
        self.process = subprocess.Popen([bin_dir + "/tool/power-check"], env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, path, log, name, receipts):
        self.process.stdin.write(" ".join((path, log, name, *receipts)) + "\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("end "):
                return Answer(lines)
        raise RuntimeError("power-check ended")


class Run:
    def __init__(self, args, where, checkers):
        self.args, self.where, self.checkers = args, where, checkers
        self.states = self.second = self.cuts = self.bad = 0

    def check(self, state, model, depth, where, second):
        """Build it, ask, judge. For a second cut, returns what its use did to which disk."""
        path, log = self.where + "/state", self.where + "/use.log"
        shutil.rmtree(path, ignore_errors=True)
        state.build(path)
        disk = Disk.of(path) if second else None
        if os.path.exists(log):
            os.unlink(log)
        receipts = [r for n, r in model.receipts.items()][:100]
        name = "cd"[depth]
        queue, record = path + "/root/jobs", log if second else "-"
        answer = self.checkers[depth].ask(queue, record, name, receipts)
        for text in judge(model, answer, name):
            self.bad += 1
            if self.bad <= SHOW_MOST:
                print(f"power: {text}\n  tests/crash/power.py {where}", flush=True)
            if self.args.first:
                sys.exit(1)
        if not second:
            return None
        with open(log, "rb") as f:
            return disk, list(parse(f.read()))

    def cut(self, disk, ops, model, seed, rounds, where, depth=0):
        """Every cut of a record; at depth 1 of the use after another cut."""
        seen, number, told = set(), 0, False
        for words, data in [*ops, (["end"], b"")]:
            if words[0] == "M":
                model.mark(words[1])
                told = True
                continue
            changes = words[0] != "end" and disk.play(words, data)
            if changes or told or words[0] == "S":
                self.cuts += 1
                for how, state in states(disk, seed * 1000003 + number, rounds):
                    key = (hash(tuple(state.key)), model.key())
                    if key in seen:
                        continue
                    seen.add(key)
                    number += 1
                    self.one(state, model, number, where, depth)
            told = False
            if words[0] == "W" and words[4] == "1":
                disk.after_dsync(words)

    def one(self, state, model, number, where, depth):
        if depth == 0 and self.args.state not in (0, number):
            return
        self.states += 1
        second = depth == 0 and number % SECOND_EACH == 0
        if depth == 0:
            where = f"{where} --state {number}"
        left = self.check(state, model, depth, where, second)
        if left is not None:
            disk, ops = left
            before = self.states
            self.cut(disk, ops, model.copy(), number, 1, where, 1)
            self.second += self.states - before


def play_one(args, name, seed, rounds, where, checkers):
    play = Play(seed, where + "/live", args.bin)
    getattr(play, name)()
    if args.verbose:
        print("\n".join(play.history))
    run = Run(args, where, checkers)
    run.cut(play.disk, read_log(play), Model(), seed, rounds, f"--play {name} --seed {seed}")
    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int, default=int(os.environ.get("POWER_SCALE", "1")))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--play", choices=PLAYS)
    parser.add_argument("--state", type=int, default=0)
    parser.add_argument("--first", action="store_true", help="end at the first violation")
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    args.bin = os.environ.get("BIN", os.getcwd() + "/build")
    where = tempfile.mkdtemp(prefix="power.", dir="/dev/shm")
    try:
        return attack(args, where)
    finally:
        shutil.rmtree(where)


def attack(args, where):
    checkers = [Checker(args.bin, where, n) for n in (1, 2)]
    print("run".ljust(16) + "".join(c.rjust(12) for c in COLUMNS))
    total, start = [0] * 5, time.monotonic()
    for name, (runs, rounds) in PLAYS.items():
        if args.play not in (None, name):
            continue
        seeds = [args.seed] if args.seed else range(1, runs * args.scale + 1)
        began, row = time.monotonic(), [0] * 5
        for seed in seeds:
            run = play_one(args, name, seed, rounds, where, checkers)
            row = [a + b for a, b in zip(row, (1, run.cuts, run.states, run.second, run.bad))]
        total = [a + b for a, b in zip(total, row)]
        show(name, row, time.monotonic() - began)
    show("all", total, time.monotonic() - start)
    return 1 if total[4] else 0


def show(name, row, seconds):
    print(name.ljust(16) + "".join(f"{n:12}" for n in row) + f"{seconds:12.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
