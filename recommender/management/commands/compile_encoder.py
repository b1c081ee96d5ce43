"""`manage.py compile_encoder [NAME]`: the one step that needs TensorFlow."""

from __future__ import annotations

import io
import json
import time
from argparse import ArgumentParser
from contextlib import nullcontext, redirect_stdout
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.encoder.compile import CompileFailed, compile_encoder
from recommender.encoder.registry import ENCODERS
from recommender.encoder.store import CompiledEncoder
from recommender.spaces.first import ensure_first_space


class Command(BaseCommand):
    help = "Compile an encoder to LiteRT, check it against its Keras model and store it in Postgres for every machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help=f"the setting ENCODER by default; one of: {', '.join(ENCODERS)}")
        parser.add_argument("--json", action="store_true", help="write one object instead of progress")

    def handle(self, *args: Any, name: str | None, **options: Any) -> None:
        def report(line: str) -> None:
            if not options["json"]:
                self.stdout.write(line)
                self.stdout.flush()

        made: list[CompiledEncoder] = []
        started = time.monotonic()
        try:
            # Keras draws the bar of a download on standard output, where JSON stands alone.
            with redirect_stdout(io.StringIO()) if options["json"] else nullcontext():
                row = compile_encoder(name, report=report, on_result=made.append)
        except (ValueError, CompileFailed) as error:
            raise CommandError(str(error)) from error
        space = ensure_first_space(encoder=row)
        if space.encoder_id == row.pk:
            report(f"space {space} answers with it")
        else:
            report(f"space {space} still answers; `spaces upgrade` builds the same kind of space on {row.name}")
        if options["json"]:
            answer = {
                "encoder": row.name,
                "id": row.pk,
                "sha256": row.sha256,
                "weights": row.weights,
                "precision": row.precision,
                "pooling": row.pooling,
                "recipe": row.recipe,
                "side": row.side,
                "dimensions": row.dimensions,
                "reused": not made,
                "bytes": len(made[0].compiled) if made else None,
                "least_cosine": made[0].least_cosine if made else None,
                "median_cosine": made[0].median_cosine if made else None,
                "seconds": round(time.monotonic() - started, 2),
            }
            self.stdout.write(json.dumps(answer))
