"""What granian serves (config.web): Django behind its hot answers, in a process that does not outlive the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

from config.database.watched import bound_waits
from config.orphans import end_with_parent

if TYPE_CHECKING:
    from config.server.application import Server


def _application() -> Server:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django = get_wsgi_application()
    bound_waits()
    from config.server.application import Server  # reads models, so Django is set up first

    return Server(django)


end_with_parent()
application = _application()
