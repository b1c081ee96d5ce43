"""Give Django's answers to granian, in the thread that computed them."""

from __future__ import annotations

import logging
import os
import stat
from typing import Any

from config.request_ids import identifier
from config.server.environ import FileWrapper
from config.server.types import Application, Environ, Headers, Proto

logger = logging.getLogger(__name__)


class StartResponse:
    """WSGI's `start_response`: keeps status and headers until the body is there."""

    status = 500
    headers: Headers

    def __call__(self, status: str, headers: Headers, exc_info: object = None) -> None:
        self.status, self.headers = int(status[:3]), headers


def answer(proto: Proto, application: Application, environ: Environ) -> None:
    """Answer a request, then close its response; both in this thread, because Django's connections belong to a thread.

    An exception is logged and answered with 500.
    """
    start = StartResponse()
    result: Any = None
    try:
        result = application(environ, start)
        path = whole_file(result.file, start.headers) if isinstance(result, FileWrapper) else None
        if path is not None:
            proto.response_file(start.status, start.headers, path)
        else:
            proto.response_bytes(start.status, start.headers, _body(result))
    except Exception:
        logger.exception("%s %s was not answered", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        identity = ("X-Request-ID", identifier(environ.get("HTTP_X_REQUEST_ID", "")))
        proto.response_bytes(500, [("Content-Type", "text/plain"), identity], b"Internal Server Error\n")
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()


def whole_file(file: Any, headers: Headers) -> str | None:
    """The path of the file on this machine's disk that is the whole body of the answer; None where the body is anything else.

    granian sends such a file itself, so that a slow reader occupies neither a thread nor memory.
    """
    path = getattr(file, "name", None)
    if not isinstance(path, str) or not os.path.isabs(path):
        return None
    try:
        opened, named = os.fstat(file.fileno()), os.stat(path)
        begins = file.tell() == 0
    except (OSError, AttributeError, ValueError):  # not a file on disk, or its name is gone
        return None
    same = (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino) and stat.S_ISREG(opened.st_mode)
    length = next((value for name, value in headers if name.lower() == "content-length"), None)
    return path if same and begins and length == str(opened.st_size) else None


def _body(result: Any) -> bytes:
    if isinstance(result, FileWrapper):
        return b"".join(iter(lambda: result.file.read(64 * 1024), b""))
    return b"".join(result)
