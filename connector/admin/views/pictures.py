"""Thumbnails of store products, fetched once from the store's own media host, made small and kept on disk."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, url_for
from flask_login import current_user
from PIL import Image, UnidentifiedImageError

from connector.admin.site import context
from connector.errors import ConnectorError
from connector.services import uploads
from connector.store.models import MagentoStore, Product

SIDE = 144
"""Pixels: twice what the largest place shows."""

AT_A_TIME = 2
"""Fetches at once: a list of pictures must not take every thread of the web server."""

DAY = 86_400
KEPT = 7 * DAY
"""Seconds before the store is asked for a picture again."""
blueprint = Blueprint("pictures", __name__, url_prefix="/admin/pictures")
_slots = threading.BoundedSemaphore(AT_A_TIME)


@blueprint.get("/<int:product_id>.jpg")
def thumbnail(product_id: int) -> Response:
    """The product's main picture; 404 where there is none or the store does not give it now."""
    if not current_user.is_authenticated:
        abort(403)
    product = Product.select(Product.image, Product.store).where(Product.id == product_id).first()
    if product is None or not product.image:
        abort(404)
    name = hashlib.sha256(f"{product.store.base_url}:{product.image}".encode()).hexdigest()
    kept = _folder() / f"{name}.jpg"
    body = kept.read_bytes() if _fresh(kept) else _fetch(product.store, product.image, kept)
    return Response(body, mimetype="image/jpeg", headers={"Cache-Control": f"private, max-age={DAY}"})


@blueprint.get("/uploads/<name>")
def uploaded(name: str) -> Response:
    """A picture that somebody uploaded."""
    body = uploads.picture(name) if current_user.is_authenticated else None
    if body is None:
        abort(404)
    return Response(body, mimetype="image/jpeg", headers={"Cache-Control": f"private, max-age={DAY}"})


def address_of(name: str) -> str:
    """Where a browser finds an upload; empty for what is none."""
    return url_for("pictures.uploaded", name=name) if name.startswith("upload:") else ""


def _folder() -> Path:
    folder = Path(current_app.config["CONNECTOR_PICTURES"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _fresh(kept: Path) -> bool:
    """A store may put another picture under the same name."""
    return kept.exists() and time.time() - kept.stat().st_mtime < KEPT


def _fetch(store: MagentoStore, file: str, kept: Path) -> bytes:
    if not _slots.acquire(timeout=5):
        abort(404)
    try:
        body = _small(context().remotes.catalog(store).image(file))
    except (ConnectorError, UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        current_app.logger.info("no thumbnail of %s: %s", file, type(error).__name__)
        abort(404)
    finally:
        _slots.release()
    temporary = kept.with_suffix(f".{threading.get_ident()}")
    temporary.write_bytes(body)
    temporary.replace(kept)
    return body


def _small(original: bytes) -> bytes:
    """Decoded and encoded again: what is sent on is ours, whatever the bytes were."""
    with Image.open(io.BytesIO(original)) as picture:
        picture.draft("RGB", (SIDE, SIDE))
        small = picture.convert("RGB")
        small.thumbnail((SIDE, SIDE))
        out = io.BytesIO()
        small.save(out, "JPEG", quality=82)
    return out.getvalue()
