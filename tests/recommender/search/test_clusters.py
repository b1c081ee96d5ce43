"""Clusters of photos that show the same: who represents them, how they are written, and that large ones stay cheap."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import pytest
from django.core.management import call_command
from django.db import connection

from catalog.models import ProductImage
from recommender.index import stored
from recommender.index.partitions import PARENT
from recommender.index.registry import vector_index
from recommender.models import ImageFeatures, PhotoHash, Placeholder, PlaceholderFile
from recommender.search import clusters
from recommender.search.cluster_list import Clusters, duplicate_clusters
from recommender.search.clusters import CANDIDATES
from recommender.search.likeness import KnownPhotos
from tests.recommender.search.gallery import Shop, make_space, random_units, unit
from tests.recommender.search.ranking.throwaway import counted

HASH = 0x5A5A_1234_0F0F_7777
COLUMNS = ["sku", "image", "other_sku", "other_image", "cosine", "bits", "cluster", "kind", "photos"]


def at(angle: float) -> np.ndarray:
    return unit([np.cos(angle), np.sin(angle), 0, 0, 0, 0, 0, 0])


def hashed(shop: Shop, images: Sequence[int], hash_: int = HASH) -> None:
    """The files of the photos get equal hashes."""
    digests = set(ProductImage.objects.filter(pk__in=images).values_list("digest", flat=True))
    PhotoHash.objects.bulk_create(PhotoHash(digest=digest, hashes=[hash_] * 4) for digest in sorted(digests))


def same_file(images: Sequence[int], digest: str) -> None:
    """The photos are of one file, as if they had been embedded with it: they keep their vectors."""
    ImageFeatures.objects.filter(image__in=images).update(digest=digest)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE catalog_productimage SET digest = %s WHERE id = ANY (%s)", [digest, list(images)])
        cursor.execute("SET LOCAL session_replication_role = origin")


def listed(found: Clusters) -> list[tuple[int, list[int]]]:
    """Each cluster's representative and members, by photo."""
    return [(one.image_id, [member.image_id for member in one.members]) for one in found.clusters]


def json(**options: object) -> dict[str, object]:
    out = io.StringIO()
    call_command("find_duplicates", json=True, stdout=out, **options)
    found: dict[str, object] = orjson.loads(out.getvalue())
    return found


def test_every_member_is_confirmed_against_the_oldest_photo(shop: Shop) -> None:
    """A chain: .3 radians are a cosine of .955, .6 of .825. What the first does not confirm begins a cluster of its own."""
    chain = [shop.add(at(0.3 * i)) for i in range(5)]
    photos = [shop.photos(one)[0] for one in chain]
    hashed(shop, photos)
    found = duplicate_clusters(threshold=0.94)
    assert listed(found) == [(photos[0], [photos[1]]), (photos[2], [photos[3]])]
    cosine = float(shop.vectors[photos[0]] @ shop.vectors[photos[1]])
    likeness = found.clusters[0].members[0].likeness
    assert likeness is not None and likeness.bits == 0 and likeness.cosine == pytest.approx(cosine, abs=1e-3)


def test_the_representative_is_the_oldest_however_the_photos_lie(shop: Shop) -> None:
    photos = [shop.photos(shop.add(at(angle)))[0] for angle in (0.1, 0.0, 0.22, 0.05)]
    hashed(shop, photos)
    assert listed(duplicate_clusters(threshold=0.94)) == [(photos[0], [photos[3], photos[1], photos[2]])]


def test_the_same_file_is_a_cluster_though_its_hash_is_unknown_and_no_file_can_be_read(shop: Shop) -> None:
    photos = [shop.photos(shop.add(at(0.0)))[0] for _ in range(30)]
    shop.add(at(1.5))
    same_file(photos, "f" * 64)
    found = duplicate_clusters(threshold=0.94)
    assert listed(found) == [(photos[0], photos[1:])] and not found.unreadable
    assert {
        (member.likeness.cosine, member.likeness.bits) for member in found.clusters[0].members if member.likeness
    } == {(1.0, 0)}


