"""What scores mean, hashes of pictures, placeholders, and the worst share of a recall sample."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recommender', '0003_parts_and_recipes'),
    ]

    operations = [
        migrations.CreateModel(
            name='PhotoHash',
            fields=[
                ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('hashes', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='64 bits each: whole, mirrored, its middle, and that mirrored.', size=4)),
            ],
        ),
        migrations.CreateModel(
            name='Placeholder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(help_text='Of the file that represents it.', max_length=64, unique=True)),
                ('groups', models.PositiveIntegerField(default=0, help_text='Variant groups that show it, when last counted.')),
                ('found', models.BooleanField(default=False, help_text='On more variant groups than PLACEHOLDER_ABOVE_GROUPS.')),
                ('ruling', models.CharField(blank=True, choices=[('', 'as found'), ('placeholder', 'Placeholder'), ('photo', 'a photo like any other')], default='', max_length=12)),
                ('is_placeholder', models.GeneratedField(db_persist=True, expression=models.Case(models.When(ruling='placeholder', then=models.Value(True)), models.When(ruling='photo', then=models.Value(False)), default=models.F('found')), output_field=models.BooleanField())),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('counted_at', models.DateTimeField(blank=True, help_text='Empty: its files and groups were not looked for yet.', null=True)),
            ],
        ),
        migrations.AddField(
            model_name='recallsample',
            name='worst_share',
            field=models.FloatField(help_text='Share of the queries that found fewer than half of their true ten; empty as `recall` is.', null=True),
        ),
        migrations.AddField(
            model_name='space',
            name='calibration',
            field=models.JSONField(default=dict, help_text='What a score means in per cent: recommender.records.calibration. Empty: not fitted yet.'),
        ),
        migrations.CreateModel(
            name='PlaceholderFile',
            fields=[
                ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('placeholder', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='recommender.placeholder')),
                ('withheld', models.BooleanField(default=False, help_text='The vectors of its photos were removed, to be made again if it is no placeholder.')),
            ],
        ),
    ]
