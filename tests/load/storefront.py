"""Shoppers at a constant rate: so many searches a second, each at its moment, whatever became of those before."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import numpy as np

from tests.multipart import multipart
from tests.waiting import wait_until

THREADS = 16
TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True)
class Asked:
    """One search: when (seconds since the beginning), about what, and what came. `wrong` is empty for a full answer.

    `places`: the id of each photo and its distance, in order.
    """

    at: float
    about: str
    exact: bool
    status: int
    seconds: float
    space: str = ""
    places: tuple[tuple[int, float], ...] = ()
    wrong: str = ""

    @property
    def photos(self) -> tuple[int, ...]:
        return tuple(photo for photo, _ in self.places)


def about_product(product_id: int) -> str:
    return f"product {product_id}"


def about_photo(photo: bytes) -> str:
    return f"photo {hashlib.sha256(photo).hexdigest()[:12]}"


@dataclass
class Storefront:
    """Asks `url` for the similar items of `products`, and with `photos` (JPEG bytes) every tenth time by photo.

    It goes through the products again and again, once through the ANN index, once exactly. Every product asked for must
    have an answer of `limit` places. Start it, do what shall not disturb, stop it.
    """

    url: str
    products: Sequence[int]
    photos: Sequence[bytes] = ()
    rate: float = 50.0
    limit: int = 6
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._number = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._shop, daemon=True) for _ in range(THREADS)]

    def start(self) -> None:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS + 5)
        self.seconds = time.monotonic() - self._began

    def wait_until_answered_by(self, space: str, *, seconds: float = 10.0) -> None:
        """Until the last answer is one of the space of that name."""
        wait_until(
            lambda: self.asked and self.asked[-1].space == space, seconds=seconds, what=f"an answer of space {space}"
        )

    def spaces_in_order(self) -> list[str]:
        """The spaces that answered, by their first answer."""
        return list(dict.fromkeys(one.space for one in sorted(self.asked, key=lambda one: one.at) if one.space))

    def percentiles(self) -> dict[str, float]:
        """Milliseconds; a search counts from the moment at which it was due."""
        times = np.array([one.seconds for one in self.asked]) * 1000
        return {name: float(np.percentile(times, at)) for name, at in (("p50", 50), ("p99", 99), ("max", 100))}

    def _shop(self) -> None:
        host = urlsplit(self.url).netloc
        connection = http.client.HTTPConnection(host, timeout=TIMEOUT_SECONDS)
        while not self._stop.is_set():
            with self._lock:
                number, self._number = self._number, self._number + 1
            due = self._began + number / self.rate
            if self._stop.wait(max(0.0, due - time.monotonic())):
                break
            one = self._ask(connection, number, due)
            if one.status == 0:
                connection.close()
                connection = http.client.HTTPConnection(host, timeout=TIMEOUT_SECONDS)
            self.asked.append(one)
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, number: int, due: float) -> Asked:
        by_photo = bool(self.photos) and number % 10 == 0
        exact = not by_photo and number // len(self.products) % 2 == 1
        if by_photo:
            photo = self.photos[number // 10 % len(self.photos)]
            about, path, method = about_photo(photo), f"/api/v1/search/image/?limit={self.limit}", "POST"
            body, content_type = multipart(photos={"image": photo})
            headers = {"Content-Type": content_type}
        else:
            product = self.products[number % len(self.products)]
            about, method = about_product(product), "GET"
            path = f"/api/v1/products/{product}/similar/?limit={self.limit}{'&exact=true' if exact else ''}"
            body, headers = b"", {}
        asked = Asked(due - self._began, about, exact, 0, 0.0)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            status, content = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            return replace(asked, seconds=time.monotonic() - due, wrong=f"no answer: {type(error).__name__}")
        asked = replace(asked, status=status, seconds=time.monotonic() - due)
        if status != 200:
            return replace(asked, wrong=f"status {status}: {content[:200].decode(errors='replace')}")
        answer = json.loads(content)
        places = tuple((result["image"], result["distance"]) for result in answer["results"])
        wrong = "" if len(places) == self.limit else f"{len(places)} places instead of {self.limit}, {answer['status']}"
        return replace(asked, space=answer["space"], places=places, wrong=wrong)
