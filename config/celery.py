"""The Celery application; beat's schedule is declared by the tasks' own module."""

import os

from celery import Celery
from celery.signals import beat_embedded_init, worker_init, worker_process_init

from config.parent import end_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("lookalike")
app.set_default()  # in every thread: `current_app` is otherwise that of the thread which imported this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Forked or made anew, a worker's processes inherit its environment: there they find the worker's process id.
WORKER = "LOOKALIKE_WORKER"


@app.on_after_configure.connect
def read_schedule(sender: Celery, **_: object) -> None:
    """Imported late: the schedule's module reads Django's settings."""
    from recommender.schedule import BEAT_SCHEDULE

    sender.conf.beat_schedule = BEAT_SCHEDULE


@worker_init.connect
def name_worker(**_: object) -> None:
    """In the worker's main process, before it makes others."""
    os.environ[WORKER] = str(os.getpid())


@worker_process_init.connect
@beat_embedded_init.connect
def end_with_worker(**_: object) -> None:
    """In every process that a worker makes: nobody embeds, or sends ticks, for a worker that was killed.

    Celery ties its pool to the worker on Linux alone, and misses a worker that died while the process was starting. The
    lease that such a process held is recovered as after any other death.
    """
    end_with_parent(int(os.environ[WORKER]))
