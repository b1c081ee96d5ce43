"""Bytes of a photo → what its header says, or its pixels in RGB. Runs in decoder processes (`catalog.photos.decoder_process`).

Free of Django and of settings. A C decoder may take any time and any memory, or crash; the process around it bounds that.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from catalog.derivatives import derivative_size
from catalog.photos.cutouts import laid_on, laid_on_ground
from catalog.photos.errors import PhotoError
from catalog.photos.exchange import EXTENSIONS, Bounds, PhotoFacts
from catalog.photos.framing import framed
from catalog.photos.hashes import PictureHashes, picture_hashes
from catalog.photos.jpeg import endings, jpeg_scans
from catalog.photos.opening import DAMAGED, damaged, open_photo, too_many_pixels
from catalog.photos.profiles import srgb
from catalog.photos.rgb import strips, to_rgb, to_rgba
from catalog.photos.squares import Box, Colour, Crop, Square, whole_pixels

_ORIENTATION_TAG = 0x0112
# EXIF orientation → the transposition that turns the picture upright (CIPA DC-008, 4.6.4).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, eq=False)
class Seen:
    """A square cut out of a photo, and the box of the upright photo that it shows, in fractions of its width and height.

    `hashes`: of the whole photo; None where they were not asked for.
    """

    image: Image.Image
    box: Box
    hashes: PictureHashes | None = None


def photo_facts(data: bytes, bounds: Bounds) -> PhotoFacts:
    """Read the header. Raises PhotoError: `not_an_image`, `unsupported`, `truncated`, `bomb`."""
    with open_photo(data, bounds) as image:
        width, height = image.size
        # Pillow applies the orientation of a TIFF itself, so its size is upright already.
        if _orientation(image) >= 5 and image.format != "TIFF":
            width, height = height, width
        return PhotoFacts(width=width, height=height, extension=EXTENSIONS[image.format or ""])


def photo_pixels(data: bytes, bounds: Bounds, *, at_least: int | None) -> Image.Image:
    """Decode to RGB: see `catalog.photos.reading.decode_photo`. Raises PhotoError as `photo_facts` does."""
    return _decoded(
        _drafted(data, bounds, at_least), lambda image: to_rgb(image, at_least=at_least, to_srgb=srgb(image))
    )


def photo_derivative(data: bytes, bounds: Bounds) -> Image.Image:
    """The photo that is shown instead of this one (`catalog.derivatives`): upright, in sRGB, with none of its other data; RGBA
    where it has transparency, else RGB. Raises PhotoError.
    """
    facts = photo_facts(data, bounds)
    size = derivative_size(facts.width, facts.height)
    at_least = math.ceil(min(size) / 2)  # decoding leaves sides of twice that
    picture, _ = _with_alpha(_drafted(data, bounds, at_least), at_least)
    shown = picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
    shown.info = {}
    return shown


def photo_square(data: bytes, bounds: Bounds, square: Square, *, hashed: bool) -> Seen:
    """See `catalog.photos.reading.decode_square`. Raises PhotoError."""
    at_least = _at_least(square.side, square.crop)
    rgb = _decoded(_drafted(data, bounds, at_least), lambda image: to_rgb(image, at_least=at_least))
    hashes = picture_hashes(rgb) if hashed else None
    return Seen(square.cut(rgb), _fractions(square.box(*rgb.size), rgb.size), hashes)


def photo_framed(data: bytes, bounds: Bounds, *, side: int, crop: Crop, hashed: bool) -> Seen:
    """See `catalog.photos.reading.decode_framed`. Raises PhotoError.

    A photo that shows something small is decoded once more at a larger scale, so that the frame has `side` pixels if the
    photo has.
    """
    at_least = _at_least(side, crop)
    picture, all_pixels = _with_alpha(_drafted(data, bounds, at_least), at_least)
    hashes = picture_hashes(picture) if hashed else None
    part = whole_pixels(crop, picture.size)
    rgb, alpha, ground = laid_on_ground(picture, part)
    frame = framed(rgb, part, alpha=alpha, ground=ground)
    seen = frame.box[2] - frame.box[0]
    if seen < side and picture.width * picture.height < all_pixels:
        closer = _closer(data, bounds, math.ceil(at_least * side / seen), ground)
        if closer is not None:
            frame, rgb = frame.scaled(rgb.size, closer.size), closer
    return Seen(frame.cut(rgb, side), _fractions(frame.box, rgb.size), hashes)


def _closer(data: bytes, bounds: Bounds, at_least: int, ground: Colour) -> Image.Image | None:
    """The photo in RGB at a larger scale; None where that takes too much memory: the photo was read already."""
    try:
        drafted = _drafted(data, bounds, at_least)
        if drafted.image.width * drafted.image.height > bounds.whole_pixels:
            return None
        picture, _ = _with_alpha(drafted, at_least)
        return laid_on(picture, ground) if picture.mode == "RGBA" else picture
    except (MemoryError, PhotoError):
        return None


def _at_least(side: int, crop: Crop) -> int:
    """The side that the whole photo must have for the crop to have `side` pixels."""
    return math.ceil(side / min(crop[2], crop[3]))


def _fractions(box: Box, size: tuple[int, int]) -> Box:
    width, height = size
    return box[0] / width, box[1] / height, box[2] / width, box[3] / height


def _with_alpha(drafted: _Drafted, at_least: int) -> tuple[Image.Image, int]:
    """RGBA where the picture has transparency, else RGB; and how many pixels it has before any reduction."""

    def convert(image: Image.Image) -> Image.Image:
        converted = to_rgba if image.has_transparency_data else to_rgb
        return converted(image, at_least=at_least, to_srgb=srgb(image))

    return _decoded(drafted, convert), drafted.whole_pixels


@dataclass(frozen=True, eq=False)
class _Drafted:
    """A picture that is opened and not decoded yet; `whole_pixels`: those that it has before any reduction."""

    image: Image.Image
    whole_pixels: int
    data: bytes
    at_least: int | None


def _drafted(data: bytes, bounds: Bounds, at_least: int | None) -> _Drafted:
    """Open a photo. A JPEG will be decoded at the smallest scale that leaves its sides at least twice `at_least`."""
    image = open_photo(data, bounds)
    pixels = image.width * image.height
    try:
        _reduce(image, at_least)
    except DAMAGED as error:
        raise damaged("the picture is damaged or cut short", error) from error
    return _Drafted(image, pixels, data, at_least)


def _reduce(image: Image.Image, at_least: int | None) -> None:
    if at_least is not None:
        image.draft(None, (2 * at_least, 2 * at_least))


def _decoded(drafted: _Drafted, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Decode, convert and turn upright."""
    try:
        image = _loaded(drafted)
        upright = _UPRIGHT.get(_orientation(image))
        converted = convert(image)
    except DAMAGED as error:
        raise damaged("the picture is damaged or cut short", error) from error
    except Image.DecompressionBombError as error:
        raise too_many_pixels() from error
    return converted if upright is None else converted.transpose(upright)


