from __future__ import annotations

import pytest

from recommender.encoder.registry import ENCODERS, UnknownEncoder, encoder_spec


def test_every_promised_name_is_there_with_its_input_and_dimensions() -> None:
    assert {name: (spec.side, spec.dimensions, spec.precision) for name, spec in ENCODERS.items()} == {
        "efficientnet-lite0": (224, 1280, "fp32"),
        "efficientnet-lite1": (240, 1280, "fp32"),
        "efficientnet-lite2": (260, 1280, "fp32"),
        "efficientnet-lite0-int8": (224, 1280, "int8"),
        "efficientnet-lite2-int8": (260, 1280, "int8"),
        "efficientnet-b0": (224, 1280, "fp32"),
        "efficientnet-b1": (240, 1280, "fp32"),
        "efficientnet-b2": (260, 1408, "fp32"),
        "efficientnet-b3": (300, 1536, "fp32"),
        "efficientnet-b4": (380, 1792, "fp32"),
        "efficientnetv2-b0": (224, 1280, "fp32"),
        "efficientnetv2-b1": (240, 1280, "fp32"),
        "efficientnetv2-b2": (260, 1408, "fp32"),
        "efficientnetv2-b3": (300, 1536, "fp32"),
        "efficientnetv2-s": (384, 1280, "fp32"),
    }


def test_a_version_is_allowed_and_an_unknown_name_gets_the_list() -> None:
    assert encoder_spec("efficientnet-lite2-int8@3").name == "efficientnet-lite2-int8"
    with pytest.raises(UnknownEncoder, match=r"'resnet50'.*efficientnet-lite0, .*efficientnetv2-s"):
        encoder_spec("resnet50")
