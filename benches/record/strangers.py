#!/usr/bin/env python3
"""Rates of stranger matches from what the example `strangers` wrote.

    strangers.py OUTPUT [--rules] [--judged FILE] [--pairs FILE]

OUTPUT holds lookups.tsv and events.tsv. FILE of --judged has one pair a line, two tab-separated
paths that show the same picture (or a later version of it): it is counted as no stranger, in
either order. A line of one word starting with '=' joins everything whose path contains the word
with everything else that contains it. --rules leaves out what versions.py takes for the same.
--pairs writes the pairs that remain within 52 bits, nearest first, for the next look. Counts are of
comparisons (one look-up, one entry); upper bounds are 95 % ones of the number of pairs, or of the
series that the queries belong to where that is more.
"""
import argparse
import collections
import csv
import itertools
import math

import versions

RADII = (0, 8, 16, 24, 31, 36, 40, 44, 48, 52, 56, 60, 64, 70)
BANDS = ((50, 69), (70, 89), (90, 100))
STEPS = ("plain", "turned", "framed", "tiled", "uncovered", "tilted", "cropped", "cropped-grid", "combined", "deep-cropped", "meeting")


def upper(count):
    """95 % upper bound of a Poisson mean, by Wilson and Hilferty."""
    k = count + 1
    return k * (1 - 1 / (9 * k) + 1.645 / (3 * math.sqrt(k))) ** 3


def series(path):
    """The last directory and the letters the name begins with: pictures made alike."""
    word = "".join(itertools.takewhile(str.isalpha, versions.stem(path)))
    return path.rsplit("/", 2)[-2] + "/" + word


def bound(queries):
    """Upper bound of the number of pairs, one query of each: pairs of a series come together, so that it is the
    series that are counted."""
    sizes = collections.Counter(map(series, queries)).values()
    return max(upper(sum(sizes)), sum(sizes) + 1.645 * math.sqrt(sum(size * size for size in sizes)))


def band(quality):
    return next(at for at, (low, high) in enumerate(BANDS) if low <= quality <= high)


def judged(path):
    pairs, words = set(), []
    for line in open(path) if path else ():
        cells = line.rstrip("\n").split("\t")
        if cells[0].startswith("="):
            words.append(cells[0][1:])
        elif len(cells) >= 2:
            pairs.add(frozenset(cells[:2]))
    return pairs, words


def by_rules(rows):
    """Pairs that versions.py takes for the same picture."""
    rules = versions.Rules(path for row in rows for path in (row["query"], row["entry"]))
    own = {(row["query"], row["entry"]): int(row["distance"]) for row in rows if row["step"] == "plain"}
    is_same = rules.joined(own)
    pairs = {(row["query"], row["entry"]) for row in rows}
    return {frozenset(pair) for pair in pairs if is_same(*pair)}


def policies(near, varied):
    """What a person gets to see: queries and pairs with a stranger, by how far which steps look.
    `near` holds the least distance by step, query and entry; a search stops at the first step that
    finds something, and the turned forms go with the picture itself."""
    total = len(varied)
    print(f"\nWhat is left for review, of {total} queries looked up in every variant\n")
    print("| itself, turned | framed, tiled | uncovered, tilted, cropped, deep-cropped | cropped-grid, combined | queries with a stranger | pairs | JPEG queries | pairs of two JPEG |\n" + "| --- " * 8 + "|")
    rows = [(52, 0, 0, 0), (52, 40, 0, 0)] + [(52, 40, wide, wide) for wide in (31, 36, 40, 46, 52)]
    rows += [(52, 40, 52, grid) for grid in (31, 40, 46)] + [(52, 52, 52, 52)]
    is_jpeg = lambda path: path.lower().endswith(("jpg", "jpeg"))
    for whole, exact, wide, grid in rows:
        groups = {("plain", "turned"): whole, ("framed", "tiled") if wide else ("framed",): exact}
        groups |= {("uncovered", "tilted", "cropped", "deep-cropped"): wide, ("cropped-grid", "combined"): grid}
        radius = {step: reach for steps, reach in groups.items() for step in steps if reach}
        found = collections.defaultdict(dict)
        for (step, query, entry), distance in near.items():
            if query in varied and distance <= radius.get(step, -1):
                first = 0 if step == "turned" else STEPS.index(step)
                found[query][entry] = min(first, found[query].get(entry, 99))
        seen = [(query, entry) for query, steps in found.items() for entry, step in steps.items() if step == min(steps.values())]
        jpeg = sum(map(is_jpeg, found)), sum(is_jpeg(query) and is_jpeg(entry) for query, entry in seen)
        names = [whole, exact if wide or not exact else f"{exact} (framed)", wide, grid]
        cells = [name or "none" for name in names] + [f"{len(found)} ({len(found) / max(total, 1):.1%})", len(seen), *jpeg]
        print("| " + " | ".join(map(str, cells)) + " |")


