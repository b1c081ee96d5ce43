"""The WSGI environment (PEP 3333) of an RSGI request."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

from config.server.bodies import Body
from config.server.types import Asked, Environ, ScopeHeaders, host_and_port

_WITHOUT_PREFIX = {"CONTENT_TYPE", "CONTENT_LENGTH"}


class FileWrapper:
    """`wsgi.file_wrapper`: an answer whose body is an open file."""

    def __init__(self, file: Any, block_size: int = 8192) -> None:
        self.file = file
        self.close = file.close


def environ_of(asked: Asked, body: Body) -> Environ:
    """The WSGI environment; text is bytes decoded as Latin-1, as the standard asks.

    CONTENT_LENGTH is the length of the body that arrived, whether or not the request announced one.
    """
    scope = asked.scope
    name, port = host_and_port(scope.server)
    environ: Environ = {
        "REQUEST_METHOD": asked.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _latin(asked.path),
        "QUERY_STRING": _latin(asked.query),
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.0" if scope.http_version == "1" else f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": host_and_port(scope.client)[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body.file,
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    _add_headers(environ, asked.headers)
    if body.length is not None:
        environ["CONTENT_LENGTH"] = str(body.length)
    return environ


def _add_headers(environ: Environ, headers: ScopeHeaders) -> None:
    """A header that occurs twice becomes one list; one whose value is not ASCII is empty, not absent.

    Names with an underscore are left out: WSGI could not tell `X_Forwarded_Proto` of a caller from `X-Forwarded-Proto`, which
    the proxy sets.
    """
    for name, value in headers.items():
        key = _key(name)
        if key in environ:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + value
        elif key:
            environ[key] = value
    for name in headers.keys():
        if key := _key(name):
            environ.setdefault(key, "")


@lru_cache(maxsize=512)
def _key(name: str) -> str:
    """The key of a header; "" for one that is left out."""
    if "_" in name:
        return ""
    key = name.upper().replace("-", "_")
    return key if key in _WITHOUT_PREFIX else f"HTTP_{key}"


def _latin(text: str) -> str:
    return text if text.isascii() else text.encode().decode("latin-1")
