"""The index is tested under a shop of the search's tests."""

from tests.recommender.search.conftest import forgetful_process, shop

__all__ = ["forgetful_process", "shop"]
