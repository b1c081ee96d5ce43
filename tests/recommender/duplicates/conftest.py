"""Duplicates are decided over a shop of the pipeline's tests."""

from tests.recommender.pipeline.conftest import colour_encoder, colour_space, no_vectors

__all__ = ["colour_encoder", "colour_space", "no_vectors"]
