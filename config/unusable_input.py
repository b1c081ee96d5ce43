"""What a caller writes that neither Django nor Postgres can take is the caller's error (4xx), not the server's.

The API names each parameter by itself; here stand the rest: encodings of requests, and what is typed into addresses and
forms of the admin, most of whose views are Django's own.
"""

from __future__ import annotations

import codecs
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import UploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from django.utils.http import parse_header_parameters
from django.views import defaults

from catalog.api.problems import API_PREFIX, CONTENT_TYPE, Problem, problem_response
from config.server.types import Application, Environ

_PLAIN = {"utf-8", "ascii"}
# Old forms are written in these; every other codec of Python's, some of which are no encodings of text, is refused.
_OLD_FORMS = {"iso8859-1", "cp1252"}
_FORM_TYPES = {"multipart/form-data", "application/x-www-form-urlencoded"}
# The time for reading a Content-Type's parameters grows with the square of its length: 50,000 characters take seconds.
_MOST_CHARACTERS = 1000
# What Django raises on parameters in the notation of RFC 2231 (`name*=`) that contradict each other or name no encoding.
_CONTRADICTORY = (ValueError, TypeError)
logger = logging.getLogger(__name__)


def known_encodings(application: Application) -> Application:
    """The WSGI application, asked in UTF-8 only, forms also in Latin-1; another `charset` of a Content-Type is 415, as is
    a Content-Type that is too long or cannot be read.

    Django would look the name up among all codecs, and read the query string by it before any handler of errors is there.
    """

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        content_type = environ.get("CONTENT_TYPE", "")
        if len(content_type) > _MOST_CHARACTERS:
            return _refused(environ, start_response, f"the Content-Type is longer than {_MOST_CHARACTERS} characters")
        if "charset" not in content_type.lower() and "*" not in content_type:
            return application(environ, start_response)
        try:
            kind, parameters = parse_header_parameters(content_type)
        except _CONTRADICTORY:
            return _refused(
                environ, start_response, "the parameters of the Content-Type cannot be read; send it without"
            )
        encoding = _codec(parameters.pop("charset", "utf-8"))
        if encoding not in _PLAIN | _OLD_FORMS:
            return _refused(environ, start_response, "the charset of the Content-Type is not served; send UTF-8")
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


def _refused(environ: Environ, start_response: Callable[..., Any], detail: str) -> Iterable[bytes]:
    problem = Problem(415, detail=detail)
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    body = problem_response(problem, instance=path).content
    headers = [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(body)))]
    start_response(f"{problem.status} {problem.title}", headers)
    return [body]


class FormRequest(WSGIRequest):
    """A request whose form is unreadable, not a failure of the server, where the headers of its parts contradict themselves."""

    def parse_file_upload(
        self, META: Mapping[str, Any], post_data: Any
    ) -> tuple[QueryDict, MultiValueDict[str, UploadedFile[bytes]]]:
        try:
            return super().parse_file_upload(META, post_data)
        except TypeError as error:
            raise MultiPartParserError("the headers of a part contradict themselves") from error


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
