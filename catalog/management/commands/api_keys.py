"""`api_keys create|list|rotate|revoke`: who may ask the API, without the admin."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from catalog.access.endpoints import MOST
from catalog.access.issuing import ROTATION_HOURS, Issued, KeyRefused, create_key, revoke_key, rotate_key
from catalog.models import ApiKey

_LONGEST = 36_500  # days of a century
_SHOWN_ONCE = "This key is shown now and never again."


class Command(BaseCommand):
    help = "Make, show, rotate and revoke keys of the API."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        making = actions.add_parser("create", help="make a key, and show it once")
        making.add_argument("name", help="who uses it and for what")
        making.add_argument("--kind", choices=ApiKey.Kind.values, required=True)
        making.add_argument(
            "--origin", dest="origins", action="append", default=[], metavar="https://SHOP",
            help="a page that may use a publishable key; again for several; all pages without it",
        )  # fmt: skip
        making.add_argument("--rate", type=float, help="requests a second; default: the setting API_KEY_RATE")
        making.add_argument(
            "--burst", type=int, help=f"requests at once, {MOST} or more; default: the setting API_KEY_BURST"
        )
        making.add_argument("--days", type=_time, help="until it expires; default: never")
        listing = actions.add_parser("list", help="every key, newest first, by the characters it begins with")
        rotation = actions.add_parser("rotate", help="make a key's successor; both are valid for a while")
        rotation.add_argument("key", help="its number, or the characters it begins with; `api_keys list` shows both")
        rotation.add_argument(
            "--hours", type=_time, default=ROTATION_HOURS, help=f"that it stays valid; default: {ROTATION_HOURS:g}"
        )
        ending = actions.add_parser("revoke", help="end a key; it is refused everywhere within 30 seconds")
        ending.add_argument("key", help="its number, or the characters it begins with")
        for one in (making, listing, rotation, ending):
            one.add_argument("--json", action="store_true", help="write one JSON object to standard output")

    def handle(self, *args: Any, action: str, json: bool, **options: Any) -> None:
        self._json = json
        try:
            getattr(self, f"_{action}")(**options)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        except KeyRefused as error:
            raise CommandError(str(error)) from error

    def _create(
        self,
        *,
        name: str,
        kind: str,
        origins: list[str],
        rate: float | None,
        burst: int | None,
        days: float | None,
        **_: Any,
    ) -> None:
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        issued = create_key(name=name, kind=kind, origins=origins, rate=rate, burst=burst, expires_at=expires_at)
        self._show_once(issued, "")

    def _list(self, **_: Any) -> None:
        keys = [_as_json(key) for key in ApiKey.objects.select_related("replaces")]
        rows = [("id", "begins with", "kind", "state", "last used", "expires", "name")]
        rows += [
            (
                str(key["id"]), f"{key['prefix']}…", key["kind"], key["state"], _day(key["last_used_at"]),
                _day(key["expires_at"]), f"{key['name']}{' (replaces ' + key['replaces'] + '…)' if key['replaces'] else ''}",
            )
            for key in keys
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        self._show({"keys": keys}, "\n".join(lines) if keys else "There are no keys: `api_keys create` makes one.")

    def _rotate(self, *, key: str, hours: float, **_: Any) -> None:
        issued = rotate_key(_named(key).pk, hours=hours)
        old = issued.key.replaces
        assert old is not None and old.expires_at is not None
        self._show_once(issued, f"{old} stays valid until {old.expires_at:%Y-%m-%d %H:%M} UTC.")

    def _revoke(self, *, key: str, **_: Any) -> None:
        revoked = revoke_key(_named(key).pk)
        self._show(_as_json(revoked), f"{revoked} is revoked: it is refused everywhere within 30 seconds.")

    def _show_once(self, issued: Issued, note: str) -> None:
        lines = [
            f"{issued.key.kind.capitalize()} key {issued.key}, number {issued.key.pk}. {_SHOWN_ONCE}",
            issued.token,
            note,
        ]
        self._show({**_as_json(issued.key), "key": issued.token}, "\n".join(filter(None, lines)))

    def _show(self, value: object, text: str) -> None:
        self.stdout.write(orjson.dumps(value).decode() if self._json else text)


def _time(text: str) -> float:
    """Days or hours from now on. Raises ArgumentTypeError."""
    with suppress(ValueError):
        if 0 <= float(text) <= _LONGEST:
            return float(text)
    raise ArgumentTypeError(f"{text!r}: a number from 0 to {_LONGEST} is needed")


def _named(text: str) -> ApiKey:
    """The one key of a number, or of the characters it begins with. Raises CommandError."""
    text = text.rstrip("…")
    found = list(ApiKey.objects.filter(pk=int(text)) if text.isdecimal() and len(text) < 18 else _beginning(text))
    if len(found) != 1:
        what = "several keys begin" if found else "no key begins"
        raise CommandError(f"{text!r}: {what} so, or has this number; `api_keys list` shows them")
    return found[0]


def _beginning(text: str) -> list[ApiKey]:
    return list(ApiKey.objects.filter(prefix__startswith=text)[:2]) if text else []


def _as_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.pk,
        "name": key.name,
        "kind": str(key.kind),
        "prefix": key.prefix,
        "state": key.state_at(timezone.now()),
        "origins": key.origins,
        "rate": key.rate,
        "burst": key.burst,
        "replaces": key.replaces.prefix if key.replaces is not None else None,
        **{name: _iso(getattr(key, name)) for name in ("created_at", "expires_at", "revoked_at", "last_used_at")},
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _day(moment: str | None) -> str:
    return "–" if moment is None else moment[:16].replace("T", " ")
