"""When a process that answers from one space goes over to another, which was activated elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from recommender.encoder import serving
from recommender.models import Encoder, Space
from recommender.spaces import active as spaces
from recommender.spaces.active import active_space, forget_active_space
from recommender.spaces.build import build_space
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import retire
from tests.recommender.spaces.gallery import encoder_row
from tests.waiting import wait_until


@pytest.fixture
def no_cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(spaces, "CACHE_SECONDS", 0.0)
    yield
    forget_active_space()


def activated_elsewhere(before: Space, after: Space) -> None:
    """As another process does it, so that this one has not forgotten which space it answers from."""
    Space.objects.filter(pk=before.pk).update(state=Space.State.READY)
    Space.objects.filter(pk=after.pk).update(state=Space.State.ACTIVE, activated_at=timezone.now())


def test_a_process_keeps_its_space_until_the_next_encoder_is_loaded(
    transactional_db: None, no_cache: None, caplog: pytest.LogCaptureFixture
) -> None:
    """An encoder that cannot be loaded is never adopted while the old space is readable; after that nothing else is left."""
    from recommender.spaces.first import ensure_first_space

    old = ensure_first_space(encoder=encoder_row())
    assert active_space() == old
    new = build_space(SpaceOptions(encoder=encoder_row("broken@1")), name="new")
    activated_elsewhere(old, new)
    for _ in range(3):
        assert active_space() == old
    wait_until(lambda: "its encoder does not load" in caplog.text, seconds=20)
    assert active_space() == old
    retire(old.name, grace_seconds=0)
    assert active_space() == new


def test_a_process_adopts_a_space_whose_encoder_loads(
    transactional_db: None,
    no_cache: None,
    compiled_lite0: Encoder,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    from recommender.spaces.first import ensure_first_space

    old = ensure_first_space(encoder=encoder_row())
    new = build_space(SpaceOptions(encoder=compiled_lite0), name="new")
    serving.forget_encoders()
    assert active_space() == old
    activated_elsewhere(old, new)
    assert active_space() == old
    wait_until(lambda: active_space() == new, seconds=20)
    with django_assert_num_queries(0):
        serving.encoder_for(compiled_lite0, runtime=serving.COMPILED)


def test_the_same_encoder_needs_no_wait(plain_space: Space, no_cache: None) -> None:
    space = build_space(SpaceOptions(encoder=plain_space.encoder, projection="pca", dimensions=16))
    assert active_space() == plain_space
    activated_elsewhere(plain_space, space)
    assert active_space() == space
