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
SLOWEST_BYTES_A_SECOND = 128 * 1024  # an honest caller on a slow line gets more time with what comes from it
_AT_ONCE_BYTES = 64 * 1024
_THROWN_AWAY_BYTES = 64 * 1024**2


class BodyTooLarge(Exception):
    """More was announced, or came, than may come."""


class BodyIncomplete(Exception):
    """The caller broke off, or `late`: the body was not whole in time."""

    def __init__(self, *, late: bool) -> None:
        super().__init__()
        self.late = late


class NoRoom(Exception):
    """HELD_BYTES of bodies are held already, or the disk has no room for this one."""


@dataclass(frozen=True)
class Body:
    """A body from its beginning; `length` in bytes, None where the request has no body."""

    file: IO[bytes]
    length: int | None


class Bodies:
    """Reads the bodies of a process and holds them until they are answered, HELD_BYTES of them at a time."""

    def __init__(self) -> None:
        self._held = 0

    @asynccontextmanager
    async def read(self, asked: Asked, *, most: int) -> AsyncIterator[Body]:
        """The whole body, of at most `most` bytes: in memory up to IN_MEMORY_BYTES, else in a file without a name.

        A body without a length (chunked) is read too. Raises BodyTooLarge, NoRoom, BodyIncomplete:
        when BODY_SECONDS are over, and one more for each SLOWEST_BYTES_A_SECOND that came.
        """
        announced = asked.headers.get("content-length")
        length = None if announced is None else int(announced)  # the server refuses what is no number
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
    """Read on for a caller who was refused, within BODY_SECONDS: many see an answer only once they have sent everything."""
    left = _THROWN_AWAY_BYTES
    with suppress(BodyIncomplete):
        async with _deadline():
            async for chunk in proto:
                left -= len(chunk)
                if left < 0:
                    return


@asynccontextmanager
async def _deadline() -> AsyncIterator[asyncio.Timeout]:
    """Raises BodyIncomplete after BODY_SECONDS, unless it is put off."""
    try:
        async with asyncio.timeout(settings.BODY_SECONDS) as deadline:
            yield deadline
    except TimeoutError as error:
        raise BodyIncomplete(late=True) from error


async def _chunks(proto: Proto, length: int | None) -> AsyncIterator[bytes]:
    """The body as it comes. Raises BodyIncomplete where the connection ended before it."""
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
    # granian ends a body with one empty chunk, and one that broke off with two; so too one with trailers, which nobody sends.
    if length is not None or empty > 1:
        raise BodyIncomplete(late=False)


def _write(file: tempfile.SpooledTemporaryFile[bytes], chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise NoRoom from error
