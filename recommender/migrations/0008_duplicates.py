"""Products that show the same photo, what people decided of them, and the history of rules: new tables."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0012_edit_history_and_errands'),
        ('recommender', '0007_daily_samples'),
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
            name='HistoricalRule',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('kind', models.CharField(choices=[('pin', 'pin at a place'), ('hide', 'never show'), ('boost', 'boost'), ('bury', 'bury'), ('same_category', 'same category only'), ('stock_first', 'in stock first'), ('stock_only', 'in stock only')], max_length=13)),
                ('scope', models.CharField(choices=[('product', 'a product'), ('category', 'a category and those below it'), ('brand', 'a brand'), ('everywhere', 'everywhere')], default='everywhere', max_length=10, verbose_name='for')),
                ('for_brand', models.CharField(blank=True, default='', max_length=200)),
                ('target', models.CharField(blank=True, choices=[('', 'nothing in particular'), ('product', 'a product'), ('attribute', "an attribute's value"), ('brand', 'a brand'), ('price', 'a price band')], default='', max_length=9, verbose_name='which')),
                ('attribute', models.CharField(blank=True, default='', help_text='Its name, such as colour.', max_length=200)),
                ('value', models.CharField(blank=True, default='', help_text='Such as red.', max_length=500)),
                ('brand', models.CharField(blank=True, default='', max_length=200)),
                ('price_from', models.PositiveIntegerField(blank=True, help_text='Of the product that is looked at. Empty: no bound.', null=True, verbose_name='from, in % of the price')),
                ('price_to', models.PositiveIntegerField(blank=True, null=True, verbose_name='to, in % of the price')),
                ('place', models.PositiveSmallIntegerField(blank=True, help_text='1 is first.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)])),
                ('factor', models.FloatField(blank=True, help_text='Scores are multiplied by it: above 1 for a boost, between 0 and 1 for a bury.', null=True)),
                ('starts_at', models.DateTimeField(blank=True, help_text='Empty: at once.', null=True, verbose_name='from')),
                ('ends_at', models.DateTimeField(blank=True, help_text='Empty: until it is switched off.', null=True, verbose_name='until')),
                ('enabled', models.BooleanField(default=True, verbose_name='switched on')),
                ('reason', models.CharField(blank=True, default='', help_text='Why, for whoever meets it later.', max_length=500)),
                ('history_change_reason', models.TextField(null=True)),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('for_category', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='catalog.category')),
                ('for_product', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='catalog.product')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('product', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='catalog.product')),
            ],
            options={
                'verbose_name': 'historical rule',
                'verbose_name_plural': 'historical rules',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
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
