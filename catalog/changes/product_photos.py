"""Changes of a product's photos, one call each: add some, replace, edit or remove one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction

from catalog import announce
from catalog.changes.attempts import attempted
from catalog.changes.existing import find_products
from catalog.changes.history import Author, Written, remember
from catalog.changes.photos import PhotoChanges, write_photos
from catalog.changes.planning import check_match
from catalog.changes.refusals import Refused, invalid
from catalog.changes.wishes import Target
from catalog.models import Product, ProductImage
from catalog.photos import asking, store
from catalog.photos.reading import PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.photos.store import KeptPhoto
from catalog.photos.uploads import keep_upload

T = TypeVar("T")
MOST_PHOTOS = 100  # of a product, as in feeds


@dataclass(frozen=True)
class NewPhoto:
    """A photo to be fetched from a `url`, or an upload, which `read` gives as often as it is asked for."""

    url: str = ""
    read: Callable[[], bytes] | None = None
    alt: str = ""


@dataclass(frozen=True)
class AddedPhoto:
    """`is_new`: it was not a photo of the product before."""

    image: ProductImage
    is_new: bool


@dataclass(frozen=True)
class PhotosOf:
    """Whose photos are changed, by whom, and of which versions the product may be ("": any)."""

    target: Target
    author: Author
    if_match: str = ""

    @contextmanager
    def changing(self, words: str) -> Iterator[_Changing]:
        """A short transaction that holds the product; if something is changed, it has another version and the history has the
        `words`. Raises Refused.
        """
        target = self.target
        with transaction.atomic(), announce.together(priority="upload"):
            found = find_products(
                skus=[target.sku] if target.id is None else [], ids=[] if target.id is None else [target.id], lock="row"
            )
            product = found.by_sku.get(target.sku) if target.id is None else found.by_id.get(target.id)
            if product is None:
                raise Refused("unknown", f"there is no product {target}")
            check_match(self.if_match, product)
            changing = _Changing(product, found.photos[product.pk])
            yield changing
            if changing.is_changed:
                store.touch(product.pk)
                announce.products_changed([product.pk], hidden=False)
                remember(self.author, [Written(product, "changed", words)])


@dataclass
class _Changing:
    """A locked product and its photos in their order."""

    product: Product
    photos: list[ProductImage]
    is_changed: bool = False

    def photo(self, image_id: int) -> ProductImage:
        """Raises Refused."""
        found = next((image for image in self.photos if image.pk == image_id), None)
        if found is None:
            raise Refused("unknown", f"product {self.product.pk} has no photo {image_id}")
        return found

    def refuse_url_of_other(self, url: str, image_id: int) -> None:
        """Raises Refused where another photo of the product is from this URL."""
        for image in self.photos:
            if image.source_url == url and image.pk != image_id:
                raise Refused("taken", f"photo {image.pk} of the product is from this URL already")


Failed = PhotoError | StorageUnavailable


def add_photos(of: PhotosOf, new: Sequence[NewPhoto]) -> list[AddedPhoto | Failed]:
    """Put photos behind those that are there; what became of each. One that is there already stays as it is. Raises Refused.

    Uploads are judged and stored before the transaction; what cannot be taken does not keep the others out.
    """
    kept = [_kept(photo) for photo in new]

    def write() -> list[AddedPhoto | Failed]:
        with of.changing("added photos") as changing:
            added = list(_added(changing, new, kept))
            rows = {id(one.image): one.image for one in added if isinstance(one, AddedPhoto) and one.is_new}
            write_photos([PhotoChanges(added=list(rows.values()))], priority="upload")
            changing.is_changed = bool(rows)
            return added

    return attempted(lambda: _with_files(new, kept, write))


def replace_by_upload(of: PhotosOf, image_id: int, read: Callable[[], bytes]) -> ProductImage:
    """Give a photo another file. Raises Refused, PhotoError (of a duplicate, too), StorageUnavailable."""
    new = [NewPhoto(read=read)]
    kept = [_kept(photo) for photo in new]

    def write() -> ProductImage:
        if not isinstance(kept[0], KeptPhoto):
            raise kept[0] or Refused("invalid", "there is no photo")
        with of.changing(f"replaced photo {image_id}") as changing:
            image = changing.photo(image_id)
            changing.is_changed = store.put_file(image, kept[0])
            return image

    return attempted(lambda: _with_files(new, kept, write))


def replace_by_url(of: PhotosOf, image_id: int, url: str) -> ProductImage:
    """Have a photo fetched from another URL; the one that is stored is shown until then. Raises Refused."""

    def write() -> ProductImage:
        with of.changing(f"gave photo {image_id} another URL") as changing:
            image = changing.photo(image_id)
            changing.refuse_url_of_other(url, image_id)
            changing.is_changed = image.source_url != url
            image.source_url, image.successor = url, None
            ProductImage.objects.filter(pk=image.pk).update(source_url=url, successor=None)
            if image.digest:
                asking.mark([image.pk], whole=True)
            else:
                announce.photos_stored([image.pk])  # its job begins anew, with this URL
            return image

    return attempted(write)


def edit_photo(of: PhotosOf, image_id: int, *, alt: str | None, position: int | None) -> ProductImage:
    """Give a photo another alternative text or place; None: as it is. Raises Refused."""

    def write() -> ProductImage:
        with of.changing(f"edited photo {image_id}") as changing:
            image = changing.photo(image_id)
            wanted = (image.alt if alt is None else alt, image.position if position is None else position)
            changing.is_changed = wanted != (image.alt, image.position)
            image.alt, image.position = wanted
            if changing.is_changed:
                image.save(update_fields=["alt", "position"])
            return image

    return attempted(write)


def remove_photo(of: PhotosOf, image_id: int) -> None:
    """Raises Refused."""

    def write() -> None:
        with of.changing(f"removed photo {image_id}") as changing:
            changing.photo(image_id).delete()
            changing.is_changed = True

    attempted(write)


_Kept = KeptPhoto | Failed | None


def _kept(photo: NewPhoto) -> _Kept:
    """The stored upload, or what is wrong with it; None of a photo by URL."""
    try:
        return None if photo.read is None else keep_upload(photo.read()).kept
    except (PhotoError, StorageUnavailable) as error:
        return error


def _with_files(new: Sequence[NewPhoto], kept: list[_Kept], write: Callable[[], T]) -> T:
    """`write()` in a transaction that protects the stored files from the sweep; those that it removed before are stored again."""
    while True:
        with transaction.atomic():
            swept = {one.name for one in store.hold(one for one in kept if isinstance(one, KeptPhoto))}
            if not swept:
                return write()
        for place, one in enumerate(kept):
            if isinstance(one, KeptPhoto) and one.name in swept:
                kept[place] = _kept(new[place])


def _added(changing: _Changing, new: Sequence[NewPhoto], kept: Sequence[_Kept]) -> Iterator[AddedPhoto | Failed]:
    there = {image.digest: image for image in changing.photos if image.digest}
    there |= {image.source_url: image for image in changing.photos if image.source_url}
    position = max((image.position for image in changing.photos), default=-1)
    count = len(changing.photos)
    for photo, file in zip(new, kept, strict=True):
        if isinstance(file, Failed):
            yield file
            continue
        known_by = photo.url if file is None else file.digest
        if is_new := known_by not in there:
            position, count = position + 1, count + 1
            image = ProductImage(product=changing.product, source_url=photo.url, alt=photo.alt, position=position)
            if file is not None:
                store.name_file(image, file)
            there[known_by] = image
        if count > MOST_PHOTOS:
            raise invalid("images", f"a product may have {MOST_PHOTOS} photos; this one has {len(changing.photos)}")
        yield AddedPhoto(there[known_by], is_new)
