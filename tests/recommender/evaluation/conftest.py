"""What is judged is a shop of the spaces' tests."""

from tests.recommender.spaces.conftest import clothing, clothing_encoder, encoder, forgetful_process, generator, shop

__all__ = ["clothing", "clothing_encoder", "encoder", "forgetful_process", "generator", "shop"]
