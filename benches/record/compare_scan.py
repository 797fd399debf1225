#!/usr/bin/env python3
"""Compares onceseen's hashing of JPEG photos with other tools: same files, interleaved rounds.

    pip install pillow numpy pdqhash imagehash          # the peers in Python
    git clone https://github.com/facebook/ThreatExchange te   # PDQ in C++
    apt-get install g++ libjpeg-turbo-dev imagemagick   # libjpeg62-turbo-dev on Debian
    benches/record/compare_scan.py --photos DIR --pdq-cpp te/pdq/cpp

DIR holds JPEG photos, best some of 8 megapixels and more. They are cropped and resampled to the
size classes and encoded again (quality 90, 4:2:0) into a temporary folder; `--as-they-are` takes
the files themselves, classed by size. A peer that is not there is named on standard error and left
out.

Every tool hashes the same files in each round, one after the other, so a slow minute of the
machine hits all alike. Times are CPU time, children included, the median of the rounds; ratios are
medians of the ratios within a round. Imports and start of the peers in Python are not counted, ours and
the start of the C++ programs are. What a tool computes:

    onceseen             PDQ at full resolution with its 8 turned forms, MD5, SHA-1, SHA-256
    pillow-pdqhash       the same by Pillow, pdqhash and hashlib
    cpp-turbo            PDQ of 512 x 512 pixels: Meta's photo hasher with libjpeg(-turbo)
    cpp-shipped          the same as its Makefile builds it: JPEG through ImageMagick's `convert`
    imagehash            pHash by imagehash and Pillow, no digests
    czkawka              czkawka_cli image, cache off: its whole search for similar pictures

Needs Linux and Rust. Prints Markdown; `--svg FILE` also draws the megapixels a second.
"""

import argparse
import datetime
import glob
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Megapixels of a class, and its width and height: a preview, pictures sent in chats, photos.
CLASSES = {0.3: (640, 480), 1: (1152, 864), 2: (1632, 1224), 6: (2848, 2136), 12: (4000, 3000)}
OURS = ("onceseen", "onceseen-512")
LABELS = {
    "onceseen": "onceseen", "onceseen-512": "onceseen, pdq512",
    "pillow-pdqhash": "Pillow + pdqhash + hashlib", "cpp-turbo": "C++, libjpeg-turbo",
    "cpp-shipped": "C++ as shipped", "imagehash": "imagehash pHash", "czkawka": "czkawka_cli",
}
# Which of ours a peer is held against: the same feed of PDQ.
RIVAL = {"cpp-turbo": "onceseen-512", "cpp-shipped": "onceseen-512"}
CPP_SOURCES = ("common/pdqhashtypes.cpp io/hashio.cpp common/pdqhamming.cpp hashing/pdqhashing.cpp "
               "downscaling/downscaling.cpp io/pdqio.cpp hashing/torben.cpp common/pdqutils.cpp").split()
# The C++ core alone, on the noise that scan-stages makes: fastest repeat in CPU milliseconds.
CPP_CORE = r"""
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>
#include <pdq/cpp/downscaling/downscaling.h>
#include <pdq/cpp/hashing/pdqhashing.h>
using namespace facebook::pdq;
static double cpu_ms() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}
int main(int, char** argv) {
  const int width = atoi(argv[1]), height = atoi(argv[2]);
  std::vector<unsigned char> pixels(size_t(width) * height * 3);
  unsigned state = 1;
  for (auto& sample : pixels) sample = (state = state * 1664525u + 1013904223u) >> 24;
  std::vector<float> luma(size_t(width) * height), other(luma.size());
  static float a[64][64], b[16][64], c[16][16];
  hashing::Hash256 hash;
  int quality;
  double best = 1e9;
  for (int repeat = atoi(argv[3]); repeat > 0; repeat--) {
    const double start = cpu_ms();
    downscaling::fillFloatLumaFromRGB(&pixels[0], &pixels[1], &pixels[2], height, width, 3 * width, 3, luma.data());
    hashing::pdqHash256FromFloatLuma(luma.data(), other.data(), height, width, a, b, c, hash, quality);
    const double took = cpu_ms() - start;
    if (took < best) best = took;
  }
  printf("{\"hash\":\"%s\",\"cpp\":%.4f}\n", hash.format().c_str(), best);
}
"""


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- photos -------------------------------------------------------------------------------------

