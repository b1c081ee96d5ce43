"""Loaded by pytest before Django's settings: the servers that the tests run against, and a fixed environment.

With several workers (`pytest -n 2`) the process that hands out the tests borrows the servers; its workers inherit their
addresses, and each has databases of its own: pytest-django names the Postgres ones, the number of the Redis one is set here.
"""

import atexit
import os
import sys
from contextlib import ExitStack
from urllib.parse import urlsplit, urlunsplit

import pytest

from config.local.folder import LocalUnavailable, local_folder
from config.local.services import borrowed_services

# Whoever runs the tests may have a .env of their own: the tests' settings are the defaults.
os.environ["ENV_FILE"] = os.devnull
# Weights that this user's Keras once downloaded are none of the tests'.
os.environ["KERAS_HOME"] = str(local_folder() / "keras_for_tests")
_servers = ExitStack()
try:
    _servers.enter_context(borrowed_services())
except LocalUnavailable as error:
    sys.exit(f"pytest: {error}")
# Database 0 is that of a demo on the same server; worker gw0 has database 1, gw1 database 2, and so on.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
os.environ["REDIS_URL"] = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{_worker + 1}"))
if "PYTEST_XDIST_WORKER" in os.environ:
    # A worker has one core: threads of a matrix product would only wait for those of the other workers.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
atexit.register(_servers.close)


@pytest.hookimpl(tryfirst=True)  # xdist has one of its own
def pytest_xdist_auto_num_workers() -> int:
    """Many tests wait for processes that they start, or for a clock: one worker more than there are cores, at most four."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores + 1, 4)
