#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Damage: every page of a queue's file, and the files of its large bodies.

Each copy is damaged in one place and used with the commands. What they give is what was
pushed, or one of them exits 65; none says "empty" of what is lost, hangs, or dies.

  damage.py [--scale N] [--shape NAME] [--case N] [--only TEXT] [-v]

Exit 1: a promise was broken; each line shows how to see that case again.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

sys.dont_write_bytecode = True

import craft

PAGE = 4096
COLUMNS = ("cases", "said 65", "unharmed", "violations", "seconds")
SHOW_MOST = 20
CRAFTED_PART = 4
TRIES = 12  # drains, until one says the queue is empty
# Pages for each kind of damage, for a unit of scale; 0 is all of them, None what is crafted,
# of which a unit of scale is a part.
SHAPES = {"small": 0, "leased": 8, "blobs": 8, "large": 3, "crafted": None}


class Queue:
    """Commands on one queue directory."""

    def __init__(self, bin_dir, where, timeout):
        self.bin, self.where, self.path = bin_dir, where, where + "/jobs"
        self.timeout = timeout
        self.earlier = []  # what data.mdb was before each command that had to succeed

    def run(self, *args, data=b""):
        try:
            done = subprocess.run([f"{self.bin}/{args[0]}", *args[1:]], input=data, timeout=self.timeout,
                capture_output=True, check=False, env=dict(os.environ, Q_ROOT=self.where))
        except subprocess.TimeoutExpired:
            return "hangs", b"", ""
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def must(self, *args, data=b""):
        if os.path.exists(self.path):
            with open(self.path + "/data.mdb", "rb") as f:
                self.earlier.append(f.read())
        status, out, err = self.run(*args, data=data)
        if status != 0:
            raise RuntimeError(f"{args}: {status} {err}")
        return out


def body(i, size):
    return f"message {i} " + str(i % 10) * size


def make(queue, shape):
    """Returns the bodies that a drain gives, and a receipt that is good."""
    bodies = {"small": [body(i, i * 40) for i in range(30)],
        "leased": [body(i, 20) for i in range(60)],
        "blobs": [body(i, 6000 + i * 3000) for i in range(6)],
        "large": [body(i, 30) for i in range(10000)],
        # of every kind of page some
        "crafted": [body(i, 3000 if i % 50 == 0 else 300) for i in range(2700)]}[shape]
    queue.must("qctl", "create", "jobs", "inline=4096")
    # half of them with rows of their own, half with rows that many share
    alike, alone = bodies[:len(bodies) // 2], bodies[len(bodies) // 2:]
    queue.must("qpush", "-l", "jobs", data="".join(b + "\n" for b in alike).encode())
    queue.must("qpush", "-J", "jobs", data="".join(
        json.dumps({"body": b, "max_attempts": 20 + i % 2}) + "\n"
        for i, b in enumerate(alone)).encode())
    queue.must("qpush", "-d", "1000h", "jobs", "delayed")
    queue.must("qpush", "-e", "1000h", "-H", "name=value", "jobs", "expires")
    queue.must("qpush", "-p", "9", "jobs", "leased", "released", "failed", "dead")
    receipts = [line.split(b"\t")[0].decode() for line in
        queue.must("qpop", "-L", "1000h", "-n", "4", "-l", "jobs").splitlines()]
    queue.must("qack", "jobs", "--fail", "--delay", "1000h", receipts[2])
    queue.must("qack", "jobs", "--dead", receipts[3])
    queue.must("qack", "jobs", "--release", receipts[1])
    given = bodies + ["expires", "released"]
    if shape == "leased":
        queue.must("qpop", "-L", "1000h", "-n", "20", "-l", "jobs")
        given = given[19:-1]
    if shape == "crafted":  # pages that are free, of many transactions
        for _ in range(20):
            gone = queue.must("qpop", "-n", "7", "-0", "jobs").decode().split("\0")
            given = [g for g in given if g not in gone]
    return given, receipts[0]


# ---- damage ----


def used_pages(data):
    pages = range(0, len(data), PAGE)
    return [at for at in pages if any(data[at : at + PAGE])]


def zeroed(data, at, other, rng):
    data[at : at + PAGE] = bytes(PAGE)


def swapped(data, at, other, rng):
    data[at : at + PAGE], data[other : other + PAGE] = (
        data[other : other + PAGE], data[at : at + PAGE])


def copied(data, at, other, rng):
    data[at : at + PAGE] = data[other : other + PAGE]


def noise(data, at, other, rng):
    data[at : at + PAGE] = rng.randbytes(PAGE)


def half(data, at, other, rng):
    data[at + 512 : at + PAGE] = rng.randbytes(PAGE - 512)


def flipped(data, at, other, rng):
    data[at + rng.randrange(PAGE)] ^= 1 << rng.randrange(8)


def flipped_head(data, at, other, rng):
    """Where LMDB keeps what it believes: headers, and of meta pages all there is."""
    data[at + rng.randrange(160)] ^= 1 << rng.randrange(8)


def flipped_number(data, at, other, rng):
    """Of a meta page's transaction, which says which of the two is in force."""
    data[at + rng.randrange(144, 152)] ^= 1 << rng.randrange(8)


def flipped_low(data, at, other, rng):
    """So that it is one of the transactions just before, or after."""
    data[at + 144] ^= 1 << rng.randrange(8)


def cut(data, at, other, rng):
    del data[at:]


def cut_within(data, at, other, rng):
    del data[at + rng.randrange(1, PAGE) :]


# Each is done once, or again with other random numbers in every round.
ONCE = (zeroed, swapped, copied, noise, cut)
AGAIN = (flipped, flipped_head, flipped, flipped_head, swapped, copied, half, cut_within)
METAS = (flipped_low,) * 8 + (flipped_number,) * 4


def gone(path, other, rng):
    os.unlink(path)


def short(path, other, rng):
    os.truncate(path, rng.randrange(os.path.getsize(path)))


def longer(path, other, rng):
    with open(path, "ab") as f:
        f.write(b"x")


def changed(path, other, rng):
    with open(path, "r+b") as f:
        at = rng.randrange(os.path.getsize(path))
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1 << rng.randrange(8)]))


