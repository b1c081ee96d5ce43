"""Asks Postgres again where it was away, or ended a deadlock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

# Waits for about eight seconds in all.
TRIES = 6
FIRST_PAUSE_SECONDS = 0.25

T = TypeVar("T")
logger = logging.getLogger(__name__)


def retried(ask: Callable[[], T], before_again: Callable[[], None] = lambda: None) -> T:
    """`ask()`, again after a pause where Postgres was away or ended a deadlock: what is asked can be asked twice."""
    for attempt in range(1, TRIES):
        try:
            if attempt > 1:
                before_again()
            return ask()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            logger.warning("tried again: %s", error)
        time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        connection.close_if_unusable_or_obsolete()
    before_again()
    return ask()
