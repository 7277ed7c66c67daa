"""Much of the standard library, with a line of digest each in results.txt."""
import ast, collections, decimal, gc, hashlib, io, itertools, json, multiprocessing, pickle
import random, re, subprocess, sys, threading, zlib

out = open("results.txt", "w")
def tell(name, value):
    text = value if isinstance(value, str) else repr(value)
    print(name, hashlib.sha256(text.encode()).hexdigest(), text[:60].replace("\n", " "), file=out)

rng = random.Random(12345)
d = {}
for i in range(200000):
    d["key%d" % rng.randrange(60000)] = (i, str(i) * (i % 5))
    if i % 3 == 0:
        d.pop("key%d" % rng.randrange(60000), None)
tell("dict", sorted(d.items()))
tell("json", json.dumps(json.loads(json.dumps(d)), sort_keys=True))
tell("pickle", sorted(pickle.loads(pickle.dumps(d)).items())[::100])
words = re.findall(r"[a-z]+[0-9]*", " ".join(d))
tell("regex", collections.Counter(w[-1] for w in words).most_common())
data = json.dumps(d).encode()
tell("zlib", zlib.crc32(zlib.decompress(zlib.compress(data, 6))))
big = []
for i in range(300):
    big.append(bytearray(rng.randrange(200000)))
    if i % 2: big.pop(rng.randrange(len(big)))
tell("bytearrays", [len(b) for b in big])
grow = bytearray()
for i in range(200000): grow += b"%d," % i
tell("growth", hashlib.sha1(grow).hexdigest())
getattr(sys, "set_int_max_str_digits", lambda n: None)(0)
tell("ints", str(3 ** 20000 // 7 ** 3000))
decimal.getcontext().prec = 500
tell("decimal", decimal.Decimal(2).sqrt())
function = "def f%d(a, b=%d):\n    return [a * x + b for x in range(%d)]"
source = "\n".join(function % (i, i, i) for i in range(1500))
tell("compile", ast.dump(ast.parse(source))[:100000])
class Node:
    def __init__(self, n): self.n, self.other, self.data = n, None, list(range(n % 40))
nodes = [Node(i) for i in range(50000)]
for n in nodes: n.other = nodes[rng.randrange(len(nodes))]
del nodes; gc.collect()
results = {}
def thread(k):
    r = random.Random(k)
    m = collections.OrderedDict()
    for i in range(20000):
        m[r.randrange(3000)] = "x" * r.randrange(300)
        if len(m) > 2000: m.popitem(last=False)
    results[k] = sum(len(v) for v in m.values())
threads = [threading.Thread(target=thread, args=(k,)) for k in range(8)]
for t in threads: t.start()
for t in threads: t.join()
tell("threads", sorted(results.items()))

def child(n): return sum(len(str(i)) for i in range(n * 1000))
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        tell("fork", pool.map(child, range(40)))
    tell("subprocess", subprocess.run([sys.executable, "-c", "print(sum(map(int, '123')))"],
                                      capture_output=True, text=True).stdout)
    b = io.StringIO()
    for p in itertools.islice(itertools.permutations(range(9)), 50000): b.write("%d" % p[3])
    tell("stringio", b.getvalue())
    out.close()
