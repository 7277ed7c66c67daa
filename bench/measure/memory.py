"""What stays resident: start-up, after a phase, square wave, storms, small boards."""

import csv
import io
import os
import subprocess
import time

from . import machine, probe
from .check import Check
from .stats import Ratio, median

START_ABOVE_KB = 307  # 0.3 MiB above glibc
SMALL_START_KB = 1741  # 1.7 MiB
PHASE_BAR = 1.5
SQUARE_BAR = 0.1
SMALL_BAR = 0.8
GROWTH = 1.03  # "no growth": the counters of the kernel and the stacks' cache move by so much
GROWTH_KB = 512


def spawn(command, contender, timeout=300, both=False):
    one, two = machine.cpus()
    return subprocess.run(["taskset", "-c", two if both else one, "env", "-i",
                           *(f"{k}={v}" for k, v in contender.environ().items()), *command],
                          capture_output=True, text=True, check=False, timeout=timeout)


# ---- start-up ---------------------------------------------------------------------------


def startup(exe, contenders, rounds=9):
    """{label: (resident, private dirty, peak) KiB}, medians."""
    got = {c.label: [] for c in contenders}
    for _ in range(rounds):
        for c in contenders:
            done = spawn([exe], c)
            if done.returncode != 0:
                raise probe.Failed(f"{c.label}: startup: {done.stderr.strip()}")
            got[c.label].append([int(x) for x in done.stdout.split()])
    return {lb: tuple(median(r[i] for r in rows) for i in range(3)) for lb, rows in got.items()}


def startup_checks(kb, ours):
    if ours not in kb or "glibc" not in kb:
        return [Check.missing("start-up RSS of a small program - glibc's", "<= 0.3 MiB")]
    above = kb[ours][0] - kb["glibc"][0]
    return [Check.of("start-up RSS of a small program - glibc's", "<= 0.3 MiB",
                     f"{above / 1024:.2f} MiB", above <= START_ABOVE_KB,
                     f"{kb[ours][0] / 1024:.2f} MiB, glibc {kb['glibc'][0] / 1024:.2f} MiB")]


# ---- phase and churn ---------------------------------------------------------------------


def phases(exe, contenders, rounds, tests=probe.MEMORY_TESTS):
    """{(label, test, param): ratio of resident to requested, resident KiB}, medians.

    A quarter of the work: 108 MiB of objects, of which 4 MiB live on.
    """
    ratio, rss = {}, {}
    for _ in range(rounds):
        for test in tests:
            for c in contenders:
                if test == "phase-idle":
                    c = c.with_env(c.label, **idle_env(c))
                for row in probe.run(exe, c, [test], ["mem"], quick=True):
                    if row["kind"] == "mem" and row["test"] != "start":
                        key = (c.label, row["test"], row["param"])
                        ratio.setdefault(key, []).append(float(row["extra"]))
                        rss.setdefault(key, []).append(int(row["rss_kb"]))
    return {k: (median(ratio[k]), median(rss[k])) for k in ratio}


def idle_env(contender):
    """Idle memory is given back by bosk's thread, which has to be asked for."""
    if not contender.label.startswith("bosk"):
        return {}
    have = contender.env.get("BOSK_CONF")
    return {"BOSK_CONF": (have + "," if have else "") + "scavenger=thread"}


def phase_checks(values, ours):
    out = []
    for param, how in (("after-1.2s", "as the program goes on"),
                       ("after-1.2s-sparse", "one malloc per 100 ms"),
                       ("after-1.2s-idle", "idle, scavenger=thread")):
        what = f"RSS 1.2 s after a phase / live, {how}"
        got = values.get((ours, "phase.freed", param))
        if got is None:
            out.append(Check.missing(what, f"<= {PHASE_BAR}"))
            continue
        others = ", ".join(f"{lb} {v[0]:.1f}" for (lb, t, p), v in sorted(values.items())
                           if (t, p) == ("phase.freed", param) and lb != ours)
        out.append(Check.of(what, f"<= {PHASE_BAR}", f"{got[0]:.2f}", got[0] <= PHASE_BAR,
                            f"{got[1] / 1024:.1f} MiB; {others}"))
    return out


# ---- square wave ----------------------------------------------------------------------------


