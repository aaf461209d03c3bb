#!/usr/bin/env python3
"""What of our own code the tests have run: lines and branches, file by file.

    coverage.py BUILD [--missed] [PART...]

BUILD was compiled for coverage (see coverage/counts.c), and tests have run in it. PART is
libq or cmd, both if none is given; headers count as what they define inline. --missed lists
lines that were never run, and branches never taken.

A branch is what gcov calls one: each way that each condition of the source goes, of &&
and || too, without optimisation. All of ours are counted: nothing is left out, neither
assertions nor paths of errors. libq/musl is not part of it: it is compiled for musl."""

import glob
import json
import os
import re
import subprocess
import sys
from collections import defaultdict


def sum_up(build):
    """Hand the counts of each program to gcov."""
    for path in glob.glob(os.path.join(build, '**', '*.gcda'), recursive=True):
        os.unlink(path)
    top = os.path.basename(build)
    for counts in glob.glob(os.path.join(build, 'counts', '*')):
        name = os.path.basename(counts)[len(top) + 1:]
        argv = [os.path.join(build, name.replace('-', '/', 1))]
        if not os.path.exists(argv[0]):
            argv = [os.path.join(build, name)]
        if name == 'qutils.so':
            argv = ['bash', '-c', f'enable -f {argv[0]} qpush']
        elif name.startswith('libq.so'):
            argv = [os.path.join(build, 'api', 'qpush')]
        subprocess.run(argv, env={'COUNTS_SUM': os.path.abspath(counts), 'PATH': '/usr/bin:/bin',
                                  'LD_LIBRARY_PATH': build}, check=True)


def ours(file):
    """The name of a source file of ours, None if it is none."""
    name = os.path.relpath(os.path.normpath(file))
    return name if name.startswith(('libq/', 'cmd/')) and '/musl/' not in name else None


def read(build):
    """What gcov knows: {file: {line: {function: (count, [branch counts])}}}."""
    files = defaultdict(lambda: defaultdict(dict))
    notes = glob.glob(os.path.join(build, '**', '*.gcno'), recursive=True)
    done = subprocess.run(['gcov', '--json-format', '--branch-probabilities', '--stdout',
                           *notes], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True)
    for row in done.stdout.splitlines():
        for file in json.loads(row)['files']:
            if (name := ours(file['file'])) is None:
                continue
            for line in file['lines']:
                here = files[name][line['line_number']]
                # For fuzzers of arguments, and in a builtin, main() has another name.
                function = re.sub(r'^(command|qpush|qpop|qack)_main$', 'main',
                                  line.get('function_name', ''))
                count, branches = line['count'], [b['count'] for b in line['branches']]
                if function in here:
                    before = here[function]
                    count += before[0]
                    branches = [a + b for a, b in zip(before[1], branches)]
                here[function] = (count, branches)
    return files


def share(done, total):
    return f'{100 * done / total:.1f}' if total else '-'


def measured(lines):
    """Lines, lines run, branches, branches taken of a file."""
    of = [row for here in lines.values() for row in here.values()]
    branches = [b for _, counts in of for b in counts]
    return [len(of), sum(count > 0 for count, _ in of), len(branches), sum(b > 0 for b in branches)]


def missed(name, lines):
    """What was missed of a file, a line each."""
    with open(name, encoding='utf-8') as f:
        text = f.read().splitlines()
    for number, here in sorted(lines.items()):
        for count, branches in here.values():
            if not count or 0 in branches:
                what = f'{branches.count(0)} of {len(branches)}' if count else 'not run'
                yield f'{name}:{number}: {what}: {text[number - 1].strip()}'


def main():
    words = [w for w in sys.argv[1:] if not w.startswith('--')]
    build, parts = os.path.normpath(words[0]), words[1:] or ['libq', 'cmd']
    sum_up(build)
    files = read(build)
    row = '{:24} {:>6} {:>6} {:>6}   {:>8} {:>6} {:>6}'
    print(row.format('file', 'lines', 'run', '%', 'branches', 'taken', '%'))
    for part in parts:
        total = [0, 0, 0, 0]
        for name in sorted(name for name in files if name.startswith(part + '/')) + [part]:
            sums = measured(files[name]) if name != part else total
            total = [a + b for a, b in zip(total, sums)]
            print(row.format(name, sums[0], sums[1], share(sums[1], sums[0]), sums[2],
                             sums[3], share(sums[3], sums[2])))
    if '--missed' in sys.argv:
        for name in sorted(files):
            if name.startswith(tuple(part + '/' for part in parts)):
                print('\n'.join(missed(name, files[name])))


if __name__ == '__main__':
    main()
