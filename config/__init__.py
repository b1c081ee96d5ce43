"""Settings, addresses and processes. The Celery application is imported here so that every process publishes tasks through it."""

import gc

# Modules stay once they are imported: to look for garbage among them again and again took an eighth of the time in which a
# process starts. Python's collector is switched on again when Django is set up, by recommender.apps.
gc.disable()

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
