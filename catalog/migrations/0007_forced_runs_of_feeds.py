"""Who wants a run of a feed to hide what is missing, however much that is. The new columns have defaults in Postgres."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0006_feeds_by_themselves"),
    ]

    operations = [
        migrations.AddField(
            model_name="feed",
            name="forced_by",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Who wants the next run to hide what is missing, however much that is.",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="feedrun",
            name="forced_by",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="hides however many by order of"
            ),
        ),
    ]
