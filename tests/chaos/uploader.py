"""A person at the admin: signs in and uploads photos through the web server, again where the answer never came."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from tests.chaos.pictures import photo
from tests.multipart import multipart

PASSWORD = "drawn at random by nobody"
USER = "chaos"


class Uploader(threading.Thread):
    """Uploads photos `numbers`, one product each; `left` empties as the shop confirms them."""

    def __init__(self, address: str, numbers: Iterable[int], *, pause: float) -> None:
        super().__init__(daemon=True)
        self.left = list(numbers)
        self.repeated = 0
        self._address = address
        self._pause = pause
        self._opener: OpenerDirector | None = None

    def run(self) -> None:
        while self.left:
            try:
                if self._upload(self.left[0]):
                    self.left.pop(0)
                    time.sleep(self._pause)
                    continue
            except (URLError, HTTPException, OSError):
                pass
            self._opener = None
            self.repeated += 1
            time.sleep(0.2)

    def _upload(self, number: int) -> bool:
        """True when the product page says that it was added, or that it had been before."""
        opener = self._opener or self._signed_in()
        page = self._get(opener, "/admin/catalog/product/add/")
        fields = _fields(page)
        fields |= {"sku": f"chaos-{number}", "title": f"Chaos {number}", "in_stock": "on", "published": "on"}
        fields |= {"attributes": "{}", "images-TOTAL_FORMS": "1", "images-0-position": "0"}
        body, content_type = multipart(fields=fields, photos={"images-0-file": photo(number)})
        request = Request(self._address + "/admin/catalog/product/add/", data=body)
        request.add_header("Content-Type", content_type)
        request.add_header("Referer", self._address)
        try:
            with opener.open(request, timeout=30) as answer:
                text = answer.read().decode()
        except HTTPError:
            return False
        if "was added successfully" in text or "with this Sku already exists" in text:
            return True
        errors = re.findall(r'<ul class="errorlist[^"]*"[^>]*>(.*?)</ul>', text, re.DOTALL)
        raise AssertionError(f"the admin did not take photo {number}: {errors or text[:2000]}")

    def _signed_in(self) -> OpenerDirector:
        opener = build_opener(HTTPCookieProcessor())
        fields = _fields(self._get(opener, "/admin/login/"))
        fields |= {"username": USER, "password": PASSWORD}
        body, content_type = multipart(fields=fields)
        request = Request(self._address + "/admin/login/?next=/admin/", data=body)
        request.add_header("Content-Type", content_type)
        request.add_header("Referer", self._address)
        with opener.open(request, timeout=30) as answer:
            answer.read()
        self._opener = opener
        return opener

    def _get(self, opener: OpenerDirector, path: str) -> str:
        with opener.open(self._address + path, timeout=30) as answer:
            text: str = answer.read().decode()
            return text


def _fields(page: str) -> dict[str, str]:
    """The hidden fields of a form: CSRF token and the formset's counts."""
    hidden = re.findall(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?', page)
    return {name: value for name, value in hidden if "__prefix__" not in name}