def make_photos(folder, out, each):
    """`each` photos of every size class, made of the large ones of `folder`."""
    from PIL import Image
    Image.MAX_IMAGE_PIXELS = None
    sources = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "**", "*"), recursive=True)):
        if path.lower().endswith((".jpg", ".jpeg")):
            try:
                with Image.open(path) as picture:
                    sources.append((picture.width * picture.height, path, picture.mode == "RGB"))
            except OSError:
                continue
    sources = sorted(path for pixels, path, colour in sources if colour and pixels >= 4e6) or \
        [path for _, path, colour in sorted(sources)[-each:] if colour]
    classes = {}
    for megapixels, (width, height) in CLASSES.items():
        classes[megapixels] = []
        os.mkdir(os.path.join(out, f"{megapixels}"))
        for number in range(each):
            with Image.open(sources[number * len(sources) // each]) as picture:
                scale = min(picture.width / width, picture.height / height)
                left = (picture.width - width * scale) / 2
                top = (picture.height - height * scale) / 2
                box = (left, top, left + width * scale, top + height * scale)
                small = picture.convert("RGB").resize((width, height), Image.LANCZOS, box)
            path = os.path.join(out, f"{megapixels}", f"{number:03}.jpg")
            small.save(path, quality=90, subsampling=2)
            classes[megapixels].append(path)
    return classes


def class_photos(folder, out, each):
    """The JPEG files of `folder`, hard-linked into size classes."""
    from PIL import Image
    classes = {}
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "**", "*"), recursive=True)):
        if not path.lower().endswith((".jpg", ".jpeg")):
            continue
        try:
            with Image.open(path) as picture:
                pixels = picture.width * picture.height
        except OSError:
            continue
        near = min(CLASSES, key=lambda megapixels: abs(megapixels - pixels / 1e6))
        if len(classes.setdefault(near, [])) < each:
            os.makedirs(os.path.join(out, f"{near}"), exist_ok=True)
            copy = os.path.join(out, f"{near}", f"{len(classes[near]):03}.jpg")
            shutil.copy(path, copy)
            classes[near].append(copy)
    return dict(sorted(classes.items()))


def megapixels_of(paths):
    from PIL import Image
    total = 0
    for path in paths:
        with Image.open(path) as picture:
            total += picture.width * picture.height / 1e6
    return total


# --- tools --------------------------------------------------------------------------------------

class Command:
    """A program that is started once for all files of a round."""

    def __init__(self, line, environment=None):
        self.line, self.environment = line, environment

    def run(self, paths):
        line = self.line(paths)
        start = time.monotonic()
        child = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 env=self.environment)
        errors = child.stderr.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        # czkawka ends with 11 when it found pictures alike.
        if child.returncode not in (0, 11):
            raise RuntimeError(f"{line[0]} ended with {child.returncode}: {errors[-500:]}")
        return usage.ru_utime + usage.ru_stime, time.monotonic() - start


