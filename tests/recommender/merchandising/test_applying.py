"""Rulings, counting and their application: by several processes at once, interrupted, and in shops that had no hashes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.test import Client
from PIL import Image
from pytest_django import Settings

from catalog.models import Product, ProductImage
from recommender import tasks
from recommender.encoder.stored_features import features_of
from recommender.index import stored
from recommender.index.stored import vectors_of
from recommender.locks import counting_placeholders
from recommender.merchandising.placeholders import UnknownPhoto, rule
from recommender.merchandising.recognition import recognise
from recommender.models import ImageFeatures, PhotoHash, Placeholder, PlaceholderFile, Space
from recommender.pictures.hashes import SAME_WITHIN_BITS, bits_apart, forget_gone
from recommender.pipeline import gallery
from recommender.pipeline.embed import work
from recommender.pipeline.withholding import Applied, apply, sweep, update
from recommender.search import cache
from recommender.spaces.fill import missing_vectors, write_unchanged
from tests.catalog.factories import make_image, photo_bytes
from tests.recommender.merchandising.shop import (
    any_features,
    any_files,
    coming_soon,
    hashed,
    re_encoded,
    saved,
    stock,
)
from tests.recommender.search.gallery import make_space
from tests.waiting import wait_until

Ruling = Placeholder.Ruling


@pytest.fixture
def few(settings: Settings) -> None:
    """A picture on more than three groups is a placeholder."""
    settings.PLACEHOLDER_ABOVE_GROUPS = 3


@pytest.fixture
def space(db: None, few: None) -> Space:
    return make_space()


def with_vectors(space: Space, digest: str) -> int:
    images = list(ProductImage.objects.filter(digest=digest).values_list("pk", flat=True))
    return len(vectors_of(space=space, image_ids=images))


def test_a_person_rules_a_photo_a_placeholder_and_takes_it_back(space: Space) -> None:
    one, other = any_files(space, 2)
    stock(space, [[one], [one], [other]])
    rule(digest=one.digest, ruling=Ruling.PLACEHOLDER)
    assert update() == Applied(withheld=2, returned=0)
    assert (with_vectors(space, one.digest), with_vectors(space, other.digest)) == (0, 1)
    rule(digest=one.digest, ruling=Ruling.NONE)
    assert update() == Applied(withheld=0, returned=2)
    assert with_vectors(space, one.digest) == 2
    assert not Placeholder.objects.exists()


def test_a_person_rules_a_placeholder_a_photo_like_any_other(space: Space) -> None:
    (one,) = any_files(space, 1)
    stock(space, [[one]] * 4)
    assert update(thoroughly=True) == Applied(withheld=4, returned=0)
    rule(digest=one.digest, ruling=Ruling.PHOTO)
    assert update(thoroughly=True) == Applied(withheld=0, returned=4)
    picture = Placeholder.objects.get()
    assert (picture.found, picture.is_placeholder, picture.groups) == (True, False, 4)
    stock(space, [[one]])
    assert update(thoroughly=True) == Applied(0, 0) and with_vectors(space, one.digest) == 5
    rule(digest=one.digest, ruling=Ruling.NONE)
    assert update() == Applied(withheld=5, returned=0)


def test_a_ruling_holds_for_every_file_of_the_picture(space: Space) -> None:
    seen = any_features(space, 1, np.random.default_rng(1))[0]
    files = [hashed(data, seen) for data in re_encoded()[:3]]
    stock(space, [[file] for file in files])
    rule(digest=files[2].digest, ruling=Ruling.PLACEHOLDER)
    assert update() == Applied(withheld=3, returned=0)
    rule(digest=files[0].digest, ruling=Ruling.PHOTO)
    assert update() == Applied(withheld=0, returned=3)
    assert Placeholder.objects.count() == 1


def test_a_file_of_no_photo_cannot_be_ruled_on(space: Space) -> None:
    with pytest.raises(UnknownPhoto, match="no photo has a file of the digest 'nobody'"):
        rule(digest="nobody", ruling=Ruling.PLACEHOLDER)


def test_products_of_one_group_count_once(space: Space) -> None:
    (one,) = any_files(space, 1)
    stock(space, [[one]] * 6, groups=["a", "a", "a", "b", "", ""])
    assert update(thoroughly=True) == Applied(withheld=6, returned=0)
    assert Placeholder.objects.get().groups == 4
    Product.objects.filter(group="").update(group="b")
    assert update() == Applied(withheld=0, returned=6)


def test_blank_pictures_are_told_apart_by_their_features(space: Space) -> None:
    """Every picture of one colour has the same hashes."""
    blank = [saved(Image.new("RGB", (300, 200), colour), quality=90) for colour in ("white", "grey")]
    seen = any_features(space, 2, np.random.default_rng(2))
    white, grey = (hashed(data, features) for data, features in zip(blank, seen, strict=True))
    stock(space, [[white]] * 3 + [[grey]] * 2)
    assert white.hashes == grey.hashes
    assert update(thoroughly=True) == Applied(0, 0)
    stock(space, [[white]])
    assert update(thoroughly=True) == Applied(withheld=4, returned=0)
    assert with_vectors(space, grey.digest) == 2


def test_a_picture_whose_first_file_goes_is_represented_by_another(space: Space) -> None:
    seen = any_features(space, 1, np.random.default_rng(1))[0]
    one, other = (hashed(data, seen) for data in re_encoded()[:2])
    stock(space, [[one]] * 5 + [[other]] * 4)
    update(thoroughly=True)
    assert Placeholder.objects.get().digest == one.digest
    Product.objects.filter(images__digest=one.digest).delete()
    assert update() == Applied(0, 0)
    assert Placeholder.objects.get().digest == other.digest
    assert Placeholder.objects.get().groups == 4


def test_photos_of_many_groups_are_looked_at_again_when_there_are_more(space: Space) -> None:
    (one,) = any_files(space, 1)
    stock(space, [[one]] * 3)
    from recommender.merchandising import counting

    for expected in (Applied(0, 0), Applied(4, 0)):
        counting.rest.begin(0)
        assert update() == expected
        stock(space, [[one]])


def test_an_interrupted_removal_and_an_interrupted_return_are_gone_on_with(space: Space) -> None:
    (one,) = any_files(space, 1)
    stock(space, [[one]] * 6)
    images = list(ProductImage.objects.order_by("pk").values_list("pk", flat=True))
    update(thoroughly=True)
    before = Placeholder.objects.get()
    PlaceholderFile.objects.update(withheld=False)  # killed before the file was marked
    assert apply() == Applied(withheld=6, returned=0)
    Placeholder.objects.update(ruling=Ruling.PHOTO)
    assert apply() == Applied(withheld=0, returned=6)
    stored.delete(space=space, image_ids=images[:2])
    PlaceholderFile.objects.update(withheld=True)  # killed after four of six
    assert apply() == Applied(withheld=0, returned=6)
    assert with_vectors(space, one.digest) == 6 and Placeholder.objects.get().pk == before.pk


def test_one_process_counts_at_a_time(colour_space: Space, few: None) -> None:
    found: list[Applied | None] = []
    with counting_placeholders(wait=False) as alone:
        assert alone
        in_another_session(lambda: found.append(update())).join(20)
    assert found == [None]
    assert update() == Applied(0, 0)


def in_another_session(target: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            target()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_vector_that_is_being_written_while_its_picture_becomes_a_placeholder_does_not_stay(
    colour_space: Space, few: None
) -> None:
    (one,) = any_files(colour_space, 1)
    stock(colour_space, [[one]] * 3)
    (product,) = stock(colour_space, [[one]])
    late = product.images.get()
    stored.delete(space=colour_space, image_ids=[late.pk])
    prepared = gallery.prepare(
        colour_space.encoder, [gallery.EmbeddedPhoto(late.pk, product.pk, one.digest, one.features)]
    )
    found: list[Applied | None] = []
    with transaction.atomic():
        gallery.store(prepared)
        thread = in_another_session(lambda: found.append(update(thoroughly=True)))
        wait_until(lambda: waits_for_writers() == 1, what="the other session waiting for those who write vectors")
        assert Placeholder.objects.get().is_placeholder
    thread.join(20)
    assert found == [Applied(withheld=4, returned=0)]
    assert with_vectors(colour_space, one.digest) == 0
    with transaction.atomic():
        gallery.store(prepared)  # one who began later knows
    assert with_vectors(colour_space, one.digest) == 0
    known, _ = features_of(colour_space.encoder_id, [late.pk])
    assert write_unchanged(colour_space, known, prepared_vectors(prepared, colour_space)) == 0
    assert missing_vectors(colour_space).tolist() == []


def waits_for_writers() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return int(cursor.fetchone()[0])


def prepared_vectors(prepared: gallery.Prepared, space: Space) -> np.ndarray:
    return np.stack([row.vector for row in prepared.rows[space.pk]])


def test_photos_embedded_before_files_were_hashed_are_found_by_the_sweep(space: Space) -> None:
    seen = any_features(space, 1, np.random.default_rng(3))[0]
    files = []
    for data in re_encoded():
        file = hashed(data, seen)
        default_storage.save(f"{file.digest}.jpg", ContentFile(data))
        files.append(file)
    (gone,) = any_files(space, 1)  # its file cannot be read
    stock(space, [*([file] for file in files), [gone]], hashes=False)
    assert not PhotoHash.objects.exists()
    assert sweep() == Applied(withheld=6, returned=0)
    assert set(PhotoHash.objects.values_list("digest", flat=True)) == {file.digest for file in files}


def test_hashes_of_files_that_are_gone_are_swept(space: Space) -> None:
    kept, gone, represents = any_files(space, 3)
    stock(space, [[kept], [gone], [represents]])
    rule(digest=represents.digest, ruling=Ruling.PLACEHOLDER)
    Product.objects.filter(images__digest__in=[gone.digest, represents.digest]).delete()
    assert forget_gone() == 1
    assert set(PhotoHash.objects.values_list("digest", flat=True)) == {kept.digest, represents.digest}


@pytest.fixture
def real_shop(real_space: Space, few: None) -> Iterator[Space]:
    """Six photos and, on four products, a drawn placeholder in four files, embedded by a real encoder in this process."""
    for seed in range(6):
        make_image(data=photo_bytes(seed, size=(240, 240)))
    for data in re_encoded()[:4]:
        make_image(data=data)
    assert work(seconds=60).done == 10
    yield real_space


def test_a_real_encoder_and_real_hashes_find_the_picture(real_shop: Space, client: Client) -> None:
    assert PhotoHash.objects.count() == 10
    assert update(thoroughly=True) == Applied(withheld=4, returned=0)
    assert stored.count(space=real_shop) == 6
    again = make_image(data=re_encoded()[4])
    same = make_image(data=re_encoded()[0])
    assert work(seconds=60).done == 2
    assert stored.count(space=real_shop) == 6  # neither ever had a vector
    assert ImageFeatures.objects.filter(image__in=[again, same]).count() == 2
    assert update() == Applied(withheld=1, returned=0) and Placeholder.objects.get().groups == 6
    upload = ContentFile(saved(coming_soon(), quality=70), name="coming.jpg")
    body = client.post("/api/v1/search/image/", {"image": upload}).json()
    shown = {result["product"]["id"] for result in body["results"]}
    assert len(shown) == 6
    hidden = PlaceholderFile.objects.values("digest")
    assert shown.isdisjoint(ProductImage.objects.filter(digest__in=hidden).values_list("product", flat=True))
    Product.objects.filter(pk__in=[again.product_id, same.product_id]).delete()
    Product.objects.filter(pk=ProductImage.objects.filter(digest__in=hidden)[0].product_id).delete()
    assert update() == Applied(withheld=0, returned=3)
    assert stored.count(space=real_shop) == 9


def test_a_file_that_was_embedded_while_its_picture_became_known_is_found_later(space: Space) -> None:
    seen = any_features(space, 1, np.random.default_rng(1))[0]
    one, late = (hashed(data, seen) for data in re_encoded()[:2])
    stock(space, [[one]] * 4)
    assert update(thoroughly=True) == Applied(withheld=4, returned=0)
    stock(space, [[late]])  # as a worker does that did not know of the picture
    assert update(thoroughly=True) == Applied(withheld=1, returned=0)
    assert Placeholder.objects.get().groups == 5


def test_tasks_count_apply_and_forget_cached_answers(space: Space) -> None:
    (one,) = any_files(space, 1)
    stock(space, [[one]] * 4)
    epochs = [cache.look_up(space_id=space.pk, rules="", request=b"any")[1].epoch]
    counts = []
    for task in (tasks.find_placeholders, tasks.apply_rulings, tasks.sweep_hashes):
        task()
        counts.append(with_vectors(space, one.digest))
        epochs.append(cache.look_up(space_id=space.pk, rules="", request=b"any")[1].epoch)
        Placeholder.objects.update(ruling=Ruling.PHOTO)
    assert counts == [0, 4, 4]
    assert len(set(epochs)) == 3 and epochs[2] == epochs[3]


def test_a_copy_of_another_size_belongs_to_the_picture_though_the_encoder_sees_something_else(space: Space) -> None:
    """Cosines of .9, near hashes: the small copy is told by its small picture, a changed drawing is not. Also when it comes later."""
    seen = any_features(space, 1, np.random.default_rng(1))[0]
    directions = np.linalg.qr(np.stack([seen, *any_features(space, 2, np.random.default_rng(2))]).T)[0].T
    elsewhere, third = (np.sign(directions[0] @ seen) * directions[0] + 0.48 * one for one in directions[1:])
    changed = coming_soon(600)
    changed.paste((200, 40, 40), (150, 480, 450, 504))  # the bar in another colour
    large, small, other = (
        saved(coming_soon(600), quality=90), saved(coming_soon(300), quality=88), saved(changed, quality=90)
    )  # fmt: skip
    files = [hashed(large, seen), hashed(small, elsewhere), hashed(other, third)]
    assert all(
        bits_apart(*pair) <= SAME_WITHIN_BITS for pair in pairwise(np.array([f.hashes for f in files], np.uint64))
    )
    for file, data in zip(files, (large, small, other), strict=True):
        default_storage.save(f"{file.digest}.jpg", ContentFile(data))
    stock(space, [[files[0]] for _ in range(4)])
    stock(space, [[files[1]], [files[2]]])
    assert update(thoroughly=True) == Applied(withheld=5, returned=0)
    assert set(PlaceholderFile.objects.values_list("digest", flat=True)) == {files[0].digest, files[1].digest}
    late = hashed(saved(coming_soon(280), quality=80), elsewhere)
    default_storage.save(f"{late.digest}.jpg", ContentFile(saved(coming_soon(280), quality=80)))
    stock(space, [[late]])
    recognise(
        space.encoder,
        {late.digest: late.hashes, files[2].digest: files[2].hashes},
        {late.digest: elsewhere, files[2].digest: third},
    )
    assert PlaceholderFile.objects.filter(digest=late.digest).exists()
    assert not PlaceholderFile.objects.filter(digest=files[2].digest).exists()
