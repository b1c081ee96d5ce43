"""Reads weights from PyTorch's old, non-zip checkpoint files with numpy alone: the file is data, never code.

Layout (torch/serialization.py, `_legacy_load`): four pickles (magic number, protocol version, system information, the
state dict), a pickled list of storage keys, then for each key an int64 element count and the raw little-endian
elements. Tensors are pickled as calls of a rebuild function on a persistent id that names their storage; the few
names that such a file needs are mapped to functions of this module and any other name is refused.

What a file says of its lengths is not believed either: nothing is read, and no array made, that is larger than the file.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import pickletools
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
_MEMO_PLACES = {"PUT", "BINPUT", "LONG_BINPUT"}
_LONGEST_LINE = 1 << 20  # a name or a number that a pickle writes as a line
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
# What pickle, numpy and the shapes of a file that was cut, changed or made up are seen to raise.
_MALFORMED = (
    *(pickle.UnpicklingError, ValueError, TypeError, KeyError, AttributeError, IndexError),
    *(EOFError, OverflowError, RecursionError),
)


class WeightsFileError(ValueError):
    """A weights file that is not what it should be; the text names the file and what was found."""


@dataclass
class _Storage:
    """The elements of one storage, filled in when the reader reaches them."""

    dtype: np.dtype[Any]
    count: int
    elements: NDArray[Any] | None = None


@dataclass(frozen=True)
class _Tensor:
    """A strided view of a storage; offset, shape and strides in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> NDArray[Any]:
        elements = self.storage.elements
        if elements is None:
            raise ValueError("a tensor names a storage that the file does not hold")
        reach = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.shape, *self.strides), default=0) < 0 or reach >= elements.size:
            raise ValueError("a tensor reaches outside its storage")
        if math.prod(self.shape) > elements.size:
            raise ValueError("a tensor holds more elements than its storage")
        size = elements.itemsize
        strides = tuple(stride * size for stride in self.strides)
        return np.lib.stride_tricks.as_strided(elements[self.offset :], self.shape, strides).copy()


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


class _Bounded:
    """A file of which no more is asked than it still holds: a pickle may claim texts of any length."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, position: int) -> None:
        self._file.seek(position)

    def read(self, count: int) -> bytes:
        """`count` bytes, or what is left. Raises ValueError for a negative number."""
        if count < 0:
            raise ValueError(f"a length of {count}")
        return self._file.read(min(count, self._size - self._file.tell()))

    def readline(self) -> bytes:
        return self._file.readline(_LONGEST_LINE)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: _Bounded) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which no weights file needs")

    def persistent_load(self, identity: Any) -> _Storage:
        kind, dtype, key, _device, count, *view = identity
        if kind != "storage" or any(part is not None for part in view):
            raise pickle.UnpicklingError("it holds something other than whole storages")
        if not (isinstance(key, str) and isinstance(count, int) and dtype in _DTYPES.values()):
            raise pickle.UnpicklingError("it names a storage that is none")
        return self.storages.setdefault(key, _Storage(dtype, count))


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a legacy checkpoint by name, in the file's order.

    Raises WeightsFileError when the file is no such checkpoint, is cut short, or names anything but tensors.
    """
    try:
        with path.open("rb") as file:
            return _read(_Bounded(file))
    except _MALFORMED as error:
        raise WeightsFileError(f"{path.name} is not a readable weights file: {error}") from error


def _load(file: _Bounded, unpickler: _Unpickler | None = None) -> Any:
    """The object of the next pickle; its operations are looked at before any is carried out.

    Raises ValueError for a place in the memo beyond the number of operations: the memo is as long as its largest place.
    """
    begin = file.tell()
    largest = operations = 0
    for operation, argument, _ in pickletools.genops(file):  # type: ignore[arg-type]
        operations += 1
        if operation.name in _MEMO_PLACES:
            largest = max(largest, int(argument or 0))
    if largest > operations:
        raise ValueError(f"it keeps an object in place {largest} of {operations}")
    file.seek(begin)
    return (unpickler or _Unpickler(file)).load()


def _read(file: _Bounded) -> dict[str, NDArray[Any]]:
    if _load(file) != MAGIC_NUMBER or _load(file) != PROTOCOL_VERSION:
        raise ValueError("it does not begin as a legacy checkpoint does")
    if not _load(file).get("little_endian"):
        raise ValueError("it was written on a big-endian machine")
    unpickler = _Unpickler(file)
    state = _load(file, unpickler)
    for key in _load(file):
        storage = unpickler.storages[key]
        (count,) = np.frombuffer(file.read(8), "<i8")
        if count != storage.count:
            raise ValueError(f"storage {key} holds {count} elements instead of {storage.count}")
        storage.elements = np.frombuffer(file.read(int(count) * storage.dtype.itemsize), storage.dtype)
        if storage.elements.size != count:
            raise ValueError(f"it is cut short in storage {key}")
    return {name: tensor.array() for name, tensor in state.items()}
