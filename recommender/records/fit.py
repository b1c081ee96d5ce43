"""What a space was fitted on, as its row keeps it in `fit_summary`.

A row may have been written by an earlier version: a key that it did not have is None here, and keys that this version
does not know are kept in `rest` and written back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from recommender.records.reading import (
    Interval,
    JsonObject,
    by_name,
    interval,
    many,
    moment,
    number,
    read_record,
    text,
    whole,
)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far the catalogue has moved since the fit.

    `photos`: that have features now. `new_share`: the share of them that was embedded since the fit, 0 to 1. `shift`:
    total variation distance between the categories' shares then and now, 0 (the same) to 1. `proposal`: what to do,
    None where nothing is to be done.
    """

    measured_at: datetime
    photos: int
    new_share: float
    shift: float
    proposal: str | None
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Drift:
        """Raises recommender.records.reading.Wrong."""
        given = JsonObject(value)
        return cls(
            measured_at=given.need("measured_at", moment),
            photos=given.need("photos", whole),
            new_share=given.need("new_share", number),
            shift=given.need("shift", number),
            proposal=given.may("proposal", text),
            rest=given.rest,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `from_json` reads."""
        return {
            "measured_at": self.measured_at.isoformat(),
            "photos": self.photos,
            "new_share": self.new_share,
            "shift": self.shift,
            "proposal": self.proposal,
            **self.rest,
        }


@dataclass(frozen=True, kw_only=True)
class ChosenShrinkage:
    """The shrinkage of a learned projection and what it was chosen by.

    `draws`: how often classes were left out; `photos`: that were looked at, of the training side. `seen`, `unseen`:
    difference of mAP@50 from PCA on held-out photos of classes that taught the fit, and on photos of classes left out,
    means over the draws with their 95 % bootstrap intervals; None where no photo could say. Of several labels classes of
    the first are left out, and by that one they are judged.
    """

    value: float
    draws: int
    photos: int
    seen: Interval | None
    unseen: Interval | None
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> ChosenShrinkage:
        """Raises recommender.records.reading.Wrong."""
        given = JsonObject(value)
        return cls(
            value=given.need("value", number),
            draws=given.need("draws", whole),
            photos=given.need("photos", whole),
            seen=given.may("seen", interval),
            unseen=given.may("unseen", interval),
            rest=given.rest,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `from_json` reads."""
        return {
            "value": self.value,
            "draws": self.draws,
            "photos": self.photos,
            "seen": self.seen and self.seen.as_json(),
            "unseen": self.unseen and self.unseen.as_json(),
            **self.rest,
        }


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A fit, or that nothing had to be fitted. Without a fit a space takes no vectors.

    `judged_photos`: photos of the training side, on which the judged projection was fitted; `held_out`: ids of those that
    it never saw. `labelled`: photos with a label. `classes`, `judged_classes`, `unseen_classes`: names of the classes
    that the served fit knew, that the judged fit knew, that were kept from it. `asked`: index parameters as they were
    asked for, before the index chose more. `photos`, `makeup`: photos with features, all and by category (slug, "" for
    none). `shrinkage`: of a learned projection, the judged and the served one. `last_features`: the largest id of features
    that the fit may have seen. `refit_refused_at_photos`: how many photos there were when a refit was refused last.
    `improved_at_photos`: how many there were when the product looked for a better space by itself last, with this one
    active at the end.
    """

    judged_photos: int | None = None
    held_out: tuple[int, ...] | None = None
    labelled: int | None = None
    classes: tuple[str, ...] | None = None
    judged_classes: tuple[str, ...] | None = None
    unseen_classes: tuple[str, ...] | None = None
    shrinkage: ChosenShrinkage | None = None
    fitted_at: datetime | None = None
    asked: Mapping[str, int] | None = None
    photos: int | None = None
    makeup: Mapping[str, int] | None = None
    last_features: int | None = None
    drift: Drift | None = None
    refit_refused_at_photos: int | None = None
    improved_at_photos: int | None = None
    rest: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> Fit:
        """Raises recommender.records.reading.Wrong."""
        given = JsonObject(value)
        return cls(
            judged_photos=given.may("judged_photos", whole),
            held_out=given.may("held_out", many(whole)),
            labelled=given.may("labelled", whole),
            classes=given.may("classes", many(text)),
            judged_classes=given.may("judged_classes", many(text)),
            unseen_classes=given.may("unseen_classes", many(text)),
            shrinkage=given.may("shrinkage", ChosenShrinkage.from_json),
            fitted_at=given.may("fitted_at", moment),
            asked=given.may("asked", by_name(whole)),
            photos=given.may("photos", whole),
            makeup=given.may("makeup", by_name(whole)),
            last_features=given.may("last_features", whole),
            drift=given.may("drift", Drift.from_json),
            refit_refused_at_photos=given.may("refit_refused_at_photos", whole),
            improved_at_photos=given.may("improved_at_photos", whole),
            rest=given.rest,
        )

    def as_json(self) -> dict[str, object]:
        """The object that `from_json` reads; what is None is left out."""
        known = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "rest"}
        return {name: _json(value) for name, value in known.items() if value is not None} | dict(self.rest)


def read_fit(value: object, *, space: str) -> Fit | None:
    """The record of `Space.fit_summary`; None of an empty object: the fit is still to come. Raises MalformedRecord."""
    if value == {}:
        return None
    remedy = "build a new space in its place (`spaces build`)"
    return read_record(Fit.from_json, value, place=f"space {space}, fit_summary", remedy=remedy)


def read_parameters(value: object, *, space: str) -> dict[str, int]:
    """The index parameters of `Space.parameters`, by name. Raises MalformedRecord."""
    remedy = "build a new space in its place (`spaces build`)"
    return read_record(by_name(whole), value, place=f"space {space}, parameters", remedy=remedy)


def _json(value: object) -> object:
    if isinstance(value, Drift | ChosenShrinkage):
        return value.as_json()
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
