"""The tables of encoders, embeddings, spaces, rules and samples, a file for each kind."""

from recommender.models.duplicates import DuplicateCluster, DuplicateDecision
from recommender.models.encoders import Encoder
from recommender.models.jobs import EmbeddingJob
from recommender.models.pictures import PhotoHash, Placeholder, PlaceholderFile
from recommender.models.rules import Rule
from recommender.models.samples import DailySample
from recommender.models.spaces import RecallSample, Space
from recommender.models.vectors import ImageFeatures, ImageVector

__all__ = [
    "DailySample",
    "DuplicateCluster",
    "DuplicateDecision",
    "EmbeddingJob",
    "Encoder",
    "ImageFeatures",
    "ImageVector",
    "PhotoHash",
    "Placeholder",
    "PlaceholderFile",
    "RecallSample",
    "Rule",
    "Space",
]
