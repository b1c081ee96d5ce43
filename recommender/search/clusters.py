"""The photos of the catalogue that show the same, as clusters around a representative.

A cluster's representative is its oldest photo (the lowest id), and every member is confirmed against it, not merely
against another member: of a chain in which A is like B and B like C but not A, A represents B, and C stays by itself.
So whoever keeps the representatives alone loses no picture, and no two representatives are known to show the same.

Photos with the same file are one before anything is searched for. Each of the others is searched for once, by a few
nearest photos; those that are in a cluster by then lead to its representative, so a photo that joins a cluster is asked
about no further, and the work grows with the number of photos, not with the square of a cluster's size. A photo of a large
cluster needs no search: whether its representative confirms the photo is seen from the hashes and the features of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from recommender.index.search import vector_search
from recommender.index.types import Hit, SpaceQuery
from recommender.models import Space
from recommender.pictures.hashes import Hashes, UnreadablePhoto, kept_hashes, near_pairs
from recommender.search.filters import SearchOptions, excluding
from recommender.search.gallery import GalleryPhoto
from recommender.search.likeness import KnownPhotos, Likeness

CANDIDATES = 10
MOST_CANDIDATES = 640
GROWTH = 4
# Members from which on a representative is compared with every later photo: more than a search finds at first. A shop has few.
CROWD = CANDIDATES
_AT_ONCE = 6_400  # hits of one search for several photos, at most: their features are some 30 MB


@dataclass(frozen=True)
class Joined:
    """A photo's place in a cluster: the photo that represents it, and how alike the two are."""

    representative: int
    likeness: Likeness


