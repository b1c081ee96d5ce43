"""`/healthz`, `/readyz`, `/metrics`: for whoever runs the service."""

from __future__ import annotations

import logging
from collections.abc import Callable

import orjson
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from catalog.access.drf import asker_of
from catalog.access.policy import may_operate
from catalog.api.problems import Problem, away, problem_response
from catalog.photos import storage_probe
from catalog.retry import AWAY_SECONDS
from recommender import redis_client
from recommender.index.base import EngineAway
from recommender.index.registry import vector_index
from recommender.monitoring.metrics import exposition
from recommender.spaces import active as spaces

# Callers learn what is missing; where it is looked for stands in the log alone.
_SILENT = "does not answer"

logger = logging.getLogger(__name__)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers; nothing else is asked."""
    return HttpResponse(b"ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Postgres, Redis, an active space, the storage of photos and the vector engine are there; 503 names what is missing.

    Where that is for operators, others learn whether it is ready, and no more.
    """
    checks: dict[str, Callable[[], str]] = {
        "postgres": _postgres,
        "redis": _redis,
        "active_space": _active_space,
        "storage": storage_probe.trouble,
        "engine": _engine,
    }
    found = {name: check() for name, check in checks.items()}
    missing = [name for name, trouble in found.items() if trouble]
    body: dict[str, object] = {"ready": not missing}
    if _not_for(request) is None:
        body |= {"missing": missing, "checks": {name: text or "ok" for name, text in found.items()}}
    return HttpResponse(
        orjson.dumps(body),
        content_type="application/json",
        status=503 if missing else 200,
        headers={"Retry-After": str(AWAY_SECONDS)} if missing else None,
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything in Prometheus' text format, for operators where the API wants keys."""
    if (refusal := _not_for(request)) is not None:
        return problem_response(refusal, instance=request.path)
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def _not_for(request: HttpRequest) -> Problem | None:
    """The answer to who is no operator; None for who is. A key cannot be looked up while Postgres is away."""
    try:
        may_operate(asker_of(request))
    except Problem as refusal:
        return refusal
    except Error:
        return away("the key cannot be looked up: the database does not answer; try again")
    return None


def _postgres() -> str:
    try:
        connection.close_if_health_check_failed()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        logger.warning("Postgres does not answer: %s", error)
        return _SILENT
    return ""


def _redis() -> str:
    try:
        redis_client.client().ping()
    except redis_client.AWAY as error:
        logger.warning("Redis does not answer: %s", error)
        return _SILENT
    return ""


def _active_space() -> str:
    try:
        return "" if spaces.active_space() is not None else "none: run `manage.py compile_encoder`"
    except Error:
        return "unknown: Postgres does not answer"


def _engine() -> str:
    """Trouble of an engine beside Postgres alone: whatever an engine in Postgres lacks is Postgres' own to say."""
    try:
        space = spaces.active_space()
        if space is not None:
            vector_index().ready(space=space)
    except EngineAway as error:
        logger.warning("the vector engine does not answer: %s", error)
        return f"{settings.VECTOR_ENGINE} {_SILENT}"
    except Error:
        return ""
    return ""
