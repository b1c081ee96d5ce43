"""Serving: the bytes of Postgres, proven before the first photo, the same from every thread and runtime."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from numpy.typing import NDArray
from pytest_django import Settings

from config.local.folder import PROJECT
from recommender.encoder import serving
from recommender.encoder.calibration import drawn_pictures
from recommender.encoder.runtimes import KerasEncoder, LiteRTEncoder
from recommender.encoder.serving import COMPILED, EncoderMismatch, cosines, encoder_for
from recommender.models import Encoder


@pytest.fixture(autouse=True)
def nothing_loaded_yet() -> Iterator[None]:
    serving.forget_encoders()
    yield
    serving.forget_encoders()


@pytest.fixture
def pictures() -> NDArray[np.uint8]:
    return drawn_pictures(6, side=224, seed=77)


def test_the_compiled_encoder_is_loaded_once_and_gives_features(
    compiled_lite0: Encoder, pictures: NDArray[np.uint8]
) -> None:
    encoder = encoder_for(compiled_lite0)
    assert isinstance(encoder, LiteRTEncoder)
    assert (encoder.side, encoder.dimensions, encoder.pooling) == (224, 1280, "gaussian")
    assert encoder.maps(pictures[0]).shape == (7, 7, 1280)
    features = encoder.features(pictures[0])
    assert features.shape == (1280 + 196,) and features.dtype == np.float32
    assert np.array_equal(encoder.features_many(pictures)[0], features)
    assert encoder_for(Encoder.objects.get()) is encoder


def test_pixels_of_another_size_or_type_are_refused(compiled_lite0: Encoder) -> None:
    encoder = encoder_for(compiled_lite0)
    with pytest.raises(ValueError, match=r"\(224, 224, 3\), not uint8 \(260, 260, 3\)"):
        encoder.features(np.zeros((260, 260, 3), np.uint8))
    with pytest.raises(ValueError, match="not float32"):
        encoder.features(np.zeros((224, 224, 3), np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["compiled_lite0", "compiled_lite2_int8"])
def test_threads_give_the_same_features_by_one_interpreter(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Interpreter] = []

    class Counted(Interpreter):  # type: ignore[misc]
        def __init__(self, **options: object) -> None:
            super().__init__(**options)
            made.append(self)

    monkeypatch.setattr("ai_edge_litert.interpreter.Interpreter", Counted)
    row: Encoder = request.getfixturevalue(name)
    pictures = drawn_pictures(12, side=row.side, seed=78)
    encoder = encoder_for(row)
    alone = encoder.features_many(pictures)
    found: dict[int, NDArray[np.float32]] = {}
    together = threading.Barrier(3)

    def run(number: int) -> None:
        together.wait()
        found[number] = encoder.features_many(pictures)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for features in found.values():
        assert np.array_equal(features, alone)
    assert len(made) == 1


@pytest.mark.keras
def test_keras_serves_the_same_vectors(
    compiled_lite0: Encoder, settings: Settings, pictures: NDArray[np.uint8]
) -> None:
    compiled = encoder_for(compiled_lite0).features_many(pictures)
    settings.ENCODER_RUNTIME = "keras"
    encoder = encoder_for(compiled_lite0)
    assert isinstance(encoder, KerasEncoder)
    many = encoder.features_many(pictures)
    assert many.shape == (6, 1280 + 196)
    assert cosines(many, compiled).min() >= 0.99999
    assert cosines(np.stack([encoder.features(picture) for picture in pictures]), many).min() >= 0.99999


def test_keras_refuses_int8_and_an_unknown_runtime_is_named(compiled_lite2_int8: Encoder, settings: Settings) -> None:
    settings.ENCODER_RUNTIME = "keras"
    with pytest.raises(ImproperlyConfigured, match=r"keras cannot serve efficientnet-lite2-int8@1.*litert"):
        encoder_for(compiled_lite2_int8)
    settings.ENCODER_RUNTIME = "onnx"
    with pytest.raises(ImproperlyConfigured, match=r"'onnx'.*litert, keras"):
        encoder_for(compiled_lite2_int8)


def test_settings_that_do_not_go_together_stop_a_command_and_not_a_query(
    compiled_lite2_int8: Encoder, settings: Settings
) -> None:
    settings.ENCODER_RUNTIME, settings.ENCODER = "keras", "efficientnet-lite2-int8"
    with pytest.raises(SystemCheckError, match=r"ENCODER_RUNTIME=keras cannot serve efficientnet-lite2-int8"):
        call_command("check")
    encoder = encoder_for(compiled_lite2_int8, runtime=COMPILED)  # as a web process asks
    assert encoder.features(np.zeros((260, 260, 3), np.uint8)).shape == (compiled_lite2_int8.row_width,)
    settings.ENCODER = "efficientnet-lite0"
    call_command("check")
    settings.ENCODER_RUNTIME = "onnx"
    with pytest.raises(SystemCheckError, match=r"'onnx'; set it to one of: litert, keras"):
        call_command("check")
    settings.ENCODER_RUNTIME, settings.ENCODER = "litert", "efficientnet-b9"
    with pytest.raises(SystemCheckError, match="efficientnet-b9"):
        call_command("check")


def tamper(row: Encoder, **changes: object) -> Encoder:
    Encoder.objects.filter(pk=row.pk).update(**changes)
    return Encoder.objects.get(pk=row.pk)


def test_int8_must_reproduce_its_check_vectors_to_the_last_bit(compiled_lite2_int8: Encoder) -> None:
    features = np.frombuffer(compiled_lite2_int8.check_features, np.float32).copy()
    assert encoder_for(compiled_lite2_int8) is not None
    serving.forget_encoders()
    at = int(np.argmax(features[:1280]))
    features[at] = np.nextafter(features[at], np.float32(0))
    with pytest.raises(EncoderMismatch, match=r"lite2-int8@1.*bit for bit: least cosine 1\.000000"):
        encoder_for(tamper(compiled_lite2_int8, check_features=features.tobytes()))


def test_fp32_must_reproduce_its_check_vectors_to_five_nines(compiled_lite0: Encoder) -> None:
    features = np.frombuffer(compiled_lite0.check_features, np.float32).reshape(-1, compiled_lite0.row_width)
    rounded = features.copy()
    rounded[:, :1280] *= (1 + 1e-4 * np.random.default_rng(0).normal(size=(len(features), 1280))).astype(np.float32)
    assert encoder_for(tamper(compiled_lite0, check_features=rounded.tobytes())) is not None
    serving.forget_encoders()
    other = features.copy()
    other[:, :1280] = np.roll(features[:, :1280], 1, axis=0)
    with pytest.raises(EncoderMismatch, match=r"does not reproduce efficientnet-lite0@1.*0\.99999 is asked for"):
        encoder_for(tamper(compiled_lite0, check_features=other.tobytes()))


def test_a_stored_file_that_is_not_the_compiled_one_is_refused(compiled_lite0: Encoder) -> None:
    compiled = bytearray(compiled_lite0.compiled)
    compiled[len(compiled) // 2] ^= 1
    with pytest.raises(EncoderMismatch, match="not the one that was compiled"):
        encoder_for(tamper(compiled_lite0, compiled=bytes(compiled)))


def test_a_refusal_is_not_remembered_as_an_encoder(compiled_lite0: Encoder) -> None:
    features = compiled_lite0.check_features
    with pytest.raises(EncoderMismatch):
        encoder_for(
            tamper(
                compiled_lite0, check_features=np.zeros(len(compiled_lite0.check_features) // 4, np.float32).tobytes()
            )
        )
    assert encoder_for(tamper(compiled_lite0, check_features=features)) is not None


class Fixed:
    side, dimensions, pooling, recipe = 8, 3, "mean", 1

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.ones((1, 1, 3), np.float32)

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.ones(3, np.float32)


def test_an_injected_encoder_answers_until_it_is_taken_back(compiled_lite0: Encoder) -> None:
    fixed = Fixed()
    with serving.injected(fixed):
        assert encoder_for(compiled_lite0) is fixed
    assert isinstance(encoder_for(compiled_lite0), LiteRTEncoder)


def test_a_forked_child_loads_its_own(compiled_lite0: Encoder) -> None:
    parents = weakref.ref(encoder_for(compiled_lite0))
    child = os.fork()
    if child == 0:
        os._exit(1 if parents() is not None else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert parents() is encoder_for(compiled_lite0)


SERVE = """
import django, sys
django.setup()
from recommender.encoder import compile, serving, store
from recommender.encoder.runtimes import LiteRTEncoder
from recommender.encoder.calibration import drawn_pictures
encoder = LiteRTEncoder(open(sys.argv[1], "rb").read(), 224, 1280, "gaussian", recipe=1)
assert encoder.features(drawn_pictures(1, side=224, seed=1)[0]).shape == (1280,)
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"tensorflow", "keras", "torch", "jax"}))
"""


def test_serving_imports_no_tensorflow(compiled_lite0: Encoder, tmp_path: object) -> None:
    file = f"{tmp_path}/lite0.tflite"
    with open(file, "wb") as writing:
        writing.write(compiled_lite0.compiled)
    done = subprocess.run([sys.executable, "-c", SERVE, file], capture_output=True, text=True, cwd=PROJECT)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
