"""Medians, geometric means and the 95 % interval that decides a verdict."""

import math
import statistics

# Student's t, two-sided 95 %, by degrees of freedom.
T95 = (None, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
       2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086)


def geomean(values):
    values = list(values)
    return math.exp(sum(math.log(v) for v in values) / len(values))


def median(values):
    return statistics.median(values)


class Ratio:
    """A ratio measured once a round: its value and its 95 % interval.

    The value is the geometric mean of the rounds' ratios; the interval is Student's on their
    logarithms.  Rounds are paired: both sides of one ratio ran minutes apart at most.
    """

    def __init__(self, per_round):
        logs = [math.log(r) for r in per_round]
        n = len(logs)
        mean = sum(logs) / n
        self.rounds = n
        self.value = math.exp(mean)
        if n < 2:
            self.low = self.high = self.value
            return
        spread = statistics.stdev(logs) / math.sqrt(n) * T95[min(n - 1, len(T95) - 1)]
        self.low, self.high = math.exp(mean - spread), math.exp(mean + spread)

    def __str__(self):
        return f"{self.value:.3f} [{self.low:.3f} {self.high:.3f}]"


PASS, NOISE, FAIL, MISSING = "pass", "pass (noise)", "FAIL", "MISSING"


def verdict(ratio, bar):
    """Fails when the whole interval lies above the bar.

    A value above the bar whose interval still reaches it is told apart from a clean pass.
    """
    if ratio is None:
        return MISSING
    if ratio.value <= bar:
        return PASS
    return FAIL if ratio.low > bar else NOISE


def passed(text):
    return text in (PASS, NOISE)
