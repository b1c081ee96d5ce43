"""Locks of whoever writes vectors against whoever changes spaces or placeholders, and of what one process does at a time:
building a space, fitting and switching spaces without being asked, counting placeholders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction

from catalog.locks import Lock, hold_for_session, hold_until_commit, release, share_until_commit, try_for_session


def share_spaces() -> None:
    """Until the transaction ends no space is fitted, activated or retired."""
    share_until_commit(Lock.SPACES)


def hold_spaces() -> None:
    """Until the transaction ends nobody writes vectors, and nobody else changes spaces."""
    hold_until_commit(Lock.SPACES)


def share_placeholders() -> None:
    """Until the transaction ends, `await_vector_writers` of others does not return: what this one read is still so."""
    share_until_commit(Lock.PLACEHOLDERS)


def await_vector_writers() -> None:
    """Return when every transaction has ended that began to write vectors before now.

    Whoever committed before the call that a picture is a placeholder then finds every vector that was written by one
    who did not know.
    """
    with transaction.atomic():
        hold_until_commit(Lock.PLACEHOLDERS)


@contextmanager
def counting_placeholders(*, wait: bool) -> Iterator[bool]:
    """True: within it this session alone counts placeholders and applies them; False: another one does at this moment.

    With `wait` the other one is waited for.
    """
    taken = try_for_session(Lock.PLACEHOLDERS_COUNTED)
    if not taken and wait:
        hold_for_session(Lock.PLACEHOLDERS_COUNTED)
        taken = True
    try:
        yield taken
    finally:
        if taken:
            release(Lock.PLACEHOLDERS_COUNTED)


def take_build(space_id: int) -> bool:
    """This session alone builds the space, until `leave_build` or its end; False where another does."""
    return try_for_session(Lock.SPACE_BUILD, space_id)


def leave_build(space_id: int) -> None:
    """Let other sessions build the space again."""
    release(Lock.SPACE_BUILD, space_id)


@contextmanager
def improving_alone(*, waits: Callable[[str], None] | None = None) -> Iterator[bool]:
    """True: within it this session alone fits and switches spaces by itself; False: another one does at this moment.

    With `waits` the other one is waited for, after `waits` was told so: then it is True.
    """
    taken = try_for_session(Lock.SPACES_IMPROVED)
    if not taken and waits is not None:
        waits("another process fits or switches spaces by itself: waiting for its end")
        hold_for_session(Lock.SPACES_IMPROVED)
        taken = True
    try:
        yield taken
    finally:
        if taken:
            release(Lock.SPACES_IMPROVED)
