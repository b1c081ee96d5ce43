"""A shop's own program: writes products and photos by the API, each call again until it is accepted.

What was accepted is in the shop afterwards, once: a call whose answer was lost may have been done, and is done once all the same.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError

from tests.chaos.pictures import photo
from tests.chaos.signing_in import Session
from tests.multipart import multipart

API = "/api/v1/products/"
# Of one product: made, given a photo, a price, and an attribute. What changed nothing the second time is not in the history.
ENTRIES = 4


class ApiWriter(threading.Thread):
    """Writes products `numbers` with a photo each, and an extra one without; `left` empties as their calls are accepted."""

    def __init__(self, address: str, numbers: Iterable[int]) -> None:
        super().__init__(daemon=True)
        self.left = list(numbers)
        self.accepted = 0
        self.repeated = 0
        self._address = address
        self._session: Session | None = None

    def run(self) -> None:
        while self.left:
            for method, path, body, content_type in _calls(self.left[0]):
                self._until_accepted(method, path, body, content_type)
            self.left.pop(0)

    def _until_accepted(self, method: str, path: str, body: bytes, content_type: str) -> None:
        lost = False  # an attempt whose answer never came, and which may have been done
        while True:
            try:
                self._session = self._session or Session(self._address)
                text = self._session.send(method, API + path, body, content_type)
                self._check_batch(path, text)
                self.accepted += 1
                return
            except HTTPError as error:
                if error.code == 409 and lost and (method, path) == ("POST", ""):
                    self.accepted += 1
                    return
                if error.code < 500 and error.code != 401:
                    raise AssertionError(f"{method} {path}: {error.code} {error.read()[:500]!r}") from error
                lost = lost or error.code != 503
            except (URLError, HTTPException, OSError):
                lost = True
            self._session = None
            self.repeated += 1
            time.sleep(0.2)

    def _check_batch(self, path: str, text: str) -> None:
        """An item that was in the way of another transaction is to be sent again, with the whole batch."""
        if path != "batch/":
            return
        statuses = [one["status"] for one in json.loads(text)["results"]]
        if 503 in statuses:
            raise OSError(text)
        assert set(statuses) <= {200, 201}, text


def _calls(number: int) -> Iterator[tuple[str, str, bytes, str]]:
    """Method, path after products/, body and its type."""
    product = f"sku:chaos-{number}/"
    yield "PUT", product, *_json({"title": f"Chaos {number}", "currency": "EUR", "price": 1})
    yield "POST", f"{product}images/", *multipart(photos={"image": photo(number)})
    yield "PATCH", product, *_json({"price": price(number), "in_stock": False})
    yield "POST", "", *_json({"sku": f"extra-{number}", "title": f"Extra {number}"})
    items = [
        {"op": "patch", "sku": f"chaos-{number}", "attributes": {"number": number}},
        {"op": "patch", "sku": f"extra-{number}", "price": price(number)},
    ]
    yield "POST", "batch/", *_json({"items": items, "mode": "all" if number % 2 else "each"})


def price(number: int) -> str:
    """What a product costs in the end."""
    return f"{number}.50"


def wrong_writes(numbers: Iterable[int]) -> list[str]:
    """What is not in the shop as it was accepted, or not once, in words."""
    from decimal import Decimal

    from django.contrib.admin.models import ADDITION, LogEntry

    from catalog.models import Product

    wrong: list[str] = []
    for number in numbers:
        for sku, in_stock, attributes, entries in (
            (f"chaos-{number}", False, {"number": str(number)}, ENTRIES),
            (f"extra-{number}", True, {}, 2),
        ):
            product = Product.objects.filter(sku=sku).first()
            if product is None:
                wrong.append(f"{sku} was accepted and is not there")
                continue
            found = (product.price, product.in_stock, product.attributes)
            if found != (Decimal(price(number)), in_stock, attributes):
                wrong.append(f"{sku}: {found}")
            remembered = LogEntry.objects.filter(object_id=str(product.pk))
            counts = (remembered.filter(action_flag=ADDITION).count(), remembered.count())
            if counts != (1, entries):
                wrong.append(f"{sku}: {counts[0]} times made, {counts[1]} entries, not {entries}")
    return wrong


def _json(body: Any) -> tuple[bytes, str]:
    return json.dumps(body).encode(), "application/json"
