#!/usr/bin/env python3
"""Copies made by another library, looked up in a list of hashes and in a list with windows.

    held_out.py ONCESEEN PICTURES OTHERS OUTPUT [EVERY]

PICTURES are listed twice, with `list build` and with `--variants`. Pillow makes copies of them in
OUTPUT: every kind of change below of every EVERYth picture (default 2; another one for each kind),
each with its own size, quality, position and file format from a seeded generator. The tiles beside a
copy in a collage are pictures of OTHERS, which no list holds. `scan --variants all` looks them up in
either list. Prints what was found by kind and by family, strangers, and the lists' sizes and CPU time,
and writes the misses to missed.tsv. Copies that are there already are kept.
"""
import concurrent.futures
import json
import os
import random
import resource
import subprocess
import sys

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

WORDS = "the of light old when water they found under open city first night never both river stone made again".split()
RESAMPLE = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)


def sized(draw, picture, low=360, high=1100):
    """Another size, as a chat or a forum would make it; never larger than the picture."""
    scale = min(1.0, draw.randint(low, high) / max(picture.size))
    return picture.resize([max(1, round(side * scale)) for side in picture.size], draw.choice(RESAMPLE))


def color(draw):
    return draw.choice(((0, 0, 0), (255, 255, 255), tuple(draw.randrange(256) for _ in range(3))))


def crop(picture, left, top, right, bottom):
    width, height = picture.size
    return picture.crop((round(left * width), round(top * height), round(width * (1 - right)), round(height * (1 - bottom))))


def any_crop(draw, picture, most):
    return crop(picture, *(draw.uniform(0, most) for _ in range(4)))


def lines(draw, canvas, box, size, ink, align="left"):
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(size)
    left, top, right, bottom = box
    while top + size <= bottom:
        text = " ".join(draw.choice(WORDS) for _ in range(draw.randint(3, 9)))
        while pen.textlength(text, font) > right - left and " " in text:
            text = text.rsplit(" ", 1)[0]
        at = left if align == "left" else left + (right - left - pen.textlength(text, font)) / 2
        pen.text((at, top), text, ink, font)
        top += round(size * 1.35)


def border(draw, picture, low, high):
    width, height = picture.size
    sides = [round(draw.uniform(low, high) * side) for side in (width, height, width, height)]
    if draw.random() < 0.5:
        sides = [sides[0]] * 4
    return ImageOps.expand(picture, tuple(sides), color(draw))


