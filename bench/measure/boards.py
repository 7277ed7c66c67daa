"""profile=small: what sqlite3 and redis have resident on a small board.

Both do what programs on such boards do most of the time: a burst of work now and then, and little
between.  The profile gives the memory of a burst back soon; what counts is the mean over all.
"""

import os
import socket
import subprocess
import threading
import time

from . import memory, probe
from .check import Check
from .stats import Ratio, median

BAR = 0.8
START_KB = 1741  # 1.7 MiB
BURSTS, PAUSE_S, STEP_S = 6, 0.5, 0.02
SQLITE, REDIS = "/usr/bin/sqlite3", "/usr/bin/redis-server"


def resident_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            if line.startswith("Rss:"):
                return int(line.split()[1])
    raise OSError("no Rss")


class Sampler(threading.Thread):
    """Resident KiB of a process every few milliseconds, until stopped."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.samples, self.over = pid, [], threading.Event()

    def run(self):
        while not self.over.wait(0.005):
            self.samples.append(resident_kb(self.pid))

    def mean_kb(self, what):
        self.over.set()
        self.join()
        if len(self.samples) < 100:
            raise probe.Failed(f"{what}: only {len(self.samples)} samples of resident memory")
        return sum(self.samples) / len(self.samples)


def bursts(pid, what, burst, quiet):
    """Mean resident KiB from the end of the second burst on."""
    sampler = Sampler(pid)
    for k in range(BURSTS):
        burst(k)
        if k == 1:
            sampler.start()
        until = time.monotonic() + PAUSE_S
        while time.monotonic() < until:
            quiet()
            time.sleep(STEP_S)
    return sampler.mean_kb(what)


# ---- sqlite3 -----------------------------------------------------------------------------


def sqlite_kb(contender, scratch):
    """A log in a file; a burst is a report over all of it."""
    database = os.path.join(scratch, "board.db")
    for path in (database, database + "-journal"):
        if os.path.exists(path):
            os.unlink(path)
    turn = [0]
    with subprocess.Popen([SQLITE, "-batch", database], env=contender.environ(), text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        def ask(sql):
            p.stdin.write(sql + "\nselect 'answered';\n")
            p.stdin.flush()
            for line in p.stdout:
                if line == "answered\n":
                    return
            raise probe.Failed(f"{contender.label}: sqlite3 ended")

        def burst(_):
            ask("select length(group_concat(note || sensor)), count(distinct note) from log;"
                "select sensor, count(*), max(note) from (select * from log order by note, v)"
                " group by sensor;")

        def quiet():
            turn[0] += 1
            ask(f"insert into log(sensor, v, note) values('s{turn[0] % 9}', {turn[0]}, 'quiet');")

        ask("pragma synchronous=off; pragma temp_store=memory;"
            "create table log(id integer primary key, sensor text, v real, note text);"
            "insert into log(sensor, v, note) with recursive n(i) as (select 1 union all "
            "select i + 1 from n where i < 30000) select 's' || (i % 9), i * 7919 % 10007, "
            "printf('%d measured at %d by %d', i * 31 % 4099, i, i % 17) from n;"
            "create index by_sensor on log(sensor, v);")
        kb = bursts(p.pid, "sqlite3", burst, quiet)
        p.stdin.close()
        if p.wait(30) != 0:
            raise probe.Failed(f"{contender.label}: sqlite3 failed")
    return kb


# ---- redis ---------------------------------------------------------------------------------


def command(*words):
    return f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        self.socket.connect(path)

    def ask(self, commands):
        """Sends commands in parts and waits until all of a part are answered."""
        for at in range(0, len(commands), 500):
            part = "".join(commands[at:at + 500]) + command("ECHO", "answered")
            self.socket.sendall(part.encode())
            seen = b""
            while not seen.endswith(b"$8\r\nanswered\r\n"):
                got = self.socket.recv(1 << 16)
                if not got:
                    raise probe.Failed("redis: the server hung up")
                seen += got
            if b"-ERR" in seen:
                raise probe.Failed("redis: answered with an error")


def redis_kb(contender, scratch):
    """A store of 10,000 keys; a burst fills in 20,000 more and drops them."""
    path = os.path.join(scratch, "redis.sock")
    if os.path.exists(path):
        os.unlink(path)
    server = [REDIS, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
              "--dir", scratch, "--daemonize", "no"]

    def value(i):
        return "value " * (1 + i * 7919 % 29)

    with subprocess.Popen(server, env=contender.environ(), stdout=subprocess.DEVNULL) as p:
        try:
            until = time.monotonic() + 20
            while not os.path.exists(path):
                if time.monotonic() > until or p.poll() is not None:
                    raise probe.Failed(f"{contender.label}: redis-server does not start")
                time.sleep(0.02)
            client = Client(path)
            client.ask([command("SET", f"key:{i}", value(i)) for i in range(10000)])

            def burst(k):
                client.ask([command("SET", f"burst:{k}:{i}", value(i)) for i in range(20000)])
                client.ask([command("DEL", f"burst:{k}:{i}") for i in range(20000)])

            def quiet():
                client.ask([command("SET", "key:1", "quiet"), command("GET", "key:2")])

            return bursts(p.pid, "redis", burst, quiet)
        finally:
            p.terminate()
            p.wait(30)


# ---- the comparison ----------------------------------------------------------------------------


PROGRAMS = {"sqlite3": (SQLITE, sqlite_kb), "redis": (REDIS, redis_kb)}


def measure(ours, startup_exe, scratch, rounds, controls=()):
    """{program: [(default KiB, small KiB)]}, start-up KiB of small, {label: {program: KiB}}."""
    have = ours.env.get("BOSK_CONF")
    small = ours.with_env("bosk-small",
                          BOSK_CONF=(have + "," if have else "") + "profile=small")
    jobs = {name: job for name, (path, job) in PROGRAMS.items() if os.path.exists(path)}
    got = {name: [(job(ours, scratch), job(small, scratch)) for _ in range(rounds)]
           for name, job in jobs.items()}
    seen = {c.label: {name: job(c, scratch) for name, job in jobs.items()} for c in controls}
    return got, memory.startup(startup_exe, [small])["bosk-small"][0], seen


def checks(got, start_kb):
    out = []
    for name in PROGRAMS:
        what = f"profile=small, steady RSS of {name} / default profile"
        rows = got.get(name)
        if not rows:
            out.append(Check.missing(what, f"<= {BAR}", "not installed"))
            continue
        r = Ratio([small / default for default, small in rows])
        mib = [median(row[i] for row in rows) / 1024 for i in (0, 1)]
        out.append(Check.of(what, f"<= {BAR}", str(r), r.value <= BAR,
                            f"{mib[0]:.2f} -> {mib[1]:.2f} MiB"))
    out.append(Check.of("profile=small, start-up RSS", "<= 1.7 MiB", f"{start_kb / 1024:.2f} MiB",
                        start_kb <= START_KB))
    return out
