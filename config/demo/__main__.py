"""`python -m config.demo`: set up and run the whole product, on local servers or on those of DATABASE_URL and REDIS_URL.

CATALOG, PORT and ONCE come from the environment, as `make demo` passes them, or from the command line.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from config.local.folder import LocalUnavailable, local_folder
from config.local.processes import Children, ProcessFailed, end, start_child
from config.local.services import Borrowed, borrowed_services

HOST = "127.0.0.1"
WATCH_SECONDS = 0.5
# With ONCE: a process that ends so often in a minute is given up.
PATIENCE = 4


class DemoFailed(RuntimeError):
    """The demo cannot go on; the message says why and what to do."""


class Demo:
    """One run of the demo. Its steps come in order; while one waits, the processes that run already are watched."""

    def __init__(self, *, borrowed: Borrowed, port: int, catalog: Path | None, once: bool) -> None:
        self.borrowed = borrowed
        self.port = port
        self.catalog = catalog
        self.url = f"http://{HOST}:{port}"
        self.logs = borrowed.folder / "logs"
        self.children = Children(logs=self.logs, say=self.say, patience=PATIENCE if once else None)
        self._watched = 0.0
        self._said: list[str] = []

    def say(self, text: str) -> None:
        print(text, flush=True)

    def set_up(self) -> None:
        """Tables, admin account, encoder, processes, catalogue and vectors; what is there already stays as it is."""
        from config.demo import steps

        started = time.monotonic()
        try:
            steps.check_servers()
        except steps.ServerUnusable as error:
            raise DemoFailed(str(error)) from error
        with steps.one_at_a_time():
            steps.migrate()
            steps.collect_static()
            if password := steps.create_admin():  # shown at once, for it is kept nowhere
                self.say(f"Admin account made: admin, password {password} (shown this once)")
            if not steps.encoder_is_compiled():
                self.say("Compiling the encoder: once, half a minute")
                self.run("compile_encoder")
            steps.ensure_a_space()
        self._start_processes()
        feed = self.catalog or steps.drawn_feed(self.borrowed.folder)
        if not feed.exists():
            self.say("No CATALOG was given: drawing one")
            self.run("draw_catalogue", str(feed.parent))
        self.say(f"Importing {feed}" + ("" if self.catalog else " (drawn pictures)"))
        if self.run("import_products", str(feed), tolerant=True):
            self.say("Some rows were not imported, for the reasons above; the rest is in.")
        if self.run("embed_images", "--wait", tolerant=True):
            self.say("Some photos have no vector, for the reasons above; the admin shows them too.")
        self._improve_space()
        steps.fit_confidences()
        self.say(f"Ready in {time.monotonic() - started:.0f} s")

    def _improve_space(self) -> None:
        """Bring the space of an earlier version up to date, and fit one to this catalogue where it is large enough."""
        from config.demo import steps

        report = self.logs / "space.log"
        if steps.upgrade_is_due():
            self.say(
                "Embedding again with the newest encoder, and building a space on it; the old one answers meanwhile"
            )
            if self.run("spaces", "upgrade", tolerant=True, report=report):
                self.say("The space in use stays as it was, for the reasons above.")
        if steps.improvement_is_due():
            self.say("Building a space fitted to this catalogue")
            before = steps.active_name()
            if self.run("spaces", "improve", tolerant=True, report=report) == 0 and steps.active_name() != before:
                self.say(f"Space {steps.active_name()} answers now; how it was judged is in {report}")
            else:
                self.say(f"Space {before} answers on; the reasons are above and in {report}")

    def show(self) -> None:
        """Print the first answers and the addresses of all pages."""
        from config.demo import answers

        self.say("\n" + answers.catalogue_line(given=self.catalog is not None))
        table = answers.first_answers(self.url, given=self.catalog is not None)
        if table is None:
            raise DemoFailed("no product with a photo could be shown: look at the reasons above")
        self.say(table)
        places = {"Storefront": "/", "Admin": "/admin/", "API docs": "/api/docs/", "Status": "/api/v1/status/"}
        for name, path in places.items():
            self.say(f"  {name:11} {self.url}{path}")
        self.say(f"  {'Logs':11} {self.logs}")

    def serve(self) -> None:
        """Until Ctrl-C."""
        self.say("\nServing until Ctrl-C")
        while True:
            self.watch()
            time.sleep(WATCH_SECONDS)

    def run(self, *arguments: str, tolerant: bool = False, report: Path | None = None) -> int:
        """Run a management command in a process of its own; returns its exit code. Raises DemoFailed unless tolerant.

        What it writes is shown; with `report` its results go to that file, and progress and errors alone are shown.
        """
        process = start_child([sys.executable, "manage.py", *arguments], report=report)
        try:
            while True:
                try:
                    code = process.wait(WATCH_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    self.watch()
        except BaseException:
            end(process, signal.SIGTERM)
            process.wait()
            raise
        if code and not tolerant:
            raise DemoFailed(f"`manage.py {' '.join(arguments)}` failed, exit code {code}")
        return code

    def watch(self) -> None:
        """Start again whatever died: worker, beat, web server, local servers."""
        self.children.watch()
        if time.monotonic() - self._watched > 2:
            self._watched = time.monotonic()
            happened = self.borrowed.revive()
            for sentence in happened:
                if sentence not in self._said:  # a server that cannot be started is tried every time, and reported once
                    self.say(sentence)
            self._said = happened

    def _start_processes(self) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        worker = ["worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        self.children.start("worker", [*celery, *worker, "--hostname", f"demo-{os.getpid()}@%h"])
        self.children.start("beat", [*celery, "beat", "--loglevel", "INFO", "--pidfile="])
        self.children.start("web", [sys.executable, "-m", "config.web", "--host", HOST, "--port", str(self.port)])
        from config.demo import answers

        while not answers.is_up(self.url):
            self.watch()
            time.sleep(0.1)


def check_port(port: int) -> None:
    """Raises DemoFailed if another program listens at the port, or this user may not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise DemoFailed(
                f"port {port} cannot be used ({os.strerror(error.errno or 0).lower()}): "
                f"stop what listens there, perhaps another demo, or choose one with PORT=, such as make demo PORT={port + 1}"
            ) from None


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    yield


