#!/usr/bin/env python3
"""Copies made by another library, looked up in a list of hashes and in a list with windows.

    held_out.py ONCESEEN PICTURES OTHERS OUTPUT [EVERY] [second]

PICTURES are listed twice, with `list build` and with `--variants`. Pillow makes copies of them in
OUTPUT: every kind of change of held_out_changes.py of every EVERYth picture (default 2; another one
for each kind), each with its own size, quality, position and file format from a seeded generator. The
tiles beside a copy in a collage are pictures of OTHERS, which no list holds. `scan --variants all` looks them up in
either list. Prints what was found by kind and by family, strangers, and the lists' sizes and CPU time,
and writes the misses to missed.tsv. Copies that are there already are kept.

`second` is another look: one picture in four is kept, the others are first cut to 9:16, 3:1 or a square
and listed like that; copies have 512 pixels on their longer side before the change and are JPEG files
of quality 60 to 90. What was found is also printed by shape.
"""
import concurrent.futures
import json
import os
import random
import resource
import subprocess
import sys

from PIL import Image, ImageOps

from held_out_changes import CHANGES, SECOND, sized

SHAPES = ("its own", "9:16", "3:1", "square")


def shaped(pictures, out):
    """Cuts the pictures to the shapes in turn; returns the files."""
    os.makedirs(out, exist_ok=True)
    for number, path in enumerate(pictures):
        picture = Image.open(path).convert("RGB")
        width, height = picture.size
        ratio = (width / height, 9 / 16, 3, 1)[number % 4]
        size = (min(width, round(height * ratio)), min(height, round(width / ratio)))
        ImageOps.fit(picture, size).save(f"{out}/{number:03}-{os.path.basename(path)}.jpg", quality=95)
    return files(out)


def save(draw, picture, stem, name):
    if "quality" in name:
        picture.save(stem + ".jpg", quality=draw.randint(20, 40))
    elif draw.random() < 0.7:
        picture.save(stem + ".jpg", quality=draw.randint(55, 92))
    elif draw.random() < 0.7:
        picture.save(stem + ".webp", quality=draw.randint(55, 90))
    else:
        picture.save(stem + ".png")


def copies(pictures, others, out, every, changes):
    others = [Image.open(path).convert("RGB") for path in others]
    for number, path in enumerate(pictures):
        picture = Image.open(path).convert("RGB")
        for kind, (_, name, change) in enumerate(changes):
            if (number + kind) % every:
                continue
            draw, stem = random.Random(f"{number} {kind}"), f"{out}/{kind:02}-{number:03}"
            if changes is SECOND:
                copy = change(draw, sized(draw, picture, 512, 512), others)
                copy.convert("RGB").save(stem + ".jpg", quality=draw.randint(60, 90))
            else:
                copy = change(draw, sized(draw, picture), others)
                save(draw, copy.convert("RGB"), stem, name)


def files(directory):
    return sorted(os.path.join(where, name) for where, _, names in os.walk(directory) for name in names)


def run(*command):
    """CPU seconds, most KiB and output of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, after.ru_maxrss, done.stdout


def scanned(onceseen, out, name, pictures):
    """By copy: the best level of the right picture, and whether another one matched."""
    _, _, output = run(onceseen, "scan", "-q", f"{out}/copies", "--known", f"{out}/{name}.osl", "--variants", "all")
    found = {}
    for line in output.splitlines():
        record = json.loads(line)
        if "path" not in record:
            continue
        stem = os.path.splitext(os.path.basename(record["path"]))[0]
        own = os.path.basename(pictures[int(stem[3:6])])
        levels, stranger = [], False
        for match in record["matches"] or ():
            names = {os.path.basename(claim["record"]) for claim in match["claims"]}
            levels += [match["level"]] if own in names else []
            stranger |= own not in names
        found[stem] = (min(levels, key=("exact", "near", "possible").index, default=None), stranger)
    return found


def main():
    onceseen, directory, others, out = sys.argv[1:5]
    every = int(sys.argv[5]) if len(sys.argv) > 5 else 2
    changes = SECOND if sys.argv[6:] == ["second"] else CHANGES
    pictures = files(directory)
    if changes is SECOND:
        directory = f"{out}/pictures"
        pictures = shaped(pictures, directory)
    os.makedirs(f"{out}/copies", exist_ok=True)
    for name, options in (("hashes", ()), ("windows", ("--variants",)), ("windows-mih", ("--variants", "--index", "mih"))):
        spent, memory, _ = run(onceseen, "list", "build", directory, "-o", f"{out}/{name}.osl", *options)
        size = os.path.getsize(f"{out}/{name}.osl")
        print(f"{name}: {len(pictures)} pictures, {size} bytes, built in {spent:.2f} s of CPU, {memory} KiB at most")
    if not files(f"{out}/copies"):
        copies(pictures, files(others), f"{out}/copies", every, changes)
    with concurrent.futures.ThreadPoolExecutor() as both:
        found = list(both.map(lambda name: scanned(onceseen, out, name, pictures), ("hashes", "windows")))
    print(f"{len(found[0])} copies\n")
    print("| family | copy | copies | list of hashes: near | found | list with windows: near | found | strangers |")
    print("| --- " * 8 + "|")
    groups = [(family, name, [stem for stem in sorted(found[0]) if stem.startswith(f"{kind:02}-")]) for kind, (family, name, _) in enumerate(changes)]
    kinds = len(groups)
    for family in dict.fromkeys(family for family, _, _ in groups):
        groups.append((family, "all", [stem for other, _, stems in groups if other == family for stem in stems]))
    for at, shape in enumerate(SHAPES if changes is SECOND else ()):
        groups.append(("shape", shape, [stem for stem in sorted(found[0]) if int(stem[3:6]) % 4 == at]))
    for family, name, stems in groups:
        cells = [len(stems)]
        for one in found:
            levels = [one[stem][0] for stem in stems]
            shares = (sum(level in ("exact", "near") for level in levels), sum(level is not None for level in levels))
            cells += [f"{share / max(1, len(stems)):.1%}" for share in shares]
        cells.append(" ".join(str(sum(one[stem][1] for stem in stems)) for one in found))
        print("| " + " | ".join(map(str, (family, name, *cells))) + " |")
    with open(f"{out}/missed.tsv", "w", encoding="utf-8") as missed:
        for family, name, stems in groups[:kinds]:
            for stem in stems:
                if found[1][stem][0] is None:
                    print(family, name, stem, found[0][stem][0], pictures[int(stem[3:6])], sep="\t", file=missed)


main()
