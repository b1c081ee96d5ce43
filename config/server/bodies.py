"""Request bodies, read whole and within a deadline on the event loop: a caller that stops sending holds no thread."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import IO, cast

from django.conf import settings

from config.server.types import Asked, Proto

IN_MEMORY_BYTES = 256 * 1024
HELD_BYTES = 2 * 1024**3
SLOWEST_BYTES_A_SECOND = 128 * 1024  # each such amount that arrives extends the deadline by a second, for slow lines
_AT_ONCE_BYTES = 64 * 1024
_THROWN_AWAY_BYTES = 64 * 1024**2


class BodyTooLarge(Exception):
    """The body is longer than is allowed, by its Content-Length or by what arrived."""


class BodyIncomplete(Exception):
    """The connection ended before the body did, or, with `late`, the body was not whole in time."""

    def __init__(self, *, late: bool) -> None:
        super().__init__()
        self.late = late


class NoRoom(Exception):
    """This process holds HELD_BYTES of bodies already, or the disk has no room for this one."""


@dataclass(frozen=True)
class Body:
    """A request's body, read from its beginning; `length` in bytes, None where the request has no body."""

    file: IO[bytes]
    length: int | None


class Bodies:
    """Reads the bodies of a process's requests, and holds at most HELD_BYTES of them until they are answered."""

    def __init__(self) -> None:
        self._held = 0

    @asynccontextmanager
    async def read(self, asked: Asked, *, most: int) -> AsyncIterator[Body]:
        """The whole body, of at most `most` bytes: in memory up to IN_MEMORY_BYTES, else in a file without a name.

        A body without a length (chunked) is read too. Raises BodyTooLarge, NoRoom, BodyIncomplete:
        when BODY_SECONDS are over, and one more for each SLOWEST_BYTES_A_SECOND that came.
        """
        announced = asked.headers.get("content-length")
        length = None if announced is None else int(announced)  # granian refuses what is not a number
        if length is not None and length > most:
            raise BodyTooLarge
        if not length and "transfer-encoding" not in asked.headers:
            yield Body(io.BytesIO(), length)
            return
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            held = 0
            try:
                async with _deadline() as deadline:
                    ends = deadline.when() or 0.0
                    async for chunk in _chunks(asked.proto, length):
                        held += len(chunk)
                        deadline.reschedule(ends + held / SLOWEST_BYTES_A_SECOND)
                        self._held += len(chunk)
                        if held > most:
                            raise BodyTooLarge
                        if self._held > HELD_BYTES:
                            raise NoRoom
                        _write(file, chunk)
                file.seek(0)
                yield Body(cast(IO[bytes], file), held)
            finally:
                self._held -= held


async def throw_away(proto: Proto) -> None:
    """Read and drop the rest of a refused body, within BODY_SECONDS: many callers read an answer only after sending it all."""
    left = _THROWN_AWAY_BYTES
    with suppress(BodyIncomplete):
        async with _deadline():
            async for chunk in proto:
                left -= len(chunk)
                if left < 0:
                    return


@asynccontextmanager
async def _deadline() -> AsyncIterator[asyncio.Timeout]:
    """Raises BodyIncomplete after BODY_SECONDS, unless the caller reschedules the deadline."""
    try:
        async with asyncio.timeout(settings.BODY_SECONDS) as deadline:
            yield deadline
    except TimeoutError as error:
        raise BodyIncomplete(late=True) from error


async def _chunks(proto: Proto, length: int | None) -> AsyncIterator[bytes]:
    """The body in the pieces that arrive. Raises BodyIncomplete where the connection ended first."""
    if length is not None and length <= _AT_ONCE_BYTES:
        try:
            yield await proto()
        except RuntimeError as error:
            raise BodyIncomplete(late=False) from error
        return
    came, empty = 0, 0
    async for chunk in proto:
        came += len(chunk)
        empty = 0 if chunk else empty + 1
        yield chunk
        if came == length:
            return
    # granian yields one empty chunk after a whole body, and two after one that broke off (and after trailers, which are rare).
    if length is not None or empty > 1:
        raise BodyIncomplete(late=False)


def _write(file: tempfile.SpooledTemporaryFile[bytes], chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise NoRoom from error