SQUARE_FIELDS = ("label half_ms cycles faulted_kb cycle_kb up_kb down_kb cpu_ms released_kb "
                 "thrashed_kb").split()
SQUARE_JUDGED_MS = 250


def square(exe, contenders, half_periods=(SQUARE_JUDGED_MS, 500), rounds=2, cycles=12):
    """{(label, half period): {field: median}}; a bosk also runs with scavenge_window=0."""
    all_of = list(contenders)
    for c in contenders:
        if c.label.startswith("bosk"):
            have = c.env.get("BOSK_CONF")
            all_of.append(c.with_env(c.label + "-window0", BOSK_CONF=(
                have + "," if have else "") + "scavenge_window=0"))
    got = {}
    for _ in range(rounds):
        for half in half_periods:
            for c in all_of:
                done = spawn([exe, "-l", c.label, "-p", str(half), "-c", str(cycles)], c)
                if done.returncode != 0:
                    raise probe.Failed(f"{c.label}: square: {done.stderr.strip()}")
                row = next(csv.DictReader(io.StringIO(done.stdout), SQUARE_FIELDS))
                got.setdefault((c.label, half), []).append(row)
    return {k: {f: median(float(r[f]) for r in rows) for f in SQUARE_FIELDS[1:]}
            for k, rows in got.items()}


def square_checks(values, ours):
    what = "square wave: KiB given back and faulted in again, default window / window 0"
    a = values.get((ours, SQUARE_JUDGED_MS))
    b = values.get((f"{ours}-window0", SQUARE_JUDGED_MS))
    if a is None or b is None:
        return [Check.missing(what, f"<= {SQUARE_BAR}")]
    if b["faulted_kb"] <= 0:
        return [Check.missing(what, f"<= {SQUARE_BAR}", "window 0 faulted nothing in again")]
    ratio = a["faulted_kb"] / b["faulted_kb"]
    return [Check.of(what, f"<= {SQUARE_BAR}", f"{ratio:.3f}", ratio <= SQUARE_BAR,
                     f"a cycle {a['cycle_kb']:.0f} KiB against {b['cycle_kb']:.0f} KiB, of 64 MiB; "
                     f"half period {SQUARE_JUDGED_MS} ms")]


# ---- storms -----------------------------------------------------------------------------------


STORM_FIELDS = "kind n failures rss_early rss_late space_early space_late wall_ms cpu_ms".split()


def storm(exe, contender, kind, n, timeout=600):
    try:
        done = spawn([exe, kind, str(n)], contender, timeout, both=True)
    except subprocess.TimeoutExpired:
        return None
    if not done.stdout:
        raise probe.Failed(f"{contender.label}: storm {kind}: exit {done.returncode}: "
                           f"{done.stderr.strip()[-300:]}")
    row = next(csv.DictReader(io.StringIO(done.stdout), STORM_FIELDS))
    return {f: float(row[f]) for f in STORM_FIELDS[1:]}


def storm_checks(threads, forks, nthreads, nforks):
    out = []
    for what, row in ((f"{nthreads} threads started and ended, 5 times", threads),
                      (f"{nforks} forks under load", forks)):
        bar = "no growth, no hang"
        if row is None:
            out.append(Check.of(what, bar, "hangs", False))
            continue
        grew = row["rss_late"] - row["rss_early"]
        ok = row["failures"] == 0 and (grew <= GROWTH_KB or
                                       row["rss_late"] <= GROWTH * row["rss_early"])
        out.append(Check.of(what, bar, f"{row['failures']:.0f} failures, {grew:+.0f} KiB", ok,
                            f"RSS {row['rss_early'] / 1024:.1f} -> {row['rss_late'] / 1024:.1f} "
                            f"MiB, {row['wall_ms'] / 1000:.1f} s"))
    return out


# ---- profile=small -----------------------------------------------------------------------------


def resident_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            if line.startswith("Rss:"):
                return int(line.split()[1])
    raise OSError("no Rss")


