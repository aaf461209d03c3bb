"""kill -9 by the thousand, of commands and of processes that stay: build/tool/killer drives
them, and judges what they were told."""

import os
import shutil
import subprocess
import zlib

from command import BIN

KILLS, ROUND = 2500, 600  # of each storm, and of each of its rounds
LIMIT = 3600  # seconds: a machine that needs so long is not slow, but stuck


def storm(seed, base):
    """Kills made, and what is wrong, a line each."""
    shutil.rmtree(base, ignore_errors=True)
    killer = os.path.join(BIN, 'tool', 'killer')
    argv = [killer, '-k', str(KILLS), '-r', str(ROUND),
            '-s', str(zlib.crc32(seed.encode()) + 1), BIN, base]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors='replace', timeout=LIMIT, check=False)
    shutil.rmtree(base, ignore_errors=True)
    lines = done.stdout.splitlines()
    words = lines.pop().split() if lines else []
    wrong = [line.lstrip('# ') for line in lines]
    if done.returncode not in (0, 1) or words[:1] != ['kills']:
        return 0, wrong + [f'killer ended with {done.returncode}: {" ".join(words)}']
    if done.returncode == 1 and not wrong:
        wrong.append(' '.join(words))
    return int(words[1]), wrong
