"""The application with an encoder that never comes back from native code: `celery -A tests.recommender.pipeline.hanging`.

Nothing of Python runs in a process that hangs so, neither signal handlers nor other threads. Beside it runs a helper of
its own, which ends when its pipe does.
"""

from __future__ import annotations

import ctypes
import subprocess
from contextlib import ExitStack

from celery.signals import worker_process_init

from config.celery import app

__all__ = ["app"]
_injection = ExitStack()


@worker_process_init.connect
def inject(**_: object) -> None:
    from recommender.encoder import serving
    from tests.recommender.pipeline.conftest import ColourEncoder

    class Hanging(ColourEncoder):
        def features(self, pixels):  # type: ignore[no-untyped-def]
            with subprocess.Popen(["cat"], stdin=subprocess.PIPE):
                ctypes.PyDLL(None).sleep(600)  # unlike CDLL, this keeps the interpreter's lock

    _injection.enter_context(serving.injected(Hanging()))
