"""Types of what granian passes to an RSGI application: https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

Headers = list[tuple[str, str]]
Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]  # WSGI's


class ScopeHeaders(Protocol):
    """A request's headers: names in lower case, one item a line of the request; values that are not ASCII are left out."""

    def keys(self) -> list[str]: ...

    def items(self) -> list[tuple[str, str]]: ...

    def get(self, key: str, default: Any = None) -> Any: ...

    def get_all(self, key: str) -> list[str]: ...

    def __contains__(self, key: str) -> bool: ...


class Scope(Protocol):
    """A request without its body. `path` is decoded; bytes of it that are not UTF-8 became U+FFFD."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> ScopeHeaders: ...


class Proto(Protocol):
    """A request's body, and the one answer to it. Answers may be given from any thread; one after the first is ignored."""

    async def __call__(self) -> bytes: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...

    def response_file(self, status: int, headers: Headers, file: str) -> None: ...


class Asked:
    """A request. Reading an attribute of a Scope makes a new object each time, so method, path and headers are read once."""

    __slots__ = ("headers", "method", "path", "proto", "scope")

    def __init__(self, scope: Scope, proto: Proto) -> None:
        self.scope, self.proto = scope, proto
        self.method, self.path, self.headers = scope.method, scope.path, scope.headers

    @property
    def query(self) -> str:
        """The query string as it was sent."""
        return self.scope.query_string

    def header(self, name: str) -> str | None:
        """A header's value as the WSGI environment has it, by its lower-case name; None where it is absent.

        One that was sent several times is one list; one that is not ASCII is empty.
        """
        values = self.headers.get_all(name)
        if values:
            return ("; " if name == "cookie" else ",").join(values)
        return "" if name in self.headers else None


def host_and_port(text: str) -> tuple[str, str]:
    """Host and port of `127.0.0.1:8000` or `[::1]:8000`."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), port
