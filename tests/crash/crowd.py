#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A crowd: thousands of processes that wait for one queue.

  crowd.py [--takers N] [--pushers N]

Takers that wait sleep; a push wakes one of them; those who are killed leave nothing behind.
Pushers that find the queue locked are more than ctl has slots for: each of them that ends
well has stored its message, once. CRASH_SCALE multiplies both; 25 makes 10,000 takers.

Exit 1: a promise was broken."""

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TAKERS, PUSHERS, MOST = 400, 200, 10000
PUSHES = 50
SETTLE = 12  # seconds in which each has asked often enough to do so seldom
IDLE = 4
PATIENCE = 120


class Crowd:
    """Processes of one command, with what they print in one file."""

    def __init__(self, bin_dir, where, name):
        self.bin, self.path = bin_dir, f"{where}/{name}"
        self.out = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.pids, self.status = [], []

    def start(self, *args):
        self.pids.append(os.posix_spawn(f"{self.bin}/{args[0]}", args, os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, self.out, 1)]))

    def reap(self, flags=os.WNOHANG):
        for pid in list(self.pids):
            done, status = os.waitpid(pid, flags)
            if done:
                self.pids.remove(pid)
                self.status.append(os.waitstatus_to_exitcode(status))

    def kill(self, pids):
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def printed(self):
        with open(self.path, encoding="utf-8") as f:
            return f.read().split()

    def asleep(self):
        return sum(state_of(pid) == "S" for pid in self.pids)

    def switches(self):
        """How often those that are left went to sleep."""
        return {pid: switches_of(pid) for pid in self.pids}


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0]


def switches_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(f.read().partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def gone_by(before, after):
    return sum(n - before[pid] for pid, n in after.items())


def wait_until(what, true):
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.05)


class Play:
    """Rows of the table, and what is wrong."""

    def __init__(self, bin_dir, where):
        self.bin, self.where, self.rows, self.wrong = bin_dir, where, [], []
        os.environ["Q_ROOT"] = where
        self.must("qctl", "create", "jobs")

    def run(self, *args):
        return subprocess.run([f"{self.bin}/{args[0]}", *args[1:]], capture_output=True,
            text=True, check=False)

    def must(self, *args):
        done = self.run(*args)
        if done.returncode != 0:
            raise RuntimeError(f"{args}: {done.returncode} {done.stderr}")
        return done.stdout

    def note(self, what, n, good=True):
        self.rows.append((what, n))
        if not good:
            self.wrong.append(f"{what}: {n}")

    def takers(self, n):
        crowd = Crowd(self.bin, self.where, "taken")
        for _ in range(n):
            crowd.start("qpop", "-l", "-w1h", "jobs")
        wait_until("all takers sleep", lambda: crowd.asleep() == n)
        time.sleep(SETTLE)
        before = crowd.switches()
        time.sleep(IDLE)
        idle = gone_by(before, crowd.switches())
        self.note("takers that wait", n)
        # each that looked twice a second would do so eight times
        self.note(f"wake-ups of all in {IDLE} s without a message", idle, idle < 3 * n)
        before, began = crowd.switches(), time.monotonic()
        for i in range(PUSHES):
            self.must("qpush", "jobs", f"message{i}")
        wait_until("all messages are taken", lambda: len(crowd.printed()) >= PUSHES)
        seconds = time.monotonic() - began
        wait_until("who took has ended", lambda: crowd.reap() or len(crowd.status) >= PUSHES)
        woken = gone_by({p: before[p] for p in crowd.pids}, crowd.switches())
        self.note(f"takers that ended by {PUSHES} pushes", len(crowd.status),
            crowd.status == [0] * PUSHES)
        self.note("messages given, each once", len(set(crowd.printed())),
            len(set(crowd.printed())) == len(crowd.printed()) == PUSHES)
        # all of them for each push would be so many times the crowd
        self.note("wake-ups of all others meanwhile", woken, woken < n * (2 + seconds))
        crowd.kill(crowd.pids)
        crowd.reap(0)
        self.note("killed while they waited", len(crowd.status) - PUSHES)
        self.sound("takers")

    def pushers(self, n):
        crowd = Crowd(self.bin, self.where, "pushed")
        with open(f"{self.where}/jobs/data.mdb", "rb") as data:
            fcntl.flock(data, fcntl.LOCK_EX)
            for i in range(n):
                crowd.start("qpush", "--lock-wait", "1h", "jobs", f"pushed{i}")
            wait_until("all pushers sleep", lambda: crowd.asleep() == n)
            victims = crowd.pids[::3]
            crowd.kill(victims)
        wait_until("all pushers end", lambda: crowd.reap() or not crowd.pids)
        stored = self.must("qpop", "-n", "all", "-l", "jobs").split()
        done = crowd.status.count(0)
        self.note("pushers that wait for the lock", n)
        self.note("killed meanwhile", len(victims), crowd.status.count(-9) == len(victims))
        self.note("that said it is stored", done, done == n - len(victims))
        self.note("messages stored, each once", len(stored),
            done <= len(stored) <= n and len(set(stored)) == len(stored))
        self.sound("pushers")

    def sound(self, after):
        self.must("qpush", "jobs", "last")
        if self.must("qpop", "jobs") != "last":
            self.wrong.append(f"after the {after}, another message is given")
        if self.run("qctl", "check", "jobs").returncode != 0:
            self.wrong.append(f"after the {after}, the queue is not sound")


def main():
    scale = float(os.environ.get("CRASH_SCALE") or 1)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--takers", type=int, default=min(MOST, round(TAKERS * scale)))
    parser.add_argument("--pushers", type=int, default=min(MOST, round(PUSHERS * scale)))
    args = parser.parse_args()
    where = tempfile.mkdtemp(prefix="crowd.", dir="/dev/shm")
    play = Play(os.environ.get("BIN", os.getcwd() + "/build"), where)
    try:
        play.takers(max(args.takers, PUSHES + 1))
        play.pushers(args.pushers)
    finally:
        shutil.rmtree(where)
    for what, n in play.rows:
        print(f"{what:<50} {n:>8}")
    for line in play.wrong:
        print(f"crowd: {line}", file=sys.stderr)
    print(f"{'violations':<50} {len(play.wrong):>8}")
    return 1 if play.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
