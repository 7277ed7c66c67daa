"""The report as a user sees it: its size, its words, its manners on terminals."""

import os
import pty
import re
import subprocess
import sys
import tempfile

from support import BOSK, FIXTURES, Run, contains, equal, run_tests

SITES = FIXTURES / "fixture_sites"
BEHAVIOUR = FIXTURES / "fixture_behaviour"


def check_size(text):
    lines = text.rstrip("\n").split("\n")
    assert len(lines) <= 40, f"{len(lines)} lines:\n{text}"
    for line in lines:
        assert len(line) <= 100, f"{len(line)} columns: {line!r}"
        equal(line, line.rstrip(), "no blanks at the end of lines")
        assert all(c.isprintable() for c in line), repr(line)


def test_size_with_everything_in_it():
    many = f"{SITES}; {BEHAVIOUR} labels; {BEHAVIOUR} forks 150; {BEHAVIOUR} threads 8"
    with Run("sh", "-c", many, env={"LC_ALL": "C.UTF-8"}) as run:
        check_size(run.err)
        contains(run.err, "PROCESSES")
    with Run(BEHAVIOUR, "labels", env={"LC_ALL": "C.UTF-8"}) as run:
        check_size(run.err)
        contains(run.err, "LABELS")


def test_long_names_are_cut():
    name = "x" * 200
    with tempfile.TemporaryDirectory() as d:
        os.symlink("/bin/true", f"{d}/{name}")
        with Run(f"{d}/{name}", options=["-o", "d" * 200]) as run:
            equal(run.status, 0)
            check_size(run.err)


def test_says_what_matters():
    with Run(SITES) as run:
        check_size(run.err)
        lines = run.err.splitlines()
        contains(lines[0], "bosk: fixture_sites exited with 0 after ")
        head = "\n".join(lines[:10])
        for text in ("allocated", "calls", "peak", "live at the end 1.96 MiB", "28.7 MiB"):
            contains(head, text)
        for text in ("AT THE PEAK", "CHURN", "WASTE", "CACHES", "LATENCY", "p99.9", "summary.json",
                     "go tool pprof -top"):
            contains(run.err, text)
        places = [x.split()[0] for x in lines if x.startswith("    ") and " < main" in x]
        equal(places[:3], ["hold_nodes", "hold_large", "hold_buffers"])
        equal(places[3], "churn_strings")


def test_the_chart_shows_how_memory_grew():
    for locale, full in (("C", "#"), ("C.UTF-8", "\u2588")):
        with Run(SITES, env={"LC_ALL": locale}) as run:
            wall = "|" if locale == "C" else "\u2502"
            rows = [line.split(wall, 1)[1] for line in run.err.splitlines() if wall in line]
            equal(len(rows), 4)
            # It grows steadily: each row begins later than the one below it.
            starts = [row.find(full) for row in rows]
            assert starts == sorted(starts, reverse=True) and starts[0] > starts[3] + 20, rows
            assert max(map(len, rows)) <= 72


def test_ascii_only_without_utf8():
    with Run(SITES) as run:
        assert run.err.isascii()


def on_terminal(*command, env=None):
    """What a terminal gets to see."""
    parent, child = pty.openpty()
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith("BOSK") and k != "NO_COLOR"}
    environment.update({"TERM": "xterm", "LC_ALL": "C", **(env or {})})
    with tempfile.TemporaryDirectory() as d:
        p = subprocess.Popen([BOSK, "run", "--", *command], cwd=d, env=environment, stdin=child,
                             stdout=child, stderr=child, start_new_session=True)
        os.close(child)
        seen = b""
        while True:
            try:
                data = os.read(parent, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
        p.wait(30)
        os.close(parent)
    return seen.decode("utf-8", "replace")


def test_colour_on_terminals_only():
    contains(on_terminal("true"), "\x1b[1m")
    assert "\x1b" not in on_terminal("true", env={"NO_COLOR": "1"})
    assert "\x1b" not in on_terminal("true", env={"TERM": "dumb"})
    with Run("true") as run:
        assert "\x1b" not in run.err


def test_no_progress_beside_an_interactive_program():
    seen = on_terminal("sleep", "2.5")
    assert "\r\x1b[K" not in seen, repr(seen)


def test_progress_when_only_messages_go_to_the_terminal():
    parent, child = pty.openpty()
    with tempfile.TemporaryDirectory() as d:
        p = subprocess.Popen([BOSK, "run", "--", "sleep", "3.5"], cwd=d,
                             env={**os.environ, "TERM": "xterm"}, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=child)
        os.close(child)
        seen = b""
        try:
            while chunk := os.read(parent, 65536):
                seen += chunk
        except OSError:
            pass
        p.wait(30)
    text = seen.decode()
    equal(len(re.findall(r"bosk: [\d.]+ s  live [\d.]+ [KM]?i?B  peak", text)), 2, repr(text))


def test_percentages_are_sane():
    with Run(SITES) as run:
        for text in re.findall(r"([\d.]+) %", run.err):
            assert float(text) <= 200, run.err
        section = run.err.split("AT THE PEAK")[1].split("CHURN")[0]
        shares = [float(x) for x in re.findall(r"B +([\d.]+) %", section)]
        assert 98 <= sum(shares) <= 102, shares


run_tests(sys.modules[__name__])
