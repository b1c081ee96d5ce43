"""`bench relevance`: what people call alike, by the labels of a catalogue, and whether a changed photo still finds itself."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.loader import render_to_string

from recommender.bench.arguments import at_least_one
from recommender.bench.circumstances import circumstances
from recommender.bench.outcome import publish

MOST_QUERIES = 4000
CHANGED = 300
DRAWN = 640
LABELS = "category"
PLOTS = {".svg": "recommender/report/plot.svg", ".html": "recommender/report/plot_page.html"}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--catalog", type=Path, metavar="PATH", help="a feed or a folder, as import_products takes it; default: drawn"
    )
    parser.add_argument(
        "--labels",
        type=_labels,
        default=LABELS,
        metavar="a[,b…]",
        help="category (the default), brand or attribute:NAME; of several also what shares all of them; the first is the type",
    )
    parser.add_argument("--products", type=at_least_one, default=DRAWN, metavar="N", help=f"drawn ones ({DRAWN})")
    parser.add_argument(
        "--queries",
        type=at_least_one,
        default=MOST_QUERIES,
        metavar="N",
        help=f"products that ask at most ({MOST_QUERIES})",
    )
    parser.add_argument(
        "--changed", type=at_least_one, default=CHANGED, metavar="N", help=f"photos that are changed ({CHANGED})"
    )
    parser.add_argument("--all", action="store_true", help="every product asks, and every photo is changed")
    parser.add_argument("--json", type=Path, metavar="F", help="write everything that was measured")
    parser.add_argument("--plot", type=Path, metavar="F.svg", help="P@10 over the weight of colour; F.html for a page")
    parser.add_argument("--markdown", type=Path, metavar="F.md", help="write the tables")


def handle(
    command: BaseCommand,
    *,
    catalog: Path | None,
    labels: str,
    products: int,
    queries: int,
    changed: int,
    json: Path | None,
    plot: Path | None,
    markdown: Path | None,
    **options: Any,
) -> None:
    """Measure in a private database, then print the tables. Raises CommandError, also for missed targets."""
    from recommender.bench.relevance import report
    from recommender.bench.relevance.process import Asked
    from recommender.bench.relevance.targets import targets

    everything = bool(options["all"])
    _check(catalog, plot, json, markdown)
    asked = Asked(
        catalogue=None if catalog is None else str(catalog.expanduser().resolve()),
        drawn=products,
        labels=labels,
        queries=None if everything else queries,
        changed=None if everything else changed,
    )
    result: dict[str, Any] = {
        "command": _command(asked, catalog, everything),
        **circumstances(),
        "catalogue": "drawn" if catalog is None else str(catalog),
        "drawn": catalog is None,
        **_run(asked),
    }
    result["targets"] = targets(result)
    page = report.markdown(result, plot=plot.name if plot else None)
    if plot is not None:
        plot.write_text(render_to_string(PLOTS[plot.suffix], {"plot": report.dial_plot(result)}), encoding="utf-8")
    publish(command, result, page, json=json, markdown=markdown)


def _run(asked: Any) -> dict[str, Any]:
    from recommender.bench.temporary import temporary_shop

    with temporary_shop() as (folder, environment):
        asked.write(folder)
        arguments = [sys.executable, "-m", "recommender.bench.relevance.process", str(folder)]
        done = subprocess.run(arguments, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise CommandError(f"the process of the bench ended with code {done.returncode}; see above")
    result: dict[str, Any] = orjson.loads(done.stdout)
    return result


def _check(catalog: Path | None, plot: Path | None, *others: Path | None) -> None:
    """Before minutes of work. Raises CommandError."""
    if catalog is not None and not catalog.expanduser().exists():
        raise CommandError(f"--catalog {catalog}: there is no such file or folder")
    if plot is not None and plot.suffix not in PLOTS:
        raise CommandError(f"--plot {plot}: a name that ends in {' or '.join(PLOTS)} is needed")
    for path in (plot, *others):
        if path is not None and not path.absolute().parent.is_dir():
            raise CommandError(f"{path}: there is no folder {path.parent}")


def _command(asked: Any, catalog: Path | None, everything: bool) -> str:
    words = ["manage.py bench relevance"]
    words.append(f"--catalog {catalog}" if catalog else f"--products {asked.drawn}")
    words.append(f"--labels {asked.labels}")
    words.append("--all" if everything else f"--queries {asked.queries} --changed {asked.changed}")
    return " ".join(words)


def _labels(text: str) -> str:
    from recommender.evaluation.label_names import UnknownLabels, checked_labels

    try:
        labels = checked_labels(text)
    except UnknownLabels as error:
        raise ArgumentTypeError(str(error)) from error
    if labels == "product":
        raise ArgumentTypeError("by product nothing can be found: photos of one product are no answers to each other")
    return labels
