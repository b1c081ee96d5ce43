"""Judging a space on held-out photos, beside a rival, the plain encoder, PCA and a colour histogram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from recommender.evaluation.contestants import contestants
from recommender.evaluation.label_names import checked_labels, label_columns
from recommender.evaluation.labels import LabelledPhotos, Labelling, read_photos
from recommender.evaluation.planner_statistics import refresh_statistics
from recommender.evaluation.rank import relevant_of, score, scored
from recommender.evaluation.scores import Scores
from recommender.evaluation.split import Split, near_duplicates, split_photos
from recommender.merchandising.placeholders import is_placeholder
from recommender.models import Space
from recommender.progress import Progress, silent
from recommender.records.fit import Fit

DEFAULT_LABELS = "category"
MOST_QUERIES = 2000
_SEED = 7

# f: features, p: product, c: category; {labels} and {placeholder} are SQL.
_SIGNATURE = """
SELECT count(*), coalesce(sum(hashtextextended(i.digest || ' ' || {labels}, i.id)::numeric), 0)
FROM recommender_imagefeatures f JOIN catalog_productimage i ON i.id = f.image_id AND i.digest = f.digest
JOIN catalog_product p ON p.id = i.product_id LEFT JOIN catalog_category c ON c.id = p.category_id
WHERE f.encoder_id = %(encoder)s AND NOT {placeholder}
"""


@dataclass(frozen=True, eq=False)
class Judgement:
    """The queries that judge a space, and the scores of every contestant.

    `photos`: those that judge. `queries`: int64, rows of `photos`. `seen`: bool (queries,), whether the judged fit knew
    the query's class; None where nothing was fitted to labels. `scores`: by contestant, `space` among them.
    `fitted_on`: photos on the training side. `each_label`: of several labels, scores of the same rankings by each.
    """

    space: Space
    rival: Space | None
    labels: str
    signature: str
    photos: LabelledPhotos
    queries: NDArray[np.int64]
    seen: NDArray[np.bool_] | None
    fitted_on: int
    known_share: float
    scores: Mapping[str, Scores] = field(default_factory=dict)
    each_label: Mapping[str, Mapping[str, Scores]] = field(default_factory=dict)

    @property
    def groups(self) -> NDArray[np.int64]:
        """Duplicate groups of the queries, int64 (queries,)."""
        return self.photos.groups[self.queries]


def labels_of(space: Space) -> str:
    """The labels a space is judged by: those it was built for, else categories."""
    return space.labels or DEFAULT_LABELS


def judge(space: Space, *, rival: Space | None, labels: str | None = None, progress: Progress = silent) -> Judgement:
    """Judge the fit on the training side of a space by held-out photos, with the labels they have now.

    `rival` is another space that answers the same queries: the active one, where it is not this one.
    Without two held-out photos of one class there are no queries and no scores. Raises UnknownLabels.
    """
    labels = checked_labels(labels) if labels else labels_of(space)
    refresh_statistics()
    encoders = list(dict.fromkeys([space.encoder_id, rival.encoder_id if rival else space.encoder_id]))
    signature = catalogue_signature(space, labels)
    fit = space.fit or Fit()
    everyone = read_photos(encoders=encoders, labels=labels, since=fit.last_features)
    split = split_photos(everyone, encoder_id=space.encoder_id, labels=labels, progress=progress)
    photos = everyone.taken(_without_leaks(everyone, split, space, fit, progress))
    # Photos of one product are each other's answers where that is the label; else they are no test.
    groups = np.arange(len(photos)) if labels == "product" else photos.groups
    queries = _queries(photos, groups)
    known = _known_classes(space, fit, photos.names, labels)
    labelled = everyone.classes[everyone.classes >= 0]
    scores: dict[str, Scores] = {}
    if len(queries):
        training_ids = everyone.image_ids[_beside(everyone, split, known)]
        asked = contestants(
            space, rival=rival, judged_ids=photos.image_ids, training_ids=training_ids, progress=progress
        )
        for number, contestant in enumerate(asked):
            scores[contestant.name] = score(contestant, queries=queries, classes=photos.classes, groups=groups)
            progress("ranking held-out photos", number + 1, len(asked))
    return Judgement(
        space=space,
        rival=rival,
        labels=labels,
        signature=signature,
        photos=photos,
        queries=queries,
        seen=None if known is None else known[photos.classes[queries]],
        fitted_on=int(split.training.sum()),
        known_share=1.0 if known is None or not len(labelled) else _named_share(space, fit, everyone, labelled),
        scores=scores,
        each_label={one.label: _scored_by(one, scores, queries, groups) for one in photos.each if scores},
    )


def catalogue_signature(space: Space, labels: str) -> str:
    """Changes when photos of the space's encoder come, go or change their label: then a judgement is stale."""
    columns, parameters = label_columns(labels)
    texts = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            _SIGNATURE.format(labels=texts, placeholder=is_placeholder("i.digest")),
            {"encoder": space.encoder_id, **parameters},
        )
        count, total = cursor.fetchone()
    return f"{labels} {count} {total}"


