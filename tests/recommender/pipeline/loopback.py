"""The application in which every name is at this machine: `celery -A tests.recommender.pipeline.loopback`.

LOOPBACK_PORT is the one port that photos are fetched from, by way of an address rule injected for 127.0.0.1.
"""

from __future__ import annotations

import os

from celery.signals import worker_process_init

from config.celery import app

__all__ = ["app"]


@worker_process_init.connect
def inject(**_: object) -> None:
    from catalog.photos.fetch import PhotoFetcher
    from recommender.pipeline import photo_files

    fetcher = PhotoFetcher(
        resolve=lambda host, port: ["127.0.0.1"],
        refusal=lambda address: None if str(address) == "127.0.0.1" else "not for this test",
        ports=[int(os.environ["LOOPBACK_PORT"])],
    )
    photo_files.fetch_validated = fetcher.fetch_validated
