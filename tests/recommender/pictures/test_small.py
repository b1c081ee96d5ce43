"""Small pictures tell copies of another size from pictures that are merely alike."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageDraw
from pytest_django import DjangoAssertNumQueries

from catalog.models import Product, ProductImage
from recommender.models import PhotoHash
from recommender.pictures.small import same_but_for_size, small_picture, small_pictures
from tests.recommender.merchandising.shop import coming_soon

RESAMPLINGS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)


def faint(strength: float, text: str = "no photo yet") -> Image.Image:
    """Words and a frame on white; at .3 the darkest pixel of 16 × 16 is a twentieth below the ground."""
    image = Image.new("RGB", (600, 600), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((150, 120, 450, 360), outline=(120, 120, 120), width=10)
    draw.ellipse((240, 180, 360, 300), outline=(120, 120, 120), width=10)
    draw.text((300, 460), text, fill=(100, 100, 100), font_size=48, anchor="mm")
    return Image.blend(Image.new("RGB", image.size, "white"), image, strength)


def copies(image: Image.Image) -> list[np.ndarray]:
    files = [image, *(image.resize((side, side), how) for side in (200, 300, 450, 900) for how in RESAMPLINGS)]
    found = [small_picture(image)]
    for file in files:
        for quality in (60, 88):
            buffer = io.BytesIO()
            file.save(buffer, "JPEG", quality=quality)
            found.append(small_picture(Image.open(buffer)))
    return found


@pytest.mark.parametrize("picture", [faint(1.0), faint(0.3), coming_soon(600)], ids=["thin", "faint", "grey"])
def test_copies_of_any_size_are_the_same(picture: Image.Image) -> None:
    found = copies(picture)
    assert all(same_but_for_size(one, other) for one in found for other in found)


def test_other_pictures_are_not() -> None:
    small = small_picture(faint(0.3))
    assert not same_but_for_size(small, small_picture(Image.new("RGB", (300, 300), "white")))
    assert not same_but_for_size(small, small_picture(faint(0.6)))
    assert not same_but_for_size(small_picture(coming_soon(600)), small_picture(faint(1.0)))
    tinted = Image.blend(coming_soon(600), Image.new("RGB", (600, 600), (250, 210, 210)), 0.15)
    assert not same_but_for_size(small_picture(coming_soon(600)), small_picture(tinted))


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert (small_picture(clear) == 255).all()


@pytest.mark.django_db
def test_files_are_read_once_and_no_more_than_asked(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    digests = [f"{number:064x}" for number in range(4)]
    product = Product.objects.create(sku="S", title="S")
    buffer = io.BytesIO()
    coming_soon(300).save(buffer, "PNG")
    for digest in digests[:3]:
        name = default_storage.save(f"{digest}.png", ContentFile(buffer.getvalue()))
        ProductImage.objects.bulk_create([ProductImage(product=product, digest=digest, file=name, width=4, height=3)])
        PhotoHash.objects.create(digest=digest, hashes=[1, 2, 3, 4])
    first = small_pictures(digests[::-1], most=2)  # the last has no hashes
    assert sorted(first) == digests[1:3] and all(one.shape == (16, 16, 3) for one in first.values())
    assert list(PhotoHash.objects.filter(small=None).values_list("digest", flat=True)) == digests[:1]
    default_storage.delete(f"{digests[0]}.png")
    assert sorted(small_pictures(digests, most=9)) == digests[1:3]  # one cannot be read
    with django_assert_num_queries(1):
        again = small_pictures(digests[1:3], most=9)
    assert all(np.array_equal(again[digest], first[digest]) for digest in digests[1:3])
