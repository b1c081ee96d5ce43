"""Keys: what is kept of them, how long a process remembers them, when their use is written, and how they are rotated."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from catalog.access import keys
from catalog.access.admission import Undecided
from catalog.access.issuing import KeyRefused, create_key, revoke_key, rotate_key
from catalog.access.keys import KeyMemory
from catalog.models import ApiKey
from catalog.origins import origin_of
from tests.catalog.access.askers import publishable, secret

pytestmark = pytest.mark.django_db


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("kind", "beginning"), [("publishable", "lk_pub_"), ("secret", "lk_sec_")])
def test_only_the_hash_of_a_key_is_in_the_database(kind: str, beginning: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    issued = create_key(name="build", kind=kind)
    assert issued.token.startswith(beginning) and len(issued.token) == len(beginning) + 43
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(k)::text FROM catalog_apikey k")
        ((row,),) = cursor.fetchall()
    assert hashlib.sha256(issued.token.encode()).hexdigest() in row
    assert issued.key.prefix == issued.token[:13] and issued.token[:14] not in row
    assert issued.token not in caplog.text and issued.token not in repr(issued)


def test_no_key_is_like_another() -> None:
    assert len({secret() for _ in range(50)}) == 50


def test_a_revoked_key_is_known_as_such_after_thirty_seconds() -> None:
    clock = Clock()
    memory, token = KeyMemory(clock), secret()
    first = memory.record(token, may_wait=True)
    assert first is not None and not first.revoked
    revoke_key(ApiKey.objects.get().pk)
    clock.now += 29.9
    assert memory.record(token, may_wait=False) is first
    clock.now += 0.1
    with pytest.raises(Undecided):
        memory.record(token, may_wait=False)
    second = memory.record(token, may_wait=True)
    assert second is not None and second.revoked and second.ends is not None and second.ends <= timezone.now()


def test_a_key_that_is_deleted_is_unknown_after_thirty_seconds() -> None:
    clock = Clock()
    memory, token = KeyMemory(clock), secret()
    assert memory.record(token, may_wait=True) is not None
    ApiKey.objects.all().delete()
    clock.now += 30
    assert memory.record(token, may_wait=True) is None
    assert memory.record(token, may_wait=False) is None


def test_keys_that_callers_make_up_are_remembered_and_drive_no_other_out(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(keys, "MOST_KEPT", 5)
    memory, token = KeyMemory(Clock()), secret()
    assert memory.record(token, may_wait=True) is not None
    for number in range(12):
        assert memory.record(f"lk_sec_{number}", may_wait=True) is None
    with django_assert_num_queries(0):
        assert memory.record("lk_sec_11", may_wait=True) is None
        assert memory.record(token, may_wait=True) is not None


def test_use_is_written_at_most_once_a_minute(django_assert_num_queries: Any) -> None:
    token = secret()
    before = timezone.now()
    with django_assert_num_queries(2):
        KeyMemory().record(token, may_wait=True)
    used = ApiKey.objects.get().last_used_at
    assert used is not None and before - timedelta(seconds=5) < used
    with django_assert_num_queries(1):  # as another process, or this one half a minute later, does
        KeyMemory().record(token, may_wait=True)
    assert ApiKey.objects.get().last_used_at == used
    ApiKey.objects.update(last_used_at=used - timedelta(seconds=61))
    with django_assert_num_queries(2):
        KeyMemory().record(token, may_wait=True)
    assert ApiKey.objects.get().last_used_at >= used


def test_a_rotated_key_is_valid_beside_its_successor_for_as_long_as_was_said() -> None:
    old = create_key(name="page", kind="publishable", origins=["https://shop.example"], rate=3, burst=30)
    new = rotate_key(old.key.pk, hours=2)
    old.key.refresh_from_db()
    assert old.key.expires_at is not None
    left = old.key.expires_at - timezone.now()
    assert timedelta(hours=1.99) < left <= timedelta(hours=2)
    memory = KeyMemory()
    records = [memory.record(issued.token, may_wait=True) for issued in (old, new)]
    assert records[0] is not None and records[0].ends == old.key.expires_at
    assert records[1] is not None and records[1].ends is None
    for name in ("name", "kind", "origins", "rate", "burst"):
        assert getattr(new.key, name) == getattr(old.key, name)
    assert new.key.replaces == old.key and new.token != old.token


def test_a_successor_lives_as_long_as_its_key_was_to() -> None:
    old = create_key(name="build", kind="secret", expires_at=timezone.now() + timedelta(days=90))
    ApiKey.objects.update(
        created_at=timezone.now() - timedelta(days=10), expires_at=timezone.now() + timedelta(hours=1)
    )
    new = rotate_key(old.key.pk, hours=24)
    old.key.refresh_from_db()
    assert old.key.expires_at is not None and new.key.expires_at is not None
    assert old.key.expires_at - timezone.now() <= timedelta(hours=1)
    assert timedelta(days=10) < new.key.expires_at - timezone.now() < timedelta(days=10.1)


def test_a_key_is_rotated_once_and_while_it_is_valid() -> None:
    old = create_key(name="build", kind="secret").key
    new = rotate_key(old.pk).key
    with pytest.raises(KeyRefused, match=f"is replaced by build .{new.prefix}…. already; rotate that one"):
        rotate_key(old.pk)
    revoked = revoke_key(new.pk)
    assert revoke_key(new.pk).revoked_at == revoked.revoked_at
    with pytest.raises(KeyRefused, match="is not valid any more; create a new key"):
        rotate_key(new.pk)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://Shop.example/", "https://shop.example"),
        (" https://shop.example:443 ", "https://shop.example"),
        ("http://shop.example:80", "http://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_origins_are_kept_as_browsers_send_them(written: str, kept: str) -> None:
    assert create_key(name="page", kind="publishable", origins=[written, kept]).key.origins == [kept]


@pytest.mark.parametrize(
    "text",
    ["", "shop.example", "*", "null", "https://*.shop.example", "https://", "ftp://shop.example", "https://shop.example/p",
     "https://me@shop.example", "https://shop.example:x", "https://shop.example:99999", "https://shop.example?a", "https://a b"],
)  # fmt: skip
def test_what_is_no_origin_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin; write scheme, host"):
        origin_of(text)
    with pytest.raises(ValidationError):
        publishable(text)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "secret", "origins": ["https://shop.example"]},
        {"kind": "public"},
        {"kind": "secret", "name": ""},
        {"kind": "secret", "name": "x" * 101},
        {"kind": "secret", "rate": 0},
        {"kind": "secret", "rate": -1},
        {"kind": "secret", "burst": 19},
    ],
)
def test_a_key_that_is_not_sound_is_not_made(fields: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, KeyError)):
        create_key(**{"name": "build", **fields})
    assert ApiKey.objects.count() == 0


def test_postgres_holds_what_the_form_says() -> None:
    key = create_key(name="build", kind="secret").key
    for wrong in ({"origins": ["https://shop.example"]}, {"rate": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.filter(pk=key.pk).update(**wrong)
