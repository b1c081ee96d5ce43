"""The figures of a judgement, as the row of a space keeps them in `quality`.

A row may have been written by an earlier version: what it did not count has a default here, and keys that this version
does not know are kept in `rest` and written back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from recommender.records.reading import (
    Interval,
    JsonObject,
    by_name,
    flag,
    interval,
    moment,
    number,
    read_record,
    text,
    whole,
)

Figures = Mapping[str, Interval]  # by metric, such as "map@50"


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """The figures of one class, of each contestant. `seen`: whether the judged fit knew it; None where no fit had classes."""

    queries: int
    seen: bool | None
    systems: Mapping[str, Figures]
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> ClassFigures:
        """Raises recommender.records.reading.Wrong."""
        given = JsonObject(value)
        return cls(
            queries=given.need("queries", whole),
            seen=given.may("seen", flag),
            systems=given.need("systems", by_name(by_name(interval))),
            rest=given.rest,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `from_json` reads."""
        systems = {name: figures_json(figures) for name, figures in self.systems.items()}
        return {"queries": self.queries, "seen": self.seen, "systems": systems, **self.rest}


@dataclass(frozen=True, kw_only=True)
class LabelFigures:
    """The figures by one of several labels: of the same queries and answers. Fields as of `Quality`."""

    systems: Mapping[str, Mapping[str, Figures]]
    differences: Mapping[str, Figures]
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> LabelFigures:
        """Raises recommender.records.reading.Wrong."""
        given = JsonObject(value)
        return cls(
            systems=given.need("systems", by_name(by_name(by_name(interval)))),
            differences=given.need("differences", by_name(by_name(interval))),
            rest=given.rest,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `from_json` reads."""
        differences = {name: figures_json(figures) for name, figures in self.differences.items()}
        return {"systems": _systems_json(self.systems), "differences": differences, **self.rest}


@dataclass(frozen=True, kw_only=True)
class Quality:
    """A judgement. Every figure is a mean with its 95 % bootstrap interval.

    `signature`: of the photos and labels that it was judged by. `judged_by`: the labels. `active`: name of the space that
    was active beside it, None where there was none. `photos`: that judge, `training_photos`: that there were to learn
    from. `known_share`: the share of the labelled photos that are of classes the served fit has seen.
    `queries`, `systems` (by contestant): over the parts `overall` and, for a learned space, `seen` and `unseen` classes.
    `differences`: of mAP@50, the space's less that of each other contestant, over the same queries; of `active_shape`,
    the active space's shape part alone, from that of the space's own. `labels`: the same
    class by class, for the largest; `labels_left_out`: how many smaller ones are not listed.
    `each_label`: where it was judged by several labels, the figures by each; all others are of their conjunction.
    `ann_recall`: of the index against exact search, which is not relevance.
    """

    judged_at: datetime
    signature: str
    judged_by: str
    active: str | None
    photos: int
    queries: Mapping[str, int]
    training_photos: int
    known_share: float
    systems: Mapping[str, Mapping[str, Figures]]
    differences: Mapping[str, Figures]
    labels: Mapping[str, ClassFigures]
    labels_left_out: int = 0
    each_label: Mapping[str, LabelFigures] = field(default_factory=dict)
    ann_recall: float | None = None
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Quality:
        """Raises recommender.records.reading.Wrong."""
        given = JsonObject(value)
        return cls(
            judged_at=given.need("judged_at", moment),
            signature=given.need("signature", text),
            judged_by=given.need("judged_by", text),
            active=given.may("active", text),
            photos=given.need("photos", whole),
            queries=given.need("queries", by_name(whole)),
            training_photos=given.need("training_photos", whole),
            known_share=given.need("known_share", number),
            systems=given.need("systems", by_name(by_name(by_name(interval)))),
            differences=given.need("differences", by_name(by_name(interval))),
            labels=given.need("labels", by_name(ClassFigures.from_json)),
            labels_left_out=given.may("labels_left_out", whole) or 0,
            each_label=given.may("each_label", by_name(LabelFigures.from_json)) or {},
            ann_recall=given.may("ann_recall", number),
            rest=given.rest,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `from_json` reads."""
        return {
            "judged_at": self.judged_at.isoformat(),
            "signature": self.signature,
            "judged_by": self.judged_by,
            "active": self.active,
            "photos": self.photos,
            "queries": dict(self.queries),
            "training_photos": self.training_photos,
            "known_share": self.known_share,
            "systems": _systems_json(self.systems),
            "differences": {name: figures_json(figures) for name, figures in self.differences.items()},
            "labels": {name: figures.as_json() for name, figures in self.labels.items()},
            "labels_left_out": self.labels_left_out,
            **(
                {"each_label": {name: one.as_json() for name, one in self.each_label.items()}}
                if self.each_label
                else {}
            ),
            "ann_recall": self.ann_recall,
            **self.rest,
        }


def figures_json(figures: Figures) -> dict[str, object]:
    """Intervals as lists, by the same names."""
    return {name: one.as_json() for name, one in figures.items()}


def _systems_json(systems: Mapping[str, Mapping[str, Figures]]) -> dict[str, object]:
    return {name: {part: figures_json(figures) for part, figures in parts.items()} for name, parts in systems.items()}


def read_quality(value: object, *, space: str) -> Quality | None:
    """The record of `Space.quality`; None of an empty object: it was not judged. Raises MalformedRecord."""
    if value == {}:
        return None
    remedy = f"judge it anew with `spaces evaluate {space}`"
    return read_record(Quality.from_json, value, place=f"space {space}, quality", remedy=remedy)
