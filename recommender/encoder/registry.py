"""The encoders that can be chosen. Another one of the EfficientNet family is one entry of ENCODERS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["fp32", "int8"]
Family = Literal["lite", "applications"]


class UnknownEncoder(ValueError):
    """A name that the registry does not hold; the text lists those it does."""


@dataclass(frozen=True, kw_only=True)
class EncoderSpec:
    """One choice of the setting ENCODER.

    `architecture`: a Lite variant, or the class in keras.applications. `side`: of the square RGB input, in pixels.
    `dimensions`: channels of the last maps. The network is fed (pixel - `shift`) / `scale`. Of a Lite variant alone:
    `width` and `depth`, how many times the channels and the layers of Lite0 it has.
    """

    name: str
    family: Family
    architecture: str
    side: int
    dimensions: int
    precision: Precision = "fp32"
    shift: float = 0.0
    scale: float = 1.0
    width: float = 1.0
    depth: float = 1.0


def _lite(variant: int, side: int, width: float, depth: float, precision: Precision = "fp32") -> EncoderSpec:
    """EfficientNet-Lite is fed (x - 127) / 128: of the four normalisations in use, the one that classifies best."""
    suffix = "" if precision == "fp32" else f"-{precision}"
    return EncoderSpec(
        name=f"efficientnet-lite{variant}{suffix}",
        family="lite",
        architecture=f"lite{variant}",
        side=side,
        dimensions=1280,
        precision=precision,
        shift=127.0,
        scale=128.0,
        width=width,
        depth=depth,
    )


def _application(name: str, architecture: str, side: int, dimensions: int) -> EncoderSpec:
    """keras.applications EfficientNets rescale inside: they are fed 0 to 255."""
    return EncoderSpec(name=name, family="applications", architecture=architecture, side=side, dimensions=dimensions)


ENCODERS: dict[str, EncoderSpec] = {
    spec.name: spec
    for spec in (
        _lite(0, 224, 1.0, 1.0),
        _lite(1, 240, 1.0, 1.1),
        _lite(2, 260, 1.1, 1.2),
        _lite(0, 224, 1.0, 1.0, "int8"),
        _lite(2, 260, 1.1, 1.2, "int8"),
        _application("efficientnet-b0", "EfficientNetB0", 224, 1280),
        _application("efficientnet-b1", "EfficientNetB1", 240, 1280),
        _application("efficientnet-b2", "EfficientNetB2", 260, 1408),
        _application("efficientnet-b3", "EfficientNetB3", 300, 1536),
        _application("efficientnet-b4", "EfficientNetB4", 380, 1792),
        _application("efficientnetv2-b0", "EfficientNetV2B0", 224, 1280),
        _application("efficientnetv2-b1", "EfficientNetV2B1", 240, 1280),
        _application("efficientnetv2-b2", "EfficientNetV2B2", 260, 1408),
        _application("efficientnetv2-b3", "EfficientNetV2B3", 300, 1536),
        _application("efficientnetv2-s", "EfficientNetV2S", 384, 1280),
    )
}


def encoder_spec(name: str) -> EncoderSpec:
    """The spec of `name`, which may carry a version (`efficientnet-lite0@1`). Raises UnknownEncoder."""
    spec = ENCODERS.get(name.partition("@")[0])
    if spec is None:
        raise UnknownEncoder(f"there is no encoder {name!r}; set ENCODER to one of: {', '.join(ENCODERS)}")
    return spec
