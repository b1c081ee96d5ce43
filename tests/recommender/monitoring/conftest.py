"""The shops of the searches' tests, and a fresh process memory."""

from tests.recommender.search.conftest import forgetful_process, shop

__all__ = ["forgetful_process", "shop"]
