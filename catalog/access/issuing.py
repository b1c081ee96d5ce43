"""Make, rotate and revoke keys of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from catalog.access.tokens import digest_of, new_token, prefix_of
from catalog.models import ApiKey

ROTATION_HOURS = 24.0  # how long a key is valid beside its successor, unless somebody says otherwise


class KeyRefused(ValueError):
    """What was asked of a key is not possible; the message says why."""


@dataclass(frozen=True)
class Issued:
    """A new key's row and the key itself, `token`, which is to be shown now: it is kept nowhere."""

    key: ApiKey
    token: str

    def __repr__(self) -> str:
        return f"Issued({self.key})"


def issue(key: ApiKey) -> Issued:
    """Make the key that an unsaved row describes, and save the row. Raises ValidationError for a row that is not sound."""
    token = new_token(key.kind)
    key.prefix, key.digest = prefix_of(token), digest_of(token)
    key.full_clean()
    key.save(force_insert=True)
    return Issued(key, token)


def create_key(
    *,
    name: str,
    kind: str,
    origins: Sequence[str] = (),
    rate: float | None = None,
    burst: int | None = None,
    expires_at: datetime | None = None,
) -> Issued:
    """A new key. Raises ValidationError."""
    return issue(ApiKey(name=name, kind=kind, origins=list(origins), rate=rate, burst=burst, expires_at=expires_at))


def rotate_key(key_id: int, *, hours: float = ROTATION_HOURS, by: AbstractBaseUser | None = None) -> Issued:
    """A successor of a key, with the same rights and as long a life; the key itself is valid for `hours` more, beside it.

    Raises ApiKey.DoesNotExist; KeyRefused for a key that is not valid any more or has a successor.
    """
    now = timezone.now()
    with transaction.atomic():
        old = ApiKey.objects.select_for_update().get(pk=key_id)
        if old.ended_at(now):
            raise KeyRefused(f"{old} is not valid any more; create a new key")
        if (successor := ApiKey.objects.filter(replaces=old).first()) is not None:
            raise KeyRefused(f"{old} is replaced by {successor} already; rotate that one")
        issued = issue(
            ApiKey(
                name=old.name,
                kind=old.kind,
                origins=old.origins,
                rate=old.rate,
                burst=old.burst,
                replaces=old,
                created_by_id=by.pk if by is not None else None,
                expires_at=now + (old.expires_at - old.created_at) if old.expires_at else None,
            )
        )
        ends = now + timedelta(hours=hours)
        old.expires_at = min(filter(None, (old.expires_at, ends)))
        old.save(update_fields=["expires_at"])
    return issued


def revoke_key(key_id: int) -> ApiKey:
    """End a key for good; every process knows within 30 s. A key that was revoked before stays so. Raises ApiKey.DoesNotExist."""
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().get(pk=key_id)
        if key.revoked_at is None:
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
    return key
