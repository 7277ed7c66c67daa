"""One line of the verdict: what was measured, against which bar, with what outcome."""

from dataclasses import asdict, dataclass

from .stats import FAIL, MISSING, PASS, passed


@dataclass
class Check:
    what: str
    bar: str
    value: str
    outcome: str
    note: str = ""

    @classmethod
    def of(cls, what, bar, value, ok, note=""):
        return cls(what, bar, value, PASS if ok else FAIL, note)

    @classmethod
    def missing(cls, what, bar, note="not measured"):
        return cls(what, bar, "-", MISSING, note)

    @property
    def ok(self):
        return passed(self.outcome)

    def as_dict(self):
        return asdict(self)


def text(checks):
    lines = []
    for c in checks:
        lines.append(f"{c.outcome:<13} {c.what:<58} {c.value:<26} bar {c.bar}"
                     + (f"\n{'':<14}{c.note}" if c.note else ""))
    return "\n".join(lines)
