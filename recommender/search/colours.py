"""Colours as callers name them: how much colour counts, and colours to search by."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.parameters import InvalidParameter, Parameters, number_in, quoted, read_listed
from recommender.encoder.colour import Rgb, colour_row
from recommender.index.parts import Weighing, has_colour, weighing
from recommender.models import Space
from recommender.projection.apply import beside, projection_of

WeightedColour = tuple[Rgb, float]

MOST_COLOURS = 5
MOST_WEIGHT = 1000.0
_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
_WORDS = "a colour is 3 or 6 hexadecimal digits, with a weight above 0 after a colon if you like, such as c04a1f:3"


def weighing_of(space: Space, asked: float | None) -> Weighing | None:
    """How shape and colour count in a search: by `asked` or else as the space says; None in a space without colour.

    Raises InvalidParameter where a weight is asked of a space without colour.
    """
    if has_colour(space):
        return weighing(space, space.colour_weight if asked is None else asked)
    if asked is not None:
        raise no_colour("color_weight")
    return None


def no_colour(parameter: str) -> InvalidParameter:
    """The error for a parameter about colour where the vectors of the active space have no colour part."""
    return InvalidParameter(
        parameter, "the active space has no colour part; `manage.py spaces upgrade` builds one that has"
    )


def parse_colours(parameters: Parameters) -> list[WeightedColour]:
    """`hex=c04a1f:3,ffffff`: one to five colours, the weight 1 where none is written. Raises InvalidParameter."""
    written = read_listed(parameters, "hex", most=MOST_COLOURS)
    if not written:
        raise InvalidParameter("hex", f"at least one colour is needed; {_WORDS}")
    return list(dict.fromkeys(_parsed(one) for one in written))  # one colour may be written in several ways


def hex_of(rgb: Rgb) -> str:
    """Six lower-case digits."""
    return "".join(f"{channel:02x}" for channel in rgb)


def colour_query(space: Space, colours: Sequence[WeightedColour]) -> NDArray[np.float32]:
    """A vector float32 (d,) of a space with colour that says nothing of shape."""
    colour = projection_of(space).colour
    assert colour is not None
    part = colour(colour_row(colours)[None, :])[0]
    return beside(np.zeros(space.shape_dimensions, np.float32), part, space.colour_weight)


def _parsed(text: str) -> WeightedColour:
    digits, colon, weight = text.partition(":")
    found = _HEX.fullmatch(digits)
    if found is None:
        raise InvalidParameter("hex", f"{quoted(text)}: {_WORDS}")
    value = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
    red, green, blue = bytes.fromhex(value)
    return (red, green, blue), _weight(text, weight) if colon else 1.0


def _weight(text: str, written: str) -> float:
    value = number_in(written)
    if not 0 < value <= MOST_WEIGHT:
        raise InvalidParameter("hex", f"{quoted(text)}: the weight must be a number above 0, {MOST_WEIGHT:g} at most")
    return value