def test_variants_are_one_and_a_product_never_its_own_duplicate(shop: Shop) -> None:
    variants = [shop.add(at(0.01 * i), group="g") for i in range(3)]
    twice = shop.add(np.stack([at(0.05), at(0.06)]))
    others = [shop.add(at(0.1 + 0.01 * i), group="h") for i in range(2)]
    alone = shop.add(np.stack([at(1.5), at(1.51)]))
    hashed(shop, [photo for one in (*variants, twice, *others) for photo in shop.photos(one)])
    hashed(shop, shop.photos(alone), HASH ^ 0xFFFF_FFFF)
    found = duplicate_clusters(threshold=0.94)
    first = shop.photos(variants[0])[0]
    assert listed(found) == [(first, [shop.photos(twice)[0], shop.photos(others[0])[0]])]
    assert [member.photos for member in found.clusters[0].members] == [2, 2]


def test_another_picture_is_in_no_cluster_however_alike(shop: Shop) -> None:
    one, two, other = (shop.photos(shop.add(at(0.01 * i)))[0] for i in range(3))
    hashed(shop, [one, two])
    hashed(shop, [other], HASH ^ 0xFFFF_FFFF)
    assert listed(duplicate_clusters(threshold=0.94)) == [(one, [two])]


def test_text_csv_and_json_say_the_same(shop: Shop, tmp_path: Path) -> None:
    skus = ["=1+1", "@two", *(f"S{number}" for number in range(2, 14))]
    photos = [shop.photos(shop.add(at(0.01 * i), sku=sku))[0] for i, sku in enumerate(skus)]
    hashed(shop, photos)
    pair = [shop.photos(shop.add(at(1.5 + 0.3 * i), sku=sku))[0] for i, sku in enumerate(("-x", "\ty"))]
    hashed(shop, pair, HASH ^ 0xFFFF_FFFF)
    file, out = tmp_path / "clusters.csv", io.StringIO()
    call_command("find_duplicates", csv=str(file), stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == f"duplicates, cluster 1: =1+1  photo {photos[0]}, and 13 more"
    assert lines[1] == f"  =  @two  photo {photos[1]}   cosine 1.000, 0 bits"
    assert lines[11:] == [
        "  and 3 others, which --csv and --json list",
        f"-x  photo {pair[0]}  =  \ty  photo {pair[1]}   cosine 0.955, 0 bits",
        "2 clusters, 14 pairs among 16 photos at a cosine of 0.94",
    ]
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert list(rows[0]) == COLUMNS
    assert [row["other_sku"] for row in rows] == ["'@two", *skus[2:], "'\ty"]
    assert {row["sku"] for row in rows} == {"'=1+1", "'-x"}
    assert [row["cluster"] for row in rows] == ["1"] * 13 + ["2"]
    found = json()
    assert [one["members"][0]["sku"] for one in found["clusters"]] == ["@two", "\ty"]  # type: ignore[attr-defined]
    assert [list(one) for one in found["pairs"]] == [COLUMNS[:6]] * 14  # type: ignore[attr-defined]
    assert [one["other_image"] for one in found["pairs"]] == [*photos[1:], pair[1]]  # type: ignore[attr-defined]


def test_a_placeholder_is_one_cluster_though_it_is_in_no_space(shop: Shop) -> None:
    """Its products have photos and features, and no vectors; those that a person ruled photos are none."""
    products = [shop.add(at(0.0)) for _ in range(25)]
    photos = [shop.photos(one)[0] for one in products]
    files = [f"{number % 3}" * 64 for number in range(25)]
    for photo, digest in zip(photos, files, strict=True):
        same_file([photo], digest)
    hashed(shop, photos)
    ruled = [shop.photos(shop.add(at(1.5)))[0] for _ in range(2)]
    same_file(ruled, "e" * 64)
    stored.delete(space=shop.space, image_ids=photos)
    placeholder = Placeholder.objects.create(digest=files[0], groups=25, found=True)
    PlaceholderFile.objects.bulk_create(PlaceholderFile(digest=one, placeholder=placeholder) for one in set(files))
    photo = Placeholder.objects.create(digest="e" * 64, groups=25, found=True, ruling=Placeholder.Ruling.PHOTO)
    PlaceholderFile.objects.create(digest="e" * 64, placeholder=photo)
    found = duplicate_clusters(threshold=0.94)
    kinds = {one.image_id: (one.kind, len(one.members)) for one in found.clusters}
    assert kinds == {photos[0]: ("placeholder", 24), ruled[0]: ("duplicates", 1)}
    out = io.StringIO()
    call_command("find_duplicates", stdout=out)
    assert [line for line in out.getvalue().splitlines() if "cluster " in line] == [
        f"placeholder, cluster 1: P0  photo {photos[0]}, and 24 more"
    ]


def crowd(vectors: np.ndarray, *, one_file: bool) -> None:
    """A product for each vector, all of one picture, and 50 that show others; laid down before the index is built."""
    shop = Shop(make_space(index_now=False))
    for rows in (vectors, random_units(50, seed=4)):
        shop.add_many([(row[None, :], {}) for row in rows])
    photos = sorted(shop.owner)
    if one_file:
        same_file(photos[: len(vectors)], "a" * 64)
    hashed(shop, photos[: len(vectors)])
    hashed(shop, photos[len(vectors) :], HASH ^ 0xFFFF_FFFF)
    vector_index().build(space=shop.space)
    with connection.cursor() as cursor:  # a transaction's own rows are in nobody's statistics yet
        cursor.execute(f"ANALYZE catalog_product, catalog_productimage, recommender_imagefeatures, {PARENT}")


class CountingPhotos(KnownPhotos):
    """Counts the pairs that are compared, over all instances."""

    compared = 0

    def alike(self, one: int, other: int) -> float | None:
        CountingPhotos.compared += 1
        return super().alike(one, other)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("copies", "spread", "one_file"),
    [(10_000, 0.0, True), (2_500, 0.0, False), (5_000, 0.01, False)],
    ids=["one file", "equal vectors", "near vectors"],
)
def test_work_grows_with_the_photos_and_not_with_the_square_of_a_cluster(
    copies: int, spread: float, one_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searched for are the first photos, until their cluster is large, and those that are in none; few of them deeply."""
    vectors = unit(np.tile(at(0.2), (copies, 1)) + np.random.default_rng(1).normal(scale=spread, size=(copies, 8)))
    crowd(vectors, one_file=one_file)
    monkeypatch.setattr(clusters, "KnownPhotos", CountingPhotos)
    monkeypatch.setattr(CountingPhotos, "compared", 0)
    with counted(monkeypatch) as asked:
        found = duplicate_clusters(threshold=0.94)
    assert [len(one.members) for one in found.clusters] == [copies - 1]
    deep = [queries for depth, queries in zip(asked.depths, asked.queries, strict=True) if depth > CANDIDATES]
    searched = 51 if one_file else 100 + 50
    places = sum(depth * queries for depth, queries in zip(asked.depths, asked.queries, strict=True))
    assert sum(asked.queries) - sum(deep) <= searched
    assert sum(deep) <= 100
    assert CountingPhotos.compared <= 4 * places + copies


def test_a_photo_that_a_large_cluster_does_not_confirm_is_searched_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 120 copies come a photo with equal hashes that is .7 radians aside, its own copy, and one without kept hashes."""
    photos = [shop.photos(shop.add(at(0.0005 * i)))[0] for i in range(120)]
    aside = [shop.photos(shop.add(at(0.7 + 0.01 * i)))[0] for i in range(2)]
    late = shop.photos(shop.add(at(0.03)))[0]
    hashed(shop, [*photos, *aside])
    with counted(monkeypatch) as asked:
        found = duplicate_clusters(threshold=0.94)
    first = {one.image_id: {member.image_id for member in one.members} for one in found.clusters}
    assert first == {photos[0]: set(photos[1:]), aside[0]: {aside[1]}}
    assert [one.image_id for one in found.unreadable] == [
        late
    ]  # its file is asked for what the table lacks, and is none
    assert sum(asked.queries) <= 2 * 100 + 3
