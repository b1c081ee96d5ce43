"""Room on the disk for what a web process counts (recommender.monitoring.metrics)."""

from __future__ import annotations

import logging
import os
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
ROOM_BYTES = 1024**2  # a few times what all routes, methods and statuses take
_KINDS = ("counter", "histogram")

logger = logging.getLogger(__name__)


def keep_room() -> None:
    """Take ROOM_BYTES for each kind of metric of this process in the folder of config.web; call it before metrics are imported.

    They are files mapped into memory, which prometheus_client makes without taking their room: where the disk is full when
    one is written, the kernel ends the process (SIGBUS). Where there is no room now, the process counts for itself alone.
    """
    folder = os.environ.get(FOLDER)
    if not folder or not hasattr(os, "posix_fallocate"):
        return
    paths = [Path(folder) / f"{kind}_{os.getpid()}.db" for kind in _KINDS]
    try:
        for path in paths:
            with path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
    except OSError as error:
        logger.warning(
            "what this process counts is missing from the sums in /metrics: no room in %s (%s)", folder, error
        )
        del os.environ[FOLDER]
        for path in paths:
            path.unlink(missing_ok=True)
