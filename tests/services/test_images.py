"""Store pictures as the marketplace takes them, whatever the store holds."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from connector.errors import RejectedError
from connector.services.images import MAIN, SIZE_CHART, VARIANT, jpeg


def picture(width: int, height: int, kind: str = "JPEG", mode: str = "RGB", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height), more.pop("color", None) or 0).save(out, kind, **more)
    return out.getvalue()


@pytest.mark.parametrize(
    ("size", "use", "expected"),
    [
        pytest.param((800, 800), MAIN, (800, 800), id="as-it-is"),
        pytest.param((6000, 5000), MAIN, (4000, 3333), id="too-large-is-made-smaller"),
        pytest.param((200, 220), MAIN, (300, 330), id="a-little-small-is-enlarged"),
        pytest.param((1200, 400), MAIN, (1200, 1200), id="a-banner-gets-white-around-it"),
        pytest.param((300, 900), VARIANT, (900, 900), id="variants-too"),
        pytest.param((120, 120), VARIANT, (120, 120), id="variants-may-be-small"),
        pytest.param((700, 1500), SIZE_CHART, (1024, 2194), id="a-size-chart-keeps-its-shape"),
    ],
)
def test_sizes(size: tuple[int, int], use: str, expected: tuple[int, int]) -> None:
    made = Image.open(io.BytesIO(jpeg(picture(*size), "a.jpg", use)))
    assert (made.format, made.size) == ("JPEG", expected)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(picture(400, 400, "PNG", "RGBA"), id="transparent-png"),
        pytest.param(picture(400, 400, "PNG", "P", transparency=0), id="palette-with-transparency"),
        pytest.param(picture(400, 400, "GIF", "P", transparency=0), id="transparent-gif"),
    ],
)
def test_transparent_is_white(data: bytes) -> None:
    """A JPEG has no transparency, and black is not what the shop shows."""
    made = Image.open(io.BytesIO(jpeg(data, "a.png")))
    assert min(made.convert("L").tobytes()) > 250


def test_a_picture_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = Image.open(io.BytesIO(jpeg(picture(800, 600, exif=exif), "phone.jpg")))
    assert (made.size, dict(made.getexif())) == ((600, 800), {})


def test_print_colours_become_screen_colours() -> None:
    assert Image.open(io.BytesIO(jpeg(picture(400, 400, mode="CMYK"), "cmyk.jpg"))).mode == "RGB"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", ["a.jpg", "no picture"], id="svg"),
        pytest.param(b"", ["no picture"], id="empty"),
        pytest.param(b"<html>404</html>", ["no picture", "Magento"], id="a-page"),
        pytest.param(picture(400, 400)[:300], ["no picture"], id="cut-off"),
        pytest.param(picture(400, 400, "PNG")[:60], ["no picture"], id="cut-off-png"),
        pytest.param(picture(100, 100), ["a.jpg", "100 × 100", "300"], id="much-too-small"),
        pytest.param(picture(9000, 9000, "PNG", "1"), ["9000 × 9000"], id="many-pixels"),
        pytest.param(picture(14000, 14000, "PNG", "1"), ["a.jpg"], id="a-bomb"),
    ],
)
def test_what_cannot_be_used_is_named(data: bytes, words: list[str]) -> None:
    with pytest.raises(RejectedError) as refused:
        jpeg(data, "a.jpg")
    assert all(word in str(refused.value) for word in words), str(refused.value)