def boxed(draw, picture):
    """On a square or a telephone's screen: even or blurred ground."""
    width, height = picture.size
    side = max(width, height)
    size = draw.choice(((side, side), (side, round(side * 16 / 9)), (round(side * 16 / 9), side)))
    if draw.random() < 0.4:
        ground = ImageOps.fit(picture, size).filter(ImageFilter.GaussianBlur(side / 25))
    else:
        ground = Image.new("RGB", size, color(draw))
    ground.paste(picture, ((size[0] - width) // 2, (size[1] - height) // 2))
    return ground


def caption(draw, picture):
    width, height = picture.size
    bar = round(height * draw.uniform(0.1, 0.25))
    above = draw.random() < 0.5
    ground, ink = draw.choice(((255, 0), (0, 255)))
    out = Image.new("RGB", (width, height + bar), (ground,) * 3)
    out.paste(picture, (0, bar if above else 0))
    top = 0 if above else height
    lines(draw, out, (width * 0.04, top + bar * 0.12, width * 0.96, top + bar), max(9, round(bar / 3)), (ink,) * 3, "middle")
    return out


def screenshot(draw, picture):
    """A page or chat of a telephone: status bar, title, text, the picture with margins, text, buttons."""
    width, height = picture.size
    margin = round(width * draw.choice((0, draw.uniform(0.02, 0.1))))
    dark = draw.random() < 0.5
    ground = (18, 18, 20) if dark else draw.choice(((255, 255, 255), (242, 242, 247)))
    ink = (235, 235, 235) if dark else (20, 20, 20)
    total = width + 2 * margin
    above, below = round(total * draw.uniform(0.25, 0.6)), round(total * draw.uniform(0.2, 0.7))
    out = Image.new("RGB", (total, above + height + below), ground)
    pen, size = ImageDraw.Draw(out), max(9, total // 28)
    lines(draw, out, (total * 0.05, size * 0.4, total * 0.3, size * 1.6), size, ink)
    pen.rectangle((0, size * 2, total, size * 4.2), tuple(min(255, part + 18) for part in ground))
    pen.ellipse((total * 0.04, size * 2.3, total * 0.04 + size * 1.6, size * 3.9), color(draw))
    lines(draw, out, (total * 0.15, size * 2.5, total * 0.8, size * 3.9), size, ink)
    lines(draw, out, (total * 0.05, size * 5, total * 0.95, above - size * 0.5), size, ink)
    out.paste(picture, (margin, above))
    lines(draw, out, (total * 0.05, above + height + size * 0.6, total * 0.9, out.height - size * 3), size, ink)
    for place in (0.15, 0.5, 0.85):
        x = total * place
        pen.ellipse((x - size * 0.8, out.height - size * 2, x + size * 0.8, out.height - size * 0.4), outline=ink, width=2)
    return out


def polaroid(draw, picture):
    width, height = picture.size
    edge = round(min(width, height) * draw.uniform(0.04, 0.08))
    return ImageOps.expand(picture, (edge, edge, edge, edge * 4), (250, 249, 244))


def tilt(draw, picture, most):
    degrees = draw.choice((-1, 1)) * draw.uniform(0.7, most)
    how = draw.choice(("blank", "larger", "cut"))
    out = picture.rotate(degrees, Image.Resampling.BICUBIC, how == "larger", fillcolor=draw.choice(((0, 0, 0), (255, 255, 255))))
    lost = abs(degrees) * 0.0175 * max(picture.size) / min(picture.size) / 2
    return crop(out, lost, lost, lost, lost) if how == "cut" else out


def overlay(draw, picture):
    """Half-transparent words across the middle."""
    layer = Image.new("RGB", picture.size)
    size = round(picture.width / draw.randint(9, 13))
    lines(draw, layer, (0, picture.height * draw.uniform(0.3, 0.55), picture.width, picture.height * 0.55 + size * 1.4), size, (140, 140, 140), "middle")
    return ImageChops.screen(picture, layer)


def logo(draw, picture):
    out, (width, height) = picture.copy(), picture.size
    w, h = round(width * draw.uniform(0.1, 0.2)), round(height * draw.uniform(0.06, 0.12))
    x, y = draw.choice((8, width - w - 8)), draw.choice((8, height - h - 8))
    ImageDraw.Draw(out).rounded_rectangle((x, y, x + w, y + h), h // 4, color(draw))
    lines(draw, out, (x + 4, y + h * 0.3, x + w - 4, y + h * 0.9), max(8, h // 2), (200, 30, 30), "middle")
    return out


def letters(draw, picture):
    out, size = picture.copy(), round(picture.height * draw.uniform(0.06, 0.09))
    font, pen = ImageFont.load_default(size), ImageDraw.Draw(out)
    for y in (0.02, 0.97 - size * 1.2 / picture.height):
        text = " ".join(draw.choice(WORDS) for _ in range(3)).upper()
        at = ((picture.width - pen.textlength(text, font)) / 2, picture.height * y)
        pen.text(at, text, (255, 255, 255), font, stroke_width=max(1, size // 14), stroke_fill=(0, 0, 0))
    return out


def sticker(draw, picture, low, high):
    out, (width, height) = picture.copy(), picture.size
    share, stretch = draw.uniform(low, high), draw.uniform(0.7, 1.4)
    w, h = min(0.95, share**0.5 * stretch) * width, min(0.95, share**0.5 / stretch) * height
    x, y = draw.uniform(0, width - w), draw.uniform(0, height - h)
    pen = ImageDraw.Draw(out)
    if draw.random() < 0.4:
        pen.ellipse((x, y, x + w, y + h), color(draw))
        pen.ellipse((x + w * 0.25, y + h * 0.25, x + w * 0.4, y + h * 0.4), (0, 0, 0))
        pen.ellipse((x + w * 0.6, y + h * 0.25, x + w * 0.75, y + h * 0.4), (0, 0, 0))
    else:
        pen.rectangle((x, y, x + w, y + h), color(draw))
        lines(draw, out, (x + w * 0.1, y + h * 0.2, x + w * 0.9, y + h * 0.8), max(9, round(h / 6)), (120, 120, 120), "middle")
    return out


def grid(draw, picture, others, columns, rows):
    width, height = picture.size
    gap, own = draw.choice((0, 0, 3, 10)), draw.randrange(columns * rows)
    out = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap), color(draw))
    for tile in range(columns * rows):
        one = picture if tile == own else ImageOps.fit(draw.choice(others), picture.size)
        out.paste(one, (gap + tile % columns * (width + gap), gap + tile // columns * (height + gap)))
    return out


def strip(draw, picture, others, count):
    """A row or column of pictures at their own shapes."""
    gap, row, own = draw.choice((0, 4, 8)), draw.random() < 0.5, draw.randrange(count)
    tiles = [picture if tile == own else draw.choice(others) for tile in range(count)]
    side = picture.height if row else picture.width
    tiles = [tile.resize((round(tile.width * side / tile.height), side) if row else (side, round(tile.height * side / tile.width))) for tile in tiles]
    length = sum((tile.width if row else tile.height) + gap for tile in tiles) + gap
    out = Image.new("RGB", (length, side + 2 * gap) if row else (side + 2 * gap, length), (255, 255, 255))
    at = gap
    for tile in tiles:
        out.paste(tile, (at, gap) if row else (gap, at))
        at += (tile.width if row else tile.height) + gap
    return out


def large_and_small(draw, picture, others):
    """One large picture with two small ones beside it."""
    width, height = picture.size
    gap, half = 6, (height - 6) // 2
    out = Image.new("RGB", (width + gap + half, height), (255, 255, 255))
    out.paste(picture, (0, 0))
    for at in (0, half + gap):
        out.paste(ImageOps.fit(draw.choice(others), (half, half)), (width + gap, at))
    return out


# Family, name, change of a sized copy; `o` are other pictures.
CHANGES = (
    ("light", "quality 20 to 40", lambda d, p, o: p),
    ("light", "160 to 260 pixels", lambda d, p, o: sized(d, p, 160, 260)),
    ("light", "brighter or darker", lambda d, p, o: ImageEnhance.Brightness(p).enhance(d.choice((0.6, 0.75, 1.3, 1.5)))),
    ("light", "contrast, colours", lambda d, p, o: ImageEnhance.Color(ImageEnhance.Contrast(p).enhance(d.uniform(0.6, 1.6))).enhance(d.uniform(0, 2))),
    ("light", "blurred or sharpened", lambda d, p, o: p.filter(d.choice((ImageFilter.GaussianBlur(1.5), ImageFilter.SHARPEN, ImageFilter.MedianFilter(5))))),
    ("light", "sepia", lambda d, p, o: ImageOps.colorize(p.convert("L"), (40, 20, 0), (255, 240, 210))),
    ("light", "half-transparent words", lambda d, p, o: overlay(d, p)),
    ("light", "logo in any corner", lambda d, p, o: logo(d, p)),
    ("light", "outlined letters", lambda d, p, o: letters(d, p)),
    ("turned", "mirrored", lambda d, p, o: ImageOps.mirror(p)),
    ("turned", "turned", lambda d, p, o: p.transpose(d.choice((2, 3, 4)))),
    ("turned", "turned and mirrored", lambda d, p, o: p.transpose(d.choice((1, 5, 6)))),
    ("framed", "border 2 to 15 %", lambda d, p, o: border(d, p, 0.02, 0.15)),
    ("framed", "boxed", lambda d, p, o: boxed(d, p)),
    ("framed", "caption", lambda d, p, o: caption(d, p)),
    ("framed", "screenshot", lambda d, p, o: screenshot(d, p)),
    ("framed", "instant print", lambda d, p, o: polaroid(d, p)),
    ("cropped", "up to 4 % a side", lambda d, p, o: any_crop(d, p, 0.04)),
    ("cropped", "up to 8 % a side", lambda d, p, o: any_crop(d, p, 0.08)),
    ("cropped", "5 to 12 % of one side", lambda d, p, o: crop(p, *d.sample((d.uniform(0.05, 0.12), 0, 0, 0), 4))),
    ("tilted", "up to 3°", lambda d, p, o: tilt(d, p, 3)),
    ("tilted", "up to 6°", lambda d, p, o: tilt(d, p, 6)),
    ("collages", "2 × 2", lambda d, p, o: grid(d, p, o, 2, 2)),
    ("collages", "2 × 3 or 3 × 3", lambda d, p, o: grid(d, p, o, *d.choice(((2, 3), (3, 3))))),
    ("collages", "pair", lambda d, p, o: grid(d, p, o, *d.choice(((2, 1), (1, 2))))),
    ("collages", "strip of own shapes", lambda d, p, o: strip(d, p, o, d.choice((2, 3)))),
    ("collages", "large and two small", lambda d, p, o: large_and_small(d, p, o)),
    ("combined", "crop + border", lambda d, p, o: border(d, any_crop(d, p, 0.06), 0.02, 0.1)),
    ("combined", "mirrored + screenshot", lambda d, p, o: screenshot(d, ImageOps.mirror(p))),
    ("combined", "crop + caption", lambda d, p, o: caption(d, any_crop(d, p, 0.06))),
    ("combined", "tilt + border", lambda d, p, o: border(d, tilt(d, p, 3), 0.04, 0.1)),
    ("combined", "mirrored + crop + logo", lambda d, p, o: logo(d, any_crop(d, ImageOps.mirror(p), 0.06))),
    ("combined", "letters + boxed", lambda d, p, o: boxed(d, letters(d, p))),
    ("heavy", "12 to 20 % a side", lambda d, p, o: crop(p, *([d.uniform(0.12, 0.2)] * 4))),
    ("heavy", "up to 25 % a side", lambda d, p, o: any_crop(d, p, 0.25)),
    ("heavy", "cut to a square", lambda d, p, o: ImageOps.fit(p, (min(p.size),) * 2, centering=(d.random(), d.random()))),
    ("heavy", "sticker over 12 to 20 %", lambda d, p, o: sticker(d, p, 0.12, 0.2)),
    ("heavy", "sticker over 20 to 33 %", lambda d, p, o: sticker(d, p, 0.2, 0.33)),
)


def save(draw, picture, stem, name):
    if "quality" in name:
        picture.save(stem + ".jpg", quality=draw.randint(20, 40))
    elif draw.random() < 0.7:
        picture.save(stem + ".jpg", quality=draw.randint(55, 92))
    elif draw.random() < 0.7:
        picture.save(stem + ".webp", quality=draw.randint(55, 90))
    else:
        picture.save(stem + ".png")


def copies(pictures, others, out, every):
    others = [Image.open(path).convert("RGB") for path in others]
    for number, path in enumerate(pictures):
        picture = Image.open(path).convert("RGB")
        for kind, (_, name, change) in enumerate(CHANGES):
            if (number + kind) % every == 0:
                draw = random.Random(f"{number} {kind}")
                copy = change(draw, sized(draw, picture), others)
                save(draw, copy.convert("RGB"), f"{out}/{kind:02}-{number:03}", name)


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
    pictures = files(directory)
    os.makedirs(f"{out}/copies", exist_ok=True)
    for name, options in (("hashes", ()), ("windows", ("--variants",)), ("windows-mih", ("--variants", "--index", "mih"))):
        spent, memory, _ = run(onceseen, "list", "build", directory, "-o", f"{out}/{name}.osl", *options)
        size = os.path.getsize(f"{out}/{name}.osl")
        print(f"{name}: {len(pictures)} pictures, {size} bytes, built in {spent:.2f} s of CPU, {memory} KiB at most")
    if not files(f"{out}/copies"):
        copies(pictures, files(others), f"{out}/copies", every)
    with concurrent.futures.ThreadPoolExecutor() as both:
        found = list(both.map(lambda name: scanned(onceseen, out, name, pictures), ("hashes", "windows")))
    print(f"{len(found[0])} copies\n")
    print("| family | copy | copies | list of hashes: near | found | list with windows: near | found | strangers |")
    print("| --- " * 8 + "|")
    groups = [(family, name, [stem for stem in sorted(found[0]) if stem.startswith(f"{kind:02}-")]) for kind, (family, name, _) in enumerate(CHANGES)]
    for family in dict.fromkeys(family for family, _, _ in groups):
        groups.append((family, "all", [stem for other, _, stems in groups if other == family for stem in stems]))
    for family, name, stems in groups:
        cells = [len(stems)]
        for one in found:
            levels = [one[stem][0] for stem in stems]
            shares = (sum(level in ("exact", "near") for level in levels), sum(level is not None for level in levels))
            cells += [f"{share / max(1, len(stems)):.1%}" for share in shares]
        cells.append(" ".join(str(sum(one[stem][1] for stem in stems)) for one in found))
        print("| " + " | ".join(map(str, (family, name, *cells))) + " |")
    with open(f"{out}/missed.tsv", "w", encoding="utf-8") as missed:
        for family, name, stems in groups[: len(CHANGES)]:
            for stem in stems:
                if found[1][stem][0] is None:
                    print(family, name, stem, found[0][stem][0], pictures[int(stem[3:6])], sep="\t", file=missed)


main()
