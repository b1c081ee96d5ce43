"""The tables of encoders, embeddings and spaces, a file for each kind."""

from recommender.models.duplicates import DuplicateCluster, DuplicateDecision
from recommender.models.encoders import Encoder
from recommender.models.jobs import EmbeddingJob
from recommender.models.pictures import PhotoHash, Placeholder, PlaceholderFile
from recommender.models.spaces import RecallSample, Space
from recommender.models.vectors import ImageFeatures, ImageVector

__all__ = [
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
    "Space",
]
