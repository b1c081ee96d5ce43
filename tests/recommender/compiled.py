"""Real compiled encoders for tests: compiled once, kept on disk by the hash of what they were compiled from."""

from __future__ import annotations

import fcntl
import os
import pickle
from pathlib import Path

from config.local.folder import local_folder
from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.compile import compile_file, source_key
from recommender.encoder.registry import encoder_spec
from recommender.encoder.runtimes import LiteRTEncoder
from recommender.encoder.store import CompiledEncoder
from recommender.models import Encoder


def compiled_encoder(name: str, pooling: str = "gaussian") -> CompiledEncoder:
    """The compiled file of `name` with ImageNet weights; two test runs at once compile it once."""
    spec = encoder_spec(name)
    source = source_key(spec, weights="imagenet", pooling=pooling)
    folder = local_folder() / "compiled_for_tests"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{name}-{source[:16]}.pickle"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = compile_file(spec, weights="imagenet", pooling=pooling, source=source)
            writing = Path(f"{kept}.{os.getpid()}")
            writing.write_bytes(pickle.dumps(made))
            writing.rename(kept)
    made = pickle.loads(kept.read_bytes())
    assert isinstance(made, CompiledEncoder)
    return made


def save_recipe_1(made: CompiledEncoder) -> Encoder:
    """The row of that compiled file as an installation holds it that began when recipe 1 was the only one."""
    pictures = drawn_pictures(4, side=made.spec.side, seed=1_000)
    plain = LiteRTEncoder(made.compiled, made.spec.side, made.spec.dimensions, made.pooling, recipe=1)
    return Encoder.objects.create(
        name=f"{made.spec.name}@1",
        weights=made.weights,
        source=source_key(made.spec, weights=made.weights, pooling=made.pooling, recipe=1),
        sha256=made.sha256,
        precision=made.spec.precision,
        pooling=made.pooling,
        recipe=1,
        side=made.spec.side,
        dimensions=made.spec.dimensions,
        compiled=made.compiled,
        check_pixels=pictures.tobytes(),
        check_features=plain.features_many(pictures).tobytes(),
    )
