"""`find_duplicates`: products that have photos of the same picture, as clusters."""

from __future__ import annotations

import csv
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.models import Product
from catalog.spreadsheets import spreadsheet_cell
from recommender.index.types import SpaceGone
from recommender.monitoring.status import photos_in
from recommender.search.answers import NoActiveSpace
from recommender.search.cluster_list import Cluster, Clusters, Member, duplicate_clusters
from recommender.search.space import current_space

# `sku` and `image` are of the cluster's representative, `other_sku` and `other_image` of one of its members.
COLUMNS = ["sku", "image", "other_sku", "other_image", "cosine", "bits", "cluster", "kind", "photos"]
PAIR = COLUMNS[:6]
LISTED = 10  # members of a cluster that are written for people


class Command(BaseCommand):
    help = (
        "Find published products (variants of one group count as one) whose photos show the same: candidates from the "
        "index, judged by the cosine of plain features, confirmed by a perceptual hash. They are listed as clusters: the "
        "oldest photo represents a cluster, and each of the others was confirmed against it. Placeholders are clusters, too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--threshold", type=_share, default=None, help="least cosine, 0 to 1; DUPLICATE_THRESHOLD by default"
        )
        parser.add_argument("--csv", metavar="F", help="write the clusters to this file, a row for each member")
        parser.add_argument("--json", action="store_true", help="write one JSON object to standard output")

    def handle(self, *args: Any, threshold: float | None, csv: str | None, json: bool, **options: Any) -> None:
        threshold = settings.DUPLICATE_THRESHOLD if threshold is None else threshold
        try:
            with tqdm(total=photos_in(current_space()), unit=" photos", desc="comparing", file=sys.stderr) as bar:
                found = duplicate_clusters(threshold=threshold, progress=bar.update)
        except NoActiveSpace as error:
            raise CommandError(str(error)) from error
        except SpaceGone as error:
            raise CommandError("the active space was retired meanwhile; begin again") from error
        rows = list(_rows(found.clusters))
        if csv is not None:
            _write(csv, rows)
        if json:
            self.stdout.write(orjson.dumps(_json(threshold, found, rows)).decode())
        else:
            for line in _lines(rows):
                self.stdout.write(line)
            count = f"{len(found.clusters)} clusters, {len(rows)} pairs"
            self.stdout.write(f"{count} among {found.photos} photos at a cosine of {threshold:g}")
        if found.unreadable:
            lines = "\n".join(f"photo {one.image_id}: {one.why}" for one in found.unreadable)
            raise CommandError(f"{len(found.unreadable)} photos could not be read to confirm a pair:\n{lines}")


def _rows(clusters: Sequence[Cluster]) -> Iterator[dict[str, Any]]:
    """A row for each member, by COLUMNS; `cluster` counts from 1."""
    ids = {cluster.product_id for cluster in clusters}
    ids |= {member.product_id for cluster in clusters for member in cluster.members}
    skus = dict(Product.objects.filter(pk__in=ids).values_list("pk", "sku"))
    for number, cluster in enumerate(clusters, start=1):
        for member in cluster.members:
            yield {
                "sku": skus.get(cluster.product_id, ""),
                "image": cluster.image_id,
                "other_sku": skus.get(member.product_id, ""),
                "other_image": member.image_id,
                **_likeness(member),
                "cluster": number,
                "kind": cluster.kind,
                "photos": member.photos,
            }


def _likeness(member: Member) -> dict[str, float | int | None]:
    if member.likeness is None:
        return {"cosine": None, "bits": None}
    return {"cosine": round(member.likeness.cosine, 6), "bits": member.likeness.bits}


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The clusters for people: a pair in one line, else the first LISTED members."""
    for number, members in _by_cluster(rows):
        first = members[0]
        shown = f"{first['sku']}  photo {first['image']}"
        if len(members) == 1 and first["kind"] == "duplicates":
            yield f"{shown}{_line(first)}"
            continue
        yield f"{first['kind']}, cluster {number}: {shown}, and {len(members)} more"
        yield from map(_line, members[:LISTED])
        if len(members) > LISTED:
            yield f"  and {len(members) - LISTED} others, which --csv and --json list"


def _line(row: dict[str, Any]) -> str:
    measured = "" if row["cosine"] is None else f"   cosine {row['cosine']:.3f}, {row['bits']} bits"
    return f"  =  {row['other_sku']}  photo {row['other_image']}{measured}"


def _json(threshold: float, found: Clusters, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    clusters = [
        {
            **{name: members[0][name] for name in ("cluster", "kind", "sku", "image")},
            "members": [
                {
                    "sku": row["other_sku"],
                    "image": row["other_image"],
                    **{name: row[name] for name in ("cosine", "bits", "photos")},
                }
                for row in members
            ],
        }
        for _, members in _by_cluster(rows)
    ]
    return {
        "threshold": threshold,
        "photos": found.photos,
        "clusters": clusters,
        "pairs": [{name: row[name] for name in PAIR} for row in rows if row["kind"] == "duplicates"],
        "unreadable": [{"image": one.image_id, "why": one.why} for one in found.unreadable],
    }


def _by_cluster(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    by_number: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        by_number.setdefault(row["cluster"], []).append(row)
    yield from by_number.items()


def _write(path: str, rows: Sequence[dict[str, Any]]) -> None:
    try:
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows({name: spreadsheet_cell(value) for name, value in row.items()} for row in rows)
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
