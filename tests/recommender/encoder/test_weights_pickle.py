"""Weights files are data: what they hold is read exactly, and what they would run is refused."""

from __future__ import annotations

import os
import pickle
import resource
import struct
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.encoder.lite_architecture import wheel_weights_path
from recommender.encoder.registry import encoder_spec
from recommender.encoder.weights_pickle import MAGIC_NUMBER, PROTOCOL_VERSION, WeightsFileError, read_weights


class Call:
    """Pickles as a call of `module.name(*arguments)`."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


class Named:
    """Stands for a global that is written into the pickle by name: torch is not installed here."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Stored:
    def __init__(self, key: str, count: int, kind: str = "FloatStorage") -> None:
        self.identity = ("storage", Named("torch", kind), key, "cpu", count, None)


class Writer(pickle._Pickler):
    """Writes what torch wrote before version 1.6."""

    dispatch = dict(pickle._Pickler.dispatch)

    def persistent_id(self, obj: object) -> object:
        return obj.identity if isinstance(obj, Stored) else None

    def save_named(self, obj: Named) -> None:
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())

    dispatch[Named] = save_named

    def save_tensor(self, obj: Tensor) -> None:
        self.save_named(Named("torch._utils", "_rebuild_tensor_v2"))
        self.save((obj.stored, obj.offset, obj.shape, obj.strides, False, OrderedDict()))
        self.write(pickle.REDUCE)


class Tensor:
    def __init__(self, stored: Stored, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.stored, self.offset, self.shape, self.strides = stored, offset, shape, strides


Writer.dispatch[Tensor] = Writer.save_tensor


def checkpoint(path: Path, state: object, storages: dict[str, np.ndarray], magic: object = MAGIC_NUMBER) -> Path:
    with path.open("wb") as file:
        for part in (magic, PROTOCOL_VERSION, {"little_endian": True}, state, sorted(storages)):
            Writer(file, protocol=2).dump(part)
        for key in sorted(storages):
            file.write(struct.pack("<q", storages[key].size) + storages[key].tobytes())
    return path


def test_tensors_are_read_exactly_also_views_of_one_storage(tmp_path: Path) -> None:
    numbers = np.arange(12, dtype="<f4")
    state = OrderedDict(
        whole=Tensor(Stored("a", 12), 0, (3, 4), (4, 1)),
        turned=Tensor(Stored("a", 12), 0, (4, 3), (1, 4)),
        part=Tensor(Stored("a", 12), 5, (2,), (1,)),
        count=Tensor(Stored("b", 1, "LongStorage"), 0, (), ()),
    )
    read = read_weights(checkpoint(tmp_path / "w.pth", state, {"a": numbers, "b": np.array([7], "<i8")}))
    assert list(read) == ["whole", "turned", "part", "count"]
    assert np.array_equal(read["whole"], numbers.reshape(3, 4))
    assert np.array_equal(read["turned"], numbers.reshape(3, 4).T)
    assert read["part"].tolist() == [5, 6]
    assert read["count"] == 7


@pytest.mark.parametrize("at", range(5))
def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path, at: int) -> None:
    path, proof = tmp_path / "evil.pth", tmp_path / "ran"
    parts: list[object] = [MAGIC_NUMBER, PROTOCOL_VERSION, {"little_endian": True}, OrderedDict(), []]
    parts[at] = Call(os.system, f"touch {proof}")
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in parts))
    with pytest.raises(WeightsFileError, match=r"evil\.pth.*(posix|nt)\.system"):
        read_weights(path)
    assert not proof.exists()
    pickle.loads(pickle.dumps(parts[at], 2))  # the attack itself works on an ordinary unpickler
    assert proof.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [("builtins", "eval"), ("torch", "load"), ("torch", "DoubleStorage"), ("collections", "Counter")],
)
def test_any_other_name_is_refused(tmp_path: Path, module: str, name: str) -> None:
    with pytest.raises(WeightsFileError, match=f"{module}.{name}"):
        read_weights(checkpoint(tmp_path / "w.pth", Named(module, name), {}))