def main() -> int:
    """Returns the exit code: 0 also when Ctrl-C ended the serving, 1 when something failed, 2 for a wrong argument."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--catalog", default=os.environ.get("CATALOG") or None)
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000)
    once = os.environ.get("ONCE", "") not in ("", "0")
    parser.add_argument("--once", action="store_true", default=once)
    arguments = parser.parse_args()
    catalog = Path(arguments.catalog).expanduser() if arguments.catalog else None
    if catalog is not None and not catalog.exists():
        print(f"make demo: CATALOG={arguments.catalog}: there is no such file or folder", file=sys.stderr)
        return 2
    if not 0 < arguments.port < 65536:
        print(f"make demo: PORT={arguments.port}: a port is a number from 1 to 65535", file=sys.stderr)
        return 2
    # The demo is served over plain HTTP on this machine, whatever `.env` sets for production.
    os.environ["HTTPS"] = "false"
    hosts = [os.environ.get("ALLOWED_HOSTS", ""), "localhost", HOST, "[::1]"]
    os.environ["ALLOWED_HOSTS"] = ",".join(filter(None, hosts))
    try:
        with _ended_by_signals():
            return _run(port=arguments.port, catalog=catalog, once=arguments.once)
    except KeyboardInterrupt:
        print("\nStopped")
        return 130 if arguments.once else 0
    except (DemoFailed, ProcessFailed, LocalUnavailable) as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 1


def _run(*, port: int, catalog: Path | None, once: bool) -> int:
    check_port(port)
    print(f"Lookalike demo, data in {local_folder()}", flush=True)
    with borrowed_services() as borrowed:
        from config.usable import end_unless_usable

        end_unless_usable()
        demo = Demo(borrowed=borrowed, port=port, catalog=catalog, once=once)
        try:
            demo.set_up()
            demo.show()
            if not once:
                demo.serve()
        finally:
            demo.children.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
