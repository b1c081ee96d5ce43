"""What becomes of the rows of photos by URL when a file arrives, the first or a new one."""

from __future__ import annotations

import hashlib

import pytest

from catalog.models import PhotoOrigin, Product, ProductImage
from catalog.photos.fetch import Fetched
from catalog.photos.fetched import replace_fetched, store_fetched
from catalog.photos.reading import PhotoError
from catalog.photos.store import digest_of
from catalog.photos.validators import Validators
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_image, make_product, photo_bytes

pytestmark = pytest.mark.django_db
SAID, LATER = Validators('"1"', "Sun, 01 Nov 2026 10:00:00 GMT", 5), Validators('"2"', "", 6)
A, B = "https://shop.example/a.jpg", "https://shop.example/b.jpg"


def said(image: ProductImage) -> Validators:
    origin = PhotoOrigin.objects.get(image=image)
    return Validators(origin.etag, origin.last_modified, origin.length)


def by_url(product: Product, url: str = A, seed: int | None = None, position: int = 0) -> ProductImage:
    """A photo by URL, fetched already if it has a seed."""
    image = ProductImage.objects.create(product=product, source_url=url, position=position)
    if seed is not None:
        assert store_fetched(image, Fetched(photo_bytes(seed), SAID)) is not None
        image.refresh_from_db()
    return image


def photos(product: Product) -> list[tuple[int, str, str]]:
    return [(image.pk, image.source_url, image.digest) for image in product.images.all()]


def digest(seed: int) -> str:
    return digest_of(photo_bytes(seed))


def test_a_fetched_photo_is_stored_without_being_announced_as_new(heard: Heard) -> None:
    image = ProductImage.objects.create(product=make_product(), source_url="https://shop.example/a.jpg")
    assert heard.stored == [([image.pk], "upload")]
    heard.clear()
    stored = store_fetched(image, Fetched(photo_bytes(3), SAID))
    assert stored is not None and stored.digest == hashlib.sha256(photo_bytes(3)).hexdigest()
    assert said(image) == SAID
    assert ProductImage.objects.get(pk=image.pk).file.name == stored.file.name
    assert (heard.stored, heard.changed) == ([], [([image.product_id], False)])


def test_a_fetched_photo_of_a_row_that_is_gone_or_moved_on_is_dropped() -> None:
    image = ProductImage.objects.create(product=make_product(), source_url="https://shop.example/a.jpg")
    late = ProductImage.objects.get(pk=image.pk)
    ProductImage.objects.filter(pk=image.pk).update(source_url="https://shop.example/b.jpg")
    assert store_fetched(late, Fetched(photo_bytes(3))) is None
    Product.objects.all().delete()
    assert store_fetched(late, Fetched(photo_bytes(3))) is None


def test_the_row_of_a_fetched_photo_that_the_product_has_already_is_deleted() -> None:
    image = make_image(seed=3)
    by_url = ProductImage.objects.create(product=image.product, source_url="https://shop.example/a.jpg")
    assert store_fetched(by_url, Fetched(photo_bytes(3))) is None
    assert ProductImage.objects.get() == image


def test_a_photo_goes_when_its_successor_is_stored(heard: Heard) -> None:
    product = make_product()
    old, other = by_url(product, A, 1), by_url(product, "https://shop.example/c.jpg", 2, position=1)
    new = by_url(product, B)
    ProductImage.objects.filter(pk=old.pk).update(successor=new)
    heard.clear()
    assert store_fetched(new, Fetched(photo_bytes(3))) is not None
    assert photos(product) == [(new.pk, B, digest(3)), (other.pk, "https://shop.example/c.jpg", digest(2))]
    assert (heard.stored, heard.changed) == ([], [([product.pk], True)])


def test_a_photo_that_only_moved_to_another_url_stays_with_its_features(heard: Heard) -> None:
    product = make_product()
    old = by_url(product, A, 1)
    new = by_url(product, B, position=4)
    ProductImage.objects.filter(pk=old.pk).update(successor=new)
    heard.clear()
    assert store_fetched(new, Fetched(photo_bytes(1), LATER)) is None
    assert photos(product) == [(old.pk, B, digest(1))]
    old.refresh_from_db()
    assert (old.successor, old.position, said(old), heard.stored) == (None, 4, LATER, [])


def test_what_cannot_be_a_photo_takes_none_away() -> None:
    product = make_product()
    old, new = by_url(product, A, 1), by_url(product, B)
    ProductImage.objects.filter(pk=old.pk).update(successor=new)
    for write in (lambda: store_fetched(new, Fetched(b"<html>")), lambda: replace_fetched(old, Fetched(b"<html>"))):
        with pytest.raises(PhotoError):
            write()
    assert photos(product) == [(old.pk, A, digest(1)), (new.pk, B, "")]


def test_a_new_photo_behind_an_old_url_takes_the_old_ones_row(heard: Heard) -> None:
    product = make_product()
    image = by_url(product, A, 1, position=3)
    ProductImage.objects.filter(pk=image.pk).update(alt="A hat")
    heard.clear()
    assert replace_fetched(image, Fetched(photo_bytes(2), LATER))
    assert photos(product) == [(image.pk, A, digest(2))]
    image.refresh_from_db()
    assert (image.position, image.alt, said(image)) == (3, "A hat", LATER)
    assert (heard.stored, heard.changed) == ([([image.pk], "import")], [([product.pk], True)])
    heard.clear()
    assert not replace_fetched(image, Fetched(photo_bytes(2), SAID))
    assert (heard.stored, heard.changed, said(image)) == ([], [], SAID)


def test_a_new_photo_that_the_product_has_already_is_not_shown_twice() -> None:
    product = make_product()
    image, other = by_url(product, A, 1), by_url(product, B, 2)
    assert replace_fetched(image, Fetched(photo_bytes(2)))
    assert photos(product) == [(other.pk, B, digest(2))]


def test_a_new_photo_that_is_on_its_way_out_elsewhere_stays() -> None:
    product = make_product()
    image, leaving = by_url(product, A, 1), by_url(product, B, 2)
    waited = by_url(product, "https://shop.example/c.jpg")
    ProductImage.objects.filter(pk=leaving.pk).update(successor=waited)
    assert replace_fetched(image, Fetched(photo_bytes(2)))
    assert photos(product) == [(image.pk, A, digest(2)), (waited.pk, "https://shop.example/c.jpg", "")]


def test_a_row_that_was_given_a_file_meanwhile_keeps_it() -> None:
    product = make_product()
    image = by_url(product, A, 1)
    late = ProductImage.objects.get(pk=image.pk)
    ProductImage.objects.filter(pk=image.pk).update(source_url="")
    assert not replace_fetched(late, Fetched(photo_bytes(2)))
    assert photos(product) == [(image.pk, "", digest(1))]
    product.delete()
    assert not replace_fetched(late, Fetched(photo_bytes(2)))
