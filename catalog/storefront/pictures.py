"""Photos as pages show them: WebP pictures of several sizes, with width and height so that nothing moves when they arrive."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.derivatives import SMALL_SIDES, derivative_size, small_size
from catalog.models import ProductImage
from catalog.representation import photo_url, public_url

SMALL_PICTURE_URL = "/media/thumbnails/{}.{}.webp"
# How wide, in CSS pixels or shares of the window's width, the square of a card and the stage of a product's page are.
CARD = (46, 210)
STAGE = (92, 640)


@dataclass(frozen=True)
class Picture:
    """The attributes of an `img`. `src`: for browsers that read no `srcset`. `original`: the largest there is, upright."""

    src: str
    srcset: str
    sizes: str
    width: int | None
    height: int | None
    alt: str
    original: str
    image_id: int


def picture_of(image: ProductImage, *, title: str, place: tuple[int, int] = CARD) -> Picture:
    """`title` stands in for an alternative text that the photo has not. `place`: CARD or STAGE."""
    width, height = image.width, image.height
    sides = _sides(width, height)
    widths = {side: side if width is None or height is None else small_size(width, height, side)[0] for side in sides}
    if width is not None and height is not None:
        width, height = derivative_size(width, height)
    return Picture(
        src=_url(image.digest, sides[0] if place == CARD else sides[-1]),
        srcset=", ".join(f"{_url(image.digest, side)} {widths[side]}w" for side in sides),
        sizes=_sizes(width, height, place),
        width=width,
        height=height,
        alt=image.alt or title,
        original=public_url(photo_url(image.digest, str(image.file))),
        image_id=image.pk,
    )


def _sides(width: int | None, height: int | None) -> tuple[int, ...]:
    """Those of SMALL_SIDES that differ: the first that holds the whole photo is the last."""
    longest = max(width or SMALL_SIDES[-1], height or SMALL_SIDES[-1])
    smaller = [side for side in SMALL_SIDES if side < longest]
    return SMALL_SIDES[: len(smaller) + 1]


def _sizes(width: int | None, height: int | None, place: tuple[int, int]) -> str:
    """A photo that is wider than high fills the square of a card with its middle, and is drawn wider than the square."""
    share, pixels = place
    wider = max(1.0, width / height) if width and height and place == CARD else 1.0
    return f"(max-width: 820px) {share * wider:.0f}vw, {pixels * wider:.0f}px"


def _url(digest: str, side: int) -> str:
    return public_url(SMALL_PICTURE_URL.format(digest, side))
