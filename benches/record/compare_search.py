#!/usr/bin/env python3
"""Compares onceseen's indexes with other exact searchers: same data, same queries, same answers.

    pip install faiss-cpu numpy
    benches/record/compare_search.py                    # 1 million entries, 256 and 64 bits
    benches/record/compare_search.py --entries 10000000 --widths 256
    benches/record/compare_search.py --floods
    benches/record/compare_search.py --widths 256 --data windows --pictures ~/Pictures
    benches/record/compare_search.py --threat-exchange ~/ThreatExchange    # a checkout; needs g++

Every searcher is a process of its own that builds once and then answers when asked; rounds are
interleaved, so a slow minute of the machine hits all alike. Before each measured answer every
searcher answers other queries unmeasured: what ran before it has emptied the caches, and a multi-index needs
hundreds of queries until its directory is back.
Batches are as large as `--queries` wherever the time of a round allows. Times are CPU time of the searching
thread, the median of the rounds; ratios are taken within one run. Every answer is compared, query
by query, with that of FAISS's flat scan. Needs Linux, Rust and a few GiB of memory.

Prints Markdown; `--svg FILE` also draws the single queries of the first width.
"""

import argparse
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
RADII = {256: (0, 8, 31), 64: (4, 8, 10)}
REFERENCE = "faiss-flat"
OURS = ("linear", "bk-tree", "mih", "auto")
PEERS = ("faiss-flat", "faiss-multihash", "meta-mih", "bk-tree-crate", "mih-rs")
# Searchers without a batch of their own.
SINGLE_ONLY = ("meta-mih", "bk-tree-crate", "mih-rs")
LABELS = {
    "linear": "onceseen linear", "bk-tree": "onceseen bk-tree", "mih": "onceseen mih",
    "auto": "onceseen auto", "faiss-flat": "FAISS BinaryFlat",
    "faiss-multihash": "FAISS BinaryMultiHash", "meta-mih": "Meta MIH256", "bk-tree-crate": "crate bk-tree",
    "mih-rs": "crate mih-rs",
}
# Seconds that one searcher may take for one round of one radius; the reference takes so many times
# that once, for the answers that all others are compared with.
ROUND_S = 0.3
BATCH_ROUND_S = 1.5
# Seconds that unmeasured queries before a measured answer may take.
WARM_UP_S = 0.05
REFERENCE_ROUNDS = 4


# --- data ---------------------------------------------------------------------------------------

