"""Files that are no photos: the error says what each is and what to send instead."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from catalog.photos.reading import PhotoError, decode_photo, inspect_photo
from tests.catalog.photos.files import encoded, noise, tiff

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><rect/></svg>"
BOX = b"\0\0\0\x20ftyp"


def refused(data: bytes) -> PhotoError:
    errors = []
    for read in (inspect_photo, decode_photo):
        with pytest.raises(PhotoError) as error:
            read(io.BytesIO(data))
        errors.append(error.value)
    assert str(errors[0]) == str(errors[1])
    return errors[0]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (SVG, "an SVG drawing, which has no pixels; send it drawn as PNG, at least 500 pixels a side"),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?><!-- shop -->\n<svg:svg>", "an SVG drawing"),
        (b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'>" + SVG, "an SVG drawing"),
        (("\ufeff" + SVG.decode()).encode("utf-16-le"), "an SVG drawing"),
        (b"\x1f\x8b\x08\0SVG", "a gzip file; send the photo unpacked; SVG drawings (SVGZ) as PNG"),
        (b"\r\n<!doctype html><title>404</title>", "an HTML page; the address probably leads to a page or to an error"),
        (b"<HTML><body><svg/></body>", "an HTML page"),
        (b'{"error": "not found"}', "a text (JSON, XML or the like)"),
        (b"%PDF-1.7\n", "a PDF document; send its picture as JPEG or PNG"),
        (b"8BPS\0\x01", "a Photoshop document; save it as JPEG or PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "a PostScript drawing"),
        (BOX + b"isom\0\0\2\0isomiso2avc1mp41", "a video; send one picture of it as JPEG or PNG"),
        (BOX + b"qt  \0\0\2\0qt  ", "a video"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01webm", "a video"),
        (b"RIFF\x20\0\0\0AVI LIST", "a video"),
        (b"RIFF\x20\0\0\0WAVEfmt ", "a sound file"),
        (BOX + b"crx \0\0\0\1crx isom", "a camera's raw file; develop it and send JPEG"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's raw file"),
        (b"IIRO\x08\0\0\0", "a camera's raw file"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b"PK\x03\x04\x14\0", "a zip archive or an office document"),
        (b"\0\0\1\0\1\0\x10\x10", "an icon (ICO)"),
        (b"hello, I am a text", "not a photo; send JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF"),
    ],
)
def test_each_kind_is_named(data: bytes, says: str) -> None:
    error = refused(data)
    assert error.reason == "not_an_image"
    assert says in str(error)


def test_raw_files_that_begin_as_a_tiff_are_not_taken_for_their_preview() -> None:
    pixels = bytes(16 * 16)
    whole = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: -1, 277: 1, 278: 16, 279: len(pixels)}
    assert decode_photo(io.BytesIO(tiff(whole, pixels))).size == (16, 16)
    for more in ({50706: 0x01040000}, {254: 1, 330: -1}):
        error = refused(tiff(whole | more, pixels))
        assert (error.reason, str(error)) == (
            "unsupported",
            "the file is a camera's raw file; develop it and send JPEG",
        )
    pages = encoded(noise(16, 16), "TIFF", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    assert decode_photo(io.BytesIO(pages)).size == (16, 16)
