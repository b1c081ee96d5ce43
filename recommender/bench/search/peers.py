"""Other engines on the same vectors and queries, each in this process, one query at a time: recall@10 over latency."""

from __future__ import annotations

import importlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.bench.search.truth import Numbers, recall
from recommender.index.pgvector.options import Parameters

K = 10
M, EF_CONSTRUCTION = Parameters().m, Parameters().ef_construction  # as our own index
EFS = (12, 20, 40, 80, 100, 160, 320)
TREES = 50
MILVUS_MOST = 20_000  # beyond, milvus-lite's hundreds of milliseconds a query tell nothing more

Vectors = NDArray[np.float32]
Search = Callable[[Vectors], Sequence[int]]


class PeerMissing(RuntimeError):
    """A peer that is not installed, or does not take so many vectors."""


@dataclass(frozen=True)
class Built:
    """An engine that holds the vectors: `tune(value)` sets what trades recall for time, `search` finds K + 1 numbers."""

    seconds: float
    bytes: int
    knob: str
    values: Sequence[int]
    tune: Callable[[int], None]
    search: Search


def measure(
    name: str, vectors: Vectors, queries: Sequence[int], truth: Sequence[Numbers], folder: Path
) -> dict[str, Any]:
    """One row of the table and its curve. Raises PeerMissing."""
    built = PEERS[name](vectors, folder)
    points = []
    for value in (built.values[-1], *built.values):  # the first round warms up, as it does for our own
        built.tune(value)
        found, seconds = ask(built.search, vectors, queries)
        points.append({built.knob: value} | summary(seconds) | {"recall": mean_recall(found, truth)})
    return {"engine": name, "build_seconds": round(built.seconds, 2), "bytes": built.bytes, "curve": points[1:]}


def ask(search: Search, vectors: Vectors, queries: Sequence[int]) -> tuple[list[list[int]], list[float]]:
    """What is found without the query itself, and the seconds of each."""
    found, seconds = [], []
    for number in queries:
        began = time.perf_counter()
        numbers = search(vectors[number])
        seconds.append(time.perf_counter() - began)
        found.append([one for one in map(int, numbers) if one != number][:K])
    return found, seconds


def summary(seconds: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return {
        "p50_ms": round(float(p50), 3),
        "p99_ms": round(float(p99), 3),
        "per_second": round(1 / float(np.mean(seconds))),
    }


def mean_recall(found: Sequence[Sequence[int]], truth: Sequence[Numbers]) -> float:
    return round(float(np.mean([recall(list(one), true) for one, true in zip(found, truth, strict=True)])), 4)


def _hnswlib(vectors: Vectors, folder: Path) -> Built:
    hnswlib = _module("hnswlib")
    index = hnswlib.Index(space="cosine", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), M=M, ef_construction=EF_CONSTRUCTION)
    began = time.perf_counter()
    index.add_items(vectors, num_threads=os.cpu_count())
    seconds = time.perf_counter() - began
    path = folder / "index.hnsw"
    index.save_index(str(path))
    index.set_num_threads(1)
    return Built(
        seconds,
        path.stat().st_size,
        "ef",
        EFS,
        index.set_ef,
        lambda vector: list(index.knn_query(vector, k=K + 1)[0][0]),
    )


def _faiss(vectors: Vectors, folder: Path) -> Built:
    faiss = _module("faiss")
    index = faiss.IndexHNSWFlat(vectors.shape[1], M, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    faiss.omp_set_num_threads(os.cpu_count())
    began = time.perf_counter()
    index.add(vectors)
    seconds = time.perf_counter() - began
    path = folder / "index.faiss"
    faiss.write_index(index, str(path))
    size = path.stat().st_size
    path.unlink()
    faiss.omp_set_num_threads(1)

    def tune(ef: int) -> None:
        index.hnsw.efSearch = ef

    return Built(seconds, size, "ef", EFS, tune, lambda vector: list(index.search(vector[None, :], K + 1)[1][0]))


def _annoy(vectors: Vectors, folder: Path) -> Built:
    annoy = _module("annoy")
    index = annoy.AnnoyIndex(vectors.shape[1], "angular")
    index.set_seed(1)
    began = time.perf_counter()
    for number, vector in enumerate(vectors):
        index.add_item(number, vector)
    index.build(TREES, n_jobs=-1)
    seconds = time.perf_counter() - began
    path = folder / "index.annoy"
    index.save(str(path))
    size = path.stat().st_size
    nodes = [0]

    def tune(value: int) -> None:
        nodes[0] = value

    def search(vector: Vectors) -> Sequence[int]:
        found: list[int] = index.get_nns_by_vector(vector, K + 1, search_k=nodes[0])
        return found

    return Built(seconds, size, "search_k", (500, 2000, 8000, 32000), tune, search)


def _milvus(vectors: Vectors, folder: Path) -> Built:
    pymilvus, _ = _module("pymilvus"), _module("milvus_lite")
    if len(vectors) > MILVUS_MOST:
        raise PeerMissing(f"milvus-lite is asked for up to {MILVUS_MOST:,} vectors")
    place = Path(tempfile.mkdtemp(dir=folder))
    client = pymilvus.MilvusClient(str(place / "milvus.db"))
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", pymilvus.DataType.INT64, is_primary=True)
    schema.add_field("vector", pymilvus.DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    parameters = client.prepare_index_params()
    parameters.add_index(
        "vector", index_type="HNSW", metric_type="COSINE", params={"M": M, "efConstruction": EF_CONSTRUCTION}
    )
    began = time.perf_counter()
    client.create_collection("gallery", schema=schema, index_params=parameters)
    for start in range(0, len(vectors), 1000):
        rows = [{"id": start + i, "vector": one} for i, one in enumerate(vectors[start : start + 1000])]
        client.insert("gallery", rows)
    client.load_collection("gallery")
    seconds = time.perf_counter() - began
    ef = [EFS[0]]

    def tune(value: int) -> None:
        ef[0] = value

    def search(vector: Vectors) -> Sequence[int]:
        hits = client.search("gallery", [vector.tolist()], limit=K + 1, search_params={"params": {"ef": ef[0]}})
        return [hit["id"] for hit in hits[0]]

    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    return Built(seconds, size, "ef", (40, 160), tune, search)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise PeerMissing(f"{name} is not installed: pip install -r requirements/bench.txt") from error


PEERS: dict[str, Callable[[Vectors, Path], Built]] = {
    "hnswlib": _hnswlib,
    "faiss": _faiss,
    "annoy": _annoy,
    "milvus": _milvus,
}
