"""Plots as inline SVG: bars with their intervals, class by class gains, and the distribution of changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

_COLOURS = {"space": "#0b6e4f", "active": "#3a6ea5", "pca": "#8f6bb3", "plain": "#9a9a9a", "histogram": "#d9a441"}
_LABEL = 150
_ROW = 22


def bars(figures: Mapping[str, Sequence[float]], names: Mapping[str, str], title: str) -> str:
    """Horizontal bars from 0 to 1 of [low, mean, high] by contestant, each with its interval."""
    width, height = 420, _ROW * len(figures) + 8
    parts = []
    for row, (key, (low, mean, high)) in enumerate(figures.items()):
        y = row * _ROW + 4
        scale = width - _LABEL - 60
        middle = y + _ROW / 2 - 1
        parts.append(
            f'<text x="{_LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(names[key])}</text>'
            f'<rect x="{_LABEL}" y="{y}" width="{mean * scale:.1f}" height="{_ROW - 6}" fill="{_COLOURS.get(key, "#777")}"/>'
            f'<line x1="{_LABEL + low * scale:.1f}" x2="{_LABEL + high * scale:.1f}" y1="{middle}" y2="{middle}" stroke="#111"/>'
            f'<text x="{_LABEL + max(high, mean) * scale + 6:.1f}" y="{middle + 4}">{mean:.3f}</text>'
        )
    return _svg(width, height, parts, title)


def gains(rows: Sequence[tuple[str, int, float, bool]], title: str) -> str:
    """Class by class: name, queries, gain in mAP@50 (-1 to 1), whether it was seen; bars left and right of zero."""
    width, height = 560, _ROW * len(rows) + 24
    most = max([abs(gain) for _, _, gain, _ in rows] + [0.05])
    zero, scale = 330, 170 / most
    parts = [f'<line x1="{zero}" x2="{zero}" y1="0" y2="{height - 20}" stroke="#999"/>']
    for row, (name, queries, gain, seen) in enumerate(rows):
        y = row * _ROW + 2
        left = zero + min(gain, 0) * scale
        colour = "#0b6e4f" if gain >= 0 else "#b3261e"
        note = "" if seen else ", unseen"
        anchor, at = ("start", zero + gain * scale + 5) if gain >= 0 else ("end", left - 5)
        parts.append(
            f'<text x="150" y="{y + 13}" text-anchor="end">{escape(name[:22])} ({queries}{note})</text>'
            f'<rect x="{left:.1f}" y="{y}" width="{abs(gain) * scale:.1f}" height="{_ROW - 6}" fill="{colour}"/>'
            f'<text x="{at:.1f}" y="{y + 13}" text-anchor="{anchor}">{gain:+.3f}</text>'
        )
    return _svg(width, height, parts, title)


def histogram(values: Sequence[float], title: str) -> str:
    """How many queries changed by how much: 21 bins from -1 to 1."""
    counts = [0] * 21
    for value in values:
        counts[min(20, max(0, round((value + 1) * 10)))] += 1
    width, height, most = 420, 150, max([*counts, 1])
    parts = []
    for number, count in enumerate(counts):
        tall = 100 * count / most
        colour = "#9a9a9a" if number == 10 else "#0b6e4f" if number > 10 else "#b3261e"
        parts.append(f'<rect x="{number * 20}" y="{120 - tall:.1f}" width="18" height="{tall:.1f}" fill="{colour}"/>')
        if count:
            parts.append(f'<text x="{number * 20 + 9}" y="{114 - tall:.1f}" text-anchor="middle">{count}</text>')
    for at, text in ((9, "-1"), (209, "0"), (409, "+1")):
        parts.append(f'<text x="{at}" y="138" text-anchor="middle">{text}</text>')
    return _svg(width, height, parts, title)


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escape(title)}">{"".join(parts)}</svg></figure>'
    )
