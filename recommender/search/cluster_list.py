"""What `find_duplicates` lists: the clusters of the active space's photos, and the placeholders, which are in no space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog.models import ProductImage
from recommender.merchandising.placeholders import placeholder_files
from recommender.models import Space
from recommender.pictures.hashes import UnreadablePhoto
from recommender.search.clusters import Clustering
from recommender.search.gallery import Owner, gallery, owners, same_files
from recommender.search.likeness import KnownPhotos, Likeness
from recommender.search.space import current_space

Kind = Literal["duplicates", "placeholder"]
_SAME_FILE = Likeness(1.0, 0)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A product (or variant group) of a cluster, by that of its photos which is most like the representative.

    `photos`: how many of its photos are in the cluster. `likeness`: to the representative; None where it cannot be told.
    """

    image_id: int
    product_id: int
    photos: int
    likeness: Likeness | None


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Photos that show the same. The representative (`image_id`, `product_id`) is the oldest; `members` are the others,
    one for each product or variant group but the representative's own, most alike first."""

    kind: Kind
    image_id: int
    product_id: int
    members: Sequence[Member]


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """`photos` were compared. `clusters`: those most alike first. `unreadable` photos could not be confirmed."""

    photos: int
    clusters: Sequence[Cluster]
    unreadable: Sequence[UnreadablePhoto]


def duplicate_clusters(*, threshold: float, progress: Callable[[int], object] = lambda photos: None) -> Clusters:
    """All photos of published products that show the same as one of another product and variant group, as clusters.

    `threshold`: the least cosine of plain features. `progress` is told how many photos were compared since it was told
    last. Raises NoActiveSpace, SpaceGone.
    """
    space = current_space()
    files = same_files(space)
    copies = {copy: first for first, *rest in files for copy in rest}
    clustering = Clustering(space, threshold=threshold, copies=copies)
    photos = 0
    for batch in gallery(space):
        clustering.add([one for one in batch if one.image_id not in copies])
        photos += len(batch)
        progress(len(batch))
    clustering.end()
    found = [*_of_clustering(clustering, files), *_placeholders(space, threshold)]
    return Clusters(
        photos=photos,
        clusters=sorted(found, key=_most_alike_first),
        unreadable=list(clustering.unreadable),
    )


def _of_clustering(clustering: Clustering, files: Iterable[Sequence[int]]) -> Iterator[Cluster]:
    around: dict[int, dict[int, Likeness | None]] = {}
    for image_id, joined in clustering.joined.items():
        around.setdefault(joined.representative, {})[image_id] = joined.likeness
    for first, *rest in files:
        place = clustering.joined.get(first)
        leader, likeness = (first, _SAME_FILE) if place is None else (place.representative, place.likeness)
        around.setdefault(leader, {}).update(dict.fromkeys(rest, likeness))
    yield from _clusters("duplicates", around)


def _placeholders(space: Space, threshold: float) -> Iterator[Cluster]:
    """A cluster for each placeholder with photos of published products."""
    digests: dict[str, int] = dict(placeholder_files().values_list("digest", "placeholder_id"))
    shown = ProductImage.objects.filter(digest__in=digests, product__published=True)
    photos: dict[int, dict[int, str]] = {}
    for image_id, digest in shown.order_by("pk").values_list("pk", "digest"):
        photos.setdefault(digests[digest], {})[image_id] = digest
    around = {min(files): _likenesses(space, threshold, files) for files in photos.values()}
    yield from _clusters("placeholder", around)


def _likenesses(space: Space, threshold: float, files: Mapping[int, str]) -> dict[int, Likeness | None]:
    """How alike the photos of a placeholder (digests by photo) are to the oldest of them; a file is compared once."""
    representative = min(files)
    firsts: dict[str, int] = {}
    for image_id, digest in files.items():
        firsts.setdefault(digest, image_id)
    known = KnownPhotos(space, threshold=threshold)
    known.read_features(firsts.values())
    known.read_hashes(firsts.values())
    by_file: dict[str, Likeness | None] = {digest: known.same(representative, one) for digest, one in firsts.items()}
    by_file[files[representative]] = _SAME_FILE
    return {image_id: by_file[digest] for image_id, digest in files.items() if image_id != representative}


def _clusters(kind: Kind, around: Mapping[int, Mapping[int, Likeness | None]]) -> Iterator[Cluster]:
    """Clusters of the photos around each representative; none where they are all of one product or variant group."""
    whose = owners([*around, *(image_id for photos in around.values() for image_id in photos)])
    for representative, photos in around.items():
        if representative in whose and (members := _members(whose, whose[representative], photos)):
            yield Cluster(
                kind=kind, image_id=representative, product_id=whose[representative].product_id, members=members
            )


def _members(whose: Mapping[int, Owner], own: Owner, photos: Mapping[int, Likeness | None]) -> list[Member]:
    of_place: dict[int | str, list[int]] = {}
    for image_id in sorted(photos.keys() & whose.keys(), key=lambda one: (_unlikeness(photos[one]), one)):
        if whose[image_id].place != own.place:
            of_place.setdefault(whose[image_id].place, []).append(image_id)
    return [
        Member(
            image_id=best,
            product_id=whose[best].product_id,
            photos=1 + len(others),
            likeness=photos[best],
        )
        for best, *others in of_place.values()
    ]


def _unlikeness(likeness: Likeness | None) -> float:
    return 1.0 if likeness is None else -likeness.cosine


def _most_alike_first(cluster: Cluster) -> tuple[float, int]:
    return _unlikeness(cluster.members[0].likeness), cluster.image_id
