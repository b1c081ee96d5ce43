"""A shop of its own under fire: photos come in by import, by upload and by the API, are deleted, replaced and re-ordered, while its
processes are killed at random."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.chaos.api_writer import ApiWriter
from tests.chaos.pictures import UPLOADED_EVERY, Fate, fate, is_broken, is_by_api
from tests.chaos.processes import Supervised, python
from tests.chaos.uploader import Uploader
from tests.servers import OwnServers
from tests.waiting import free_port

KINDS = (
    *("worker child", "worker child", "worker", "beat", "redis", "flushall"),
    *("postgres backend", "postmaster", "web", "importer"),
)
# A run in which nothing ends for so long has lost something.
STILL_SECONDS = 90.0


@dataclass
class Result:
    photos: int
    kills: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    done: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    crashes_counted: int = 0
    uploads_repeated: int = 0
    writes_accepted: int = 0
    writes_repeated: int = 0


class Chaos:
    """`run()` feeds `photos` photos, kills `kills` times in an order drawn from `seed`, waits, and counts."""

    def __init__(self, folder: Path, servers: OwnServers, *, photos: int, kills: int, seed: int) -> None:
        self.result = Result(photos)
        self._servers = servers
        self._kills = kills
        self._random = random.Random(seed)
        self._outlived: list[str] = []
        environment = dict(os.environ)
        port = free_port()
        by_web = [number for number in range(photos) if number % UPLOADED_EVERY == 0 and not is_broken(number)]
        uploads = [number for number in by_web if not is_by_api(number)]
        rest = [str(bound) for bound in (0, photos)]

        def supervised(name: str, *arguments: str, **extra: str) -> Supervised:
            log = folder / f"{name}.log"
            return Supervised(name, python(*arguments), environment=environment | extra, log=log)

        worker = ["--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        self._worker = supervised("worker", "celery", "-A", "config", "worker", *worker)
        beat = ["celery", "-A", "config", "beat", "--loglevel", "INFO", "--pidfile="]
        self._beats = [supervised("beat", *beat), supervised("second beat", *beat)]
        # Debug: the admin's pages then need no collected static files, which would take most of a short run.
        self._web = supervised("web", "config.web", "--port", str(port), DEBUG="true")
        self._importer = supervised("importer", "tests.chaos.importer", *rest)
        self._changer = supervised("changer", "tests.chaos.changer", str(photos), str(seed))
        self._all = [self._worker, *self._beats, self._web, self._importer, self._changer]
        fates = [fate(number) for number in range(photos)]
        self.result.changed = {kind.value: fates.count(kind) for kind in Fate}
        self._remaining = photos - fates.count(Fate.DELETED)
        self._uploader = Uploader(f"http://127.0.0.1:{port}", uploads, pause=0.0)
        self._writer = ApiWriter(f"http://127.0.0.1:{port}", [number for number in by_web if is_by_api(number)])

    def run(self) -> Result:
        began = time.monotonic()
        for process in self._all:
            process.start()
        self._uploader.start()
        self._writer.start()
        try:
            self._fire()
            self._wait_until_settled()
        finally:
            for process in self._all:
                process.stop()
        self.result.seconds = time.monotonic() - began
        self.result.uploads_repeated = self._uploader.repeated
        self.result.writes_accepted, self.result.writes_repeated = self._writer.accepted, self._writer.repeated
        self.result.wrong += self._outlived
        return self.result

    def _fire(self) -> None:
        """A kill whenever another share of the photos has ended, so that each hits work in progress."""
        from tests.chaos.counts import ended

        bag: list[str] = []
        for kill in range(1, self._kills + 1):
            if not bag:
                bag = self._random.sample(KINDS, len(KINDS))
            due = self._remaining * kill // (self._kills + 1)
            self._wait_for(lambda due=due: ended() >= due, f"{due} photos to end before kill {kill}")
            time.sleep(self._random.uniform(0.0, 0.1))
            what = bag.pop()
            self._kill(what)
            self.result.kills[what] = self.result.kills.get(what, 0) + 1

    def _kill(self, what: str) -> None:
        match what:
            case "worker child":
                self._wait_for(lambda: bool(self._worker.children()), "a worker child to kill")
                self._random.choice(self._worker.children()).kill()
            case "worker":
                self._outlived += self._worker.kill()
            case "beat":
                self._outlived += self._random.choice(self._beats).kill()
            case "web":
                self._outlived += self._web.kill()
            case "importer":
                self._outlived += self._importer.kill() + self._changer.kill()
            case "redis":
                self._servers.kill_redis()
                time.sleep(self._random.uniform(0.1, 0.5))
                self._servers.start()
            case "flushall":
                with redis.Redis.from_url(self._servers.redis_url) as client:
                    client.flushall()
            case "postgres backend":
                self._servers.kill_backend()
            case "postmaster":
                self._servers.kill_postgres()
                self._servers.start()
        self._revive()

    def _wait_until_settled(self) -> None:
        from tests.chaos.counts import settled

        def over() -> bool:
            finished = (
                self._importer.finished and self._changer.finished and not (self._uploader.left or self._writer.left)
            )
            return finished and settled(self._remaining)

        self._wait_for(over, "every photo to end")

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        from tests.chaos.counts import ended

        seen, since = -1, time.monotonic()
        while not condition():
            self._revive()
            for thread in (self._uploader, self._writer):
                if not thread.is_alive() and thread.left:
                    raise AssertionError(f"the {type(thread).__name__} ended before its photos did")
            if (now := ended()) != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() - since > STILL_SECONDS:
                raise AssertionError(f"nothing has ended for {STILL_SECONDS:.0f} s while waiting for {what}")
            time.sleep(0.05)

    def _revive(self) -> None:
        for process in self._all:
            process.keep_running()
