# SPDX-License-Identifier: ISC
"""Runs of real commands, recorded: what they did to the disk, and what they said."""

import os
import random
import shutil
import subprocess

from power_disk import Disk

UPTIME = 1000000  # seconds the machine seems to be up longer, so that there is a past
OPTIONS = {"max-messages": 0, "max-attempts": 4}


def body(name, size=0):
    number = int(name[1:])
    fill = "".join(chr(65 + (i * 7 + number) % 26) for i in range(min(size, 26)))
    return f"{name}:{size}:" + (fill * (size // 26 + 1))[:size]


def name_of(text):
    return text.split(":", 1)[0]


class Play:
    def __init__(self, seed, where, bin_dir):
        self.seed, self.rng = seed, random.Random(seed)
        self.where, self.bin = where, bin_dir
        shutil.rmtree(where, ignore_errors=True)
        os.mkdir(where)
        self.root = where + "/root"
        self.path = self.root + "/jobs"
        self.log, self.marks, self.count = where + ".log", [], 0
        self.waiting, self.leased = {}, {}
        self.history = []
        if os.path.exists(self.log):
            os.unlink(self.log)
        self.disk = None

    # ---- running commands ----

    def start(self):
        """From here on what is done is recorded; what is there is certain."""
        self.disk = Disk.of(self.where)

    def at(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def mark(self, *texts, at=None):
        self.marks += [(self.at() if at is None else at, t) for t in texts]

    def run(self, *args, data="", want=0, wall=0, boot=0, kill=0):
        env = dict(os.environ, LD_LIBRARY_PATH=self.bin, Q_ROOT=self.root, LC_ALL="C.UTF-8",
            LD_PRELOAD=f"{self.bin}/tool/shim-record:{self.bin}/tool/shim-time",
            ASAN_OPTIONS="verify_asan_link_order=0",
            SHIM_WALL=str(wall), SHIM_BOOT=str(UPTIME + boot))
        if self.disk is not None:
            env.update(RECORD=self.log, RECORD_DEV=str(os.stat(self.where).st_dev))
        if kill:
            env["RECORD_KILL"] = str(kill)
        self.history.append(" ".join(args)[:100])
        done = subprocess.run([f"{self.bin}/api/{args[0]}", *args[1:]], env=env,
            input=data.encode(), capture_output=True, check=False, timeout=60)
        if done.returncode != want and not kill:
            raise RuntimeError(f"{args}: {done.returncode} {done.stderr.decode()}")
        return done.stdout.decode()

    def names(self, n, letter="b"):
        first = self.count + 1
        self.count += n
        return [f"{letter}{i}" for i in range(first, first + n)]

    # ---- what is done to the queue ----

    def store(self, names, *args, size=0, form="each", wall=0, kill=0):
        bodies = [body(n, size) for n in names]
        self.mark(*["+" + n for n in names])
        if len(names) > 1:
            self.mark(("=" if "--atomic" in args else "<") + ",".join(names))
        if form == "each":
            self.run("qpush", "jobs", *args, *bodies, wall=wall, kill=kill)
        else:
            data = "".join(b + "\n" for b in bodies)
            self.run("qpush", "jobs", *args, data=data, wall=wall, kill=kill)
        if kill:
            return
        self.mark("Q", *["!" + n for n in names if n[0] != "x"])
        if "-d" not in args or wall:
            self.waiting.update((n, True) for n in names)

    def push(self):
        self.store(self.names(self.rng.randint(1, 3)), size=self.rng.choice((0, 10, 3000)))

    def bulk(self):
        self.store(self.names(self.rng.choice((5, 60, 300))), "-l", form="lines",
            size=self.rng.choice((0, 40, 1500)))

    def atomic(self):
        self.store(self.names(self.rng.randint(2, 50)), "-l", "--atomic", form="lines", size=200)

    def blob(self):
        size = self.rng.randint(5000, 30000)
        self.store(self.names(self.rng.randint(1, 2)), "--atomic", size=size)

    def delayed(self):
        self.store(self.names(2), "-d", "1h")

    def due(self):
        """Pushed an hour ago, due since: the next command finds it so."""
        self.store(self.names(2), "-d", "1m", wall=-3600)

    def expired(self):
        self.store(self.names(2, "x"), "-e", "1m", size=self.rng.choice((0, 6000)), wall=-3600)

    def priority(self):
        self.store(self.names(2), "-p", str(self.rng.randint(-9, 9)), "-H", "k=v")

    def pop(self):
        at = self.at()
        out = self.run("qpop", "-n", str(self.rng.choice((1, 1, 3, 40))), "-l", "jobs",
            want=0 if self.some_ready() else 1)
        names = [name_of(line) for line in out.splitlines()]
        self.mark(*["-" + n for n in names], at=at)
        self.mark(*["~" + n for n in names])
        self.gone(names)

    def take(self, boot=0):
        if not self.some_ready():
            return
        n, lease = self.rng.choice((1, 1, 5)), "1s" if boot else "1h"
        out = self.run("qpop", "-L", lease, "-n", str(n), "-l", "jobs", boot=boot)
        for line in out.splitlines():
            receipt, text = line.split("\t", 1)
            name = name_of(text)
            self.mark(f"R {name} {receipt}")
            self.waiting.pop(name, None)
            if boot:
                self.waiting[name] = True
            else:
                self.leased[name] = receipt

    def lapsed(self):
        self.take(boot=-3600)

    def settle(self, *how):
        n = min(len(self.leased), self.rng.choice((1, 2)))
        names = self.rng.sample(sorted(self.leased), n)
        if not names:
            return names
        before = self.at()
        self.run("qack", *how, "jobs", *[self.leased[n] for n in names])
        if how == ():
            self.mark(*["-" + n for n in names], at=before)
            self.mark(*["~" + n for n in names])
            self.gone(names)
        elif how != ("--extend", "2h"):
            for n in names:
                del self.leased[n]
        return names

    def ack(self):
        self.settle()

    def release(self):
        self.waiting.update((n, True) for n in self.settle("--release"))

    def fail(self):
        for n in self.settle("--fail", "--delay", "1h", "--reason", "no"):
            self.mark(f"F {n} 1")

    def dead(self):
        self.mark(*[f"D {n}" for n in self.settle("--dead")])

    def extend(self):
        self.settle("--extend", "2h")

    def worker(self):
        if not self.some_ready():
            return
        at = self.at()
        n = self.rng.choice((1, 3))
        parallel = self.rng.choice(("1", "2"))
        out = self.run("qpop", "-n", str(n), "-P", parallel, "jobs", "--", "cut", "-d:", "-f1")
        names = out.split()
        self.mark(*["-" + n for n in names], at=at)
        self.mark(*["~" + n for n in names])
        self.gone(names)

    def set(self):
        name = self.rng.choice(("max-attempts", "max-messages"))
        value = str(self.rng.randint(1000, 9000))
        self.mark(f"O {OPTIONS[name]} {value}")
        self.run("qctl", "set", "jobs", f"{name}={value}")
        self.mark(f"O {OPTIONS[name]} {value} !")

    def some_ready(self):
        return any(n[0] != "x" for n in self.waiting)

    def gone(self, names):
        for n in names:
            self.waiting.pop(n, None)
            self.leased.pop(n, None)

    # ---- runs ----

    def base(self):
        """A queue made before the record starts."""
        self.run("qctl", "create", "jobs", "inline=4096")
        self.mark("Q", "O 0 100000000 !", "O 3 4096 !", "O 4 20 !")

    def create(self):
        self.start()
        self.store(self.names(2))
        self.store(self.names(1))
        self.pop()

    def create_killed(self):
        """The creator dies at each of its steps; the next command has to make good."""
        if self.seed % 2:
            os.mkdir(self.root)
        self.start()
        self.store(self.names(1), kill=(self.seed + 1) // 2)
        self.store(self.names(1))

    def takes(self):
        """Leases alone, then what follows them: their commits are the least flushed."""
        self.base()
        self.store(self.names(40), "-l", form="lines", size=100)
        self.start()
        for _ in range(self.rng.randint(2, 6)):
            self.take()
        for what in self.rng.choices((self.take, self.ack, self.push, self.pop, self.release), k=5):
            what()

    def grow(self):
        self.base()
        self.start()
        for size in (3000, 2000, 1000):
            self.store(self.names(150), "-l", form="lines", size=size)
        for what in (self.take, self.pop, self.ack, self.push):
            what()

    def churn(self):
        """Many messages in and out: pages are freed and used again."""
        self.base()
        self.store(self.names(600), "-l", form="lines", size=300)
        self.run("qpop", "-n", "400", "-l", "jobs")
        for n in [f"b{i}" for i in range(1, 401)]:
            self.mark("~" + n)
            self.gone([n])
        self.start()
        for what in self.rng.choices((self.take, self.ack, self.bulk, self.pop), k=8):
            what()

    def mixed(self):
        self.base()
        self.start()
        every = (self.push, self.bulk, self.atomic, self.blob, self.delayed, self.due,
            self.expired, self.priority, self.pop, self.pop, self.take, self.take, self.take,
            self.lapsed, self.ack, self.ack, self.release, self.fail, self.dead, self.extend,
            self.worker, self.set)
        self.push()
        for _ in range(18):
            self.rng.choice(every)()


def read_log(play):
    """(words, bytes) of each operation, with the marks of the play among them."""
    marks = sorted(play.marks, key=lambda m: m[0])
    raw = b""
    if os.path.exists(play.log):
        with open(play.log, "rb") as f:
            raw = f.read()
    yield from parse(raw, marks)


def parse(raw, marks=()):
    at, marks = 0, list(marks)
    while at < len(raw):
        while marks and marks[0][0] <= at:
            yield ["M", marks.pop(0)[1]], b""
        end = raw.index(b"\n", at)
        line = raw[at:end].decode()
        at = end + 1
        words = line.split(" ", 1) if line[0] == "M" else line.split(" ")
        data = b""
        if words[0] == "W":
            data = raw[at : at + int(words[3])]
            at += len(data)
        yield words, data
    for _, text in marks:
        yield ["M", text], b""
