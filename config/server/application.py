"""The RSGI application: cached answers are sent from the event loop, everything else is answered by Django in a thread."""

from __future__ import annotations

import io
import logging
import time
from asyncio import AbstractEventLoop
from functools import partial

from django.conf import settings

from catalog.access.origins import cross_origin_headers
from catalog.api.problems import API_PREFIX, Problem, busy, problem_response
from catalog.caching import NOT_STORED
from config.request_ids import identifier
from config.server.access_log import AccessLog
from config.server.answers import answer
from config.server.bodies import Bodies, Body, BodyIncomplete, BodyTooLarge, NoRoom, throw_away
from config.server.environ import environ_of
from config.server.lanes import WaitedTooLong
from config.server.table import RequestGroup, request_groups
from config.server.types import Application, Asked, Environ, Proto, Scope, host_and_port
from recommender.api.cached_answers import CachedAnswers, EarlyRequest
from recommender.monitoring import metrics

MOST_WAITING = 1000

logger = logging.getLogger(__name__)


class Server:
    """An RSGI application around Django's WSGI application. `access_log`: where its answers are written, if anywhere."""

    def __init__(self, django: Application, *, access_log: AccessLog | None = None) -> None:
        self._django = django
        self._access_log = access_log
        self._cached = CachedAnswers(identify=identifier)
        self._bodies = Bodies()
        self._groups = request_groups()
        self._whole = 0  # requests whose body has been read and that are not answered yet

    async def __call__(self, scope: Scope, proto: Proto) -> None:
        """Answer one request; what fails is logged and answered with 500."""
        asked = Asked(scope, proto)
        if self._access_log is not None:
            asked.proto = self._access_log.watched(asked)
        try:
            await self._answer(asked)
        except Exception:
            logger.exception("%s %s was not answered", asked.method, asked.path)
            refuse(asked, Problem(500, detail="the server failed; its log has the reason"), close=True)

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        """Called by granian when the last request has been answered and the loop has stopped."""
        loop.run_until_complete(self._cached.close())
        for group in self._groups:
            group.lane.close()
        if self._access_log is not None:
            self._access_log.close()

    async def _answer(self, asked: Asked) -> None:
        """Send the cached answer if there is one; else let Django answer, with what was found out on the way."""
        environ: Environ = {}
        if self._cached.may_have(asked.method, asked.path) and await self._cached.answer(_early(asked), environ):
            return
        group = next(group for group in self._groups if group.takes(asked))
        await self._serve(asked, group, environ)

    async def _serve(self, asked: Asked, group: RequestGroup, environ: Environ) -> None:
        """Read the body, wait for a thread, and let Django answer in it.

        `environ`: entries to add to the WSGI environment.
        """
        try:
            async with self._bodies.read(asked, most=group.most) as body:
                if group.counted and self._whole >= MOST_WAITING:
                    return refuse(asked, busy("too many requests wait already; try again"))
                environ |= environ_of(asked, body)
                self._whole += group.counted
                try:
                    await group.lane.run(partial(answer, asked.proto, self._django, environ))
                finally:
                    self._whole -= group.counted
        except BodyTooLarge:
            refuse(asked, group.too_large(group.most), close=True)
            await throw_away(asked.proto)
        except BodyIncomplete as error:
            late = "was not whole in time" if error.late else "broke off"
            refuse(asked, Problem(408 if error.late else 400, detail=f"the body {late}; send it again"), close=True)
        except NoRoom:
            refuse(asked, busy("there is no room for the body; try again"), close=True)
        except WaitedTooLong:
            refuse(asked, busy(f"no thread was free within {settings.WAIT_SECONDS:g} s; try again"))


def _early(asked: Asked) -> EarlyRequest:
    scope = asked.scope
    return EarlyRequest(
        method=asked.method,
        path=asked.path,
        query=asked.query,
        scheme=scope.scheme,
        address=host_and_port(scope.client)[0],
        header=asked.header,
        environ=lambda: environ_of(asked, Body(io.BytesIO(), None)),
        give=asked.proto.response_bytes,
    )


def refuse(asked: Asked, problem: Problem, *, close: bool = False) -> None:
    """Answer without Django: problem details under /api/, a line of text elsewhere. `close`: then close the connection."""
    began = time.perf_counter()
    if asked.path.startswith(API_PREFIX):
        response = problem_response(problem, instance=asked.path)
        body, content_type = response.content, response.headers["Content-Type"]
    else:
        body, content_type = f"{problem.title}: {problem.detail}\n".encode(), "text/plain; charset=utf-8"
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", NOT_STORED),
        *cross_origin_headers(asked.path, asked.header("origin")),
        ("X-Request-ID", identifier(asked.headers.get("x-request-id", ""))),
        *problem.headers.items(),
    ]
    asked.proto.response_bytes(problem.status, [*headers, ("Connection", "close")] if close else headers, body)
    metrics.count_request("none", asked.method, problem.status, time.perf_counter() - began)
