"""`bench relevance` in a process of its own: `python -m recommender.bench.relevance.process FOLDER` on a private, empty database.

FOLDER holds `asked.json` (see `Asked`). Says on standard error what it does and prints one JSON object.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import numpy as np
import orjson

if TYPE_CHECKING:
    from recommender.bench.relevance.labelled import Labelled, Numbers
    from recommender.models import Encoder, Space

ASKED_FILE = "asked.json"
PLACES = 10  # of the dial's curve
_SEED = 12

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`catalogue`: a feed or a folder; None: `drawn` products. `queries`, `changed`: how many products ask, and whose photos
    are changed, at most; None: all."""

    catalogue: str | None
    drawn: int
    labels: str
    queries: int | None
    changed: int | None

    def write(self, folder: Path) -> None:
        (folder / ASKED_FILE).write_bytes(orjson.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> Asked:
        return cls(**orjson.loads((folder / ASKED_FILE).read_bytes()))


def main() -> int:
    django.setup()
    from catalog.feeds.rows import FeedError
    from recommender.bench.temporary import open_tables
    from recommender.evaluation.label_names import UnknownLabels

    folder = Path(sys.argv[1])
    open_tables(folder)
    try:
        result = measure(folder, Asked.read(folder), lambda text: print(text, file=sys.stderr, flush=True))
    except (FeedError, UnknownLabels, NothingToAsk) as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.write(orjson.dumps(result).decode())
    return 0


class NothingToAsk(RuntimeError):
    """The catalogue holds no two products of one class; the text says by which labels."""


def measure(folder: Path, asked: Asked, say: Say) -> dict[str, Any]:
    """Everything that the report shows. Raises FeedError, UnknownLabels, NothingToAsk."""
    from django.core.management import call_command

    from recommender.bench.relevance import answers, figures, robustness, shop
    from recommender.encoder.serving import encoder_for
    from recommender.encoder.store import current_encoder
    from recommender.evaluation.dial import TENTHS
    from recommender.models import Space
    from recommender.spaces.active import active_space
    from recommender.spaces.switch import activate

    catalogue = Path(asked.catalogue) if asked.catalogue else folder / "drawn"
    if asked.catalogue is None:
        call_command("draw_catalogue", str(catalogue), products=asked.drawn, verbosity=0)
        catalogue /= "products.csv"
    products = shop.import_catalogue(catalogue, say)
    say(f"{products} products: embedding their photos")
    shop.embed(say)
    first = active_space()
    assert first is not None
    labelled = shop.searchable(first, asked.labels)
    everyone = np.arange(len(labelled))
    queries = _drawn(everyone, asked.queries)
    ceilings = figures.ceilings(labelled, queries)
    if not ceilings:
        raise NothingToAsk(f"no two products share a class by {asked.labels}: try other --labels")
    row = current_encoder()
    contestants = _first_contestants(labelled, queries, row, say)
    say("asking the first space through the index")
    confident = _confidence(say)
    contestants["first"] = figures.by_label(labelled, queries, answers.by_search(labelled, queries, colour_weight=None))

    say("building pca")
    pca = shop.built(row, projection=Space.Kind.PCA, photos=len(labelled), answers=True)
    say("asking it through the index")
    for name, weight in (("pca", 0.0), ("pca+colour", None)):
        answered = answers.by_search(labelled, queries, colour_weight=weight)
        contestants[name] = figures.by_label(labelled, queries, answered)
    confident += _confidence(say)
    dial = []
    for weight in sorted({*TENTHS, pca.colour_weight}):  # its own by name must answer as it does unasked
        answered = answers.by_search(labelled, queries, colour_weight=weight, places=PLACES)
        found = figures.by_label(labelled, queries, answered)
        dial.append({"weight": weight, "p@10": {label: values["p@10"] for label, values in found.items()}})
        say(f"colour weight {weight:g}: done")
    changed = _drawn(everyone, asked.changed)
    say(f"changing {len(changed)} photos")
    robust = robustness.measure(labelled, changed, space=pca, encoder=encoder_for(row), say=say)
    held_out = _held_out(pca, asked, len(labelled), say)
    if "space" in held_out:
        activate(held_out["space"]["name"], force=True)
        confident += _confidence(say)
    return {
        "encoder": row.name,
        "products": products,
        "photos": len(labelled),
        "queries": len(queries),
        "labels": list(labelled.classes),
        "space": _described(pca),
        "first": _described(first),
        "ceilings": ceilings,
        "contestants": contestants,
        "dial": dial,
        "robustness": robust,
        "held_out": held_out,
        "confidence": confident,
    }


def _confidence(say: Say) -> list[dict[str, Any]]:
    """Of the active space: without colour, at its own weight, half of each, and by colour alone."""
    from recommender.bench.relevance import confidence
    from recommender.models import Space
    from recommender.spaces.active import forget_active_space
    from recommender.spaces.calibrating import calibrate_active

    calibrate_active()
    forget_active_space()
    space = Space.objects.get(state=Space.State.ACTIVE)
    say(f"asking what confidence means in space {space.name}")
    weights = sorted({0.0, space.colour_weight, 0.5, 1.0}) if space.colour_dimensions else [0.0]
    return list(confidence.measure(space, weights=weights))


def _first_contestants(shop: Labelled, queries: Numbers, row: Encoder, say: Say) -> dict[str, Any]:
    """Those that are compared as arrays: no space of the product makes their vectors."""
    from recommender.bench.relevance import answers, figures, unframed
    from recommender.encoder.serving import encoder_for
    from recommender.encoder.stored_features import shapes_of
    from recommender.evaluation.histogram import colour_histograms
    from recommender.projection.apply import unit

    say("comparing colour histograms, plain features, and features of unframed photos")
    _, plain = shapes_of(row.pk, shop.image_ids)
    centres = unframed.unframed_features(encoder_for(row), shop.image_ids)
    vectors = {
        "histogram": colour_histograms(shop.image_ids),
        "unframed": unframed.pca_vectors(centres),
        "plain": unit(plain),
    }
    return {
        name: figures.by_label(shop, queries, answers.by_vectors(shop, queries, rows)) for name, rows in vectors.items()
    }


def _held_out(pca: Space, asked: Asked, photos: int, say: Say) -> dict[str, Any]:
    """`skipped`: why nothing was learned from the labels."""
    from recommender.bench.relevance import held_out, shop
    from recommender.models import Space
    from recommender.spaces.fit import CannotFit

    say(f"building a space that learns from {asked.labels}")
    try:
        learned = shop.built(
            pca.encoder, projection=Space.Kind.LEARNED, photos=photos, labels=asked.labels, answers=False
        )
    except CannotFit as error:
        return {"skipped": str(error)}
    say("comparing it with pca on held-out photos")
    return {"space": _described(learned)} | held_out.compare(pca, learned)


def _drawn(rows: Numbers, most: int | None) -> Numbers:
    """All rows, or `most` of them by a fixed seed."""
    return np.sort(np.random.default_rng(_SEED).permutation(rows)[:most])


def _described(space: Space) -> dict[str, Any]:
    return {
        "name": space.name,
        "dimensions": space.dimensions,
        "color_dims": space.colour_dimensions,
        "color_weight": space.colour_weight,
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    began = time.perf_counter()
    code = main()
    print(f"done in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    sys.exit(code)
