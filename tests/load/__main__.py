"""`python -m tests.load [--products 300] [--rate 50] [--rounds 2] [--json F]`: what `make load` runs.

A private Postgres and Redis, a worker, the shipped web server, drawn photos and two real encoders. While shoppers ask at a
constant rate, a tenth of them by photo, spaces of both encoders are built, activated and retired in turn. Exit 1 and a
list of what is wrong unless every answer was full, the answer of the space that it names, and no process outlived the run.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.runs import Report, run_by_itself

ENCODERS = ("efficientnet-lite0", "efficientnet-lite2-int8")
LIMIT = 6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=300)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    return run_by_itself(
        lambda folder, _: _shop_under_load(folder, arguments),
        name="load",
        settings={"ENCODER": ENCODERS[0], "WORKER_PROCESSES": "1", "QUERY_PHOTOS_AT_A_TIME": "16"},
        table=_table,
        json_file=arguments.json,
    )


def _shop_under_load(folder: Path, arguments: argparse.Namespace) -> Report:
    _set_up(folder, arguments.products)
    return _run(folder, arguments)


def _set_up(folder: Path, products: int) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger("recommender").setLevel(logging.ERROR)
    call_command("migrate", verbosity=0)
    from recommender.models import Rule

    Rule.objects.all().delete()  # answers are judged by likeness alone
    call_command("draw_catalogue", folder / "drawn", products=products, side=256, verbosity=0)
    from recommender.encoder.store import save_encoder
    from recommender.spaces.first import ensure_first_space
    from tests.recommender.compiled import compiled_encoder

    first, _ = (save_encoder(compiled_encoder(name)) for name in ENCODERS)
    ensure_first_space(encoder=first)
    call_command("import_products", str(folder / "drawn" / "products.csv"), verbosity=0)


def _run(folder: Path, arguments: argparse.Namespace) -> Report:
    from django.core.management import call_command

    from catalog.models import Product
    from tests.load import judge
    from tests.load.storefront import Storefront
    from tests.load.web import PROJECT, web_server

    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "WARNING"]
    with (folder / "worker.log").open("ab") as log:
        worker = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log, start_new_session=True)
    try:
        call_command("embed_images", wait=True)
        asked = list(Product.objects.order_by("pk").values_list("pk", flat=True))[:60]
        photos = [path.read_bytes() for path in sorted((folder / "drawn").rglob("*.jpg"))[:8]]
        with web_server(dict(os.environ), folder / "web.log") as url:
            storefront = Storefront(url, asked, photos=photos, rate=arguments.rate, limit=LIMIT)
            storefront.start()
            try:
                truths, steps = _switch(storefront, rounds=arguments.rounds)
            finally:
                storefront.stop()
    finally:
        worker.terminate()
        worker.wait(60)
    wrong = judge.wrong(storefront.asked, truths) + judge.unnoticed(storefront.asked, truths)
    if storefront.spaces_in_order() != list(truths):
        wrong.append(f"spaces answered in the order {storefront.spaces_in_order()}, not {list(truths)}")
    asked_in_time = len(storefront.asked) / storefront.seconds
    if asked_in_time < 0.9 * arguments.rate:
        wrong.append(f"only {asked_in_time:.1f} searches a second were asked for")
    return {
        "seconds": round(storefront.seconds, 1),
        "questions": len(storefront.asked),
        "rate": round(asked_in_time, 1),
        "by_photo": sum(one.about.startswith("photo") for one in storefront.asked),
        "recall": round(judge.recall(storefront.asked, truths), 5),
        "milliseconds": {name: round(value, 1) for name, value in storefront.percentiles().items()},
        "steps": steps,
        "wrong": wrong,
    }


def _switch(storefront: Any, *, rounds: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Build, activate and retire in turn; by space what it answers, and how long each step took."""
    from recommender.encoder.store import find_encoder
    from recommender.models import Space
    from recommender.spaces.build import build_space
    from recommender.spaces.options import SpaceOptions
    from recommender.spaces.switch import activate, retire
    from tests.load.expected import truths_of

    before = Space.objects.get(state=Space.State.ACTIVE)
    asked = {"products": storefront.products, "photos": storefront.photos, "limit": LIMIT}
    truths: dict[str, Any] = {before.name: truths_of(before, **asked)}
    steps = []
    for number in range(rounds):
        for name in reversed(ENCODERS) if number % 2 == 0 else ENCODERS:
            encoder = find_encoder(name)
            for options in (
                SpaceOptions(encoder=encoder, projection="none"),
                SpaceOptions(encoder=encoder, projection="pca", dimensions=64),
                SpaceOptions(encoder=encoder, projection="learned", dimensions=32, labels="category"),
            ):
                began = time.monotonic()
                space = build_space(options)
                built = time.monotonic()
                truths[space.name] = truths_of(space, **asked)
                activated = time.monotonic()
                activate(space.name, force=True)
                storefront.wait_until_answered_by(space.name, seconds=60)
                answered = time.monotonic()
                retire(before.name)
                steps.append(
                    {
                        "space": space.name,
                        "encoder": encoder.name,
                        "build_seconds": round(built - began, 1),
                        "switch_seconds": round(answered - activated, 2),
                        "retire_seconds": round(time.monotonic() - answered, 2),
                    }
                )
                print(steps[-1], flush=True)
                before = space
    return truths, steps


def _table(result: Report) -> str:
    took = result["milliseconds"]
    return (
        "| questions | a second | by photo | recall | builds, switches, retirements | p50 | p99 | longest | wrong |\n|---|---|---|---|---|---|---|---|---|\n"
        f"| {result['questions']} | {result['rate']} | {result['by_photo']} | {result['recall']} | {len(result['steps'])} | {took['p50']} ms "
        f"| {took['p99']} ms | {took['max']} ms | {len(result['wrong'])} |"
    )


if __name__ == "__main__":
    sys.exit(main())
