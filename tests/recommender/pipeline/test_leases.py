"""Leases on a session that lives on: what else it does between two leases does not break the next."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from recommender.halfvec import cursor
from recommender.models import EmbeddingJob, ImageVector, Space
from recommender.pipeline import embed
from tests.catalog.factories import make_image


@pytest.mark.parametrize("savepoint", [False, True], ids=["transaction", "savepoint"])
def test_a_rollback_between_two_leases_leaves_the_next_as_good_as_the_first(
    colour_space: Space, savepoint: bool
) -> None:
    """After a rollback psycopg deallocates what the session has prepared."""
    make_image(colour="red")
    assert embed.work(seconds=30) == embed.Worked(done=1, more=False)
    session = connection.connection
    with transaction.atomic():
        if savepoint:
            with transaction.atomic():
                cursor().execute("SELECT 1", prepare=True)
                transaction.set_rollback(True)
        else:
            cursor().execute("SELECT 1", prepare=True)
            transaction.set_rollback(True)
    make_image(colour="green")
    assert embed.work(seconds=30) == embed.Worked(done=1, more=False)
    assert connection.connection is session
    assert ImageVector.objects.count() == 2
    assert set(EmbeddingJob.objects.values_list("state", "reason", "attempts")) == {("done", "", 0)}
