#!/usr/bin/env python3
"""Rates of stranger matches from what the example `strangers` wrote.

    strangers.py OUTPUT [--judged FILE] [--pairs FILE]

OUTPUT holds lookups.tsv and events.tsv. FILE of --judged has one pair a line, two tab-separated
paths that show the same picture (or a later version of it): it is counted as no stranger, in
either order. A line of one word starting with '=' joins everything whose path contains the word
with everything else that contains it. --pairs writes the pairs that remain within 52 bits, nearest
first, for the next look. Counts are of comparisons (one look-up, one entry); the upper bound is the
95 % one of a Poisson count.
"""
import argparse
import collections
import csv
import math
import os

RADII = (0, 8, 16, 24, 31, 36, 40, 44, 48, 52, 56, 60, 64, 70)
BANDS = ((50, 69), (70, 89), (90, 100))
STEPS = ("plain", "turned", "framed", "tiled", "uncovered", "tilted", "cropped", "cropped-grid", "combined", "deep-cropped", "meeting")
GUESSED = ("uncovered", "tilted", "cropped", "cropped-grid", "combined", "deep-cropped")


def upper(count):
    """95 % upper bound of a Poisson mean, by Wilson and Hilferty."""
    k = count + 1
    return k * (1 - 1 / (9 * k) + 1.645 / (3 * math.sqrt(k))) ** 3


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


def policies(near, varied):
    """What a person gets to see: queries and pairs with a stranger, by how far which steps look.
    `near` holds the least distance by step, query and entry; a search stops at the first step that
    finds something, and the turned forms go with the picture itself."""
    queries = len(varied)
    print(f"\nWhat is left for review, of {queries} queries looked up in every variant\n")
    print("| the picture and its forms | framed, tiled | guessed steps | queries with a stranger | pairs | of them, JPEG queries |\n" + "| --- " * 6 + "|")
    rows = [(52, None, None), (52, 40, None)] + [(52, 40, wide) for wide in (31, 36, 40, 46, 52)] + [(52, 52, 52)]
    for whole, exact, guessed in rows:
        radius = dict.fromkeys(("plain", "turned"), whole)
        if exact:
            radius["framed"] = exact
        if guessed:
            radius |= {"tiled": exact} | dict.fromkeys(GUESSED, guessed)
        found = collections.defaultdict(dict)
        for (step, query, entry), distance in near.items():
            if query in varied and distance <= radius.get(step, -1):
                first = 0 if step == "turned" else STEPS.index(step)
                found[query][entry] = min(first, found[query].get(entry, 99))
        pairs = sum(sum(first == min(entries.values()) for first in entries.values()) for entries in found.values())
        jpeg = sum(query.lower().endswith(("jpg", "jpeg")) for query in found)
        steps = f"framed {exact}" if exact and not guessed else exact or "none"
        print(f"| {whole} | {steps} | {guessed or 'none'} | {len(found)} ({len(found) / max(queries, 1):.1%}) | {pairs} | {jpeg} |")


def cumulative(near, varied, lookups, entries):
    """What `chance` expects: different strangers of a query up to each step."""
    print("\nStrangers up to a step: share of pairs of a query and an entry, upper 95 % bound (pairs)\n")
    print("| up to | look-ups | ≤ 31 | ≤ 40 | ≤ 52 |\n" + "| --- " * 5 + "|")
    best, total = {}, 0
    for step in STEPS:
        fixed = {"plain": 1, "turned": 7}.get(step)
        total += fixed or sum(lookups[step, b] for b in range(3)) / len(varied)
        for (other, query, entry), distance in near.items():
            if other == step and query in varied:
                best[query, entry] = min(distance, best.get((query, entry), 256))
        pairs = [sum(distance <= radius for distance in best.values()) for radius in (31, 40, 52)]
        rates = (f"{upper(count) / len(varied) / entries:.1e} ({count})" for count in pairs)
        print(f"| {step} | {total:.0f} | " + " | ".join(rates) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
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
    nearest_in = [{}, {}, {}]
    left_out = set()
    for row in csv.DictReader(open(f"{args.output}/events.tsv"), delimiter="\t", quoting=csv.QUOTE_NONE):
        pair = frozenset((row["query"], row["entry"]))
        if pair in same or any(word in row["query"] and word in row["entry"] for word in words):
            left_out.add(pair)
            continue
        distance = int(row["distance"])
        counts[row["step"], band(int(row["quality"])), distance] += int(row["count"])
        key = (row["query"], row["entry"])
        near[row["step"], *key] = min(distance, near.get((row["step"], *key), 256))
        seen = nearest_in[band(int(row["quality"]))]
        seen[key] = min(distance, seen.get(key, 256))
        for radius in (31, 40, 52):
            if distance <= radius:
                hit[row["step"], radius].add(key)
        if distance <= 52 and distance < nearest.get(key, (99,))[0]:
            nearest[key] = (distance, row["step"], row["quality"], row["entry_quality"])
    def rate(b, radius):
        """Comparisons of one pair of pictures go together, so pairs are what the bound counts; without
        a pair, three would be expected, of as many comparisons as the nearest pairs seen have."""
        n = sum(lookups[step, b] for step in STEPS) * entries
        close = sorted(nearest_in[b].values())
        pairs = sum(distance <= radius for distance in close)
        reach = radius if pairs else close[0] if close else RADII[-1]
        seen = max(pairs, 1 + sum(distance == reach for distance in close[1:]) if close else 1)
        each = max(1, sum(within(step, b, reach) for step in STEPS)) / seen
        return f"{upper(pairs) * each / n:.1e} ({pairs})"

    within = lambda step, b, radius: sum(counts[step, b, d] for d in range(radius + 1))
    print(f"{queries} queries, {entries} entries, {len(left_out)} pairs judged the same picture\n")
    print("Stranger matches per million look-ups (list of", entries, "entries)\n")
    print("| step | look-ups | ≤ 31 | ≤ 40 | ≤ 52 | pairs ≤ 31 | ≤ 40 | ≤ 52 |\n" + "| --- " * 8 + "|")
    for step in STEPS:
        total = sum(lookups[step, b] for b in range(3))
        rates = [sum(within(step, b, r) for b in range(3)) / max(total, 1) * 1e6 for r in (31, 40, 52)]
        pairs = [len(hit[step, r]) for r in (31, 40, 52)]
        print(f"| {step} | {total} | " + " | ".join(f"{r:.2f}" for r in rates) + " | " + " | ".join(map(str, pairs)) + " |")
    print("\nRate: share of comparisons within the distance, upper 95 % bound (pairs): the picture itself, and every look-up by the query's quality\n")
    print("| distance | itself | " + " | ".join(f"{a} to {b}" for a, b in BANDS) + " |\n" + "| --- " * (len(BANDS) + 2) + "|")
    itself = sum(lookups["plain", b] for b in range(3)) * entries
    for radius in RADII:
        pairs = sum(within("plain", b, radius) for b in range(3))
        print(f"| {radius} | {upper(pairs) / itself:.1e} ({pairs}) | " + " | ".join(rate(b, radius) for b in range(3)) + " |")
    if os.path.exists(f"{args.output}/varied.txt"):
        varied = set(open(f"{args.output}/varied.txt").read().splitlines())
        cumulative(near, varied, lookups, entries)
        policies(near, varied)
    if args.pairs:
        with open(args.pairs, "w") as out:
            for (query, entry), rest in sorted(nearest.items(), key=lambda item: item[1]):
                print(query, entry, *rest, sep="\t", file=out)


main()
