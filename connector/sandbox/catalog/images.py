"""A picture for every image path: the same path always gives the same picture of something that looks like a product."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from io import BytesIO
from pathlib import PurePosixPath

from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 800
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".gif": "GIF", ".webp": "WEBP"}
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
NAMED = {
    "black": (38, 38, 42),
    "blue": (45, 92, 180),
    "brown": (121, 85, 61),
    "gray": (140, 146, 152),
    "grey": (140, 146, 152),
    "green": (58, 125, 80),
    "lavender": (178, 160, 214),
    "navy": (31, 48, 92),
    "orange": (226, 121, 45),
    "pink": (226, 140, 170),
    "purple": (110, 72, 150),
    "red": (190, 48, 52),
    "sand": (205, 186, 150),
    "white": (236, 236, 232),
    "yellow": (228, 192, 66),
}
Colour = tuple[int, int, int]
Shape = Callable[[ImageDraw.ImageDraw, Colour, random.Random], None]


def media_type(path: str) -> str:
    return TYPES[FORMATS.get(PurePosixPath(path).suffix.lower(), "JPEG")]


def draw(path: str, text: str = "") -> bytes:
    """The file for an image path, 800 by 800, in the format of its extension; `text` stands below the thing."""
    chance = random.Random(hashlib.sha256(path.encode()).digest())  # noqa: S311  # a picture, not a secret
    picture = _background(chance)
    shape = _shape(path) or chance.choice((_shirt, _bag, _bottle, _box, _shoe, _ball))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((200, 640, 600, 690), fill=(205, 205, 208))
    picture = picture.filter(ImageFilter.GaussianBlur(6))
    shape(ImageDraw.Draw(picture), _colour(path, chance), chance)
    if text:
        font = ImageFont.load_default(28)
        ImageDraw.Draw(picture).text((SIZE / 2, 744), text[:48], font=font, fill=(90, 92, 98), anchor="mm")
    out = BytesIO()
    kind = FORMATS.get(PurePosixPath(path).suffix.lower(), "JPEG")
    picture.save(out, kind, **({"quality": 82} if kind in {"JPEG", "WEBP"} else {}))
    return out.getvalue()


def _shape(path: str) -> Shape | None:
    """What the name of the file speaks of; nothing for a name without a code that we know."""
    name = PurePosixPath(path).name.lower()
    return next((shape for codes, shape in SHAPES if name.startswith(codes)), None)


def _colour(path: str, chance: random.Random) -> Colour:
    lower = path.lower()
    for name, colour in NAMED.items():
        if name in lower:
            return colour
    return chance.choice(list(NAMED.values()))


def _background(chance: random.Random) -> Image.Image:
    """A pale wall and table: two gradients."""
    top, bottom = chance.randint(240, 250), chance.randint(222, 234)
    column = Image.new("L", (1, SIZE))
    for y in range(SIZE):
        column.putpixel((0, y), top - (top - bottom) * y // SIZE)
    return column.resize((SIZE, SIZE)).convert("RGB")


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, max(0, int(part * factor))) for part in colour)
    return red, green, blue


def _shirt(pen: ImageDraw.ImageDraw, colour: Colour, chance: random.Random) -> None:
    pen.polygon([(250, 170), (140, 290), (215, 350), (265, 300)], fill=_shade(colour, 0.85))
    pen.polygon([(550, 170), (660, 290), (585, 350), (535, 300)], fill=_shade(colour, 0.85))
    pen.polygon([(250, 170), (340, 150), (460, 150), (550, 170), (540, 640), (260, 640)], fill=colour)
    pen.ellipse((335, 110, 465, 205), fill=_shade(colour, 0.7))
    for stripe in range(chance.randint(0, 4)):
        pen.rectangle((264, 300 + stripe * 70, 536, 318 + stripe * 70), fill=_shade(colour, 1.25))


def _bag(pen: ImageDraw.ImageDraw, colour: Colour, chance: random.Random) -> None:
    pen.arc((290, 100, 510, 400), 180, 360, fill=_shade(colour, 0.6), width=26)
    pen.rounded_rectangle((210, 260, 590, 660), 46, fill=colour)
    pen.rounded_rectangle((250, 430, 550, 610), 26, fill=_shade(colour, 0.85))
    pen.line((250, 470, 550, 470), fill=_shade(colour, 0.6), width=chance.randint(4, 9))


def _bottle(pen: ImageDraw.ImageDraw, colour: Colour, chance: random.Random) -> None:
    pen.rounded_rectangle((350, 90, 450, 200), 18, fill=_shade(colour, 0.6))
    pen.rounded_rectangle((300, 190, 500, 665), 60, fill=colour)
    label = chance.randint(300, 360)
    pen.rectangle((300, label, 500, label + 180), fill=_shade(colour, 1.35))


def _box(pen: ImageDraw.ImageDraw, colour: Colour, chance: random.Random) -> None:
    depth = chance.randint(50, 100)
    pen.polygon([(200, 300), (200 + depth, 220), (640, 220), (640 - depth, 300)], fill=_shade(colour, 1.2))
    pen.polygon([(640 - depth, 300), (640, 220), (640, 580), (640 - depth, 665)], fill=_shade(colour, 0.75))
    pen.rectangle((200, 300, 640 - depth, 665), fill=colour)


def _shoe(pen: ImageDraw.ImageDraw, colour: Colour, chance: random.Random) -> None:
    pen.polygon([(170, 420), (330, 330), (400, 430), (610, 520), (650, 610), (170, 610)], fill=colour)
    pen.rounded_rectangle((150, 600, 665, 655), 24, fill=_shade(colour, 1.4))
    for lace in range(chance.randint(3, 5)):
        pen.line((340 + lace * 38, 400 + lace * 22, 400 + lace * 38, 380 + lace * 26), fill=(250, 250, 250), width=9)


def _ball(pen: ImageDraw.ImageDraw, colour: Colour, chance: random.Random) -> None:
    pen.ellipse((190, 230, 620, 660), fill=colour)
    pen.ellipse((260, 280, 400, 400), fill=_shade(colour, 1.3))
    pen.arc((190, 230, 620, 660), chance.randint(0, 90), chance.randint(180, 300), fill=_shade(colour, 0.7), width=14)


def _trousers(pen: ImageDraw.ImageDraw, colour: Colour, chance: random.Random) -> None:
    end = chance.randint(560, 650)
    pen.polygon([(280, 150), (520, 150), (560, end), (430, end), (400, 330), (370, end), (240, end)], fill=colour)
    pen.rectangle((280, 150, 520, 185), fill=_shade(colour, 0.7))
    pen.line((400, 185, 400, 330), fill=_shade(colour, 0.7), width=6)


SHAPES: tuple[tuple[tuple[str, ...], Shape], ...] = (
    (("msn", "wbt"), _shoe),
    (("msh", "mpa", "wlg", "wsk", "mp0", "mp1", "wp", "wsh"), _trousers),
    (("mhd", "mts", "mpo", "mjk", "wdr", "wtk", "whd", "mh", "mj", "ms0", "ms1", "mt", "wh", "wj", "ws", "wt"), _shirt),
    (("bpk", "tot", "mb"), _bag),
    (("wbo", "shm", "fcr", "mug", "cnd"), _bottle),
)
"""Beginnings of file names, which are codes of goods, and what they are drawn as; the first that fits."""
