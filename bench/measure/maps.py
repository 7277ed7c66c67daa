"""Hash tables: the rows of mapprobe by contender, their bars, the latency of growing insertion."""

import math

from .check import Check
from .stats import median

OURS = "bosk"
SHAPES = {1: "u64 to u64", 2: "u32 to u32", 3: "16 characters to u64",
          4: "36 characters to 64 bytes"}
ROWS = ["grow", "reserved", "hit", "chain", "miss", "mixed", "erase", "iterate", "bytes", "peak",
        "rss_after"]
UNITS = {"bytes": "B/entry", "peak": "B/entry", "rss_after": "of before"}

# shape, row, entries, contender, bar
BARS = [
    *((1, "grow", n, "boost", bar) for n, bar in
      ((1000, 0.90), (100000, 0.65), (1000000, 0.85), (10000000, 1.00))),
    *((1, "grow", n, "absl", bar) for n, bar in
      ((1000, 0.90), (100000, 0.55), (1000000, 0.70), (10000000, 0.80))),
    *((1, "hit", n, who, bar) for n in (1000, 100000, 1000000, 10000000)
      for who, bar in (("boost", 1.05), ("absl", 0.95))),
    (1, "chain", 1000000, "boost", 1.00), (1, "chain", 1000000, "absl", 0.65),
    (1, "miss", 1000000, "boost", 1.05), (1, "erase", 1000000, "boost", 1.00),
    (1, "mixed", 1000000, "boost", 1.00),
    *((3, row, 1000000, who, 0.65) for row in ("hit", "grow") for who in ("boost", "absl")),
    *((1, row, n, "go", 0.70 if row == "chain" else 0.50)
      for n in (1000, 100000, 1000000, 10000000)
      for row in ("grow", "reserved", "hit", "chain", "miss", "mixed", "erase", "iterate")
      if not (row == "erase" and n < 100000)),
    *((3, row, n, "go", 0.75) for n in (1000, 100000, 1000000)
      for row in ("grow", "reserved", "hit", "chain", "miss", "mixed", "erase", "iterate")
      if not (row == "erase" and n < 100000)),
    *((1, "peak", n, who, 0.70) for n in (100000, 1000000, 10000000) for who in ("boost", "absl")),
]


class Table:
    """Medians of all rounds: {(shape, row, entries): {label: value}}."""

    def __init__(self, found, labels):
        self.labels = labels
        self.value = {key: {label: median(v) for label, v in by.items()}
                      for key, by in found.items()}

    def ratio(self, shape, row, n, who):
        by = self.value.get((shape, row, n), {})
        if OURS not in by or not by.get(who):
            return None
        return by[OURS] / by[who]

    def text(self, shape, n):
        head = f"{n:.0e}".replace("e+0", "e")
        lines = [head.ljust(12) + "".join(lb.rjust(10) for lb in self.labels)]
        for row in ROWS:
            by = self.value.get((shape, row, n))
            if by:
                lines.append(row.ljust(12) + "".join(
                    (f"{by[lb]:.2f}" if lb in by else "-").rjust(10) for lb in self.labels)
                    + f"  {UNITS.get(row, 'ns')}")
        return "\n".join(lines)

    def checks(self, sizes, quick):
        out = []
        for shape, row, n, who, bar in BARS:
            what = f"{row}, {SHAPES[shape]}, {n:.0e} entries, against {who}".replace("e+0", "e")
            r = self.ratio(shape, row, n, who)
            if r is None:
                if quick and n not in sizes:
                    continue
                out.append(Check.missing(what, f"<= {bar:.2f}"))
            else:
                out.append(Check.of(what, f"<= {bar:.2f}", f"{r:.2f}", r <= bar))
        for n in (1000000, 10000000):
            left = self.value.get((1, "rss_after", n), {}).get(OURS)
            if left is not None:
                out.append(Check.of(f"resident memory after erasing 90 % of {n:.0e}", "<= 0.25",
                                    f"{left:.2f}", left <= 0.25))
        return out

    def go_lines(self):
        return [f"BenchmarkMap/{SHAPES[s].replace(' ', '_')}/{row}/n={n}/by={lb}\t1\t{v:.3f} "
                f"{'B/entry' if row in ('bytes', 'peak') else 'ns/op'}"
                for (s, row, n), by in sorted(self.value.items()) for lb, v in by.items()]


