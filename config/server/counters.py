"""Reserve disk space for the metrics of a web process (see recommender.monitoring.metrics)."""

from __future__ import annotations

import logging
import os
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
ROOM_BYTES = 1024**2  # several times what the metrics of all routes, methods and statuses take
_KINDS = ("counter", "histogram")

logger = logging.getLogger(__name__)


def keep_room() -> None:
    """Reserve ROOM_BYTES for each kind of metric of this process, in the folder that config.web made. Call it before metrics
    are imported.

    prometheus_client maps these files into memory without reserving their space: were the disk full at the first write, the
    kernel would end the process (SIGBUS). Where there is no space, the process keeps its metrics in memory of its own.
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
