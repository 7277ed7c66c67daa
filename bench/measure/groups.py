"""The 65 throughput rows in ten groups, against the best peer of each."""

from . import probe
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

    def verdicts(self, label=None):
        """[(what, best peer, Ratio, bar, verdict)] of ours, the whole first."""
        label = label or self.ours
        out = []
        for group in [None, *self.groups()]:
            bar = ALL_BAR if group is None else GROUP_BAR
            best = self.best_peer(group)
            ratio = self.ratio(label, best, group) if best else None
            out.append((group or "all rows", best, ratio, bar, verdict(ratio, bar)))
        return out


def table(groups):
    """Text: one line a row, medians in ns, ours against the best peer of the row."""
    labels = groups.labels
    lines = ["row".ljust(34) + "".join(lb[:12].rjust(13) for lb in labels)
             + ("   ours/best" if groups.ours and groups.peers else "")]
    for group in groups.groups():
        for key in groups.keys_of(group):
            line = f"{key[1]} {key[2]}".ljust(34)
            line += "".join(f"{groups.row_median(lb, key):13.2f}" for lb in labels)
            if groups.ours and groups.peers:
                best = min(groups.peers, key=lambda p: groups.row_median(p, key))
                ratio = groups.row_ratio(groups.ours, best, key)
                line += f"{ratio:8.2f} {best[:8]}{'  <--' if ratio > GROUP_BAR else ''}"
            lines.append(line)
    return "\n".join(lines)


def summary(groups):
    """Text: geometric means of the groups relative to the best peer, then the verdicts."""
    lines = ["", "group (rows)".ljust(24) + "".join(lb[:12].rjust(13) for lb in groups.labels)]
    for group in [*groups.groups(), None]:
        best = groups.best_peer(group) or groups.labels[0]
        base = groups.group_ns(best, group)
        name = f"{group or 'ALL'} ({len(groups.keys_of(group))})"
        lines.append(name.ljust(24) + "".join(
            f"{groups.group_ns(lb, group) / base:13.3f}" for lb in groups.labels))
    if groups.ours and groups.peers:
        lines += ["", f"{groups.ours} against the best peer, {groups.rounds} rounds, "
                      "value [95 % interval]"]
        for what, best, ratio, bar, text in groups.verdicts():
            lines.append(f"  {what:<16} {best:<10} {ratio!s:<24} bar {bar:.2f}  {text}")
    return "\n".join(lines)
