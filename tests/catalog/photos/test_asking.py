"""Asking servers whether there are new photos behind old URLs."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from catalog.locks import Lock, release, try_for_session
from catalog.models import PhotoOrigin, Product, ProductImage
from catalog.photos import asking
from catalog.photos.asking import Asked, ask_again, mark
from catalog.photos.fetch import Fetched, FetchFailed, FetchRefused, PhotoFetcher
from catalog.photos.fetched import store_fetched
from catalog.photos.store import digest_of
from catalog.photos.validators import NOTHING, Validators
from catalog.tasks import ask_for_new_photos
from recommender.schedule import BEAT_SCHEDULE
from tests.catalog.factories import make_product, photo_bytes
from tests.catalog.photo_server import Server, reply

pytestmark = pytest.mark.django_db(transaction=True)
SAID = Validators('"1"', "", None)


def photo(url: str = "https://shop.example/a.jpg", seed: int = 1, product: Product | None = None) -> ProductImage:
    image = ProductImage.objects.create(product=product or make_product(), source_url=url)
    assert store_fetched(image, Fetched(photo_bytes(seed), SAID)) is not None
    return image


def digest(image: ProductImage) -> str:
    return ProductImage.objects.get(pk=image.pk).digest


def due() -> int:
    return PhotoOrigin.objects.filter(due_at__lte=timezone.now()).count()


class Servers:
    """Gives what is behind each URL, or raises it; None: unchanged. Counts what runs at once."""

    def __init__(self, **answers: Fetched | Exception | None) -> None:
        self.answers, self.asked = answers, list[tuple[str, Validators]]()
        self.now, self.most, self.lock = Counter[str](), Counter[str](), threading.Lock()

    def __call__(self, url: str, known: Validators) -> Fetched | None:
        host, name = url.split("/")[2], url.rsplit("/", 1)[1].removesuffix(".jpg")
        with self.lock:
            self.asked.append((url, known))
            for key in (host, ""):
                self.now[key] += 1
                self.most[key] = max(self.most[key], self.now[key])
        threading.Event().wait(0.01)
        with self.lock:
            self.now[host] -= 1
            self.now[""] -= 1
        answer = self.answers.get(name)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_only_marked_photos_are_asked_for_and_once() -> None:
    images = [photo(f"https://shop.example/{name}.jpg", seed) for seed, name in enumerate("ab")]
    servers = Servers()
    assert ask_again(fetch=servers) == Asked()
    mark([images[0].pk])
    mark([images[0].pk])
    assert (due(), ask_again(fetch=servers), due()) == (1, Asked(unchanged=1), 0)
    assert servers.asked == [("https://shop.example/a.jpg", SAID)]


def test_a_new_photo_is_stored_and_what_cannot_be_had_leaves_the_old_one() -> None:
    images = {name: photo(f"https://shop.example/{name}.jpg", seed) for seed, name in enumerate("abcde")}
    mark(image.pk for image in images.values())
    servers = Servers(
        a=Fetched(photo_bytes(7)),
        b=Fetched(b"<html>"),
        c=FetchRefused("http_status", "404"),
        d=FetchFailed("broke off"),
        e=Fetched(photo_bytes(4), Validators("", "", 9)),
    )
    assert ask_again(fetch=servers) == Asked(unchanged=1, replaced=1, failed=3)
    assert [digest(image) for image in images.values()] == [digest_of(photo_bytes(seed)) for seed in (7, 1, 2, 3, 4)]
    assert (due(), PhotoOrigin.objects.get(image=images["e"]).length) == (0, 9)


def test_the_whole_photo_is_asked_for_whatever_the_server_said() -> None:
    image = photo()
    mark([image.pk], whole=True)
    mark([image.pk])
    servers = Servers(a=Fetched(photo_bytes(1), SAID))
    assert ask_again(fetch=servers) == Asked(unchanged=1)
    mark([image.pk])
    ask_again(fetch=servers)
    assert [known for _, known in servers.asked] == [NOTHING, SAID]


def test_a_photo_of_which_nothing_was_remembered_is_asked_for_in_full() -> None:
    image = photo()
    PhotoOrigin.objects.all().delete()
    mark([image.pk])
    servers = Servers(a=Fetched(photo_bytes(2), SAID))
    assert ask_again(fetch=servers) == Asked(replaced=1)
    assert (servers.asked[0][1], PhotoOrigin.objects.get().etag) == (NOTHING, '"1"')


def test_few_requests_at_once_and_fewer_to_one_host() -> None:
    hosts = [f"shop{number}.example" for number in range(6)]
    mark(photo(f"https://{host}/{n}.jpg", n).pk for host in hosts for n in range(4))
    servers = Servers()
    assert ask_again(fetch=servers, seconds=30) == Asked(unchanged=24)
    assert servers.most[""] <= asking.AT_ONCE
    assert max(servers.most[host] for host in hosts) <= asking.OF_A_HOST


def test_a_host_that_fails_is_left_alone_for_a_while_and_others_are_not() -> None:
    names = [f"b{number}" for number in range(20)]
    mark(photo(f"https://away.example/{name}.jpg", n).pk for n, name in enumerate(names))
    mark([photo("https://shop.example/a.jpg", 50).pk])
    servers = Servers(**dict.fromkeys(names, FetchFailed("no answer")))
    found = ask_again(fetch=servers, seconds=30)
    assert (found.unchanged, found.failed < asking.FAILURES + asking.OF_A_HOST) == (1, True)
    later = PhotoOrigin.objects.filter(due_at__gt=timezone.now() + asking.PAUSE - timedelta(minutes=1))
    assert (due(), later.count()) == (0, 20 - found.failed)


def test_what_time_is_up_for_stays_due() -> None:
    mark(photo(f"https://shop.example/{n}.jpg", n).pk for n in range(3))
    assert ask_again(fetch=Servers(), seconds=0) == Asked()
    assert due() == 3


def test_a_photo_marked_while_it_is_asked_for_is_asked_for_again() -> None:
    image = photo()
    mark([image.pk])
    marked: list[int] = []

    def fetch(url: str, known: Validators) -> Fetched | None:
        if not marked:
            marked.append(image.pk)
            mark(marked)
            connection.close()
        return None

    assert ask_again(fetch=fetch) == Asked(unchanged=2)
    assert due() == 0


def test_photos_of_a_process_that_died_are_due_again() -> None:
    mark([photo().pk])

    def dies(url: str, known: Validators) -> Fetched | None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask_again(fetch=dies)
    assert due() == 0
    PhotoOrigin.objects.update(due_at=timezone.now())
    assert ask_again(fetch=Servers()) == Asked(unchanged=1)


def test_one_process_at_a_time() -> None:
    mark([photo().pk])
    held, done = threading.Event(), threading.Event()

    def elsewhere() -> None:
        assert try_for_session(Lock.PHOTOS_ASKED_AGAIN)
        held.set()
        done.wait(20)
        release(Lock.PHOTOS_ASKED_AGAIN)
        connection.close()

    other = threading.Thread(target=elsewhere)
    other.start()
    assert held.wait(20)
    assert ask_again(fetch=Servers()) == Asked()
    done.set()
    other.join(20)
    assert ask_again(fetch=Servers()) == Asked(unchanged=1)


def test_a_server_is_asked_by_the_task_of_the_schedule() -> None:
    """Nothing may be fetched from this machine, so the old photo stays."""
    assert ask_for_new_photos.name in {entry["task"] for entry in BEAT_SCHEDULE.values()}
    image = photo("http://127.0.0.1/a.jpg")
    mark([image.pk])
    ask_for_new_photos()
    assert (due(), digest(image)) == (0, digest_of(photo_bytes(1)))


def test_a_server_of_http_from_the_first_photo_to_the_second() -> None:
    """Through the real fetcher: 304 by the tag that the server gave, then a new photo."""
    behind: dict[str, Any] = {"data": photo_bytes(1), "tag": '"1"'}

    def answer(stream: Any, request: bytes) -> None:
        unchanged = f"If-None-Match: {behind['tag']}\r\n".encode() in request
        body = b"" if unchanged else behind["data"]
        stream.sendall(reply("304 Not Modified" if unchanged else "200 OK", body, f"ETag: {behind['tag']}"))

    server = Server(answer)
    fetcher = PhotoFetcher(resolve=lambda host, port: ["127.0.0.1"], refusal=lambda address: None, ports=[server.port])
    url = f"http://shop.example:{server.port}/a.jpg"
    image = ProductImage.objects.create(product=make_product(), source_url=url)
    first = fetcher.fetch_validated(url)
    assert first is not None and store_fetched(image, first) is not None
    found = []
    for data, tag in ((photo_bytes(1), '"1"'), (photo_bytes(2), '"2"'), (photo_bytes(2), '"3"')):
        behind |= {"data": data, "tag": tag}
        mark([image.pk])
        found.append(ask_again(fetch=fetcher.fetch_validated))
    server.close()
    assert found == [Asked(unchanged=1), Asked(replaced=1), Asked(unchanged=1)]
    assert digest(image) == digest_of(photo_bytes(2))
