"""The pictures of bosk caps: well-formed, complete, and looked at in a real browser in light and
dark; the diagrams, as far as graphviz and a reader of mermaid's flowcharts can tell."""

import html.parser
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
import zlib

from support import BOSK, Skip, contains, equal, run_tests

SVG = "{http://www.w3.org/2000/svg}"
ALL = ("--go", "all", "--arch", "all")
ODD = "struct{a <-chan int; b map[string]*T}"


def caps(*args):
    return subprocess.run([BOSK, "caps", *map(str, args)], capture_output=True, timeout=60,
                          check=True).stdout.decode()


def numbers(path):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", path)]


# ---- what is in the file ------------------------------------------------------------------

def test_svg_is_well_formed_and_stays_inside():
    for args in (("--elem", "*T", *ALL), ("--elem", ODD, *ALL), ("--to", 1), ("--to", 2),
                 ("--from", 5, "--to", 6), ("--elem", 1, "--to", 9 * 10**18), ("--append", 1000),
                 ("--from", 10**6, "--to", 10**7, "--rule", "x2"),
                 ("--elem", 32768, "--to", 3, "--arch", "arm"),
                 ("--rule", "threshold=0,add=1%", "--to", 10**6)):
        root = xml.fromstring(caps("slice", *args, "--svg"))
        equal(root.tag, SVG + "svg")
        _, _, width, height = map(float, root.get("viewBox").split())
        for element in root.iter(SVG + "path"):
            d = element.get("d")
            assert "nan" not in d and "inf" not in d, (args, d[:200])
            # Only absolute commands but for the marks of an end.
            if "l" in d or "h" in d:
                continue
            for command, rest in re.findall(r"([MLHV])([^MLHV]*)", d):
                values = numbers(rest)
                xs = values if command == "H" else values[::2] if command in "ML" else []
                ys = values if command == "V" else values[1::2] if command in "ML" else []
                assert all(0 <= x <= width for x in xs), (args, d[:200])
                assert all(0 <= y <= height for y in ys), (args, d[:200])
        for element in root.iter(SVG + "circle"):
            assert 0 <= float(element.get("cx")) <= width \
                and 0 <= float(element.get("cy")) <= height


def test_svg_names_each_line_and_marks_differences():
    root = xml.fromstring(caps("slice", "--elem", "*T", "--go", "1.17,1.21,1.22", "--arch",
                               "amd64", "--to", 2000, "--svg"))
    texts = [t.text for t in root.iter(SVG + "text")]
    for text in ("How []*T grows by append, 1 at a time", "Go 1.17, amd64", "Go 1.21, amd64",
                 "Go 1.22, amd64", "x2", "x1.5", "capacity", "length",
                 "another capacity than elsewhere at this length"):
        assert text in texts, text
    marks = [c.find(SVG + "title").text for c in root.iter(SVG + "circle")
             if c.get("class") == "mark"]
    assert "65 elements: capacity 143, 1152 bytes (Go 1.22, amd64)" in marks, marks
    assert not any(m.startswith("33 elements") for m in marks), marks
    # A step for each reallocation.
    one = xml.fromstring(caps("slice", "--to", 500, "--arch", "amd64", "--svg"))
    steps = next(p for p in one.iter(SVG + "path") if p.get("class") == "line")
    equal(len(re.findall("V", steps.get("d"))), 9)  # 1, then 2, 4, ... 512
    assert not any(c.get("class") == "mark" for c in one.iter(SVG + "circle"))


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows = self.tables = 0
        self.links = []

    def handle_starttag(self, tag, attrs):
        self.rows += tag == "tr"
        self.tables += tag == "table"
        self.links += [v for k, v in attrs if k in ("src", "href")]


def test_page_stands_alone():
    for elem in ("*T", ODD):
        text = caps("slice", "--elem", elem, "--go", "1.17,1.22", "--to", 500, "--html")
        page = Page()
        page.feed(text)
        rows = [len(caps("slice", "--elem", elem, "--go", go, "--to", 500, "--csv").splitlines())
                for go in ("1.17", "1.22")]
        equal((page.tables, page.rows, page.links), (2, sum(rows), []))
        assert "<script" not in text and "url(" not in text
        contains(text, "prefers-color-scheme:dark")
        assert "<-chan" not in text, "text of the element is escaped"


# ---- in a browser -------------------------------------------------------------------------

