"""What the commands `spaces` and `evaluate` do and say of one shop, which is written once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError
from pytest_django import DjangoDbBlocker, Settings

from catalog.models import ProductImage
from recommender.encoder.store import save_encoder
from recommender.models import Space
from recommender.spaces.first import ensure_first_space
from tests.recommender.compiled import compiled_encoder
from tests.recommender.spaces.gallery import add_photos, class_features, widened, with_colours
from tests.recommender.spaces.test_command import ENCODER, run
from tests.shared_rows import shared_rows


def _fill() -> Space:
    """The real encoder's row with drawn features: commands find encoders by name."""
    encoder = save_encoder(compiled_encoder(ENCODER))
    space = ensure_first_space(encoder=encoder)
    features, classes = class_features(8, 30)
    rows = with_colours(widened(features, encoder.dimensions), classes % 3)
    add_photos(encoder, rows, [f"Things > kind {code}" for code in classes])
    return space


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Space]:
    yield from shared_rows(django_db_blocker, _fill)


@pytest.fixture
def drawn_shop(db: None, kept: Space, settings: Settings) -> Space:
    settings.ENCODER = ENCODER
    return Space.objects.get(pk=kept.pk)


def test_build_list_activate_evaluate_retire(drawn_shop: Space, tmp_path: Path) -> None:
    built = run(
        "spaces", "build", "--encoder", ENCODER, "--projection", "learned", "--dims", "16", "--labels", "category"
    )
    assert "Space learned-16 is complete: `spaces activate learned-16` switches to it." in built
    assert re.search(
        r"^Shrinkage 0\.\d+, chosen on [\d,]+ photos by leaving classes out 5 times: mAP@50 against pca", built, re.M
    )
    assert "unseen classes" in built and "colour histogram" in built
    assert run("spaces", "activate", "learned-16").startswith("Space learned-16 answers now.")
    assert run("spaces", "activate", "learned-16") == "Space learned-16 is active already.\n"
    listed = orjson.loads(run("spaces", "list", "--json"))["spaces"]
    assert [(space["name"], space["state"]) for space in listed] == [("learned-16", "active"), ("basis-256", "ready")]
    assert "learned (category)" in run("spaces", "list")
    judged = orjson.loads(run("spaces", "evaluate", "learned-16", "--json"))
    assert judged["systems"]["space"]["seen"]["p@10"][1] > judged["systems"]["plain"]["seen"]["p@10"][1]
    assert "All photos, leave-one-out by category: 240 queries of 240 photos" in run(
        "evaluate", "--json", str(tmp_path / "f.json")
    )
    assert run("spaces", "retire", "basis-256").startswith("Space basis-256 is retired")
    assert Space.objects.get(name="basis-256").state == Space.State.RETIRED


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "--projection", "learned", "--labels", "brand"], "no photo has this label.*use --projection pca"),
        (["build", "--projection", "pca", "--dims", "5000"], "--dims 5000"),
        (["build", "--encoder", "efficientnet-b9"], "there is no encoder 'efficientnet-b9'"),
        (["build", "--encoder", "efficientnet-b0"], "run `manage.py compile_encoder efficientnet-b0`"),
        (["build", "--resume", "nothing"], "there is no space 'nothing'"),
        (
            ["build", "--projection", "pca", "--dims", "16", "--metric", "l2", "--index", "binary"],
            "there are: hnsw with",
        ),
        (["activate", "nothing"], "there is no such space"),
        (["retire", "basis-256"], "it is active"),
        (["evaluate", "nothing"], "there is no complete space 'nothing'"),
    ],
)
def test_what_is_wrong_is_said(drawn_shop: Space, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run("spaces", *arguments)
    assert Space.objects.count() == 1


def test_products_as_labels_are_judged_by_held_out_photos(drawn_shop: Space) -> None:
    """On a page of answers a product never meets itself, so only held-out photos can tell."""
    images = list(ProductImage.objects.order_by("pk"))
    for image, other in zip(images[::2], images[1::2], strict=True):
        ProductImage.objects.filter(pk=other.pk).update(product=image.product_id)
    shown = run("evaluate", "--labels", "product")
    assert "By product no page of answers can be judged" in shown and "plain encoder" in shown


def test_a_folder_that_is_not_there_is_said_before_anything_is_measured(drawn_shop: Space) -> None:
    for option in ("--report", "--json"):
        with pytest.raises(CommandError, match=f"{option} /no/such/f: there is no such folder"):
            run("evaluate", option, "/no/such/f")
