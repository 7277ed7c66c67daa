"""Exact instruction counts, to the return of each call."""

from . import probe
from .check import Check

PAIR_BAR = 30
KINDS = ("pair:64", "lifo:64", "fifo:64", "random:64", "random:0", "calloc:64", "calloc:800",
         "remote-free:64", "remote-malloc:64", "refill:64")


def measure(exe, contenders, rounds=1, kinds=KINDS):
    """{(label, kind, call): (median, mean)}."""
    out = {}
    for kind in kinds:
        for c in contenders:
            for call, row in probe.count(exe, c, kind, rounds).items():
                out[c.label, kind, call] = (float(row["median"]), float(row["mean"]))
    return out


def checks(counts, ours):
    what = "malloc + free of 64 B, instructions to ret"
    try:
        pair = sum(counts[ours, "pair:64", call][0] for call in ("malloc", "free"))
        mean = sum(counts[ours, "pair:64", call][1] for call in ("malloc", "free"))
    except KeyError:
        return [Check.missing(what, f"<= {PAIR_BAR}")]
    return [Check.of(what, f"<= {PAIR_BAR}", f"{pair:.0f}", pair <= PAIR_BAR,
                     f"mean over all calls, slow paths included: {mean:.2f}")]


def table(counts, labels):
    """Text: median / mean of each kind and call."""
    lines = ["kind:size call".ljust(26) + "".join(lb[:14].rjust(18) for lb in labels)]
    for kind, call in dict.fromkeys((k, c) for _, k, c in counts):
        cells = (counts.get((lb, kind, call)) for lb in labels)
        lines.append(f"{kind} {call}".ljust(26) + "".join(
            (f"{c[0]:.0f} / {c[1]:.2f}" if c else "-").rjust(18) for c in cells))
    return "\n".join(lines)
