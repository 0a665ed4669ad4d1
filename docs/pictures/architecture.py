#!/usr/bin/env python3
"""architecture.py: draws the parts of c2c and what goes between them, as one SVG on stdout, for light and dark pages.

python3 docs/pictures/architecture.py > docs/pictures/architecture.svg
"""
from html import escape

WIDTH, HEIGHT = 760, 470
BOX_W, BOX_H, ROUND = 200, 52, 8
LEFT, MIDDLE, RIGHT = 20, 280, 540

STYLE = """
  .page { fill: #ffffff } .box { fill: #f4f6fa; stroke: #6b7690 } .own { fill: #e3ecfb; stroke: #3566b8 }
  .part { fill: #ffffff; stroke: #3566b8 } .disk { fill: #eaf5e6; stroke: #4b8a3a }
  .line { stroke: #5a6478; fill: none; stroke-width: 1.5 } .tip { fill: #5a6478 }
  text { fill: #1d2433; font-size: 13px } .name { font-weight: 600; font-size: 14px } .note { fill: #566074; font-size: 12px }
  @media (prefers-color-scheme: dark) {
    .page { fill: #14171e } .box { fill: #232833; stroke: #8792ab } .own { fill: #1c2b45; stroke: #7aa5ee }
    .part { fill: #14171e; stroke: #7aa5ee } .disk { fill: #1d3019; stroke: #86c474 }
    .line { stroke: #9aa5bb } .tip { fill: #9aa5bb }
    text { fill: #e6e9f0 } .note { fill: #a9b3c6 }
  }
"""


def text(x, y, words, kind="", anchor="middle"):
    kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def box(x, y, name, note, kind="box", width=BOX_W, height=BOX_H):
    middle = x + width // 2
    yield f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{ROUND}"/>'
    yield text(middle, y + 22, name, "name")
    if note:
        yield text(middle, y + 40, note, "note")


def line(x, top, bottom, both=True):
    """Down, with a tip at its end, and at its beginning if things go both ways."""
    yield f'<path class="line" d="M{x} {top}V{bottom}"/>'
    yield f'<path class="tip" d="M{x - 4} {bottom - 7}h8l-4 7z"/>'
    if both:
        yield f'<path class="tip" d="M{x - 4} {top + 7}h8l-4 -7z"/>'


def cylinder(x, y, width, height):
    ry = 9
    body = f"M{x} {y + ry}v{height - 2 * ry}a{width // 2} {ry} 0 0 0 {width} 0v-{height - 2 * ry}"
    yield f'<path class="disk" d="{body}"/>'
    yield f'<ellipse class="disk" cx="{x + width // 2}" cy="{y + ry}" rx="{width // 2}" ry="{ry}"/>'


def picture():
    yield f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="{ROUND}"/>'
    for x, name, note in [
        (LEFT, "a client", "Claude Code, session api"),
        (MIDDLE, "a client", "any other of MCP, session web"),
        (RIGHT, "you", "at a terminal"),
    ]:
        yield from box(x, 20, name, note)
        yield from line(x + BOX_W // 2, 74, 124)
    yield text(LEFT + BOX_W // 2 + 12, 104, "MCP on stdin, stdout", "note", "start")
    yield text(MIDDLE + BOX_W // 2 + 12, 104, "MCP on stdin, stdout", "note", "start")
    for x, name, note in [
        (LEFT, "c2c-shim", "one for each session"),
        (MIDDLE, "c2c-shim", "holds nothing durable"),
        (RIGHT, "c2c", "commands for people"),
    ]:
        yield from box(x, 126, name, note, "own")
        yield from line(x + BOX_W // 2, 180, 236)
    yield text(LEFT + BOX_W // 2 + 12, 212, "calls, replies, events", "note", "start")
    yield text(MIDDLE + BOX_W // 2 + 12, 212, "one socket, only this user", "note", "start")

    yield f'<rect class="own" x="{LEFT}" y="238" width="{WIDTH - 2 * LEFT}" height="112" rx="{ROUND}"/>'
    yield text(LEFT + 16, 260, "c2c-broker", "name", "start")
    yield text(LEFT + 112, 260, "one for each store; started by whoever needs it first", "note", "start")
    width = 218
    for place, (name, note) in enumerate([
        ("handle", "rules and limits of each request"),
        ("store", "all SQL; the only truth"),
        ("hub", "who is connected, who waits"),
    ]):
        yield from box(LEFT + 16 + place * (width + 17), 280, name, note, "part", width, BOX_H)
    yield from line(WIDTH // 2, 352, 392)
    yield text(WIDTH // 2 + 12, 376, "the only process that opens it", "note", "start")
    yield from cylinder(MIDDLE, 394, BOX_W, 62)
    yield text(WIDTH // 2, 432, "~/.claude/c2c.db", "name")
    yield text(WIDTH // 2, 448, "one SQLite file", "note")


def main():
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
          'font-family="system-ui, -apple-system, Segoe UI, sans-serif">')
    print(f"<title>The parts of c2c</title>\n<style>{STYLE}</style>")
    print("\n".join(picture()))
    print("</svg>")


if __name__ == "__main__":
    main()
