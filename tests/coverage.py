#!/usr/bin/env python3
"""What of our own code the tests have run: lines and branches, file by file.

    coverage.py BUILD --add
    coverage.py BUILD [--missed] [PART...]

BUILD was compiled with --coverage, and tests have run in it: --add adds what they counted
to BUILD/counts.json, and clears it. A process that is killed while it writes its counts
spoils those of a file: to be called after each file of tests, so that few are lost. PART is
libq or cmd, both if none is given. --missed lists lines that were never run, and branches
never taken."""

import glob
import json
import os
import subprocess
import sys


def notes(build, part):
    """The notes of the compiler for each source file of a part."""
    return sorted(glob.glob(os.path.join(build, part, '*.gcno')))


def read(path):
    """What gcov knows of one file: {line: (count, [branch counts])}."""
    done = subprocess.run(['gcov', '--json-format', '--branch-probabilities', '--stdout',
                           path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False)
    lines = {}
    for row in done.stdout.splitlines():
        for file in json.loads(row)['files']:
            if not file['file'].endswith('.c'):
                continue
            for line in file['lines']:
                count, branches = lines.get(line['line_number'], (0, []))
                lines[line['line_number']] = (
                    count + line['count'],
                    branches + [b['count'] for b in line['branches'] if not b['throw']])
    return lines


def add(build):
    """Add what was counted since the last time."""
    kept = os.path.join(build, 'counts.json')
    total = {}
    if os.path.exists(kept):
        with open(kept, encoding='utf-8') as f:
            total = json.load(f)
    for path in notes(build, 'libq') + notes(build, 'cmd'):
        old = total.setdefault(path, {})
        for number, (count, branches) in read(path).items():
            before = old.get(str(number), [0, [0] * len(branches)])
            old[str(number)] = [before[0] + count,
                                [a + b for a, b in zip(before[1], branches)]]
    with open(kept, 'w', encoding='utf-8') as f:
        json.dump(total, f)
    for path in glob.glob(os.path.join(build, '**', '*.gcda'), recursive=True):
        os.unlink(path)


def share(done, total):
    return f'{100 * done / total:.1f}' if total else '-'


def main():
    words = [w for w in sys.argv[1:] if not w.startswith('--')]
    build, parts = words[0], words[1:] or ['libq', 'cmd']
    if '--add' in sys.argv:
        add(build)
        return
    with open(os.path.join(build, 'counts.json'), encoding='utf-8') as f:
        counts = json.load(f)
    row = '{:24} {:>6} {:>6} {:>6}   {:>8} {:>6} {:>6}'
    print(row.format('file', 'lines', 'run', '%', 'branches', 'taken', '%'))
    missed = []
    for part in parts:
        total = [0, 0, 0, 0]
        for path in notes(build, part):
            name = os.path.join(part, os.path.basename(path)[:-5] + '.c')
            lines = {int(number): of for number, of in counts[path].items()}
            branches = [b for _, of in lines.values() for b in of]
            sums = [len(lines), sum(count > 0 for count, _ in lines.values()),
                    len(branches), sum(b > 0 for b in branches)]
            total = [a + b for a, b in zip(total, sums)]
            print(row.format(name, sums[0], sums[1], share(sums[1], sums[0]), sums[2],
                             sums[3], share(sums[3], sums[2])))
            with open(name, encoding='utf-8') as f:
                text = f.read().splitlines()
            for number, (count, of) in sorted(lines.items()):
                if not count or 0 in of:
                    what = 'not run' if not count else f'{of.count(0)} of {len(of)}'
                    missed.append(f'{name}:{number}: {what}: {text[number - 1].strip()}')
        print(row.format(part, total[0], total[1], share(total[1], total[0]), total[2],
                         total[3], share(total[3], total[2])))
    if '--missed' in sys.argv:
        print('\n'.join(missed))


if __name__ == '__main__':
    main()
