"""A partition is dropped in spite of a detach that was interrupted, of its own or of another space."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from recommender.index import partitions
from recommender.models import Encoder, Space
from tests.recommender.spaces.gallery import encoder_row


def _space(encoder: Encoder, name: str) -> Space:
    space = Space.objects.create(name=name, encoder=encoder, projection="none", dimensions=encoder.dimensions)
    partitions.create_partition(space)
    return space


def half_detached() -> list[str]:
    """The partitions, of whatever space, whose detaching was interrupted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass AND inhdetachpending",
            [partitions.PARENT],
        )
        return [name for (name,) in cursor.fetchall()]


def _interrupt_the_detaching_of(space: Space) -> None:
    """A reader holds on to the table; a detach that waits for it is cancelled."""
    name = partitions.partition_name(space)
    reader = connection.copy()
    try:
        with reader.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM recommender_imagevector")
            with connection.cursor() as ours:
                ours.execute("SET statement_timeout = '1s'")
                with pytest.raises(OperationalError, match="statement timeout"):
                    ours.execute(f"ALTER TABLE {partitions.PARENT} DETACH PARTITION {name} CONCURRENTLY")
                ours.execute("RESET statement_timeout")
            cursor.execute("ROLLBACK")
    finally:
        reader.close()
    assert half_detached() == [name]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("own", [True, False])
def test_a_detach_left_half_way_is_ended_first(own: bool) -> None:
    encoder = encoder_row()
    first, second = _space(encoder, "first"), _space(encoder, "second")
    _interrupt_the_detaching_of(first)
    for space in (first, second) if own else (second, first):
        partitions.drop_partition(space)
        assert partitions.table_bytes(space) == 0
    assert half_detached() == []
