"""Compiled encoders in Postgres: one row a file, found again by name, weights and pooling."""

from __future__ import annotations

import dataclasses
import threading

import pytest
from django.db import connection
from pytest_django import Settings

from recommender.encoder.store import CompiledEncoder, EncoderNotCompiled, current_encoder, find_encoder, save_encoder
from recommender.models import Encoder


def changed(made: CompiledEncoder, **fields: object) -> CompiledEncoder:
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


def test_the_current_encoder_is_the_newest_of_the_settings(
    db: None, lite0_file: CompiledEncoder, settings: Settings
) -> None:
    settings.ENCODER = "efficientnet-lite0"
    with pytest.raises(
        EncoderNotCompiled, match=r"efficientnet-lite0 \(imagenet weights, gaussian pooling\).*compile_enc"
    ):
        current_encoder()
    first = save_encoder(lite0_file)
    second = save_encoder(changed(lite0_file, compiled=b"another", source="b"))
    other = save_encoder(changed(lite0_file, compiled=b"weights", source="c", weights="/w/own.weights.h5"))
    assert [first.name, second.name, other.name] == [f"efficientnet-lite0@{number}" for number in (1, 2, 3)]
    assert current_encoder() == second
    assert find_encoder("efficientnet-lite0@1") == first
    settings.ENCODER_WEIGHTS = "/w/own.weights.h5"
    assert current_encoder() == other
    assert current_encoder().get_deferred_fields() == {
        "compiled",
        "basis",
        "check_pixels",
        "check_photos",
        "check_features",
    }
    settings.ENCODER_POOLING = "mean"
    with pytest.raises(EncoderNotCompiled, match="mean pooling"):
        current_encoder()


def test_int8_and_fp32_of_one_network_are_apart(db: None, lite0_file: CompiledEncoder) -> None:
    int8 = dataclasses.replace(lite0_file.spec, name="efficientnet-lite0-int8", precision="int8")
    save_encoder(lite0_file)
    row = save_encoder(changed(lite0_file, spec=int8, compiled=b"int8", source="i"))
    assert (row.name, row.precision) == ("efficientnet-lite0-int8@1", "int8")


def test_the_same_file_is_one_row_and_another_pooling_another_of_the_same_version(
    db: None, lite0_file: CompiledEncoder
) -> None:
    row = save_encoder(lite0_file)
    assert save_encoder(lite0_file) == row
    again = save_encoder(changed(lite0_file, source="compiled by a newer converter to the same bytes"))
    assert again == row and Encoder.objects.get().source.startswith("compiled by")
    without = changed(lite0_file, compiled=b"of a file without its classifier", source="w", basis=None)
    assert save_encoder(without).basis is None
    assert lite0_file.basis is not None
    found = save_encoder(changed(without, source="of the whole weights", basis=lite0_file.basis))
    assert save_encoder(changed(without, source="again")) == found
    assert bytes(Encoder.objects.get(pk=found.pk).basis or b"") == lite0_file.basis.tobytes()
    found.delete()
    mean = save_encoder(changed(lite0_file, pooling="mean", source="m"))
    assert mean != row and mean.name == row.name and mean.sha256 == row.sha256


@pytest.mark.django_db(transaction=True)
def test_two_machines_that_compile_at_once_store_one_row(lite0_file: CompiledEncoder) -> None:
    rows: list[int] = []
    together = threading.Barrier(2)

    def store(compiled: bytes) -> None:
        together.wait()
        rows.append(save_encoder(changed(lite0_file, compiled=compiled)).pk)
        connection.close()

    threads = [threading.Thread(target=store, args=(compiled,)) for compiled in (b"one machine's", b"another's")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows == [Encoder.objects.get().pk] * 2
