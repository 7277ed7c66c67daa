"""How much of each program is the allocator's own work, by instructions on glibc.

Callgrind counts the instructions of all functions; those of glibc's malloc are the ones an
allocator could save if it cost nothing.  What remains is how far it moves the program's own time by
where it puts things and by the pages it faults, which instructions do not show.
"""

import os
import re
import subprocess

from . import machine
from .programs import TIMEOUT_S
from .stats import geomean

# callgrind's file names of glibc's allocator: malloc/malloc.c and malloc/arena.c, also inlined.
ALLOCATOR = re.compile(r"(^|/)malloc/(malloc|arena|hooks)\.c$"
                       r"|^\?\?\?:(malloc|free|calloc|realloc)$")
LINE = re.compile(r"^\s*([\d,]+) \([\s\d.]+%\)\s+(.+?):(\S+)(?: \[.*\])?$")
TOTAL = re.compile(r"^\s*([\d,]+) \(100\.0%\)\s+PROGRAM TOTALS")


def number(text):
    return int(text.replace(",", ""))


def read(path):
    """(all instructions, the allocator's) of one output file."""
    text = subprocess.run(["callgrind_annotate", "--threshold=100", path], capture_output=True,
                          text=True, check=True).stdout
    total = own = 0
    for line in text.splitlines():
        if (m := TOTAL.match(line)):
            total = number(m.group(1))
        elif (m := LINE.match(line)) and (ALLOCATOR.search(m.group(2)) or
                                          ALLOCATOR.search(f"{m.group(2)}:{m.group(3)}")):
            own += number(m.group(1))
    return total, own


def measure(listed, scratch):
    """{program: share of the allocator}, of all processes of the program together."""
    out = {}
    for p in listed:
        for old in os.listdir(scratch):
            if old.startswith("callgrind."):
                os.remove(os.path.join(scratch, old))
        machine.say(f"  {p.name} under callgrind")
        subprocess.run(["valgrind", "--tool=callgrind", "--trace-children=yes", "-q",
                        f"--callgrind-out-file={scratch}/callgrind.%p", *p.command],
                       env={**os.environ, **p.env}, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True, timeout=20 * TIMEOUT_S, cwd=scratch)
        sums = [read(os.path.join(scratch, f)) for f in os.listdir(scratch)
                if f.startswith("callgrind.")]
        out[p.name] = sum(own for _, own in sums) / sum(total for total, _ in sums)
    return out


def table(shares):
    lines = [f"{name:<10} {100 * s:5.1f} % of instructions" for name, s in shares.items()]
    free = geomean([1 - s for s in shares.values()])
    return "\n".join([*lines, f"an allocator that costs nothing: {free:.3f} (geometric mean)"])
