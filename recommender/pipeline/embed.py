"""From leased photos to committed vectors: fetch, read, decode, encode, project, store."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np
import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, connection
from numpy.typing import NDArray

from catalog.photos.hashes import PictureHashes
from catalog.photos.reading import DecodersBusy, HashedPixels, PhotoError
from recommender.encoder.preprocess import hashed_pixels
from recommender.encoder.runtimes import KerasEncoder
from recommender.encoder.serving import EncoderMismatch, encoder_for
from recommender.encoder.types import BatchEncoder, ImageEncoder
from recommender.merchandising.recognition import recognise
from recommender.models import Encoder
from recommender.pipeline import leases, recovery
from recommender.pipeline.ahead import one_ahead
from recommender.pipeline.doorbell import ring
from recommender.pipeline.gallery import encoders_in_use
from recommender.pipeline.leases import Lease, LeasedPhoto
from recommender.pipeline.photo_files import Failure, fetch_photos, read_photo
from recommender.pipeline.store import Embedded, known_features, store

# An encoder that this process cannot serve is left to other processes, and asked again after so long.
REFUSED_SECONDS = 60.0
# How long a worker that lost Postgres tries to connect again, to return its lease itself.
RECONNECT_SECONDS = 60.0

# Raised through Django and, where vectors travel in binary, by psycopg itself.
POSTGRES_AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)

logger = logging.getLogger(__name__)
_refused: dict[int, float] = {}


@dataclass(frozen=True)
class Worked:
    """`done`: photos embedded. `more`: the queue was not found empty before time was up or `stop()`."""

    done: int
    more: bool


@dataclass(frozen=True)
class _Serving:
    row: Encoder
    encoder: ImageEncoder


def work(*, seconds: float, stop: Callable[[], bool] = lambda: False) -> Worked:
    """Embed what the queue holds until it is empty, `seconds` are over or `stop()`; a lease in hand is always finished."""
    until = time.monotonic() + seconds
    done = leased = 0
    try:
        serving = _encoders()
        while not stop():
            # Photos by URL have their turn first in every run, so that no long import of files keeps them waiting.
            for by_url in (leased == 0, leased > 0):
                ended = _one_lease(serving, by_url=by_url, first=leased == 0)
                if ended is not None:
                    break
            else:
                return Worked(done, more=False)
            leased += 1
            done += ended
            if time.monotonic() > until:
                break
    except POSTGRES_AWAY as error:
        # `more` would have the task sent again at once, and fail again: the sweep rings when Postgres answers.
        logger.warning("the work is interrupted: %s", error)
        return Worked(done, more=False)
    return Worked(done, more=True)


def _one_lease(serving: Mapping[int, _Serving], *, by_url: bool, first: bool) -> int | None:
    """Claim and process one lease; how many photos are done, or None when there is nothing to claim."""
    with leases.fetching() if by_url else nullcontext(True) as free:
        lease = leases.claim(encoder_ids=list(serving), by_url=by_url) if free else None
        if lease is None:
            return None
        if by_url or (first and len(lease.photos) > 1):
            ring()  # another worker may find more, and new photos must not wait until these are fetched
        with _returned_on_error(lease):
            return process(lease, serving[lease.encoder_id].row, serving[lease.encoder_id].encoder)


def process(lease: Lease, row: Encoder, encoder: ImageEncoder) -> int:
    """Embed the photos of one lease and commit what became of them; returns how many are done."""
    failures: dict[LeasedPhoto, Failure] = {}
    photos = list(_photos_with_files(lease, failures))
    known = known_features(row, photos)
    hashes: dict[str, PictureHashes] = {}
    if isinstance(encoder, KerasEncoder):
        _encode_together(lease, photos, encoder, known, hashes, failures)
    else:
        _encode_each(lease, photos, encoder, known, hashes, failures)
    recognise(row, hashes, known)
    embedded = [Embedded(photo, known[photo.digest]) for photo in photos if photo not in failures]
    stored = store(lease, encoder=row, embedded=embedded, hashes=hashes, failures=failures)
    if stored.ended < len(lease.photos):
        leases.give_back(lease)
    return stored.done


def _photos_with_files(lease: Lease, failures: dict[LeasedPhoto, Failure]) -> Iterator[LeasedPhoto]:
    """The photos of a lease, those given by URL fetched; a photo that is gone meanwhile is left out."""
    by_url = [photo for photo in lease.photos if photo.source_url and not photo.file]
    yield from (photo for photo in lease.photos if photo not in by_url)
    for asked, photo in fetch_photos(by_url):
        leases.prolong(lease)
        if isinstance(photo, Failure):
            failures[asked] = photo
        elif photo is not None:
            yield photo


def _encode_each(
    lease: Lease,
    photos: Sequence[LeasedPhoto],
    encoder: ImageEncoder,
    known: dict[str, NDArray[np.float32]],
    hashes: dict[str, PictureHashes],
    failures: dict[LeasedPhoto, Failure],
) -> None:
    """Add to `known` the features of what is not known yet, photo by photo, and to `hashes` those of its files.

    What cannot be read goes to `failures`.
    """
    files = _files_to_encode(photos, known)
    with closing(_decoded(files, encoder)) as decoded:
        for photo, *copies in files:
            with leases.begun(lease, photo):
                outcome = next(decoded)
                if not isinstance(outcome, Failure):
                    known[photo.digest] = encoder.features(outcome.pixels)
                    hashes[photo.digest] = outcome.hashes
            if isinstance(outcome, Failure):
                failures.update(dict.fromkeys([photo, *copies], outcome))


def _encode_together(
    lease: Lease,
    photos: Sequence[LeasedPhoto],
    encoder: BatchEncoder,
    known: dict[str, NDArray[np.float32]],
    hashes: dict[str, PictureHashes],
    failures: dict[LeasedPhoto, Failure],
) -> None:
    """As `_encode_each`, in one call of the encoder, which a GPU gains from. If the process dies in it, any photo may be to blame."""
    pixels: dict[LeasedPhoto, NDArray[np.uint8]] = {}
    files = _files_to_encode(photos, known)
    with closing(_decoded(files, encoder)) as decoded:
        for photo, *copies in files:
            with leases.begun(lease, photo):
                outcome = next(decoded)
            if isinstance(outcome, Failure):
                failures.update(dict.fromkeys([photo, *copies], outcome))
            else:
                pixels[photo] = outcome.pixels
                hashes[photo.digest] = outcome.hashes
    if pixels:
        leases.begin_together(lease, list(pixels))
        features = encoder.features_many(np.stack(list(pixels.values())))
        known.update(zip((photo.digest for photo in pixels), features, strict=True))


def _files_to_encode(
    photos: Sequence[LeasedPhoto], known: Mapping[str, NDArray[np.float32]]
) -> list[list[LeasedPhoto]]:
    """The photos whose features are not known, those of one file together: a file is read and encoded once."""
    files: dict[str, list[LeasedPhoto]] = {}
    for photo in photos:
        if photo.digest not in known:
            files.setdefault(photo.digest, []).append(photo)
    return list(files.values())


def _decoded(
    files: Sequence[Sequence[LeasedPhoto]], encoder: ImageEncoder
) -> Generator[HashedPixels | Failure, None, None]:
    """What the encoder is fed of each file, with the file's hashes, or why there is nothing; a file is decoded while the one
    before it is encoded.

    That is no risk to the process, which only passes bytes on, so the one photo that is `begun` is the one being encoded or
    waited for.
    """
    return one_ahead(partial(_pixels, encoder=encoder), (photos[0] for photos in files))


def _pixels(photo: LeasedPhoto, encoder: ImageEncoder) -> HashedPixels | Failure:
    """Read and decode a photo. Uses no database, so that any thread may call it."""
    data = read_photo(photo)
    if isinstance(data, Failure):
        return data
    try:
        return hashed_pixels(io.BytesIO(data), side=encoder.side, recipe=encoder.recipe)
    except PhotoError as error:
        return Failure(error.reason, str(error), may_pass=isinstance(error, DecodersBusy))


def _encoders() -> Mapping[int, _Serving]:
    """The encoders in use that this process can serve, proven. One that it cannot is logged and left alone for a while."""
    serving: dict[int, _Serving] = {}
    for row in encoders_in_use():
        if time.monotonic() < _refused.get(row.pk, 0.0):
            continue
        try:
            serving[row.pk] = _Serving(row, encoder_for(row))
        except (EncoderMismatch, ImproperlyConfigured) as error:
            _refused[row.pk] = time.monotonic() + REFUSED_SECONDS
            logger.error("%s: its photos are left to other workers: %s", row, error)
    return serving


@contextmanager
def _returned_on_error(lease: Lease) -> Iterator[None]:
    """Whatever is raised inside, the photos go back to the queue: none stays in a lease that nobody works on."""
    try:
        yield
    except POSTGRES_AWAY:
        if _reconnect():
            leases.give_back(lease)
        raise
    except (KeyboardInterrupt, SystemExit):
        leases.give_back(lease)
        raise
    except BaseException as error:
        recovery.abandon(lease.id, error=f"the worker met an error nobody foresaw: {error!r}")
        raise


def _reconnect() -> bool:
    """Connect to Postgres again, for at most RECONNECT_SECONDS."""
    until = time.monotonic() + RECONNECT_SECONDS
    while True:
        connection.close()
        try:
            connection.ensure_connection()
            return True
        except POSTGRES_AWAY as error:
            if time.monotonic() > until:
                logger.warning("Postgres is away, the lease will be recovered by a sweep: %s", error)
                return False
            time.sleep(0.2)
