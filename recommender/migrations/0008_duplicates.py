"""Products that show the same photo, and what people decided of them: new tables."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('recommender', '0005_small_pictures'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DuplicateCluster',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('products', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('images', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('cosine', models.FloatField(null=True)),
                ('found_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name': 'probable duplicate',
                'ordering': ['-cosine', 'id'],
            },
        ),
        migrations.CreateModel(
            name='DuplicateDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('group', 'one product, several variants'), ('fine', 'the same photo is fine'), ('placeholder', 'the photo is a placeholder')], max_length=12)),
                ('products', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('images', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('group', models.CharField(blank=True, max_length=200)),
                ('before', models.JSONField(default=dict)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('decided_at', models.DateTimeField(auto_now_add=True)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'default_permissions': ('view',),
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['products'], name='decision_by_products')],
            },
        ),
    ]
