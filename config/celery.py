"""The Celery application; beat's schedule is declared by the tasks' own module."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("lookalike")
app.set_default()  # in every thread: `current_app` is otherwise that of the thread which imported this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_configure.connect
def read_schedule(sender: Celery, **_: object) -> None:
    """Imported late: the schedule's module reads Django's settings."""
    from recommender.schedule import BEAT_SCHEDULE

    sender.conf.beat_schedule = BEAT_SCHEDULE
