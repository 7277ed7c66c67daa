"""Looks into bosk's heap from gdb: in a running process or in a core file, without calling into it.

    (gdb) source bosk-gdb.py
    (gdb) bosk heap             what memory is used for, by size class
    (gdb) bosk spans [CLASS]    the spans, all or of one size class
    (gdb) bosk who ADDRESS      what an address belongs to
    (gdb) print s               a slice: []int len=5 cap=8 = {1, 2, 3, 4, 5}; a bosk_str: "text"
    (gdb) print m               a map: map[bosk_str]int len=1 homes=1 = {["a"] = 1}
    (gdb) print c               a concurrent slice: []int shared len=2 = {1, 2}

Needs the debug information of the library; everything is read from its own tables.
"""

import bisect
import struct

import gdb

PAGE_SHIFT = 13
NONE = 0  # in the page map: not part of a span
CHUNK = 4  # flag of a span that an arena cuts blocks from
ARENA, HEAP = 3, 4  # homes


def human(n):
    if n < 1024:
        return f"{n} B"
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        n /= 1024
        if n < 999.5:
            break
    return f"{n:.3g} {unit}"


class NoHeap(gdb.GdbError):
    pass


class Heap:
    """A snapshot of the tables.  Addresses are Python numbers."""

    def __init__(self):
        self.objfile = self._library()
        self.map = self._value("boski_map")
        self.base = int(self.map["base"])
        self.pages = int(self.map["npages"])
        self.inferior = gdb.selected_inferior()
        self.word = self.map["base"].type.sizeof
        classes = self._value("boski_class")
        low, high = classes.type.range()
        self.class_bytes = [int(classes[i]["size"]) for i in range(low, high + 1)]

    def _library(self):
        found = [o for o in gdb.objfiles() if o.lookup_global_symbol("boski_map") is not None]
        if not found:
            raise NoHeap("no bosk heap: its library is not loaded, or has no debug information")
        # With several copies in a process, only one has been used.
        for o in found:
            if int(o.lookup_global_symbol("boski_map").value()["max_pages"]) != 0:
                return o
        raise NoHeap("the heap has not been used yet")

    def _value(self, name):
        symbol = self.objfile.lookup_global_symbol(name) or self.objfile.lookup_static_symbol(name)
        if symbol is None:
            raise NoHeap(f"no debug information for {name}")
        return symbol.value()

    def read(self, address, n):
        return bytes(self.inferior.read_memory(address, n)) if n else b""

    def words(self, address, n):
        kind = "Q" if self.word == 8 else "I"
        return struct.unpack(f"={n}{kind}", self.read(address, n * self.word))

    def record(self, address):
        return gdb.Value(address).cast(gdb.lookup_type("struct mspan").pointer()).dereference()

    def _ranges(self):
        """First page and number of pages of each stretch whose tables exist."""
        if self.pages:
            yield 0, self.pages
        chunk = 512
        for page in range(int(self.map["region_pages"]), int(self.map["arena_next"]), chunk):
            yield page, chunk

    def spans(self):
        """Each span once, in the order of pages, as gdb.Value of struct mspan."""
        table = int(self.map["spans"])
        for first, n in self._ranges():
            try:
                cmap = self.read(int(self.map["cmap"]) + first, n)
            except gdb.MemoryError:
                continue
            at = first
            while at < first + n:
                if cmap[at - first] == NONE:
                    at += 1
                    continue
                s = self.record(self.words(table + at * self.word, 1)[0])
                yield s
                at = int(s["page"]) + int(s["npages"])

    def span_of(self, address):
        if self.base <= address < self.base + (self.pages << PAGE_SHIFT):
            page = (address - self.base) >> PAGE_SHIFT
            if self.read(int(self.map["cmap"]) + page, 1)[0] == NONE:
                return None
            return self.record(self.words(int(self.map["spans"]) + page * self.word, 1)[0])
        if int(self.map["arena_next"]) <= int(self.map["region_pages"]):
            return None
        for s in self.spans():
            base = int(s["base"])
            if base <= address < base + (int(s["npages"]) << PAGE_SHIFT):
                return s
        return None

    def free_slots(self, s):
        n = int(s["nelems"])
        words = struct.unpack(f"={(n + 63) // 64}Q", self.read(int(s["bits"]), (n + 63) // 64 * 8))
        return {i for i in range(n) if words[i // 64] >> i % 64 & 1}

    def blocks(self, s, cached):
        """How many blocks of a span are in use, and their bytes; `cached` are free as well."""
        if int(s["flags"]) & CHUNK:
            found = self.chunk_blocks(s)
            return len(found), sum(n for _, n in found)
        base, size = int(s["base"]), int(s["npages"]) << PAGE_SHIFT
        idle = bisect.bisect_left(cached, base + size) - bisect.bisect_left(cached, base)
        used = int(s["nelems"]) - len(self.free_slots(s)) - idle
        return used, used * int(s["elem_bytes"])

    def chunk_blocks(self, s):
        """Address and size of each block of a chunk: see chunk.h."""
        granule, used = int(s["elem_bytes"]), int(s["nfree"])
        starts = sorted(set(range(used)) - self.free_slots(s))
        ends = starts[1:] + [used]
        return [(int(s["base"]) + a * granule, (b - a) * granule) for a, b in zip(starts, ends)]

    def cached(self):
        """Addresses in the caches of threads: not in use, though no bit says so.  Sorted."""
        out = set()
        mc = self._value("boski_mcaches")
        fast = None
        while int(mc) != 0:
            m = mc.dereference()
            if not m["lost"]:
                lanes = m["lane"]
                pops = m["pops"]
                if fast is None:
                    fast = m["parked"].type.range()[1] + 1
                for i in range(lanes.type.range()[1] + 1):
                    lane = lanes[i]
                    if int(lane["buf"]) == 0:
                        continue
                    pop = int(pops[i]) if i < fast else int(m["medium"][i - fast])
                    out.update(self._stack(int(lane["start"]), pop))
                    if int(lane["cut"]) != 0:
                        out.add(int(lane["cut_obj"]))
                bins = m["bin"]
                for c in range(1, bins.type.range()[1] + 1):
                    buf = bins[c]["buf"]
                    if int(buf) != 0:
                        out.update(self._stack(int(buf["slot"].address), int(m["push"]["cur"][c])))
            mc = m["next"]
        out.discard(0)
        return sorted(out)

    def _stack(self, start, end):
        if start == 0 or end <= start or end - start > 1 << 24:
            return ()
        return self.words(start, (end - start) // self.word)


class Bosk(gdb.Command):
    """Looks into bosk's heap: bosk heap, bosk spans [CLASS], bosk who ADDRESS."""

    def __init__(self):
        super().__init__("bosk", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class BoskHeap(gdb.Command):
    """What memory is used for, by size class."""

    def __init__(self):
        super().__init__("bosk heap", gdb.COMMAND_DATA)

    def invoke(self, _argument, _tty):
        heap = Heap()
        cached = heap.cached()
        rows, held, live, blocks = {}, 0, 0, 0
        for s in heap.spans():
            base, size = int(s["base"]), int(s["npages"]) << PAGE_SHIFT
            idle = bisect.bisect_left(cached, base + size) - bisect.bisect_left(cached, base)
            used, used_bytes = heap.blocks(s, cached)
            row = rows.setdefault(int(s["class_"]), [0, 0, 0, 0, 0])
            row[0] += 1
            row[1] += size
            row[2] += used
            row[3] += used_bytes
            row[4] += idle
            held, live, blocks = held + size, live + used_bytes, blocks + used
        print(f"{human(live)} in {blocks} blocks, {human(held)} in spans, "
              f"{len(cached)} blocks in caches of threads")
        self._row("class", "block", "spans", "held", "blocks", "live", "cached")
        for c, row in sorted(rows.items(), key=lambda item: -item[1][1]):
            block = human(heap.class_bytes[c]) if c else "large"
            self._row(c, block, row[0], human(row[1]), row[2], human(row[3]), row[4])

    @staticmethod
    def _row(*cells):
        print(" ".join(f"{c:>{w}}" for c, w in zip(cells, (6, 9, 7, 10, 9, 10, 8))))


class BoskSpans(gdb.Command):
    """The spans, all or of one size class (0: large blocks)."""

    def __init__(self):
        super().__init__("bosk spans", gdb.COMMAND_DATA)

    def invoke(self, argument, _tty):
        heap = Heap()
        only = int(gdb.parse_and_eval(argument)) if argument.strip() else None
        for s in heap.spans():
            if only is not None and int(s["class_"]) != only:
                continue
            n = int(s["nelems"])
            head = (f"{int(s['base']):#x} {int(s['npages']):>6} pages  "
                    f"class {int(s['class_']):>2}  {human(int(s['elem_bytes'])):>9}  ")
            tail = (f"{'  sampled' if int(s['flags']) & 1 else ''}"
                    f"{'  of an arena' if int(s['home']) == ARENA else ''}"
                    f"{'  of a heap' if int(s['home']) == HEAP else ''}")
            if int(s["flags"]) & CHUNK:
                found = heap.chunk_blocks(s)
                print(f"{head}{len(found):>5} blocks, {human(sum(k for _, k in found))}{tail}")
            else:
                print(f"{head}{n - len(heap.free_slots(s)):>5} of {n} taken{tail}")


class BoskWho(gdb.Command):
    """What an address belongs to: the block, its size, and whether it is in use."""

    def __init__(self):
        super().__init__("bosk who", gdb.COMMAND_DATA)

    def invoke(self, argument, _tty):
        if not argument.strip():
            raise gdb.GdbError("usage: bosk who ADDRESS")
        address = int(gdb.parse_and_eval(argument)) & (1 << 64) - 1
        heap = Heap()
        s = heap.span_of(address)
        if s is None:
            print(f"{address:#x} is not in a span of this heap")
            return
        if int(s["flags"]) & CHUNK:
            self._in_chunk(heap, s, address)
            return
        base, size = int(s["base"]), int(s["elem_bytes"])
        slot = (address - base) // size
        if slot >= int(s["nelems"]):
            print(f"{address:#x} is in the unused end of the span at {base:#x} (blocks of {size})")
            return
        block = base + slot * size
        if slot in heap.free_slots(s):
            state = "free"
        elif block in heap.cached():
            state = "free, in the cache of a thread"
        else:
            state = "in use"
        where = f"{address - block} bytes into " if address != block else ""
        print(f"{address:#x} is {where}the block at {block:#x} of {size} bytes, {state}; "
              f"span at {base:#x}, class {int(s['class_'])}, slot {slot} of {int(s['nelems'])}")


    @staticmethod
    def _in_chunk(heap, s, address):
        owner = f"arena {int(s['owner']):#x}" if int(s["owner"]) else "an arena that was freed"
        for block, size in heap.chunk_blocks(s):
            if block <= address < block + size:
                where = f"{address - block} bytes into " if address != block else ""
                print(f"{address:#x} is {where}the block at {block:#x} of {size} bytes, in use; "
                      f"chunk at {int(s['base']):#x} of {owner}")
                return
        print(f"{address:#x} is in the unused part of the chunk at {int(s['base']):#x} of {owner}")


# ---- values -------------------------------------------------------------------------------------


class SlicePrinter:
    """A slice of any type.  Elements are read one by one, as far as gdb wants to show them."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        ptr, n, cap = (self.value[f] for f in ("ptr", "len", "cap"))
        name = f"[]{ptr.type.target().unqualified()}"
        if int(n) < 0 or int(n) > int(cap):
            return f"{name} BROKEN len={int(n)} cap={int(cap)} ptr={int(ptr):#x}"
        if int(ptr) == 0 and int(cap) == 0:
            return f"{name} nil"
        return f"{name} len={int(n)} cap={int(cap)}"

    def children(self):
        ptr, n, cap = (self.value[f] for f in ("ptr", "len", "cap"))
        if 0 <= int(n) <= int(cap):
            for i in range(int(n)):
                yield f"[{i}]", (ptr + i).dereference()

    @staticmethod
    def display_hint():
        return "array"


class SharedSlicePrinter:
    """A concurrent slice: its published prefix, and how many elements are there beyond."""

    def __init__(self, value):
        self.all = value["all"]
        self.element = value["ptr"].type.target()
        self.prefix, beyond, self.runs = 0, 0, []
        low, high = self.all["segment"].type.range()
        whole = True
        for k in range(low, high + 1):
            if int(self.all["segment"][k]) == 0:
                break
            s = self.all["segment"][k].dereference()
            ready = bytes(gdb.selected_inferior().read_memory(int(s["ready"]), int(s["size"])))
            n = (ready + b"\0").index(0) if whole else 0
            self.runs.append((s["array"].cast(self.element.pointer()), n))
            self.prefix += n
            beyond += len(ready) - ready.count(0) - n
            whole = whole and n == len(ready)
        self.beyond = f" and {beyond} beyond a gap" if beyond else ""

    def to_string(self):
        return f"[]{self.element.unqualified()} shared len={self.prefix}{self.beyond}"

    def children(self):
        i = 0
        for array, n in self.runs:
            for k in range(n):
                yield f"[{i}]", (array + k).dereference()
                i += 1

    @staticmethod
    def display_hint():
        return "array"


class StrPrinter:
    """A bosk_str: its bytes, up to what gdb shows of strings."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        n = int(self.value["len"])
        if n < 0:
            return f"bosk_str BROKEN len={n} ptr={int(self.value['ptr']):#x}"
        if n == 0:
            return '""'
        limit = gdb.parameter("print elements") or n
        raw = bytes(gdb.selected_inferior().read_memory(int(self.value["ptr"]), min(n, limit)))
        shown = raw.decode("utf-8", "surrogateescape")
        for plain, escaped in zip('\\"\n\t\0', ("\\\\", '\\"', "\\n", "\\t", "\\000")):
            shown = shown.replace(plain, escaped)
        # What is no UTF-8 was put into 128 surrogates.
        shown = "".join(f"\\x{ord(c) - 0xdc00:02x}" if 0xdc80 <= ord(c) <= 0xdcff else c
                        for c in shown)
        return f'"{shown}"{"..." if n > limit else ""} len={n}'


class AnyPrinter:
    """A bosk_any: the type and, where gdb knows it, the value."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        type_, data = self.value["type"], self.value["data"]
        if int(type_) == 0:
            return "any nil"
        name = type_["name"].string()
        try:
            stars = len(name) - len(name.rstrip("*"))
            known = gdb.lookup_type(name.rstrip("* "))
            for _ in range(stars):
                known = known.pointer()
            shown = data.cast(known) if stars else data.cast(known.pointer()).dereference()
            return f"any({name}) {shown}"
        except gdb.error:
            return f"any({name}) at {int(data):#x}"


class PoolPrinter:
    """A bosk_pool: what it holds."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        state = self.value["boski_state"]
        if int(state) == 0:
            return "pool of 0 items"
        state = state.cast(gdb.lookup_type("struct pool_state").pointer()).dereference()
        banks = [0, 0]
        for i in range(int(state["nlocals"])):
            k = (i + 8).bit_length() - 4
            local = state["segment"][k][i + 8 - (8 << k)]
            for b in range(2):
                banks[b] += self._items(local["bank"][b])
        now = int(state["age"]) & 1
        return f"pool of {banks[now]} items and {banks[1 - now]} victims"

    @staticmethod
    def _items(bank):
        n = int(int(bank["own"]) != 0)
        low, high = bank["ring"].type.range()
        for k in range(low, high + 1):
            if int(bank["ring"][k]) != 0:
                ends = int(bank["ring"][k]["ends"])
                n += ((ends >> 16) - ends) & 0xffff
        return n


class MapPrinter:
    """A map or set of any types: its entries, in the order of memory."""

    GROUP = 15

    def __init__(self, value):
        self.map = value["map"]
        self.key, self.item = (value[f].type.target().unqualified() for f in ("key", "value"))
        self.is_set = (value["how"].type.target().sizeof - 1) & 2 != 0

    def to_string(self):
        name = f"set[{self.key}]" if self.is_set else f"map[{self.key}]{self.item}"
        if int(self.map) == 0:
            return f"{name} nil"
        state = ("", ", growing", ", shrinking")[int(self.map["phase"]) % 3]
        writing = ", being written to" if int(self.map["writing"]) else ""
        return f"{name} len={int(self.map['count'])} homes={int(self.map['limit'])}{state}{writing}"

    def children(self):
        if int(self.map) == 0:
            return
        m, t = self.map.dereference(), self.map["type"]
        slot_bytes, shift = int(t["slot_bytes"]), int(t["block_shift"])
        memory, n = gdb.selected_inferior(), 0
        for p in range(int(m["groups"])):
            block, q = m["dir"][p >> shift], p & ((1 << shift) - 1)
            tags = bytes(memory.read_memory(int(block["tags"]) + q * (self.GROUP + 1), self.GROUP))
            for i in (i for i, tag in enumerate(tags) if tag):
                slot = int(block["slots"]) + (q * self.GROUP + i) * slot_bytes
                yield f"k{n}", gdb.Value(slot).cast(self.key.pointer()).dereference()
                if not self.is_set:
                    at = gdb.Value(slot + int(t["val_at"]))
                    yield f"v{n}", at.cast(self.item.pointer()).dereference()
                n += 1

    def display_hint(self):
        return "array" if self.is_set else "map"


class ArenaPrinter:
    """An arena: what lives in it and what it holds."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        if not self.value["alive"]:
            return "arena that was freed"
        limit = int(self.value["limit"])
        return (f"arena of {human(int(self.value['live']))} in {int(self.value['blocks'])} blocks, "
                f"{human(int(self.value['bytes']))} held"
                f"{f', at most {human(limit)}' if limit else ''}")


def is_word(type_):
    return type_.strip_typedefs().code == gdb.TYPE_CODE_INT and type_.sizeof == gdb.lookup_type(
        "long").sizeof


def printer_of(value):
    """Slices have no name of their own: they are known by what they consist of."""
    t = value.type.strip_typedefs()
    if t.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return None
    fields = t.fields()
    names = [f.name for f in fields]
    if names == ["map", "key", "value", "how"]:
        return MapPrinter(value)
    if t.code == gdb.TYPE_CODE_UNION:
        shared = names == ["all", "ptr", "cap"] and (
            fields[0].type.strip_typedefs().tag == "bosk_cslice")
        return SharedSlicePrinter(value) if shared else None
    if names == ["ptr", "len", "cap"]:
        pointer = fields[0].type.strip_typedefs()
        if (pointer.code == gdb.TYPE_CODE_PTR and
                pointer.target().strip_typedefs().code != gdb.TYPE_CODE_VOID and
                is_word(fields[1].type) and is_word(fields[2].type)):
            return SlicePrinter(value)
    if names == ["ptr", "len"] and t.tag == "bosk_str":
        return StrPrinter(value)
    return {"bosk_any": AnyPrinter, "bosk_pool": PoolPrinter, "bosk_arena": ArenaPrinter}.get(
        t.tag, lambda _: None)(value)


# Once, however often the file is read.
gdb.pretty_printers[:] = [p for p in gdb.pretty_printers
                          if getattr(p, "__name__", "") != "printer_of"]
gdb.pretty_printers.append(printer_of)

Bosk()
BoskHeap()
BoskSpans()
BoskWho()
