#!/usr/bin/env python3
"""ansi_to_svg.py FILE COMMAND - a terminal's output as a picture.

Understands what the report uses: bold, dim, cyan, off.  Text is placed a run at a time with its
exact width, so the columns hold in any monospaced font; block characters become rectangles, so
the chart has no gaps.
"""
import html
import re
import sys

CELL, LINE, SIZE, PAD, BAR = 8.4, 17, 14, 18, 34
COLUMNS = 100
BACK, FRAME = "#15181e", "#2a2f3a"
TEXT, DIM, CYAN, GREEN = "#d5dae3", "#808a9c", "#4cc2c4", "#8fc57c"
BLOCKS = " ▁▂▃▄▅▆▇█"


class Style:
    def __init__(self):
        self.bold = False
        self.colour = TEXT

    def apply(self, codes):
        for code in codes.split(";"):
            if code in ("", "0"):
                self.__init__()
            elif code == "1":
                self.bold = True
            elif code == "2":
                self.colour = DIM
            elif code == "36":
                self.colour = CYAN

    def key(self):
        return self.bold, self.colour


def cells(line, style):
    """(character, bold, colour) of each column of a line."""
    out = []
    for escape, char in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b])", line):
        if char:
            out.append((char, *style.key()))
        else:
            style.apply(escape)
    return out


def text_run(x, y, run):
    chars = "".join(c for c, _, _ in run)
    if not chars.strip():
        return ""
    lead = len(chars) - len(chars.lstrip())
    chars = chars.strip()
    weight = ' font-weight="bold"' if run[0][1] else ""
    return (f'<text x="{(x + lead) * CELL + PAD:.1f}" y="{y}" fill="{run[0][2]}"{weight} '
            f'textLength="{len(chars) * CELL:.1f}" lengthAdjust="spacingAndGlyphs">'
            f"{html.escape(chars)}</text>")


def block_run(x, top, run):
    """Equal blocks side by side: one rectangle."""
    height = LINE * BLOCKS.index(run[0][0]) / 8
    return (f'<rect x="{x * CELL + PAD:.1f}" y="{top + LINE - height:.2f}" '
            f'width="{len(run) * CELL:.1f}" height="{height:.2f}" fill="{run[0][2]}"/>')


def wall_run(x, top, run):
    return (f'<rect x="{(x + 0.45) * CELL + PAD:.1f}" y="{top}" width="1.2" height="{LINE}" '
            f'fill="{DIM}"/>') * bool(run)


def kind(cell):
    char = cell[0]
    return "wall" if char == "│" else char if char in BLOCKS[1:] else "text"


def alike(a, b):
    return kind(a) == kind(b) and a[1:] == b[1:]


def draw_line(row, line):
    top = BAR + PAD + row * LINE
    out, at = [], 0
    while at < len(line):
        end = at + 1
        while end < len(line) and alike(line[end], line[at]):
            end += 1
        run, what = line[at:end], kind(line[at])
        if what == "text":
            out.append(text_run(at, top + SIZE - 1, run))
        elif what == "wall":
            out.append(wall_run(at, top, run))
        else:
            out.append(block_run(at, top, run))
        at = end
    return [piece for piece in out if piece]


def main():
    with open(sys.argv[1], encoding="utf-8", newline="") as f:
        text = f.read()
    # What a carriage return and "erase to the end" leave of a line.
    lines = [line.rstrip("\r").split("\r")[-1].replace("\x1b[K", "").rstrip()
             for line in text.split("\n")]
    lines = [line for line in lines if not line.startswith("Script ")]
    while lines and not lines[-1]:
        lines.pop()
    style = Style()
    rows = [[(c, False, GREEN) for c in "$ "] + [(c, True, TEXT) for c in sys.argv[2]]]
    rows += [cells(line, style) for line in lines]
    if any(len(row) > COLUMNS for row in rows):
        sys.exit("ansi_to_svg: a line is longer than 100 columns")
    width, height = COLUMNS * CELL + 2 * PAD, BAR + 2 * PAD + len(rows) * LINE
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" '
          f'width="{width:g}" height="{height}" font-size="{SIZE}" xml:space="preserve" '
          'shape-rendering="crispEdges" '
          'font-family="ui-monospace, DejaVu Sans Mono, Menlo, Consolas, monospace">')
    print("<title>The report of bosk run on sqlite3</title>")
    print(f'<rect width="{width:g}" height="{height}" rx="9" fill="{BACK}"/>')
    print(f'<path d="M0 {BAR}H{width:g}" stroke="{FRAME}"/>')
    for i in range(3):
        print(f'<circle cx="{20 + 18 * i}" cy="{BAR // 2}" r="5.5" fill="{FRAME}" '
              'shape-rendering="auto"/>')
    for number, row in enumerate(rows):
        for piece in draw_line(number, row):
            print(piece)
    print("</svg>")


if __name__ == "__main__":
    main()
