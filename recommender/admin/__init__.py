"""The recommender's pages in the admin: the queue, placeholders, rules, encoders and spaces, and what it adds to a product's page."""

from recommender.admin.duplicates import DuplicateClusterAdmin
from recommender.admin.jobs import EmbeddingJobAdmin
from recommender.admin.placeholders import PlaceholderAdmin
from recommender.admin.products import RecommendingProductAdmin
from recommender.admin.rules import RuleAdmin
from recommender.admin.spaces import EncoderAdmin, SpaceAdmin

__all__ = [
    "DuplicateClusterAdmin",
    "EmbeddingJobAdmin",
    "EncoderAdmin",
    "PlaceholderAdmin",
    "RecommendingProductAdmin",
    "RuleAdmin",
    "SpaceAdmin",
]