def _loaded(drafted: _Drafted) -> Image.Image:
    """Decode. A JPEG that lacks nothing but its end is taken."""
    image = drafted.image
    claimed = image.size
    try:
        image.load()
    except OSError:
        if image.format != "JPEG" or (ended := _with_end(drafted)) is None:
            raise
        return ended
    if image.size != claimed:
        raise ValueError(f"its header says {claimed[0]} × {claimed[1]} pixels, it has {image.width} × {image.height}")
    return image


def _with_end(drafted: _Drafted) -> Image.Image | None:
    """A JPEG without its end marker, decoded; None where rows of it are missing, so that decoders would make them up."""
    scans = jpeg_scans(drafted.data)
    if scans.ends:
        return None
    colours = len(getattr(drafted.image, "layer", ()))
    drafted.image.close()  # what was decoded of it so far takes as much memory as the whole
    image, seen = None, set()
    for data in endings(drafted.data, scans, colours):
        del image
        image = Image.open(io.BytesIO(data), formats=["JPEG"])
        _reduce(image, drafted.at_least)
        image.load()
        digest = hashlib.blake2b()
        for _, strip in strips(image):
            digest.update(strip.tobytes())
        seen.add(digest.digest())
        if len(seen) > 1:
            return None
    return image


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 (upright) where there is none, or the number or the EXIF block is nonsense: that alone is no
    reason to refuse a photo.
    """
    if image.format == "HEIF":
        return 1  # libheif turns it upright itself
    try:
        orientation = int(Image.Image.getexif(image).get(_ORIENTATION_TAG, 1))
    except DAMAGED:
        return 1
    return orientation if orientation in _UPRIGHT else 1
