"""What a person asks of spaces on the admin's pages, done by a worker: built, judged, activated, retired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catalog.errands.registry import ErrandFailed, Progress
from catalog.models import Errand
from recommender.index.base import EngineAway
from recommender.models import Space
from recommender.spaces.build import BuildInProgress, build_space, continue_build, judge_and_keep
from recommender.spaces.errand_kinds import options_from
from recommender.spaces.options import resumable
from recommender.spaces.switch import SwitchRefused, activate, retire

_REFUSALS = (ValueError, BuildInProgress, EngineAway)


def build(errand: Errand, progress: Progress) -> dict[str, Any]:
    """Does the errand: a new space of its options, or the interrupted one that it is about. Raises ErrandFailed."""

    def work() -> dict[str, Any]:
        if errand.options.get("resume"):
            space = continue_build(resumable(errand.about), progress=progress)
        else:
            space = build_space(options_from(errand.options), name=errand.about or None, progress=progress)
        return {"space": space.name}

    return _or_refused(work)


def judge(errand: Errand, progress: Progress) -> dict[str, Any]:
    """Does the errand: the space is judged anew. Raises ErrandFailed."""
    complete = Space.objects.exclude(state__in=[Space.State.BUILDING, Space.State.RETIRED])
    space = complete.filter(name=errand.about).first()
    if space is None:
        raise ErrandFailed(f"there is no complete space {errand.about} any more")
    judge_and_keep(space, progress=progress)
    return {}


def switch(errand: Errand, progress: Progress) -> dict[str, Any]:
    """Does the errand: the space answers from now on, or the guard says why not. Raises ErrandFailed."""

    def work() -> dict[str, Any]:
        switched = activate(errand.about, force=bool(errand.options.get("force")), progress=progress)
        return {"before": switched.before.name if switched.before else "", "warnings": switched.warnings}

    return _or_refused(work)


def take_away(errand: Errand, progress: Progress) -> dict[str, Any]:
    """Does the errand: the space is retired. Raises ErrandFailed."""
    progress("waiting for searches that go on", 0, 0)

    def work() -> dict[str, Any]:
        retire(errand.about)
        return {}

    return _or_refused(work)


def _or_refused(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return work()
    except SwitchRefused as error:
        raise ErrandFailed("; ".join(error.reasons)) from error
    except _REFUSALS as error:
        raise ErrandFailed(str(error)) from error
