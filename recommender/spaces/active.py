"""Which space answers: known to every process within a second of a switch, without a gap.

A process that answers keeps its space until the encoder of the next one is loaded and proven; the replaced space stays
readable meanwhile. Only where that space has been retired already does a request wait for the load.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection, connections

from recommender.encoder.serving import COMPILED, EncoderMismatch, encoder_for
from recommender.encoder.store import HEAVY_JOINED
from recommender.encoder.weights_pickle import WeightsFileError
from recommender.models import Encoder, Space

CACHE_SECONDS = 1.0
# Megabytes of a space that no answer needs.
JUDGED_FIT = ("judged_mean", "judged_matrix", "judged_colour_mean", "judged_colour_matrix")
_RETRY_SECONDS = 5.0
# What loading an encoder is known to raise. Any other error would end the thread; the process then meets it again when
# it encodes its next query photo.
_LOADING = (EncoderMismatch, ImproperlyConfigured, WeightsFileError, DatabaseError, Encoder.DoesNotExist, OSError)

logger = logging.getLogger(__name__)


@dataclass
class _Held:
    """What this process knows: the space and when that was read, which space's encoder is being loaded, when one failed."""

    space: Space | None = None
    read_at: float = float("-inf")
    loading: int | None = None
    failed_at: float = float("-inf")


_held = _Held()
_lock = threading.Lock()
# What is read each second: which space is active, and what may change in it.
_IDENTITY = ("pk", "created_at", "parameters", "calibration__fitted_at")


def known_space() -> Space | None:
    """The active space where it was read less than a second ago, else None; Postgres is not asked.

    Inside a transaction use `active_space`, which reads there what the transaction sees.
    """
    held = _held
    return held.space if time.monotonic() - held.read_at < CACHE_SECONDS else None


def active_space() -> Space | None:
    """The active space with its matrices, None before there is one; at most a second old."""
    known = known_space()
    return known if known is not None and not connection.in_atomic_block else _read()


def active_beside(space: Space) -> Space | None:
    """The active space where it is another one than this."""
    active = active_space()
    return active if active is not None and active.pk != space.pk else None


def forget_active_space() -> None:
    """The next `active_space` asks the database."""
    with _lock:
        _held.space, _held.read_at, _held.failed_at = None, float("-inf"), float("-inf")


def _read() -> Space | None:
    row = Space.objects.filter(state=Space.State.ACTIVE).values(*_IDENTITY).first()
    before = _held.space
    if row is None:
        forget_active_space()
        return None
    if before is not None and _is_as_read(before, row):
        before.parameters = row["parameters"]
        _held.read_at = time.monotonic()
        return before
    space = _load(row["pk"])
    if space is None:  # replaced between the two statements
        return _read()
    if before is not None and before.encoder_id != space.encoder_id and _readable(before):
        _load_encoder_first(space)
        _held.read_at = time.monotonic()
        return before
    return _adopt(space)


def _is_as_read(space: Space, row: Mapping[str, object]) -> bool:
    """Whether the row is still that of this instance. Fitted anew, its calibration comes with a new instance: a search that
    was begun keeps one calibration to its end."""
    fitted_at = space.calibration.get("fitted_at")
    return (space.pk, space.created_at, fitted_at) == (row["pk"], row["created_at"], row["calibration__fitted_at"])


def _load(pk: int) -> Space | None:
    rows = Space.objects.select_related("encoder").defer(*HEAVY_JOINED, *JUDGED_FIT)
    return rows.filter(pk=pk, state=Space.State.ACTIVE).first()


def _readable(space: Space) -> bool:
    kept = Space.objects.filter(pk=space.pk, created_at=space.created_at)
    return kept.exclude(state=Space.State.RETIRED).exists()


def _adopt(space: Space) -> Space:
    with _lock:
        _held.space, _held.read_at, _held.loading = space, time.monotonic(), None
    return space


def _load_encoder_first(space: Space) -> None:
    with _lock:
        resting = time.monotonic() - _held.failed_at < _RETRY_SECONDS
        if _held.loading == space.pk or resting:
            return
        _held.loading = space.pk
    threading.Thread(target=_load_encoder, args=(space,), name="load the next encoder", daemon=True).start()


def _load_encoder(space: Space) -> None:
    failure: Exception | None = None
    try:
        encoder_for(Encoder.objects.get(pk=space.encoder_id), runtime=COMPILED)
    except _LOADING as error:
        failure = error
    finally:
        connections.close_all()
    with _lock:
        _held.loading = None
        if failure is None:
            _held.space, _held.read_at = space, time.monotonic()
            return
        _held.failed_at = time.monotonic()
    logger.error("space %s waits, its encoder does not load in this process: %s", space.name, failure)
