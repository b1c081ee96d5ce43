"""Settings, addresses and processes. The Celery application is imported here so that every process publishes tasks through it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
