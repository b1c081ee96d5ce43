"""The RSGI application that granian serves (see config.web), in a process that does not outlive the server."""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.content_types import FormRequest, known_encodings
from config.database.watched import bound_waits
from config.parent import end_with_parent
from config.server.counters import keep_room

if TYPE_CHECKING:
    from config.server.application import Server

# Packages that Django REST framework and redis import where they are installed, for what no web process does: a client for
# tests, colours in Markdown, traces. They would take 6 MB of each.
DONE_WITHOUT = ("requests", "pygments", "opentelemetry")


def _application() -> Server:
    for package in DONE_WITHOUT:
        sys.modules.setdefault(package, None)  # type: ignore[arg-type]  # importing it fails as if it were not installed
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    keep_room()
    django = get_wsgi_application()
    django.request_class = FormRequest
    bound_waits()
    # These import models, which needs Django set up.
    from config.server.access_log import AccessLog, to_standard_output
    from config.server.application import Server
    from config.server.warm_up import warm_up

    warm_up()
    access_log = AccessLog(to_standard_output) if settings.ACCESS_LOG == "json" else None
    return Server(known_encodings(django), access_log=access_log)


# granian makes its workers from its main thread. Where no Python process made this one, it is the server itself.
if (parent := multiprocessing.parent_process()) is not None and parent.pid is not None:
    end_with_parent(parent.pid)
application = _application()
