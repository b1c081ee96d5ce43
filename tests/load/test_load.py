"""A build, an activation and a retirement under constant load: `make load` does it longer and with real encoders."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection, connections

from catalog.models import Product, ProductImage
from recommender.index import partitions
from recommender.models import Encoder, ImageFeatures, Space
from recommender.spaces import active as spaces
from recommender.spaces import first as first_space
from recommender.spaces.build import build_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import activate, retire
from tests.load import judge
from tests.load.expected import truths_of
from tests.load.storefront import Storefront
from tests.load.web import web_server
from tests.recommender.spaces.gallery import add_photos, class_features, encoder_row
from tests.workers import process_environment

RATE, LIMIT = 50.0, 6


class Uploads(threading.Thread):
    """Photos of a product that is not published come and go all the while: no answer shows them, every space holds them."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.stored = 0
        self._encoder = encoder

    def run(self) -> None:
        try:
            while not self.stop.wait(0.05):
                features = class_features(1, 2, seed=1000 + self.stored)[0]
                images = add_photos(self._encoder, features, prefix=f"hidden-{self.stored}", published=False)
                if self.stored % 3 == 0:
                    images[0].product.delete()
                self.stored += 1
        finally:
            connections.close_all()


@pytest.mark.long
@pytest.mark.usefixtures("transactional_db")
def test_no_gap_no_error_and_no_mixed_answer(tmp_path: Path) -> None:
    spaces.forget_active_space()
    encoder = encoder_row()
    first = first_space.ensure_first_space(encoder=encoder)
    features, classes = class_features(10, 24)
    add_photos(encoder, features, [f"Things > kind {code}" for code in classes])
    asked = list(Product.objects.filter(published=True).order_by("pk").values_list("pk", flat=True))[::8]
    truths = {first.name: truths_of(first, asked, limit=LIMIT)}
    uploads = Uploads(encoder)
    environment = process_environment(WEB_PROCESSES="2", WEB_THREADS="4", HTTPS="false", OPENBLAS_NUM_THREADS="1")
    with web_server(environment, tmp_path / "web.log") as url:
        storefront = Storefront(url, asked, rate=RATE, limit=LIMIT)
        storefront.start()
        uploads.start()
        try:
            before = first
            for options in (
                SpaceOptions(encoder=encoder, projection="pca", dimensions=16),
                SpaceOptions(encoder=encoder, projection="learned", dimensions=8),
                SpaceOptions(encoder=encoder, projection="pca", dimensions=12, metric="l2"),
            ):
                space = build_space(options)
                truths[space.name] = truths_of(space, asked, limit=LIMIT)
                activate(space.name, force=True)
                storefront.wait_until_answered_by(space.name)
                retire(before.name)
                before = space
        finally:
            uploads.stop.set()
            uploads.join(10)
            storefront.stop()
    assert judge.wrong(storefront.asked, truths) == []
    assert judge.unnoticed(storefront.asked, truths) == []
    assert storefront.spaces_in_order() == ["plain", "pca-16", "learned-8", "pca-12-l2"]
    assert len(storefront.asked) >= 0.9 * RATE * storefront.seconds
    assert uploads.stored > 5
    _holds_every_photo(before)
    partitions.drop_partition(before)


def _holds_every_photo(space: Space) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT image_id FROM recommender_imagevector WHERE space_id = %s ORDER BY 1", [space.pk])
        held = [image_id for (image_id,) in cursor.fetchall()]
    assert held == list(ProductImage.objects.order_by("pk").values_list("pk", flat=True))
    assert ImageFeatures.objects.count() == len(held)