def flipped(rng, hashes, most, least=0):
    """Copies with `least` to `most` bits flipped, the same bit perhaps twice."""
    hashes = hashes.copy()
    count = rng.integers(least, most + 1, len(hashes))
    for flip in range(most):
        rows = np.nonzero(count > flip)[0]
        bits = rng.integers(0, hashes.shape[1] * 8, len(rows))
        hashes[rows, bits // 8] ^= (1 << (bits % 8)).astype(np.uint8)
    return hashes


def uniform(rng, count, width):
    return rng.integers(0, 256, (count, width // 8), dtype=np.uint8)


def clustered(rng, count, width):
    """Half uniform; half in clusters of 2 to 256 around one hash, a sixteenth of the bits apart."""
    sizes = np.exp2(rng.uniform(1, 8, count // 16)).astype(np.int64)
    sizes = sizes[np.cumsum(sizes) <= count // 2]
    centres = np.repeat(uniform(rng, len(sizes), width), sizes, axis=0)
    rest = uniform(rng, count - len(centres), width)
    return rng.permutation(np.concatenate([flipped(rng, centres, width // 16), rest]))


def windows(program, pictures, folder, count):
    """PDQ hashes of windows of pictures, all eight orientations of each."""
    path = os.path.join(folder, "windows")
    subprocess.run([program, "windows", pictures, path, str(count)], check=True)
    return np.fromfile(path, np.uint8).reshape(-1, 32)


def flood(kind, rng, count, width, centre):
    near = np.repeat(centre, count, axis=0)
    if kind == "identical":
        return near
    if kind == "ball of 8":
        return flipped(rng, near, 8)
    if kind == "half flood":
        near = flipped(rng, near, 8)
        near[::2] = uniform(rng, len(near[::2]), width)
        return near
    # Outside of the radius, but near in most bands: all candidates, few matches.
    return flipped(rng, near, 48, 32)


def make(kind, count, width, query_count, radius, windows):
    """Entries and queries; half of the queries are members with up to `radius` bits flipped."""
    rng = np.random.default_rng([count, width, sum(kind.encode())])
    centre = uniform(rng, 1, width)
    plain = {"random": uniform, "clustered": clustered}.get(kind)
    queries = uniform(rng, query_count, width)
    if kind == "windows":
        made = rng.permutation(windows(count + query_count))
        entries, queries = made[:count], made[count:]
    else:
        entries = plain(rng, count, width) if plain else flood(kind, rng, count, width, centre)
    if plain or kind == "windows":
        members = entries[rng.integers(0, count, (query_count + 1) // 2)]
        queries[::2] = flipped(rng, members, radius)
    else:
        # The worst that can be asked of a flooded list: everything near the flood.
        queries = flipped(rng, np.repeat(centre, query_count, axis=0), 8)
    return entries, queries


# --- a FAISS searcher ---------------------------------------------------------------------------

def spread(seed):
    z = seed + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def checksums(lims, distances, ids):
    with np.errstate(over="ignore"):
        mixed = spread(ids.astype(np.uint64) << np.uint64(16) | distances.astype(np.uint64))
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
        return sums[lims[1:].astype(np.int64)] - sums[lims[:-1].astype(np.int64)]


def status_kib(name):
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def faiss_worker(searcher, width, hashes, queries):
    import faiss

    faiss.omp_set_num_threads(1)
    entries = np.fromfile(hashes, np.uint8).reshape(-1, width // 8)
    queries = np.fromfile(queries, np.uint8).reshape(-1, width // 8)
    before, wall, cpu = status_kib("VmRSS"), time.perf_counter(), time.process_time()
    if searcher == "faiss-flat":
        index = faiss.IndexBinaryFlat(width)
    else:
        index = faiss.IndexBinaryMultiHash(width, width // 16, 16)
    index.add(entries)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    # FAISS keeps a copy of the hashes; only what is beyond them is the index.
    own = max(0, (status_kib("VmRSS") - before) * 1024 - entries.nbytes)
    report({"build_cpu_s": cpu, "build_wall_s": wall, "index_bytes": own,
            "peak_kib": status_kib("VmHWM")})
    for line in sys.stdin:
        radius, mode, count, offset = line.split()
        count, offset = int(count), int(offset)
        if searcher == "faiss-multihash":
            # Exact by the pigeonhole principle: some band is at most this far away.
            index.nflip = int(radius) // (width // 16)
        step = count if mode == "batch" else 1
        seconds, found = 0.0, []
        for first in range(0, count, step):
            some = queries[offset + first:][:step]
            start = time.thread_time()
            # Its radius is exclusive.
            answer = index.range_search(some, int(radius) + 1)
            seconds += time.thread_time() - start
            found.append(answer)
        checks = np.concatenate([checksums(*answer) for answer in found])
        matches = np.concatenate([np.diff(answer[0].astype(np.int64)) for answer in found])
        report({"us": seconds * 1e6 / count, "matches": matches.tolist(),
                "checks": checks.tolist()})


def report(values):
    print(json.dumps(values), flush=True)


# --- driving the searchers ----------------------------------------------------------------------

class Searcher:
    """A process that built an index and waits for requests."""

    def __init__(self, name, width, hashes, queries, program):
        own = name.startswith("faiss")
        command = [sys.executable, os.path.abspath(__file__), "--worker"] if own else [program[name]]
        self.name = name
        self.process = subprocess.Popen(
            command + [name, str(width), hashes, queries],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.built = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended early")
        return json.loads(line)

    def ask(self, radius, mode, count, offset=0):
        self.process.stdin.write(f"{radius} {mode} {count} {offset}\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(searchers, radius, modes, query_count, rounds):
    """Microseconds and share of the reference's matches, by searcher and mode."""
    counts, times, recall = {}, {}, {}
    # The first answers warm up, size the rounds, and are compared.
    reference = None
    for searcher in sorted(searchers, key=lambda searcher: searcher.name != REFERENCE):
        us = max(searcher.ask(radius, "one", 2)["us"] for _ in range(2))
        count = sized(us, ROUND_S, query_count)
        counts[searcher.name, "one"] = count
        if searcher.name == REFERENCE:
            compared = min(query_count, count * REFERENCE_ROUNDS)
            reference = searcher.ask(radius, "one", compared)
        else:
            answer = searcher.ask(radius, "one", count)
            recall[searcher.name] = compare(searcher, radius, answer, reference)
        us = searcher.ask(radius, "batch", count)["us"]
        counts[searcher.name, "batch"] = sized(us, BATCH_ROUND_S, query_count)
        counts[searcher.name, "warm-up"] = sized(us, WARM_UP_S, query_count)
    for _ in range(rounds):
        for mode in modes:
            for searcher in searchers:
                if mode == "batch" and searcher.name in SINGLE_ONLY:
                    continue
                searcher.ask(radius, mode, counts[searcher.name, "warm-up"], query_count)
                answer = searcher.ask(radius, mode, counts[searcher.name, mode])
                times.setdefault((searcher.name, mode), []).append(answer["us"])
                compare(searcher, radius, answer, reference)
    return {key: statistics.median(values) for key, values in times.items()}, recall


def sized(us, seconds, most):
    """Queries that take so many seconds at so many µs each; at least 4, of which a batch is made, as far as
    there are so many."""
    return min(most, max(4, int(seconds * 1e6 / max(us, 1e-3))))


def compare(searcher, radius, answer, reference):
    both = min(len(answer["checks"]), len(reference["checks"]))
    if answer["checks"][:both] == reference["checks"][:both]:
        return 1.0
    if searcher.name != "bk-tree-crate":
        sys.exit(f"WRONG: {searcher.name} at radius {radius} differs from {REFERENCE}")
    return sum(answer["matches"][:both]) / max(1, sum(reference["matches"][:both]))


def run(kind, count, width, names, radii, args, program):
    query_count = args.queries
    with tempfile.TemporaryDirectory(dir=args.tmp) as folder:
        hashes, queries = os.path.join(folder, "hashes"), os.path.join(folder, "queries")
        def cut(count):
            return windows(program["linear"], args.pictures, folder, count)
        # As many again to warm up with.
        entries, asked = make(kind, count, width, 2 * query_count, max(radii), cut)
        entries.tofile(hashes)
        asked.tofile(queries)
        del entries
        searchers = [Searcher(name, width, hashes, queries, program) for name in names]
        results = {}
        for radius in radii:
            results[radius] = measure(searchers, radius, ("one", "batch"), query_count, args.rounds)
            print(f"{kind}, {count} of {width} bits, radius {radius}: done", file=sys.stderr)
        for searcher in searchers:
            searcher.close()
    return searchers, results


# --- tables and a plot --------------------------------------------------------------------------

def us_text(us):
    return "–" if us is None else f"{us:,.1f}" if us < 100 else f"{us:,.0f}"


def ratio_text(ratio):
    return f"{ratio:,.0f}×" if ratio >= 100 else f"{ratio:.2g}×" if ratio < 10 else f"{ratio:.0f}×"


def times_table(results, names, radii):
    head = "".join(f" r = {radius} single | batch | against FAISS flat |" for radius in radii)
    yield f"| µs a query |{head}"
    yield "| --- |" + " ---: | ---: | ---: |" * len(radii)
    for name in names:
        cells = []
        for radius in radii:
            times, recall = results[radius]
            one, batch = times.get((name, "one")), times.get((name, "batch"))
            flat, flat_batch = times[REFERENCE, "one"], times[REFERENCE, "batch"]
            ratio = ratio_text(flat / one) + (f" / {ratio_text(flat_batch / batch)}" if batch else "")
            lost = recall.get(name, 1.0)
            ratio += f" (recall {lost:.2f})" if lost < 1 else ""
            cells += [us_text(one), us_text(batch), ratio]
        yield f"| {LABELS[name]} | " + " | ".join(cells) + " |"


def build_table(searchers, count):
    yield "| | build, s wall | s CPU | bytes an entry beyond the hash | peak memory, MiB |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for searcher in searchers:
        built = searcher.built
        yield (f"| {LABELS[searcher.name]} | {built['build_wall_s']:.2f} | "
               f"{built['build_cpu_s']:.2f} | {built['index_bytes'] / count:.1f} | "
               f"{built['peak_kib'] / 1024:,.0f} |")


def floods_table(results, names, radii):
    head = "".join(f" r = {radius} single | batch | slower than the scan |" for radius in radii)
    yield f"| µs a query |{head}"
    yield "| --- |" + " ---: | ---: | ---: |" * len(radii)
    for name in names:
        cells = []
        for radius in radii:
            times, _ = results[radius]
            one, batch = times[name, "one"], times[name, "batch"]
            ratio = f"{one / times['linear', 'one']:.2f}× / {batch / times['linear', 'batch']:.2f}×"
            cells += [us_text(one), us_text(batch), ratio]
        yield f"| {LABELS[name]} | " + " | ".join(cells) + " |"


def svg(path, title, results, names, radii):
    """Bars on a logarithmic axis: µs of a single query, a group for each radius."""
    left, bar, gap, right = 190, 18, 34, 640
    top = 1 + math.ceil(math.log10(max(max(times.values()) for times, _ in results.values())))
    def x(us):
        return left + (right - left) * (math.log10(max(us, 0.1)) + 1) / (top + 1)
    shapes, y = [], 40
    for radius in radii:
        shapes.append(f'<text x="10" y="{y + 12}" font-weight="bold">radius {radius}</text>')
        y += 20
        for name in names:
            us = results[radius][0].get((name, "one"))
            if us is None:
                continue
            colour = "#2a6f97" if name in OURS else "#a8a8a8"
            shapes.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{LABELS[name]}</text>')
            shapes.append(f'<rect x="{left}" y="{y}" width="{x(us) - left:.1f}" height="{bar - 3}" '
                          f'fill="{colour}"/>')
            shapes.append(f'<text x="{x(us) + 5:.1f}" y="{y + 13}">{us_text(us)} µs</text>')
            y += bar
        y += gap - bar
    grid = [f'<path d="M{x(10 ** k):.1f} 36V{y}" stroke="#ddd"/>' for k in range(-1, top + 1)]
    with open(path, "w", encoding="utf-8") as out:
        out.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{y + 10}" '
                  'font-family="sans-serif" font-size="12">\n'
                  '<rect width="100%" height="100%" fill="white"/>\n'
                  f'<text x="10" y="22" font-size="15">{title}</text>\n'
                  + "\n".join(grid + shapes) + "\n</svg>\n")


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        pairs = (line.partition(":") for line in lines)
        fields = {name.strip(): value.strip() for name, _, value in pairs}
    name = fields.get("model name", platform.machine())
    wanted = ("avx2", "avx512f", "avx512_vpopcntdq")
    have = [flag for flag in wanted if flag in fields.get("flags", "").split()]
    return f"{name} (family {fields.get('cpu family')}, model {fields.get('model')}; {' '.join(have)})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=2000, help="most queries a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--widths", default="256,64")
    parser.add_argument("--data", default="random,clustered")
    parser.add_argument("--pictures", metavar="FOLDER",
                        help="where `--data windows` (256 bits) takes its hashes from")
    parser.add_argument("--huge-pages", action="store_true",
                        help="glibc asks for pages of 2 MiB, for every searcher")
    parser.add_argument("--without", default="", help="searchers to leave out, by name")
    parser.add_argument("--floods", action="store_true", help="flooded lists instead")
    parser.add_argument("--svg", help="also draw the first width here")
    parser.add_argument("--program", help="a search-peers built before")
    parser.add_argument("--threat-exchange", metavar="FOLDER",
                        help="a checkout of facebook/ThreatExchange, whose multi-index takes part")
    parser.add_argument("--tmp", help="folder for the data")
    args = parser.parse_args()
    if args.huge_pages:
        os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    ours = args.program or build_program()
    program = {name: ours for name in OURS + PEERS}
    without = args.without.split(",")
    if args.threat_exchange:
        program["meta-mih"] = build_meta(args.threat_exchange)
    else:
        without.append("meta-mih")
    print(f"{cpu_name()}, {os.cpu_count()} cores; {datetime.date.today()}; "
          f"`compare_search.py {' '.join(sys.argv[1:])}`; {args.rounds} rounds\n")
    for width in [int(width) for width in args.widths.split(",")]:
        compare_width(width, args, without, program)


def compare_width(width, args, without, program):
    radii = RADII[width]
    if args.floods:
        kinds, names = ("identical", "ball of 8", "half flood", "32 to 48 away"), OURS + (REFERENCE,)
        radii = radii[1:]
    else:
        kinds, names = args.data.split(","), OURS + PEERS
    other_width = {256: "mih-rs", 64: "meta-mih"}[width]
    names = [name for name in names if name not in without and name != other_width]
    for kind in kinds:
        searchers, results = run(kind, args.entries, width, names, radii, args, program)
        table = floods_table if args.floods else times_table
        print(f"### {width} bits, {args.entries:,} entries, {kind}\n")
        print("\n".join(table(results, names, radii)) + "\n")
        if not args.floods:
            print("\n".join(build_table(searchers, args.entries)) + "\n", flush=True)
        if args.svg and kind == kinds[0] and str(width) == args.widths.split(",")[0]:
            title = f"One query, {width} bits, {args.entries:,} {kind} entries (CPU time, log scale)"
            svg(args.svg, title, results, names, radii)


def build_program():
    """Builds the Rust side and gives its path."""
    command = ["cargo", "build", "--release", "--message-format=json", "--manifest-path",
               os.path.join(HERE, "peers", "Cargo.toml")]
    messages = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    made = [json.loads(line).get("executable") for line in messages.splitlines()]
    return next(path for path in made if path)


def build_meta(folder):
    """Builds the driver of Meta's multi-index beside the sources of a checkout; gives its path."""
    made = os.path.join(tempfile.gettempdir(), f"meta-mih-{os.getuid()}")
    common = os.path.join(folder, "pdq", "cpp", "common")
    sources = [os.path.join(common, name) for name in ("pdqhamming.cpp", "pdqhashtypes.cpp",
                                                       "pdqutils.cpp")]
    driver = os.path.join(HERE, "peers", "meta_mih.cpp")
    subprocess.run(["c++", "-std=c++17", "-O3", "-march=native", "-I", folder, "-o", made, driver,
                    *sources], check=True)
    return made


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        faiss_worker(sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])
    else:
        main()
