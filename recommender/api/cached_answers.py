"""Answers that were given a moment ago, from Redis: before Django is reached, and in its views.

Making Django's request, passing its middleware and sending its signals costs more than reading an answer from Redis, so
`CachedAnswers` reads it on the server's event loop. What else belongs to an answer is the same as in a view: the one decision
about who is admitted (catalog.access.admission) and the middleware's headers and refusals (answer_middleware).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from catalog.access.admission import ADMISSION, Admission, Asker, Undecided, decide, settled
from catalog.api.problems import problem_response
from catalog.caching import REVALIDATED, is_named, not_modified
from catalog.tracking import untracked
from recommender.api.answer_middleware import AnswerMiddleware, Caller, Environ
from recommender.bucket_script import Lookup
from recommender.buckets import in_process
from recommender.merchandising.rules.in_force import known_rules, rules_in_force
from recommender.models import Space
from recommender.monitoring import metrics
from recommender.redis_client import LoopReader
from recommender.search import cache as answers_cache
from recommender.search.cache import Beginning, Kept
from recommender.spaces import active as spaces
from recommender.spaces.active import known_space

Make = Callable[[], tuple[bytes, Space | None]]
Headers = list[tuple[str, str]]
Reply = tuple[int, Headers, bytes]  # status, headers, body
Found = tuple[Kept | None, Beginning | None]  # the cached answer, and when a new one would be begun

_KEPT_PATHS = re.compile(r"/api/v1/products/(?:\d{1,19}|sku:.+)/similar/", re.ASCII)
_LOOKUP = "lookalike.cached_answer"  # in a request's environment: what was found in Redis before Django was reached
_MOST_CALLERS = 100  # for how many host names, schemes and origins the headers of answers are remembered


@dataclass(slots=True)  # one is made for every answer, and a frozen one takes three times as long
class EarlyRequest:
    """A request that Django has not seen.

    `path` is decoded, `query` is as it was sent, `address` is the connection's other end. `header` gives a header's value as
    Django sees it by its lower-case name, None where it is absent. `environ` makes the WSGI environment without the body.
    `give` answers: status, headers, body.
    """

    method: str
    path: str
    query: str
    scheme: str
    address: str
    header: Callable[[str], str | None]
    environ: Callable[[], Environ]
    give: Callable[[int, Headers, bytes], None]


class CachedAnswers:
    """The answers that need no Django, and 304 to callers who have them already.

    `identify`: the caller's X-Request-ID, or "" → the answer's.

    All is called on the server's event loop, so nothing here waits for Redis or asks Postgres: an answer is looked for where
    the active space, the rules and the caller's key are known, in the round trip that counts the caller's tokens, and given when Redis'
    reply comes in.
    """

    def __init__(self, *, identify: Callable[[str], str]) -> None:
        self._identify = identify
        self._middleware = AnswerMiddleware()
        self._heads: dict[Caller, Headers | None] = {}
        self._redis = LoopReader()

    def may_have(self, method: str, path: str) -> bool:
        """Whether answers to such a request are kept."""
        return method == "GET" and _KEPT_PATHS.fullmatch(path) is not None

    async def answer(self, request: EarlyRequest, environ: Environ) -> bool:
        """Whether the request was answered. If not, Django is to answer; `environ` then has what was found out for it."""
        if (space := known_space()) is None or (book := known_rules()) is None:
            return False
        began, wall = time.perf_counter(), time.time()
        try:
            admission = decide(
                Asker(request.method, request.path, request.address, request.header, request.query, False)
            )
        except Undecided:
            return False
        asked = _request_bytes("GET", request.path, request.query, b"")
        key = answers_cache.key_of(space_id=space.pk, rules=book.version, request=asked)
        found = await self._redis.look_up(Lookup(admission.charges, (answers_cache.EPOCH, key)))
        counted, values = found or (None, None)
        if counted is None and admission.charges:
            counted = in_process.count(admission.charges)
        environ[ADMISSION] = admission = settled(admission, counted)
        if counted is not None and not counted.admitted:
            return self._give(request, environ, Kept(b"", ""), began)
        if values is None or values[0] is None:
            return False
        beginning = Beginning(key, values[0], wall, space.pk, book.version)
        kept = answers_cache.current(beginning, values[1])
        environ.update({_LOOKUP: (kept, beginning), metrics.BEGAN: began})
        return kept is not None and self._give(request, environ, kept, began)

    async def close(self) -> None:
        """End the connection to Redis."""
        await self._redis.close()

    def _give(self, request: EarlyRequest, environ: Environ, kept: Kept, began: float) -> bool:
        """Answer with what was kept, or refuse; False where the middleware has another answer, which is Django's to give."""
        answer = self._answer(request, environ, kept)
        if answer is None:
            return False
        status, headers, content = answer
        identity = ("X-Request-ID", self._identify(request.header("x-request-id") or ""))
        request.give(status, [*headers, *_admission(environ).headers, identity], content)
        metrics.count_request(_route(), "GET", status, time.perf_counter() - began)
        return True

    def _answer(self, request: EarlyRequest, environ: Environ, kept: Kept) -> Reply | None:
        try:
            caller = self._middleware.caller(request.scheme, request.header)
        except Undecided:
            return None
        if caller is not None:
            head = self._head(request, caller)
            if head is None:
                return None
            if _admission(environ).refusal is None:
                return _reply(request, head, kept)
        response = self._middleware.run(request.environ(), lambda: _response(request, environ, kept))
        if response is None:
            return None
        cookies = [("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values()]
        return response.status_code, [*response.items(), *cookies], response.content

    def _head(self, request: EarlyRequest, caller: Caller) -> Headers | None:
        """The headers of any good answer to such a caller, but its length and ETag; None where they get none."""
        if caller not in self._heads:
            if len(self._heads) >= _MOST_CALLERS:
                self._heads.clear()
            plain = self._middleware.run(request.environ(), lambda: _json(b""))
            self._heads[caller] = None if plain is None else _without_length(plain)
        return self._heads[caller]


def cached_or_made(request: HttpRequest, make: Make) -> bytes:
    """The answer from Redis where the same was asked a moment ago, else that of `make()`.

    That gives the bytes and the space that answered, None where they may not be kept. They are kept only under a key
    of that space and of the rules that are in force after all: between the look-up and the answer either may have changed.
    """
    lookup: Found | None = request.META.pop(_LOOKUP, None)
    if lookup is None:
        query = request.META.get("QUERY_STRING", "")
        lookup = _look_up(request.method or "", request.path_info, query, request.body)
    kept, beginning = lookup
    if kept is not None:
        return kept.body
    body, space = make()
    if space is not None and beginning is not None and beginning.space_id == space.pk:
        if _are_in_force(beginning.rules):
            answers_cache.keep(beginning, body)
    return body


def _are_in_force(version: str) -> bool:
    """Whether the rules are of that version; False where Postgres cannot be asked."""
    try:
        return rules_in_force().version == version
    except Error:
        return False


def _admission(environ: Environ) -> Admission:
    """The decision about the request; Django is told it, should it be reached after all."""
    admission: Admission = environ[ADMISSION]
    return admission


def _reply(request: EarlyRequest, head: Headers, kept: Kept) -> Reply:
    """An answer with the headers of `head`, or 304 to a caller who has it already."""
    etag = ("ETag", kept.etag)
    if is_named(kept.etag, request.header("if-none-match")):
        return 304, [*(pair for pair in head if pair[0] != "Content-Type"), etag], b""
    return 200, [*head, etag, ("Content-Length", str(len(kept.body)))], kept.body


def _response(request: EarlyRequest, environ: Environ, kept: Kept) -> HttpResponse:
    """What the view would answer to this caller."""
    refusal = _admission(environ).refusal
    if refusal is not None:
        return problem_response(refusal, instance=request.path)
    response = _json(kept.body)
    response.headers["ETag"] = kept.etag
    if is_named(kept.etag, request.header("if-none-match")):
        return not_modified(dict(response.items()))
    return response


def _without_length(response: HttpResponse) -> Headers:
    return [(name, value) for name, value in response.items() if name != "Content-Length"]


def _json(body: bytes) -> HttpResponse:
    return HttpResponse(body, content_type="application/json", headers={"Cache-Control": REVALIDATED})


@cache
def _route() -> str:
    """The route of _KEPT_PATHS, by which requests are counted."""
    return resolve("/api/v1/products/1/similar/").route


def _look_up(method: str, path: str, query: str, body: bytes) -> Found:
    """None twice where the space or the rules are not known: then the view says what is the matter."""
    try:
        space, book = spaces.active_space(), rules_in_force()
    except Error:
        return None, None
    if space is None:
        return None, None
    asked = _request_bytes(method, path, query, body)
    return answers_cache.look_up(space_id=space.pk, rules=book.version, request=asked)


def _request_bytes(method: str, path: str, query: str, body: bytes) -> bytes:
    """What tells a request from every other. A path was decoded and may hold any character, so its length says where it ends."""
    return f"{method} {len(path)} {path}?{untracked(query)}\n".encode() + body
