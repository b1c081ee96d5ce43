"""The application with an encoder whose native code dies on a magenta photo: `celery -A tests.recommender.pipeline.poisoned`."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack

from celery.signals import worker_process_init

from config.celery import app

__all__ = ["app"]
_injection = ExitStack()


@worker_process_init.connect
def inject(**_: object) -> None:
    from recommender.encoder import serving
    from tests.recommender.pipeline.conftest import ColourEncoder

    class Poisoned(ColourEncoder):
        def features(self, pixels):  # type: ignore[no-untyped-def]
            features = super().features(pixels)
            if features[0] > 0.95 and features[1] < 0.05 and features[2] > 0.95:
                os.kill(os.getpid(), signal.SIGKILL)
            return features

    _injection.enter_context(serving.injected(Poisoned()))