class Clustering:
    """Clusters of a gallery whose photos are given in order of their ids, several at a time.

    `copies`: of files that several photos share, the first photo by each of the others, which is then never given itself.
    """

    def __init__(self, space: Space, *, threshold: float, copies: dict[int, int]) -> None:
        self.joined: dict[int, Joined] = {}
        self._members: dict[int, list[int]] = {}
        self._space = space
        self._copies = copies
        self._known = KnownPhotos(space, threshold=threshold)
        self._crowded: list[int] = []
        self._crowd_hashes: dict[int, Hashes] = {}

    @property
    def unreadable(self) -> Iterable[UnreadablePhoto]:
        """Photos that could not be read to confirm that they show the same as another."""
        return self._known.unreadable.values()

    def add(self, photos: Sequence[GalleryPhoto]) -> None:
        """Search for those of the photos that are in no cluster yet, and for more as long as all that is found is alike."""
        count = CANDIDATES
        self._join_crowds(photos)
        waiting = list(photos)
        while waiting:
            crowded: list[GalleryPhoto] = []
            for some in _parts(waiting, max(1, _AT_ONCE // count)):
                crowded += self._searched([one for one in some if one.image_id not in self.joined], count)
            if count == MOST_CANDIDATES:
                self._crowded += [one.image_id for one in crowded]
                break
            waiting, count = crowded, min(MOST_CANDIDATES, count * GROWTH)
        self._known.forget()

    def end(self) -> None:
        """Merge clusters that are larger than the most candidates of a search, each of which may hide the others.

        Call it once, after the last photo was added.
        """
        full = [one for one in self._crowded if len(self._members.get(one, ())) >= MOST_CANDIDATES // 2]
        self._known.read_features(full)
        self._known.read_hashes(full)
        for number, older in enumerate(full):
            for younger in full[number + 1 :]:
                if older not in self.joined and younger not in self.joined:
                    self._join(older, younger)
        self._known.forget()

    def _join_crowds(self, photos: Sequence[GalleryPhoto]) -> None:
        """Place those of the photos that representatives of large clusters confirm, by the hashes that are kept of them."""
        crowds = [one for one, members in self._members.items() if len(members) >= CROWD]
        open_ = [one.image_id for one in photos if one.image_id not in self.joined]
        if not crowds or not open_:
            return
        self._crowd_hashes |= kept_hashes([one for one in crowds if one not in self._crowd_hashes])
        known = [one for one in crowds if one in self._crowd_hashes]
        near = near_pairs(kept_hashes(open_), {one: self._crowd_hashes[one] for one in known})
        self._known.read_features({image for pair in near for image in pair})
        alike: dict[int, list[int]] = {}
        for image_id, leader in near:
            if self._known.alike(image_id, leader) is not None:
                alike.setdefault(image_id, []).append(leader)
        self._known.read_hashes(set(alike).union(*alike.values()))
        for image_id, leaders in alike.items():
            self._place(image_id, leaders)

    def _searched(self, photos: Sequence[GalleryPhoto], count: int) -> list[GalleryPhoto]:
        """Place the photos by so many candidates; those that remain representatives and found nothing that is not alike."""
        if not photos:
            return []
        pages = vector_search().search_many(space=self._space, queries=[_query(one) for one in photos], k=count)
        hits = [self._first_of(page) for page in pages]
        around = {image for page in hits for image in (*page, *map(self._leader, page))}
        self._known.read_features(around | {one.image_id for one in photos})
        alike = [self._alike(photo.image_id, page) for photo, page in zip(photos, hits, strict=True)]
        others = [set(found) - {photo.image_id} for photo, found in zip(photos, alike, strict=True)]
        suspects = {photo.image_id for photo, found in zip(photos, others, strict=True) if found}
        self._known.read_hashes(suspects.union(*others))
        crowded = []
        for photo, page, found in zip(photos, hits, alike, strict=True):
            self._place(photo.image_id, found)
            if len(page) == count == len(found) and photo.image_id not in self.joined:
                crowded.append(photo)
        return crowded

    def _alike(self, image_id: int, page: Sequence[int]) -> list[int]:
        """Those of a page that are alike to the photo or represented by one that is; its own copies too."""
        return [
            one
            for one in page
            if one == image_id
            or self._known.alike(image_id, one) is not None
            or self._known.alike(image_id, self._leader(one)) is not None
        ]

    def _place(self, image_id: int, alike: Iterable[int]) -> None:
        """The photo joins the oldest representative that confirms it; else it represents those that it confirms itself."""
        for leader in sorted({self._leader(one) for one in alike} - {image_id}):
            if image_id in self.joined:
                return
            if leader not in self.joined:
                self._join(min(leader, image_id), max(leader, image_id))

    def _join(self, older: int, younger: int) -> None:
        """If two representatives show the same, all of the younger's cluster that the older confirms joins the older's."""
        likeness = self._known.same(older, younger)
        if likeness is None:
            return
        members = self._members.pop(younger, [])
        self._known.read_features(members)
        self._known.read_hashes(members)
        self._know(older, younger, likeness)
        left = []
        for member in members:
            likeness = self._known.same(older, member)
            if likeness is None:
                left.append(member)
                del self.joined[member]
            else:
                self._know(older, member, likeness)
        self._regroup(sorted(left))

    def _regroup(self, image_ids: Sequence[int]) -> None:
        """Photos that lost their representative: the oldest of them represents those that it confirms, and so on."""
        while image_ids:
            oldest, *rest = image_ids
            left = []
            for one in rest:
                likeness = self._known.same(oldest, one)
                if likeness is None:
                    left.append(one)
                else:
                    self._know(oldest, one, likeness)
            image_ids = left

    def _know(self, representative: int, member: int, likeness: Likeness) -> None:
        self.joined[member] = Joined(representative, likeness)
        self._members.setdefault(representative, []).append(member)

    def _leader(self, image_id: int) -> int:
        joined = self.joined.get(image_id)
        return image_id if joined is None else joined.representative

    def _first_of(self, page: Sequence[Hit]) -> list[int]:
        return [self._copies.get(hit.image_id, hit.image_id) for hit in page]


def _query(photo: GalleryPhoto) -> SpaceQuery:
    options = excluding(SearchOptions(), products=[photo.product_id], groups=[photo.group])
    return SpaceQuery(vector=photo.vector, filters=options.filters, own=photo.image_id)


def _parts(photos: Sequence[GalleryPhoto], size: int) -> Iterator[Sequence[GalleryPhoto]]:
    for start in range(0, len(photos), size):
        yield photos[start : start + size]
