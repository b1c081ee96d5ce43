"""What the projections promise on real photos: the clothing catalogue, by the default encoder."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from numpy.typing import NDArray
from pytest_django import DjangoDbBlocker, Settings

from catalog.models import Product
from recommender.encoder.store import save_encoder
from recommender.evaluation.rank import Contestant, score
from recommender.models import Encoder
from recommender.projection.apply import Projection
from recommender.projection.fit import fit_learned, fit_pca
from recommender.projection.statistics import Statistics
from recommender.spaces.build import build_space
from recommender.spaces.first import ensure_first_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.shrinkage import Teaching, choose
from recommender.spaces.switch import SwitchRefused, activate
from tests.recommender.compiled import compiled_encoder
from tests.recommender.spaces.gallery import CLOTHING, Clothing, add_photos, read_clothing
from tests.shared_rows import shared_rows

pytestmark = [pytest.mark.photos, pytest.mark.django_db]

HALVES = 3
SHAPE = 1280  # numbers of a row of features that are the network's; those after them count colours


@pytest.fixture(scope="module")
def kept(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The clothing in the first space of the default encoder, written once; the folder of its photos."""
    media = tmp_path_factory.mktemp("media")

    def fill() -> Path:
        encoder = save_encoder(compiled_encoder(settings.ENCODER))
        ensure_first_space(encoder=encoder)
        clothing = read_clothing(encoder)
        with override_settings(MEDIA_ROOT=str(media)):
            add_photos(encoder, clothing.features, clothing.categories, paths=clothing.paths)
        return media

    if not CLOTHING.exists():
        pytest.skip(f"the real photos are not here: {CLOTHING} does not exist")
    yield from shared_rows(django_db_blocker, fill)


@pytest.fixture
def shop(db: None, kept: Path, settings: Settings) -> Encoder:
    """Its encoder."""
    settings.MEDIA_ROOT = str(kept)
    return Encoder.objects.get()


def gathered(features: NDArray[np.float32], classes: NDArray[np.int32]) -> Statistics:
    order = np.argsort(classes, kind="stable")
    statistics = Statistics(features.shape[1])
    statistics.add(features[order], classes[order])
    return statistics


def figures(
    projection: Projection, features: NDArray[np.float32], classes: NDArray[np.int32], asking: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """P@10 and mAP@50 of the photos that are `asking`, leave-one-out."""
    everyone = np.arange(len(features))
    vectors = Contestant("space", projection(features))
    scores = score(vectors, queries=everyone[asking], classes=classes, groups=everyone)
    return np.array([scores.values["p@10"].mean(), scores.values["map@50"].mean()])


def test_random_halves(clothing: Clothing, capsys: pytest.CaptureFixture[str]) -> None:
    """Each class is left out of one of five fits: it hardly loses by what the others teach, and those that teach gain."""
    features, classes = clothing.features[:, :SHAPE], clothing.classes
    dealt = np.random.default_rng(0).permutation(classes.max() + 1) % 5
    found: dict[str, list[NDArray[np.float64]]] = {}
    shrinkages = []
    for part in range(HALVES):
        unseen = dealt[classes] == part
        order = np.random.default_rng(part).permutation(len(features))
        fit, judge = order[: len(order) // 2], order[len(order) // 2 :]
        fit = fit[~unseen[fit]]
        taught = Teaching(
            features[fit], classes[fit], families=classes[fit].astype(np.int64), groups=np.arange(len(fit))
        )
        shrinkages.append(choose(taught, dimensions=192).value)
        statistics = gathered(features[fit], classes[fit])
        kinds = {
            "plain": Projection(),
            "pca": fit_pca(statistics, 192),
            "learned": fit_learned(statistics, 192, shrinkages[-1]),
        }
        for name, projection in kinds.items():
            for side, asking in (("seen", ~unseen[judge]), ("unseen", unseen[judge])):
                one = figures(projection, features[judge], classes[judge], asking)
                found.setdefault(f"{name} {side}", []).append(one)
    means = {name: np.mean(values, axis=0) for name, values in found.items()}
    with capsys.disabled():
        shown = ", ".join(f"{name} {p10:.3f}/{average:.3f}" for name, (p10, average) in means.items())
        print(f"\n{shrinkages}: {shown}")
    for side in ("seen", "unseen"):
        assert (means[f"pca {side}"] >= means[f"plain {side}"] - 0.01).all()
    assert means["learned seen"][1] >= means["pca seen"][1] + 0.04
    assert means["learned unseen"][1] >= means["pca unseen"][1] - 0.01


def test_the_judgement_and_the_guard_on_real_photos(shop: Encoder) -> None:
    """What teaches gains, what was left out hardly loses, on the photos that chose and on those that judge."""
    space = build_space(SpaceOptions(encoder=shop, projection="learned", dimensions=192))
    judged, fit = space.judged, space.fit
    assert judged is not None and fit is not None and fit.shrinkage is not None
    changes = judged.differences["pca"]
    assert fit.shrinkage.seen is not None and fit.shrinkage.seen.low > 0.04
    assert fit.shrinkage.unseen is not None and fit.shrinkage.unseen.mean >= -0.01
    assert changes["seen"].mean > 0.03 and changes["seen"].low > 0
    assert changes["unseen"].high >= -0.01  # of two classes alone
    assert activate(space.name).space == space


@pytest.mark.long  # on drawn features: tests/recommender/spaces/test_switch.py
def test_labels_shuffled_at_random_are_refused(shop: Encoder) -> None:
    products = list(Product.objects.order_by("pk"))
    kinds = np.random.default_rng(0).permutation([product.category_id for product in products]).tolist()
    for product, kind in zip(products, kinds, strict=True):
        product.category_id = kind
    Product.objects.bulk_update(products, ["category"])
    space = build_space(SpaceOptions(encoder=shop, projection="learned"))
    with pytest.raises(SwitchRefused, match="not wholly above 0"):
        activate(space.name)


def test_evaluate_prints_and_writes_what_the_active_space_is_worth(shop: Encoder, tmp_path: Path) -> None:
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
    assert written["held_out"]["systems"].keys() == {"space", "shape", "colour", "pca", "plain", "histogram"}
    page = (tmp_path / "f.html").read_text()
    assert page.count("data:image/jpeg;base64,") > 200
    assert "http" not in re.sub(r"data:image[^\"]+", "", page)
