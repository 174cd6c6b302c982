"""Pictures and files: uploads are decoded and measured, then served back. Source: "Upload Product Image", "Upload Product File"."""

from __future__ import annotations

import hashlib
import io
import re
import sqlite3
import warnings
from dataclasses import dataclass

from flask import Blueprint, Response, abort
from PIL import Image, UnidentifiedImageError

from connector.sandbox.tiktok.database import Json, next_id
from connector.sandbox.tiktok.errors import ApiError, invalid, missing
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call, World

SCOPE = "seller.product.write"
FORMATS = {"JPEG": "jpeg", "PNG": "png", "WEBP": "webp", "BMP": "bmp"}
USE_CASES = (
    "MAIN_IMAGE",
    "ATTRIBUTE_IMAGE",
    "DESCRIPTION_IMAGE",
    "CERTIFICATION_IMAGE",
    "SIZE_CHART_IMAGE",
    "CUSTOMIZATION_IMAGE",
)
NOT_A_FILE, CANNOT_PROCESS, TOO_LARGE, DIMENSIONS, WRONG_FORMAT = 12038002, 12038004, 12038005, 12038014, 12038015
LARGEST_IMAGE, LARGEST_PDF, LARGEST_VIDEO = 10 * 2**20, 20 * 2**20, 100 * 2**20
VIDEO_FORMATS = frozenset({"MP4", "MOV", "MKV", "WMV", "WEBM", "AVI", "3GP", "FLV", "MPEG"})
FOLDER = "tos-sandbox-i-9aq3kz/"


@dataclass(frozen=True, slots=True)
class Picture:
    """An uploaded picture; width and height are those that the marketplace kept."""

    uri: str
    width: int
    height: int
    use_case: str

    def on_the_wire(self, base_url: str) -> Json:
        url = picture_url(base_url, self.uri)
        return {"uri": self.uri, "urls": [url], "thumb_urls": [url], "width": self.width, "height": self.height}


def picture_url(base_url: str, uri: str) -> str:
    return f"{base_url}/obj/{uri}"


def find_picture(tx: sqlite3.Connection, uri: str) -> Picture | None:
    row = tx.execute("SELECT uri, width, height, use_case FROM image WHERE uri = ?", (uri,)).fetchone()
    return None if row is None else Picture(**dict(row))


def add_pages(blueprint: Blueprint, world: World) -> None:
    """Serve what was uploaded, without a signature, as the marketplace's picture hosts do."""

    @blueprint.get("/obj/<path:uri>")
    def picture(uri: str) -> Response:
        row = world.db.connection().execute("SELECT format, body FROM image WHERE uri = ?", (uri,)).fetchone()
        if row is None:
            abort(404)
        return Response(row["body"], content_type=f"image/{row['format']}")

    @blueprint.get("/files/<file_id>")
    def file(file_id: str) -> Response:
        row = world.db.connection().execute("SELECT body FROM file WHERE id = ?", (file_id,)).fetchone()
        if row is None:
            abort(404)
        return Response(row["body"], content_type="application/octet-stream")


@route("POST", "/product/202309/images/upload", scope=SCOPE, cipher=False, multipart=True)
def upload_image(call: Call) -> Json:
    upload, use_case = call.files.get("data"), call.form.get("use_case", "MAIN_IMAGE")
    if upload is None or not upload.content:
        raise ApiError(NOT_A_FILE, "data must be a file that is not empty.")
    if use_case not in USE_CASES:
        raise invalid("body", "use_case", f"one of {', '.join(USE_CASES)} is expected")
    if len(upload.content) > LARGEST_IMAGE:
        raise ApiError(TOO_LARGE, "The picture is larger than 10 MB.")
    picture, kind = _decode(upload.content)
    _check_size(picture, use_case)
    body = upload.content
    if (
        use_case in {"MAIN_IMAGE", "ATTRIBUTE_IMAGE"}
        and not 3 * picture.height <= 4 * picture.width <= 16 * picture.height / 3
    ):
        picture = _squared(picture)
        body, kind = _encoded(picture), "jpeg"
    uri = FOLDER + hashlib.sha256(use_case.encode() + body).hexdigest()[:32]
    call.tx.execute(
        "INSERT OR IGNORE INTO image VALUES (?, ?, ?, ?, ?, ?)",
        (uri, use_case, picture.width, picture.height, kind, body),
    )
    url = picture_url(call.base_url, uri)
    return {"uri": uri, "url": url, "width": picture.width, "height": picture.height, "use_case": use_case}


def _decode(content: bytes) -> tuple[Image.Image, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content))
            picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ApiError(WRONG_FORMAT, "The picture is not a JPG, PNG, WEBP or BMP that can be read.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise ApiError(CANNOT_PROCESS, "The picture is damaged and cannot be processed.") from error
    if picture.format not in FORMATS:
        raise ApiError(WRONG_FORMAT, f"{picture.format} is not accepted: upload JPG, PNG, WEBP or BMP.")
    return picture, FORMATS[picture.format]


def _check_size(picture: Image.Image, use_case: str) -> None:
    shorter, longer = sorted(picture.size)
    lowest, highest = {"MAIN_IMAGE": (300, 4000), "SIZE_CHART_IMAGE": (1024, 20_000)}.get(use_case, (100, 20_000))
    if shorter < lowest or longer > highest:
        size = f"{picture.width} × {picture.height}"
        raise ApiError(DIMENSIONS, f"The picture has {size} pixels; {use_case} takes {lowest} to {highest} a side.")


def _squared(picture: Image.Image) -> Image.Image:
    """On a white square, as the marketplace does with pictures outside 3:4 to 4:3."""
    side = max(picture.size)
    square = Image.new("RGB", (side, side), "white")
    square.paste(picture.convert("RGB"), ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def _encoded(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


@route("POST", "/product/202309/files/upload", scope=SCOPE, cipher=False, multipart=True)
def upload_file(call: Call) -> Json:
    """Certificates (PDF) and product videos."""
    upload, name = call.files.get("data"), call.form.get("name", "")
    if upload is None or not upload.content:
        raise missing("body", "data")
    if not re.fullmatch(r"[A-Za-z0-9][^\s.]*\.[A-Za-z0-9]+", name):
        raise invalid("body", "name", "a name with one dot, an extension, no blanks and no leading symbol is expected")
    kind = name.rpartition(".")[2].upper()
    if kind != "PDF" and kind not in VIDEO_FORMATS:
        raise invalid("body", "name", "PDF or a video format is expected")
    if kind == "PDF" and not upload.content.startswith(b"%PDF-"):
        raise invalid("body", "data", "it is not a PDF")
    if len(upload.content) > (LARGEST_PDF if kind == "PDF" else LARGEST_VIDEO):
        raise ApiError(36009021, "The uploaded file is too large.")
    number = str(next_id(call.tx, "file"))
    call.tx.execute("INSERT INTO file VALUES (?, ?, ?, ?)", (number, name, kind, upload.content))
    return {"id": number, "url": f"{call.base_url}/files/{number}", "name": name, "format": kind}