class Worker:
    """A peer in Python, in a process of its own that measures itself."""

    def __init__(self, name):
        self.child = subprocess.Popen([sys.executable, __file__, "--worker", name], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.child.stdout.readline() != "ready\n":
            raise RuntimeError("it does not start: is the package installed?")

    def run(self, paths):
        self.child.stdin.write(json.dumps(paths) + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())


def worker(name):
    """Answers lines of file names with CPU and wall seconds; `core` lines have sizes instead."""
    from PIL import Image
    Image.MAX_IMAGE_PIXELS = None
    if name == "imagehash":
        import imagehash
        def one(path):
            with Image.open(path) as picture:
                imagehash.phash(picture)
    else:
        import numpy
        import pdqhash
        def one(path):
            with open(path, "rb") as file:
                data = file.read()
            for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
                digest(data).hexdigest()
            with Image.open(path) as picture:
                pdqhash.compute(numpy.asarray(picture.convert("RGB")))
        if name == "core":
            def one(size):
                generator = numpy.random.default_rng(1)
                noise = generator.integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8)
                best = 1e9
                for _ in range(size[2]):
                    start = time.thread_time()
                    pdqhash.compute(noise)
                    best = min(best, time.thread_time() - start)
                return best * 1e3
    print("ready", flush=True)
    for line in sys.stdin:
        start, wall = time.process_time(), time.monotonic()
        out = [one(item) for item in json.loads(line)]
        times = time.process_time() - start, time.monotonic() - wall
        print(json.dumps(out if name == "core" else times), flush=True)


def compile_cpp(folder, out, flags, main):
    # The flags of its Makefile; -w because a newer compiler warns of more.
    root = os.path.dirname(os.path.dirname(os.path.abspath(folder)))
    sources = [os.path.join(folder, source) for source in CPP_SOURCES]
    line = ["g++", "-std=c++11", "-O3", "-w", *flags, "-I", root, "-I", folder, main, *sources]
    libraries = ["-ljpeg"] if flags else []
    subprocess.run([*line, "-o", out, "-lm", "-lpthread", *libraries], check=True)
    return out


def tools(args, tmp):
    """Every tool that is here, by name."""
    program = args.program or os.path.join(ROOT, "target", "release", "onceseen")
    if not os.path.exists(program):
        sys.exit(f"{program} is missing: cargo build --release, or --program FILE")
    found = {
        "onceseen": Command(lambda paths: [program, "hash", "-j", "1", *paths]),
        "onceseen-512": Command(lambda paths: [program, "hash", "-j", "1", "-a", "pdq512", *paths]),
    }
    # A real `convert` may stand behind a wrapper of the same name.
    environment = dict(os.environ, PATH="/usr/bin:" + os.environ["PATH"])
    def cpp(name, flags):
        path = os.path.join(args.build or tmp, name)
        if not os.path.exists(path):
            main = os.path.join(args.pdq_cpp, "bin", "pdq-photo-hasher.cpp")
            compile_cpp(args.pdq_cpp, path, flags, main)
        return Command(lambda paths: [path, *paths], environment)
    def czkawka():
        path = shutil.which(args.czkawka)
        if not path:
            raise RuntimeError("not installed")
        def line(paths):
            # It leaves out files below 16 KiB otherwise.
            return [path, "image", "-d", os.path.dirname(paths[0]), "-H", "-T", "1", "-N", "-M", "-m", "1"]
        return Command(line)
    def no_cpp():
        raise RuntimeError("needs --pdq-cpp")
    makers = {
        "pillow-pdqhash": lambda: Worker("pillow-pdqhash"),
        "cpp-turbo": lambda: cpp("cpp-turbo", ["-Dcimg_use_jpeg"]) if args.pdq_cpp else no_cpp(),
        "cpp-shipped": lambda: cpp("cpp-shipped", []) if args.pdq_cpp else no_cpp(),
        "imagehash": lambda: Worker("imagehash"),
        "czkawka": czkawka,
    }
    for name, make in makers.items():
        if name in args.without.split(","):
            continue
        try:
            found[name] = make()
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            say(f"LEFT OUT: {LABELS[name]}: {error}")
    return found, program


# --- measuring ----------------------------------------------------------------------------------

