#!/usr/bin/env python3
"""Which pictures of the packages of the stranger records are versions of one another, by rules.

    onceseen hash --format csv --files-from PATHS | versions.py > VERSIONS.tsv

prints every pair of the pictures that some rule takes for the same, for the example `strangers`
(`synthetic`); strangers.py applies the same rules. They are too strict rather than too mild: recoloured
clip art, pictures of one wallpaper by other names, and half of the versions of a texture stay strangers.
"""
import collections
import csv
import os
import sys

# Largest distance of own hashes. Pictures of one manual (its photograph of the Taj Mahal through every filter at
# any), skins of one game and files of one name: what was looked at within the review radius was the same. Textures
# of one package: all of some 50 pairs looked at were versions within 20 bits, beyond it half showed another wall,
# floor or normal map of the same set.
SAME_THING, SAME_SET = 52, 20
# Textures that three of the games ship, each with its own names, sizes and colours.
SHARED = "/trak5/"
# A name given to more files than this is that of a part and says nothing of what is shown.
MOST_OF_A_NAME = 3


def stem(path):
    return os.path.splitext(os.path.basename(path))[0].lower()


def package(path):
    """The directory below the root."""
    return path.split("/")[1]


class Rules:
    """`paths` are all pictures, so that common names can be told from names of pictures."""

    def __init__(self, paths):
        self.names = collections.Counter(stem(path) for path in set(paths))

    def same(self, first, second, distance):
        """Whether two pictures, whose own hashes are `distance` bits apart, are versions of one."""
        both = lambda word: word in first and word in second
        if both("gimp-help-en") or both("supertuxkart/data/skins/"):
            return both("taj") or distance <= SAME_THING
        if first.split("/contents/")[0] == second.split("/contents/")[0]:
            return True  # A wallpaper in its sizes.
        if stem(first) == stem(second) and self.names[stem(first)] <= MOST_OF_A_NAME:
            return distance <= SAME_THING
        is_set = package(first) == package(second) and not both("openclipart") and not both("wallpapers")
        return (is_set or SHARED in first or SHARED in second) and distance <= SAME_SET

    def joined(self, own):
        """Pairs of a query and an entry that are the same: by a rule, or through others of the manual. `own` holds
        the distances of own hashes by pair."""
        groups = {}

        def group(path):
            while path in groups:
                path = groups[path]
            return path

        same = {pair for pair, distance in own.items() if self.same(*pair, distance)}
        for first, second in same:
            if "gimp-help-en" in first and group(first) != group(second):
                groups[group(first)] = group(second)
        known = {path for pair in same for path in pair if "gimp-help-en" in path}
        return lambda first, second: (first, second) in same or (first in known and second in known and group(first) == group(second))


def main():
    import numpy

    rows = [row for row in csv.DictReader(sys.stdin) if row["pdq"] and not row["frame"] and not row["page"]]
    paths = [row["path"] for row in rows]
    bits = numpy.unpackbits(numpy.array([list(bytes.fromhex(row["pdq"])) for row in rows], numpy.uint8), axis=1).astype(numpy.float32)
    ones = bits.sum(1)
    rules = Rules(paths)
    for at, path in enumerate(paths):
        distances = ones[at] + ones[at + 1 :] - 2 * bits[at + 1 :] @ bits[at]
        for other, distance in zip(paths[at + 1 :], distances):
            if rules.same(path, other, distance):
                print(path, other, int(distance), sep="\t")


if __name__ == "__main__":
    main()
