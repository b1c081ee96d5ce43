"""The setting chooses the engine by one line of the registry; the contract's own example is an engine that works."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

import numpy as np
import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from numpy.typing import NDArray
from pytest_django import Settings

from catalog.filters.chosen import Filters
from recommender.index import base
from recommender.index.pgvector.engine import PgvectorIndex
from recommender.index.registry import ENGINES, vector_index
from recommender.index.search import VectorSearch, vector_search
from recommender.index.types import VectorRow
from tests.catalog.filters.chosen import filtering
from tests.recommender.index.engines import chosen
from tests.recommender.index.numpy_engine import NumpyIndex
from tests.recommender.search.gallery import Shop, assert_same_answer, make_space, random_units

VECTORS = random_units(20)


def test_pgvector_is_the_engine_unless_another_is_named() -> None:
    assert isinstance(vector_index(), PgvectorIndex) and vector_index() is vector_index()
    assert vector_search() is vector_search()
    with chosen("numpy") as engine:
        assert isinstance(engine, NumpyIndex) and engine is vector_index()
    assert isinstance(vector_index(), PgvectorIndex)


def test_an_unknown_engine_is_named_with_those_that_exist(settings: Settings) -> None:
    settings.VECTOR_ENGINE = "milwus"
    words = f"VECTOR_ENGINE is 'milwus'; set it to one of: {', '.join(ENGINES)}"
    assert [(one.id, one.msg) for one in run_checks() if one.id == "recommender.E004"] == [("recommender.E004", words)]
    with pytest.raises(ImproperlyConfigured) as error:
        vector_index()
    assert str(error.value) == words


def test_the_check_finds_nothing_to_say_of_an_engine_that_exists() -> None:
    assert not [one for one in run_checks() if one.id == "recommender.E004"]


@pytest.mark.django_db
def test_the_example_of_the_contract_answers() -> None:
    text = inspect.getdoc(base) or ""
    begin, end = text.index("    class InMemory"), text.index("`tests/recommender/index`")
    names: dict[str, Any] = {**vars(base), "np": np, "NDArray": NDArray}
    exec(textwrap.dedent(text[begin:end]), names)
    engine: base.VectorIndex = names["InMemory"]()
    shop = Shop(make_space(metric="ip"))
    shop.add_many([(VECTORS[i : i + 1], {"price": i}) for i in range(20)])
    engine.check(metric="ip", index="hnsw", dimensions=8, parameters={})
    with pytest.raises(base.UnknownCombination, match="'l2'"):
        engine.check(metric="l2", index="hnsw", dimensions=8, parameters={})
    engine.create(space=shop.space)
    rows = [VectorRow(image, shop.owner[image], vector) for image, vector in shop.vectors.items()]
    engine.sync(space=shop.space, present=rows, gone=[])
    engine.build(space=shop.space)
    assert engine.ready(space=shop.space) and engine.ids(space=shop.space, after=0, most=20).tolist() == sorted(
        shop.owner
    )
    assert engine.sizes(space=shop.space).total_bytes == 20 * 8 * 4
    search = VectorSearch(engine, exact_below=0, completes=False)
    for filters in (Filters(), filtering(min_price=15)):  # type: ignore[arg-type]
        found = search.search(space=shop.space, vector=VECTORS[3], filters=filters, k=6)
        assert_same_answer(found, shop.answer(VECTORS[3], filters, 6), shop)
    engine.drop(space=shop.space)
    assert not engine.ready(space=shop.space)
