"""The perceptual hash keeps its bits, for deployments keep hashes; and the table of hashes answers what is near."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from catalog.photos.hashes import picture_hashes
from catalog.photos.reading import decode_photo
from recommender.encoder.preprocess import hashed_pixels, photo_to_pixels
from recommender.pictures.hashes import (
    SAME_WITHIN_BITS,
    Hashes,
    bits_apart,
    files_near,
    hashes_by_digest,
    hashes_of,
    keep,
    near_pairs,
    same_picture,
)
from tests.recommender.merchandising.shop import re_encoded


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (240, 320, 3), np.uint8))


def shades() -> Image.Image:
    down, across = np.mgrid[0:300, 0:200]
    bands = np.stack([down * 255 // 299, across * 255 // 199, (down + across) % 256], axis=-1)
    return Image.fromarray(bands.astype(np.uint8))


def blobs() -> Image.Image:
    image = Image.new("RGB", (400, 260), (240, 236, 228))
    draw = ImageDraw.Draw(image)
    for number in range(12):
        left, top = 29 * number % 340, 53 * number % 200
        draw.rectangle(
            (left, top, left + 20 + 5 * number, top + 15 + 4 * number), fill=(20 * number, 90, 250 - 20 * number)
        )
    return image


def symmetric() -> Image.Image:
    image = Image.new("RGB", (256, 256), (30, 90, 140))
    ImageDraw.Draw(image).rectangle((60, 60, 195, 195), fill=(220, 180, 40))
    return image


def large() -> Image.Image:
    return shades().resize((900, 1200))


def flat() -> Image.Image:
    return Image.new("RGB", (300, 200), (10, 200, 30))


# Whole, mirrored, middle, middle mirrored, as the version before made them.
GOLDEN: dict[Callable[[], Image.Image], tuple[int, int, int, int]] = {
    noise: (0xD127809E01249080, 0x8472918B142080C1, 0x9020849000659026, 0xC570908114208063),
    shades: (0x80003460481A5006, 0xD54060301C0A0512, 0x80003460485A5006, 0xD54060301C0A0512),
    blobs: (0xEAA994569B5198D3, 0xBFFCC103CE00ED86, 0xEA29943E9B2C98F2, 0xBF7CC123C628CCA6),
    symmetric: (0x8200280028008200, 0x8200280028008200, 0x8200280028008200, 0x8200280028008200),
    large: (0x80003460485A5006, 0xD54060301C0A0512, 0x80003460485A5006, 0xD54060301C0A0512),
    flat: (0x8000000000000000, 0x8000000000000000, 0x8000000000000000, 0x8000000000000000),
}


@pytest.mark.parametrize("picture", GOLDEN, ids=lambda picture: picture.__name__)
def test_a_hash_has_the_bits_it_always_had(picture: Callable[[], Image.Image]) -> None:
    assert tuple(map(int, hashes_of(picture()))) == GOLDEN[picture]


def test_a_mirrored_copy_is_no_bit_apart() -> None:
    assert bits_apart(hashes_of(blobs()), hashes_of(blobs().transpose(Image.Transpose.FLIP_LEFT_RIGHT))) == 0


@pytest.mark.parametrize("recipe", [1, 2])
def test_a_decoder_hashes_the_whole_photo_beside_cutting_its_square(recipe: int) -> None:
    image = shades()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    for shown, format in ((blobs(), "PNG"), (image, "PNG"), (large(), "JPEG")):
        file = io.BytesIO()
        shown.save(file, format)
        seen = hashed_pixels(io.BytesIO(file.getvalue()), side=224, recipe=recipe)
        assert np.array_equal(seen.pixels, photo_to_pixels(io.BytesIO(file.getvalue()), side=224, recipe=recipe))
        whole = hashes_of(decode_photo(io.BytesIO(file.getvalue()), at_least=256))
        # A picture is the same where transparency is laid on white before it is sampled, or a JPEG decoded at another scale.
        assert bits_apart(np.array(seen.hashes, np.uint64), whole) == 0


def test_copies_of_a_symmetric_drawing_keep_their_hash() -> None:
    """Half of its frequencies are nothing: what noise makes of them must not count."""
    copies = [hashes_of(decode_photo(io.BytesIO(data))) for data in re_encoded()]
    assert max(bits_apart(one, other) for one in copies for other in copies) <= 2


def random_hashes(rng: np.random.Generator) -> Hashes:
    return rng.integers(0, 2**64, 4, np.uint64)


def test_hashes_come_back_from_the_table_as_they_went_in(db: None) -> None:
    hashes = {"a": picture_hashes(noise()), "b": picture_hashes(blobs())}
    keep(hashes)
    keep({"a": picture_hashes(flat())})
    found = hashes_by_digest(["a", "b", "c"])
    assert {digest: tuple(numbers.tolist()) for digest, numbers in found.items()} == hashes


def test_the_table_finds_the_files_within_the_bound_as_bits_apart_counts_them(db: None) -> None:
    rng = np.random.default_rng(4)
    asked = random_hashes(rng)
    hashes = {f"far {number}": random_hashes(rng) for number in range(50)}
    for variant in range(4):
        for bits in (0, SAME_WITHIN_BITS, SAME_WITHIN_BITS + 1):
            flipped = asked[variant] ^ np.uint64(2**bits - 1)
            hashes[f"whole as variant {variant}, {bits:02} bits"] = random_hashes(rng)
            hashes[f"whole as variant {variant}, {bits:02} bits"][0] = flipped
            hashes[f"variant {variant} as whole, {bits:02} bits"] = random_hashes(rng)
            hashes[f"variant {variant} as whole, {bits:02} bits"][variant] = asked[0] ^ np.uint64(2**bits - 1)
    keep({digest: tuple(given.tolist()) for digest, given in hashes.items()})
    apart = {digest: bits_apart(asked, given) for digest, given in hashes.items()}
    near = sorted((bits, digest) for digest, bits in apart.items() if bits <= SAME_WITHIN_BITS)
    assert len(near) == 16
    assert [(one.bits, one.digest) for one in files_near(asked)] == near
    assert [(one.bits, one.digest) for one in files_near(asked, most=3)] == near[:3]


def test_equal_hashes_are_no_same_picture_without_equal_features() -> None:
    assert same_picture(hashes_of(flat()), hashes_of(flat()), cosine=0.99)
    assert not same_picture(hashes_of(flat()), hashes_of(flat()), cosine=0.989)
    assert not same_picture(hashes_of(noise()), hashes_of(blobs()), cosine=1.0)


def test_near_pairs_are_those_within_the_bits_of_the_bound() -> None:
    """Random hashes of few bits, so that near ones are among them, each by any of the variants."""
    rng = np.random.default_rng(6)
    some, others = (
        {number: rng.integers(0, 2**18, 4, np.uint64) for number in range(first, first + 40)} for first in (0, 100)
    )
    found = near_pairs(some, others)
    expected = [
        (one, other) for one in some for other in others if bits_apart(some[one], others[other]) <= SAME_WITHIN_BITS
    ]
    assert found == expected and 0 < len(found)
    far = {1: np.full(4, 0, np.uint64)}, {2: np.full(4, 2**64 - 1, np.uint64)}
    assert near_pairs(*far) == [] and near_pairs({}, others) == []