QUANTILES = ["p50", "p90", "p99", "p999", "p9999", "p99999", "p999999", "max"]


def latency_text(found):
    """found: {label: {row: value}}."""
    lines = ["ns".ljust(18) + "".join(q.rjust(13) for q in QUANTILES) + ">5us".rjust(8)
             + ">10us".rjust(8)]
    for label, rows in found.items():
        for kind in ("least", "raw", "empty"):
            if f"{kind}_max" not in rows or (kind == "empty" and label != OURS):
                continue
            lines.append(f"{label} {kind}".ljust(18) + "".join(
                f"{rows[f'{kind}_{q}']:13.0f}" for q in QUANTILES)
                + f"{rows[f'{kind}_over5us']:8.0f}{rows[f'{kind}_over10us']:8.0f}")
    return "\n".join(lines)


def latency_checks(found):
    rows = found.get(OURS, {})
    bars = [("worst growing insertion, the first left out", "least_max", 10000, "ns"),
            ("insertions above 10 us", "least_over10us", 10, ""),
            ("99.99 % of growing insertions", "least_p9999", 3000, "ns")]
    out = []
    for what, row, bar, unit in bars:
        if row not in rows:
            out.append(Check.missing(what, f"<= {bar} {unit}"))
        else:
            out.append(Check.of(what, f"<= {bar} {unit}", f"{rows[row]:.0f} {unit}",
                                rows[row] <= bar, f"raw {rows[row.replace('least', 'raw')]:.0f}"))
    return out


COLORS = ["#0b7285", "#e8590c", "#5f3dc4", "#2b8a3e", "#c2255c", "#868e96"]


def ccdf_svg(found, n):
    """Share of insertions that take longer, both axes logarithmic."""
    width, height, left, bottom = 760, 420, 70, 50
    shares = [0.5, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1 / n]
    high = max((rows[f"least_{q}"] for rows in found.values() for q in QUANTILES
                if f"least_{q}" in rows), default=1000)
    top = math.ceil(math.log10(high))
    low = 1

    def at(ns, share):
        x = left + (math.log10(max(ns, 10)) - low) / (top - low) * (width - left - 120)
        y = 20 + (-math.log10(share)) / (-math.log10(shares[-1])) * (height - bottom - 20)
        return x, y

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="12">',
           '<style>text{fill:#343a40}@media(prefers-color-scheme:dark){text{fill:#ced4da}}</style>']
    for e in range(low, top + 1):
        x, _ = at(10 ** e, 0.5)
        name = f"{10 ** (e % 3)} {('ns', 'us', 'ms', 's')[e // 3]}"
        out.append(f'<line x1="{x:.0f}" y1="20" x2="{x:.0f}" y2="{height - bottom}" '
                   f'stroke="#adb5bd" stroke-width="0.5"/><text x="{x:.0f}" '
                   f'y="{height - bottom + 18}" text-anchor="middle">{name}</text>')
    for s in shares[:-1]:
        _, y = at(10, s)
        out.append(f'<line x1="{left}" y1="{y:.0f}" x2="{width - 120}" y2="{y:.0f}" '
                   f'stroke="#adb5bd" stroke-width="0.5"/><text x="{left - 8}" y="{y + 4:.0f}" '
                   f'text-anchor="end">{s:g}</text>')
    for i, (label, rows) in enumerate(found.items()):
        if "least_max" not in rows:
            continue
        points = [at(rows[f"least_{q}"], s) for q, s in zip(QUANTILES, shares)]
        color = COLORS[i % len(COLORS)]
        out.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="'
                   + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + '"/>')
        x, y = points[-1]
        out.append(f'<text x="{x + 6:.0f}" y="{y - 4 - 12 * (i % 3):.0f}" style="fill:{color}">'
                   f'{label}</text>')
    out.append(f'<text x="{left}" y="{height - 10}">time of one growing insertion, to {n:.0e} '
               'entries; upwards: share of insertions that take longer</text></svg>')
    return "\n".join(out).replace("e+07", "e7").replace("e+06", "e6")
