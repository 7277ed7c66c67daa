"""Allocators to compare: how each is named, found and started."""

import os
import shutil
import subprocess
import sys

PEERS = {  # as packaged by Debian 12
    "mimalloc": "libmimalloc.so.2",
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc_minimal.so.4",
}
LIB_DIRS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
BOSK_LIB = "libbosk-malloc.so"


class Contender:
    """A label, the library to preload ("" for the system's malloc), variables to set; and, where
    contenders are programs and not libraries, the program of this one."""

    def __init__(self, label, lib="", env=(), exe=None):
        self.label, self.lib, self.env, self.exe = label, lib, dict(env), exe

    @classmethod
    def parse(cls, text):
        """LIB.so[=LABEL[:VAR=VALUE]...], or system[=LABEL]."""
        lib, _, rest = text.partition("=")
        label, *pairs = rest.split(":") if rest else [""]
        env = [p.split("=", 1) for p in pairs]
        if any(len(p) != 2 for p in env):
            sys.exit(f"bench: {text}: want LIB.so=LABEL:VAR=VALUE")
        if lib == "system":
            return cls(label or "glibc", "", env)
        path = os.path.realpath(lib)
        if not os.path.exists(path):
            sys.exit(f"bench: {lib}: no such library")
        return cls(label or os.path.basename(lib).split(".so")[0], path, env)

    def with_env(self, label, **env):
        return Contender(label, self.lib, {**self.env, **env}, self.exe)

    def environ(self, **more):
        """A small fixed environment: the measured run must not depend on the caller's."""
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/nonexistent", "TZ": "UTC"}
        if self.lib:
            env["LD_PRELOAD"] = self.lib
        env.update(self.env)
        env.update(more)
        return env

    def assignments(self):
        """The same as VAR=VALUE words for env(1)."""
        words = [f"LD_PRELOAD={self.lib}"] if self.lib else []
        return words + [f"{k}={v}" for k, v in self.env.items()]


def find_bosk(build_dirs):
    for d in build_dirs:
        path = os.path.join(d, BOSK_LIB)
        if os.path.exists(path):
            return os.path.realpath(path)
    return None


def default_peers(names):
    """The peers that are installed, and the names of those that are not."""
    found, missing = [], []
    for name in names:
        if name == "glibc":
            found.append(Contender("glibc"))
            continue
        if name not in PEERS:
            sys.exit(f"bench: unknown peer {name}; known: glibc {' '.join(PEERS)}")
        paths = [os.path.join(d, PEERS[name]) for d in LIB_DIRS]
        path = next((p for p in paths if os.path.exists(p)), None)
        if path:
            found.append(Contender(name, os.path.realpath(path)))
        else:
            missing.append(name)
    return found, missing


def unpacked_peers(folder):
    """Newer peers as tools/peers/fetch.sh leaves them: a line `LABEL PATH` each in its list."""
    listed = os.path.join(folder, "peers.txt")
    if not os.path.exists(listed):
        sys.exit(f"bench: {listed}: missing; run ./dev peers")
    with open(listed, encoding="utf-8") as f:
        pairs = [line.split(None, 1) for line in f if line.strip()]
    return [Contender(label, path.strip()) for label, path in pairs]


def package_version(path):
    """The distribution's version of the package that owns a file, or ''."""
    if not path or not shutil.which("dpkg-query"):
        return ""
    for candidate in (path, path.replace("/usr/lib", "/lib", 1)):
        owner = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True,
                               check=False)
        if owner.returncode == 0:
            package = owner.stdout.split(":")[0].split(",")[0]
            shown = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                                   capture_output=True, text=True, check=False)
            return shown.stdout.strip()
    return ""