def _without_leaks(
    everyone: LabelledPhotos, split: Split, space: Space, fit: Fit, progress: Progress
) -> NDArray[np.bool_]:
    """Only photos judge that the judged fit held out, and later ones that do not resemble what it learned from.

    A photo changes sides when its product joins another group or its file is shared: what was learned from stays so.
    """
    if space.projection in Space.UNFITTED:
        return split.judged
    held_out = np.isin(everyone.image_ids, np.array(fit.held_out or (), np.int64))
    judged: NDArray[np.bool_] = split.judged & (everyone.new | held_out)
    late = judged & everyone.new
    if not late.any():
        return judged
    earlier = everyone.image_ids[~held_out & ~everyone.new]
    leaks, _ = near_duplicates(space.encoder_id, everyone.image_ids[late], earlier, progress=progress)
    return judged & ~np.isin(everyone.image_ids, leaks)


def _scored_by(
    one: Labelling, scores: Mapping[str, Scores], queries: NDArray[np.int64], groups: NDArray[np.int64]
) -> dict[str, Scores]:
    """Who shares the classes of several labels shares those of each: every query has somebody to find."""
    return {
        name: scored(conjunction.ranked, queries=queries, classes=one.classes, groups=groups)
        for name, conjunction in scores.items()
    }


def _queries(photos: LabelledPhotos, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Photos that have somebody to find, at most MOST_QUERIES, drawn by a fixed seed."""
    everyone = np.arange(len(photos))
    if not len(everyone):
        return everyone
    asking = everyone[relevant_of(everyone, photos.classes, groups) > 0]
    return np.sort(np.random.default_rng(_SEED).permutation(asking)[:MOST_QUERIES])


def _beside(everyone: LabelledPhotos, split: Split, known: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """The photos on which the PCA beside a space is fitted: those of the judged fit, so without the classes it never saw."""
    if known is None or not known.any():
        return split.training
    return split.training & (everyone.classes >= 0) & known[everyone.classes]


def _known_classes(space: Space, fit: Fit, names: list[str], labels: str) -> NDArray[np.bool_] | None:
    """Which classes the judged fit of a learned space knew; None for other spaces and by other labels."""
    if space.projection != Space.Kind.LEARNED or labels != space.labels:
        return None
    known = set(fit.judged_classes or ())
    return np.array([name in known for name in names], bool)


def _named_share(space: Space, fit: Fit, everyone: LabelledPhotos, labelled: NDArray[np.int32]) -> float:
    """Share of the labelled photos whose class the served fit has seen; products are never the same twice."""
    if space.labels == "product":
        return 1.0
    fitted = set(fit.classes or ())
    named = np.array([name in fitted for name in everyone.names], bool)
    return float(named[labelled].mean())
