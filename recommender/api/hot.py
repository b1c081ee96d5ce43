"""Hot answers before the routes: a question that was answered a moment ago costs one look into Redis.

The middleware stands behind whatever judges and marks every request (identity, metrics, HTTPS), before what only pages
need (sessions, users, messages).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from recommender.api.doors import json_response
from recommender.models import Space
from recommender.services import answers_cache, spaces
from recommender.services.answers_cache import Beginning

GetResponse = Callable[[HttpRequest], HttpResponse]
Make = Callable[[], tuple[bytes, Space | None]]

_QUESTION = re.compile(r"/api/v1/products/\d{1,19}/similar/")
_LOOKED = "hot_answer_looked_for"


def hot_answers(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method == "GET" and _QUESTION.fullmatch(request.path_info):
            request.get_host()  # raises DisallowedHost, as CommonMiddleware does
            body, beginning = _look(request, b"")
            if body is not None:
                return json_response(body)
            request.META[_LOOKED] = beginning
        return get_response(request)

    return middleware


def hot_or_made(request: HttpRequest, make: Make) -> HttpResponse:
    """The answer from Redis where the same was asked a moment ago, else `make()`.

    That gives the bytes and the space that answered, None where they may not be kept. They are kept only under a key
    of that space: between the look and the answer the active one may have been switched.
    """
    body, beginning = None, request.META.pop(_LOOKED, None)
    if beginning is None:
        body, beginning = _look(request, request.body)
    if body is None:
        body, space = make()
        if space is not None and beginning is not None and beginning.space_id == space.pk:
            answers_cache.keep(beginning, body)
    return json_response(body)


def _look(request: HttpRequest, body: bytes) -> tuple[bytes | None, Beginning | None]:
    """None twice where the space is not known: then the view says what is the matter."""
    try:
        space = spaces.active_space()
    except DatabaseError:
        return None, None
    if space is None:
        return None, None
    question = f"{request.method} {request.path_info}?{request.META.get('QUERY_STRING', '')}\n".encode() + body
    return answers_cache.look(space_id=space.pk, question=question)
