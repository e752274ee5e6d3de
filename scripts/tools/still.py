"""Makes a flame graph that stands still: no script, no links, every label as much as fits. Reads and writes SVG."""

import re
import sys

CHARACTER = 7.1
FRAMES = 1180

FRAME = re.compile(
    r'<g><title>(?P<name>[^<]*) \((?P<share>[^()]*)\)</title>'
    r'<rect x="(?P<x>[\d.]+)%" y="(?P<y>\d+)" width="(?P<width>[\d.]+)%" height="\d+" fill="(?P<fill>[^"]+)"[^>]*/>'
)


def main():
    text = sys.stdin.read()
    title = re.search(r'<text id="title"[^>]*>([^<]*)<', text)[1]
    height = int(re.search(r'<svg [^>]*height="(\d+)"', text)[1])
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="{height}" viewBox="0 0 1200 {height}" '
          'font-family="monospace" font-size="12">')
    print('<rect width="1200" height="100%" fill="#fdf8ec"/>')
    print(f'<text x="600" y="24" font-size="17" text-anchor="middle">{title}</text>')
    for frame in FRAME.finditer(text):
        print(drawn(**frame.groupdict()))
    print("</svg>")


def drawn(name, share, x, y, width, fill):
    left, wide = 10 + float(x) * FRAMES / 100, float(width) * FRAMES / 100
    part = share.rsplit(" ", 1)[-1]
    return (f'<g><title>{name} ({part})</title><rect x="{left:.1f}" y="{y}" width="{wide:.1f}" height="15" fill="{fill}"/>'
            f'{label(name, left, int(y), wide)}</g>')


def label(name, left, y, wide):
    fits = int((wide - 4) / CHARACTER)
    if fits < 3:
        return ""
    # Whole characters, also where one is written as an entity.
    letters = re.findall(r"&\w+;|.", name)
    shown = name if len(letters) <= fits else "".join(letters[: fits - 2]) + ".."
    return f'<text x="{left + 3:.1f}" y="{y + 11}">{shown}</text>'


main()
