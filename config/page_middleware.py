"""Django's middleware of sessions, users and messages, for pages: the API knows none of them and does not pay for them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from catalog.api.problems import API_PREFIX
from config.database.away import AWAY, away_response


class _OfPages(MiddlewareMixin):
    """Passed over by the API."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(API_PREFIX):
            return self.get_response(request)
        try:
            return super().__call__(request)
        except AWAY as error:  # its own statements', such as a session's: a view's error is an answer by now
            return away_response(request, error)


class SessionMiddleware(_OfPages, sessions.SessionMiddleware):
    """Django's, of pages."""


class AuthenticationMiddleware(_OfPages, auth.AuthenticationMiddleware):
    """Django's, of pages."""


class MessageMiddleware(_OfPages, messages.MessageMiddleware):
    """Django's, of pages."""