def measure(found, classes, rounds):
    """CPU seconds of each round, by class and tool."""
    times = {(size, name): [] for size in classes for name in found}
    for number in range(rounds + 1):
        for size, paths in classes.items():
            for name in list(found):
                try:
                    cpu_s, _ = found[name].run(paths)
                except RuntimeError as error:
                    say(f"LEFT OUT: {LABELS[name]}: {error}")
                    del found[name]
                    continue
                # The first round warms the page cache and the processor's clock.
                if number > 0:
                    times[size, name].append(cpu_s)
        say(f"round {number} of {rounds}")
    return {key: value for key, value in times.items() if key[1] in found}


def ratio(times, size, name):
    """How many times our CPU time a peer takes, the median over the rounds."""
    ours = times[size, RIVAL.get(name, "onceseen")]
    return statistics.median(theirs / our for theirs, our in zip(times[size, name], ours))


def throughput(times, classes, found):
    head = "".join(f" {size} MP: MP/s | images/s | against ours |" for size in classes)
    yield f"| tool |{head}"
    yield "| --- |" + " ---: | ---: | ---: |" * len(classes)
    for name in found:
        cells = []
        for size, paths in classes.items():
            seconds = statistics.median(times[size, name])
            cells += [f"{megapixels_of(paths) / seconds:,.0f}", f"{len(paths) / seconds:,.1f}",
                      "" if name in OURS else f"{ratio(times, size, name):.2f}×"]
        yield f"| {LABELS[name]} | " + " | ".join(cells) + " |"


def core(args, tmp, stages, rounds):
    """PDQ alone: CPU ms of the fastest repeat, the median of the rounds."""
    cpp = None
    if args.pdq_cpp:
        cpp = os.path.join(args.build or tmp, "core")
        if not os.path.exists(cpp):
            source = os.path.join(tmp, "core.cpp")
            with open(source, "w", encoding="utf-8") as out:
                out.write(CPP_CORE)
            compile_cpp(args.pdq_cpp, cpp, [], source)
    try:
        pip = Worker("core")
    except RuntimeError:
        pip = None
    results = {}
    for _ in range(rounds):
        for size, (width, height) in CLASSES.items():
            repeats = max(3, int(30 / size)) if size < 12 else 3
            line = [str(width), str(height), str(repeats)]
            row = read_json([stages, "core", *line])
            if cpp:
                theirs = read_json([cpp, *line])
                if theirs["hash"] != row["hash"]:
                    sys.exit(f"the C++ core gives another hash at {width} x {height}")
                row.update(theirs)
            if pip:
                row["pdqhash"] = pip.run([[width, height, 3]])[0]
            del row["hash"]
            for name, value in row.items():
                results.setdefault(name, {}).setdefault(size, []).append(value)
    return results


def core_table(results):
    yield "| CPU ms |" + "".join(f" {size} MP |" for size in CLASSES)
    yield "| --- |" + " ---: |" * len(CLASSES)
    names = {"cpp": "C++ core", "pdqhash": "pip pdqhash"}
    for name, times in results.items():
        cells = []
        for size in CLASSES:
            cell = f"{statistics.median(times[size]):.2f}"
            if "cpp" in results and name not in names:
                theirs = zip(results["cpp"][size], times[size])
                cell += f" ({statistics.median(a / b for a, b in theirs):.1f}×)"
            cells.append(cell)
        yield f"| {names.get(name, 'onceseen ' + name)} | " + " | ".join(cells) + " |"


def read_json(line):
    return json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)


def shares(stages, classes, rounds):
    """Where the CPU time of a scan goes, by class."""
    yield "| share of CPU time | read | digests | decode | PDQ | free |"
    yield "| --- |" + " ---: |" * 5
    for size, paths in classes.items():
        runs = [read_json([stages, "files", *paths]) for _ in range(rounds)]
        medians = {name: statistics.median(run[name] for run in runs) for run in runs[:1] for name in run}
        total = sum(medians.values())
        cells = " | ".join(f"{value / total:.1%}" for value in medians.values())
        yield f"| {size} MP, {total / len(paths) * 1e3:.2f} ms an image | {cells} |"


