"""Colours of a photo: the same bytes on every machine, equal for pictures that show the same, those of the thing and not of its ground."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from catalog.demo.drawing import draw_product
from config.local.folder import PROJECT
from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.colour import BASIS_FILE, colour_histogram, colour_masses, colour_row, fixed_colour_basis
from recommender.encoder.colour_basis import made_anew
from recommender.encoder.colour_tables import COLOUR_BINS, centre_weights, lab_of_codes
from recommender.encoder.recipes import RECIPES
from recommender.encoder.swatches import dominant_colours

GOLDEN = "b4b092fafc2579a2726473fe6ba26588e52d0c75069a52e4396520206b5457d3"
SETTINGS = ["", "AVX512F AVX512CD AVX512_SKX", "AVX512F AVX512CD AVX512_SKX AVX2 FMA3", "AVX2 FMA3"]
HASH = """
import hashlib
from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.colour import colour_histogram, colour_masses, colour_row, fixed_colour_basis
found = hashlib.sha256()
for side in (48, 224, 260, 384):
    for picture in drawn_pictures(4, side=side, seed=21):
        found.update(colour_histogram(picture).tobytes())
        found.update(colour_masses(picture, cells=(9, 9)).tobytes())
found.update(colour_row([((192, 74, 31), 3.0), ((255, 255, 255), 1.0)]).tobytes())
for numbers in fixed_colour_basis():
    found.update(numbers.tobytes())
