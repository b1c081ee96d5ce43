"""The catalogue's Celery tasks. Each calls one function, which is imported when the task runs."""

from __future__ import annotations

from celery import shared_task

from catalog.stopping import asked_to_stop


@shared_task(ignore_result=True, acks_late=False)
def turn_sales() -> None:
    """Begin and end the sales that are due."""
    from catalog import sales

    sales.turn()


@shared_task(ignore_result=True, acks_late=False)
def hide_expired() -> None:
    """Hide the products whose time is over."""
    from catalog import expiry

    expiry.hide_expired()


@shared_task(ignore_result=True, acks_late=False)
def ask_for_new_photos() -> None:
    """Ask the servers of photos that an import named whether there is a new photo behind the old URL."""
    from catalog.photos import asking

    asking.ask_again()


@shared_task(ignore_result=True, acks_late=False)
def run_feeds() -> None:
    """Read the feeds that are due, one after the other."""
    from catalog.feeds import runs

    while not asked_to_stop() and runs.run_next(stop=asked_to_stop):
        pass


@shared_task(ignore_result=True, acks_late=False)
def run_errands() -> None:
    """Do the long work that people asked for on pages, one piece after the other."""
    from catalog.errands import running

    while not asked_to_stop() and running.run_next(stop=asked_to_stop):
        pass