def family(stages, classes, rounds):
    """The img_hash family one by one and together, on the 2 MP class."""
    paths = classes.get(2) or next(iter(classes.values()))
    runs = [read_json([stages, "family", *paths]) for _ in range(rounds)]
    yield "| algorithms | CPU ms an image |"
    yield "| --- | ---: |"
    for name in runs[0]:
        median = statistics.median(run[name] for run in runs)
        yield f"| {name} | {median / len(paths) * 1e3:.2f} |"


def threads(program, folder, count, rounds):
    """The whole folder with one thread and with two."""
    runs = {number: [] for number in (1, 2)}
    for _ in range(rounds):
        for number in runs:
            command = Command(lambda _, n=number: [program, "hash", "-j", str(n), folder])
            runs[number].append(command.run([]))
    yield "| whole folder | wall s | CPU s | images/s (wall) |"
    yield "| --- | ---: | ---: | ---: |"
    for number, times in runs.items():
        cpu_s, wall_s = (statistics.median(values) for values in zip(*times))
        yield f"| `-j {number}` | {wall_s:.2f} | {cpu_s:.2f} | {count / wall_s:.1f} |"


def growth(program, folder, tmp, count):
    """Resident memory while `count` hard links to small pictures of `folder` are hashed."""
    from PIL import Image
    sources = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "**", "*"), recursive=True)):
        try:
            with Image.open(path) as picture:
                small = picture.convert("RGB")
        except OSError:
            continue
        small.thumbnail((200, 200))
        sources.append(os.path.join(tmp, f"small-{len(sources)}.jpg"))
        small.save(sources[-1], quality=85)
    many = os.path.join(tmp, "many")
    for number in range(count):
        part = os.path.join(many, f"{number // 1000:03}")
        os.makedirs(part, exist_ok=True)
        os.link(sources[number % len(sources)], os.path.join(part, f"{number % 1000:03}.jpg"))
    records = os.path.join(tmp, "records.jsonl")
    samples = []
    start = time.monotonic()
    with open(records, "wb") as out:
        child = subprocess.Popen([program, "hash", "-j", "2", many], stdout=out)
        while child.poll() is None:
            with open(f"/proc/{child.pid}/statm", encoding="ascii") as file:
                pages = file.read().split()
            if len(pages) > 1 and pages[1] != "0":
                samples.append((os.path.getsize(records), int(pages[1]) * os.sysconf("SC_PAGE_SIZE")))
            time.sleep(0.2)
    wall_s = time.monotonic() - start
    with open(records, "rb") as file:
        lines = sum(1 for _ in file)
    total = os.path.getsize(records)
    shares = (0.01, 0.1, 0.25, 0.5, 0.75, 1)
    yield "| of " + f"{lines:,} files, {wall_s:.0f} s |" + "".join(f" {share:.0%} |" for share in shares)
    yield "| --- |" + " ---: |" * len(shares)
    at = [max((rss for size, rss in samples if size <= share * total), default=0) for share in shares]
    yield "| most resident memory until then, MiB |" + "".join(f" {rss / 2**20:.1f} |" for rss in at)


# --- report -------------------------------------------------------------------------------------

