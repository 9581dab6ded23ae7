#!/usr/bin/env python3
"""Makes docs/run.svg: a real run of onefold in a terminal of 80 columns, as a moving picture.

capture.py ONEFOLD FILE [CUSTOMERS]: generates that many customers (1,000,000), runs onefold on them with a drill that fails
one shard, and draws what the terminal showed, at the pace at which it showed it. The Python that tests/setup made has pyte.

Every frame is what a terminal emulator made of the bytes; nothing is added but the prompt with the command.
"""

import fcntl
import html
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unicodedata

import pyte

COLUMNS, LINES = 80, 26
COMMAND = "onefold run --chaos fail:3 --retry-wait 1s"

# A cell's size, and the frame around the screen, in the picture's units.
WIDE, HIGH, EDGE = 8.4, 18, 16
# At most so many frames a second; the last stays so long.
RATE, HOLD = 5, 6.0

INK = {"default": "#d6dbe3", "red": "#f2777a", "green": "#7fc98b", "brown": "#e8c06a", "cyan": "#6cc4d8"}
DIM, GROUND = "#7b8594", "#1b2027"

# Characters that fonts draw with gaps or not at all are drawn as boxes: left, top, width, height within a cell of 1 × 1.
BOXES = {"━": (0, 0.42, 1, 0.2), "─": (0, 0.49, 1, 0.06), "■": (0.08, 0.28, 0.84, 0.46)}


class Screen(pyte.Screen):
    """Pyte knows no dim text; it is kept as the otherwise unused `strikethrough`."""

    def select_graphic_rendition(self, *attributes, **kwargs):
        super().select_graphic_rendition(*(9 if code == 2 else code for code in attributes), **kwargs)


def record(onefold, folder):
    """Runs the command on a terminal; gives what the screen showed, each with its time."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    screen = Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    stream.feed(f"$ {COMMAND}\r\n".encode())
    frames = [(0.0, picture(screen))]
    command = [onefold, *COMMAND.split()[1:]]
    env = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "CHAOS_FAIL_SHARD"):
        env.pop(name, None)
    process = subprocess.Popen(command, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    begun = time.monotonic()
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            piece = b""
        if not piece:
            break
        stream.feed(piece)
        # A picture that is still being drawn is none.
        if not select.select([ours], [], [], 0.01)[0]:
            frames.append((time.monotonic() - begun, picture(screen)))
    frames.append((time.monotonic() - begun, picture(screen)))
    if process.wait() != 0:
        sys.exit(f"onefold ended with {process.returncode}")
    return frames


def picture(screen):
    """The screen as lines, each a tuple of runs: column, text, colour."""
    lines = []
    for y in range(LINES):
        runs = []
        row = screen.buffer[y]
        for x in range(COLUMNS):
            cell = row[x]
            if cell.data == " ":
                continue
            colour = DIM if cell.strikethrough else INK.get(cell.fg, INK["default"])
            key = (colour, cell.bold, cell.data if cell.data in BOXES else "")
            if runs and runs[-1][2] == key and runs[-1][0] + len(runs[-1][1]) == x:
                runs[-1] = (runs[-1][0], runs[-1][1] + cell.data, key)
            else:
                runs.append((x, cell.data, key))
        lines.append(tuple(runs))
    return tuple(lines)


def thinned(frames):
    """At most RATE frames a second, of equal ones the first, the last in any case."""
    kept = [frames[0]]
    for at, (when, lines) in enumerate(frames[1:], 1):
        last = at == len(frames) - 1
        if lines != kept[-1][1] and (last or when - kept[-1][0] >= 1 / RATE):
            kept.append((when, lines))
    return kept


def draw_run(run):
    x, text, (colour, bold, box) = run
    if box:
        left, top, width, height = BOXES[box]
        if width == 1:
            return f'<rect x="{x * WIDE:g}" y="{top * HIGH:g}" width="{len(text) * WIDE:g}" height="{height * HIGH:g}" fill="{colour}"/>'
        dashes = f"{width * WIDE:g} {(1 - width) * WIDE:g}"
        line = f"M{(x + left) * WIDE:g} {(top + height / 2) * HIGH:g}h{len(text) * WIDE:g}"
        return f'<path d="{line}" stroke="{colour}" stroke-width="{height * HIGH:g}" stroke-dasharray="{dashes}"/>'
    assert all(unicodedata.east_asian_width(c) not in "WF" for c in text), "one column each"
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x * WIDE:g}" y="{HIGH * 0.72:g}" textLength="{len(text) * WIDE:g}" fill="{colour}"{weight}>'
        f"{html.escape(text)}</text>"
    )


def draw(frames):
    used = max(y for _, lines in frames for y, line in enumerate(lines) if line) + 1
    height, width = used * HIGH, COLUMNS * WIDE
    # Each line is drawn once; a frame names its lines. The last frame stands first: it is what a still picture shows.
    names, frames_drawn = {}, []
    for _, lines in frames:
        uses = [
            f'<use href="#{names.setdefault(line, f"l{len(names)}")}" y="{y * HIGH}"/>'
            for y, line in enumerate(lines[:used])
            if line
        ]
        frames_drawn.append("".join(uses))
    places = [*range(1, len(frames)), 0]
    total = frames[-1][0] + HOLD
    steps = "".join(
        f"{when / total * 100:.2f}%{{transform:translateY(-{place * height}px)}}" for (when, _), place in zip(frames, places)
    )
    drawn = "".join(
        f'<g transform="translate(0 {place * height})">{frame}</g>' for frame, place in zip(frames_drawn, places)
    )
    defs = "".join(f'<g id="{name}">{"".join(map(draw_run, line))}</g>' for line, name in names.items())
    outer = f"{width + 2 * EDGE:g} {height + 2 * EDGE:g}"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {outer}" role="img" aria-labelledby="t">
<title id="t">A run of onefold in a terminal: bars for each stage, shard 3 fails once and is retried, a closing summary</title>
<style>text{{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}}
@media (prefers-reduced-motion:no-preference){{.film{{animation:film {total:.2f}s steps(1,end) infinite}}}}
@keyframes film{{{steps}100%{{transform:translateY(0)}}}}</style>
<rect width="100%" height="100%" rx="8" fill="{GROUND}"/>
<defs>{defs}</defs>
<svg x="{EDGE}" y="{EDGE}" width="{width:g}" height="{height}" viewBox="0 0 {width:g} {height}" overflow="hidden"><g class="film">{drawn}</g></svg>
</svg>
"""


def main(onefold, file, customers="1000000"):
    onefold = os.path.abspath(onefold)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([onefold, "generate", "--customers", customers, "--quiet"], cwd=folder, check=True)
        frames = thinned(record(onefold, folder))
    with open(file, "w", encoding="utf-8") as svg:
        svg.write(draw(frames))
    print(f"{file}: {len(frames)} frames, {os.path.getsize(file):,} bytes")


main(*sys.argv[1:])