def pixels(path):
    """Width, height and (r, g, b) of each pixel, row by row, of a PNG of 8 bits a channel."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, bits, colour = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT":
            packed += body
        at += size + 12
    assert bits == 8 and colour in (2, 6), (bits, colour)
    step = 3 if colour == 2 else 4
    raw, rows, before = zlib.decompress(packed), [], bytearray(width * step)
    for y in range(height):
        start = y * (width * step + 1)
        row, method = bytearray(raw[start + 1:start + 1 + width * step]), raw[start]
        for x, value in enumerate(row):
            left = row[x - step] if x >= step else 0
            up, corner = before[x], before[x - step] if x >= step else 0
            if method == 1:
                row[x] = (value + left) & 255
            elif method == 2:
                row[x] = (value + up) & 255
            elif method == 3:
                row[x] = (value + (left + up) // 2) & 255
            elif method == 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up),
                           (abs(guess - corner), 2, corner))[2]
                row[x] = (value + near) & 255
        rows.append([tuple(row[x:x + 3]) for x in range(0, width * step, step)])
        before = row
    return width, height, rows


def screenshot(page, folder, size, dark):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise Skip("no Chromium")
    picture = folder / "shot.png"
    picture.unlink(missing_ok=True)
    subprocess.run([chromium, "--headless=new", "--no-sandbox", "--disable-gpu",
                    "--disable-dev-shm-usage", "--hide-scrollbars",
                    "--window-size={},{}".format(*size),
                    f"--user-data-dir={folder / 'profile'}", f"--screenshot={picture}",
                    f"--blink-settings=preferredColorScheme={0 if dark else 1}", page.as_uri()],
                   capture_output=True, timeout=90, check=True)
    return pixels(picture)


def light(colour):
    return sum(colour) / 3


def near(a, b):
    return all(abs(x - y) <= 24 for x, y in zip(a, b))


def hexadecimal(text):
    return tuple(int(text[i:i + 2], 16) for i in (1, 3, 5))


def looks_right(command, size, least):
    """Draws with `command`; in both halves of the style there must be background, ink and lines."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        page = folder / "picture.svg"
        page.write_text(caps(*command, "--svg"))
        styles = re.findall(r"--back:(#\w{6}).*?--ink:(#\w{6}).*?--s0:(#\w{6});--s1:(#\w{6})",
                            page.read_text(), re.S)
        equal(len(styles), 2)
        for dark, colours in zip((False, True), styles):
            back, ink, *lines = map(hexadecimal, colours)
            width, height, rows = screenshot(page, folder, size, dark)
            flat = [p for row in rows for p in row]
            equal((width, height), size)
            share = sum(near(p, back) for p in flat) / len(flat)
            assert 0.7 < share < 0.97, f"{share:.2f} of the picture is background"
            assert (light(back) < 60) == dark and abs(light(ink) - light(back)) > 150
            for line in lines:
                found = sum(near(p, line) for p in flat)
                assert found > least, f"{found} pixels of {line} with dark {dark}"
                assert abs(light(line) - light(back)) > 60, line
            # The title is there, and nothing is cut off at the edges.
            assert sum(near(p, ink) for row in rows[:50] for p in row) > 100
            for edge in (rows[2][20:-20], rows[-3][20:-20], [r[2] for r in rows[20:-20]]):
                assert all(near(p, back) for p in edge)


def test_browser_shows_ladders_in_light_and_dark():
    looks_right(("slice", "--elem", "*T", "--go", "1.17,1.22", "--arch", "amd64"), (960, 620), 500)


def test_browser_shows_maps_in_light_and_dark():
    looks_right(("map", "--go", "1.22,1.24", "--arch", "amd64"), (960, 660), 500)


# ---- diagrams -------------------------------------------------------------------------------

EXPRESSIONS = ("make([]int, 0, 100)", "make([]byte, n)", "make([]byte, 100000)", "any(x int)",
               'append([]string(nil), "a\\"<b>")', "make([]struct{}, 5)", "make([]int, n=-1)",
               "[]byte(s)", "make(map[string]int, 9)", "var x [200000]byte", "any(&x)")


def test_dot_is_read_by_graphviz():
    if shutil.which("dot") is None:
        raise Skip("no graphviz")
    for expression in EXPRESSIONS:
        text = caps("explain", expression, *ALL, "--dot")
        done = subprocess.run(["dot", "-Tsvg"], input=text.encode(), capture_output=True,
                              timeout=60, check=False)
        equal((done.returncode, done.stderr.decode()), (0, ""), text)
        titles = [t.text for t in xml.fromstring(done.stdout).iter(SVG + "text")]
        assert any("Go 1." in (t or "") for t in titles)


def test_mermaid_is_a_flowchart():
    node = re.compile(r'    (\w+)(\["[^"]*"\]|\{"[^"]*"\}|\[\("[^"]*"\)\])')
    edge = re.compile(r'    (\w+) -->(?:\|"[^"]*"\|)? (\w+)')
    for expression in EXPRESSIONS:
        comment, head, *lines = caps("explain", expression, *ALL, "--mermaid").splitlines()
        assert comment.startswith("%% ") and head == "flowchart TB"
        known, used, depth = set(), set(), 0
        for line in lines:
            if line.startswith("  subgraph "):
                assert re.fullmatch(r'  subgraph group\d+ \["[^"]*"\]', line), line
                depth += 1
            elif line == "  end":
                depth -= 1
            elif edge.fullmatch(line):
                used |= set(edge.fullmatch(line).groups())
            else:
                found = node.fullmatch(line)
                assert found, line
                assert found[1] not in known, line
                known.add(found[1])
        equal(depth, 0)
        assert used <= known and (len(known) == 1 or known == used | {n for n in known if
                                                                      n.startswith("end")}), lines


run_tests(sys.modules[__name__])
