"""Prices are compared within one currency, so the index that finds them begins with it. Built beside running writers."""

import django.contrib.postgres.operations
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("catalog", "0001_initial"),
    ]

    operations = [
        django.contrib.postgres.operations.AddIndexConcurrently(
            model_name="product",
            index=models.Index(
                fields=["currency", "price"], include=("id", "group", "published"), name="product_by_currency_price"
            ),
        ),
        django.contrib.postgres.operations.RemoveIndexConcurrently(model_name="product", name="product_by_price"),
    ]
