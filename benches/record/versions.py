#!/usr/bin/env python3
"""Which pictures of the packages of the stranger records are versions of one another, by rules.

    onceseen hash --format csv --files-from PATHS | versions.py > VERSIONS.tsv

prints every pair of the pictures that some rule takes for the same, for the example `strangers`
(`synthetic`); strangers.py applies the same rules. They leave more in than they should: recoloured
clip art, wallpapers, and textures of one package that differ in more than 52 bits, stay strangers.
"""
import collections
import csv
import os
import sys

# Distances of the pictures' own hashes: a picture and its colours or maps, and copies in other packages.
SAME_PACKAGE, SAME_TEXTURE = 52, 31
# Textures that three of the games ship, each with its own names, sizes and colours.
SHARED = "/trak5/"
# Names of parts, which say nothing of what is shown, are given to more files than this.
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
            return True
        if stem(first) == stem(second) and self.names[stem(first)] <= MOST_OF_A_NAME:
            return True
        if package(first) == package(second) and not both("openclipart") and not both("wallpapers"):
            return distance <= SAME_PACKAGE
        if first.split("/contents/")[0] == second.split("/contents/")[0]:
            return True  # A wallpaper in its sizes.
        return (SHARED in first or SHARED in second) and distance <= SAME_TEXTURE


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
