"""An admin who is logged in: the API's documentation and the shop's pages in their browser ask in their name."""

from __future__ import annotations

from importlib import import_module
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from catalog.access.admission import Asker, KeyIdentity, Undecided
from catalog.origins import page_origin

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_WRITE = ("catalog.add_product", "catalog.change_product", "catalog.delete_product")


def admin_of(asker: Asker) -> KeyIdentity | None:
    """The admin whose session the caller has, None of anybody else. Raises Undecided where Postgres may not be asked.

    Whoever may add, change and delete products counts as a secret key, others who may log in to the admin as a publishable one; what
    those may write all the same, the views that write know.
    A request that may change something must come from a page of this host: a browser sends the cookie for other pages, too.
    """
    if not asker.session or not (asker.method in _SAFE or _from_own_page(asker)):
        return None
    if not asker.may_wait:
        raise Undecided
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(asker.session)
    user = get_user(request)
    if not (user.is_active and getattr(user, "is_staff", False)):
        return None
    kind = "secret" if user.has_perms(_WRITE) else "publishable"
    return KeyIdentity(None, f"admin {user.get_username()}", kind, user.pk)  # type: ignore[arg-type]


def _from_own_page(asker: Asker) -> bool:
    origin = page_origin(asker.header("origin") or asker.header("referer") or "")
    return bool(origin) and (urlsplit(origin).netloc == asker.header("host") or origin in settings.CSRF_TRUSTED_ORIGINS)
