"""The lock between those who write vectors (shared) and those who change spaces (alone), and one a build of a space."""

from __future__ import annotations

from catalog.locks import Lock, hold_until_commit, release, share_until_commit, try_for_session


def share_spaces() -> None:
    """Until the transaction ends no space is fitted, activated or retired."""
    share_until_commit(Lock.SPACES)


def hold_spaces() -> None:
    """Until the transaction ends nobody writes vectors, and nobody else changes spaces."""
    hold_until_commit(Lock.SPACES)


def take_build(space_id: int) -> bool:
    """This session alone builds the space, until `leave_build` or its end; False where another does."""
    return try_for_session(Lock.SPACE_BUILD, space_id)


def leave_build(space_id: int) -> None:
    """Let other sessions build the space again."""
    release(Lock.SPACE_BUILD, space_id)
