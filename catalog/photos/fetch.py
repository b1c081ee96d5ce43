"""Fetches photos and feeds from URLs that others give, without letting them reach our own network (server-side request forgery).

A host name is resolved once, every address is judged, and the connection goes to a judged address, so a hostile name server
cannot give another address afterwards. Each redirect is judged the same way. Proxies of the environment are not used.
"""

from __future__ import annotations

import http.client
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from ipaddress import IPv4Address
from typing import BinaryIO, Literal
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from django.conf import settings

from catalog.photos import addresses
from catalog.photos.validators import NOTHING, Validators

Resolve = Callable[[str, int], Sequence[str]]
RefusedReason = Literal["bad_url", "address", "redirects", "http_status", "too_large", "tls"]

_CONNECT_SECONDS = 5.0
_CHUNK = 64 * 1024
_REDIRECTS = {301, 302, 303, 307, 308}
_MAY_PASS = {408, 425, 429}
_SAFE = "/%:@!$&'()*+,;=~-._?"
_SHOWN = 200  # characters of a URL that an error repeats

logger = logging.getLogger(__name__)


class FetchRefused(Exception):
    """The file cannot be fetched, and trying again will not help. `reason` is a short code; the text says how to mend it."""

    def __init__(self, reason: RefusedReason, message: str) -> None:
        super().__init__(message)
        self.reason: RefusedReason = reason


class FetchFailed(Exception):
    """The file could not be fetched now and may be later: a time-out, an unresolved name, an overloaded server."""

    reason = "fetch_failed"


class NameUnresolved(FetchFailed):
    """The name in the URL has no address now."""


def resolve(host: str, port: int) -> list[str]:
    """The system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


@cache
def trusted_authorities() -> ssl.SSLContext:
    """The system's certificates, read once: reading takes tens of milliseconds."""
    return ssl.create_default_context()


@dataclass(frozen=True)
class Fetched:
    """A file, and what its server said by which it can be asked later whether it has changed."""

    data: bytes
    validators: Validators = NOTHING


def fetch_photo(url: str) -> bytes:
    """The bytes behind an http(s) URL, at most MAX_PHOTO_BYTES. Raises FetchRefused, FetchFailed."""
    return PhotoFetcher().fetch(url)


def fetch_validated(url: str, known: Validators = NOTHING) -> Fetched | None:
    """As `fetch_photo`, with the server's validators; None where by those that are `known` the file has not changed."""
    return PhotoFetcher().fetch_validated(url, known)


