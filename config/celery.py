"""The Celery application of workers and beat; beat's schedule is in recommender.schedule."""

import os

from celery import Celery
from celery.signals import beat_embedded_init, worker_init, worker_process_init

from config.parent import end_with_parent
from config.usable import end_unless_usable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("lookalike")
app.set_default()  # in every thread: `current_app` is otherwise that of the thread which imported this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Tenths of a second. A process of the pool that ends waits until the worker has read all its results; billiard lets it wait
# for 30 seconds. A worker that stops reads no result of a task that it did not know to have begun, and waits in its turn for
# the process. Nothing is lost: the worker empties the pipe of each process that has ended.
WAIT_FOR_RESULTS_TO_BE_READ = 10

# The environment variable in which a worker's processes, forked or started anew, find the worker's process id.
WORKER = "LOOKALIKE_WORKER"


@app.on_after_configure.connect
def read_schedule(sender: Celery, **_: object) -> None:
    """Imported late: the schedule's module reads Django's settings."""
    from recommender.schedule import BEAT_SCHEDULE

    sender.conf.beat_schedule = BEAT_SCHEDULE


@worker_init.connect
def begin_worker(**_: object) -> None:
    """In the worker's main process, before it makes others. Celery runs Django's checks too, and goes on whatever they find."""
    end_unless_usable()
    os.environ[WORKER] = str(os.getpid())


@worker_process_init.connect
@beat_embedded_init.connect
def end_with_worker(**_: object) -> None:
    """In every process that a worker makes: it ends with the worker, even if the worker was killed with SIGKILL.

    Celery itself sees to that on Linux alone, and misses a worker that died while the process was starting. Photos that the
    process had leased are given to another worker, as after any other death.
    """
    end_with_parent(int(os.environ[WORKER]))


@worker_process_init.connect
def end_soon(**_: object) -> None:
    """In every process of the pool: bounds how long its end, and so that of the worker, takes."""
    import billiard.pool

    billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = WAIT_FOR_RESULTS_TO_BE_READ
