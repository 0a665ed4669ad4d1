#!/usr/bin/env python3
"""draw.py SCREEN...: draws terminal screens (as `tmux capture-pane -e -p` gives them) side by side, as one SVG on stdout.

A window bears the name of its file. Knows colours, bold, faint, italic and inverse; anything else of a terminal is left out.
"""
import re
import sys
import unicodedata
from html import escape
from pathlib import Path

CELL_W, CELL_H, SIZE = 7.8, 17, 13
BAR, PAD, GAP = 28, 10, 16
INK, PAPER, FRAME = "#d4d4d4", "#1b1d23", "#2b2e37"
BASIC = ["#3b4048", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4",
         "#6b7280", "#f08a91", "#b5e0a0", "#f3d59a", "#8cc6ff", "#da9df0", "#7fd4df", "#ffffff"]


def indexed(number):
    """One of the 256 colours."""
    if number < 16:
        return BASIC[number]
    if number < 232:
        number -= 16
        levels = [0, 95, 135, 175, 215, 255]
        return "#%02x%02x%02x" % tuple(levels[number // step % 6] for step in (36, 6, 1))
    return "#%02x%02x%02x" % ((8 + 10 * (number - 232),) * 3)


def extended(codes):
    """A colour after 38 or 48; takes its numbers away."""
    kind = codes.pop(0) if codes else 5
    if kind == 2 and len(codes) >= 3:
        red, green, blue, *rest = codes
        codes[:] = rest
        return "#%02x%02x%02x" % (red, green, blue)
    return indexed(codes.pop(0) if codes else 7)


def restyle(style, codes):
    """The style after one sequence."""
    style = dict(style)
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = {}
        elif code in (1, 2, 3, 7):
            style[code] = True
        elif code in (22, 23, 27):
            for gone in {22: (1, 2), 23: (3,), 27: (7,)}[code]:
                style.pop(gone, None)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style["ink"] = BASIC[code - 30 if code < 90 else code - 82]
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style["paper"] = BASIC[code - 40 if code < 100 else code - 92]
        elif code == 38:
            style["ink"] = extended(codes)
        elif code == 48:
            style["paper"] = extended(codes)
        elif code in (39, 49):
            style.pop("ink" if code == 39 else "paper", None)
    return style


def runs(line):
    """The parts of one style of a line: column, width in cells, text, style."""
    column, style = 0, {}
    for text, codes in re.findall(r"([^\x1b]+)|\x1b\[([\d;:]*)m", line):
        if text:
            width = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
            yield column, width, text, style
            column += width
        else:
            style = restyle(style, [int(code or 0) for code in re.split("[;:]", codes)])


def attributes(style):
    ink, paper = style.get("ink", INK), style.get("paper")
    if style.get(7):
        ink, paper = paper or PAPER, ink
    weight = ' font-weight="bold"' if style.get(1) else ""
    faint = ' opacity="0.6"' if style.get(2) else ""
    slant = ' font-style="italic"' if style.get(3) else ""
    return paper, f'fill="{ink}"{weight}{faint}{slant}'


def window(title, lines, left, columns, rows):
    width, height = columns * CELL_W + 2 * PAD, rows * CELL_H + BAR + 2 * PAD
    yield f'<g transform="translate({left:.1f} 0)">'
    yield f'<rect width="{width:.1f}" height="{height:.1f}" rx="8" fill="{PAPER}" stroke="{FRAME}"/>'
    yield f'<path d="M0 {BAR}V8a8 8 0 0 1 8-8H{width - 8:.1f}a8 8 0 0 1 8 8V{BAR}z" fill="{FRAME}"/>'
    yield f'<text x="{width / 2:.1f}" y="{BAR - 9}" text-anchor="middle" fill="{INK}">{escape(title)}</text>'
    for row, line in enumerate(lines):
        top = BAR + PAD + row * CELL_H
        for column, cells, text, style in runs(line):
            paper, how = attributes(style)
            at, wide = PAD + column * CELL_W, cells * CELL_W
            if paper:
                yield f'<rect x="{at:.1f}" y="{top}" width="{wide:.1f}" height="{CELL_H}" fill="{paper}"/>'
            if text.strip():
                # The length holds columns together whatever font there is.
                yield (f'<text x="{at:.1f}" y="{top + 13}" textLength="{wide:.1f}" xml:space="preserve" {how}>'
                       f"{escape(text)}</text>")
    yield "</g>"


def main(paths):
    screens = [(path.stem, path.read_text().rstrip("\n").split("\n")) for path in map(Path, paths)]
    plain = [[re.sub(r"\x1b\[[\d;:]*m", "", line) for line in lines] for _, lines in screens]
    columns = max(len(line.rstrip()) for lines in plain for line in lines)
    rows = max(len(lines) for lines in plain)
    each = columns * CELL_W + 2 * PAD
    width, height = len(screens) * (each + GAP) - GAP, rows * CELL_H + BAR + 2 * PAD
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
          f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="{SIZE}">')
    for number, (title, lines) in enumerate(screens):
        print("\n".join(window(title, lines, number * (each + GAP), columns, rows)))
    print("</svg>")


if __name__ == "__main__":
    main(sys.argv[1:])
