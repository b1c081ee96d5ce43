"""Draws a catalogue to try the product with: photos, and the feed that `import_products` reads."""

from __future__ import annotations

import csv
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog.demo.drawing import KINDS, draw_product, look_of

COLUMNS = "id title description link image_link additional_image_link availability price brand product_type".split()
COLUMNS += ["item_group_id", "colour", "pattern", "size"]
SHELVES = {
    "mug": "Home > Kitchen > Mugs",
    "bottle": "Home > Kitchen > Bottles",
    "lamp": "Home > Furniture > Lamps",
    "chair": "Home > Furniture > Chairs",
    "shirt": "Fashion > Clothing > Shirts",
    "hat": "Fashion > Accessories > Hats",
    "bag": "Fashion > Accessories > Bags",
    "shoe": "Fashion > Shoes",
}
BRANDS = ("Alder", "Birch", "Cedar", "Dune", "Elm")
# Of each kind, every fifth product is another size of the one before and shares its photo.
VARIANT_EVERY = 5
SIZES = ("M", "L")
# Every third product has a second photo.
SECOND_PHOTO_EVERY = 3


class Command(BaseCommand):
    help = "Draw a catalogue: FOLDER/products.csv and FOLDER/images/, the same for the same number of products."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--products", type=int, default=240, help="how many (default 240)")
        parser.add_argument("--side", type=int, default=320, help="side of the photos in pixels (default 320)")

    def handle(self, *args: Any, folder: Path, products: int, side: int, verbosity: int, **options: Any) -> None:
        if products < 1 or side < 16:
            raise CommandError("--products must be at least 1 and --side at least 16")
        (folder / "images").mkdir(parents=True, exist_ok=True)
        rows = [_row(number) for number in range(products)]
        files = sorted({name for row in rows for name in (row["image_link"], row["additional_image_link"]) if name})
        todo = [(str(folder / name), side) for name in files]
        with ProcessPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            list(tqdm(pool.map(_draw, todo, chunksize=8), "drawing", len(todo), unit="photo", disable=verbosity == 0))
        feed = folder / "products.csv"
        with feed.with_suffix(".part").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        feed.with_suffix(".part").replace(feed)  # a feed that is there is whole
        if verbosity:
            self.stdout.write(f"{len(rows)} drawn products of {min(len(KINDS), products)} kinds in {feed}")


def _row(number: int) -> dict[str, str]:
    """The feed's row of a product; all chance comes from its number."""
    kind = list(KINDS)[number % len(KINDS)]
    of_kind = number // len(KINDS)
    variant = of_kind % VARIANT_EVERY == VARIANT_EVERY - 1
    drawn = of_kind - 1 if variant else of_kind
    look = look_of(kind, drawn)
    random = Random(f"row {kind} {drawn}")
    price = random.randint(5, 120) + random.choice((0.0, 0.5, 0.9))
    brand = random.choice(BRANDS)
    grouped = drawn % VARIANT_EVERY == VARIANT_EVERY - 2
    pattern = "" if look.pattern == "plain" else f" with {look.pattern}"
    return {
        "id": f"DRAWN-{kind.upper()}-{of_kind:03}",
        "title": f"{kind.capitalize()} {of_kind:03} (drawn)",
        "description": f"A {look.colour} {kind}{pattern}. Drawn by a program for demonstration, not a photo.",
        "link": "",
        "image_link": f"images/{kind}-{drawn:03}.jpg",
        "additional_image_link": f"images/{kind}-{drawn:03}-b.jpg" if drawn % SECOND_PHOTO_EVERY == 0 else "",
        "availability": "out of stock" if random.random() < 0.1 else "in stock",
        "price": f"{price:.2f} EUR",
        "brand": brand,
        "product_type": SHELVES[kind],
        "item_group_id": f"DRAWN-{kind.upper()}-{drawn:03}" if grouped else "",
        "colour": look.colour,
        "pattern": look.pattern,
        "size": (SIZES[1] if variant else SIZES[0]) if grouped else "",
    }


def _draw(task: tuple[str, int]) -> None:
    name, side = task
    kind, number, *second = Path(name).stem.split("-")
    draw_product(kind, int(number), side, view=len(second)).save(name, quality=88)
