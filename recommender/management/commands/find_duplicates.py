"""`find_duplicates`: pairs of products that have photos of the same picture."""

from __future__ import annotations

import csv
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.models import Product
from recommender.monitoring.status import photos_in
from recommender.pictures.hashes import UnreadablePhoto
from recommender.search.answers import NoActiveSpace
from recommender.search.duplicates import DuplicatePair, all_duplicates
from recommender.search.space import current_space

COLUMNS = ["sku", "image", "other_sku", "other_image", "cosine", "bits"]


class Command(BaseCommand):
    help = (
        "Find pairs of published products (variants of one group aside) whose photos show the same: candidates from the "
        "index, judged by the cosine of plain features, confirmed by a perceptual hash."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--threshold", type=_share, default=None, help="least cosine, 0 to 1; DUPLICATE_THRESHOLD by default"
        )
        parser.add_argument("--csv", metavar="F", help="write the pairs to this file")
        parser.add_argument("--json", action="store_true", help="write one JSON object to standard output")

    def handle(self, *args: Any, threshold: float | None, csv: str | None, json: bool, **options: Any) -> None:
        threshold = settings.DUPLICATE_THRESHOLD if threshold is None else threshold
        pairs: list[DuplicatePair] = []
        unreadable: dict[int, UnreadablePhoto] = {}
        photos = 0
        try:
            total = photos_in(current_space())
            with tqdm(total=total, unit=" photos", desc="comparing", file=sys.stderr) as bar:
                for found in all_duplicates(threshold=threshold):
                    pairs += found.pairs
                    unreadable.update((one.image_id, one) for one in found.unreadable)
                    photos += found.photos
                    bar.update(found.photos)
        except NoActiveSpace as error:
            raise CommandError(str(error)) from error
        rows = _rows(pairs)
        if csv is not None:
            _write(csv, rows)
        if json:
            listed = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
            failed = [{"image": one.image_id, "why": one.why} for one in unreadable.values()]
            self.stdout.write(
                orjson.dumps({"threshold": threshold, "photos": photos, "pairs": listed, "unreadable": failed}).decode()
            )
        else:
            for row in rows:
                self.stdout.write("{}  photo {}  =  {}  photo {}   cosine {:.3f}, {} bits".format(*row))
            self.stdout.write(f"{len(rows)} pairs among {photos} photos at a cosine of {threshold:g}")
        if unreadable:
            lines = "\n".join(f"photo {one.image_id}: {one.why}" for one in unreadable.values())
            raise CommandError(f"{len(unreadable)} photos could not be read to confirm a pair:\n{lines}")


def _rows(pairs: Sequence[DuplicatePair]) -> list[tuple[str, int, str, int, float, int]]:
    """Most alike first."""
    ids = {product for pair in pairs for product in (pair.product_id, pair.other_product_id)}
    skus = dict(Product.objects.filter(pk__in=ids).values_list("pk", "sku"))
    rows = [
        (
            skus.get(pair.product_id, ""),
            pair.image_id,
            skus.get(pair.other_product_id, ""),
            pair.other_image_id,
            round(pair.cosine, 6),
            pair.bits,
        )
        for pair in pairs
    ]
    return sorted(rows, key=lambda row: (-row[4], row[1], row[3]))


def _write(path: str, rows: Sequence[tuple[object, ...]]) -> None:
    try:
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(rows)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value
