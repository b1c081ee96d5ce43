"""Checks whether the storage can be written and read, by a small file, at most every few seconds and with a time limit."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import threading
import time

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from catalog.photos.storage_errors import reason
from catalog.storage_names import PROBE_ROOT

# Health checks may come every second, so a result is remembered; a failure for a shorter time, so that its end shows soon.
KEPT_SECONDS = 10.0
TROUBLE_KEPT_SECONDS = 1.0
# A storage that has not answered for so long counts as failed; later callers do not wait for it again.
PATIENCE_SECONDS = 2.0


class StorageProbe:
    """The last result in this process. At most one thread asks the storage, however long that hangs. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trouble = ""
        self._known_until = 0.0
        self._began = 0.0
        self._asking: threading.Thread | None = None

    def trouble(self) -> str:
        """Why the storage cannot be used, in a few words without paths; empty when it can."""
        with self._lock:
            if time.monotonic() < self._known_until:
                return self._trouble
            if self._asking is None or not self._asking.is_alive():
                self._began = time.monotonic()
                self._asking = threading.Thread(target=self._ask, name="storage-probe", daemon=True)
                self._asking.start()
            asking, began = self._asking, self._began
        asking.join(max(0.0, began + PATIENCE_SECONDS - time.monotonic()))
        return f"does not answer within {PATIENCE_SECONDS:g} s" if asking.is_alive() else self._trouble

    def _ask(self) -> None:
        trouble = written_and_read()
        with self._lock:
            self._trouble = trouble
            self._known_until = time.monotonic() + (TROUBLE_KEPT_SECONDS if trouble else KEPT_SECONDS)


def written_and_read() -> str:
    """Write a file, read it back and delete it: what failed, or "".

    Each process has one name, so that where deleting fails, or a process dies between, one file is left at most.
    """
    host = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:12]
    name = f"{PROBE_ROOT}/{host}-{os.getpid()}"
    content = secrets.token_bytes(16)
    step = "asked"
    try:
        if default_storage.exists(name):
            step = "deleted from"
            default_storage.delete(name)
        step = "written"
        stored = default_storage.save(name, ContentFile(content))
        step = "read"
        with default_storage.open(stored) as file:
            found = file.read()
        step = "deleted from"
        default_storage.delete(stored)
    except Exception as error:  # storages elsewhere raise errors of their own kinds
        return f"cannot be {step}: {reason(error)}"
    return "" if found == content else "gives back other bytes than were written"


_probe = StorageProbe()


def trouble() -> str:
    """Of this process's probe; see StorageProbe."""
    return _probe.trouble()


def forget() -> None:
    """Ask anew the next time: the storage is another one."""
    global _probe
    _probe = StorageProbe()
