"""The bytes of a leased photo: from storage, or first from the address that a feed gave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

from django.conf import settings
from django.core.files.storage import default_storage

from catalog.models import ProductImage
from catalog.photos.fetch import Fetched, FetchFailed, FetchRefused, fetch_validated
from catalog.photos.fetched import store_fetched
from catalog.photos.reading import DecodersBusy, PhotoError
from recommender.pipeline.leases import LeasedPhoto


@dataclass(frozen=True)
class Failure:
    """Why a photo has no features. `reason` is a short code, `error` a sentence; `may_pass`: worth another try."""

    reason: str
    error: str
    may_pass: bool = False


def read_photo(photo: LeasedPhoto) -> bytes | Failure:
    """The file's bytes (at most one more than MAX_PHOTO_BYTES: the decoder then says that it is too large)."""
    if not photo.file:
        return Failure("no_file", "the photo has neither a file nor an address; upload it again")
    try:
        with default_storage.open(photo.file) as file:
            data: bytes = file.read(settings.MAX_PHOTO_BYTES + 1)
            return data
    except Exception as error:  # storages elsewhere raise errors of their own kinds
        return Failure("storage", f"{photo.file} cannot be read from storage: {error}", may_pass=True)


def fetch_photos(photos: Sequence[LeasedPhoto]) -> Iterator[tuple[LeasedPhoto, LeasedPhoto | Failure | None]]:
    """Fetch photos by their address, all at once, and store them, in the order in which they arrive.

    Each comes with the photo as it lies in storage now, with the reason why it does not, or with None when its row is
    gone or points elsewhere by now.
    """
    if not photos:
        return
    with ThreadPoolExecutor(len(photos), thread_name_prefix="fetch") as pool:
        fetches: dict[Future[Fetched | None], LeasedPhoto] = {
            pool.submit(fetch_validated, photo.source_url): photo for photo in photos
        }
        for fetch in as_completed(fetches):
            photo = fetches.pop(fetch)
            yield photo, _stored(photo, fetch)


def _stored(photo: LeasedPhoto, fetch: Future[Fetched | None]) -> LeasedPhoto | Failure | None:
    try:
        fetched = fetch.result()
        row = ProductImage(pk=photo.image_id, product_id=photo.product_id, source_url=photo.source_url)
        image = store_fetched(row, fetched) if fetched is not None else None
    except FetchRefused as error:
        return Failure(error.reason, f"{photo.source_url}: {error}")
    except FetchFailed as error:
        return Failure("fetch", f"{photo.source_url}: {error}", may_pass=True)
    except PhotoError as error:
        return Failure(error.reason, f"{photo.source_url}: {error}", may_pass=isinstance(error, DecodersBusy))
    except OSError as error:
        return Failure("storage", f"the photo cannot be written to storage: {error}", may_pass=True)
    if image is None:
        return None
    return replace(photo, digest=image.digest, file=image.file.name or "", seen=True)
