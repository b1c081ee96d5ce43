"""Near-duplicates: real pictures, changed as shops change them, in a space whose vectors say who is a candidate."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import orjson
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from PIL import Image, ImageOps

from catalog.models import Product, ProductImage
from catalog.photos.reading import decode_photo
from recommender.pictures import hashes as photo_hashes
from recommender.pictures.hashes import SAME_WITHIN_BITS, bits_apart, hashes_of
from tests.catalog.factories import photo_bytes
from tests.recommender.search.gallery import Shop, random_units, unit

VECTORS = random_units(30, seed=8)


def picture(seed: int) -> Image.Image:
    return decode_photo(io.BytesIO(photo_bytes(seed, size=(320, 240))))


def add(shop: Shop, vector: object, image: Image.Image, **fields: object) -> Product:
    """A product whose photo has a real file."""
    product = shop.add(vector, **fields)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    for photo in product.images.all():
        name = default_storage.save(f"photos/{photo.pk}.jpg", ContentFile(buffer.getvalue()))
        ProductImage.objects.filter(pk=photo.pk).update(file=name)
    return product


def near(vector: np.ndarray, by: float = 0.05) -> np.ndarray:
    return unit(vector + by * np.roll(vector, 1))


@pytest.mark.parametrize("change", ["jpeg", "half", "mirrored", "cut", "bright"])
def test_a_changed_copy_keeps_its_hash_and_another_picture_does_not(change: str) -> None:
    for seed in range(5):
        image = picture(seed)
        width, height = image.size
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=50)
        changed = {
            "jpeg": decode_photo(io.BytesIO(buffer.getvalue())),
            "half": image.resize((width // 2, height // 2)),
            "mirrored": ImageOps.mirror(image),
            "cut": image.crop((16, 12, 304, 228)),
            "bright": image.point(lambda value: min(255, int(value * 1.1))),
        }[change]
        assert bits_apart(hashes_of(image), hashes_of(changed)) <= SAME_WITHIN_BITS
        assert bits_apart(hashes_of(image), hashes_of(picture(seed + 100))) > SAME_WITHIN_BITS


def test_duplicates_of_a_product(client: Client, shop: Shop) -> None:
    asking = add(shop, VECTORS[0], picture(1), group="own")
    copy = add(shop, near(VECTORS[0], 0.1), ImageOps.mirror(picture(1)))
    closer = add(shop, near(VECTORS[0], 0.02), picture(1).resize((160, 120)))
    add(shop, near(VECTORS[0], 0.03), picture(2))  # near in features, another picture
    add(shop, near(VECTORS[0], 0.01), picture(1), group="own")  # a variant shares photos
    add(shop, near(VECTORS[0], 0.01), picture(1), published=False)
    add(shop, VECTORS[5], picture(1))  # the same picture, but its features are far
    body = client.get(f"/api/v1/products/{asking.pk}/duplicates/").json()
    assert [result["product"]["id"] for result in body["results"]] == [closer.pk, copy.pk]
    assert body["query"] == {"product": asking.pk, "image": "all"} and body["status"] == "ready"
    expected = float(shop.vectors[shop.photos(asking)[0]] @ shop.vectors[shop.photos(closer)[0]])
    assert body["results"][0]["score"] == pytest.approx(expected, abs=1e-3)
    assert body["results"][0]["distance"] == pytest.approx(1 - expected, abs=1e-3)
    strict = client.get(f"/api/v1/products/{asking.pk}/duplicates/?threshold=0.999").json()
    assert [result["product"]["id"] for result in strict["results"]] == [closer.pk]
    for query, parameter in (("threshold=2", "threshold"), ("brand=x", "brand"), ("limit=0", "limit")):
        response = client.get(f"/api/v1/products/{asking.pk}/duplicates/?{query}")
        assert (response.status_code, response.json()["parameter"]) == (400, parameter)
    assert client.get("/api/v1/products/999999999/duplicates/").status_code == 404


def test_a_group_of_copies_fills_one_place_though_each_photo_meets_another_of_it(client: Client, shop: Shop) -> None:
    asking = add(shop, VECTORS[:2], picture(1))
    farther = add(shop, near(VECTORS[0], 0.05), picture(1), group="g")
    closer = add(shop, near(VECTORS[1], 0.02), picture(1), group="g")
    alone = add(shop, near(VECTORS[0], 0.1), picture(1))
    found = client.get(f"/api/v1/products/{asking.pk}/duplicates/").json()["results"]
    assert [result["product"]["id"] for result in found] == [closer.pk, alone.pk]
    assert farther.pk not in [result["product"]["id"] for result in found]


def test_more_copies_than_candidates_are_all_found(client: Client, shop: Shop) -> None:
    asking = add(shop, VECTORS[0], picture(1))
    copies = [add(shop, near(VECTORS[0], 0.001 * i), picture(1)) for i in range(25)]
    body = client.get(f"/api/v1/products/{asking.pk}/duplicates/?limit=100").json()
    assert {result["product"]["id"] for result in body["results"]} == {one.pk for one in copies}


def test_the_catalogue_is_searched_and_each_pair_told_once(shop: Shop, tmp_path: Path) -> None:
    one, two = add(shop, VECTORS[0], picture(1), sku="A"), add(shop, near(VECTORS[0]), picture(1), sku="B")
    three, four = add(shop, VECTORS[1], picture(2), sku="C"), add(shop, near(VECTORS[1], 0.02), picture(2), sku="D")
    add(shop, near(VECTORS[1], 0.03), picture(7), sku="E")
    add(shop, VECTORS[2], picture(3), group="g")
    add(shop, VECTORS[2], picture(3), group="g")
    for vector in VECTORS[3:]:
        shop.add(vector)
    out, file = io.StringIO(), tmp_path / "pairs.csv"
    call_command("find_duplicates", json=True, csv=str(file), stdout=out)
    found = orjson.loads(out.getvalue())
    assert found["threshold"] == 0.94 and found["photos"] == len(shop.owner)
    assert [(pair["sku"], pair["other_sku"]) for pair in found["pairs"]] == [("C", "D"), ("A", "B")]
    assert found["pairs"][0]["cosine"] > found["pairs"][1]["cosine"] > 0.94
    assert {pair["image"] for pair in found["pairs"]} == {shop.photos(one)[0], shop.photos(three)[0]}
    assert {pair["other_image"] for pair in found["pairs"]} == {shop.photos(two)[0], shop.photos(four)[0]}
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["sku"], row["other_sku"]) for row in rows] == [("C", "D"), ("A", "B")]
    out = io.StringIO()
    call_command("find_duplicates", threshold=0.9995, stdout=out)
    assert out.getvalue().splitlines() == [
        f"C  photo {shop.photos(three)[0]}  =  D  photo {shop.photos(four)[0]}   cosine 1.000, 0 bits",
        f"1 clusters, 1 pairs among {len(shop.owner)} photos at a cosine of 0.9995",
    ]


def test_a_photo_that_cannot_be_read_is_named_and_spoils_no_other_pair(shop: Shop) -> None:
    add(shop, VECTORS[0], picture(1), sku="A")
    add(shop, near(VECTORS[0]), picture(1), sku="B")
    lost = add(shop, near(VECTORS[0], 0.02), picture(1), sku="C")
    default_storage.delete(lost.images.get().file.name)
    out = io.StringIO()
    with pytest.raises(CommandError, match=f"photo {lost.images.get().pk}: "):
        call_command("find_duplicates", stdout=out)
    assert "A  photo" in out.getvalue() and "1 pairs" in out.getvalue()


def test_hashes_are_kept_by_content(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    product = add(shop, VECTORS[0], picture(1))
    image = shop.photos(product)[0]
    first, _ = photo_hashes.photo_hashes([image])
    default_storage.delete(product.images.get().file.name)
    again, unreadable = photo_hashes.photo_hashes([image])
    assert np.array_equal(first[image], again[image]) and not unreadable


@pytest.mark.parametrize("threshold", ["2", "x", "-1"])
def test_a_bad_threshold_is_refused(db: None, threshold: str) -> None:
    with pytest.raises(CommandError, match="no number from 0 to 1"):
        call_command("find_duplicates", f"--threshold={threshold}")
