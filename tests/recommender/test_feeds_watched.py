"""Feeds that are late, as `status/` and `/metrics` tell of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from catalog.models import Feed, FeedRun
from recommender.monitoring.status import rest

pytestmark = pytest.mark.django_db


def test_an_overdue_feed_is_told_of_by_number_until_it_was_read(client: Client) -> None:
    now = timezone.now()
    url = "https://shop.example/feed?key=secret"
    late = Feed.objects.create(name=url, url=url, schedule="hours", every=1, scheduled_at=now - timedelta(hours=9))
    Feed.objects.create(name="in time", url=url, schedule="hours", every=5, scheduled_at=now - timedelta(hours=9))
    Feed.objects.create(name="by hand", url=url)
    Feed.objects.update(created_at=now - timedelta(days=9))
    FeedRun.objects.create(feed=late, began_at=now)
    rest.begin(0)
    since = (now - timedelta(hours=9)).isoformat()
    body = client.get("/api/v1/status/").json()
    assert body["feeds"] == {
        "scheduled": 2,
        "running": 1,
        "overdue": [{"id": late.pk, "since": since, "read_at": None}],
    }
    metrics = client.get("/metrics").content.decode()
    for line in ("lookalike_feeds_scheduled 2.0", "lookalike_feeds_running 1.0", "lookalike_feeds_overdue 1.0"):
        assert line in metrics
    assert "secret" not in metrics + str(body)
    Feed.objects.update(read_at=now)
    rest.begin(0)
    assert client.get("/api/v1/status/").json()["feeds"]["overdue"] == []
    assert "lookalike_feeds_overdue 0.0" in client.get("/metrics").content.decode()
