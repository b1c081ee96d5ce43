"""Compares the photos that somebody names, a feed's row or a caller, with those of its product, and writes the differences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from catalog import announce, bulk
from catalog.announce import Priority
from catalog.models import Product, ProductImage
from catalog.photos import asking
from catalog.photos import store as photos
from catalog.photos.store import KeptPhoto


@dataclass(frozen=True)
class PhotoReference:
    """A photo that is named: an http(s) URL that a worker fetches, a stored file and the path it came from, or `image`, one of the
    product's photos. `alt`: its alternative text; None: the one that it has.
    """

    url: str
    kept: KeptPhoto | None
    path: str = ""
    image: ProductImage | None = None
    alt: str | None = None


@dataclass
class PhotoChanges:
    """The changes of one product's photos. `named`: those that are named by their URL or file again, and stay. `edited`: those
    whose position or alternative text changes. `leaving`: those that stay until their successor is stored, with that;
    `counted`: how many of them do so only now. `freed`: those that are named again and have a successor no more.
    """

    named: list[ProductImage] = field(default_factory=list)
    added: list[ProductImage] = field(default_factory=list)
    edited: list[ProductImage] = field(default_factory=list)
    removed: list[ProductImage] = field(default_factory=list)
    leaving: list[tuple[ProductImage, ProductImage]] = field(default_factory=list)
    freed: list[ProductImage] = field(default_factory=list)
    counted: int = 0

    @property
    def are_none(self) -> bool:
        return not (self.added or self.edited or self.removed or self.leaving or self.freed)


def plan_photos(
    product: Product,
    references: Sequence[PhotoReference],
    have: Sequence[ProductImage],
    *,
    complete: bool,
    at_once: bool = False,
) -> PhotoChanges:
    """Match photos by URL, else by digest. A photo that stays keeps its row, so that it need not be embedded again.

    `complete`: the references are all photos of the product, so that what they do not name goes; `at_once`: without waiting for a
    successor.
    """
    changes = PhotoChanges()
    by_url = {image.source_url: image for image in have if image.source_url}
    by_digest = {image.digest: image for image in have if image.digest}
    stays: set[int] = set()
    position = 0
    for reference in references:
        image = reference.image
        if image is None:
            image = by_url.get(reference.url) if reference.kept is None else by_digest.get(reference.kept.digest)
        if image is None:
            image = ProductImage(product=product, position=position, source_url=reference.url, alt=reference.alt or "")
            if reference.kept is not None:
                photos.name_file(image, reference.kept)
                by_digest[image.digest] = image
            else:
                by_url[image.source_url] = image
            changes.added.append(image)
        elif image.pk is None or image.pk in stays:
            continue  # the same photo twice in a row
        else:
            stays.add(image.pk)
            _plan_kept(changes, image, reference, position)
        position += 1
    if complete:
        unnamed = [image for image in have if image.pk not in stays]
        if at_once:
            changes.removed += unnamed
        else:
            _plan_removals(changes, unnamed)
    return changes


def _plan_kept(changes: PhotoChanges, image: ProductImage, reference: PhotoReference, position: int) -> None:
    if reference.image is None:
        changes.named.append(image)
    if image.successor_id is not None:
        changes.freed.append(image)
    alt = image.alt if reference.alt is None else reference.alt
    if (image.position, image.alt) != (position, alt):
        image.position, image.alt = position, alt
        changes.edited.append(image)


def _plan_removals(changes: PhotoChanges, unnamed: Sequence[ProductImage]) -> None:
    """A stored photo that is named no more stays until one that is still to be fetched is stored in its place, each for
    another, in their order. What has no successor goes at once.
    """
    waited = [image for image in (*changes.named, *changes.added) if not image.digest]
    successors = iter(sorted(waited, key=lambda image: image.position))
    for image in unnamed:
        successor = next(successors, None) if image.digest else None
        if successor is None:
            changes.removed.append(image)
        elif successor.pk is None or image.successor_id != successor.pk:
            changes.counted += image.successor_id is None
            changes.leaving.append((image, successor))


def write_photos(products: Iterable[PhotoChanges], *, priority: Priority, refetch: bool = False) -> None:
    """Write the changes and announce them; photos named by URL are fetched, or asked for anew, by a worker.

    `refetch`: in full, whatever their servers said of them before.
    """
    every = list(products)
    # Remove before adding: the unique digest of a removed photo may come back in another row of the product.
    if removed := [image.pk for changes in every for image in changes.removed]:
        ProductImage.objects.filter(pk__in=removed).delete()
    if edited := [image for changes in every for image in changes.edited]:
        ProductImage.objects.bulk_update(edited, ["position", "alt"])
    added = [image for changes in every for image in changes.added]
    for image in added:
        image.product_id = image.product.pk  # a new product has its id only now
    bulk.insert(added)
    if succeeded := list(_succeeded(every)):
        ProductImage.objects.bulk_update(succeeded, ["successor"])
    announce.photos_stored([image.pk for image in added], priority=priority)
    by_url = [image for changes in every for image in changes.named if image.source_url]
    announce.photos_awaited([image.pk for image in by_url if not image.digest])
    asking.mark((image.pk for image in by_url if image.digest), whole=refetch)


def _succeeded(products: Iterable[PhotoChanges]) -> Iterator[ProductImage]:
    """The rows whose successor changes, with that."""
    for changes in products:
        for image in changes.freed:
            image.successor = None
            yield image
        for image, successor in changes.leaving:
            image.successor = successor
            yield image
