"""The Celery application of workers and beat; beat's schedule is in recommender.schedule."""

import os
from typing import Any

from celery import Celery, Task
from celery.signals import (
    beat_embedded_init,
    before_task_publish,
    task_postrun,
    task_prerun,
    worker_init,
    worker_process_init,
)

from config.parent import end_with_parent
from config.request_ids import current, work_for
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
# The header of a message with the id of the request that sent it.
REQUEST_ID = "request_id"


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


@before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_: object) -> None:
    """A task that is sent while a request is answered, or by a task of one, carries the request's id."""
    if request_id := current():
        headers[REQUEST_ID] = request_id


@task_prerun.connect
def take_request_id(task: Task[..., Any], **_: object) -> None:
    """The log lines of a task carry the id that came with it. What else waits may be done by it, too: see the doorbell."""
    work_for(task.request.get(REQUEST_ID) or "")


@task_postrun.connect
def drop_request_id(**_: object) -> None:
    """What the process logs between tasks belongs to none."""
    work_for("")
