"""`spaces list|build|evaluate|activate|retire|improve|upgrade`: the spaces that the storefront can be answered from, and which one is."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from recommender.encoder.registry import UnknownEncoder
from recommender.encoder.store import EncoderNotCompiled
from recommender.evaluation.label_names import USABLE
from recommender.evaluation.report import confidence, tables
from recommender.index.base import EngineAway
from recommender.management.bars import Bars
from recommender.models import Space
from recommender.spaces.automatic import improve
from recommender.spaces.build import BuildInProgress, build_space, continue_build, judge_and_keep
from recommender.spaces.colour import LEAST_WEIGHT, MOST_WEIGHT, UNFITTED_WEIGHT, WEIGHT
from recommender.spaces.listing import list_spaces
from recommender.spaces.options import SpaceOptions, encoder_named, resumable
from recommender.spaces.switch import SwitchRefused, activate, retire
from recommender.spaces.upgrade import upgrade

_PARAMETERS = ("m", "ef_construction", "ef_search", "max_scan_tuples", "lists", "probes", "oversample")
_REFUSALS = (ValueError, EncoderNotCompiled, UnknownEncoder, BuildInProgress, SwitchRefused, EngineAway)


class Command(BaseCommand):
    help = "Show, build, judge, switch and retire spaces."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="every space, newest first")
        build = actions.add_parser(
            "build", help="build a space beside the active one, or go on with an interrupted build"
        )
        _build_arguments(build)
        judging = actions.add_parser("evaluate", help="judge a space on held-out photos and keep the figures")
        judging.add_argument("name")
        judging.add_argument("--labels", help=USABLE)
        switch = actions.add_parser("activate", help="make a space the one that answers")
        switch.add_argument("name")
        switch.add_argument("--force", action="store_true", help="in spite of every objection")
        removal = actions.add_parser("retire", help="take away a space that is not active")
        removal.add_argument("name")
        improvement = actions.add_parser(
            "improve",
            help="fit, judge and switch to a better space at once, as the product does by itself when a shop grows",
        )
        newer = actions.add_parser(
            "upgrade", help="embed again with the newest encoder, build the same kind of space on it and switch to it"
        )
        newer.add_argument("--encoder", help="default: the setting ENCODER; `compile_encoder` makes others")
        for one in (listing, build, judging, switch, removal, improvement, newer):
            one.add_argument("--json", action="store_true", help="write one JSON object to standard output")

    def handle(self, *args: Any, action: str, json: bool, **options: Any) -> None:
        self._json = json
        try:
            getattr(self, f"_{action}")(**options)
        except _REFUSALS as error:
            raise CommandError(str(error)) from error

    def _list(self, **_: Any) -> None:
        spaces = list_spaces()
        self._show({"spaces": spaces}, tables.spaces(spaces))

    def _build(self, *, name: str | None, resume: str | None, **options: Any) -> None:
        with Bars(sys.stderr) as bars:
            if resume:
                space = continue_build(resumable(resume), progress=bars, warn=bars.warn)
            else:
                space = build_space(_options(options), name=name, progress=bars, warn=bars.warn)
        self._judged(space, f"Space {space.name} is complete: `spaces activate {space.name}` switches to it.")

    def _evaluate(self, *, name: str, labels: str | None, **_: Any) -> None:
        space = Space.objects.filter(name=name).exclude(state__in=[Space.State.BUILDING, Space.State.RETIRED]).first()
        if space is None:
            raise CommandError(f"there is no complete space {name!r}; `spaces list` shows them")
        with Bars(sys.stderr) as bars:
            judge_and_keep(space, labels=labels, progress=bars)
        self._judged(space, "")

    def _activate(self, *, name: str, force: bool, **_: Any) -> None:
        with Bars(sys.stderr) as bars:
            switched = activate(name, force=force, progress=bars)
        for warning in switched.warnings:
            self.stderr.write(f"warning: {warning}")
        before = switched.before
        told = {
            "active": name,
            "before": before and before.name,
            "added": switched.reconciled.added,
            "removed": switched.reconciled.removed,
            "warnings": switched.warnings,
        }
        if before is not None and before.pk == switched.space.pk:
            self._show(told, f"Space {name} is active already.")
            return
        rest = f" {before.name} stays readable: `spaces retire {before.name}` takes it away." if before else ""
        put = (
            f" Put right: {told['added']} vectors added, {told['removed']} removed."
            if told["added"] or told["removed"]
            else ""
        )
        self._show(told, f"Space {name} answers now.{put}{rest}")

    def _retire(self, *, name: str, **_: Any) -> None:
        retire(name)
        self._show({"retired": name}, f"Space {name} is retired; the features of its photos are kept.")

    def _improve(self, **_: Any) -> None:
        with Bars(sys.stderr) as bars:
            improved = improve(waits=True, progress=bars, warn=bars.warn)
        space, before = improved.space, improved.before
        told = {"active": space and space.name, "before": before and before.name, "reasons": improved.reasons}
        answers = f"Space {space.name} answers now; {before.name} stays readable." if space and before else ""
        stays = f"Space {space.name} still answers." if space and not before else ""
        judged = space.judged if space and before else None
        lines = [tables.quality(judged) if judged else "", answers or stays, *improved.reasons]
        self._show(told, "\n".join(filter(None, lines)))

    def _upgrade(self, *, encoder: str | None, **_: Any) -> None:
        with Bars(sys.stderr) as bars:
            upgraded = upgrade(encoder=encoder_named(encoder), progress=bars, warn=bars.warn)
        switched = upgraded.switched
        if switched is None:
            self._show({"upgraded": False, "reason": upgraded.nothing}, upgraded.nothing)
            return
        space, before = switched.space, switched.before
        for warning in switched.warnings:
            self.stderr.write(f"warning: {warning}")
        told = {"upgraded": True, "active": space.name, "before": before and before.name, "warnings": switched.warnings}
        back = f" {before.name} stays ready: `spaces activate {before.name}` goes back to it." if before else ""
        judged = tables.quality(space.judged) + "\n" if space.judged else ""
        self._show(told, f"{judged}Space {space.name} answers now.{back}")

    def _judged(self, space: Space, last: str) -> None:
        quality = space.judged
        assert quality is not None  # a complete space was judged
        chosen = space.fit.shrinkage if space.fit else None
        shrinkage = {} if chosen is None else {"shrinkage": chosen.as_json()}
        calibrated = {"calibration": space.calibration or None}
        figures = {"space": space.name, "state": space.state, **shrinkage, **quality.as_json(), **calibrated}
        texts = [tables.quality(quality), tables.shrinkage(space), confidence.for_terminal(space), last]
        self._show(figures, "\n".join(filter(None, texts)))

    def _show(self, value: object, text: str) -> None:
        self.stdout.write(orjson.dumps(value).decode() if self._json else text.rstrip())


def _build_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--name", help="of the new space; made of its projection and dimensions by default")
    parser.add_argument("--resume", metavar="NAME", help="go on with an interrupted build; nothing else is needed")
    parser.add_argument("--encoder", help="default: the setting ENCODER; `compile_encoder` makes others")
    parser.add_argument("--projection", choices=Space.Kind.values, default=Space.Kind.PCA.value)
    parser.add_argument(
        "--dims", type=int, help="of the whole vector; default: 256, learned without colours 128, all for none"
    )
    parser.add_argument(
        "--color-weight",
        type=float,
        metavar="A",
        help=f"share of colour in a score, {LEAST_WEIGHT} to {MOST_WEIGHT}, or 0 for no colour part; default: {WEIGHT}, of basis "
        f"{UNFITTED_WEIGHT}, and 0 where the encoder counts no colours, with other metrics than cosine, a binary index, augmentation or none",
    )
    parser.add_argument(
        "--color-dims", type=int, metavar="N", help="of --dims for colour; default: 64, a quarter of fewer than 256"
    )
    parser.add_argument("--labels", default="", help=f"{USABLE} (default: category)")
    parser.add_argument(
        "--augment", type=int, default=0, metavar="N", help="average each photo with its N nearest; default 0"
    )
    parser.add_argument("--metric", choices=Space.Metric.values, default=Space.Metric.COSINE.value)
    parser.add_argument("--index", choices=Space.Index.values, default=Space.Index.HNSW.value)
    for name in _PARAMETERS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, help="of the index")


def _options(given: dict[str, Any]) -> SpaceOptions:
    return SpaceOptions(
        encoder=encoder_named(given["encoder"]),
        projection=given["projection"],
        dimensions=given["dims"],
        colour_weight=given["color_weight"],
        colour_dimensions=given["color_dims"],
        labels=given["labels"],
        augment=given["augment"],
        metric=given["metric"],
        index=given["index"],
        parameters={name: given[name] for name in _PARAMETERS if given[name] is not None},
    )
