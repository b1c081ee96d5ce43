"""The WSGI application that granian serves (config.web): Django behind its hot answers and the encodings it knows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

from config.database.watched import bound_waits
from config.middleware import identifier
from config.unusable_input import known_encodings

if TYPE_CHECKING:
    from recommender.api.hot import Application


def _application() -> Application:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django = get_wsgi_application()
    bound_waits()
    from recommender.api.hot import hot_answers  # reads models, so Django is set up first

    return hot_answers(known_encodings(django), identify=identifier)


application = _application()
