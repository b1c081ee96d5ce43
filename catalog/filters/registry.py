"""Every filter there is, and how a caller's parameters become the filters of a search.

A filter is a module of catalog.filters.entries with one Filter class in it; nothing else has to be told about it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Collection
from importlib import import_module

from catalog.filters import entries
from catalog.filters.base import Filter, Parameter
from catalog.filters.chosen import Filters
from catalog.parameters import Parameters, check_values, unknown_parameter


def _found() -> tuple[type[Filter], ...]:
    """The filters of all modules of the package, in the order of the modules' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(entries.__path__, f"{entries.__name__}."))
    return tuple(
        member
        for name in names
        for member in vars(import_module(name)).values()
        if isinstance(member, type) and issubclass(member, Filter) and member.__module__ == name
    )


FILTERS: tuple[type[Filter], ...] = _found()
PARAMETERS: tuple[Parameter, ...] = tuple(parameter for kind in FILTERS for parameter in kind.parameters)


def read_filters(parameters: Parameters, *, also: Collection[str] = ()) -> Filters:
    """The filters among a caller's parameters. `also`: names that the caller of this reads itself.

    Raises InvalidParameter: for a name that nobody reads too, and for too many values, the others' among them.
    """
    for name in parameters:
        if name not in also and not any(parameter.takes(name) for parameter in PARAMETERS):
            raise unknown_parameter(name, _known(also))
    for kind in FILTERS:
        kind.check(parameters)
    check_values(parameters)
    chosen = (kind.read(parameters) for kind in FILTERS)
    return Filters(tuple(one for one in chosen if one is not None))


def _known(also: Collection[str]) -> list[str]:
    """The names that are taken, alphabetically, then what names begin with."""
    names = sorted({*also, *(parameter.name for parameter in PARAMETERS if not parameter.open)})
    return [*names, *(parameter.written("<name>") for parameter in PARAMETERS if parameter.open)]
