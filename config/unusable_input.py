"""What a caller writes that neither Django nor Postgres can take is the caller's error (4xx), not the server's.

The API names each parameter by itself; here stand the rest: encodings of requests, and what is typed into addresses and
forms of the admin, most of whose views are Django's own.
"""

from __future__ import annotations

import codecs
import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_header_parameters
from django.views import defaults

from catalog.api.problems import API_PREFIX, CONTENT_TYPE, Problem, problem_response
from config.server.types import Application, Environ

_PLAIN = {"utf-8", "ascii"}
# Old forms are written in these; every other codec of Python's, some of which are no encodings of text, is refused.
_OLD_FORMS = {"iso8859-1", "cp1252"}
_FORM_TYPES = {"multipart/form-data", "application/x-www-form-urlencoded"}
logger = logging.getLogger(__name__)


def known_encodings(application: Application) -> Application:
    """The WSGI application, asked in UTF-8 only, forms also in Latin-1; another `charset` of a Content-Type is 415.

    Django would look the name up among all codecs, and read the query string by it before any handler of errors is there.
    """

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        content_type = environ.get("CONTENT_TYPE", "")
        if "charset" not in content_type.lower():
            return application(environ, start_response)
        kind, parameters = parse_header_parameters(content_type)
        encoding = _codec(parameters.pop("charset", "utf-8"))
        if encoding not in _PLAIN | _OLD_FORMS:
            return _refused(environ, start_response)
        if encoding in _PLAIN or kind not in _FORM_TYPES or environ.get("QUERY_STRING"):
            # JSON is UTF-8 whatever is said of it, and so is a query string.
            environ["CONTENT_TYPE"] = "; ".join([kind, *(f'{name}="{value}"' for name, value in parameters.items())])
        return application(environ, start_response)

    return answer


def _codec(name: str) -> str:
    """Python's own name of a codec; empty where there is none."""
    try:
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""


def _refused(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    problem = Problem(415, detail="the charset of the Content-Type is not served; send UTF-8")
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    body = problem_response(problem, instance=path).content
    headers = [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body)))]
    start_response(f"{problem.status} {problem.title}", headers)
    return [body]


class UnusablePages:
    """Pages are asked without NUL characters; what the admin's views cannot take of an address or a form is 400.

    A key that is no number, a year beyond the calendar, a text that the database refuses: each form says so at its
    fields, but lists, actions and filters are addressed by hand as well.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.path_info + request.META.get("QUERY_STRING", "")
        if ("\0" in asked or "%00" in asked) and not request.path_info.startswith(API_PREFIX):
            return defaults.bad_request(request, BadRequest("a NUL character in the address"))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django's hook. None: it is the server's error."""
        match = request.resolver_match
        if (
            match is None
            or match.app_name != "admin"
            or not isinstance(exception, (DataError, ValueError, OverflowError))
        ):
            return None
        logger.warning("%s was asked with what it cannot take", request.path, exc_info=exception)
        return defaults.bad_request(request, exception)
