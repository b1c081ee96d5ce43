"""Django's middleware of sessions, users and messages, for pages only: the API uses none of them, so its answers skip the cost."""

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
    """Middleware that is skipped for addresses of the API."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(API_PREFIX):
            return self.get_response(request)
        try:
            return super().__call__(request)
        except AWAY as error:  # from the middleware's own statements; errors of views are answers by now
            return away_response(request, error)


class SessionMiddleware(_OfPages, sessions.SessionMiddleware):
    """Django's, for pages."""


class AuthenticationMiddleware(_OfPages, auth.AuthenticationMiddleware):
    """Django's, for pages."""


class MessageMiddleware(_OfPages, messages.MessageMiddleware):
    """Django's, for pages."""
