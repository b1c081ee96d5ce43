"""Drawn pictures, the same for the same seed on every machine: products for the demo and tests, shapes for calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageChops, ImageDraw

Colour = tuple[int, int, int]
Points = list[tuple[float, float]]

COLOURS: dict[str, Colour] = {
    "red": (196, 40, 44),
    "orange": (232, 126, 36),
    "yellow": (236, 196, 60),
    "green": (58, 140, 74),
    "teal": (30, 140, 146),
    "blue": (44, 88, 178),
    "violet": (116, 70, 158),
    "pink": (226, 124, 160),
    "brown": (122, 82, 52),
    "grey": (128, 132, 138),
    "black": (42, 42, 46),
    "cream": (232, 220, 192),
}
PATTERNS = ("plain", "stripes", "bands", "checks", "dots")
GROUNDS: tuple[Colour, ...] = ((255, 255, 255), (244, 244, 242), (226, 232, 238), (240, 230, 220), (222, 234, 222))
# Drawn this many times larger and reduced, for smooth edges.
OVERSAMPLED = 2


@dataclass(frozen=True)
class Look:
    """What a product is drawn with. `colour` and `pattern` are names that people use."""

    colour: str
    pattern: str
    second: Colour
    scale: float
    stretch: float


def look_of(kind: str, seed: int) -> Look:
    """The look of product `seed` of a kind; `kind` is one of KINDS."""
    random = Random(f"look {kind} {seed}")
    colour = random.choice(list(COLOURS))
    light = sum(COLOURS[colour]) > 400
    second = random.choice([rgb for name, rgb in COLOURS.items() if name != colour and (sum(rgb) > 400) != light])
    return Look(colour, random.choice(PATTERNS), second, random.uniform(0.8, 1.0), random.uniform(0.88, 1.12))


def draw_product(kind: str, seed: int, side: int, *, view: int = 0) -> Image.Image:
    """One photo of drawn product `seed` of `kind` (see KINDS), RGB, side × side pixels.

    Photos of one product differ by `view`: turned otherwise, on another ground. Raises ValueError for an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"nothing is known to draw a {kind!r}; the kinds are {', '.join(KINDS)}")
    look = look_of(kind, seed)
    random = Random(f"view {kind} {seed} {view}")
    size = side * OVERSAMPLED
    shape = Image.new("L", (size, size))
    marks = Image.new("L", (size, size))
    KINDS[kind](_Pen(shape, look), _Pen(marks, look), Random(f"shape {kind} {seed}"))
    angle = random.uniform(-14, 14)
    shape, marks = (layer.rotate(angle, Image.Resampling.BICUBIC) for layer in (shape, marks))
    ground = random.choice(GROUNDS)
    picture = Image.new("RGB", (size, size), ground)
    shadow = ImageChops.offset(shape, size // 60, size // 40).point(lambda value: value * 0.25)
    picture.paste(tuple(int(part * 0.6) for part in ground), (0, 0), shadow)
    picture.paste(_cloth(look, size).rotate(angle, Image.Resampling.BICUBIC), (0, 0), shape)
    dark = tuple(int(part * 0.45) for part in COLOURS[look.colour])
    picture.paste(dark, (0, 0), ImageChops.multiply(marks, shape).point(lambda value: value * 0.8))
    return picture.resize((side, side), Image.Resampling.LANCZOS)


def draw_shapes(seed: int, side: int) -> Image.Image:
    """Random shapes on a plain ground, RGB, side × side pixels: they calibrate a quantised encoder as well as photos."""
    random = Random(f"shapes {seed}")
    size = side * OVERSAMPLED
    picture = Image.new("RGB", (size, size), _any_colour(random))
    pen = ImageDraw.Draw(picture)
    for _ in range(random.randint(3, 14)):
        colour = _any_colour(random)
        x, y = random.uniform(0, size), random.uniform(0, size)
        width, height = random.uniform(0.04, 0.5) * size, random.uniform(0.04, 0.5) * size
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        form = random.choice(("ellipse", "rectangle", "polygon", "line", "ring"))
        if form == "ellipse":
            pen.ellipse(box, fill=colour)
        elif form == "rectangle":
            pen.rectangle(box, fill=colour)
        elif form == "ring":
            pen.ellipse(box, outline=colour, width=max(1, int(random.uniform(0.005, 0.04) * size)))
        elif form == "line":
            pen.line(box, fill=colour, width=max(1, int(random.uniform(0.005, 0.04) * size)))
        else:
            corners = [(random.uniform(box[0], box[2]), random.uniform(box[1], box[3])) for _ in range(5)]
            pen.polygon(corners, fill=colour)
    return picture.resize((side, side), Image.Resampling.LANCZOS)


def _any_colour(random: Random) -> Colour:
    return (random.randrange(256), random.randrange(256), random.randrange(256))


def _cloth(look: Look, size: int) -> Image.Image:
    """The product's colour and pattern over the whole picture."""
    colour = COLOURS[look.colour]
    cloth = Image.new("RGB", (size, size), colour)
    pen = ImageDraw.Draw(cloth)
    step = max(4, int(size * 0.09 * look.scale))
    for at in range(0, size, step):
        if look.pattern in ("stripes", "checks"):
            pen.rectangle((at, 0, at + step * 0.4, size), fill=look.second)
        if look.pattern in ("bands", "checks"):
            pen.rectangle((0, at, size, at + step * 0.4), fill=look.second)
        if look.pattern == "dots":
            for down in range(0, size, step):
                left = at + (step / 2 if down // step % 2 else 0)
                pen.ellipse((left, down, left + step * 0.45, down + step * 0.45), fill=look.second)
    return cloth


class _Pen:
    """Draws in a unit square (0 to 1, y down), scaled about its middle by the look."""

    def __init__(self, layer: Image.Image, look: Look) -> None:
        self._pen = ImageDraw.Draw(layer)
        self._size = layer.width
        self._look = look

    def at(self, x: float, y: float) -> tuple[float, float]:
        scale, stretch = self._look.scale, self._look.stretch
        return (0.5 + (x - 0.5) * scale * stretch) * self._size, (0.5 + (y - 0.5) * scale / stretch) * self._size

    def polygon(self, points: Points) -> None:
        self._pen.polygon([self.at(x, y) for x, y in points], fill=255)

    def ellipse(self, left: float, top: float, right: float, bottom: float, *, fill: int = 255) -> None:
        self._pen.ellipse((*self.at(left, top), *self.at(right, bottom)), fill=fill)

    def rectangle(self, left: float, top: float, right: float, bottom: float, *, round: float = 0.0) -> None:
        self._pen.rounded_rectangle((*self.at(left, top), *self.at(right, bottom)), round * self._size, fill=255)

    def ring(self, left: float, top: float, right: float, bottom: float, width: float) -> None:
        self._pen.ellipse((*self.at(left, top), *self.at(right, bottom)), outline=255, width=int(width * self._size))

    def line(self, points: Points, width: float) -> None:
        self._pen.line(
            [self.at(x, y) for x, y in points], fill=255, width=max(1, int(width * self._size)), joint="curve"
        )


def _mug(shape: _Pen, marks: _Pen, random: Random) -> None:
    top, waist = random.uniform(0.22, 0.34), random.uniform(0.0, 0.05)
    shape.polygon([(0.24, top), (0.66, top), (0.66 - waist, 0.78), (0.24 + waist, 0.78)])
    shape.ellipse(0.24 + waist, 0.73, 0.66 - waist, 0.83)
    shape.ring(0.56, top + 0.08, 0.82, 0.68, 0.045)
    shape.ellipse(0.24, top - 0.05, 0.66, top + 0.05)
    marks.ellipse(0.26, top - 0.035, 0.64, top + 0.035)


def _shirt(shape: _Pen, marks: _Pen, random: Random) -> None:
    sleeve, hem = random.choice((0.36, 0.42, 0.66)), random.uniform(0.78, 0.88)
    shape.polygon([(0.36, 0.16), (0.64, 0.16), (0.72, 0.2), (0.69, hem), (0.31, hem), (0.28, 0.2)])
    for side in (1, -1):
        shape.polygon(
            [
                (0.5 + side * x, y)
                for x, y in ((0.16, 0.17), (0.24, 0.22), (0.4, sleeve), (0.3, sleeve + 0.05), (0.17, 0.34))
            ]
        )
    marks.ellipse(0.42, 0.1, 0.58, random.uniform(0.22, 0.3))
    if random.random() < 0.5:
        marks.line([(0.5, 0.24), (0.5, hem)], 0.006)
        for button in range(4):
            marks.ellipse(0.49, 0.33 + 0.13 * button, 0.51, 0.35 + 0.13 * button)


def _lamp(shape: _Pen, marks: _Pen, random: Random) -> None:
    narrow, bottom = random.uniform(0.08, 0.18), random.uniform(0.42, 0.52)
    shape.polygon([(0.5 - narrow, 0.14), (0.5 + narrow, 0.14), (0.74, bottom), (0.26, bottom)])
    shape.rectangle(0.485, bottom, 0.515, 0.84)
    if random.random() < 0.5:
        shape.ellipse(0.43, 0.56, 0.57, 0.8)
    shape.ellipse(0.34, 0.8, 0.66, 0.88)
    marks.line([(0.26, bottom), (0.74, bottom)], 0.012)
    marks.rectangle(0.485, bottom, 0.515, 0.84)


def _bag(shape: _Pen, marks: _Pen, random: Random) -> None:
    top, flare = random.uniform(0.38, 0.46), random.uniform(-0.04, 0.07)
    shape.ring(0.33, top - 0.24, 0.67, top + 0.26, 0.03)
    shape.polygon([(0.22 + flare, top), (0.78 - flare, top), (0.84, 0.84), (0.16, 0.84)])
    if random.random() < 0.6:
        marks.line([(0.22 + flare, top + 0.14), (0.5, top + 0.22), (0.78 - flare, top + 0.14)], 0.01)
        marks.ellipse(0.475, top + 0.19, 0.525, top + 0.24)
    marks.line([(0.22 + flare, top + 0.015), (0.78 - flare, top + 0.015)], 0.012)


def _shoe(shape: _Pen, marks: _Pen, random: Random) -> None:
    ankle, toe = random.uniform(0.22, 0.44), random.uniform(0.0, 0.05)
    shape.polygon(
        [(0.14, ankle), (0.36, ankle), (0.44, 0.5), (0.7, 0.58 - toe), (0.86, 0.66), (0.88, 0.74), (0.12, 0.74)]
    )
    shape.ellipse(0.72, 0.56 - toe, 0.9, 0.76)
    shape.rectangle(0.11, 0.71, 0.9, 0.78, round=0.015)
    marks.rectangle(0.11, 0.735, 0.9, 0.78)
    for lace in range(random.randint(2, 4)):
        marks.line([(0.4 + 0.06 * lace, 0.5 + 0.02 * lace), (0.46 + 0.06 * lace, 0.6)], 0.01)


def _chair(shape: _Pen, marks: _Pen, random: Random) -> None:
    back, seat = random.uniform(0.1, 0.22), random.uniform(0.5, 0.58)
    shape.rectangle(0.28, back, 0.68, seat - random.choice((0.04, 0.12)), round=random.uniform(0.0, 0.08))
    shape.polygon([(0.26, seat - 0.03), (0.7, seat - 0.03), (0.78, seat + 0.05), (0.22, seat + 0.05)])
    for left, foot in ((0.25, 0.22), (0.72, 0.75), (0.34, 0.33), (0.62, 0.64)):
        shape.line([(left, seat + 0.02), (foot, 0.9)], 0.03)
    for upright in (0.31, 0.65):
        shape.line([(upright, back + 0.1), (upright, seat)], 0.03)
    marks.line([(0.22, seat + 0.05), (0.78, seat + 0.05)], 0.014)


def _bottle(shape: _Pen, marks: _Pen, random: Random) -> None:
    shoulder, width = random.uniform(0.34, 0.46), random.uniform(0.11, 0.17)
    shape.rectangle(0.5 - width, shoulder, 0.5 + width, 0.88, round=0.03)
    shape.ellipse(0.5 - width, shoulder - width * 0.9, 0.5 + width, shoulder + width * 0.9)
    shape.rectangle(0.46, 0.14, 0.54, shoulder)
    marks.rectangle(0.45, 0.1, 0.55, 0.19)
    marks.line([(0.5 - width, 0.58), (0.5 + width, 0.58)], 0.01)


def _hat(shape: _Pen, marks: _Pen, random: Random) -> None:
    crown, brim = random.uniform(0.26, 0.36), random.uniform(0.34, 0.42)
    shape.ellipse(0.5 - brim, 0.56, 0.5 + brim, 0.72)
    shape.polygon([(0.3, 0.64), (0.34, crown + 0.06), (0.66, crown + 0.06), (0.7, 0.64)])
    shape.ellipse(0.34, crown, 0.66, crown + 0.14)
    marks.polygon([(0.3, 0.62), (0.7, 0.62), (0.69, 0.55), (0.31, 0.55)])


KINDS: dict[str, Callable[[_Pen, _Pen, Random], None]] = {
    "mug": _mug,
    "shirt": _shirt,
    "lamp": _lamp,
    "bag": _bag,
    "shoe": _shoe,
    "chair": _chair,
    "bottle": _bottle,
    "hat": _hat,
}
