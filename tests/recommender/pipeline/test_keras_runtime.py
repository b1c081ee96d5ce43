"""The Keras runtime in a worker: a lease in one call, the same vectors, and clear words when it cannot be had."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_django import Settings

from catalog.models import ProductImage
from recommender.encoder import serving
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.runtimes import KerasEncoder
from recommender.encoder.serving import EncoderMismatch, cosines, encoder_for
from recommender.models import EmbeddingJob, Encoder, ImageFeatures, ImageVector, Space
from recommender.pipeline import embed
from recommender.spaces.first import ensure_first_space
from tests.catalog.factories import make_image, photo_bytes
from tests.recommender.pipeline.conftest import ColourEncoder, make_encoder_row
from tests.recommender.pipeline.test_embed import answered_elsewhere, job_of


@pytest.fixture(autouse=True)
def nothing_loaded_yet() -> Iterator[None]:
    serving.forget_encoders()
    yield
    serving.forget_encoders()


class Network:
    """A function as Keras gives it, (n, 8, 8, 3) → (n, 1, 1, 4), that keeps the size of each call."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.dies_of: int | None = None

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls.append(len(pixels))
        if self.dies_of in pixels[:, 0, 0, 0]:
            raise MemoryError("the card is full")
        return np.stack([ColourEncoder().maps(picture) for picture in pixels])


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def keras_space(no_vectors: None, network: Network) -> Iterator[Space]:
    """A space whose encoder is of the Keras runtime, with a network of no weights."""
    row = make_encoder_row()
    with serving.injected(KerasEncoder(network, row.side, row.dimensions, row.pooling, row.recipe)):
        yield ensure_first_space(encoder=row)


def run() -> embed.Worked:
    return embed.work(seconds=30.0)


def test_a_lease_is_one_call_whose_vectors_are_those_of_single_photos(keras_space: Space, network: Network) -> None:
    images = [make_image(seed=number) for number in range(5)]
    copy = make_image(seed=0)
    whole = photo_bytes(9, size=(300, 200))
    broken = make_image(data=whole[: len(whole) // 2])
    assert run() == embed.Worked(done=6, more=False)
    assert network.calls == [5]
    assert (job_of(broken).state, job_of(broken).reason) == ("failed", "truncated")
    for image in [*images, copy]:
        with image.file.open("rb") as file:
            alone = ColourEncoder().features(photo_to_pixels(file, side=8, recipe=1))
        np.testing.assert_array_equal(
            np.array(ImageFeatures.objects.get(image=image).features, np.float16), alone.astype(np.float16)
        )
    assert ImageVector.objects.count() == 6
    later = make_image(seed=0)
    assert run().done == 1 and network.calls == [5]
    assert job_of(later).state == "done"


def test_all_photos_of_a_call_are_begun_at_once_and_the_guilty_one_fails_alone(
    keras_space: Space, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [make_image(colour=(shade, 100, 100)) for shade in (10, 20, 30)]
    bad = make_image(colour=(200, 100, 100))
    network.dies_of = 200
    begun: list[int] = []
    whole = Network.__call__

    def seen(self: Network, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        last = EmbeddingJob.objects.filter(state="processing").order_by("-started_at").values_list("started_at")[:1]
        begun.append(
            answered_elsewhere(lambda: EmbeddingJob.objects.filter(state="processing", started_at__in=last).count())
        )
        return whole(self, pixels)

    monkeypatch.setattr(Network, "__call__", seen)
    for _ in range(20):
        try:
            if run() == embed.Worked(done=0, more=False):
                break
        except MemoryError:
            pass
    assert begun[0] == 4
    assert network.calls[0] == 4 and set(network.calls[1:]) == {1}
    assert (job_of(bad).state, job_of(bad).reason) == ("failed", "crashed")
    assert [job_of(image).state for image in good] == ["done"] * 3


@pytest.mark.keras
def test_the_real_network_gives_the_vectors_of_the_compiled_one(
    no_vectors: None, compiled_lite0: Encoder, settings: Settings
) -> None:
    ensure_first_space(encoder=compiled_lite0)
    images = [make_image(seed=number) for number in range(4)]
    compiled = encoder_for(compiled_lite0)
    expected = np.stack([compiled.features(of_file(image)) for image in images])
    settings.ENCODER_RUNTIME = "keras"
    assert isinstance(encoder_for(compiled_lite0), KerasEncoder)
    assert run() == embed.Worked(done=4, more=False)
    stored = [np.array(ImageFeatures.objects.get(image=image).features, np.float32) for image in images]
    assert cosines(np.stack(stored), expected).min() >= 0.99999


def of_file(image: ProductImage) -> NDArray[np.uint8]:
    with image.file.open("rb") as file:
        return photo_to_pixels(file, side=224, recipe=2)


@pytest.fixture(params=["no file", "no TensorFlow", "no such network"])
def absent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Encoder, str]:
    """An encoder that Keras cannot serve here, and what must be said of it."""
    name, weights, said = "efficientnet-lite0", str(tmp_path / "own.weights.h5"), "there is no such file"
    if request.param == "no TensorFlow":
        Path(weights).write_bytes(b"weights")
        monkeypatch.setitem(sys.modules, "keras", None)
        said = "TensorFlow is not installed here"
    elif request.param == "no such network":
        name, said = "resnet", "no encoder 'resnet@1'"
    row = make_encoder_row(f"{name}@1")
    row.weights = weights
    row.save()
    return row, said


def test_a_worker_without_what_keras_needs_leaves_the_photos_and_says_why_once(
    no_vectors: None, absent: tuple[Encoder, str], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    row, said = absent
    settings.ENCODER_RUNTIME = "keras"
    ensure_first_space(encoder=row)
    image = make_image()
    for _ in range(2):
        assert run() == embed.Worked(done=0, more=False)
    assert (job_of(image).state, job_of(image).attempts, job_of(image).lease) == ("pending", 0, None)
    lines = [record.getMessage() for record in caplog.records if "left to other workers" in record.getMessage()]
    assert len(lines) == 1 and said in lines[0] and "ENCODER_RUNTIME=litert" in lines[0]
    with pytest.raises(EncoderMismatch, match=said):
        encoder_for(row)
