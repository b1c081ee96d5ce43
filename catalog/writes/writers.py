"""Who may write by the API: a secret key, or somebody who is signed in at the admin and has the permission."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from rest_framework.authentication import CSRFCheck
from rest_framework.request import Request

from catalog.access.drf import admission_of
from catalog.api.problems import Problem
from catalog.changes.history import Author
from catalog.texts import text_problem

_HOW = "send a secret key, as Authorization: Bearer lk_sec_…"


def author_of(request: Request, permissions: Iterable[str]) -> Author:
    """Who writes. `permissions`: what a person needs, as Django names permissions; a secret key may write everything.

    Writes are never open, whatever API_ACCESS says. Raises Problem: 401 where it is not known who asks, 403 where they may not.
    """
    key = admission_of(request).key
    if key is not None and key.user_id is None:
        if key.kind != "secret":
            raise Problem(403, detail=f"the key {key.name} is publishable and only reads; {_HOW}", key=key.name)
        return Author(key=key.name)
    return _person(request._request, permissions)


def _person(request: HttpRequest, permissions: Iterable[str]) -> Author:
    """By the session of the admin, which Django's middleware leaves out for the API."""
    user = _signed_in(request)
    if isinstance(user, AnonymousUser):
        challenge = {"WWW-Authenticate": 'Bearer realm="lookalike"'}
        raise Problem(401, detail=f"writing needs a key: {_HOW}, or sign in at the admin", headers=challenge)
    lacking = [one for one in permissions if not user.has_perm(one)]
    if not user.is_staff or lacking:
        needed = ", ".join(lacking) if user.is_staff else "staff status"
        raise Problem(403, detail=f"{user.get_username()} lacks what this needs: {needed}")
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request)
    if reason := check.process_view(request, None, (), {}):  # type: ignore[arg-type]
        detail = f"{reason} A page that is signed in sends the cookie csrftoken as the header X-CSRFToken, too."
        raise Problem(403, detail=detail)
    return Author(user=int(user.pk))


def _signed_in(request: HttpRequest) -> User | AnonymousUser:
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key or text_problem(key):
        return AnonymousUser()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return get_user(request)
