"""What an encoder saw in a photo, and where that lies in a space."""

from __future__ import annotations

from django.db import models
from pgvector.django import HalfVectorField

from catalog.models import Product, ProductImage
from recommender.models.encoders import Encoder
from recommender.models.spaces import Space


class ImageFeatures(models.Model):
    """The features of a photo by an encoder: costly to compute, so kept; not indexed. `digest`: of the file they are of.

    A row is the network's part (`Encoder.dimensions`), then the colour histogram (`Encoder.colour_bins`, 0 in recipe 1).
    """

    image = models.ForeignKey(ProductImage, on_delete=models.CASCADE, related_name="features")
    encoder = models.ForeignKey(Encoder, on_delete=models.CASCADE, related_name="features")
    digest = models.CharField(max_length=64, db_index=True)
    features = HalfVectorField()

    class Meta:
        verbose_name_plural = "image features"
        constraints = [models.UniqueConstraint(fields=["image", "encoder"], name="one_features_an_image_and_encoder")]

    def __str__(self) -> str:
        return f"features of image {self.image_id}"


class ImageVector(models.Model):
    """The vector of a photo in a space: cheap to derive, indexed, in one LIST partition a space.

    Read and written by SQL in recommender.index; rows are inserted and deleted, never updated.
    """

    pk = models.CompositePrimaryKey("image_id", "space_id")
    image = models.ForeignKey(ProductImage, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    space = models.ForeignKey(Space, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    vector = HalfVectorField()

    class Meta:
        managed = False  # partitioned: the migration creates it by SQL
        db_table = "recommender_imagevector"

    def __str__(self) -> str:
        return f"vector of image {self.image_id} in space {self.space_id}"
