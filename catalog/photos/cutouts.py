"""Cut-outs, objects on transparency: the ground that they are laid onto so that they can be seen."""

from __future__ import annotations

import numpy as np
from PIL import Image

from catalog.photos.framing import OBJECT_BEYOND, beyond, planes, reduction
from catalog.photos.rgb import strips
from catalog.photos.squares import WHITE, Colour, Part

# The ground for what could not be told from white: the middle of the scale, which is what networks take for nothing.
GREY: Colour = (128, 128, 128)


def laid_on_ground(picture: Image.Image, part: Part) -> tuple[Image.Image, Image.Image | None, Colour]:
    """A picture RGB or RGBA → RGB, its alpha "L", and the ground that was chosen by what the part shows.

    Without alpha, or where all of the part is opaque: None, and white.
    """
    if picture.mode != "RGBA":
        return picture, None, WHITE
    alpha = picture.getchannel("A")
    if int(planes(alpha, part, reduction(part))[0].min()) >= 255 - OBJECT_BEYOND:
        return laid_on(picture, WHITE), None, WHITE
    ground = ground_for(picture, part)
    return laid_on(picture, ground), alpha, ground


def ground_for(picture: Image.Image, part: Part) -> Colour:
    """White, the usual ground; grey for an object most of whose outline is white or nearly so. `picture`: RGBA."""
    *colours, alpha = planes(picture, part, reduction(part))
    visible = alpha > OBJECT_BEYOND
    hidden = np.pad(~visible, 1)
    beside_hidden = hidden[:-2, 1:-1] | hidden[2:, 1:-1] | hidden[1:-1, :-2] | hidden[1:-1, 2:]
    outline = visible & beside_hidden
    white = outline & ~beyond(tuple(colours), WHITE, OBJECT_BEYOND)
    return GREY if 2 * int(white.sum()) > int(outline.sum()) else WHITE


def laid_on(picture: Image.Image, ground: Colour) -> Image.Image:
    """RGBA → RGB on that ground, strip by strip: a large picture is not held three times."""
    rgb = Image.new("RGB", picture.size, ground)
    for top, strip in strips(picture):
        rgb.paste(strip.convert("RGB"), (0, top), mask=strip.getchannel("A"))
    return rgb
