"""What is judged is a shop of the spaces' tests."""

from tests.recommender.spaces.conftest import (
    clothing,
    clothing_encoder,
    encoder,
    forgetful_process,
    generator,
    plain_space,
)

__all__ = ["clothing", "clothing_encoder", "encoder", "forgetful_process", "generator", "plain_space"]
