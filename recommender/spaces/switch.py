"""Switching to another space, and retiring one that does not answer any more."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils import timezone

from recommender.index import lifecycle
from recommender.index.feed import feed
from recommender.index.registry import vector_index
from recommender.locks import hold_spaces, leave_build, take_build
from recommender.models import Space
from recommender.progress import Progress, silent
from recommender.spaces.active import CACHE_SECONDS, forget_active_space
from recommender.spaces.build import judge_and_keep
from recommender.spaces.calibrating import keep_calibration
from recommender.spaces.fill import Reconciled, reconcile
from recommender.spaces.guard import completeness, is_stale, verdict

logger = logging.getLogger(__name__)

# A process learns within CACHE_SECONDS that another space is active; searches that it began before end within the rest.
GRACE_SECONDS = CACHE_SECONDS + 1.0


class SwitchRefused(RuntimeError):
    """The space may not be activated or retired; `reasons` says why, one sentence each."""

    def __init__(self, name: str, what: str, reasons: list[str]) -> None:
        super().__init__(f"space {name} is not {what}: " + "; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Switched:
    """`before`: the space that answered until now and stays readable. `warnings` were no reason to refuse."""

    space: Space
    before: Space | None
    reconciled: Reconciled
    warnings: list[str] = field(default_factory=list)


def activate(name: str, *, force: bool = False, by_itself: bool = False, progress: Progress = silent) -> Switched:
    """Make a complete space the one that answers.

    `by_itself`: the product does so; else a person does, and no space replaces this one without being asked for.

    Judged anew first where the catalogue has changed since. Then, in one transaction and with nobody writing vectors:
    what was uploaded or deleted meanwhile is put right, the guard asked, the states changed. A person who goes back to a
    space of another encoder that answered before is warned by the guard, not refused. Raises SwitchRefused;
    `force` passes over every objection but those of a space that does not exist, was retired, or has no fit yet.
    """
    space = _named(name, "activated")
    if space.state == Space.State.ACTIVE:
        if not by_itself:
            Space.objects.filter(pk=space.pk).update(automatic=False)
        return Switched(space, space, Reconciled(0, 0))
    if space.state == Space.State.RETIRED or space.fit is None:
        why = "it was retired" if space.state == Space.State.RETIRED else "it has no projection yet"
        raise SwitchRefused(name, "activated", [why])
    if not take_build(space.pk):
        raise SwitchRefused(name, "activated", ["another process builds it: wait for that, or stop it"])
    try:
        return _activate(space, force, by_itself, progress)
    finally:
        leave_build(space.pk)


def _activate(space: Space, force: bool, by_itself: bool, progress: Progress) -> Switched:
    name, rival = space.name, _active()
    if space.state == Space.State.READY:
        reconcile(space)  # most of it, while others still write
        feed(vector_index(), space)
        if is_stale(space, rival):
            judge_and_keep(space, progress=progress)
        elif not space.calibration:  # built by a version that fitted none
            keep_calibration(space, progress=progress)
    with transaction.atomic():
        hold_spaces()
        space = Space.objects.select_for_update().get(pk=space.pk)
        active = _active()
        if space.state == Space.State.RETIRED:
            raise SwitchRefused(name, "activated", ["it was retired meanwhile"])
        if active != rival and not force:
            other = active.name if active else "none"
            raise SwitchRefused(name, "activated", [f"{other} became active while it was judged: try again"])
        reconciled = reconcile(space)
        judged = verdict(space)
        if not by_itself and _goes_back(space, active):
            objections, warnings = completeness(space, None), judged.objections + judged.warnings
        else:
            objections, warnings = completeness(space, active) + judged.objections, judged.warnings
        if objections and not force:
            raise SwitchRefused(name, "activated", objections)
        if active is not None:
            Space.objects.filter(pk=active.pk).update(state=Space.State.READY)
        space.state, space.activated_at = Space.State.ACTIVE, timezone.now()
        space.automatic = space.automatic and by_itself
        space.save(update_fields=["state", "activated_at", "automatic"])
    forget_active_space()
    for objection in objections:
        logger.warning("space %s was activated by force: %s", name, objection)
    return Switched(space, active, reconciled, objections + warnings)


def retire(name: str, *, grace_seconds: float = GRACE_SECONDS) -> Space:
    """Take a space away: its vectors go, its row and its photos' features stay. Raises SwitchRefused for the active one.

    First it is marked, so that every process that still answers from it turns to the active one; after `grace_seconds`
    its partition is detached and dropped without stopping a reader. Interrupted, it can be called again.
    """
    with transaction.atomic():
        hold_spaces()
        space = _named(name, "retired")
        if space.state == Space.State.ACTIVE:
            raise SwitchRefused(name, "retired", ["it is active: activate another first"])
        if not take_build(space.pk):
            raise SwitchRefused(name, "retired", ["it is being built: stop that first"])
        leave_build(space.pk)
        readable = space.state == Space.State.READY
        space.state = Space.State.RETIRED
        space.retired_at = space.retired_at or timezone.now()
        space.save(update_fields=["state", "retired_at"])
    if readable and not connection.in_atomic_block:
        time.sleep(grace_seconds)
    lifecycle.drop(space)
    return space


def _named(name: str, what: str) -> Space:
    space = Space.objects.filter(name=name).first()
    if space is None:
        raise SwitchRefused(name, what, ["there is no such space; `spaces list` shows them"])
    return space


def _goes_back(space: Space, active: Space | None) -> bool:
    """To an encoder that answered before: its figures are known, and photos that only the newer one can read are few."""
    return space.activated_at is not None and active is not None and active.encoder_id != space.encoder_id


def _active() -> Space | None:
    return Space.objects.filter(state=Space.State.ACTIVE).first()
