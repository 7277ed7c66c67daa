"""Real programs on fixed inputs: CPU time and peak memory against glibc; recording's price."""

import hashlib
import os
import random
import shutil
import subprocess

from . import machine
from .check import Check
from .stats import Ratio, geomean, median, verdict

CPU_BAR, CPU_EACH_BAR, RSS_BAR, RECORD_BAR = 0.85, 1.03, 1.05, 1.03
TIMEOUT_S = 300


class Program:
    def __init__(self, name, command, env=(), check_file=None):
        self.name, self.command, self.env, self.check_file = name, command, dict(env), check_file


def programs(inputs, scratch):
    """The distribution's own binaries, never what a version manager puts before them."""
    def at(name):
        return os.path.join(inputs, name)

    obj = os.path.join(scratch, "big.o")
    return [
        Program("sqlite3", ["/usr/bin/sqlite3", ":memory:", f".read {at('orders.sql')}"]),
        Program("jq", ["/usr/bin/jq", "-f", at("query.jq"), at("document.json")]),
        Program("python3",
                ["/usr/bin/python3", "-S", "-s", at("load.py"), at("document.json"), "2"],
                {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "1"}),
        Program("gcc", ["/usr/bin/gcc", "-O1", "-c", "-o", obj, at("big.c")], check_file=obj),
    ]


def version(program):
    done = subprocess.run([program.command[0], "--version"], capture_output=True, text=True,
                          check=False)
    return (done.stdout or done.stderr).splitlines()[0][:60]


class Cost:
    """One run: what launch wrote, and the digest of what the program wrote."""

    def __init__(self, line, digest):
        cpu, user, system, wall, rss, faults, status = line.split()
        self.cpu_s, self.user_s, self.sys_s = int(cpu) / 1e9, int(user) / 1e9, int(system) / 1e9
        self.wall_s, self.rss_kb, self.faults = int(wall) / 1e9, int(rss), int(faults)
        self.status, self.digest = int(status), digest


class Failed(Exception):
    pass


def run(launch, program, contender, scratch, before=()):
    """Runs a program on a contender; `before` are words such as `bosk run --`."""
    cost = os.path.join(scratch, "cost")
    out = os.path.join(scratch, "out")
    env = contender.environ(**program.env)
    preload = env.pop("LD_PRELOAD", None)
    command = [launch, "-o", cost, "--", "/usr/bin/env",
               *([f"LD_PRELOAD={preload}"] if preload else []), *before, *program.command]
    one, _ = machine.cpus()
    with open(out, "wb") as f:
        done = subprocess.run(["taskset", "-c", one, *command], env=env, stdout=f,
                              stderr=subprocess.PIPE, check=False, timeout=TIMEOUT_S, cwd=scratch)
    if done.returncode != 0:
        raise Failed(f"{program.name} on {contender.label}: exit {done.returncode}: "
                     f"{done.stderr.decode(errors='replace')[-300:]}")
    digest = hashlib.sha256()
    for path in [out] + ([program.check_file] if program.check_file else []):
        with open(path, "rb") as f:
            digest.update(f.read())
    with open(cost, encoding="ascii") as f:
        return Cost(f.read(), digest.hexdigest())


def measure(launch, contenders, inputs, scratch, rounds, seed=1):
    """costs[program][label] = one Cost a round; one warm-up round is not counted."""
    os.makedirs(scratch, exist_ok=True)
    order = random.Random(seed)
    listed = [p for p in programs(inputs, scratch) if shutil.which(p.command[0])]
    costs = {p.name: {c.label: [] for c in contenders} for p in listed}
    for r in range(-1, rounds):
        for p in listed:
            for c in order.sample(contenders, len(contenders)):
                cost = run(launch, p, c, scratch)
                if r >= 0:
                    costs[p.name][c.label].append(cost)
        if r >= 0:
            machine.say(f"programs: round {r + 1} of {rounds}")
    for p in listed:
        digests = {cost.digest for label in costs[p.name] for cost in costs[p.name][label]}
        if len(digests) != 1:
            raise Failed(f"{p.name}: results differ between allocators or runs")
    return costs


def ratio(costs, program, label, base, what):
    pairs = zip(costs[program][label], costs[program][base])
    return Ratio([getattr(a, what) / getattr(b, what) for a, b in pairs])


def overall(costs, label, base, what):
    """Paired by round: geometric mean over the programs."""
    n = len(next(iter(costs.values()))[label])
    return Ratio([geomean(getattr(costs[p][label][r], what) / getattr(costs[p][base][r], what)
                          for p in costs) for r in range(n)])