@pytest.mark.parametrize(
    ("offset", "shape", "strides"), [(0, (13,), (1,)), (12, (1,), (1,)), (0, (3, 4), (5, 1)), (-1, (1,), (1,))]
)
def test_a_tensor_cannot_reach_outside_its_storage(
    tmp_path: Path, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> None:
    state = OrderedDict(w=Tensor(Stored("a", 12), offset, shape, strides))
    with pytest.raises(WeightsFileError, match="outside its storage"):
        read_weights(checkpoint(tmp_path / "w.pth", state, {"a": np.zeros(12, "<f4")}))


def test_other_files_and_cut_ones_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("not weights")
    (tmp_path / "empty.pth").touch()
    whole = wheel_weights_path(encoder_spec("efficientnet-lite0")).read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    checkpoint(tmp_path / "magic.pth", OrderedDict(), {}, magic=1)
    for name in ("text", "empty", "cut", "magic"):
        with pytest.raises(WeightsFileError, match=rf"{name}\.pth is not a readable weights file"):
            read_weights(tmp_path / f"{name}.pth")


MALFORMED = {
    "bytes of 4 GB": b"\x80\x02B\xff\xff\xff\xff.",
    "bytes of 2⁶² ": b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b".",
    "text of 2⁶²": b"\x80\x04\x8d" + (2**62).to_bytes(8, "little") + b".",
    "a frame of 2⁶²": b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b".",
    "a number of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "a memo of 2³¹ places": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "a memo of 10⁹ places": b"Np1000000000\n.",
    "a line without an end": b"I" + b"1" * 100_000,
    "an extension": b"\x80\x02\x82\x01.",
    "nothing to pop": b"0.",
    "no end": b"\x80\x02N",
}


@pytest.mark.parametrize("pickled", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("at", range(5))
def test_lengths_that_a_file_claims_are_bounded_by_its_size(tmp_path: Path, at: int, pickled: bytes) -> None:
    parts = [
        pickle.dumps(part, 2) for part in (MAGIC_NUMBER, PROTOCOL_VERSION, {"little_endian": True}, OrderedDict(), [])
    ]
    parts[at] = pickled
    (tmp_path / "made-up.pth").write_bytes(b"".join(parts))
    with limited_memory(256), pytest.raises(WeightsFileError, match=r"made-up\.pth is not a readable weights file"):
        read_weights(tmp_path / "made-up.pth")


@pytest.mark.parametrize("count", [2**60, 2**31, -1, -(2**63)])
def test_a_storage_is_no_longer_than_its_file(tmp_path: Path, count: int) -> None:
    path = tmp_path / "long.pth"
    state = OrderedDict(w=Tensor(Stored("a", count), 0, (1,), (1,)))
    checkpoint(path, state, {"a": np.zeros(1, "<f4")})
    path.write_bytes(path.read_bytes()[:-12] + struct.pack("<q", count) + b"\0" * 4)
    with limited_memory(256), pytest.raises(WeightsFileError, match=r"long\.pth is not a readable weights file"):
        read_weights(path)


@pytest.mark.parametrize(
    ("shape", "strides"),
    [
        ((10**10,), (0,)),
        ((2**40, 2**40), (0, 0)),
        ((13,), (0,)),
        (("a",), (1,)),
        ((1.5,), (1,)),
        (None, None),
        ((1,), (1, 1)),
    ],
)
def test_a_tensor_is_no_larger_than_its_storage(tmp_path: Path, shape: Any, strides: Any) -> None:
    state = OrderedDict(w=Tensor(Stored("a", 12), 0, shape, strides))
    path = checkpoint(tmp_path / "wide.pth", state, {"a": np.zeros(12, "<f4")})
    with limited_memory(256), pytest.raises(WeightsFileError, match=r"wide\.pth is not a readable weights file"):
        read_weights(path)


@given(data=st.data())
@settings(suppress_health_check=list(HealthCheck))
def test_fuzz_of_weights_files(tmp_path: Path, data: st.DataObject) -> None:
    """A file that was changed anywhere is read or refused by its name, in bounded memory."""
    state = OrderedDict(
        whole=Tensor(Stored("a", 12), 0, (3, 4), (4, 1)), count=Tensor(Stored("b", 1, "LongStorage"), 0, (), ())
    )
    path = checkpoint(tmp_path / "fuzzed.pth", state, {"a": np.arange(12, dtype="<f4"), "b": np.array([7], "<i8")})
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4), "changes")):
        at = data.draw(st.integers(0, len(whole) - 1), "at")
        whole[at : at + data.draw(st.integers(0, 3), "taken")] = data.draw(st.binary(max_size=6), "put")
        if not whole:
            break
    path.write_bytes(whole)
    with limited_memory(256):
        try:
            read = read_weights(path)
        except WeightsFileError as error:
            assert "fuzzed.pth is not a readable weights file" in str(error)
        else:
            assert sum(array.nbytes for array in read.values()) <= 100 * len(whole)


@contextmanager
def limited_memory(megabytes: int) -> Iterator[None]:
    """Inside the block this process may take so much more address space; what asks for more gets a MemoryError."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
