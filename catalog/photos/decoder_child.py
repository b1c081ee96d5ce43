"""The parent's side of one decoder process (`catalog.photos.decoder_process`): a socket and an unnamed file in memory.

The file is read and written, not mapped: a broken decoder that truncates it causes a short read, never a crash here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import orjson

from catalog.photos.errors import PhotoError

PROJECT = Path(__file__).resolve().parent.parent.parent
# Starting takes .2 s on an idle machine: importing NumPy and Pillow.
STARTING_SECONDS = 10.0
# A decoder that takes longer than this gets a lower priority (is "niced"), so that other photos keep their pace.
POLITE_AFTER_SECONDS = 1.0
POLITENESS = 5
# Memory that stays allocated between photos, in the shared file and in glibc's heap. Pages given back after each photo would
# have to be cleared by the kernel for the next one, which takes as long as decoding it.
_KEPT_BYTES = 4 * 1024**2
_KEEP_PAGES = {"MALLOC_TRIM_THRESHOLD_": str(32 * 1024**2), "MALLOC_MMAP_THRESHOLD_": str(32 * 1024**2)}


class NoDecoder(RuntimeError):
    """No decoder process could be started; the text says why."""


class DecoderTooSlow(RuntimeError):
    """The deadline passed, so the process was killed. `cpu_seconds`: the processor time that it spent on the photo."""

    def __init__(self, cpu_seconds: float) -> None:
        super().__init__("the decoder is too slow")
        self.cpu_seconds = cpu_seconds


class DecoderDied(RuntimeError):
    """The process ended by itself. `code`: its exit code; negative: the signal that killed it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the decoder died with code {code}")
        self.code = code


class Decoder:
    """A started decoder process. Creating one waits until the process is ready. Not thread-safe. Raises NoDecoder."""

    def __init__(self) -> None:
        self.is_polite = False
        self._reaping = threading.Lock()
        self._cpu_seconds = 0.0
        try:
            with contextlib.ExitStack() as opened:
                self._memory = _unnamed_file()
                opened.callback(os.close, self._memory)
                self._socket, theirs = socket.socketpair()
                opened.callback(self._socket.close)
                with theirs:
                    self._process = _start(theirs.fileno(), self._memory)
                opened.pop_all()
        except OSError as error:
            raise NoDecoder(f"no decoder process can be started ({error})") from error
        try:
            if self._line(time.monotonic() + STARTING_SECONDS) is None:
                raise NoDecoder("a decoder process takes too long to start")
        except EOFError:
            code, _ = self.end()
            raise NoDecoder(f"a decoder process ended when it started (code {code})") from None
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, data: bytes, request: dict[str, Any], *, seconds: float) -> dict[str, Any]:
        """Send a photo and a request about it; wait for the answer, after which the pixels can be `read`.

        Raises PhotoError for what the decoder says of the photo. Raises DecoderTooSlow or DecoderDied when the process is
        gone: it is killed at the deadline, from here or by its own alarm.
        """
        until = time.monotonic() + seconds
        try:
            self._send(data, request | {"bytes": len(data), "seconds": seconds})
            line = self._line(min(until, time.monotonic() + POLITE_AFTER_SECONDS))
            if line is None and time.monotonic() < until:
                self._be_polite()
                line = self._line(until)
        except (EOFError, ConnectionError):
            code, cpu_seconds = self.end()
            if code == -signal.SIGALRM:  # its own alarm came before our deadline
                raise DecoderTooSlow(cpu_seconds - self._cpu_seconds) from None
            raise DecoderDied(code) from None
        if line is None:
            _, cpu_seconds = self.end()
            raise DecoderTooSlow(cpu_seconds - self._cpu_seconds)
        answer = self._parsed(line)
        self._cpu_seconds = answer["cpu_seconds"]
        if "reason" in answer:
            raise PhotoError(answer["reason"], answer["error"])
        return answer

    def read(self, size: int, *, at: int = 0) -> bytearray:
        """Bytes of the shared file from `at` on: the pixels, once `ask` has answered. Raises DecoderDied."""
        data = bytearray(size if os.fstat(self._memory).st_size >= at + size else 0)
        if os.preadv(self._memory, [data], at) != size:
            code, _ = self.end()
            raise DecoderDied(code)
        return data

    def tidy(self) -> None:
        """Shrink the shared file after a large photo."""
        if self._memory >= 0 and os.fstat(self._memory).st_size > _KEPT_BYTES:
            os.ftruncate(self._memory, 0)

    def kill(self) -> None:
        """Kill the process. May be called from another thread; the one that waits in `ask` then sees the stream end."""
        with self._reaping:
            if self._process.returncode is None:
                os.kill(self.pid, signal.SIGKILL)

    def end(self) -> tuple[int, float]:
        """Kill and reap the process: its exit code, and all the processor seconds it used (0 if it had been reaped before)."""
        cpu_seconds = 0.0
        self.kill()
        with self._reaping:
            if self._process.returncode is None:
                _, status, usage = os.wait4(self.pid, 0)
                self._process.returncode = os.waitstatus_to_exitcode(status)
                cpu_seconds = usage.ru_utime + usage.ru_stime
        self._close()
        return self._process.returncode, cpu_seconds

    def let_go(self) -> None:
        """In a forked child of the process that started it: close our descriptors and leave the decoder to the parent."""
        self._process.returncode = 0
        self._close()

    def _close(self) -> None:
        memory, self._memory = self._memory, -1
        self._socket.close()
        if memory >= 0:
            os.close(memory)

    def _send(self, data: bytes, request: dict[str, Any]) -> None:
        if os.pwrite(self._memory, data, 0) != len(data):
            raise EOFError
        self._socket.settimeout(None)
        self._socket.sendall(orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE))

    def _line(self, until: float) -> bytes | None:
        """The next line; None when there is none in time. Raises EOFError at the end of the stream."""
        line = b""
        while not line.endswith(b"\n"):
            self._socket.settimeout(max(until - time.monotonic(), 1e-4))
            try:
                more = self._socket.recv(65536)
            except TimeoutError:
                return None
            if not more:
                raise EOFError
            line += more
        return line

    def _parsed(self, line: bytes) -> dict[str, Any]:
        """The answer as JSON. A decoder that sends anything else is broken and is ended. Raises DecoderDied."""
        try:
            answer: dict[str, Any] = orjson.loads(line)
            return answer
        except orjson.JSONDecodeError:
            code, _ = self.end()
            raise DecoderDied(code) from None

    def _be_polite(self) -> None:
        self.is_polite = True
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self.pid, POLITENESS)


def _start(descriptor: int, memory: int) -> subprocess.Popen[bytes]:
    # Decoders handle untrusted files, so no secret of the environment (keys, database addresses) is passed on to them.
    environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1", **_KEEP_PAGES}
    return subprocess.Popen(
        [sys.executable, "-m", "catalog.photos.decoder_process", str(descriptor), str(memory)],
        pass_fds=(descriptor, memory),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        cwd=PROJECT,
        env=environment,
    )


def _unnamed_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("photo")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
