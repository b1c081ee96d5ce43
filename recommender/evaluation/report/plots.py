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
_LINES = ("#0b6e4f", "#3a6ea5", "#b3261e", "#8f6bb3", "#d9a441", "#777")


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
class Line:
    """Straight from point to point, each (x, y) in pixels from the upper left corner; `dashed`: a mark, not a measurement."""

    points: Sequence[tuple[float, float]]
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Plot:
    """`width`, `height`: pixels."""

    title: str
    width: int
    height: int
    shapes: Sequence[Shape]
    lines: Sequence[Line] = ()


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


def curves(
    lines: Mapping[str, Sequence[tuple[float, float]]], *, title: str, across: str, marked: float | None = None
) -> Plot:
    """Lines through points (x, y), both from 0 to 1, by name; `across`: what x is; `marked`: an x that a dashed line marks."""
    side, left, top = 260, 40, 12 + _ROW_HEIGHT * len(lines)
    bottom = top + side

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x * side * 1.5, bottom - y * side

    shapes, drawn = [], []
    for tenth in range(0, 11, 2):
        value = tenth / 10
        drawn.append(Line((at(0, value), at(1, value)), "#ddd"))
        shapes.append(Shape(left - 6, at(0, value)[1] + 4, text=f"{value:g}", anchor="end"))
        shapes.append(Shape(at(value, 0)[0], bottom + 16, text=f"{value:g}", anchor="middle"))
    shapes.append(Shape(at(0.5, 0)[0], bottom + 34, text=across, anchor="middle"))
    if marked is not None:
        drawn.append(Line((at(marked, 0), at(marked, 1)), _AXIS, dashed=True))
    for number, (name, points) in enumerate(lines.items()):
        colour, middle = _LINES[number % len(_LINES)], 10 + number * _ROW_HEIGHT
        shapes += [Shape(left, middle - 2, 18, 4, colour), Shape(left + 26, middle + 4, text=name)]
        drawn.append(Line([at(x, y) for x, y in points], colour))
    return Plot(title, round(left + side * 1.5 + 20), bottom + 44, shapes, drawn)
