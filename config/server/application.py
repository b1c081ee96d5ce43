"""What granian calls: hot answers at once, everything else through a lane's threads and Django."""

from __future__ import annotations

import logging
import time
from functools import partial

from django.conf import settings

from catalog.api.problems import API_PREFIX, Problem, problem_response
from config.middleware import identifier
from config.server.answers import Application, Learn, answer
from config.server.bodies import Bodies, BodyIncomplete, BodyTooLarge, NoRoom, throw_away
from config.server.environ import caller_of, environ_of
from config.server.lanes import WaitedTooLong
from config.server.table import Kind, kinds
from config.server.types import Environ, Proto, Scope
from recommender import metrics
from recommender.api.hot import HotAnswers

MOST_WAITING = 1000
RETRY_AFTER_SECONDS = 1

logger = logging.getLogger(__name__)


class Server:
    """An RSGI application around Django's WSGI application."""

    def __init__(self, django: Application) -> None:
        self._django = django
        self._hot = HotAnswers(identify=identifier)
        self._bodies = Bodies()
        self._kinds = kinds()
        self._inside = 0

    async def __call__(self, scope: Scope, proto: Proto) -> None:
        """Answer one request; what fails here is logged and answered with 500."""
        try:
            await self._answer(scope, proto)
        except Exception:
            logger.exception("%s %s was not answered", scope.method, scope.path)
            refuse(scope, proto, Problem(500, detail="the server failed; its log has the reason"), close=True)

    async def _answer(self, scope: Scope, proto: Proto) -> None:
        environ: Environ = {}
        caller = None
        if scope.method == "GET" and self._hot.is_question(scope.path):
            caller = caller_of(scope)
            identity = scope.headers.get("x-request-id", "")
            kept = self._hot.answer(caller, scope.path, scope.query_string, identity, environ)
            if kept is not None:
                proto.response_bytes(200, *kept)
                return
        kind = next(kind for kind in self._kinds if kind.takes(scope))
        if kind.counted and self._inside >= MOST_WAITING:
            refuse(scope, proto, _busy("too many requests wait already"))
            return
        self._inside += kind.counted
        try:
            learn = None if caller is None else partial(self._hot.take_down, caller)
            await self._serve(scope, proto, kind, environ, learn)
        finally:
            self._inside -= kind.counted

    async def _serve(self, scope: Scope, proto: Proto, kind: Kind, environ: Environ, learn: Learn | None) -> None:
        """Read the body, wait for a thread, and let Django answer in it. `environ`: what the hot answers have found out."""
        try:
            async with self._bodies.read(scope.headers, proto, most=kind.most) as body:
                environ |= environ_of(scope, body)
                await kind.lane.run(partial(answer, proto, self._django, environ, learn))
        except BodyTooLarge:
            refuse(scope, proto, kind.too_large(kind.most), close=True)
            await throw_away(proto)
        except BodyIncomplete as error:
            late = f"was not whole after {settings.BODY_SECONDS:g} s" if error.late else "broke off"
            refuse(scope, proto, Problem(408 if error.late else 400, detail=f"the body {late}; send it again"), close=True)
        except NoRoom:
            refuse(scope, proto, _busy("there is no room for the body"), close=True)
        except WaitedTooLong:
            refuse(scope, proto, _busy(f"no thread was free within {settings.WAIT_SECONDS:g} s"))


def refuse(scope: Scope, proto: Proto, problem: Problem, *, close: bool = False) -> None:
    """Answer without Django: problem details under /api/, a line of text elsewhere. `close`: and end the connection."""
    began = time.perf_counter()
    if scope.path.startswith(API_PREFIX):
        response = problem_response(problem, instance=scope.path)
        body, content_type = response.content, response.headers["Content-Type"]
    else:
        body, content_type = f"{problem.title}: {problem.detail}\n".encode(), "text/plain; charset=utf-8"
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Request-ID", identifier(scope.headers.get("x-request-id", ""))),
        *problem.headers.items(),
    ]
    proto.response_bytes(problem.status, [*headers, ("Connection", "close")] if close else headers, body)
    metrics.count_request("none", scope.method, problem.status, time.perf_counter() - began)


def _busy(why: str) -> Problem:
    return Problem(503, detail=f"{why}; try again", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
