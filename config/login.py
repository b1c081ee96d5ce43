"""The lock on the admin's log-in: failures are counted by name and address (django-axes), and every one is in the log."""

from __future__ import annotations

import logging
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from catalog.access.addresses import client_address, shared_by_household
from catalog.access.drf import asker_of
from catalog.caching import NOT_STORED
from catalog.texts import printable

_SHOWN = 60  # characters of a name that the log repeats

logger = logging.getLogger(__name__)


class LoginAttempts(AxesDatabaseHandler):
    """Counts as django-axes does; the log gets the name and the address of each failure, and never the password."""

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **more: Any
    ) -> None:
        if request is None:  # a program's own attempt, which has no address to lock
            return
        name, address = _shown(credentials.get("username")), _address(request)
        logger.warning("failed log-in as %s from %s", name, address)
        super().user_login_failed(sender, credentials, request, **more)
        if getattr(request, "axes_locked_out", False):
            logger.warning("log-ins as %s from %s are locked for %s", name, address, _minutes())


def caller_network(request: HttpRequest) -> str | None:
    """What failures are counted by beside the name: the caller's address, of an IPv6 one its network; None where unknown."""
    address = shared_by_household(_address(request)).partition("/")[0]  # an address: the column takes no network
    try:
        ip_address(address)
    except ValueError:
        return None
    return address


def locked_out(
    request: HttpRequest, original: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The answer to a log-in that is locked: 429, with a page that says for how long and what to do."""
    page = render_to_string("locked_out.html", {"minutes": _minutes()})
    headers = {"Retry-After": str(int(_lock().total_seconds())), "Cache-Control": NOT_STORED}
    return HttpResponse(page, status=429, headers=headers)


def _address(request: HttpRequest) -> str:
    asker = asker_of(request)
    return client_address(asker.address, asker.header)


def _shown(name: object) -> str:
    """A name as a log line can hold it: on one line, bounded, in quotes."""
    return repr(printable(str(name or ""))[:_SHOWN])


def _lock() -> timedelta:
    lock: timedelta = settings.AXES_COOLOFF_TIME
    return lock


def _minutes() -> str:
    minutes = max(1, round(_lock().total_seconds() / 60))
    return "a minute" if minutes == 1 else f"{minutes} minutes"
