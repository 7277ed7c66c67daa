"""docs/folklore.md: each command is run, and prints what the page says."""

import re
import subprocess
import sys

from support import BUILD, SOURCE, equal, run_tests

PAGE = (SOURCE / "docs" / "folklore.md").read_text(encoding="utf-8")


def shown(page):
    """(command, lines that it prints) in the order of the page."""
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.M | re.S):
        for one in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *lines = one.rstrip("\n").split("\n")
            yield command, lines


def matches(wanted, got):
    if not wanted:
        return not got
    if wanted[0] == "...":
        return any(matches(wanted[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and wanted[0] == got[0] and matches(wanted[1:], got[1:])


def run(command):
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True,
                          timeout=60, check=False,
                          env={"PATH": f"{BUILD / 'bin'}:/usr/bin:/bin", "LC_ALL": "C"})
    equal((done.returncode, done.stderr.decode()), (0, ""), command)
    return done.stdout.decode().rstrip("\n").split("\n")


def test_every_command_prints_what_the_page_says():
    commands = list(shown(PAGE))
    assert len(commands) > 40, len(commands)
    for command, lines in commands:
        assert re.match(r"bosk caps \w+ ", command), command
        got = run(command)
        assert lines and matches(lines, got), "\n".join([command, *got])


def test_every_claim_has_a_verdict_and_a_command():
    claims = PAGE.split("\n### ")[1:]
    assert len(claims) > 30, len(claims)
    for claim in claims:
        title, text = claim.split("\n", 1)
        assert re.match(r"\n\*\*[^*]+\*\*", text), title
        equal(len(re.findall(r"^```console$", text, re.M)), 1, title)
    titles = [claim.split("\n", 1)[0] for claim in claims]
    equal(len(set(titles)), len(titles))


def test_a_changed_page_is_noticed():
    command, lines = next(shown(PAGE))
    got = run(command)
    assert matches(lines, got)
    assert not matches(lines[:-1], got) and not matches([*lines, ""], got)
    assert not matches([line.replace("1024", "1023") for line in lines], got)
    assert matches([lines[0], "..."], got) and not matches(["...", lines[0]], got)


run_tests(sys.modules[__name__])