def checks(costs, ours, expected=4):
    """The bars; a program that is not installed makes its bar missing."""
    if ours is None or "glibc" not in next(iter(costs.values()), {}):
        return [Check.missing("programs CPU, geometric mean / glibc", f"<= {CPU_BAR}"),
                Check.missing("programs peak RSS, geometric mean / glibc", f"<= {RSS_BAR}")]
    out = []
    whole = len(costs) == expected
    r = overall(costs, ours, "glibc", "cpu_s")
    out.append(Check("programs CPU, geometric mean / glibc", f"<= {CPU_BAR}", str(r),
                     verdict(r if whole else None, CPU_BAR)))
    for p in costs:
        r = ratio(costs, p, ours, "glibc", "cpu_s")
        out.append(Check(f"{p} CPU / glibc", f"<= {CPU_EACH_BAR}", str(r),
                         verdict(r, CPU_EACH_BAR)))
    r = overall(costs, ours, "glibc", "rss_kb")
    out.append(Check("programs peak RSS, geometric mean / glibc", f"<= {RSS_BAR}", str(r),
                     verdict(r if whole else None, RSS_BAR)))
    return out


def table(costs, labels):
    """Text: median CPU seconds and peak MiB, as ratios to glibc where it ran."""
    lines = ["program".ljust(12) + "".join(lb[:16].rjust(24) for lb in labels)]
    for p, by_label in costs.items():
        line = p.ljust(12)
        base = by_label.get("glibc")
        for lb in labels:
            cpu, rss = median(c.cpu_s for c in by_label[lb]), median(c.rss_kb for c in by_label[lb])
            text = f"{cpu:.2f} s {rss / 1024:.0f} MiB"
            if base:
                text += (f" {cpu / median(c.cpu_s for c in base):.2f}"
                         f"/{rss / median(c.rss_kb for c in base):.2f}")
            line += text.rjust(24)
        lines.append(line)
    return "\n".join(lines)


# ---- the price of recording -------------------------------------------------------------


def measure_recording(launch, inner_launch, bosk, ours, inputs, scratch, rounds, seed=1):
    """{program: [(preloaded, recorded, recorded whole)]}, one triple a round.

    `inner_launch` is dynamically linked: it is preloaded and recorded as any parent of the program
    would be, in both arms alike, and reports the program alone.  The whole is everything that
    `bosk run` spent: reading the pages, names of functions and the report come on top.
    """
    os.makedirs(scratch, exist_ok=True)
    order = random.Random(seed)
    target_cost = os.path.join(scratch, "target")
    costs = {p.name: [] for p in programs(inputs, scratch) if shutil.which(p.command[0])}
    plain = ours.with_env(ours.label)
    bare = ours.with_env(ours.label)
    bare.lib = ""  # bosk run preloads by itself

    def once(p, recorded):
        before = [inner_launch, "-o", target_cost, "--"]
        if recorded:
            before = [bosk, "run", "--quiet", "-o", os.path.join(scratch, "record"), "--", *before]
        whole = run(launch, p, bare if recorded else plain, scratch, before)
        with open(target_cost, encoding="ascii") as f:
            return Cost(f.read(), whole.digest), whole

    for r in range(-1, rounds):
        for p in programs(inputs, scratch):
            if p.name not in costs:
                continue
            got = {}
            for recorded in order.sample([False, True], 2):
                got[recorded] = once(p, recorded)
                shutil.rmtree(os.path.join(scratch, "record"), ignore_errors=True)
            if got[False][0].digest != got[True][0].digest:
                raise Failed(f"{p.name}: recording changed the result")
            if r >= 0:
                costs[p.name].append((got[False][0], got[True][0], got[True][1]))
        if r >= 0:
            machine.say(f"recording: round {r + 1} of {rounds}")
    return costs


def recording_ratios(costs, part):
    """Geometric mean over programs, a round each; part 1: the program, 2: the whole run."""
    n = len(next(iter(costs.values())))
    return Ratio([geomean(costs[p][r][part].cpu_s / costs[p][r][0].cpu_s for p in costs)
                  for r in range(n)])


def recording_checks(costs):
    if not costs:
        return [Check.missing("recorded CPU / preloaded CPU", f"<= {RECORD_BAR}")]
    r, whole = recording_ratios(costs, 1), recording_ratios(costs, 2)
    each = ", ".join(f"{p} {median(c[1].cpu_s / c[0].cpu_s for c in rows):.3f}"
                     for p, rows in costs.items())
    return [Check("recorded CPU / preloaded CPU, geometric mean", f"<= {RECORD_BAR}", str(r),
                  verdict(r, RECORD_BAR),
                  f"{each}; with the tool's own work for the report {whole.value:.3f}")]
