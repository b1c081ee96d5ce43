"""An empty shop: its encoder, compiled at most once a machine, its first space, and somebody who may upload."""

from __future__ import annotations

from django.contrib.auth.models import User

from recommender.encoder.store import save_encoder
from recommender.spaces.first import ensure_first_space
from tests.chaos.signing_in import PASSWORD, USER
from tests.recommender.compiled import compiled_encoder

ENCODER = "efficientnet-lite0"


def open_shop() -> None:
    ensure_first_space(encoder=save_encoder(compiled_encoder(ENCODER)))
    User.objects.create_superuser(USER, password=PASSWORD)
