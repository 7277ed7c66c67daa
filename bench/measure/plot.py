"""A dot plot of the groups as SVG, without a library."""

import math

COLOURS = ("#7f7f7f", "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")
LEFT, TOP, LINE, WIDTH, RIGHT = 150, 64, 26, 560, 40


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def dots(means, labels, ours, title):
    """means: [(name, rows or None, {label: ratio})]; log scale, left is faster."""
    ratios = [v for _, _, by in means for v in by.values()]
    low = min(0.25, min(ratios)) / 1.1
    high = max(4.0, max(ratios)) * 1.1

    def x(value):
        return LEFT + WIDTH * math.log(value / low) / math.log(high / low)

    height = TOP + LINE * len(means) + 34
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}" '
           'font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="#ffffff"/>',
           f'<text x="10" y="20" font-size="14" font-weight="bold">{escape(title)}</text>']
    at = 10
    for i, label in enumerate(labels):
        bold = ' font-weight="bold"' if label == ours else ""
        out.append(f'<circle cx="{at + 6}" cy="40" r="5" fill="{COLOURS[i % len(COLOURS)]}"/>'
                   f'<text x="{at + 15}" y="44"{bold}>{escape(label)}</text>')
        at += 32 + 7 * len(label)
    for tick in (0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 4, 8, 16, 32):
        if low <= tick <= high:
            stroke = "#444444" if tick == 1 else "#dddddd"
            out.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP - 6}" '
                       f'y2="{height - 26}" stroke="{stroke}"/>'
                       f'<text x="{x(tick):.1f}" y="{height - 10}" text-anchor="middle">{tick:g}'
                       '</text>')
    for row, (name, rows, by) in enumerate(means):
        y = TOP + LINE * row + LINE // 2
        weight = ' font-weight="bold"' if name is None else ""
        counted = f" ({rows})" if rows is not None else ""
        out.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end"{weight}>'
                   f'{escape(name or "all")}{counted}</text>')
        for i, label in enumerate(labels):
            if label not in by:
                continue
            size = 6 if label == ours else 4.5
            out.append(f'<circle cx="{x(by[label]):.1f}" cy="{y}" r="{size}" fill="'
                       f'{COLOURS[i % len(COLOURS)]}"><title>{escape(label)} {by[label]:.3f}'
                       '</title></circle>')
    return "\n".join(out) + "\n</svg>\n"
