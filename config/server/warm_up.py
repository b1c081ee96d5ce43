"""Prepares a web process before it takes requests, so that its first callers do not wait for what later ones find ready."""

from __future__ import annotations

import logging
import threading

from django.db import connections
from django.urls import get_resolver

from recommender.search.query_photos import prepare

WARM_UP_SECONDS = 5.0

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Import the views, load the encoder and start a decoder of photos; return after WARM_UP_SECONDS at the latest.

    What takes longer goes on beside the first requests. What fails is logged, and tried again by the first request that needs it.
    """
    _ = get_resolver().url_patterns  # importing the URLs imports the views
    thread = threading.Thread(target=_prepare, name="warm up", daemon=True)
    thread.start()
    thread.join(WARM_UP_SECONDS)


def _prepare() -> None:
    try:
        prepare()
    except Exception as error:
        logger.warning("nothing is prepared for the first photo search of this process: %s", error)
    finally:
        connections.close_all()
