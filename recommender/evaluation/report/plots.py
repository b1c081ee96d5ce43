"""What the report's plots show and where: shapes in pixels, which the template `plot.html` draws as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_COLOURS = {"space": "#0b6e4f", "active": "#3a6ea5", "pca": "#8f6bb3", "plain": "#9a9a9a", "histogram": "#d9a441"}
_OTHER, _GAIN, _LOSS, _UNCHANGED, _INK, _AXIS = "#777", "#0b6e4f", "#b3261e", "#9a9a9a", "#111", "#999"
_LABEL_WIDTH = 150
_ROW_HEIGHT = 22
_BAR_HEIGHT = _ROW_HEIGHT - 6
_BINS = 21


@dataclass(frozen=True)
class Shape:
    """A text that stands on `y` where there is one, else a filled rectangle. Pixels, from the upper left corner."""

    x: float
    y: float
    width: float = 0
    height: float = 0
    colour: str = _INK
    text: str | None = None
    anchor: str = "start"


@dataclass(frozen=True)
class Plot:
    """`width`, `height`: pixels."""

    title: str
    width: int
    height: int
    shapes: Sequence[Shape]


def bars(figures: Mapping[str, Sequence[float]], names: Mapping[str, str], title: str) -> Plot:
    """Horizontal bars from 0 to 1 of [low, mean, high] by contestant, each with its interval."""
    width = 420
    scale = width - _LABEL_WIDTH - 60
    shapes = []
    for row, (contestant, (low, mean, high)) in enumerate(figures.items()):
        top = row * _ROW_HEIGHT + 4
        middle = top + _ROW_HEIGHT / 2 - 1
        colour = _COLOURS.get(contestant, _OTHER)
        shapes += [
            Shape(_LABEL_WIDTH - 8, middle + 4, text=names[contestant], anchor="end"),
            Shape(_LABEL_WIDTH, top, mean * scale, _BAR_HEIGHT, colour),
            Shape(_LABEL_WIDTH + low * scale, middle - 0.5, (high - low) * scale, 1),
            Shape(_LABEL_WIDTH + max(high, mean) * scale + 6, middle + 4, text=f"{mean:.3f}"),
        ]
    return Plot(title, width, _ROW_HEIGHT * len(figures) + 8, shapes)


def gains(rows: Sequence[tuple[str, int, float, bool]], title: str) -> Plot:
    """Class by class: name, queries, gain in mAP@50 (-1 to 1), whether it was seen; bars left and right of zero."""
    height = _ROW_HEIGHT * len(rows) + 24
    zero, scale = 330, 170 / max([abs(gain) for _, _, gain, _ in rows] + [0.05])
    shapes = [Shape(zero - 0.5, 0, 1, height - 20, _AXIS)]
    for row, (name, queries, gain, seen) in enumerate(rows):
        top = row * _ROW_HEIGHT + 2
        left = zero + min(gain, 0) * scale
        note = "" if seen else ", unseen"
        anchor, at = ("start", zero + gain * scale + 5) if gain >= 0 else ("end", left - 5)
        shapes += [
            Shape(_LABEL_WIDTH, top + 13, text=f"{name[:22]} ({queries}{note})", anchor="end"),
            Shape(left, top, abs(gain) * scale, _BAR_HEIGHT, _GAIN if gain >= 0 else _LOSS),
            Shape(at, top + 13, text=f"{gain:+.3f}", anchor=anchor),
        ]
    return Plot(title, 560, height, shapes)


def histogram(values: Sequence[float], title: str) -> Plot:
    """How many queries changed by how much: 21 bins from -1 to 1."""
    counts, middle = [0] * _BINS, _BINS // 2
    for value in values:
        counts[min(_BINS - 1, max(0, round((value + 1) * middle)))] += 1
    shapes = []
    for number, count in enumerate(counts):
        tall = 100 * count / max([*counts, 1])
        colour = _UNCHANGED if number == middle else _GAIN if number > middle else _LOSS
        shapes.append(Shape(number * 20, 120 - tall, 18, tall, colour))
        if count:
            shapes.append(Shape(number * 20 + 9, 114 - tall, text=str(count), anchor="middle"))
    shapes += [Shape(at, 138, text=text, anchor="middle") for at, text in ((9, "-1"), (209, "0"), (409, "+1"))]
    return Plot(title, 420, 150, shapes)
