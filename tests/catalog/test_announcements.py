"""Every write of products and photos is announced once, with what it may have hidden."""

from __future__ import annotations

import pytest
from django.core import serializers

from catalog import announce
from catalog.models import ProductImage
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_image, make_product

pytestmark = pytest.mark.django_db


def test_a_new_product_and_a_change_of_price_hide_nothing(heard: Heard) -> None:
    product = make_product()
    product.price = 5
    product.save()
    assert heard.changed == [([product.pk], False), ([product.pk], False)]


@pytest.mark.parametrize(("field", "value"), [("published", False), ("group", "other")])
def test_unpublishing_and_regrouping_hide(heard: Heard, field: str, value: object) -> None:
    product = make_product(group="one")
    heard.clear()
    setattr(product, field, value)
    product.save()
    assert heard.changed == [([product.pk], True)]


def test_deleting_a_product_hides_it(heard: Heard) -> None:
    product = make_product()
    pk = product.pk
    heard.clear()
    product.delete()
    assert heard.changed == [([pk], True)]


def test_a_new_photo_is_announced_and_a_deleted_one_hides(heard: Heard) -> None:
    image = make_image(product := make_product())
    assert heard.stored == [([image.pk], "upload")]
    heard.clear()
    image.delete()
    assert (heard.stored, heard.changed) == ([], [([product.pk], True)])


def test_moving_a_photo_within_its_product_is_no_new_photo(heard: Heard) -> None:
    image = make_image()
    heard.clear()
    image.position = 4
    image.save()
    assert (heard.stored, heard.changed) == ([], [([image.product_id], False)])


def test_moving_a_photo_to_another_product_hides_both(heard: Heard) -> None:
    image, other = make_image(), make_product()
    before = image.product_id
    heard.clear()
    image.product = other
    image.save()
    assert heard.changed == [([before, other.pk], True)]


def test_fixtures_are_not_announced(heard: Heard) -> None:
    image = make_image()
    text = serializers.serialize("json", [image.product, image])
    heard.clear()
    for row in serializers.deserialize("json", text):
        row.save()
    assert (heard.stored, heard.changed) == ([], [])


def test_announcements_together_are_merged_and_hidden_wins(heard: Heard) -> None:
    product, other = make_product(), make_product()
    heard.clear()
    with announce.together(priority="import"):
        first = make_image(product)
        with announce.together():
            second = make_image(other)
        first.delete()
        third = make_image(product)
    ids = [image.pk for image in (second, third)]
    [(stored, priority)] = heard.stored
    assert ([pk for pk in stored if pk in ids], priority) == (ids, "import")
    assert heard.changed == [([product.pk], True), ([other.pk], False)]


def test_nothing_is_announced_of_writes_that_failed(heard: Heard) -> None:
    with pytest.raises(ZeroDivisionError), announce.together():
        make_product()
        raise ZeroDivisionError
    assert heard.changed == []
    assert ProductImage.objects.count() == 0