@dataclass(frozen=True)
class PhotoFetcher:
    """Fetches photos, or other files of at most `limit` bytes, within `seconds` each.

    `resolve`: host and port → addresses. `refusal`: address → why not, or None. `ports`: those a URL may name.
    `noun` and `accept`: what is fetched, in errors and in the request.
    """

    resolve: Resolve = resolve
    refusal: Callable[[addresses.Address], str | None] = addresses.refusal
    ports: Sequence[int] = field(default_factory=lambda: settings.FETCH_PORTS)
    tls: ssl.SSLContext = field(default_factory=trusted_authorities)
    seconds: float = field(default_factory=lambda: settings.FETCH_TIMEOUT_SECONDS)
    limit: int = field(default_factory=lambda: settings.MAX_PHOTO_BYTES)
    noun: str = "photo"
    accept: str = "image/*"

    def check(self, url: str) -> None:
        """Raises FetchRefused where a URL can be seen not to be fetched, whatever its host answers: without asking for its name."""
        host = _checked_url(url, self.ports).hostname or ""
        address = _written_address(host)
        if address is not None and self.refusal(address) is not None:
            raise self._not_public(host)

    def fetch(self, url: str) -> bytes:
        """The bytes behind a URL. Raises FetchRefused, FetchFailed."""
        body = BytesIO()
        self.fetch_into(body, url)
        return body.getvalue()

    def fetch_validated(self, url: str, known: Validators = NOTHING) -> Fetched | None:
        """The file behind a URL; None where by those validators that are `known` it has not changed.

        Raises FetchRefused, FetchFailed.
        """
        body = BytesIO()
        validators = self.fetch_into(body, url, known)
        return None if validators is None else Fetched(body.getvalue(), validators)

    def fetch_into(self, file: BinaryIO, url: str, known: Validators = NOTHING) -> Validators | None:
        """Write the bytes behind a URL to a file; the deadline covers all redirects (at most FETCH_MAX_REDIRECTS) together.

        What the server says of the file; None, with nothing written, where by those validators that are `known` it has not
        changed. Raises FetchRefused, FetchFailed; then the file holds a part of the bytes, or nothing.
        """
        deadline = time.monotonic() + self.seconds
        for _ in range(settings.FETCH_MAX_REDIRECTS + 1):
            answer = self._request(_checked_url(url, self.ports), deadline, file, known)
            if not isinstance(answer, str):
                return answer
            url = _joined(url, answer)
        raise FetchRefused(
            "redirects", f"more than {settings.FETCH_MAX_REDIRECTS} redirects; give the {self.noun}'s own URL"
        )

    def _request(self, url: SplitResult, deadline: float, file: BinaryIO, known: Validators) -> str | Validators | None:
        """One request, whose body goes to the file and whose validators are returned, None for an unchanged file; or where it
        is redirected to.
        """
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        judged = self._judged_addresses(host, port, deadline)
        try:
            connected = _connect(judged, port, deadline)
        except OSError as error:
            raise FetchFailed(f"{host} does not answer ({error.strerror or 'no time left'})") from error
        guard: threading.Timer | None = None
        try:
            if url.scheme == "https":
                connected = self.tls.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
            # The socket's own time-out starts anew with every byte received, so a slow server could go on for ever.
            guard = threading.Timer(max(deadline - time.monotonic(), 0), _shut, [connected])
            guard.start()
            if isinstance(connected, ssl.SSLSocket):
                connected.do_handshake()
            answer = self._exchange(connected, url, file, known)
            if time.monotonic() >= deadline:  # a body without a length seems complete where the timer cut it off
                raise TimeoutError
            return answer
        except ssl.SSLCertVerificationError as error:
            raise FetchRefused("tls", f"{host} does not prove who it is: {error.verify_message}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            late = time.monotonic() >= deadline
            why = f"not done after {self.seconds:g} s" if late else str(error) or type(error).__name__
            raise FetchFailed(f"{host} broke off: {why}") from error
        finally:
            if guard is not None:
                guard.cancel()
            connected.close()

    def _exchange(
        self, connected: socket.socket, url: SplitResult, file: BinaryIO, known: Validators
    ) -> str | Validators | None:
        host = url.hostname or ""
        connection = http.client.HTTPConnection(host)
        connection.sock = connected
        target = url.path + (f"?{url.query}" if url.query else "")
        headers = {
            "Host": url.netloc,
            "User-Agent": "Lookalike/1.0",
            "Accept": self.accept,
            "Accept-Encoding": "identity",
            **known.conditions,
        }
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        location = response.getheader("Location")
        if response.status in _REDIRECTS and location:
            return location
        if response.status == 304 and known.conditions:
            return None
        if response.status != 200:
            message = f"{host} answered {response.status} {response.reason}".strip()
            if response.status >= 500 or response.status in _MAY_PASS:
                raise FetchFailed(message)
            raise FetchRefused("http_status", f"{message}; put a {self.noun} there or correct the URL")
        validators = Validators.of(response.getheader, response.length)
        if known.confirmed_by(validators):
            return None  # the server knows no conditions; its body is not read
        self._copy_bounded(response, file)
        return validators

    def _copy_bounded(self, response: http.client.HTTPResponse, file: BinaryIO) -> None:
        received = 0
        if (response.length or 0) <= self.limit:
            while chunk := response.read(_CHUNK):
                received += len(chunk)
                if received > self.limit:
                    break
                file.write(chunk)
            else:
                if response.length:
                    raise http.client.IncompleteRead(b"", response.length)
                return
        raise FetchRefused(
            "too_large", f"the {self.noun} is larger than {self.limit / 1024**2:g} MB; put a smaller one there"
        )

    def _judged_addresses(self, host: str, port: int, deadline: float) -> list[str]:
        """The addresses of a host, all of them public. Raises FetchRefused, FetchFailed.

        An error names no address that a name resolved to: whoever gave the URL could else ask for the names of our network.
        The log has it.
        """
        found = _in_time(lambda: self.resolve(host, port), deadline, host)
        if not found:
            raise NameUnresolved(f"{host} has no address")
        for text in found:
            words = self.refusal(addresses.parse(text))
            if words is not None:
                logger.warning("%s is at %s, which is %s: nothing is fetched from there", host, text, words)
                raise self._not_public(host)
        return list(found)

    def _not_public(self, host: str) -> FetchRefused:
        return FetchRefused("address", f"{host} is not at a public address: {self.noun}s come from public hosts")


def _checked_url(url: str, ports: Sequence[int]) -> SplitResult:
    """The URL's parts, host in ASCII. Raises FetchRefused."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
    except ValueError as error:
        raise FetchRefused("bad_url", f"{url[:_SHOWN]!r} is no URL ({error})") from error
    if parts.scheme not in ("http", "https") or not host:
        raise FetchRefused("bad_url", f"{url[:_SHOWN]!r} is no http(s) URL of a host")
    if parts.username is not None or parts.password is not None:
        raise FetchRefused("bad_url", "a URL with a user name in it is not fetched")
    if port is not None and port not in ports:
        allowed = ", ".join(map(str, ports))
        raise FetchRefused("bad_url", f"port {port} is not fetched from; allowed: {allowed} (FETCH_PORTS)")
    netloc = f"[{host}]" if ":" in host else host
    return parts._replace(
        netloc=netloc if port is None else f"{netloc}:{port}",
        path=quote(parts.path or "/", safe=_SAFE),
        query=quote(parts.query, safe=_SAFE),
        fragment="",
    )


def _written_address(host: str) -> addresses.Address | None:
    """The address that a host is written as, in any form that resolvers take, such as `127.1`; None of a name."""
    try:
        return addresses.parse(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _joined(url: str, location: str) -> str:
    """Where a redirect leads. Raises FetchRefused."""
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise FetchRefused("bad_url", f"{url} redirects to {location[:_SHOWN]!r}, which is no URL ({error})") from error


def _in_time(call: Callable[[], Sequence[str]], deadline: float, host: str) -> Sequence[str]:
    """Call the resolver, which has no time-out of its own, in a thread that is abandoned at the deadline."""
    answers: queue.SimpleQueue[Sequence[str] | OSError | ValueError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(call())
        except (OSError, ValueError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=max(deadline - time.monotonic(), 0.001))
    except queue.Empty as error:
        raise FetchFailed(f"the name {host} was not resolved in time") from error
    if isinstance(answer, Exception):
        raise NameUnresolved(f"the name {host} does not resolve ({answer})") from answer
    return answer


def _connect(judged: Sequence[str], port: int, deadline: float) -> socket.socket:
    """A connection to the first judged address that answers. Raises OSError."""
    failure: OSError = TimeoutError("no time left")
    for address in judged:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            connected = socket.create_connection((address, port), timeout=min(left, _CONNECT_SECONDS))
        except OSError as error:
            failure = error
        else:
            connected.settimeout(left)
            return connected
    raise failure


def _shut(connected: socket.socket) -> None:
    try:
        socket.socket.shutdown(connected, socket.SHUT_RDWR)  # SSLSocket's own would also drop its state under a reader
    except OSError:
        return  # closed already
