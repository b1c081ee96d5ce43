"""Loaded by pytest before Django's settings: the servers that the tests run against, and a fixed environment."""

import atexit
import os
from contextlib import ExitStack

from config.local.services import borrowed_services

_servers = ExitStack()
_servers.enter_context(borrowed_services())
# Database 1: a demo that runs on database 0 of the same server is left alone.
os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rpartition("/")[0] + "/1"
atexit.register(_servers.close)
