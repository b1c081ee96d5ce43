"""A person at the admin: signs in and uploads photos through the web server, again where the answer never came."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from http.client import HTTPException
from urllib.error import HTTPError, URLError

from tests.chaos.pictures import photo
from tests.chaos.signing_in import Session, hidden_fields
from tests.multipart import multipart


class Uploader(threading.Thread):
    """Uploads photos `numbers`, one product each; `left` empties as the shop confirms them."""

    def __init__(self, address: str, numbers: Iterable[int], *, pause: float) -> None:
        super().__init__(daemon=True)
        self.left = list(numbers)
        self.repeated = 0
        self._address = address
        self._pause = pause
        self._session: Session | None = None

    def run(self) -> None:
        while self.left:
            try:
                if self._upload(self.left[0]):
                    self.left.pop(0)
                    time.sleep(self._pause)
                    continue
            except (URLError, HTTPException, OSError):
                pass
            self._session = None
            self.repeated += 1
            time.sleep(0.2)

    def _upload(self, number: int) -> bool:
        """True when the product page says that it was added, or that it had been before."""
        session = self._session = self._session or Session(self._address)
        fields = hidden_fields(session.get("/admin/catalog/product/add/"))
        fields |= {"sku": f"chaos-{number}", "title": f"Chaos {number}", "in_stock": "on", "published": "on"}
        fields |= {"attributes": "{}", "images-TOTAL_FORMS": "1", "images-0-position": "0"}
        body, content_type = multipart(fields=fields, photos={"images-0-file": photo(number)})
        try:
            text = session.send("POST", "/admin/catalog/product/add/", body, content_type)
        except HTTPError:
            return False
        if "was added successfully" in text or "with this Sku already exists" in text:
            return True
        errors = re.findall(r'<ul class="errorlist[^"]*"[^>]*>(.*?)</ul>', text, re.DOTALL)
        raise AssertionError(f"the admin did not take photo {number}: {errors or text[:2000]}")
