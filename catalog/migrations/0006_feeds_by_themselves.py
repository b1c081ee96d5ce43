"""Feeds have a source, a mapping and a schedule; each reading of one has a report.

The new columns have defaults in Postgres, so that processes of the version before go on adding feeds without them.
"""

import catalog.storage_names
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_photos_asked_again_and_further_categories"),
    ]

    operations = [
        migrations.CreateModel(
            name="FeedRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "running"),
                            ("ended", "ended"),
                            ("failed", "failed"),
                            ("stopped", "stopped by request"),
                            ("broken", "broken off: its process ended"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("whole", models.BooleanField(default=False, verbose_name="read to its end")),
                ("position", models.PositiveBigIntegerField(default=0)),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("rows", models.PositiveBigIntegerField(default=0)),
                ("created", models.PositiveBigIntegerField(default=0)),
                ("updated", models.PositiveBigIntegerField(default=0)),
                ("unchanged", models.PositiveBigIntegerField(default=0)),
                ("photos_added", models.PositiveBigIntegerField(default=0)),
                ("photos_removed", models.PositiveBigIntegerField(default=0)),
                ("hidden", models.PositiveBigIntegerField(default=0)),
                ("problem_count", models.PositiveBigIntegerField(default=0, verbose_name="problems")),
                ("problems", models.JSONField(default=list)),
                ("notices", models.JSONField(default=list)),
                ("error", models.TextField(blank=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="feed",
            name="at",
            field=models.TimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="feed",
            name="currency",
            field=models.CharField(blank=True, db_default="", default="", max_length=3),
        ),
        migrations.AddField(
            model_name="feed",
            name="due_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="next read"),
        ),
        migrations.AddField(
            model_name="feed",
            name="every",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="feed",
            name="lease",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="feed",
            name="leased_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="feed",
            name="mapping",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="feed",
            name="read_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="last read to its end"),
        ),
        migrations.AddField(
            model_name="feed",
            name="schedule",
            field=models.CharField(
                choices=[
                    ("hand", "by hand"),
                    ("minutes", "every so many minutes"),
                    ("hours", "every so many hours"),
                    ("daily", "daily at a time"),
                ],
                db_default="hand",
                default="hand",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="feed",
            name="scheduled_at",
            field=models.DateTimeField(
                editable=False, help_text="Since when it has had the schedule that it has.", null=True
            ),
        ),
        migrations.AddField(
            model_name="feed",
            name="unpublish_missing",
            field=models.BooleanField(db_default=False, default=False, verbose_name="hide what is missing"),
        ),
        migrations.AddField(
            model_name="feed",
            name="upload",
            field=models.FileField(
                blank=True,
                db_default="",
                default="",
                max_length=255,
                upload_to=catalog.storage_names.feed_name,
                verbose_name="file",
            ),
        ),
        migrations.AddField(
            model_name="feed",
            name="url",
            field=models.CharField(blank=True, db_default="", default="", max_length=2000, verbose_name="URL"),
        ),
        migrations.AddConstraint(
            model_name="feed",
            constraint=models.CheckConstraint(
                condition=models.Q(("url", ""), ("upload", ""), _connector="OR"), name="feed_of_one_source"
            ),
        ),
        migrations.AddConstraint(
            model_name="feed",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("at", None), ("every", None), ("schedule", "hand")),
                    models.Q(
                        ("at", None), ("every__gt", 0), ("every__isnull", False), ("schedule__in", ["minutes", "hours"])
                    ),
                    models.Q(("at__isnull", False), ("every", None), ("schedule", "daily")),
                    _connector="OR",
                ),
                name="feed_schedule_whole",
            ),
        ),
        migrations.AddField(
            model_name="feedrun",
            name="feed",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="history", to="catalog.feed"
            ),
        ),
        migrations.AddConstraint(
            model_name="feedrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("feed",), name="one_running_import_a_feed"
            ),
        ),
    ]
