"""The shape of `status/` for the OpenAPI schema. The answer itself is made by recommender.monitoring.status."""

from __future__ import annotations

from rest_framework import serializers

from catalog.api.shapes import identifier


class StatusImages(serializers.Serializer[None]):
    total = serializers.IntegerField()
    embedded = serializers.IntegerField(help_text="Photos with a vector in the active space.")
    pending = serializers.IntegerField()
    processing = serializers.IntegerField()
    failed = serializers.IntegerField()
    failed_by_reason = serializers.DictField(child=serializers.IntegerField())


class StatusPlaceholders(serializers.Serializer[None]):
    pictures = serializers.IntegerField(help_text="Pictures that stand for many products: neither queries nor answers.")
    products_with_nothing_else = serializers.IntegerField(help_text="Products whose photos are all placeholders.")


class StatusSpace(serializers.Serializer[None]):
    name = serializers.CharField()
    projection = serializers.CharField()
    dimensions = serializers.IntegerField()
    metric = serializers.CharField()
    index = serializers.CharField()
    activated_at = serializers.DateTimeField(allow_null=True)


class RecallPoint(serializers.Serializer[None]):
    measured_at = serializers.DateTimeField()
    recall = serializers.FloatField(allow_null=True)
    queries = serializers.IntegerField()
    worst_share = serializers.FloatField(
        allow_null=True, help_text="Share of the queries that found fewer than half of their true ten."
    )


class StatusRecall(serializers.Serializer[None]):
    latest = serializers.FloatField(allow_null=True)
    measured_at = serializers.DateTimeField(allow_null=True)
    worst_share = serializers.FloatField(
        allow_null=True,
        help_text="Share of the queries of the latest samples that found fewer than half of their true ten.",
    )
    worst_queries = serializers.IntegerField(help_text="How many queries stand behind `worst_share`.")
    series = RecallPoint(many=True)


class StatusOverdueFeed(serializers.Serializer[None]):
    id = identifier()
    since = serializers.DateTimeField(help_text="When it was last read to its end, or got its schedule.")
    read_at = serializers.DateTimeField(allow_null=True, help_text="When it was last read to its end; null: never.")


class StatusFeeds(serializers.Serializer[None]):
    scheduled = serializers.IntegerField(help_text="Feeds that run by themselves.")
    running = serializers.IntegerField(help_text="Feeds that are being read.")
    overdue = StatusOverdueFeed(
        many=True, help_text="A warning: feeds that were not read to their end for twice their period."
    )


class StatusSchema(serializers.Serializer[None]):
    images = StatusImages()
    placeholders = StatusPlaceholders()
    feeds = StatusFeeds()
    rate_per_minute = serializers.IntegerField(help_text="Photos embedded in the last minute.")
    oldest_pending_seconds = serializers.FloatField(allow_null=True)
    space = StatusSpace(allow_null=True)
    encoder = serializers.CharField(allow_null=True)
    recall = StatusRecall(help_text="recall@10 of the live index against exact search, newest first.")

    class Meta:
        ref_name = "Status"