print(found.hexdigest())
"""


@pytest.fixture
def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (48, 48, 3)).astype(np.uint8)


@pytest.mark.parametrize("features", SETTINGS)
def test_the_bytes_are_the_same_whatever_the_processor_can_do(features: str) -> None:
    """NumPy warns of features that the processor lacks or that its build takes for granted, and leaves out the others."""
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": features, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", HASH], capture_output=True, text=True, cwd=PROJECT, env=environment)
    assert done.stdout.strip() == GOLDEN, done.stderr


def test_lab_is_that_of_cie_15() -> None:
    """L, a and b of primaries as published for sRGB and D65, to half a unit; of the dark grey by the straight piece."""
    lab = lab_of_codes() / 16
    published = {
        0b11111_00000_00000: (53.24, 80.09, 67.20),
        0b00000_11111_00000: (87.73, -86.18, 83.18),
        0b00000_00000_11111: (32.30, 79.19, -107.86),
        0b11111_11111_11111: (100, 0, 0),
        0b10000_10000_10000: (55.4, 0, 0),
        0: (0, 0, 0),
    }
    for code, expected in published.items():
        assert lab[code] == pytest.approx(expected, abs=0.5)
    greys = lab[[level << 10 | level << 5 | level for level in range(32)]]
    assert np.abs(greys[:, 1:]).max() <= 0.25 and (np.diff(greys[:, 0]) > 0).all()


def test_rows_have_unit_length_and_are_numbers(noise: NDArray[np.uint8]) -> None:
    assert RECIPES[2].colour_bins == COLOUR_BINS == len(colour_histogram(noise))
    pictures = [
        noise,
        *drawn_pictures(8, side=224, seed=3),
        *(np.full((s, s, 3), s % 256, np.uint8) for s in (1, 8, 500)),
    ]
    for picture in pictures:
        row = colour_histogram(picture)
        assert row.dtype == np.float32 and row.min() >= 0
        assert np.linalg.norm(row.astype(np.float64)) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("rgb", [(0, 0, 0), (255, 255, 255), (200, 30, 40), (12, 34, 56), (255, 255, 0), (1, 0, 255)])
def test_a_picture_of_one_colour_has_the_row_of_that_colour(rgb: tuple[int, int, int]) -> None:
    row = colour_row([(rgb, 0.3)])
    for side in (48, 224, 260):
        assert np.array_equal(colour_histogram(np.full((side, side, 3), rgb, np.uint8)), row)


def test_turned_and_mirrored_pictures_have_the_same_row(noise: NDArray[np.uint8]) -> None:
    """Of 224 pixels too: blocks of them are the same ones whichever way the picture stands."""
    large = np.random.default_rng(6).integers(0, 256, (224, 224, 3)).astype(np.uint8)
    for picture in (noise, large):
        row = colour_histogram(picture)
        for turns in range(1, 4):
            assert np.array_equal(colour_histogram(np.ascontiguousarray(np.rot90(picture, turns))), row)
        assert np.array_equal(colour_histogram(np.ascontiguousarray(picture[:, ::-1])), row)
        assert not np.array_equal(colour_histogram(255 - picture), row)


def test_what_looks_like_the_border_is_ground() -> None:
    """A red thing on an eighth of the picture is red whatever the ground, and white on white is white."""
    red = colour_row([((200, 30, 40), 1)])
    rows = []
    for ground in ((255, 255, 255), (60, 60, 64), (90, 140, 90)):
        picture = np.full((224, 224, 3), ground, np.uint8)
        picture[72:152, 72:152] = (200, 30, 40)
        rows.append(colour_histogram(picture))
        assert rows[-1] @ red >= 0.93
    assert rows[0] @ rows[1] >= 0.9
    white = np.full((224, 224, 3), 255, np.uint8)
    white[75:150, 75:150] = 251
    assert np.array_equal(colour_histogram(white), colour_row([((255, 255, 255), 1)]))


def test_the_middle_counts_for_more() -> None:
    """Of two colours unlike the border that fill as much, the one nearer to the middle."""
    picture = np.full((96, 96, 3), 255, np.uint8)
    picture[40:56, 40:56] = (200, 30, 40)
    picture[8:24, 8:24] = (20, 60, 160)
    shares = dict(dominant_colours(colour_histogram(picture)))
    red, blue = max(shares, key=lambda rgb: rgb[0] - rgb[2]), max(shares, key=lambda rgb: rgb[2] - rgb[0])
    assert shares[red] > 3 * shares[blue] > 0.3
    weights = centre_weights(48).reshape(48, 48)
    assert (weights.max(), weights.min() > 0) == (256, True) and np.array_equal(weights, weights.T)


def test_the_cells_of_a_grid_add_up_to_the_row() -> None:
    for picture in drawn_pictures(3, side=260, seed=8):
        masses = colour_masses(picture, cells=(9, 7))
        assert masses.shape == (9, 7, COLOUR_BINS) and np.array_equal(masses, np.floor(masses))
        whole = masses.sum(axis=(0, 1))
        assert np.array_equal(np.sqrt(whole / whole.sum()).astype(np.float32), colour_histogram(picture))
    halves = np.zeros((48, 48, 3), np.uint8)
    halves[:, 24:] = 255
    left, right = colour_masses(halves, cells=(1, 2))[0]
    assert np.flatnonzero(left).tolist() == np.flatnonzero(colour_row([((0, 0, 0), 1)])).tolist()
    assert np.flatnonzero(right).tolist() == np.flatnonzero(colour_row([((255, 255, 255), 1)])).tolist()


def test_colours_are_weighed_by_their_shares() -> None:
    red, white = ((200, 30, 40), 3.0), ((255, 255, 255), 1.0)
    both = colour_row([red, white])
    assert both @ colour_row([red]) == pytest.approx(0.75**0.5, abs=1e-6)
    assert both @ colour_row([white]) == pytest.approx(0.5, abs=1e-6)
    assert np.array_equal(both, colour_row([(red[0], 6.0), (white[0], 2.0)]))
    for wrong in ([], [(red[0], 0.0)], [(red[0], -1.0), white], [(red[0], float("nan"))]):
        with pytest.raises(ValueError, match="weight above 0"):
            colour_row(wrong)


def test_the_shipped_basis_is_that_of_the_mixtures() -> None:
    """Eigenvectors of another BLAS differ in their last digits, and near ones may mix: the spaces they span are the same."""
    mean, matrix = fixed_colour_basis()
    assert (mean.shape, matrix.shape, mean.dtype, matrix.dtype) == ((196,), (196, 64), np.float32, np.float32)
    assert np.abs(matrix.T @ matrix - np.eye(64)).max() < 1e-3
    anew = made_anew().astype(np.float64) / 32_767
    assert np.abs(anew[0] - mean).max() < 1e-4
    spanned = np.linalg.svd(anew[1:17] @ matrix[:, :24], compute_uv=False)
    assert spanned.min() > 0.999
    assert (
        hashlib.sha256(BASIS_FILE.read_bytes()).hexdigest()
        == "dbf59136700e02910ef38aadc0784d1ca843c4678104ec1e9cc141239cc93b80"
    )


def distance(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def test_plain_colours_are_found_again_with_their_shares() -> None:
    asked = [((230, 126, 34), 4.0), ((250, 250, 250), 3.0), ((30, 60, 160), 2.0), ((60, 120, 60), 1.0)]
    found = dominant_colours(colour_row(asked))
    assert [round(share, 2) for _, share in found] == [0.4, 0.3, 0.2, 0.1]
    for (rgb, _), (expected, _) in zip(found, asked, strict=True):
        assert distance(rgb, expected) <= 12
    assert dominant_colours(colour_row(asked), most=2) == found[:2]
    for rgb in ((0, 0, 0), (255, 255, 255), (128, 128, 128), (90, 60, 40), (20, 30, 80)):
        ((one, share),) = dominant_colours(colour_row([(rgb, 1)]))
        assert distance(one, rgb) <= 10 and share == pytest.approx(1)


@pytest.mark.parametrize(
    ("vivid", "shown"),
    [
        ((0, 0, 255), (75, 21, 220)),
        ((20, 40, 200), (63, 36, 191)),
        ((255, 0, 0), (244, 47, 13)),
        ((255, 255, 0), (251, 255, 77)),
    ],
)
def test_colours_beyond_the_bins_keep_their_hue(vivid: tuple[int, int, int], shown: tuple[int, int, int]) -> None:
    """The row no longer tells them apart from duller ones beside them, so they come back a little duller."""
    row = colour_row([(vivid, 1)])
    ((found, share),) = dominant_colours(row)
    assert distance(found, shown) <= 8 and share == pytest.approx(1)
    assert colour_row([(found, 1)]) @ row > 0.95


def test_near_colours_are_one_swatch_and_specks_are_none() -> None:
    near = dominant_colours(colour_row([((200, 30, 40), 1), ((208, 40, 46), 1), ((40, 90, 180), 0.03)]))
    assert len(near) == 1 and distance(near[0][0], (204, 35, 43)) <= 12
    assert dominant_colours(np.zeros(COLOUR_BINS, np.float32)) == []
    for seed in range(6):
        row = colour_histogram(np.asarray(draw_product("shirt", seed, 224)))
        found = dominant_colours(row)
        assert 1 <= len(found) <= 5 and sum(share for _, share in found) <= 1 + 1e-9
        assert [share for _, share in found] == sorted((share for _, share in found), reverse=True)
        assert colour_row([(rgb, share) for rgb, share in found]) @ row > 0.85