def cumulative(near, varied, lookups):
    """Different strangers up to each step of the queries looked up in every variant."""
    best, total, out = {}, 0, {}
    for step in STEPS:
        fixed = {"plain": 1, "turned": 7}.get(step)
        total += fixed or sum(lookups[step, b] for b in range(3)) / len(varied)
        for (other, query, entry), distance in near.items():
            if other == step and query in varied:
                best[query, entry] = min(distance, best.get((query, entry), 256))
        out[step] = (total, dict(best))
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--judged")
    parser.add_argument("--pairs")
    args = parser.parse_args()
    same, words = judged(args.judged)
    lookups = collections.Counter()
    entries = queries = 0
    for row in csv.DictReader(open(f"{args.output}/lookups.tsv"), delimiter="\t"):
        lookups[row["step"], band(int(row["quality"]))] += int(row["lookups"])
        entries, queries = int(row["entries"]), int(row["queries"])
    counts = collections.Counter()
    hit, nearest, near = collections.defaultdict(set), {}, {}
    nearest_in, itself = [{}, {}, {}], {}
    left_out = set()
    rows = list(csv.DictReader(open(f"{args.output}/events.tsv"), delimiter="\t", quoting=csv.QUOTE_NONE))
    if args.rules:
        same |= by_rules(rows)
    for row in rows:
        pair = frozenset((row["query"], row["entry"]))
        if pair in same or any(word in row["query"] and word in row["entry"] for word in words):
            left_out.add(pair)
            continue
        distance = int(row["distance"])
        counts[row["step"], band(int(row["quality"])), distance] += int(row["count"])
        key = (row["query"], row["entry"])
        near[row["step"], *key] = min(distance, near.get((row["step"], *key), 256))
        if row["step"] == "plain":
            itself[key] = min(distance, itself.get(key, 256))
        if row["step"] != "meeting":
            seen = nearest_in[band(int(row["quality"]))]
            seen[key] = min(distance, seen.get(key, 256))
        for radius in (31, 40, 52):
            if distance <= radius:
                hit[row["step"], radius].add(key)
        if distance <= 52 and distance < nearest.get(key, (99,))[0]:
            nearest[key] = (distance, row["step"], row["quality"], row["entry_quality"])
    within = lambda step, b, radius: sum(counts[step, b, d] for d in range(radius + 1))
    print(f"{queries} queries, {entries} entries, {len(left_out)} pairs judged the same picture\n")
    print("Stranger matches per million look-ups (list of", entries, "entries)\n")
    print("| step | look-ups | ≤ 31 | ≤ 40 | ≤ 52 | pairs ≤ 31 | ≤ 40 | ≤ 52 |\n" + "| --- " * 8 + "|")
    for step in STEPS:
        total = sum(lookups[step, b] for b in range(3))
        rates = [sum(within(step, b, r) for b in range(3)) / max(total, 1) * 1e6 for r in (31, 40, 52)]
        pairs = [len(hit[step, r]) for r in (31, 40, 52)]
        print(f"| {step} | {total} | " + " | ".join(f"{r:.2f}" for r in rates) + " | " + " | ".join(map(str, pairs)) + " |")
    varied = set(open(f"{args.output}/varied.txt").read().splitlines())
    upto = cumulative(near, varied, lookups)
    print("\nStrangers up to a step: share of pairs of a query and an entry (pairs)\n")
    print("| up to | look-ups | ≤ 31 | ≤ 40 | ≤ 46 | ≤ 52 |\n" + "| --- " * 6 + "|")
    for step, (total, distances) in upto.items():
        pairs = [sum(distance <= radius for distance in distances.values()) for radius in (31, 40, 46, 52)]
        print(f"| {step} | {total:.0f} | " + " | ".join(f"{n / len(varied) / entries:.1e} ({n})" for n in pairs) + " |")
    columns = [("itself", queries * entries, itself)]
    for step, name in (("framed", "to framed"), ("tiled", "to tiled"), ("deep-cropped", "all"), ("meeting", "with windows")):
        total, distances = upto[step]
        columns.append((name, total * len(varied) * entries, distances))
    for b, (low, high) in enumerate(BANDS):
        count = sum(lookups[step, b] for step in STEPS if step != "meeting") * entries
        columns.append((f"{low} to {high}", count, nearest_in[b]))
    print("\nRate: different strangers for each look-up and entry, upper 95 % bound (pairs): the picture itself, all look-ups up to a step, and look-ups by their quality\n")
    print("| distance | " + " | ".join(name for name, _, _ in columns) + " |\n" + "| --- " * (len(columns) + 1) + "|")
    for radius in RADII:
        pairs = [[query for (query, _), distance in distances.items() if distance <= radius] for _, _, distances in columns]
        cells = (f"{bound(queries) / count:.1e} ({len(queries)})" for queries, (_, count, _) in zip(pairs, columns))
        print(f"| {radius} | " + " | ".join(cells) + " |")
    policies(near, varied)
    if args.pairs:
        with open(args.pairs, "w") as out:
            for (query, entry), rest in sorted(nearest.items(), key=lambda item: item[1]):
                print(query, entry, *rest, sep="\t", file=out)


main()
