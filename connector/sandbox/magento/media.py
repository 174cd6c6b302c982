"""Image files below `/media/catalog/product`: uploaded ones, and a generated one for every path that a product names."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from flask import Response

from connector.sandbox.catalog.images import draw, media_type

FOLDER = Path("catalog") / "product"


def image_response(db: sqlite3.Connection, media: Path, file: str) -> Response:
    """The image of a gallery path such as `/m/h/mh01.jpg`; 404 for a path that no product has."""
    found = image_bytes(db, media, file)
    if found is None:
        return Response("Not Found\n", 404, content_type="text/plain;charset=UTF-8")
    response = Response(found, 200, content_type=media_type(file))
    response.headers["Cache-Control"] = "public, max-age=31536000"
    return response


def image_bytes(db: sqlite3.Connection, media: Path, file: str) -> bytes | None:
    """The file's bytes, drawn and kept on first use; None for a path that no product has."""
    place = _place(media, file)
    if place is None:
        return None
    if place.is_file():
        return place.read_bytes()
    row = db.execute(
        "SELECT v.value FROM catalog_product_media m JOIN eav_attribute a ON a.attribute_code = 'name'"
        " JOIN catalog_product_value v ON v.entity_id = m.entity_id AND v.attribute_id = a.attribute_id AND v.store_id = 0"
        " WHERE m.file = ? ORDER BY m.value_id LIMIT 1",
        (file,),
    ).fetchone()
    if row is None:
        return None
    data = draw(file, row["value"] or "")
    _write(place, data)
    return data


def save_upload(db: sqlite3.Connection, media: Path, name: str, data: bytes) -> str:
    """Keeps an uploaded file and returns its gallery path: `front.png` becomes `/f/r/front.png`, or `_1`, `_2` if taken."""
    cleaned = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lower()
    stem, dot, suffix = cleaned.rpartition(".")
    for number in range(10_000):
        candidate = f"{stem}_{number}{dot}{suffix}" if number else cleaned
        file = f"/{_letter(cleaned, 0)}/{_letter(cleaned, 1)}/{candidate}"
        place = _place(media, file)
        taken = db.execute("SELECT 1 FROM catalog_product_media WHERE file = ?", (file,)).fetchone()
        if place is not None and not taken and not place.exists():
            _write(place, data)
            return file
    raise AssertionError(f"ten thousand files are called {name}")


def _letter(name: str, index: int) -> str:
    letter = name[index : index + 1]
    return letter if letter.isalnum() else "_"


def _place(media: Path, file: str) -> Path | None:
    """Where a gallery path lies on disk; None for one that would leave the folder."""
    root = (media / FOLDER).resolve()
    place = (root / file.lstrip("/")).resolve()
    return place if place.is_relative_to(root) and place != root else None


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f"{place.name}.new")
    fresh.write_bytes(data)
    fresh.replace(place)
