"""Applies placeholders, then forgets the cached answers that may show them."""

from __future__ import annotations

from recommender.pipeline import withholding
from recommender.pipeline.withholding import Applied
from recommender.search import cache


def sweep() -> None:
    """Hash, count and apply what beat asks for, as `recommender.pipeline.withholding.sweep` says."""
    _forget(withholding.sweep())


def apply_rulings() -> None:
    """Look for the files of pictures that a person ruled on, and apply the ruling; waits for a sweep that is under way."""
    _forget(withholding.update(wait=True))


def _forget(applied: Applied | None) -> None:
    if applied is not None and (applied.withheld or applied.returned):
        cache.forget_all()
