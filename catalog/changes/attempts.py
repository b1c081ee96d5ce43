"""Runs a transaction again where another one was in its way."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, OperationalError
from psycopg import errors

from catalog.changes.refusals import Refused

TRIES = 5
_PAUSE_SECONDS = 0.05
# What another transaction did or does. Any other refusal of Postgres would be the same the next time.
_IN_THE_WAY = (
    *(errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable),
    *(errors.UniqueViolation, errors.ForeignKeyViolation),
)

T = TypeVar("T")
logger = logging.getLogger(__name__)


def attempted(write: Callable[[], T]) -> T:
    """`write()`, a transaction of its own, again after Postgres ended a deadlock or somebody wrote the same key at that moment: the
    next attempt sees what they wrote. A lost connection is not tried again, since it may have been lost after the commit.

    Raises Refused ("busy") where it was in vain, and the database's other errors.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return write()
        except (IntegrityError, OperationalError) as error:
            if not isinstance(error.__cause__, _IN_THE_WAY):
                raise
            logger.warning("written again: %s", error)
        time.sleep(_PAUSE_SECONDS * attempt * random.random())
    raise Refused("busy", "others were writing the same; send it again")
