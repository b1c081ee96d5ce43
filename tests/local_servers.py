"""Loaded by pytest before Django's settings: the servers that the tests run against, and a fixed environment."""

import atexit
import os
import sys
from contextlib import ExitStack
from urllib.parse import urlsplit, urlunsplit

from config.local.folder import LocalUnavailable
from config.local.services import borrowed_services

# Whoever runs the tests may have a .env of their own: the tests' settings are the defaults.
os.environ["ENV_FILE"] = os.devnull
_servers = ExitStack()
try:
    _servers.enter_context(borrowed_services())
except LocalUnavailable as error:
    sys.exit(f"pytest: {error}")
# Database 1: a demo that runs on database 0 of the same server is left alone.
os.environ["REDIS_URL"] = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path="/1"))
atexit.register(_servers.close)
