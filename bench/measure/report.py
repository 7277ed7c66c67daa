"""Collects what the parts found and writes it: to the screen, to docs, as Go benchmark text."""

import json
import os
import time

from . import check
from .stats import NOISE


class Report:
    def __init__(self, title="the heap beside its peers",
                 picture="geometric means of the groups"):
        self.title, self.picture = title, picture
        self.machine, self.checks, self.sections, self.go, self.svg = {}, [], [], [], ""
        self.raw = {}

    def section(self, title, text, note=""):
        """One table: shown on the screen at once and kept for the document."""
        self.sections.append((title, text, note))
        print(f"\n== {title}" + (f"\n{note}" if note else ""))
        print(text, flush=True)

    def judge(self, checks):
        self.checks += checks

    def verdict(self):
        """Shows all bars; true when none is failed or missing."""
        print("\n== bars")
        print(check.text(self.checks))
        bad = [c for c in self.checks if not c.ok]
        noise = sum(c.outcome == NOISE for c in self.checks)
        print(f"\n{len(self.checks) - len(bad)} of {len(self.checks)} bars met"
              + (f", {noise} of them only within noise" if noise else ""), flush=True)
        return not bad

    def markdown(self, command, plot):
        machine = ", ".join(f"{k} {v}" for k, v in self.machine.items())
        out = [f"# Measured: {self.title}", "",
               f"Written by `{command}`. {time.strftime('%Y-%m-%d', time.gmtime())}; {machine}.",
               "How each figure is taken stands in [method.md](method.md).", ""]
        if plot:
            out += [f"![{self.picture}]({plot})", ""]
        out += ["## Bars", "", "| | what | measured | bar | |", "|---|---|---|---|---|"]
        for c in self.checks:
            mark = f"**{c.outcome}**" if not c.ok else c.outcome
            out.append(f"| {mark} | {c.what} | {c.value} | {c.bar} | {c.note} |")
        for title, text, note in self.sections:
            out += ["", f"## {title}", ""]
            if note:
                out += [note, ""]
            out += ["```text", text, "```"]
        return "\n".join(out) + "\n"

    def write(self, folder, name, command):
        os.makedirs(folder, exist_ok=True)
        plot = f"{name}.svg" if self.svg else ""
        files = {f"{name}.md": self.markdown(command, plot)}
        if self.go:
            head = [f"{k}: {v}" for k, v in self.machine.items()]
            files[f"{name}.txt"] = "\n".join([*head, "pkg: bosk/bench", *self.go]) + "\n"
        if plot:
            files[plot] = self.svg
        for file_name, text in files.items():
            with open(os.path.join(folder, file_name), "w", encoding="utf-8") as f:
                f.write(text)

    def write_raw(self, path):
        data = {"machine": self.machine, "checks": [c.as_dict() for c in self.checks],
                "sections": self.sections, "raw": self.raw}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(data, f)