def svg(path, times, classes, found):
    """Bars: megapixels a second of CPU time, a group for each class."""
    left, bar, gap, right = 190, 18, 34, 640
    speed = {(size, name): megapixels_of(paths) / statistics.median(times[size, name])
             for size, paths in classes.items() for name in found}
    most = max(speed.values())
    shapes, y = [], 40
    for size in classes:
        shapes.append(f'<text x="10" y="{y + 12}" font-weight="bold">{size} megapixels</text>')
        y += 20
        for name in found:
            colour = "#2a6f97" if name in OURS else "#a8a8a8"
            width = (right - left) * speed[size, name] / most
            shapes.append(f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{LABELS[name]}</text>')
            shapes.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="{bar - 3}" fill="{colour}"/>')
            shapes.append(f'<text x="{left + width + 5:.1f}" y="{y + 13}">{speed[size, name]:.0f}</text>')
            y += bar
        y += gap - bar
    title = "JPEG file to hash: megapixels a second of CPU time, one thread"
    with open(path, "w", encoding="utf-8") as out:
        out.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="700" height="{y + 10}" '
                  'font-family="sans-serif" font-size="12">\n'
                  '<rect width="100%" height="100%" fill="white"/>\n'
                  f'<text x="10" y="22" font-size="15">{title}</text>\n'
                  + "\n".join(shapes) + "\n</svg>\n")


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        fields = {name.strip(): value.strip()
                  for name, _, value in (line.partition(":") for line in lines)}
    return f"{fields.get('model name', platform.machine())} (family {fields.get('cpu family')}, model {fields.get('model')})"


def build_stages():
    """Builds the Rust helper and gives its path."""
    command = ["cargo", "build", "--release", "--message-format=json", "--manifest-path",
               os.path.join(HERE, "stages", "Cargo.toml")]
    messages = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    made = [json.loads(line).get("executable") for line in messages.splitlines()]
    return next(path for path in made if path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True, help="a folder of JPEG photos")
    parser.add_argument("--as-they-are", action="store_true", help="do not encode them again")
    parser.add_argument("--each", type=int, default=8, help="photos of a size class")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pdq-cpp", help="the folder pdq/cpp of facebook/ThreatExchange")
    parser.add_argument("--build", help="keep the C++ programs here")
    parser.add_argument("--czkawka", default="czkawka_cli", help="the program, by name or path")
    parser.add_argument("--without", default="", help="peers to leave out, by name")
    parser.add_argument("--program", help="the command, built before")
    parser.add_argument("--stages", help="scan-stages, built before")
    parser.add_argument("--parts", default="files,core,shares,family,threads", help="what to measure; `growth` too")
    parser.add_argument("--svg", help="also draw the megapixels a second here")
    args = parser.parse_args()
    if args.build:
        os.makedirs(args.build, exist_ok=True)
    stages = args.stages or build_stages()
    parts = args.parts.split(",")
    with tempfile.TemporaryDirectory(prefix="onceseen-scan-") as tmp:
        folder = os.path.join(tmp, "photos")
        os.mkdir(folder)
        take = class_photos if args.as_they_are else make_photos
        classes = take(args.photos, folder, args.each)
        found, program = tools(args, tmp)
        print(f"{cpu_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {datetime.date.today()}; {args.rounds} rounds of "
              + ", ".join(f"{len(paths)} × {size} MP ({sum(map(os.path.getsize, paths)) * 8 / megapixels_of(paths) / 1e6:.2f} bits a pixel)"
                          for size, paths in classes.items()) + "\n")
        if "files" in parts:
            times = measure(found, classes, args.rounds)
            print("### A file to its hashes, one thread\n")
            print("\n".join(throughput(times, classes, found)) + "\n", flush=True)
            if args.svg:
                svg(args.svg, times, classes, found)
        if "shares" in parts:
            print("### Where the time goes\n")
            print("\n".join(shares(stages, classes, args.rounds)) + "\n", flush=True)
        if "core" in parts:
            print("### PDQ alone, from pixels in memory\n")
            print("\n".join(core_table(core(args, tmp, stages, args.rounds))) + "\n", flush=True)
        if "family" in parts:
            print("### The img_hash family, 2 MP\n")
            print("\n".join(family(stages, classes, args.rounds)) + "\n", flush=True)
        if "threads" in parts:
            print("### Threads\n")
            count = sum(map(len, classes.values()))
            print("\n".join(threads(program, folder, count, args.rounds)) + "\n", flush=True)
        if "growth" in parts:
            print("### Many files\n")
            print("\n".join(growth(program, args.photos, tmp, 100_000)) + "\n", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker(sys.argv[2])
    else:
        main()
