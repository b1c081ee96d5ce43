"""Random numbers, the same in every run."""

from tests.recommender.spaces.conftest import generator

__all__ = ["generator"]
