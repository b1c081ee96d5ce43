"""What is served instead of stored photos: the same picture, and nothing that tells where and by whom it was taken."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image, ImageCms, PngImagePlugin
from pytest_django import Settings

from catalog.derivatives import derivative_size
from catalog.models import ProductImage
from catalog.photos.decoder_pool import decoder_pool
from tests.catalog.factories import make_image
from tests.catalog.photos.failing_storage import failing
from tests.catalog.photos.files import encoded, noise
from tests.catalog.photos.test_profiles import swapped_profile
from tests.catalog.photos.test_views import body

pytestmark = pytest.mark.django_db

GPS, ARTIST, DESCRIPTION, ORIENTATION = 0x8825, 0x013B, 0x010E, 0x0112
SECRETS = (b"Jane Photographer", b"Elm Street", b"cellar", b"GPSLatitude")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a exif:GPSLatitude="60,10N" photoshop:City="Elm Street 7"/></x:xmpmeta>'
# Photoshop's block of IPTC records: the by-line (2:80).
IPTC = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x16\x1c\x02\x50\x00\x11Jane Photographer"


def exif(orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[ARTIST], tags[DESCRIPTION], tags[ORIENTATION] = "Jane Photographer", "taken in the cellar", orientation
    tags.get_ifd(GPS).update({1: "N", 2: (60.0, 10.0, 0.0), 3: "E", 4: (24.0, 56.0, 0.0)})
    return tags


def quarters(size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    """Red, green, blue and yellow from the upper left on, so that each way of turning it looks different."""
    width, height = size
    image = Image.new("RGB", size, "red")
    image.paste("green", (width // 2, 0, width, height // 2))
    image.paste("blue", (0, height // 2, width // 2, height))
    image.paste("yellow", (width // 2, height // 2, width, height))
    return image.convert(mode)


def told(format: str, orientation: int = 1) -> bytes:
    """A photo with everything in it that a format can tell beside the picture."""
    picture = quarters(mode="P" if format == "GIF" else "RGB")
    if format == "JPEG":
        data = encoded(picture, "JPEG", exif=exif(orientation), xmp=XMP, comment=b"Elm Street 7", quality=95)
        segment = b"\xff\xed" + (len(IPTC) + 2).to_bytes(2, "big") + IPTC
        return data[:2] + segment + data[2:] + b"a film behind the picture, of the cellar"
    if format == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Author", "Jane Photographer")
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
        return encoded(picture, "PNG", exif=exif(orientation), pnginfo=texts)
    if format == "GIF":
        return encoded(picture, "GIF", comment=b"Elm Street 7")
    if format == "TIFF":
        return encoded(picture, "TIFF", exif=exif(orientation))
    return encoded(picture, format, exif=exif(orientation), xmp=XMP, quality=95)


def served(client: Client, image: ProductImage) -> tuple[bytes, Image.Image]:
    """The derivative that the API names, as bytes and opened."""
    (shown,) = client.get(f"/api/v1/products/{image.product_id}/").json()["images"]
    response = client.get(shown["url"])
    data = body(response)
    assert response.status_code == 200, shown["url"]
    picture = Image.open(io.BytesIO(data))
    assert response["Content-Type"] == f"image/{(picture.format or '').lower()}"
    assert picture.size == (shown["width"], shown["height"])
    return data, picture


@pytest.mark.parametrize(
    ("format", "shown"),
    [("JPEG", "JPEG"), ("PNG", "PNG"), ("GIF", "PNG"), ("WEBP", "WEBP"), ("TIFF", "WEBP"), ("AVIF", "WEBP")],
)
def test_nothing_but_the_picture_is_served(client: Client, format: str, shown: str) -> None:
    original = told(format)
    assert any(secret in original for secret in SECRETS)
    image = make_image(data=original)
    for _ in ("made", "kept"):
        data, picture = served(client, image)
        assert picture.format == shown and data != original
        assert not any(secret in data for secret in SECRETS)
        assert not picture.getexif() and not picture.info.keys() & {"exif", "xmp", "comment", "photoshop", "Author"}
    with image.file.open() as file:
        assert file.read() == original  # what is embedded is what was given


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_the_picture_stands_upright_by_itself(client: Client, format: str, orientation: int) -> None:
    turned = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # Image.Transpose that turns it upright (CIPA DC-008)
    upright = quarters()
    if orientation > 1:
        upright = upright.transpose(Image.Transpose(turned[orientation]))
    _, picture = served(client, make_image(data=told(format, orientation)))
    assert picture.size == upright.size == ((48, 64) if orientation >= 5 else (64, 48))
    difference = np.abs(np.asarray(picture.convert("RGB")).astype(int) - np.asarray(upright))
    assert difference[4:-4, 4:-4].mean() < 12  # the borders of the quarters blur; a turn makes it more than 60


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_colours_are_those_of_the_profile(client: Client, format: str) -> None:
    picture = noise(8, 6).resize((64, 48), Image.Resampling.NEAREST)
    profile = swapped_profile()
    options = {"quality": 98} if format != "PNG" else {}
    image = make_image(data=encoded(picture, format, icc_profile=profile, **options))
    expected = ImageCms.profileToProfile(
        picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    )
    _, shown = served(client, image)
    assert "icc_profile" not in shown.info
    cells = np.asarray(shown.convert("RGB")).astype(int)[4::8, 4::8] - np.asarray(expected)[4::8, 4::8]
    assert np.abs(cells).mean() < {"PNG": 0.5, "JPEG": 12, "WEBP": 20}[format]


@pytest.mark.parametrize(("format", "shown"), [("PNG", "PNG"), ("WEBP", "WEBP"), ("TIFF", "WEBP"), ("GIF", "PNG")])
def test_transparency_is_kept(client: Client, format: str, shown: str) -> None:
    cutout = quarters().convert("RGBA")
    cutout.putalpha(Image.new("L", cutout.size, 255))
    cutout.paste((0, 0, 0, 0), (0, 0, 20, 48))
    _, picture = served(client, make_image(data=encoded(cutout, format)))
    alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    assert picture.format == shown and (alpha[:, :18] == 0).all() and (alpha[:, 22:] == 255).all()


@pytest.mark.parametrize(
    ("size", "format", "expected"),
    [
        ((3000, 1500), "JPEG", (2048, 1024)),
        ((1001, 4003), "JPEG", (512, 2048)),
        ((2048, 2048), "PNG", (2048, 2048)),
        ((5000, 5000), "PNG", (2048, 2048)),
        ((4095, 4095), "WEBP", (2048, 2048)),
        ((9000, 3), "PNG", (2048, 1)),
    ],
)
def test_large_photos_are_served_smaller_within_the_memory_of_a_decoder(
    client: Client, settings: Settings, size: tuple[int, int], format: str, expected: tuple[int, int]
) -> None:
    settings.PHOTO_SECONDS = 60.0
    flat = Image.new("RGB" if format == "JPEG" else "RGBA", size, (200, 30, 60))
    _, picture = served(client, make_image(data=encoded(flat, format)))
    assert picture.size == expected == derivative_size(*size)
    middle = np.asarray(picture.convert("RGB"))[expected[1] // 2, expected[0] // 2].astype(int)
    assert np.abs(middle - (200, 30, 60)).max() <= 4


def test_the_noisiest_photo_fits_into_a_derivative(client: Client) -> None:
    pixels = np.random.default_rng(1).integers(0, 2, (1200, 1600, 3), np.uint8) * 255
    _, picture = served(client, make_image(data=encoded(Image.fromarray(pixels), "JPEG", quality=98, subsampling=0)))
    assert picture.format == "JPEG" and picture.size == (1600, 1200)


@pytest.mark.parametrize(("extension", "shown"), [("jpg", "jpg"), ("png", "png"), ("heif", "webp"), ("tif", "webp")])
def test_addresses_of_stored_photos_lead_to_what_is_served(client: Client, extension: str, shown: str) -> None:
    digest = "ab" * 32
    response = client.get(f"/media/photos/ab/{digest}.{extension}")
    assert (response.status_code, response["Location"]) == (301, f"/media/photos/{digest}.{shown}")
    assert response["Cache-Control"] == "public, max-age=86400" and response.content == b""


def test_a_photo_stored_long_ago_is_made_once_and_then_kept(client: Client, settings: Settings) -> None:
    """As an installation has it that stored originals only: the row, the file, and the address that pages remember."""
    image = make_image(data=told("JPEG"))
    assert [*Path(settings.MEDIA_ROOT).iterdir()] == [Path(settings.MEDIA_ROOT) / "photos"]
    old = f"/media/{image.file.name}"
    first = client.get(old, follow=True)
    assert [first.redirect_chain, first.status_code] == [[(f"/media/photos/{image.digest}.jpg", 301)], 200]
    kept = f"derivatives/{image.digest[:2]}/{image.digest}.jpg"
    with default_storage.open(kept) as file:
        assert file.read() == first.content
    decoder_pool().close()
    with CaptureQueriesContext(connection) as queries:
        assert body(client.get(old, follow=True)) == first.content
    assert len(queries) == 0 and decoder_pool().processes() == []


def test_a_photo_has_one_derivative(client: Client) -> None:
    image = make_image()
    statuses = {
        extension: client.get(f"/media/photos/{image.digest}.{extension}").status_code
        for extension in ("jpg", "png", "webp")
    }
    assert statuses == {"jpg": 404, "png": 200, "webp": 404}


def test_a_photo_that_cannot_be_decoded_is_not_served_at_all(client: Client) -> None:
    data = encoded(noise(200, 200), "JPEG", exif=exif())
    image = make_image(data=data[: len(data) // 2])
    response = client.get(f"/media/photos/{image.digest}.jpg")
    assert (response.status_code, response["Cache-Control"]) == (404, "no-store")
    assert not any(secret in response.content for secret in SECRETS)


def test_what_storage_does_not_take_is_served_all_the_same(
    client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    image = make_image(data=told("WEBP"))
    failing(settings, "save", error="ENOSPC")
    pictures = [served(client, image)[0] for _ in range(3)]
    assert len(set(pictures)) == 1
    logged = [record.getMessage() for record in caplog.records if "made anew each time" in record.getMessage()]
    assert len(logged) == 1 and "No space left on device" in logged[0]


class StorageElsewhere(FileSystemStorage):
    """Files have addresses at another host, as those of a bucket have."""

    def url(self, name: str | None) -> str:
        return f"https://bucket.example/{name}"


def test_files_of_a_storage_elsewhere_are_named_to_nobody(
    client: Client, admin_client: Client, settings: Settings
) -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": f"{__name__}.StorageElsewhere"}}
    image = make_image(data=told("JPEG"))
    shown = client.get(f"/api/v1/products/{image.product_id}/").json()["images"][0]
    assert shown["url"] == f"/media/photos/{image.digest}.jpg"
    assert served(client, image)[0] == body(client.get(shown["url"]))
    form, listed = f"/admin/catalog/product/{image.product_id}/change/", "/admin/catalog/product/"
    shown_in = {form: f'href="/media/photos/{image.digest}.jpg"', listed: f'src="/media/thumbnails/{image.digest}.jpg"'}
    for page, address in shown_in.items():
        text = admin_client.get(page).content.decode()
        assert address in text
        assert "bucket.example" not in text and image.file.name not in text
