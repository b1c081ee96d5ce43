"""Examples of searches and their answers, for the OpenAPI schema."""

from __future__ import annotations

from catalog.api.examples import PHOTO, PRODUCT

RESULT = {
    "product": {**PRODUCT, "image": dict(PHOTO)},
    "image": 42,
    "score": 0.913402,
    "confidence": 87.5,
    "distance": 0.086598,
    "scores": {"shape": 0.921, "color": 0.874},
}
PINNED = {**RESULT, "rule": {"id": 7, "kind": "pin"}}
ANSWER = {
    "status": "ready",
    "space": "space-3",
    "exact": False,
    "fallback": None,
    "confidence_basis": "labels",
    "took_ms": 6.2,
    "query": {"product": 4, "image": 9, "color_weight": 0.18},
    "results": [PINNED],
}
BATCH_ANSWER = {
    "results": {"17": [], "sku:CL-DRES-000": [RESULT]},
    "confidence_basis": "labels",
    "unknown": [99],
    "waiting": {"17": "pending"},
}
RECOMMENDATIONS = {
    "positive": [17, "sku:CL-DRES-000"],
    "negative": [23],
    "limit": 6,
    "category": ["dresses"],
    "in_stock": True,
    "attributes": {"colour": ["red", "white"], "weight.max": 2},
}
BATCH = {"products": [17, "sku:CL-DRES-000", 99], "limit": 6, "fields": ["id", "url", "title", "image.thumbnail"]}
PHOTO_URL = {"image_url": "https://shop.example/looks/1.jpg", "crop": "0.1,0.2,0.5,0.6", "limit": 6}
