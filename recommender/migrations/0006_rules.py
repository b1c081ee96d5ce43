"""Rules of merchandisers."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models



def put_stock_first(apps, schema_editor):
    """On in a new shop; in one that has products it waits to be switched on, for it would change their answers."""
    apps.get_model('recommender', 'Rule').objects.create(
        kind='stock_first',
        scope='everywhere',
        enabled=not apps.get_model('catalog', 'Product').objects.exists(),
        reason='What can be bought now comes first. On in a new shop.',
        before={'enabled': False},
    )


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_versions_of_products'),
        ('recommender', '0005_small_pictures'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Rule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
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
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('before', models.JSONField(blank=True, default=dict, editable=False)),
                ('changed_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('for_category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.category')),
                ('for_product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
                ('product', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalog.product')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'pin'), _negated=True), models.Q(('place__gte', 1), ('place__lte', 100), ('product__isnull', False)), _connector='OR'), name='a_pin_has_a_place_and_a_product'), models.CheckConstraint(condition=models.Q(('factor__isnull', True), models.Q(('factor__gt', 0), ('factor__lte', 10.0)), _connector='OR'), name='factor_above_zero_and_bounded'), models.CheckConstraint(condition=models.Q(('starts_at__isnull', True), ('ends_at__isnull', True), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='a_rule_ends_after_it_starts')],
            },
        ),
        migrations.RunPython(put_stock_first, migrations.RunPython.noop),
    ]
