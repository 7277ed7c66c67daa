"""The machine: building the measuring programs, pinning, the lock, what it is."""

import contextlib
import fcntl
import glob
import os
import platform
import subprocess
import sys

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(HERE)
LOCK = "/tmp/measure.lock"

CFLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror",
          "-fno-builtin-malloc", "-fno-builtin-calloc", "-fno-builtin-realloc",
          "-fno-builtin-free", "-I", os.path.join(ROOT, "include")]
# name: sources, flags after them
PROGRAMS = {
    "allocprobe": (["allocprobe*.c"], ["-pthread", "-ldl"]),
    "countprobe": (["countprobe.c", "allocprobe_core.c"], ["-pthread", "-ldl", "-rdynamic"]),
    "launch": (["launch.c"], ["-static"]),
    "launch-dynamic": (["launch.c"], []),
    "startup": (["startup.c"], []),
    "square": (["square.c", "allocprobe_core.c"], ["-ldl"]),
    "storm": (["storm.c", "allocprobe_core.c"], ["-pthread"]),
}


def build(name, out_dir, cc="cc"):
    """The path of one measuring program: of the build, or compiled when that is older."""
    patterns, libs = PROGRAMS[name]
    sources = sorted(s for p in patterns for s in glob.glob(os.path.join(HERE, p)))
    headers = glob.glob(os.path.join(HERE, "*.h"))
    os.makedirs(out_dir, exist_ok=True)
    target = os.path.join(out_dir, name)
    ready = os.path.join(os.environ.get("BUILD_DIR", "/nonexistent"), "bench", name)
    for path in (ready, target):
        if os.path.exists(path):
            built = os.path.getmtime(path)
            if all(os.path.getmtime(s) < built for s in sources + headers):
                return path
    subprocess.run([cc, *CFLAGS, *sources, "-o", target + ".new", *libs], check=True)
    os.rename(target + ".new", target)
    return target


def cpus():
    """(the core for work of one thread, the cores for the rest), as taskset lists."""
    allowed = sorted(os.sched_getaffinity(0))
    return str(allowed[-1]), ",".join(str(c) for c in allowed[:2])


@contextlib.contextmanager
def lock():
    """Only one measurement at a time on a machine."""
    with open(LOCK, "w", encoding="ascii") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another measurement to end")
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def describe(contenders, versions):
    """Lines of configuration, as Go's benchmark format has them."""
    def first_line(*command):
        try:
            out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            return out.splitlines()[0] if out else "?"
        except OSError:
            return "?"

    with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="ascii") as f:
        thp = f.read().split("[")[1].split("]")[0]
    dirty = subprocess.run(["git", "-C", ROOT, "status", "--porcelain", "--", "src", "shim",
                            "include"], capture_output=True, text=True, check=False).stdout
    commit = first_line("git", "-C", ROOT, "rev-parse", "--short=12", "HEAD")
    lines = {
        "goos": platform.system().lower(), "goarch": platform.machine(), "cpu": cpu_model(),
        "cores": str(len(os.sched_getaffinity(0))), "kernel": platform.release().split("-")[0],
        "libc": " ".join(platform.libc_ver()), "compiler": first_line("cc", "--version"),
        "thp": thp, "commit": commit + ("+changes" if dirty.strip() else ""),
    }
    for c in contenders:
        if versions.get(c.label):
            lines[c.label] = versions[c.label]
    return lines
