"""The 65 throughput rows in ten groups, against the best peer of each."""

from . import probe
from .check import Check
from .stats import Ratio, geomean, median, verdict

ALL_BAR = 0.75   # over all rows, against the best peer overall
GROUP_BAR = 1.05  # of each group, against the best peer of that group


class Groups:
    """Values per (label, row, round) and what follows from them."""

    def __init__(self, rows, labels, peers, ours, wall=False):
        self.labels, self.peers, self.ours = labels, peers, ours
        self.value, self.first, self.extra, self.faults = {}, {}, {}, {}
        self.keys = []  # (group, test, param), in the order of the probe
        self.rounds = len(rows[labels[0]])
        for label in labels:
            for r, listed in enumerate(rows[label]):
                for row in listed:
                    group = probe.group_of(row["test"])
                    if row["kind"] != "thr" or group is None:
                        continue
                    key = (group, row["test"], row["param"])
                    if key not in self.keys:
                        self.keys.append(key)
                    at = self.value.setdefault((label, key), [None] * self.rounds)
                    at[r] = probe.row_ns(row, wall)
                    self.first.setdefault((label, key), []).append(float(row["ns_first"]))
                    self.extra.setdefault((label, key), []).append(float(row["extra"]))
                    self.faults.setdefault((label, key), []).append(float(row["faults"]))

    def complete(self):
        """Every row of every group, of every contender, in every round."""
        have = {g: 0 for g in probe.GROUPS}
        for group, _, _ in self.keys:
            have[group] += 1
        return have == probe.GROUPS and all(
            None not in self.value.get((label, key), [None])
            for label in self.labels for key in self.keys)

    def groups(self):
        present = {k[0] for k in self.keys}
        return [g for g in probe.GROUPS if g in present]

    def keys_of(self, group):
        return [k for k in self.keys if group in (None, k[0])]

    def row_median(self, label, key):
        return median(self.value[label, key])

    def group_ns(self, label, group):
        """Geometric mean of the rows' medians; group None: of all rows."""
        return geomean(self.row_median(label, k) for k in self.keys_of(group))

    def best_peer(self, group):
        return min(self.peers, key=lambda p: self.group_ns(p, group)) if self.peers else None

    def ratio(self, label, other, group):
        """Paired by round: geometric mean over the rows of label/other."""
        return Ratio([geomean(self.value[label, k][r] / self.value[other, k][r]
                              for k in self.keys_of(group)) for r in range(self.rounds)])

    def row_ratio(self, label, other, key):
        return self.row_median(label, key) / self.row_median(other, key)

    def checks(self):
        """The bars of ours, each group against the best peer of that group."""
        out = []
        for group in [None, *self.groups()]:
            bar = ALL_BAR if group is None else GROUP_BAR
            what = f"{group or f'all {len(self.keys)} rows'} / best peer"
            if self.ours is None or not self.peers:
                out.append(Check.missing(what, f"<= {bar}"))
                continue
            best = self.best_peer(group)
            ratio = self.ratio(self.ours, best, group)
            out.append(Check(what, f"<= {bar}", str(ratio), verdict(ratio, bar), f"best: {best}"))
        if self.complete():
            return out
        return out + [Check.missing("all 65 rows in every round", "65", "only a part was run")]

    def append_checks(self):
        """Append by realloc against glibc, which moves pages instead of bytes."""
        out = []
        for words, bar in (("1000000", 1.0), ("8000000", 0.5)):
            key = ("append.realloc", "append.realloc", words)
            what = f"append by realloc, {int(words) // 1000000} M words / glibc"
            if self.ours is None or (self.ours, key) not in self.value \
                    or ("glibc", key) not in self.value:
                out.append(Check.missing(what, f"<= {bar}"))
                continue
            ours, base = self.value[self.ours, key], self.value["glibc", key]
            ratio = Ratio([a / b for a, b in zip(ours, base)])
            out.append(Check(what, f"<= {bar}", str(ratio), verdict(ratio, bar),
                             f"{median(ours):.2f} ns, glibc {median(base):.2f} ns"))
        return out


def table(groups):
    """Text: one line a row, medians in ns, ours against the best peer of the row."""
    labels = groups.labels
    judged = groups.ours and groups.peers
    lines = ["row (ns)".ljust(30) + "".join(lb[:12].rjust(13) for lb in labels)
             + ("   ours / best" if judged else "")]
    for key in (k for g in groups.groups() for k in groups.keys_of(g)):
        line = f"{key[1]} {key[2]}".ljust(30)
        line += "".join(f"{groups.row_median(lb, key):13.2f}" for lb in labels)
        if judged:
            best = min(groups.peers, key=lambda p: groups.row_median(p, key))
            ratio = groups.row_ratio(groups.ours, best, key)
            line += f"{ratio:8.2f} {best[:8]}{'  <--' if ratio > GROUP_BAR else ''}"
        lines.append(line)
    return "\n".join(lines)


def first_table(groups):
    """Text: the first chunk of each row, when nothing is cached yet."""
    labels = groups.labels
    lines = ["row (ns, first run)".ljust(30) + "".join(lb[:12].rjust(13) for lb in labels)]
    for key in (k for g in groups.groups() for k in groups.keys_of(g)):
        lines.append(f"{key[1]} {key[2]}".ljust(30) + "".join(
            f"{median(groups.first[lb, key]):13.2f}" for lb in labels))
    return "\n".join(lines)


def means(groups):
    """[(group or None, rows, {label: geometric mean relative to the best peer})]."""
    out = []
    for group in [*groups.groups(), None]:
        base = groups.group_ns(groups.best_peer(group) or groups.labels[0], group)
        out.append((group, len(groups.keys_of(group)),
                    {lb: groups.group_ns(lb, group) / base for lb in groups.labels}))
    return out


def means_table(groups):
    lines = ["group (rows)".ljust(24) + "".join(lb[:12].rjust(13) for lb in groups.labels)]
    for group, rows, values in means(groups):
        lines.append(f"{group or 'ALL'} ({rows})".ljust(24)
                     + "".join(f"{values[lb]:13.3f}" for lb in groups.labels))
    return "\n".join(lines)


def go_lines(groups):
    """Go's benchmark format, a line a round: `benchstat -col /alloc FILE` compares."""
    out = []
    for key in groups.keys:
        name = "".join(w.capitalize() for w in key[1].replace("+", ".plus").split("."))
        for label in groups.labels:
            for r, ns in enumerate(groups.value[label, key]):
                out.append(f"Benchmark{name}/{key[2]}/alloc={label}\t1\t{ns:.3f} ns/op\t"
                           f"{groups.first[label, key][r]:.3f} first-ns/op")
    return out


def latency_table(rows, labels):
    """Text: p50/p99/p99.9/p99.99 of single calls, least over the rounds."""
    quantiles = ("p50", "p99", "p99.9", "p99.99")
    got = {}
    for label in labels:
        for listed in rows[label]:
            for row in listed:
                if row["kind"] == "lat":
                    key = f"{row['test']} {row['param']}"
                    at = got.setdefault(key, {}).setdefault(label, [])
                    at.append([float(row[q]) for q in quantiles])
    lines = ["ns, p50/p99/p99.9/p99.99".ljust(28) + "".join(lb[:12].rjust(26) for lb in labels)]
    for key, by_label in got.items():
        lines.append(key.ljust(28) + "".join(
            "/".join(f"{min(r[i] for r in by_label[lb]):.0f}" for i in range(len(quantiles)))
            .rjust(26) for lb in labels))
    return "\n".join(lines)
