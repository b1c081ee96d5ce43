"""`manage.py sweep_files`: remove stored files that no row names any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from catalog.photos.sweep import sweep_files


class Command(BaseCommand):
    help = "Remove photos and thumbnails that no product names any more. Runs by itself every hour where beat runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--grace", type=int, metavar="SECONDS", help="keep younger files (FILE_GRACE_SECONDS)")
        parser.add_argument("--dry-run", action="store_true", help="count only")

    def handle(self, *args: Any, **options: Any) -> None:
        swept = sweep_files(grace_seconds=options["grace"], dry_run=options["dry_run"])
        done = "would be removed" if options["dry_run"] else "removed"
        self.stdout.write(f"{swept.seen} files, {swept.removed} {done}")
