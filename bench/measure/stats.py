"""Medians, geometric means and the 95 % interval that decides a verdict."""

import math
import statistics

VERDICT_ROUNDS = 9  # fewer cannot fail a bar, and cannot meet it by noise either


def geomean(values):
    values = list(values)
    return math.exp(sum(math.log(v) for v in values) / len(values))


def median(values):
    return statistics.median(values)


def interval_rank(n):
    """The greatest k such that the k-th least and k-th greatest of n values hold the median with
    at least 95 %; 0 when n is too small for any."""
    tail, k = 0.0, 0
    while k < n // 2:
        tail += math.comb(n, k) / 2**n
        if 1 - 2 * tail < 0.95:
            break
        k += 1
    return k


class Ratio:
    """A ratio measured once a round: its median and the 95 % interval of the median.

    The interval is that of order statistics: it assumes no distribution, and a round that another
    process disturbed neither moves nor widens it.  Rounds are paired: both sides of one ratio ran
    in the same round.
    """

    def __init__(self, per_round):
        values = sorted(per_round)
        self.rounds = len(values)
        self.value = median(values)
        k = max(interval_rank(self.rounds), 1)
        self.low, self.high = values[k - 1], values[-k]

    def __str__(self):
        return f"{self.value:.3f} [{self.low:.3f} {self.high:.3f}]"


PASS, NOISE, FAIL = "pass", "pass (noise)", "FAIL"
UNDECIDED, MISSING = "UNDECIDED", "MISSING"


def verdict(ratio, bar):
    """Fails when the whole interval lies above the bar.

    A value above the bar whose interval still reaches it is told apart from a clean pass, and is
    none when there were too few rounds to tell.
    """
    if ratio is None:
        return MISSING
    if ratio.value <= bar:
        return PASS
    if ratio.rounds < VERDICT_ROUNDS:
        return FAIL if ratio.low > bar else UNDECIDED
    return FAIL if ratio.low > bar else NOISE


def passed(text):
    return text in (PASS, NOISE)
