"""The page of a judgement: one file, figures as they were judged, names of the shop as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from catalog.demo.drawing import draw_shapes
from recommender.evaluation.judging import judge
from recommender.evaluation.quality import quality_of
from recommender.evaluation.report import plots
from recommender.evaluation.report.page import render
from recommender.models import Encoder
from recommender.spaces.build import build_space
from recommender.spaces.options import SpaceOptions
from tests.recommender.spaces.gallery import add_photos, class_features, coloured_encoder, with_colours

CLASSES = 12
PICTURE = re.compile(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+")


class Seen(HTMLParser):
    """Texts and elements of a page, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(" ".join(data.split()))


@pytest.mark.django_db
def test_the_page_is_one_file_and_shows_the_names_of_classes_as_text(encoder: Encoder, tmp_path: Path) -> None:
    features, classes = class_features(CLASSES, 12)
    paths = [tmp_path / f"{row}.jpg" for row in range(len(features))]
    for row, path in enumerate(paths):
        draw_shapes(row, 120).save(path, "JPEG")
    brands = [f"<script src='https://shop.example/{code}'>" for code in classes]
    add_photos(encoder, features, brands=brands, paths=paths)
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8))
    judgement = judge(space, rival=None, labels="brand")
    quality = quality_of(judgement, ann_recall=0.875)

    page = render(judgement, quality, {})

    seen = Seen(page)
    assert {tag for tag, _ in seen.elements} & {"script", "link", "iframe"} == set()
    pictures = [attributes["src"] or "" for tag, attributes in seen.elements if tag == "img"]
    assert len(pictures) > 100 and all(PICTURE.fullmatch(source) for source in pictures)
    for name, one in quality.labels.items():
        row = seen.texts.index(name)  # of the table: plots cut the name
        assert str(one.queries) in seen.texts[row : row + 4]
    assert "ANN recall@10 of the index against exact search, which is not relevance: 0.875" in seen.texts
    assert not [tag for tag, _ in seen.elements if tag == "polyline"]  # without colours there is no dial
    assert seen.texts.count("Best answered") == seen.texts.count("Worst answered") == 1


@pytest.mark.django_db
def test_of_a_space_with_colours_the_page_shows_its_parts_and_the_dial_by_every_label() -> None:
    features, types = class_features(3, 40)
    colours = np.arange(len(types), dtype=np.int32) % 2
    rows = with_colours(features, colours)
    names = [f"type {code}" for code in types]
    encoder = coloured_encoder()
    add_photos(encoder, rows, names, attribute=[f"colour {code}" for code in colours])
    space = build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=16))
    judgement = judge(space, rival=None, labels="category,attribute:kind")

    page = render(judgement, quality_of(judgement), {})

    seen = Seen(page)
    assert {"this space", "its shape part alone", "its colour part alone"} <= set(seen.texts)
    assert "P@10 over the weight of colour, all classes" in seen.texts
    lines = [attributes["points"] or "" for tag, attributes in seen.elements if tag == "polyline"]
    curves = [[float(point.split(",")[1]) for point in line.split()] for line in lines if len(line.split()) == 11]
    assert len(curves) == 3 and {"by category", "by attribute:kind", "by category,attribute:kind"} <= set(seen.texts)
    by_type, by_colour, _ = curves  # from the top: the less, the better
    assert by_type[0] < by_type[-1] and by_colour[-1] < by_colour[0]


@pytest.mark.django_db
def test_a_photo_whose_file_is_gone_leaves_its_place_empty(encoder: Encoder) -> None:
    features, classes = class_features(3, 20)
    add_photos(encoder, features, [f"kind {code}" for code in classes])
    judgement = judge(build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8)), rival=None)
    images = [one for tag, one in Seen(render(judgement, quality_of(judgement), {})).elements if tag == "img"]
    assert images and {one["src"] for one in images} == {""}


@pytest.mark.django_db
def test_where_nothing_can_be_judged_the_page_says_so(encoder: Encoder) -> None:
    features, _ = class_features(3, 20)
    add_photos(encoder, features)
    judgement = judge(build_space(SpaceOptions(encoder=encoder, projection="pca", dimensions=8)), rival=None)
    texts = Seen(render(judgement, quality_of(judgement), {})).texts
    assert "No two held-out photos share a label, so there is nothing to judge." in texts
    assert "Best answered" not in texts


def test_a_gain_is_drawn_right_of_zero_and_a_loss_left_of_it() -> None:
    plot = plots.gains([("shoes", 7, 0.2, True), ("hats", 3, -0.1, False)], "gains")
    zero, better, worse = (shape for shape in plot.shapes if shape.text is None)
    assert better.x == pytest.approx(zero.x + zero.width / 2) and worse.x + worse.width == pytest.approx(better.x)
    assert better.width == pytest.approx(2 * worse.width)
    assert [shape.text for shape in plot.shapes if shape.text] == ["shoes (7)", "+0.200", "hats (3, unseen)", "-0.100"]


def test_changes_fall_into_21_bins_from_minus_one_to_one() -> None:
    plot = plots.histogram([-1.0, -0.01, 0.0, 0.04, 1.0], "changes")
    tall = [round(shape.height) for shape in plot.shapes if shape.text is None]
    assert tall == [33, *[0] * 9, 100, *[0] * 9, 33]
