#!/usr/bin/env python3
"""Runs a command with a terminal on stderr, as a person would see it, and prints what was on the screen as JSON.

screen.py COLUMNS COMMAND…: {"code", "stdout", "raw", "screens"}; a screen is its lines, top down, without those that are
empty at its end; only screens that differ from the one before are given, and the last.
"""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios

import pyte

LINES = 30


def lines_of(screen):
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def main(columns, command):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
    screen = pyte.Screen(columns, LINES)
    stream = pyte.ByteStream(screen)
    raw, screens = b"", []
    with tempfile.TemporaryFile() as stdout:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=theirs)
        os.close(theirs)
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                piece = b""
            if not piece:
                break
            raw += piece
            stream.feed(piece)
            # A picture that is still being drawn is none.
            if select.select([ours], [], [], 0.01)[0]:
                continue
            if not screens or screens[-1] != lines_of(screen):
                screens.append(lines_of(screen))
        screens.append(lines_of(screen))
        code = process.wait()
        stdout.seek(0)
        said = stdout.read().decode()
    print(json.dumps({"code": code, "stdout": said, "raw": raw.decode(errors="replace"), "screens": screens}))


main(int(sys.argv[1]), sys.argv[2:])