def steady_kb(process, done, interval_s=0.02):
    """Mean resident KiB of the second half of the time until `done()`."""
    samples = []
    while not done():
        if process.poll() is not None:
            raise probe.Failed("ended before its work was done")
        samples.append(resident_kb(process.pid))
        time.sleep(interval_s)
    if len(samples) < 10:
        raise probe.Failed(f"only {len(samples)} samples of resident memory")
    half = samples[len(samples) // 2:]
    return sum(half) / len(half)


def sqlite_steady(contender, inputs, scratch):
    """A database in a file under a stream of transactions."""
    database = os.path.join(scratch, "board.db")
    marker = os.path.join(scratch, "board.done")
    for path in (database, database + "-journal", marker):
        if os.path.exists(path):
            os.unlink(path)
    script = (f".read {os.path.join(inputs, 'board.sql')}\n.output {marker}\nselect 'done';\n"
              ".output\n")
    with subprocess.Popen(["/usr/bin/sqlite3", database], env=contender.environ(),
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as p:
        p.stdin.write(script.encode())
        p.stdin.flush()
        kb = steady_kb(p, lambda: os.path.exists(marker) and os.path.getsize(marker) > 0)
        p.stdin.close()
        if p.wait(30) != 0:
            raise probe.Failed(f"{contender.label}: sqlite3 failed")
    return kb


def redis_steady(contender, inputs, scratch):
    """A server that is filled, then changed all the time."""
    sock = os.path.join(scratch, "redis.sock")
    if os.path.exists(sock):
        os.unlink(sock)
    server = ["/usr/bin/redis-server", "--port", "0", "--unixsocket", sock, "--save", "",
              "--appendonly", "no", "--dir", scratch, "--daemonize", "no", "--activedefrag", "no"]
    with subprocess.Popen(server, env=contender.environ(), stdout=subprocess.DEVNULL) as p:
        try:
            until = time.monotonic() + 20
            while not os.path.exists(sock):
                if time.monotonic() > until or p.poll() is not None:
                    raise probe.Failed(f"{contender.label}: redis-server does not start")
                time.sleep(0.02)
            with open(os.path.join(inputs, "redis.txt"), "rb") as load, \
                    subprocess.Popen(["/usr/bin/redis-cli", "-s", sock, "--pipe"], stdin=load,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as cli:
                kb = steady_kb(p, lambda: cli.poll() is not None)
                if b"errors: 0" not in cli.stdout.read():
                    raise probe.Failed(f"{contender.label}: redis answered with errors")
        finally:
            p.terminate()
            p.wait(30)
    return kb


def small_profile(ours, startup_exe, inputs, scratch, rounds, others=()):
    """{program: [(default KiB, small KiB)]}, start-up KiB of small, {label: {program: KiB}}."""
    os.makedirs(scratch, exist_ok=True)
    have = ours.env.get("BOSK_CONF")
    small = ours.with_env("bosk-small",
                          BOSK_CONF=(have + "," if have else "") + "profile=small")
    jobs = {"sqlite3": sqlite_steady, "redis": redis_steady}
    needs = {"sqlite3": "/usr/bin/sqlite3", "redis": "/usr/bin/redis-server"}
    jobs = {n: j for n, j in jobs.items() if os.path.exists(needs[n])}
    got = {n: [] for n in jobs}
    for r in range(rounds):
        for name, job in jobs.items():
            got[name].append((job(ours, inputs, scratch), job(small, inputs, scratch)))
        machine.say(f"profile=small: round {r + 1} of {rounds}")
    seen = {c.label: {n: job(c, inputs, scratch) for n, job in jobs.items()} for c in others}
    return got, startup(startup_exe, [small])["bosk-small"][0], seen


def small_checks(got, start_kb):
    out = []
    for name in ("sqlite3", "redis"):
        what = f"profile=small, steady RSS of {name} / default profile"
        rows = got.get(name)
        if not rows:
            out.append(Check.missing(what, f"<= {SMALL_BAR}"))
            continue
        r = Ratio([small / default for default, small in rows])
        mib = [median(row[i] for row in rows) / 1024 for i in (0, 1)]
        out.append(Check.of(what, f"<= {SMALL_BAR}", str(r), r.value <= SMALL_BAR,
                            f"{mib[0]:.2f} -> {mib[1]:.2f} MiB"))
    out.append(Check.of("profile=small, start-up RSS", "<= 1.7 MiB", f"{start_kb / 1024:.2f} MiB",
                        start_kb <= SMALL_START_KB))
    return out
