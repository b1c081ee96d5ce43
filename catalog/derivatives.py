"""What is served of a stored photo: never the file itself, which may say where and by whom it was taken, but a derivative.

Format, size and names of a derivative follow from the photo's row alone, so that answers can name it before it is made.
Free of Django, because decoder processes make it.
"""

from __future__ import annotations

# The longest side of a derivative, in pixels.
MOST_SIDE = 2048

# The extension that a photo is stored with → that of its derivative. JPEG has no transparency to keep; PNG and GIF are
# drawings as often as photos, and stay free of losses. WebP keeps the transparency of all others.
_EXTENSIONS = {"jpg": "jpg", "png": "png", "gif": "png"}
_OTHERWISE = "webp"
# The extension of a derivative → Pillow's name of its format.
FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


# Longest sides, in pixels, of the WebP pictures that pages show: a card, a card on a dense screen, the photo on its product's page.
SMALL_SIDES = (240, 480, 960)


def small_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height of such a picture of a photo that has these once upright; a smaller photo keeps its size."""
    longest = max(width, height)
    if longest <= side:
        return width, height
    return max(1, round(width * side / longest)), max(1, round(height * side / longest))


def derivative_extension(photo: str) -> str:
    """The extension of the derivative of a photo. `photo`: its name in storage, or its extension alone."""
    return _EXTENSIONS.get(photo.rpartition(".")[2], _OTHERWISE)


def derivative_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the derivative of a photo that has these once upright: no side longer than MOST_SIDE."""
    return small_size(width, height, MOST_SIDE)
