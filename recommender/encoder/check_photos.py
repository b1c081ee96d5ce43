"""Check pictures, whole photos by which a process proves that it encodes as the machine that compiled the encoder did.

Each takes another way from a photo's file to the pixels that a network is fed.

They are drawn, so that they may be shipped, and stored as PNG with the encoder: what is proven is the reading of files too.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from catalog.demo.drawing import draw_product, draw_shapes

SIDE = 192


def check_photos() -> list[bytes]:
    """The pictures as PNG files: a product on plain ground, one on a wide canvas, a scene without plain ground, cut-outs
    that are white and dark, a grey picture, a tall one and a scene on a canvas."""
    return [
        _png(picture) for picture in (_plain(), _canvas(), _scene(), _cut_out(), _dark(), _grey(), _tall(), _framed())
    ]


def _plain() -> Image.Image:
    return draw_product("bag", 3, SIDE)


def _canvas() -> Image.Image:
    """The product fills a ninth of a white picture, away from its middle."""
    picture = Image.new("RGB", (3 * SIDE // 2, 3 * SIDE // 2), (255, 255, 255))
    picture.paste(draw_product("shoe", 1, SIDE // 2), (24, 40))
    return picture


def _scene() -> Image.Image:
    """Shapes on ground whose colour changes from corner to corner."""
    across, down = np.meshgrid(np.arange(256), np.arange(SIDE))
    ground = np.stack([across, down * 255 // (SIDE - 1), 255 - across], axis=-1).astype(np.uint8)
    picture = Image.fromarray(ground)
    shapes = draw_shapes(1_001, SIDE // 2)
    picture.paste(shapes, (96, 48))
    return picture


def _cut_out() -> Image.Image:
    """White on nothing: laid on white it would be a blank picture."""
    return _transparent((250, 250, 248, 255))


def _dark() -> Image.Image:
    return _transparent((30, 32, 60, 255))


def _transparent(colour: tuple[int, int, int, int]) -> Image.Image:
    picture = Image.new("RGBA", (SIDE, 3 * SIDE // 4), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((40, 30, 150, 120), fill=colour)
    pen.rectangle((70, 60, 100, 90), fill=(120, 90, 60, 128))
    return picture


def _grey() -> Image.Image:
    return draw_product("chair", 2, SIDE).convert("L")


def _tall() -> Image.Image:
    """Four times as tall as wide."""
    product = draw_product("bottle", 5, 96)
    picture = product.crop((0, 0, 1, 1)).resize((96, 384))
    picture.paste(product, (0, 100))
    return picture


def _framed() -> Image.Image:
    """A scene on the canvas that somebody put around it: what stands on the plain ground is itself a photo."""
    picture = Image.new("RGB", (320, 280), (255, 255, 255))
    picture.paste(_scene().resize((160, 120), Image.Resampling.BICUBIC), (80, 80))
    return picture


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
