"""Rows that many tests of one file read: written once, and taken back at the end of the file.

For files whose tests all run within the transaction that pytest-django rolls back: what a test does to the rows is undone
by it, and nobody else sees them. A test that commits (`transactional_db`) belongs in another file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from django.db import transaction
from pytest_django import DjangoDbBlocker

Made = TypeVar("Made")


def shared_rows(blocker: DjangoDbBlocker, make: Callable[[], Made]) -> Iterator[Made]:
    """The body of a fixture of the scope of a module; it yields what `make` returns after it has written its rows.

    The tests' own transactions are savepoints of the one that is opened here.
    """
    outermost = transaction.atomic()
    with blocker.unblock():
        outermost.__enter__()
        made = make()
    yield made
    with blocker.unblock():
        transaction.set_rollback(True)
        outermost.__exit__(None, None, None)
