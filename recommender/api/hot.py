"""Hot answers: a question that was answered a moment ago costs one look into Redis.

`hot_answers` stands before Django: making its request, walking its middleware and sending its signals cost more
than the look. What the middleware decides (which hosts may ask, HTTPS, security headers) is not decided here again: its
answer to a caller is taken down once, and repeated only to callers that are alike in all it looks at.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from recommender import metrics
from recommender.api.doors import json_response
from recommender.models import Space
from recommender.services import answers_cache, spaces
from recommender.services.answers_cache import Beginning

Make = Callable[[], tuple[bytes, Space | None]]
Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[str, str]]

_QUESTION = re.compile(r"/api/v1/products/\d{1,19}/similar/")
_LOOKED = "hot_answer_looked_for"
_OF_ONE_ANSWER = {"content-length", "x-request-id"}
_OF_ONE_CALLER = {"set-cookie", "vary"}  # an answer that has one of these is not for others
_MOST_CALLERS = 100  # kinds of callers; one a host name and scheme


def hot_answers(application: Application, *, identify: Callable[[str], str]) -> Application:
    """The WSGI application behind its hot answers. `identify`: the caller's X-Request-ID, or "" → the answer's."""
    heads: dict[tuple[object, ...], Headers] = {}

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET" or not _QUESTION.fullmatch(environ["PATH_INFO"]):
            return application(environ, start_response)
        caller = (environ.get("HTTP_HOST"), environ.get("HTTP_X_FORWARDED_PROTO"), environ.get("wsgi.url_scheme"))
        head = heads.get(caller)
        if head is None:
            return application(environ, _taking_down(heads, caller, start_response))
        began = time.perf_counter()
        body, environ[_LOOKED] = _look("GET", environ["PATH_INFO"], environ.get("QUERY_STRING", ""), b"")
        if body is None:
            environ[metrics.BEGAN] = began
            return application(environ, start_response)
        identifier = identify(environ.get("HTTP_X_REQUEST_ID", ""))
        start_response("200 OK", [*head, ("Content-Length", str(len(body))), ("X-Request-ID", identifier)])
        metrics.count_request(_route(), "GET", 200, time.perf_counter() - began)
        return [body]

    return answer


def hot_or_made(request: HttpRequest, make: Make) -> HttpResponse:
    """The answer from Redis where the same was asked a moment ago, else `make()`.

    That gives the bytes and the space that answered, None where they may not be kept. They are kept only under a key
    of that space: between the look and the answer the active one may have been switched.
    """
    body, beginning = None, request.META.pop(_LOOKED, None)
    if beginning is None:
        query = request.META.get("QUERY_STRING", "")
        body, beginning = _look(request.method or "", request.path_info, query, request.body)
    if body is None:
        body, space = make()
        if space is not None and beginning is not None and beginning.space_id == space.pk:
            answers_cache.keep(beginning, body)
    return json_response(body)


def _taking_down(
    heads: dict[tuple[object, ...], Headers], caller: tuple[object, ...], start_response: Callable[..., Any]
) -> Callable[..., Any]:
    """A `start_response` that remembers the headers of a good answer, but those that are one answer's own."""

    def taken_down(status: str, headers: Headers, *more: Any) -> Any:
        if status.startswith("200") and not any(name.lower() in _OF_ONE_CALLER for name, _ in headers):
            if len(heads) >= _MOST_CALLERS:
                heads.clear()
            heads[caller] = [(name, value) for name, value in headers if name.lower() not in _OF_ONE_ANSWER]
        return start_response(status, headers, *more)

    return taken_down


@cache
def _route() -> str:
    """The route of _QUESTION, by which requests are counted."""
    return resolve("/api/v1/products/1/similar/").route


def _look(method: str, path: str, query: str, body: bytes) -> tuple[bytes | None, Beginning | None]:
    """None twice where the space is not known: then the view says what is the matter."""
    try:
        space = spaces.active_space()
    except Error:
        return None, None
    if space is None:
        return None, None
    question = f"{method} {path}?{query}\n".encode() + body
    return answers_cache.look(space_id=space.pk, question=question)
