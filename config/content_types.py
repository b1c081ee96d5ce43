"""Content-Types and forms that Django cannot read are the caller's error (4xx): refused before and while it reads them."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.http import QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from django.utils.http import parse_header_parameters

from catalog.api.problems import CONTENT_TYPE, Problem, problem_response
from config.request_ids import identifier
from config.server.types import Application, Environ

_PLAIN = {"utf-8", "ascii"}
# Old browsers and programs still send forms in these. Every other codec of Python's is refused: some are not of text at all.
_OLD_FORMS = {"iso8859-1", "cp1252"}
_FORM_TYPES = {"multipart/form-data", "application/x-www-form-urlencoded"}
# The time for reading a Content-Type's parameters grows with the square of its length: 50,000 characters take seconds.
_MOST_CHARACTERS = 1000
# What Django raises on parameters in the notation of RFC 2231 (`name*=`) that contradict each other or name no encoding.
_CONTRADICTORY = (ValueError, TypeError)


def known_encodings(application: Application) -> Application:
    """A WSGI application around `application` that answers 415 to a Content-Type with a `charset` other than UTF-8 (forms:
    or Latin-1), to one that is too long and to one that cannot be read.

    Django itself would look the name up among all codecs of Python, and decode the query string by it at a point where it
    does not handle errors yet.
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
            # JSON and query strings are UTF-8 by their standards, so the charset is dropped.
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
    headers.append(("X-Request-ID", identifier(environ.get("HTTP_X_REQUEST_ID", ""))))
    start_response(f"{problem.status} {problem.title}", headers)
    return [body]


class FormRequest(WSGIRequest):
    """Django's request; a form whose parts have headers that contradict each other is 400 instead of a failure (500)."""

    def parse_file_upload(
        self, META: Mapping[str, Any], post_data: Any
    ) -> tuple[QueryDict, MultiValueDict[str, UploadedFile[bytes]]]:
        try:
            return super().parse_file_upload(META, post_data)
        except TypeError as error:
            raise MultiPartParserError("the headers of a part contradict themselves") from error