def others(path, other, rng):
    shutil.copyfile(other, path)


FILES = (gone, short, longer, changed, others)


def lost_writes(data, earlier, most):
    """(page, what it was): the disk still has an older version of one page."""
    known = set()
    for old in earlier:
        for at in range(2 * PAGE, min(len(data), len(old)), PAGE):
            was = old[at : at + PAGE]
            if any(was) and was != data[at : at + PAGE]:
                known.add((at, was))
    known = sorted(known)
    return known if most == 0 else random.Random(most).sample(known, min(most, len(known)))


def cases(whole, most, rounds, earlier):
    """(name, function of a queue's path) for each damage."""
    with open(whole + "/data.mdb", "rb") as f:
        data = f.read()
    if most is None:
        for name, how in craft.crafted(data, random.Random(rounds)):
            if zlib.crc32(name.encode()) % CRAFTED_PART < rounds:
                yield name, damage_with(data, how)
        return
    pages = used_pages(data)
    for number, how in enumerate(ONCE + AGAIN * rounds + METAS * rounds):
        rng = random.Random(number)
        chosen = pages if most == 0 else rng.sample(pages, min(most, len(pages)))
        # the pages that everything begins with are few, and always of interest
        for i, at in enumerate(pages):
            rng = random.Random(number * 1000003 + at)
            other = pages[(i + 1) % len(pages)] if how in ONCE else rng.choice(pages)
            if i < 2 or (at in chosen and how not in METAS):
                name = f"{how.__name__} page {at // PAGE}"
                yield name, damage_page(data, how, at, other, rng)
    for at, was in lost_writes(data, earlier, most):
        yield f"lost write of page {at // PAGE}", damage_page(data, lost(was), at, at, rng)
    blobs = sorted(os.listdir(whole + "/blob"))
    for how in FILES:
        for i, name in enumerate(blobs):
            rng = random.Random(f"{how.__name__} {name}")
            other = blobs[(i + 1) % len(blobs)]
            yield f"{how.__name__} blob/{name}", damage_file(how, name, other, rng)


def lost(was):
    def how(data, at, other, rng):
        data[at : at + PAGE] = was
    return how


def damage_page(data, how, at, other, rng):
    def damage(path):
        copy = bytearray(data)
        how(copy, at, other, rng)
        with open(path + "/data.mdb", "wb") as f:
            f.write(copy)
    return damage


def damage_with(data, how):
    def damage(path):
        copy = bytearray(data)
        how(copy)
        with open(path + "/data.mdb", "wb") as f:
            f.write(copy)
    return damage


def damage_file(how, name, other, rng):
    return lambda path: how(f"{path}/blob/{name}", f"{path}/blob/{other}", rng)


# ---- use ----


