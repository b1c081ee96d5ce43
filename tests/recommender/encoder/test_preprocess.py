"""Photo → pixels: order of the steps, and the same pixels whatever the file format says."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from catalog.photos.squares import Box, Crop
from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.preprocess import framed_photo, image_to_pixels, photo_to_pixels


def file_of(image: Image.Image, format: str = "PNG", **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return file


def drawn(width: int, height: int) -> Image.Image:
    return Image.fromarray(drawn_pictures(1, side=max(width, height), seed=5)[0]).crop((0, 0, width, height))


def test_the_centre_square_of_87_5_percent_is_what_is_seen() -> None:
    def seen(width: int, height: int, crop: Crop | None = None) -> Box:
        left, top, right, bottom = framed_photo(
            file_of(Image.new("RGB", (width, height))), side=32, recipe=1, crop=crop
        )[1]
        return left * width, top * height, right * width, bottom * height

    assert seen(800, 600) == pytest.approx((137.5, 37.5, 662.5, 562.5))
    assert seen(600, 800) == pytest.approx((37.5, 137.5, 562.5, 662.5))
    assert seen(800, 600, (0.5, 0.0, 0.5, 1.0)) == pytest.approx((425.0, 125.0, 775.0, 475.0))


def test_pixels_are_the_bicubic_resize_of_that_square() -> None:
    image = drawn(640, 512)
    pixels = photo_to_pixels(file_of(image), side=224, recipe=1)
    expected = image.resize((224, 224), Image.Resampling.BICUBIC, box=(96.0, 32.0, 544.0, 480.0))
    assert pixels.shape == (224, 224, 3) and pixels.dtype == np.uint8 and pixels.flags.c_contiguous
    assert np.array_equal(pixels, np.asarray(expected))


def test_a_square_that_fits_exactly_is_not_resampled() -> None:
    image = drawn(256, 256)
    assert np.array_equal(photo_to_pixels(file_of(image), side=224, recipe=1), np.asarray(image)[16:240, 16:240])


def test_a_crop_is_as_if_the_photo_were_cut_before() -> None:
    image = drawn(640, 512)
    cropped = photo_to_pixels(file_of(image), side=64, recipe=1, crop=(0.25, 0.125, 0.5, 0.75))
    before = photo_to_pixels(file_of(image.crop((160, 64, 480, 448))), side=64, recipe=1)
    assert np.array_equal(cropped, before)


def test_orientation_alpha_palette_and_depth_do_not_change_what_is_seen() -> None:
    image = drawn(320, 240)
    pixels = photo_to_pixels(file_of(image), side=64, recipe=1)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = image.transpose(Image.Transpose.ROTATE_90)
    assert np.array_equal(photo_to_pixels(file_of(turned, exif=exif), side=64, recipe=1), pixels)
    assert np.array_equal(photo_to_pixels(file_of(image.convert("RGBA")), side=64, recipe=1), pixels)
    assert np.array_equal(photo_to_pixels(file_of(image, "TIFF"), side=64, recipe=1), pixels)
    few = image.quantize(64)
    assert np.array_equal(
        photo_to_pixels(file_of(few), side=64, recipe=1), image_to_pixels(few.convert("RGB"), side=64)
    )
    grey = np.asarray(image.convert("L"))
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    assert np.array_equal(
        photo_to_pixels(file_of(deep), side=64, recipe=1),
        photo_to_pixels(file_of(Image.fromarray(grey)), side=64, recipe=1),
    )


def test_a_large_jpeg_decoded_small_gives_nearly_the_same_pixels() -> None:
    image = drawn(2000, 1600)
    whole = image_to_pixels(Image.open(file_of(image, "JPEG", quality=92)).convert("RGB"), side=224)
    drafted = photo_to_pixels(file_of(image, "JPEG", quality=92), side=224, recipe=1)
    assert np.abs(whole.astype(int) - drafted).mean() < 3
    assert np.corrcoef(whole.ravel(), drafted.ravel())[0, 1] > 0.998


def test_a_crop_of_a_large_jpeg_is_decoded_at_the_scale_the_crop_needs() -> None:
    image = drawn(2000, 1600)
    corner = (0.0, 0.0, 0.1, 0.125)
    whole = image_to_pixels(Image.open(file_of(image, "JPEG", quality=92)).convert("RGB"), side=128, crop=corner)
    assert np.array_equal(photo_to_pixels(file_of(image, "JPEG", quality=92), side=128, recipe=1, crop=corner), whole)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 2)])
def test_tiny_and_thin_pictures_are_fed_too(size: tuple[int, int]) -> None:
    pixels = photo_to_pixels(file_of(Image.new("RGB", size, (10, 200, 30))), side=64, recipe=1)
    assert (pixels == (10, 200, 30)).all()


@pytest.mark.parametrize(
    "crop",
    [
        (0, 0, 0, 1),
        (-0.1, 0, 1, 1),
        (0.5, 0, 0.6, 1),
        (0, 0, float("nan"), 1),
        (0, 0.2, 1, 0.9),
        (0, 0, 1, float("inf")),
    ],
)
def test_a_crop_outside_the_photo_is_refused(crop: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="crop must be"):
        photo_to_pixels(file_of(drawn(64, 64)), side=32, recipe=1, crop=crop)


def packshot(width: int, height: int, margin: int) -> Image.Image:
    image = Image.new("RGB", (width + 2 * margin, height + 2 * margin), (250, 250, 248))
    ImageDraw.Draw(image).ellipse((margin, margin, margin + width - 1, margin + height - 1), fill=(120, 20, 60))
    return image


def test_recipe_2_sees_the_object_whatever_its_margin() -> None:
    frames = [framed_photo(file_of(packshot(100, 80, margin)), side=64, recipe=2) for margin in (10, 40)]
    for (pixels, box), margin in zip(frames, (10, 40), strict=True):
        width, height = 100 + 2 * margin, 80 + 2 * margin
        expected = ((margin - 8) / width, (margin - 18) / height, (margin + 108) / width, (margin + 98) / height)
        assert box == pytest.approx(expected)
        assert pixels.shape == (64, 64, 3) and pixels.dtype == np.uint8
        assert np.array_equal(photo_to_pixels(file_of(packshot(100, 80, margin)), side=64, recipe=2), pixels)
    assert np.abs(frames[0][0].astype(int) - frames[1][0]).max() <= 1


def test_recipe_2_sees_a_photo_without_plain_ground_as_recipe_1_does() -> None:
    file = file_of(drawn(640, 512), "JPEG", quality=92)
    pixels, box = framed_photo(file, side=64, recipe=1)
    file.seek(0)
    again, same = framed_photo(file, side=64, recipe=2)
    assert np.array_equal(pixels, again) and box == same
