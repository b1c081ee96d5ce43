"""`bench pipeline|search|photo_search|relevance|spaces|import`: measure, print a table, and say honestly which targets were missed."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Measure the embedding pipeline, the search, the search by photo, what is called alike, the building of spaces, or the "
        "import of feeds. Ends non-zero when a target is missed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_subparsers(dest="which", required=True)
        pipeline = which.add_parser("pipeline", help="decode, forward, insert, end to end, latency, encoders")
        pipeline.add_argument("--photos", type=Path, help="a folder of photos (default: the real ones, or drawn)")
        pipeline.add_argument("--without-encoders", action="store_true", help="leave out the comparison of encoders")
        pipeline.add_argument("--json", type=Path, help="write the result to this file")
        search = which.add_parser("search", help="the search over vectors derived from real photos")
        from recommender.bench.search import run as search_bench

        search_bench.add_arguments(search)
        photo_search = which.add_parser(
            "photo_search", help="searches by photo beside their arithmetic, and their memory"
        )
        from recommender.bench.photo_search import run as photo_search_bench

        photo_search_bench.add_arguments(photo_search)
        relevance = which.add_parser("relevance", help="answers by the labels of a catalogue, the dial, changed photos")
        from recommender.bench.relevance import run as relevance_bench

        relevance_bench.add_arguments(relevance)
        spaces = which.add_parser("spaces", help="time and memory of building spaces of synthetic features")
        from recommender.bench.spaces import run as spaces_bench

        spaces_bench.add_arguments(spaces)
        importing = which.add_parser("import", help="reading and importing feeds: rows a second, memory")
        from recommender.bench.importing import run as import_bench

        import_bench.add_arguments(importing)

    def handle(self, *args: Any, which: str, **options: Any) -> None:
        if which == "pipeline":
            self._pipeline(**options)
        elif which == "photo_search":
            from recommender.bench.photo_search import run as photo_search_bench

            photo_search_bench.handle(self, **options)
        elif which == "relevance":
            from recommender.bench.relevance import run as relevance_bench

            relevance_bench.handle(self, **options)
        elif which == "spaces":
            from recommender.bench.spaces import run as spaces_bench

            spaces_bench.handle(self, **options)
        elif which == "import":
            from recommender.bench.importing import run as import_bench

            import_bench.handle(self, **options)
        else:
            from recommender.bench.search import run as search_bench

            search_bench.handle(self, **options)

    def _pipeline(self, *, photos: Path | None, json: Path | None, without_encoders: bool, **_: Any) -> None:
        from recommender.bench.pipeline import run as pipeline

        if photos is not None and not photos.is_dir():
            raise CommandError(f"--photos {photos}: there is no such folder")
        try:
            result = pipeline.run(photos=photos, say=self.stderr.write, compare_encoders=not without_encoders)
        except (RuntimeError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(pipeline.table(result))
        if json:
            json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
        if result["missed"]:
            raise CommandError(f"{len(result['missed'])} targets were missed")
