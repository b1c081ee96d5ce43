"""Metrics for Prometheus.

Requests are counted in each web process and added up over all of them where the server set PROMETHEUS_MULTIPROC_DIR
(config.web does). The rest is read from Postgres when it is asked for, so that it is the same whichever process answers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache

from django.db import Error
from django.http import HttpRequest, HttpResponse
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from recommender.evaluation.recall import worst_share
from recommender.index.base import EngineAway
from recommender.index.registry import vector_index
from recommender.models import RecallSample, Space
from recommender.monitoring.status import status
from recommender.pipeline.queue_status import queue_status

disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = Counter("lookalike_requests", "Requests answered.", ["route", "method", "status"])
SECONDS = Histogram(
    "lookalike_request_seconds",
    "Seconds to an answer.",
    ["route"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
BEGAN = "lookalike.began"  # in a request's environment: when the clock started before this middleware was reached
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

GetResponse = Callable[[HttpRequest], HttpResponse]


def request_metrics(get_response: GetResponse) -> GetResponse:
    """Middleware: count every request by the route that answered it, never by its path."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = request.META.get(BEGAN) or time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        route = match.route if match is not None else "none"
        count_request(route, request.method or "", response.status_code, time.perf_counter() - began)
        return response

    return middleware


def count_request(route: str, method: str, status_code: int, seconds: float) -> None:
    """Count one answer, and the seconds it took, in this process."""
    requests, durations = _children(route, method if method in _METHODS else "other", status_code)
    requests.inc()
    durations.observe(seconds)


@cache
def _children(route: str, method: str, status_code: int) -> tuple[Counter, Histogram]:
    """The counter and the histogram of these labels: to look them up takes longer than to count."""
    return REQUESTS.labels(route, method, status_code), SECONDS.labels(route)


def exposition() -> bytes:
    """Everything in Prometheus' text format; what Postgres knows is left out while it is away (lookalike_database_up)."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_ThisProcess())
    registry.register(_State())
    return generate_latest(registry)


class _ThisProcess(Collector):
    """The request metrics of this one process."""

    def collect(self) -> Iterator[Metric]:
        yield from (family for family in REGISTRY.collect() if family.name.startswith("lookalike_"))

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())


class _State(Collector):
    """Queue, photos, spaces and recall as Postgres has them."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("lookalike_database_up", "Whether Postgres answered.")
        try:
            families = [*_queue(), *_spaces()]
        except Error:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from families

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())


def _queue() -> Iterator[GaugeMetricFamily]:
    queue, counts = queue_status(), status()
    images, placeholders = counts["images"], counts["placeholders"]
    jobs = GaugeMetricFamily("lookalike_jobs", "Embedding jobs by state.", labels=["state"])
    for state in ("pending", "processing", "done", "failed"):
        jobs.add_metric([state], queue[state])
    failed = GaugeMetricFamily("lookalike_jobs_failed", "Failed jobs by reason.", labels=["reason"])
    for reason, count in queue["failed_by_reason"].items():
        failed.add_metric([reason], count)
    yield jobs
    yield failed
    yield _gauge("lookalike_jobs_waiting", "Pending jobs in back-off.", queue["waiting"])
    yield _gauge("lookalike_jobs_rate", "Photos embedded a second over the last minute.", queue["rate"])
    yield _gauge(
        "lookalike_jobs_attempts", "Tries that did not end well, of the jobs as they stand.", queue["attempts"]
    )
    yield _gauge(
        "lookalike_jobs_crashes", "Tries that took a process down, of the jobs as they stand.", queue["crashes"]
    )
    yield _gauge(
        "lookalike_oldest_pending_seconds", "Age of the oldest pending job.", queue["oldest_pending_seconds"] or 0
    )
    yield _gauge("lookalike_photos", "Photos of the catalogue.", images["total"])
    yield _gauge("lookalike_photos_embedded", "Photos with a vector in the active space.", images["embedded"])
    yield _gauge(
        "lookalike_placeholders",
        "Pictures that stand for many products and are searched by none.",
        placeholders["pictures"],
    )
    yield _gauge(
        "lookalike_products_with_placeholders_only",
        "Products whose photos are all placeholders.",
        placeholders["products_with_nothing_else"],
    )
    feeds = counts["feeds"]
    yield _gauge("lookalike_feeds_scheduled", "Feeds that run by themselves.", feeds["scheduled"])
    yield _gauge("lookalike_feeds_running", "Feeds that are being read.", feeds["running"])
    yield _gauge(
        "lookalike_feeds_overdue", "Feeds not read to their end for twice their period.", len(feeds["overdue"])
    )


def _spaces() -> Iterator[GaugeMetricFamily]:
    labels = ["space", "state"]
    index = GaugeMetricFamily("lookalike_space_index_bytes", "Bytes of the ANN index.", labels=labels)
    total = GaugeMetricFamily("lookalike_space_bytes", "Bytes of the vectors with all their indexes.", labels=labels)
    recall = GaugeMetricFamily(
        "lookalike_recall", "Latest recall@10 of the live index against exact.", labels=["space"]
    )
    worst = GaugeMetricFamily(
        "lookalike_recall_worst_share",
        "Share of the queries of the latest samples that found fewer than half of their true ten.",
        labels=["space"],
    )
    behind = GaugeMetricFamily(
        "lookalike_recall_worst_queries", "Queries behind lookalike_recall_worst_share.", labels=["space"]
    )
    for space in Space.objects.exclude(state=Space.State.RETIRED).only("name", "state"):
        with suppress(EngineAway):  # /readyz says so; what Postgres knows is told all the same
            sizes = vector_index().sizes(space=space)
            index.add_metric([space.name, space.state], sizes.index_bytes)
            total.add_metric([space.name, space.state], sizes.total_bytes)
        latest = RecallSample.objects.filter(space=space, recall__isnull=False).order_by("-measured_at").first()
        if latest is not None and latest.recall is not None:
            recall.add_metric([space.name], latest.recall)
        pooled = worst_share(space)
        if pooled.share is not None:
            worst.add_metric([space.name], pooled.share)
            behind.add_metric([space.name], pooled.queries)
    yield from (index, total, recall, worst, behind)


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words)
    family.add_metric([], value)
    return family