class Use:
    """What the commands say of a damaged queue, in one of several orders."""

    def __init__(self, queue, wanted, receipt):
        self.queue, self.wanted, self.receipt = queue, wanted, receipt
        self.bad, self.given, self.said, self.empty, self.pushed = [], [], 0, False, []

    def run(self, allowed, *args, data=b""):
        status, out, err = self.queue.run(*args, data=data)
        if status not in allowed:
            self.bad.append(f"{' '.join(args)}: {status} {err.strip()[:100]}")
        elif status != 0 and status != 1 and not err:
            self.bad.append(f"{' '.join(args)}: {status} in silence")
        self.said += status == 65
        return status, out

    def look(self):
        status, out = self.run((0, 65), "qstat", "--json", "jobs")
        if status == 0 and json.loads(out)["ready"] != len(self.wanted):
            self.bad.append(f"qstat counts {json.loads(out)['ready']} ready")
        self.run((0, 65), "qstat", "--list", "--json", "--body", "jobs")

    def push(self):
        name = f"new {len(self.pushed)}"
        if self.run((0, 65), "qpush", "jobs", name)[0] == 0:
            self.pushed.append(name)

    def ack(self):
        self.run((0, 1, 65), "qack", "jobs", self.receipt)

    def fail(self):
        self.run((0, 1, 65), "qack", "--fail", "jobs", self.receipt)

    def lease(self):
        status, out = self.run((0, 1, 65), "qpop", "-L", "1h", "-l", "jobs")
        if out and status in (0, 65):
            bodies = [line.split(b"\t", 1)[1] for line in out.splitlines()]
            self.given += [b.decode(errors="replace") for b in bodies]

    def drain(self):
        for _ in range(TRIES):
            status, out = self.run((0, 1, 65), "qpop", "-n", "all", "-0", "jobs")
            self.given += out.decode(errors="replace").split("\0")[:-1]
            if status == 1:
                self.empty = True
                break

    def judge(self):
        wanted = set(self.wanted) | set(self.pushed)
        self.bad += [f"given, never to be: {g[:60]!r}" for g in self.given if g not in wanted]
        if not self.said:
            missing = wanted - set(self.given)
            self.bad += [f"lost in silence: {m[:60]!r}" for m in sorted(missing)[:3]]
            if len(set(self.given)) < len(self.given):
                self.bad.append("given twice")
            if not self.empty:
                self.bad.append("never empty")
        return self.bad


ORDERS = (
    (Use.look, Use.drain, Use.push, Use.drain),
    (Use.push, Use.drain),
    (Use.look, Use.ack, Use.lease, Use.drain, Use.push, Use.drain),
    (Use.lease, Use.fail, Use.push, Use.drain),
)


def attack(args, where):
    total, start = [0] * 4, time.monotonic()
    print("queue".ljust(16) + "".join(c.rjust(12) for c in COLUMNS))
    for shape, most in SHAPES.items():
        if args.shape not in (None, shape):
            continue
        began = time.monotonic()
        row = attack_shape(args, where, shape, most and most * args.scale)
        total = [a + b for a, b in zip(total, row)]
        show(shape, row, began)
    show("all", total, start)
    return 1 if total[3] else 0


def attack_shape(args, where, shape, most):
    queue = Queue(args.bin, where, args.timeout)
    wanted, receipt = make(queue, shape)
    whole, row = f"{where}/whole.{shape}", [0] * 4
    os.rename(queue.path, whole)
    for number, (name, damage) in enumerate(
            cases(whole, most, args.scale, queue.earlier), 1):
        if args.case not in (0, number) or args.only not in name:
            continue
        shutil.copytree(whole, queue.path)
        damage(queue.path)
        use = Use(queue, wanted, receipt)
        for step in ORDERS[number % len(ORDERS)]:
            step(use)
        for text in use.judge():
            row[3] += 1
            if row[3] <= SHOW_MOST or args.verbose:
                print(f"damage: {name}: {text}\n"
                    f"  tests/crash/damage.py --scale {args.scale} --shape {shape} "
                    f"--case {number}", flush=True)
        if row[3] and args.first:
            sys.exit(1)
        row[0] += 1
        row[1] += use.said > 0
        row[2] += use.said == 0
        shutil.rmtree(queue.path)
    return row


def show(name, row, began):
    seconds = time.monotonic() - began
    print(name.ljust(16) + "".join(f"{n:12}" for n in row) + f"{seconds:12.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int, default=int(os.environ.get("DAMAGE_SCALE", "1")))
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--case", type=int, default=0)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with it in their names")
    parser.add_argument("--timeout", type=float, default=20, help="when a command hangs")
    parser.add_argument("--first", action="store_true", help="end at the first violation")
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    args.bin = os.environ.get("BIN", os.getcwd() + "/build")
    where = tempfile.mkdtemp(prefix="damage.", dir="/dev/shm")
    try:
        return attack(args, where)
    finally:
        shutil.rmtree(where)


if __name__ == "__main__":
    sys.exit(main())
