"""Hot answers: a question that was answered a moment ago costs one look into Redis.

`HotAnswers` stand before Django: making its request, walking its middleware and sending its signals cost more
than the look. What the middleware decides (which hosts may ask, HTTPS, security headers) is not decided here again: its
answer to a caller is taken down once, and repeated only to callers that are alike in all it looks at.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from recommender.api.doors import json_response
from recommender.models import Space
from recommender.monitoring import metrics
from recommender.redis_pipeline import RedisPipeline, Reply
from recommender.search import cache as answers_cache
from recommender.search.cache import Beginning
from recommender.spaces import active as spaces
from recommender.spaces.active import known_space

Make = Callable[[], tuple[bytes, Space | None]]
Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Give = Callable[[int, Headers, bytes], None]
Caller = tuple[str, str | None, str]  # host, what the proxy says of HTTPS, scheme: what the middleware looks at

_QUESTION = re.compile(r"/api/v1/products/\d{1,19}/similar/")
_LOOKED = "hot_answer_looked_for"
_OF_ONE_ANSWER = {"content-length", "x-request-id"}
_OF_ONE_CALLER = {"set-cookie", "vary"}  # an answer that has one of these is not for others
_MOST_CALLERS = 100  # kinds of callers; one a host name and scheme


class HotAnswers:
    """The answers that need no Django. `identify`: the caller's X-Request-ID, or "" → the answer's.

    All but `take_down` is called on the server's event loop, so nothing here waits for Redis or asks Postgres: an answer is
    looked for where the active space is known, and given when Redis' reply comes in.
    """

    def __init__(self, *, identify: Callable[[str], str]) -> None:
        self._identify = identify
        self._heads: dict[Caller, Headers] = {}
        self._redis = RedisPipeline()

    def is_question(self, path: str) -> bool:
        """Whether answers to GET of this path are kept."""
        return _QUESTION.fullmatch(path) is not None

    async def answer(self, caller: Caller, path: str, query: str, identity: str, environ: Environ, give: Give) -> bool:
        """Whether a hot answer was given. If not, Django is to answer; `environ` then has what was found out for it."""
        if (connecting := self._redis.ready()) is not None:
            await asyncio.wait([connecting])
        head, space = self._heads.get(caller), known_space()
        if head is None or space is None:
            return False
        began = time.perf_counter()
        key = answers_cache.key_of(space_id=space.pk, question=_question("GET", path, query, b""))
        given: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        wall = time.time()

        def answered(reply: Reply | None) -> bool:
            if reply is None or reply[0] is None:
                return False
            beginning = Beginning(key, reply[0], wall, space.pk)
            body = answers_cache.current(beginning, reply[1])
            environ.update({_LOOKED: beginning, metrics.BEGAN: began})
            if body is None:
                return False
            length, identifier = str(len(body)), self._identify(identity)
            give(200, [*head, ("Content-Length", length), ("X-Request-ID", identifier)], body)
            metrics.count_request(_route(), "GET", 200, time.perf_counter() - began)
            return True

        def found(reply: Reply | None) -> None:
            """Answer at once, before whoever waits for `given` is told; what fails is theirs, not the other callers'."""
            try:
                hot = answered(reply)
            except Exception as error:
                if not given.done():
                    given.set_exception(error)
            else:
                if not given.done():
                    given.set_result(hot)

        asked = self._redis.ask([b"MGET", answers_cache.EPOCH.encode(), key.encode()], found)
        return asked and await given

    def close(self) -> None:
        """End the connection to Redis."""
        self._redis.close()

    def take_down(self, caller: Caller, status: int, headers: Headers) -> None:
        """Remember the headers of a good answer of Django, but those that are one answer's own."""
        if caller in self._heads or status != 200 or any(name.lower() in _OF_ONE_CALLER for name, _ in headers):
            return
        if len(self._heads) >= _MOST_CALLERS:
            self._heads.clear()
        self._heads[caller] = [(name, value) for name, value in headers if name.lower() not in _OF_ONE_ANSWER]


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
    return answers_cache.look(space_id=space.pk, question=_question(method, path, query, body))


def _question(method: str, path: str, query: str, body: bytes) -> bytes:
    return f"{method} {path}?{query}\n".encode() + body
