"""The origins of keys as a process knows them: those of valid keys, read anew in threads alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.access.admission import Undecided
from catalog.access.page_origins import PageOrigins
from catalog.models import ApiKey
from tests.catalog.access.askers import publishable, secret

pytestmark = pytest.mark.django_db


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_origins_of_valid_keys_are_known(django_assert_num_queries: Any) -> None:
    clock = Clock()
    origins = PageOrigins(clock)
    publishable("https://a.example", "https://b.example:8443")
    publishable("https://old.example", expires_at=timezone.now() - timedelta(seconds=1))
    publishable("https://soon.example", expires_at=timezone.now() + timedelta(days=1))
    publishable()
    secret()
    with django_assert_num_queries(0), pytest.raises(Undecided):
        origins.lists("https://a.example", may_wait=False)
    names = ["a.example", "b.example:8443", "soon.example", "old.example", "a.example:8443", ""]
    with django_assert_num_queries(1):
        assert [origins.lists(f"https://{name}", may_wait=True) for name in names] == [
            True,
            True,
            True,
            False,
            False,
            False,
        ]
    ApiKey.objects.update(revoked_at=timezone.now())
    clock.now += 30
    with django_assert_num_queries(0):
        assert origins.lists("https://a.example", may_wait=False)
    with django_assert_num_queries(1):
        assert not origins.lists("https://a.example", may_wait=True)
    assert not origins.lists("https://a.example", may_wait=False)
