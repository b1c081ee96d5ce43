"""What the projections promise on real photos: the clothing catalogue, by the default encoder."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import orjson
import pytest
from django.core.management import call_command
from numpy.typing import NDArray

from catalog.demo.drawing import KINDS, draw_product
from recommender.encoder.preprocess import image_to_pixels
from recommender.encoder.serving import encoder_for
from recommender.evaluation.rank import Contestant, score
from recommender.models import Encoder
from recommender.projection.apply import Projection
from recommender.projection.fit import fit_learned, fit_pca
from recommender.projection.statistics import Statistics
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import SwitchRefused, activate
from tests.recommender.spaces.gallery import Clothing, add_photos

pytestmark = [pytest.mark.photos, pytest.mark.django_db]

HALVES = 3


def fitted(kind: str, features: NDArray[np.float32], classes: NDArray[np.int32]) -> Projection:
    order = np.argsort(classes, kind="stable")
    statistics = Statistics(features.shape[1])
    statistics.add(features[order], classes[order] if kind == "learned" else None)
    return fit_learned(statistics, 128) if kind == "learned" else fit_pca(statistics, 256)


def figures(projection: Projection, features: NDArray[np.float32], classes: NDArray[np.int32]) -> NDArray[np.float64]:
    """P@10 and mAP@50 over the photos, leave-one-out."""
    everyone = np.arange(len(features))
    scores = score(Contestant("space", projection(features)), queries=everyone, classes=classes, groups=everyone)
    return np.array([scores.values["p@10"].mean(), scores.values["map@50"].mean()])


def test_three_random_halves(clothing: Clothing, capsys: pytest.CaptureFixture[str]) -> None:
    features, classes = clothing.features, clothing.classes
    found: dict[str, list[NDArray[np.float64]]] = {}
    for seed in range(HALVES):
        order = np.random.default_rng(seed).permutation(len(features))
        fit, judge = order[: len(order) // 2], order[len(order) // 2 :]
        kinds = {
            "plain": Projection(),
            "pca": fitted("pca", features[fit], classes[fit]),
            "learned": fitted("learned", features[fit], classes[fit]),
        }
        for name, projection in kinds.items():
            found.setdefault(name, []).append(figures(projection, features[judge], classes[judge]))
    means = {name: np.mean(values, axis=0) for name, values in found.items()}
    with capsys.disabled():
        print("\n" + ", ".join(f"{name} {p10:.3f}/{average:.3f}" for name, (p10, average) in means.items()))
    assert (means["pca"] >= means["plain"] - 0.01).all()
    assert means["learned"][0] >= means["plain"][0] + 0.08
    assert means["learned"][1] >= 1.4 * means["plain"][1]


def test_the_judgement_and_the_guard_on_real_photos(clothing: Clothing, clothing_encoder: Encoder) -> None:
    """Learned is wholly above PCA on seen classes and is activated."""
    ensure_first_space(encoder=clothing_encoder)
    add_photos(clothing_encoder, clothing.features, clothing.categories)
    space = build_space(SpaceOptions(encoder=clothing_encoder, projection="learned"))
    low, gain, _ = space.quality["differences"]["pca"]["seen"]
    assert low > 0.05 < gain
    assert space.quality["differences"]["pca"]["unseen"][1] < 0.05
    assert activate(space.name).space == space


def test_labels_shuffled_at_random_are_refused(clothing: Clothing, clothing_encoder: Encoder) -> None:
    ensure_first_space(encoder=clothing_encoder)
    kinds = np.random.default_rng(0).permutation(clothing.categories).tolist()
    add_photos(clothing_encoder, clothing.features, kinds)
    space = build_space(SpaceOptions(encoder=clothing_encoder, projection="learned"))
    with pytest.raises(SwitchRefused, match="not wholly above 0"):
        activate(space.name)


def test_a_space_fitted_on_another_catalogue_is_refused(clothing: Clothing, clothing_encoder: Encoder) -> None:
    """Fitted on drawn demo products, then the clothing comes: a learned space is for the classes it knows."""
    ensure_first_space(encoder=clothing_encoder)
    encoder = encoder_for(clothing_encoder)
    drawn = [(kind, seed) for kind in KINDS for seed in range(6)]
    pictures = (image_to_pixels(draw_product(kind, seed, 160), side=encoder.side) for kind, seed in drawn)
    features = np.stack([encoder.features(pixels) for pixels in pictures])
    add_photos(clothing_encoder, features, [f"Drawn > {kind}" for kind, _ in drawn], prefix="drawn")
    space = build_space(SpaceOptions(encoder=clothing_encoder, projection="learned", dimensions=32))
    add_photos(clothing_encoder, clothing.features, clothing.categories)
    with pytest.raises(SwitchRefused, match="it was made for another catalogue"):
        activate(space.name)


def test_evaluate_prints_and_writes_what_the_active_space_is_worth(
    clothing: Clothing, clothing_encoder: Encoder, tmp_path: Path
) -> None:
    ensure_first_space(encoder=clothing_encoder)
    add_photos(clothing_encoder, clothing.features, clothing.categories, paths=clothing.paths)
    call_command("spaces", "build", "--projection", "pca", "--dims", "256", stdout=io.StringIO())
    call_command("spaces", "activate", "pca-256", stdout=io.StringIO())
    out = io.StringIO()
    call_command("evaluate", "--json", str(tmp_path / "f.json"), "--report", str(tmp_path / "f.html"), stdout=out)
    text = out.getvalue()
    assert "All photos, leave-one-out by category: 1192 queries of 1192 photos" in text
    printed = {
        way: float(re.search(rf"^{way} +\S+ ±\S+ +(\S+) ±", text, re.M)[1])
        for way in ("through the index", "by exact search", "colour histogram")
    }  # type: ignore[index]
    assert printed["through the index"] >= 0.69
    assert printed["by exact search"] == pytest.approx(printed["through the index"], abs=0.01)
    assert 0.15 < printed["colour histogram"] < 0.25
    written = orjson.loads((tmp_path / "f.json").read_bytes())
    assert written["live"]["systems"]["index"]["p@10"][1] == pytest.approx(printed["through the index"], abs=0.0006)
    assert written["held_out"]["systems"].keys() == {"space", "pca", "plain", "histogram"}
    page = (tmp_path / "f.html").read_text()
    assert page.count("data:image/jpeg;base64,") > 200
    assert "http" not in re.sub(r"data:image[^\"]+", "", page)
