from tests.catalog.access.policies import policy

__all__ = ["policy"]
