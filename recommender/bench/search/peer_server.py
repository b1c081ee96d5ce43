"""The server that cached answers are compared with: FastAPI with an hnswlib index and all products in its own memory; no database, no middleware.

Run by uvicorn as `recommender.bench.search.peer_server:app` with PEER_FOLDER naming a folder that holds `index.hnsw`,
`vectors.npy` (float16) and `products.jsonl` (one JSON object a product), and PEER_EF the candidates of a search.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import hnswlib
import numpy as np
import orjson
from fastapi import FastAPI, Response

_folder = Path(os.environ["PEER_FOLDER"])
_vectors = np.load(_folder / "vectors.npy", mmap_mode="r")
_products = (_folder / "products.jsonl").read_bytes().splitlines()
_index = hnswlib.Index(space="cosine", dim=_vectors.shape[1])
_index.load_index(str(_folder / "index.hnsw"), max_elements=len(_vectors))
_index.set_ef(int(os.environ["PEER_EF"]))
_index.set_num_threads(1)

app = FastAPI()


@app.get("/api/v1/products/{product_id}/similar/")
async def similar(product_id: int, limit: int = 12) -> Response:
    """The same answer as ours: a search is half a millisecond, so it runs in the event loop."""
    began = time.perf_counter()
    vector = np.asarray(_vectors[product_id - 1], np.float32)
    labels, distances = _index.knn_query(vector, k=limit + 1)
    results = [
        {
            "product": orjson.Fragment(_products[label]),
            "image": int(label) + 1,
            "score": round(1 - float(distance), 6),
            "distance": round(float(distance), 6),
        }
        for label, distance in zip(labels[0], distances[0], strict=True)
        if label != product_id - 1
    ][:limit]
    body = {
        "status": "ready",
        "space": "peer",
        "exact": False,
        "fallback": None,
        "took_ms": round((time.perf_counter() - began) * 1000, 3),
        "query": {"product": product_id, "image": product_id},
        "results": results,
    }
    return Response(orjson.dumps(body), media_type="application/json")
