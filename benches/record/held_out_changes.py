"""The changes of the copies of held_out.py, made by Pillow: each takes a seeded generator, a sized copy and other pictures.

CHANGES is the first look, SECOND another one at 512 pixels: family, name, change.
"""
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


def opposite(draw, low, high):
    """Shares cut off two opposite sides."""
    one, other = draw.uniform(low, high), draw.uniform(low, high)
    return draw.choice(((one, 0, other, 0), (0, one, 0, other)))


def corner(draw, low, high):
    """Shares cut off two sides that meet."""
    one, other = draw.uniform(low, high), draw.uniform(low, high)
    return draw.choice(((one, other, 0, 0), (one, 0, 0, other), (0, 0, one, other), (0, other, one, 0)))


def veil(draw, picture):
    """A half-transparent patch over half of the picture."""
    covered = Image.blend(picture, Image.new("RGB", picture.size, color(draw)), 0.5)
    out, (width, height) = picture.copy(), picture.size
    box = draw.choice(((0, 0, width // 2, height), (width // 2, 0, width, height), (0, 0, width, height // 2), (0, height // 2, width, height)))
    out.paste(covered.crop(box), box[:2])
    return out


def two_stickers(draw, picture, low, high):
    return sticker(draw, sticker(draw, picture, low, high), low, high)


SECOND = (
    ("light", "512 pixels", lambda d, p, o: p),
    ("light", "letters", lambda d, p, o: letters(d, p)),
    ("light", "logo in any corner", lambda d, p, o: logo(d, p)),
    ("turned", "mirrored", lambda d, p, o: ImageOps.mirror(p)),
    ("turned", "turned", lambda d, p, o: p.transpose(d.choice((2, 4)))),
    ("framed", "border 2 to 15 %", lambda d, p, o: border(d, p, 0.02, 0.15)),
    ("framed", "boxed", lambda d, p, o: boxed(d, p)),
    ("framed", "caption", lambda d, p, o: caption(d, p)),
    ("framed", "screenshot", lambda d, p, o: screenshot(d, p)),
    ("cropped", "two opposite sides, up to 10 %", lambda d, p, o: crop(p, *opposite(d, 0.02, 0.1))),
    ("cropped", "two sides of a corner, up to 10 %", lambda d, p, o: crop(p, *corner(d, 0.02, 0.1))),
    ("tilted", "up to 5°", lambda d, p, o: tilt(d, p, 5)),
    ("collages", "pair", lambda d, p, o: grid(d, p, o, *d.choice(((2, 1), (1, 2))))),
    ("collages", "strip of own shapes", lambda d, p, o: strip(d, p, o, d.choice((2, 3)))),
    ("combined", "two-sided crop + border", lambda d, p, o: border(d, crop(p, *corner(d, 0.02, 0.08)), 0.02, 0.1)),
    ("combined", "mirrored + caption", lambda d, p, o: caption(d, ImageOps.mirror(p))),
    ("combined", "tilt + screenshot", lambda d, p, o: screenshot(d, tilt(d, p, 3))),
    ("heavy", "two opposite sides, 12 to 22 %", lambda d, p, o: crop(p, *opposite(d, 0.12, 0.22))),
    ("heavy", "two sides of a corner, 12 to 22 %", lambda d, p, o: crop(p, *corner(d, 0.12, 0.22))),
    ("heavy", "sticker over 25 to 33 %", lambda d, p, o: sticker(d, p, 0.25, 0.33)),
    ("heavy", "two stickers over 8 to 14 %", lambda d, p, o: two_stickers(d, p, 0.08, 0.14)),
    ("heavy", "half-transparent patch over half", lambda d, p, o: veil(d, p)),
)
