"""The decoder processes of this process: started when first needed, a few at a time, killed when a photo takes too long.

They are started by `subprocess`, not by a plain fork: this process has threads, and large models in memory.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from catalog.photos.decoder_child import Decoder, DecoderDied, DecoderTooSlow, NoDecoder
from catalog.photos.errors import PhotoError

AT_A_TIME = 4
KEPT_IDLE = 2
# If a decoder that missed its deadline had the processor for a smaller share of the time than this, the machine was too busy,
# and the photo is not to blame.
LEAST_SHARE_AT_WORK = 0.4
_FROM_OUTSIDE = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}

T = TypeVar("T")


class DecodersBusy(PhotoError):
    """The photo was not judged: too many others are being decoded, or the machine is too busy. Try again later."""

    def __init__(self, why: str) -> None:
        super().__init__("busy", f"the photo was not read: {why}; try again in a moment")


class DecoderPool:
    """At most AT_A_TIME decoders at once, of which KEPT_IDLE are kept for the next photos. Thread-safe."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(AT_A_TIME)
        self._lock = threading.Lock()
        self._decoders: set[Decoder] = set()
        self._idle: list[Decoder] = []

    def decode(
        self, data: bytes, request: dict[str, Any], *, seconds: float, result: Callable[[dict[str, Any], Decoder], T]
    ) -> T:
        """Ask a decoder about a photo and give `result(answer, decoder)`, which may read pixels from the decoder.

        Raises PhotoError: what the decoder says of the photo; `too_slow` after `seconds`; `truncated` or `bomb` where the
        decoder crashes. Raises DecodersBusy where no decoder is free within `seconds`.
        """
        if not self._places.acquire(timeout=seconds):
            raise DecodersBusy(f"{AT_A_TIME} photos are being decoded already")
        try:
            try:
                return self._decode(data, request, seconds, result)
            except DecoderDied as death:
                if death.code not in _FROM_OUTSIDE:
                    raise _verdict(death) from death
            # Killed from outside, perhaps by the kernel because memory ran out. Another photo may be the cause: try once more.
            try:
                return self._decode(data, request, seconds, result)
            except DecoderDied as death:
                raise _verdict(death) from death
        finally:
            self._places.release()

    def close(self) -> None:
        """End every decoder. A photo that is being decoded is tried again on a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._decoders.difference_update(idle)
            for decoder in self._decoders:
                decoder.kill()
        for decoder in idle:
            decoder.end()

    def processes(self) -> list[int]:
        """The ids of the decoders that are alive, idle or at work."""
        with self._lock:
            return sorted(decoder.pid for decoder in self._decoders)

    def forget(self) -> None:
        """In a forked child: let go of the parent's decoders, so that they end when the parent does."""
        for decoder in self._decoders:
            decoder.let_go()

    def _decode(
        self, data: bytes, request: dict[str, Any], seconds: float, result: Callable[[dict[str, Any], Decoder], T]
    ) -> T:
        decoder = self._take()
        kept = False
        try:
            made = result(decoder.ask(data, request, seconds=seconds), decoder)
            kept = True
            return made
        except PhotoError:
            kept = True
            raise
        except DecoderTooSlow as slow:
            if slow.cpu_seconds < LEAST_SHARE_AT_WORK * seconds:
                raise DecodersBusy("other work leaves the machine no time for it") from slow
            raise PhotoError(
                "too_slow",
                f"the picture takes more than {seconds:g} s to decode; save it as a plain (baseline) JPEG, or smaller",
            ) from slow
        except OSError as error:
            raise DecodersBusy(f"there is no memory for it ({error})") from error
        finally:
            self._put_back(decoder, fit=kept)

    def _take(self) -> Decoder:
        with self._lock:
            while self._idle:
                decoder = self._idle.pop()
                if decoder.is_alive():
                    return decoder
                self._decoders.discard(decoder)
                decoder.end()
        try:
            decoder = Decoder()
        except NoDecoder as error:
            raise DecodersBusy(str(error)) from error
        with self._lock:
            self._decoders.add(decoder)
        return decoder

    def _put_back(self, decoder: Decoder, *, fit: bool) -> None:
        decoder.tidy()
        with self._lock:
            if decoder in self._decoders and fit and not decoder.is_polite and len(self._idle) < KEPT_IDLE:
                self._idle.append(decoder)
                return
            self._decoders.discard(decoder)
        decoder.end()


def _verdict(death: DecoderDied) -> PhotoError:
    if death.code in _FROM_OUTSIDE:
        return PhotoError("bomb", "the decoder was killed over the picture, twice; send a smaller one")
    return PhotoError("truncated", f"the picture makes its decoder crash (code {death.code}); save it again")


_pool = DecoderPool()


def decoder_pool() -> DecoderPool:
    """The pool of this process."""
    return _pool


def _forget() -> None:
    """After a fork: the parent's decoders belong to the parent, so the child begins with an empty pool."""
    global _pool
    _pool.forget()
    _pool = DecoderPool()


os.register_at_fork(after_in_child=_forget)
atexit.register(lambda: _pool.close())
