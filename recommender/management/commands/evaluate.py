"""`evaluate`: how good the answers of a space are, leave-one-out and on held-out photos; with a report as HTML."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from recommender.evaluation.judging import judge
from recommender.evaluation.label_names import USABLE, UnknownLabels
from recommender.evaluation.live import MOST_QUERIES, LiveScores, live_scores
from recommender.evaluation.quality import quality_of
from recommender.evaluation.recall import recall_of
from recommender.evaluation.report import confidence, tables
from recommender.evaluation.report.page import render
from recommender.evaluation.scores import summary
from recommender.management.bars import Bars
from recommender.models import Space
from recommender.records.quality import Figures, Quality, figures_json
from recommender.spaces.active import active_beside, active_space
from recommender.spaces.calibrating import keep_calibration


class Command(BaseCommand):
    help = "Measure a space: P@1, P@10, mAP@50 and Recall@k by label, through the index, exactly, and against a floor."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--space", help="name; default: the active one")
        parser.add_argument(
            "--labels",
            help=f"{USABLE}; default: what the space was built for, else category",
        )
        parser.add_argument(
            "--queries", type=int, default=MOST_QUERIES, help="at most so many photos ask (default %(default)s)"
        )
        parser.add_argument("--json", metavar="F", help="write one JSON object to F")
        parser.add_argument(
            "--report", metavar="F.html", help="write one self-contained page with plots and pictures to F.html"
        )

    def handle(self, *args: Any, space: str | None, labels: str | None, queries: int, **options: Any) -> None:
        chosen = _space(space)
        for name in ("json", "report"):
            if options[name] and not Path(options[name]).absolute().parent.is_dir():
                raise CommandError(f"--{name} {options[name]}: there is no such folder")
        with Bars(sys.stderr) as bars:
            try:
                live = live_scores(chosen, labels=labels or chosen.labels or "category", most=queries, progress=bars)
                judgement = judge(chosen, rival=active_beside(chosen), labels=labels, progress=bars)
            except UnknownLabels as error:
                raise CommandError(str(error)) from error
            recall, _ = recall_of(chosen)
            quality = quality_of(judgement, ann_recall=recall)
            keep_calibration(chosen, progress=bars)
            calibration = chosen.calibrated
            everywhere = {way: summary(scores, live.groups) for way, scores in live.scores.items()}
            result: dict[str, object] = {
                "space": chosen.name,
                "live": _described(live, everywhere),
                "held_out": quality.as_json(),
            }
            result["calibration"] = calibration and calibration.as_json()
            if options["report"]:
                page = render(judgement, quality, everywhere, progress=bars)
                Path(options["report"]).write_text(page, encoding="utf-8")
        if labels is None and chosen.state != Space.State.BUILDING:
            Space.objects.filter(pk=chosen.pk).update(quality=quality.as_json())
        if options["json"]:
            Path(options["json"]).write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
        self._print(chosen, live, everywhere, quality)

    def _print(self, space: Space, live: LiveScores, everywhere: Mapping[str, Figures], quality: Quality) -> None:
        self.stdout.write(f"Space {space.name}: {space.encoder.name}, {space.projection}, {tables.dimensions(space)}\n")
        asked = len(live.image_ids)
        if not asked and not quality.systems:
            raise CommandError(
                f"no two photos share a label ({live.labels}): there is nothing to measure; try other --labels"
            )
        if asked:
            self.stdout.write(f"All photos, leave-one-out by {live.labels}: {asked} queries of {live.photos} photos")
            self.stdout.write(tables.live(everywhere))
            for label, scores in live.each_label.items():
                self.stdout.write(f"\nThe same answers by {label} alone")
                self.stdout.write(tables.live({way: summary(one, live.groups) for way, one in scores.items()}))
            if space.projection == Space.Kind.LEARNED:
                self.stdout.write("These photos taught the space; the held-out ones below judge it.")
        else:  # photos of one product, or of one group of variants, are never answers to each other
            self.stdout.write(f"By {live.labels} no page of answers can be judged; the held-out photos below can.")
        self.stdout.write(
            "\n".join(
                filter(None, ["", tables.quality(quality), tables.shrinkage(space), confidence.for_terminal(space)])
            )
        )


def _space(name: str | None) -> Space:
    if name is None:
        active = active_space()
        if active is None:
            raise CommandError("no space is active yet: run `manage.py compile_encoder` first")
        return active
    usable = Space.objects.select_related("encoder").exclude(state__in=[Space.State.BUILDING, Space.State.RETIRED])
    space = usable.filter(name=name).first()
    if space is None:
        raise CommandError(f"there is no complete space {name!r}; `spaces list` shows them")
    return space


def _described(live: LiveScores, everywhere: Mapping[str, Figures]) -> dict[str, object]:
    systems = {way: figures_json(figures) for way, figures in everywhere.items()}
    told: dict[str, object] = {
        "labels": live.labels,
        "photos": live.photos,
        "queries": len(live.image_ids),
        "systems": systems,
    }
    if live.each_label:
        told["each_label"] = {
            label: {way: figures_json(summary(one, live.groups)) for way, one in scores.items()}
            for label, scores in live.each_label.items()
        }
    return told
