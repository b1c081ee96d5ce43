"""Django checks, run before a command, a worker or the web server begins: settings that contradict each other."""

from __future__ import annotations

from typing import Any

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from recommender.encoder.registry import UnknownEncoder, encoder_spec
from recommender.encoder.serving import RUNTIMES, WHY_NOT_INT8
from recommender.index.registry import ENGINES, unknown_engine


@register()
def runtime_goes_with_encoder(**_: Any) -> list[CheckMessage]:
    """ENCODER_RUNTIME exists and can serve ENCODER. Else workers would start, and embed nothing."""
    runtime = settings.ENCODER_RUNTIME
    if runtime not in RUNTIMES:
        return [
            Error(f"ENCODER_RUNTIME is {runtime!r}; set it to one of: {', '.join(RUNTIMES)}", id="recommender.E001")
        ]
    try:
        spec = encoder_spec(settings.ENCODER)
    except UnknownEncoder as error:
        return [Error(str(error), id="recommender.E002")]
    if runtime == "keras" and spec.precision == "int8":
        return [Error(f"ENCODER_RUNTIME=keras cannot serve {settings.ENCODER}: {WHY_NOT_INT8}", id="recommender.E003")]
    return []


@register()
def engine_exists(**_: Any) -> list[CheckMessage]:
    """VECTOR_ENGINE is one of the engines that there are."""
    if settings.VECTOR_ENGINE in ENGINES:
        return []
    return [Error(unknown_engine(settings.VECTOR_ENGINE), id="recommender.E004")]


@register()
def redis_can_be_addressed(**_: Any) -> list[CheckMessage]:
    """REDIS_URL can be read; whether a Redis answers there is no matter, for much goes on without."""
    try:
        redis.ConnectionPool.from_url(settings.REDIS_URL)  # connects to nothing
    except ValueError as error:
        return [
            Error(f"REDIS_URL cannot be read ({error}); write it like redis://127.0.0.1:6379/0", id="recommender.E005")
        ]
    return []


@register()
def placeholders_are_on_several_groups(**_: Any) -> list[CheckMessage]:
    """PLACEHOLDER_ABOVE_GROUPS is 1 or more. With 0 every picture would be a placeholder, and nothing an answer."""
    if settings.PLACEHOLDER_ABOVE_GROUPS >= 1:
        return []
    return [
        Error(
            f"PLACEHOLDER_ABOVE_GROUPS is {settings.PLACEHOLDER_ABOVE_GROUPS}, so that every picture would be a placeholder;"
            " set it to 1 or more",
            id="recommender.E006",
        )
    ]
