"""Which metrics and indexes pgvector has together, and the parameters that each index takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from recommender.index.base import UnknownCombination
from recommender.models import Space

# pgvector 0.8: ivfflat has no l1 operator class; sign bits keep angles only, so they serve cosine and inner product.
OPCLASSES: dict[tuple[str, str], str] = {
    ("hnsw", "cosine"): "halfvec_cosine_ops",
    ("hnsw", "l2"): "halfvec_l2_ops",
    ("hnsw", "ip"): "halfvec_ip_ops",
    ("hnsw", "l1"): "halfvec_l1_ops",
    ("ivfflat", "cosine"): "halfvec_cosine_ops",
    ("ivfflat", "l2"): "halfvec_l2_ops",
    ("ivfflat", "ip"): "halfvec_ip_ops",
    ("binary", "cosine"): "bit_hamming_ops",
    ("binary", "ip"): "bit_hamming_ops",
}

MAX_DIMENSIONS = 4000  # what pgvector indexes of a halfvec
# What pgvector takes.
MOST_EF_SEARCH, MOST_SCAN_TUPLES, MOST_PROBES = 1000, 2**31 - 1, 32768


@dataclass(frozen=True)
class Parameters:
    """What an index is built and searched with.

    `m`, `ef_construction`: the HNSW graph. `ef_search`: its candidates a query. `max_scan_tuples`: where an iterative
    scan gives up at the latest (a page that is short then is answered exactly). `lists`, `probes`: ivfflat; 0 means chosen
    from the number of rows when the index is built. `oversample`: candidates by Hamming distance for each one wanted (binary).

    Defaults: `m` is pgvector's, for 20 takes 910 bytes a photo of 256 dimensions, where 16 takes 832. `ef_construction` is four
    times pgvector's: of 20,000 queries among 100,000 derived vectors .135 % found fewer than half of their true ten at 64,
    .050 % at 128, .025 % at 256, all at ef_search 80 in the same time, for an index that takes twice as long to build. Asking
    with 160 instead of 80 brings .135 to .080 only: what a graph does not lead to is not found by looking longer.
    """

    m: int = 16
    ef_construction: int = 256
    ef_search: int = 80
    max_scan_tuples: int = 100_000
    lists: int = 0
    probes: int = 0
    oversample: int = 20


_RANGES: dict[str, tuple[int, int]] = {
    "m": (2, 100),
    "ef_construction": (4, 1000),
    "ef_search": (1, MOST_EF_SEARCH),
    "max_scan_tuples": (1, MOST_SCAN_TUPLES),
    "lists": (0, 32768),
    "probes": (0, MOST_PROBES),
    "oversample": (1, 1000),
}
_TAKES = {
    "hnsw": ("m", "ef_construction", "ef_search", "max_scan_tuples"),
    "ivfflat": ("lists", "probes"),
    "binary": ("m", "ef_construction", "ef_search", "max_scan_tuples", "oversample"),
}


def combinations() -> str:
    """The combinations that exist, in words: `hnsw with cosine, l2, ip, l1; …`."""
    indexes = dict.fromkeys(index for index, _ in OPCLASSES)
    return "; ".join(
        f"{name} with {', '.join(metric for index, metric in OPCLASSES if index == name)}" for name in indexes
    )


def check(*, metric: str, index: str, dimensions: int, parameters: Mapping[str, object] | None = None) -> Parameters:
    """The full parameters of a space; raises UnknownCombination naming what is wrong and what exists."""
    if (index, metric) not in OPCLASSES:
        raise UnknownCombination(f"index {index!r} does not serve metric {metric!r}; there are: {combinations()}")
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise UnknownCombination(f"{dimensions} dimensions: an index takes 1 to {MAX_DIMENSIONS}")
    given = dict(parameters or {})
    for name, value in given.items():
        if name not in _TAKES[index]:
            raise UnknownCombination(f"index {index!r} has no parameter {name!r}; it takes {', '.join(_TAKES[index])}")
        low, high = _RANGES[name]
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise UnknownCombination(f"{name}={value!r}: a whole number from {low} to {high} is needed")
    chosen = {field.name: given.get(field.name, field.default) for field in fields(Parameters)}
    result = Parameters(**chosen)  # type: ignore[arg-type]
    if index != "ivfflat" and result.ef_construction < 2 * result.m:
        raise UnknownCombination(f"ef_construction={result.ef_construction} must be at least 2 × m ({2 * result.m})")
    return result


def space_parameters(space: Space) -> Parameters:
    """The full parameters of a space as its row has them. Raises UnknownCombination."""
    return check(metric=space.metric, index=space.index, dimensions=space.dimensions, parameters=space.parameters)
