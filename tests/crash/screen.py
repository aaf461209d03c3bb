"""A command on a terminal of its own, with somebody who types."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from command import LIMIT, Result, end

LEAVES = b'\x1b[?1049l'  # what ends the screen of an xterm
CONTROL = re.compile(rb'\x1b[\[\]()][0-9;?>]*[A-Za-z]|\x1b[=>78]|\x0f|\r|\x07')
SIZE = struct.pack('HHHH', 30, 100, 0, 0)
PATIENCE = 2  # seconds for what a key does, if it does anything


def shown(fd, seconds):
    """What comes within so many seconds; nothing if the other end is gone."""
    if not select.select([fd], [], [], seconds)[0]:
        return b''
    try:
        return os.read(fd, 1 << 16)
    except OSError:
        return b''


def play(argv, env, keys):
    """Run argv, and type the keys one after the other, each when the one before has
    changed the screen. The end of what it said is what it wrote after its screen."""
    fd, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, SIZE)
    modes = termios.tcgetattr(slave)
    modes[3] &= ~termios.ECHO  # what is typed is not said
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    modes = termios.tcgetattr(slave)
    pid = os.fork()
    if pid == 0:
        try:
            os.close(fd)
            os.login_tty(slave)
            os.execve(argv[0], argv, env)
        finally:
            os._exit(127)
    os.close(slave)
    text = shown(fd, PATIENCE)
    for key in keys:
        try:
            os.write(fd, key)
        except OSError:
            break
        text += shown(fd, PATIENCE)
    until = time.monotonic() + LIMIT
    while (more := shown(fd, max(0, until - time.monotonic()))):
        text += more
    said = CONTROL.sub(b'', text.rpartition(LEAVES)[2])
    if termios.tcgetattr(fd) != modes:
        said += b'the terminal is not as it was\n'
    os.close(fd)
    return Result(end(pid, LIMIT), text, said)
