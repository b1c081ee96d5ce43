"""Fills the (private, empty) database of the bench: the encoder, the catalogue as an import takes it, its features, spaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from catalog.feeds.importing import FeedImport
from catalog.feeds.reading import open_feed
from catalog.models import Product
from recommender.bench.relevance.labelled import Labelled, read_labelled
from recommender.models import Encoder, Space
from recommender.pipeline import jobs
from recommender.pipeline.embed import work
from recommender.search.query_products import query_products
from recommender.spaces.build import build_space
from recommender.spaces.colour import DIMENSIONS, WHOLE
from recommender.spaces.options import SpaceOptions
from recommender.spaces.switch import activate

Say = Callable[[str], None]

_BATCH = 500
_HOUR = 3600.0


def import_catalogue(path: Path, say: Say) -> int:
    """Products of a feed or a folder, as `import_products` writes them; rows with problems are said and left out.

    How many products there are then. Raises catalog.feeds.rows.FeedError.
    """
    with open_feed(path) as feed:
        report = FeedImport(
            feed, dry_run=False, tell=lambda problem: say(str(problem)), advance=lambda report: None
        ).run()
    say(f"{report.rows} rows imported, {report.problem_count} problems")
    return Product.objects.count()


def embed(say: Say) -> None:
    """The features of every photo, by the pipeline, in this process."""
    jobs.enqueue_missing()
    while (worked := work(seconds=_HOUR)).more:
        say(f"{worked.done} photos embedded, more to come")


def searchable(space: Space, labels: str) -> Labelled:
    """What asks and is found in the active space. Raises UnknownLabels."""
    products = list(Product.objects.filter(published=True).order_by("pk").values_list("pk", flat=True))
    first_photos: dict[int, int] = {}
    for start in range(0, len(products), _BATCH):
        for one in query_products(space=space, product_ids=products[start : start + _BATCH]).values():
            if one.photos:
                first_photos[one.product_id] = one.photos[0].image_id
    return read_labelled(encoder_id=space.encoder_id, labels=labels, first_photos=first_photos)


def built(encoder: Encoder, *, projection: str, photos: int, labels: str = "", answers: bool) -> Space:
    """A space as `spaces build` makes it; where it `answers`, it is active from then on.

    As many dimensions as usual, or as half of the `photos` allow. Raises CannotFit.
    """
    fewer = None if photos > 2 * (WHOLE - DIMENSIONS) else max(4, photos // 8 * 4)
    options = SpaceOptions(encoder=encoder, projection=projection, dimensions=fewer, labels=labels)
    space = build_space(options)
    if answers:
        activate(space.name, force=True)
    return space
