"""How strongly a learned space learns is chosen by what it does to classes that were left out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender.records.fit import ChosenShrinkage
from recommender.spaces.shrinkage import DRAWS, MOST_LOSS, SHRINKAGES, Teaching, choose, sample
from tests.recommender.spaces.gallery import class_features, forgetting_features


def teaching(features: NDArray[np.float32], classes: NDArray[np.int32]) -> Teaching:
    return Teaching(features, classes, families=classes.astype(np.int64), groups=np.arange(len(classes)))


def chosen(features: NDArray[np.float32], classes: NDArray[np.int32], dimensions: int) -> ChosenShrinkage:
    return choose(teaching(features, classes), dimensions=dimensions)


def test_where_strong_learning_forgets_a_gentler_one_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    features, classes = forgetting_features()
    found = chosen(features, classes, features.shape[1])
    assert found.seen is not None and found.unseen is not None
    assert 0.1 < found.value < 0.9 and (found.draws, found.photos) == (DRAWS, 300)
    assert found.seen.low > 0.05 and found.unseen.mean >= -MOST_LOSS
    # The next stronger one would gain more and lose too much.
    monkeypatch.setattr("recommender.spaces.shrinkage.SHRINKAGES", SHRINKAGES[SHRINKAGES.index(found.value) + 1 :][:1])
    stronger = chosen(features, classes, features.shape[1])
    assert stronger.seen is not None and stronger.unseen is not None
    assert stronger.seen.mean > found.seen.mean and stronger.unseen.mean < -MOST_LOSS


def test_where_nothing_is_forgotten_the_strongest_is_chosen() -> None:
    found = chosen(*class_features(10, 24), 24)
    assert found.value == SHRINKAGES[-1] == 0.1
    assert found.seen is not None and found.seen.low > 0.3
    assert found.unseen is not None and found.unseen.low > 0.2


def test_of_few_dimensions_the_gentle_ones_that_lose_do_not_end_the_search() -> None:
    """Six dimensions of 24 cut off what PCA finds; only by learning strongly are they the right six."""
    found = chosen(*class_features(10, 24), 6)
    assert found.value == 0.1 and found.unseen is not None and found.unseen.low > 0.1


def test_labels_that_are_noise_gain_next_to_nothing() -> None:
    features, classes = class_features(10, 24)
    found = chosen(features, np.random.default_rng(0).permutation(classes), 24)
    assert found.seen is not None and found.seen.mean < 0.01
    assert found.unseen is not None and abs(found.unseen.mean) <= MOST_LOSS


def test_where_every_shrinkage_forgets_the_least_harmful_is_told() -> None:
    features, classes = forgetting_features(common=0.0)
    found = chosen(features, classes, 4)
    assert found.unseen is not None and found.unseen.mean < -3 * MOST_LOSS


def test_products_are_chosen_by_those_left_out_alone() -> None:
    features, classes = class_features(60, 4)
    found = choose(teaching(features, classes), dimensions=24, always_unseen=True)
    assert found.seen is None and found.unseen is not None and found.unseen.low > 0.1


def test_a_family_is_left_out_as_a_whole() -> None:
    """Two colours of each kind: a kind left out is met in neither colour, so what is lost is what a new kind would lose."""
    features, kinds = forgetting_features()
    colours = np.arange(len(kinds)) % 2
    both = (kinds * 2 + colours).astype(np.int32)
    wholes = choose(Teaching(features, both, kinds.astype(np.int64), np.arange(len(kinds))), dimensions=56)
    halves = choose(Teaching(features, both, both.astype(np.int64), np.arange(len(kinds))), dimensions=56)
    assert wholes.value > halves.value


def test_the_same_photos_give_the_same_choice() -> None:
    features, classes = forgetting_features()
    assert chosen(features, classes, 24) == chosen(features, classes, 24)


def test_two_classes_are_left_out_in_turn() -> None:
    assert chosen(*class_features(2, 20), 24).draws == DRAWS


def test_photos_alone_in_their_class_cannot_teach() -> None:
    with pytest.raises(ValueError, match="no class has two photos"):
        chosen(class_features(1, 20)[0], np.arange(20, dtype=np.int32), 8)


def test_a_large_training_side_is_sampled_class_by_class() -> None:
    classes = np.repeat([0, 1, 2], [9000, 900, 6]).astype(np.int32)
    rows = np.arange(len(classes))
    taken = sample(classes, rows, 1000)
    assert np.bincount(classes[taken]).tolist() == [900, 94, 5]
    assert np.array_equal(taken, np.unique(taken))
    assert np.array_equal(sample(classes, rows, len(rows)), rows)


def test_of_very_many_classes_whole_ones_are_left_away() -> None:
    classes = np.repeat(np.arange(4000), 3).astype(np.int32)
    taken = sample(classes, np.arange(len(classes)), 3000)
    counts = np.bincount(classes[taken], minlength=4000)
    assert len(taken) == 3000 and set(counts.tolist()) == {0, 3}
