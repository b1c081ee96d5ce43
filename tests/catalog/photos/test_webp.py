"""WebP of any size that other photos may have: what Pillow has no memory for is decoded to the same pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pytest_django import Settings

from catalog.photos.reading import PhotoError, decode_photo, inspect_photo
from tests.catalog.photos.files import encoded, noise


def halves(width: int = 96, height: int = 64) -> Image.Image:
    """Opaque noise on the left, half transparent on the right."""
    image = noise(width, height).convert("RGBA")
    image.paste((200, 30, 10, 120), (width // 2, 0, width, height))
    return image


def files() -> dict[str, bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb, small = noise(96, 64), noise(30, 20, 3)
    still = noise(96, 64, 1)
    still.paste(small, (10, 20))
    return {
        "lossy": encoded(rgb, "WEBP"),
        "lossless": encoded(rgb, "WEBP", lossless=True),
        "turned": encoded(rgb, "WEBP", exif=exif),
        "lossy alpha": encoded(halves(), "WEBP"),
        "lossless alpha": encoded(halves(), "WEBP", lossless=True, exact=True),
        "animated": encoded(rgb, "WEBP", save_all=True, append_images=[still], lossless=True),
        "animated alpha": encoded(halves(), "WEBP", save_all=True, append_images=[still.convert("RGBA")]),
        "small frame": small_frame(small),
    }


def small_frame(frame: Image.Image) -> bytes:
    """An animation of 96 × 64 whose first frame lies at (10, 20)."""
    body = encoded(frame, "WEBP", lossless=True)[12:]
    numbers = [10 // 2, 20 // 2, frame.width - 1, frame.height - 1, 100]
    anmf = b"".join(number.to_bytes(3, "little") for number in numbers) + b"\x02" + body
    header = bytes([0x12, 0, 0, 0]) + (95).to_bytes(3, "little") + (63).to_bytes(3, "little")
    chunks = [(b"VP8X", header), (b"ANIM", bytes(6)), (b"ANMF", anmf)]
    out = b"WEBP" + b"".join(
        name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2) for name, data in chunks
    )
    return b"RIFF" + len(out).to_bytes(4, "little") + out


@pytest.mark.parametrize("name", list(files()))
def test_a_large_one_is_read_as_a_small_one_is(name: str, settings: Settings) -> None:
    data = files()[name]
    facts, pixels = inspect_photo(io.BytesIO(data)), np.asarray(decode_photo(io.BytesIO(data)))
    settings.MAX_WHOLE_PHOTO_PIXELS = 96 * 64  # Pillow's decoder would hold four times as many
    assert inspect_photo(io.BytesIO(data)) == facts
    assert np.array_equal(np.asarray(decode_photo(io.BytesIO(data))), pixels)
    for kept in (len(data) // 3, 60, 31, 20, 13):
        with pytest.raises(PhotoError) as error:
            decode_photo(io.BytesIO(data[:kept]))
        assert error.value.reason == "truncated", kept
    settings.MAX_WHOLE_PHOTO_PIXELS = 96 * 64 - 1
    with pytest.raises(PhotoError, match=r"96 × 64 pixels, more than 6,143 are not decoded of this kind \(WEBP\)"):
        inspect_photo(io.BytesIO(data))


def test_a_frame_outside_of_its_canvas_is_damage(settings: Settings) -> None:
    settings.MAX_WHOLE_PHOTO_PIXELS = 96 * 64
    with pytest.raises(PhotoError) as error:
        decode_photo(io.BytesIO(small_frame(noise(90, 20))))
    assert error.value.reason == "truncated"


def test_a_huge_canvas_is_refused_by_its_header() -> None:
    data = bytearray(small_frame(noise(8, 8)))
    data[24:30] = b"\xfe\x3f\0\xfe\x3f\0"
    with pytest.raises(PhotoError, match="16383 × 16383 pixels, more than 25,000,000") as error:
        inspect_photo(io.BytesIO(bytes(data)))
    assert error.value.reason == "bomb"


def test_twenty_five_million_pixels_are_decoded() -> None:
    data = encoded(Image.linear_gradient("L").resize((5000, 5000)).convert("RGB"), "WEBP", method=0, quality=20)
    small = decode_photo(io.BytesIO(data), at_least=200)
    assert small.size == (417, 417)
    lossless = encoded(Image.new("RGBA", (5000, 5000), (9, 90, 200, 255)), "WEBP", lossless=True, method=0)
    assert decode_photo(io.BytesIO(lossless)).size == (5000, 5000)
