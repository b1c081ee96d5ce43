"""Real compiled encoders for tests: compiled once, kept on disk by the hash of what they were compiled from."""

from __future__ import annotations

import fcntl
import os
import pickle
from pathlib import Path

from config.local.folder import local_folder
from recommender.encoder.compile import compile_file, source_key
from recommender.encoder.registry import encoder_spec
from recommender.encoder.store import CompiledEncoder


def compiled_encoder(name: str, pooling: str = "gaussian") -> CompiledEncoder:
    """The compiled file of `name` with ImageNet weights; two processes that want it at once compile it once."""
    spec = encoder_spec(name)
    source = source_key(spec, weights="imagenet", pooling=pooling)
    folder = local_folder() / "compiled_for_tests"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{name}-{source[:16]}.pickle"
    with open(kept.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = compile_file(spec, weights="imagenet", pooling=pooling, source=source)
            writing = Path(f"{kept}.{os.getpid()}")
            writing.write_bytes(pickle.dumps(made))
            writing.rename(kept)
    made = pickle.loads(kept.read_bytes())
    assert isinstance(made, CompiledEncoder)
    return made
