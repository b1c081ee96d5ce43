"""Migrations of the recommender on the rows of a shop: what they leave of them, forwards and backwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.exceptions import IrreversibleError

from recommender.merchandising.rules import editing
from recommender.models import Encoder, Rule, Space
from tests.catalog.factories import make_product
from tests.recommender.spaces.gallery import encoder_row


@pytest.fixture
def migrated(transactional_db: None) -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


def test_a_later_recipe_is_forgotten_when_nothing_answers_from_it(migrated: None) -> None:
    first = encoder_row()
    second = Encoder.objects.get(pk=first.pk)
    second.pk, second.name, second.recipe, second.colour_bins = None, "drawn@2", 2, 196
    second.save(force_insert=True)
    kept = Space.objects.create(name="old", encoder=first, projection="none", dimensions=4, state="active")
    later = Space.objects.create(
        name="new", encoder=second, projection="pca", dimensions=4, colour_dimensions=1, state="ready"
    )
    with pytest.raises(
        IrreversibleError, match="cannot answer from new: `spaces activate` a space of an encoder of recipe 1"
    ):
        call_command("migrate", "recommender", "0002", verbosity=0)
    assert Space.objects.count() == 2
    Space.objects.filter(pk=later.pk).update(state="retired")
    call_command("migrate", "recommender", "0002", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM recommender_space")
        assert cursor.fetchall() == [(kept.pk,)]
        cursor.execute("SELECT id FROM recommender_encoder")
        assert cursor.fetchall() == [(first.pk,)]


@pytest.mark.parametrize("has_products", [False, True])
def test_in_stock_first_is_on_in_a_new_shop_and_off_in_an_upgraded_one(migrated: None, has_products: bool) -> None:
    if has_products:
        make_product()
    call_command("migrate", "recommender", "0005", verbosity=0)
    call_command("migrate", "recommender", "0006", verbosity=0)
    (rule,) = Rule.objects.all()
    assert (rule.kind, rule.scope, rule.enabled) == ("stock_first", "everywhere", not has_products)
    assert editing.undo(rule.pk, by=None).enabled is False
