"""Reasons not to activate a space: photos or an index that are missing, and its figures on held-out photos."""

from __future__ import annotations

from dataclasses import dataclass, field

from recommender.evaluation.judging import catalogue_signature, labels_of
from recommender.evaluation.label_names import split_labels
from recommender.index.registry import vector_index
from recommender.models import Space
from recommender.records.fit import ChosenShrinkage
from recommender.records.quality import Quality
from recommender.records.reading import Interval
from recommender.spaces.features import without_features
from recommender.spaces.fill import missing_vectors
from recommender.spaces.shrinkage import MOST_LOSS

# The least share of labelled photos whose class a learned space was fitted on; below, it is of another catalogue.
LEAST_KNOWN = 0.5
_AGAIN = "build a new one on this catalogue"


@dataclass
class Verdict:
    """`objections` refuse the switch unless it is forced; `warnings` do not."""

    objections: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def completeness(space: Space, active: Space | None) -> list[str]:
    """Why the space could not answer for every photo."""
    found = []
    if space.state == Space.State.BUILDING:
        found.append(f"it is still being built: `spaces build --resume {space.name}`")
    if missing := len(missing_vectors(space)):
        found.append(f"{missing} photos have no vector in it")
    if active is not None and (lacking := without_features(space.encoder, active.encoder)):
        found.append(
            f"{lacking} photos that are searched now were not embedded with {space.encoder.name}: "
            "`embed_images --wait` shows why"
        )
    if not vector_index().ready(space=space):
        found.append("its index is not valid: build the space again")
    return found


def is_stale(space: Space, active: Space | None) -> bool:
    """Whether the kept judgement is of other photos, other labels or another active space than now."""
    judged = space.judged
    if judged is None or judged.active != (active.name if active and active.pk != space.pk else None):
        return True
    labels = labels_of(space)
    return judged.judged_by != labels or judged.signature != catalogue_signature(space, labels)


def verdict(space: Space) -> Verdict:
    """What the kept judgement says.

    `learned` must be wholly above `pca` (paired bootstrap of mAP@50, 95 %) on held-out photos of classes it knew, by
    their labels as they are now, and must not lose more than MOST_LOSS on classes it did not know (`_judge_forgetting`).
    Products are never seen twice, so a space learned from them is judged on products it did not see.

    Any other must not be wholly below the active space: as a whole where both weigh colour alike, else by the shape parts
    alone, for labels such as categories know no colours.
    """
    judged = space.judged
    found = Verdict()
    if space.projection == Space.Kind.LEARNED:
        _judge_learned(space, judged, found)
    elif judged is not None:
        _judge_other(judged, found)
    return found


def _judge_learned(space: Space, judged: Quality | None, found: Verdict) -> None:
    part = "unseen" if space.labels == "product" else "seen"
    differences = judged.differences.get("pca", {}) if judged else {}
    gain = differences.get(part)
    known_share = judged.known_share if judged else 0.0
    if known_share < LEAST_KNOWN:
        found.objections.append(
            f"only {known_share:.0%} of the labelled photos are of classes it was fitted on: it was made "
            f"for another catalogue; {_AGAIN}"
        )
    if gain is None:
        found.objections.append(
            f"no held-out photo is of a class it was fitted on, so nothing shows that it is better than pca; {_AGAIN}"
        )
    elif not gain.low > 0:
        found.objections.append(
            f"on held-out photos of {part} classes its mAP@50 differs from pca by {_words(gain)}, which is not wholly above 0: "
            "its labels do not say what looks alike; use --projection pca"
        )
    if part == "seen":
        _judge_forgetting(space.fit.shrinkage if space.fit else None, _loss(judged), found)


def _loss(judged: Quality | None) -> Interval | None:
    """On classes that the judged fit has not seen; of several labels by the first, whose classes it was that were left out."""
    if judged is None:
        return None
    by_first = judged.each_label.get(split_labels(judged.judged_by)[0], judged)
    return by_first.differences.get("pca", {}).get("unseen")


def _judge_forgetting(chosen: ChosenShrinkage | None, loss: Interval | None, found: Verdict) -> None:
    """Whether it forgets what it was not taught. Two measurements say so, and neither alone is enough.

    The shrinkage was chosen by the mean over draws in which each class was left out (`chosen`): no class is missing in it,
    but it was looked at while choosing. The judged fit knows nothing of a fifth of the classes (`loss`): nobody looked at
    those, but in a small catalogue they are two or three, and their loss may be far from that of the rest. So the mean
    over the draws refuses, and so do the classes of the judged fit where they are surely beyond MOST_LOSS; a fit without
    draws, of an earlier version, has the latter alone, and is refused by its mean.
    """
    drawn = chosen.unseen if chosen else None
    if chosen is not None and drawn is not None and drawn.mean < -MOST_LOSS:
        found.objections.append(
            f"on classes left out while its shrinkage was chosen mAP@50 differed from pca by {_words(drawn)}, by every other "
            f"shrinkage by more, and at most {MOST_LOSS} may be lost: it forgets what it is not taught; use --projection pca"
        )
    if loss is None:
        return
    said = f"on classes that it has not seen its mAP@50 differs from pca by {_words(loss)}"
    if (loss.mean if drawn is None else loss.high) < -MOST_LOSS:
        found.objections.append(f"{said}, and at most {MOST_LOSS} may be lost; {_AGAIN}, or use --projection pca")
    elif loss.mean < 0:
        found.warnings.append(said)


def _judge_other(judged: Quality, found: Verdict) -> None:
    compared = "active_shape" if "active_shape" in judged.differences else "active"
    change = judged.differences.get(compared, {}).get("overall")
    if change is None:
        if judged.active:
            found.warnings.append("it was not compared with the active space: too few photos have labels")
    elif change.high < 0:
        found.objections.append(
            f"on held-out photos its mAP@50 differs from that of the active space {judged.active} by {_words(change)}, "
            "wholly below 0"
        )


def _words(change: Interval) -> str:
    low, mean, high = change
    return f"{mean:+.3f} (95 %: {low:+.3f} to {high:+.3f})"
