"""One self-contained HTML page of a judgement: figures, plots, and rows of pictures to judge with one's own eyes."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from django.core.files.storage import default_storage
from django.utils import timezone
from numpy.typing import NDArray
from PIL import Image

from catalog.models import ProductImage
from catalog.photos.reading import PhotoError, decode_photo
from recommender.evaluation.judging import Judgement
from recommender.evaluation.report import plots, tables
from recommender.evaluation.report.style import STYLE
from recommender.evaluation.scores import METRICS
from recommender.progress import Progress, silent

ROWS = 6  # of the best, the worst and the most changed queries
SHOWN = 10  # pictures a row
_SIDE = 112


def render(
    judgement: Judgement,
    quality: Mapping[str, Any],
    live: Mapping[str, Mapping[str, Sequence[float]]],
    *,
    progress: Progress = silent,
) -> str:
    """The page as HTML with its pictures inside it. `quality`: of evaluate_quality; `live`: leave-one-out figures."""
    space = judgement.space
    title = f"Space {space.name}"
    facts = (
        f"{space.encoder.name}, projection {space.projection}"
        + (f" by {space.labels}" if space.labels else "")
        + (f", augmented by {space.augment}" if space.augment else "")
        + f", {space.dimensions} dimensions, {space.metric}; {timezone.now():%Y-%m-%d %H:%M} UTC"
    )
    parts = [f"<h1>{escape(title)}</h1><p>{escape(facts)}</p>"]
    if live:
        parts.append("<h2>As the storefront answers: all photos, leave-one-out</h2>" + _table(live))
    if judgement.scores:
        parts += _figures(quality)
        parts += _pictures(judgement, progress)
    else:
        parts.append("<p>No two held-out photos share a label, so there is nothing to judge.</p>")
    body = "\n".join(parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>{body}</body></html>'
    )


def _figures(quality: Mapping[str, Any]) -> list[str]:
    systems: Mapping[str, Any] = quality["systems"]
    parts = [
        f"<h2>Held-out photos by {escape(quality['judged_by'])}</h2><p>{quality['photos']} photos that no judged fit has"
        f" seen ask each other; {quality['training_photos']} were there to learn from. Means with 95 % intervals.</p>"
    ]
    for part in [part for part in tables.PARTS if part in systems["space"]]:
        figures = {name: values[part] for name, values in systems.items()}
        parts.append(
            f"<h3>{tables.PARTS[part].capitalize()}: {quality['queries'][part]} queries</h3>" + _table(figures)
        )
        for metric in ("map@50", "p@10"):
            one = {name: values[metric] for name, values in figures.items()}
            parts.append(plots.bars(one, tables.NAMES, f"{metric}, {tables.PARTS[part]}"))
    if quality.get("ann_recall") is not None:
        parts.append(
            f"<p>ANN recall@10 of the index against exact search, which is not relevance: {quality['ann_recall']:.3f}</p>"
        )
    rival = "active" if "active" in systems else "plain"
    rows = [
        (
            name,
            one["queries"],
            one["systems"]["space"]["map@50"][1] - one["systems"][rival]["map@50"][1],
            one["seen"] is not False,
        )
        for name, one in quality["labels"].items()
    ]
    parts.append(plots.gains(rows, f"mAP@50 less that of the {tables.NAMES[rival]}, class by class"))
    parts.append("<h3>Class by class, with 95 % intervals</h3>" + _classes(quality["labels"], rival))
    if left_out := quality.get("labels_left_out", 0):
        parts.append(f"<p>{left_out} smaller classes are not listed.</p>")
    return parts


def _classes(labels: Mapping[str, Mapping[str, Any]], rival: str) -> str:
    columns = [(metric, system) for metric in ("p@10", "map@50") for system in ("space", rival)]
    head = "".join(f"<th>{metric}, {tables.NAMES[system]}</th>" for metric, system in columns)
    rows = "".join(
        f"<tr><th>{escape(name)}{'' if one['seen'] is not False else ' (unseen)'}</th><td>{one['queries']}</td>"
        + "".join(_cell(one["systems"][system][metric]) for metric, system in columns)
        + "</tr>"
        for name, one in labels.items()
    )
    return f'<table class="figures"><tr><th>class</th><th>queries</th>{head}</tr>{rows}</table>'


def _cell(values: Sequence[float]) -> str:
    low, mean, high = values
    return f"<td>{mean:.3f} <small>{low:.3f}–{high:.3f}</small></td>"


def _pictures(judgement: Judgement, progress: Progress) -> list[str]:
    own = judgement.scores["space"].values["map@50"]
    rival = "active" if "active" in judgement.scores else "plain"
    change = own - judgement.scores[rival].values["map@50"]
    chosen = {
        "Best answered": np.argsort(-own, kind="stable")[:ROWS],
        "Worst answered": np.argsort(own, kind="stable")[:ROWS],
        f"Most changed against the {tables.NAMES[rival]}": np.argsort(-np.abs(change), kind="stable")[:ROWS],
    }
    pictures = _Pictures(judgement)
    parts = [plots.histogram(change.tolist(), f"Queries by change in AP@50 against the {tables.NAMES[rival]}")]
    for number, (title, queries) in enumerate(chosen.items()):
        parts.append(
            f"<h2>{escape(title)}</h2><p>The query, then its first {SHOWN}; framed where the class differs.</p>"
        )
        for query in queries:
            parts.append(_row(judgement, pictures, int(query), "space"))
            if number == 2:
                parts.append(_row(judgement, pictures, int(query), rival))
        progress("pictures of the report", number + 1, len(chosen))
    return parts


def _row(judgement: Judgement, pictures: _Pictures, query: int, contestant: str) -> str:
    photos, scores = judgement.photos, judgement.scores[contestant]
    row = int(judgement.queries[query])
    name = photos.names[photos.classes[row]]
    cells = [f'<td class="query">{pictures.tag(row)}<br>{escape(name)}</td>']
    for found in scores.ranked[query, :SHOWN]:
        if found >= 0:
            same = photos.classes[found] == photos.classes[row]
            other = "" if same else f"<br>{escape(photos.names[photos.classes[found]])}"
            cells.append(f'<td class="{"same" if same else "other"}">{pictures.tag(int(found))}{other}</td>')
    figure = f"{tables.NAMES[contestant]}<br>AP@50 {scores.values['map@50'][query]:.3f}"
    return f'<table class="row"><tr><th>{figure}</th>{"".join(cells)}</tr></table>'


class _Pictures:
    """Small JPEGs as data URLs, each made once."""

    def __init__(self, judgement: Judgement) -> None:
        self._ids: NDArray[np.int64] = judgement.photos.image_ids
        self._known: dict[int, str] = {}

    def tag(self, row: int) -> str:
        if row not in self._known:
            self._known[row] = self._url(int(self._ids[row]))
        return f'<img src="{self._known[row]}" alt="" loading="lazy">'

    def _url(self, image_id: int) -> str:
        image = ProductImage.objects.filter(pk=image_id).first()
        try:
            if image is None:
                return ""
            with default_storage.open(str(image.file)) as file:
                picture = decode_photo(io.BytesIO(file.read()), at_least=_SIDE)
        except (OSError, PhotoError):
            return ""
        picture.thumbnail((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=70)
        return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _table(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    head = "".join(f"<th>{metric}</th>" for metric in METRICS)
    rows = "".join(
        f"<tr><th>{escape(tables.NAMES[name])}</th>" + "".join(_cell(values[metric]) for metric in METRICS) + "</tr>"
        for name, values in figures.items()
    )
    return f'<table class="figures"><tr><th></th>{head}</tr>{rows}</table>'
