"""`manage.py import_products PATH|URL`: products and photos from a feed or a folder tree."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentTypeError
from contextlib import ExitStack
from getpass import getuser
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog.currencies import read_code
from catalog.feeds.formats.addresses import is_address
from catalog.feeds.importing import FeedImport
from catalog.feeds.leases import FeedBusy, LeaseLost, claim
from catalog.feeds.mapping.files import read_mapping
from catalog.feeds.mapping.suggesting import suggestion
from catalog.feeds.reading import open_feed
from catalog.feeds.report import Problem, Report
from catalog.feeds.rows import FeedError, FeedRow
from catalog.feeds.runs import recorded
from catalog.feeds.sources import SourceError
from catalog.texts import printable

_SUGGESTED_BY_ROWS = 1000
_HELP = """\
Import products from a feed (CSV, TSV, JSON, XML, XLSX, each also in gz or zip; a file, a folder or an http(s) URL) or
a folder tree (one folder a category, one photo a product). Columns: id, title, description, link, image_link,
additional_image_link, availability, quantity, price (59.50 EUR), sale_price, sale_price_effective_date, brand,
product_type (A > B > C), item_group_id; others become attributes. Photos are paths inside the feed's folder, or http(s)
URLs that the workers fetch, and ask anew at each import. published, status, removed and expiration_date hide a product or show it again. A column that a table does not have leaves the products as they are; an empty cell empties;
one that cannot be read leaves them and is reported. Products that the feed does not name stay, or are
hidden by --unpublish-missing once no feed names them any more. Importing again changes only what changed."""


class Command(BaseCommand):
    help = _HELP

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", metavar="PATH|URL", help="the feed, or the folder")
        parser.add_argument(
            "--currency",
            type=_currency,
            metavar="CODE",
            help="the currency of prices that name none, such as EUR; of a sign that several have, such as $, the one that is meant",
        )
        parser.add_argument(
            "--mapping", type=Path, metavar="FILE", help="which column is which, in TOML: docs/feeds.md"
        )
        parser.add_argument(
            "--suggest-mapping", action="store_true", help="print a mapping file to be corrected, and import nothing"
        )
        parser.add_argument(
            "--feed", metavar="NAME", help="the source that its products belong to (default: the path or URL)"
        )
        parser.add_argument(
            "--unpublish-missing", action="store_true", help="hide products of this source that no feed names any more"
        )
        parser.add_argument(
            "--force", action="store_true", help="hide them however many they are: see FEED_MISSING_SHARE"
        )
        parser.add_argument(
            "--refetch",
            action="store_true",
            help="have every photo by URL fetched anew, not only those that their server says have changed",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would change and write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["path"] if is_address(options["path"]) else Path(options["path"]).expanduser()
        try:
            if options["suggest_mapping"]:
                with open_feed(path) as feed:
                    rows = (row for row in feed.rows if isinstance(row, FeedRow))
                    self.stdout.write(suggestion(list(islice(rows, _SUGGESTED_BY_ROWS))), ending="")
                return
            report = self._import(path, options)
        except (FeedError, SourceError, FeedBusy, LeaseLost) as error:
            raise CommandError(f"{path}: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps({"path": str(path), **report.as_json()}, ensure_ascii=False))
        else:
            for notice in report.notices:
                self.stdout.write(f"Noticed: {notice}")
            self.stdout.write(_summary(report))
        if report.problem_count:
            raise CommandError(
                f"{report.problem_count} rows, cells or photos did not go in, as said above; correct them and import again"
            )

    def _import(self, path: Path | str, options: dict[str, Any]) -> Report:
        mapping = read_mapping(options["mapping"]) if options["mapping"] else None
        source = _source_name(path) if options["feed"] is None else options["feed"]
        with ExitStack() as stack:
            recorder = (
                None
                if options["dry_run"]
                else stack.enter_context(recorded(claim(source, forced_by=_forced_by(options))))
            )
            feed = stack.enter_context(open_feed(path))
            bar = stack.enter_context(self._bar(feed.size, quiet=options["verbosity"] == 0))

            def tell(problem: Problem) -> None:
                bar.clear()
                self.stderr.write(str(problem))

            def advance(report: Report) -> None:
                bar.set_postfix_str(f"{report.rows} rows", refresh=False)
                bar.update(feed.position - bar.n if feed.size else report.rows - bar.n)
                if recorder:
                    recorder.advance(report, feed)

            report = FeedImport(
                feed,
                currency=options["currency"] or "",
                mapping=mapping,
                dry_run=options["dry_run"],
                source=source,
                unpublish_missing=options["unpublish_missing"],
                force=options["force"],
                refetch=options["refetch"],
                tell=tell,
                advance=advance,
            ).run()
            if recorder:
                recorder.done(report)
        return report

    @staticmethod
    def _bar(size: int, *, quiet: bool) -> tqdm[Any]:
        unit = {"unit": "B", "unit_scale": True, "total": size} if size else {"unit": " rows"}
        return tqdm(desc="Importing", file=sys.stderr, disable=quiet, **unit)


def _source_name(path: Path | str) -> str:
    """What a feed is called that was given no name: its path, or its URL without a user's name and password."""
    if isinstance(path, Path):
        return printable(str(path.resolve()))
    scheme, _, rest = path.partition("://")
    host, slash, tail = rest.partition("/")
    return printable(f"{scheme}://{host.rpartition('@')[2]}{slash}{tail}")


def _forced_by(options: dict[str, Any]) -> str:
    """Who has this import hide however many products; a system user may have no name."""
    if not (options["force"] and options["unpublish_missing"]):
        return ""
    try:
        return f"import_products --force of {getuser()}"
    except (KeyError, OSError):
        return f"import_products --force of user {os.getuid()}"


def _currency(text: str) -> str:
    """The type of --currency."""
    try:
        return read_code(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error


def _summary(report: Report) -> str:
    changes = report.changes
    would = "would be " if report.dry_run else ""
    hidden = f"{report.hidden} products {would}hidden; " if report.hidden else ""
    return (
        f"{report.rows} rows: {changes.created} products {would}created, {changes.updated} {would}updated, "
        f"{changes.unchanged} unchanged; {changes.photos_added} photos {would}added, "
        f"{changes.photos_removed} {would}removed; {hidden}{report.problem_count} problems"
    )
