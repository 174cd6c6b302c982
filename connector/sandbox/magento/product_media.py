"""The gallery of a product: entries, roles, uploaded files."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as BadBase64Error
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError

from connector.sandbox.catalog.images import media_type
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.media import image_bytes, save_upload
from connector.sandbox.magento.product_read import IMAGE_ROLES, media_json
from connector.sandbox.magento.products import product_by_sku
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.typed import as_bool, as_int, as_list, as_object

CATALOG = "Magento_Catalog::catalog"
LABELS = {"image": "image_label", "small_image": "small_image_label", "thumbnail": "thumbnail_label"}
NO_SELECTION = "no_selection"
NO_IMAGE = "No image with the provided ID was found. Verify the ID and try again."


@route("GET", "/V1/products/:sku/media", CATALOG)
def list_media(ctx: Context, sku: str) -> Any:
    product = product_by_sku(ctx.db, sku)
    return [_with_content(ctx, one) for one in entries(ctx, product.entity_id)]


@route("GET", "/V1/products/:sku/media/:entryId", "Magento_Catalog::attributes_attributes")
def get_media(ctx: Context, sku: str, entryId: str) -> Any:  # noqa: N803  # name of the path variable
    product = product_by_sku(ctx.db, sku)
    for one in entries(ctx, product.entity_id):
        if str(one["id"]) == entryId:
            return one
    raise MagentoError(404, "The image doesn't exist. Verify and try again.")


@route("POST", "/V1/products/:sku/media", CATALOG)
def add_media(ctx: Context, sku: str) -> Any:
    product = product_by_sku(ctx.db, sku)
    number = _insert(ctx, product.entity_id, as_object("entry", ctx.needed("entry")))
    # The product is saved under the SKU as the path spells it.
    ctx.db.execute("UPDATE catalog_product_entity SET sku = ? WHERE entity_id = ?", (sku.strip(), product.entity_id))
    _touch(ctx, product.entity_id)
    return str(number)


@route("PUT", "/V1/products/:sku/media/:entryId", CATALOG)
def change_media(ctx: Context, sku: str, entryId: str) -> Any:  # noqa: N803  # as above
    product = product_by_sku(ctx.db, sku)
    entry = as_object("entry", ctx.needed("entry"))
    known = {one["id"] for one in entries(ctx, product.entity_id)}
    if as_int("entryId", entryId) not in known:
        raise MagentoError(404, NO_IMAGE)
    _update(ctx, product.entity_id, int(entryId), entry)
    _touch(ctx, product.entity_id)
    return True


@route("DELETE", "/V1/products/:sku/media/:entryId", CATALOG)
def delete_media(ctx: Context, sku: str, entryId: str) -> Any:  # noqa: N803  # as above
    product = product_by_sku(ctx.db, sku)
    known = {str(one["id"]) for one in entries(ctx, product.entity_id)}
    if entryId not in known:
        raise MagentoError(404, NO_IMAGE)
    _delete(ctx, product.entity_id, int(entryId))
    _touch(ctx, product.entity_id)
    return True


def entries(ctx: Context, entity_id: int) -> list[dict[str, Any]]:
    """The gallery as REST shows it."""
    values = {role: _role(ctx, entity_id, role) for role in IMAGE_ROLES}
    rows = ctx.db.execute(
        "SELECT * FROM catalog_product_media WHERE entity_id = ? ORDER BY position, value_id", (entity_id,)
    )
    return [media_json(row, values) for row in rows]


def replace_entries(ctx: Context, entity_id: int, given: Any) -> None:
    """The gallery of a saved product: entries with a known id stay, new ones are added, the others go."""
    wanted = [as_object("media_gallery_entries", one) for one in as_list(given)]
    known = {one["id"] for one in entries(ctx, entity_id)}
    kept = {as_int("id", one["id"]) for one in wanted if one.get("id") is not None} & known
    for gone in known - kept:
        _delete(ctx, entity_id, gone)
    for one in wanted:
        if one.get("id") is not None and int(one["id"]) in kept:
            _update(ctx, entity_id, int(one["id"]), one)
        else:
            _insert(ctx, entity_id, one)


def _insert(ctx: Context, entity_id: int, entry: dict[str, Any]) -> int:
    content = as_object("content", entry.get("content"))
    file = save_upload(ctx.db, ctx.media, str(content.get("name") or "image"), _decoded(content))
    extension = entry.get("extension_attributes") or {}
    cursor = ctx.db.execute(
        "INSERT INTO catalog_product_media (entity_id, media_type, file, label, position, disabled, video) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            entity_id,
            entry.get("media_type") or "image",
            file,
            entry.get("label"),
            as_int("position", entry.get("position") or 0),
            int(as_bool("disabled", entry.get("disabled") or False)),
            json.dumps(extension["video_content"]) if extension.get("video_content") else None,
        ),
    )
    _set_roles(ctx, entity_id, file, entry)
    return int(cursor.lastrowid or 0)


def _update(ctx: Context, entity_id: int, value_id: int, entry: dict[str, Any]) -> None:
    row = ctx.db.execute("SELECT * FROM catalog_product_media WHERE value_id = ?", (value_id,)).fetchone()
    ctx.db.execute(
        "UPDATE catalog_product_media SET label = ?, position = ?, disabled = ? WHERE value_id = ?",
        (
            entry.get("label", row["label"]),
            as_int("position", entry.get("position", row["position"])),
            int(as_bool("disabled", entry.get("disabled", bool(row["disabled"])))),
            value_id,
        ),
    )
    if entry.get("types") is not None:
        for role in IMAGE_ROLES:
            if _role(ctx, entity_id, role) == row["file"] and role not in entry["types"]:
                _put(ctx, entity_id, role, NO_SELECTION)
        _set_roles(ctx, entity_id, row["file"], entry)


def _delete(ctx: Context, entity_id: int, value_id: int) -> None:
    row = ctx.db.execute("SELECT file FROM catalog_product_media WHERE value_id = ?", (value_id,)).fetchone()
    ctx.db.execute("DELETE FROM catalog_product_media WHERE value_id = ?", (value_id,))
    for role in IMAGE_ROLES:
        if _role(ctx, entity_id, role) == row["file"]:
            _put(ctx, entity_id, role, NO_SELECTION)


def _set_roles(ctx: Context, entity_id: int, file: str, entry: dict[str, Any]) -> None:
    for role in as_list(entry.get("types")):
        _put(ctx, entity_id, str(role), file)
        if role in LABELS and entry.get("label"):
            _put(ctx, entity_id, LABELS[role], str(entry["label"]))
    for role in IMAGE_ROLES:
        if _role(ctx, entity_id, role) is None:
            _put(ctx, entity_id, role, NO_SELECTION)


def _role(ctx: Context, entity_id: int, code: str) -> str | None:
    row = ctx.db.execute(
        "SELECT v.value FROM catalog_product_value v JOIN eav_attribute a USING (attribute_id)"
        " WHERE v.entity_id = ? AND a.attribute_code = ? AND v.store_id = 0",
        (entity_id, code),
    ).fetchone()
    return row["value"] if row else None


def _put(ctx: Context, entity_id: int, code: str, value: str) -> None:
    ctx.db.execute(
        "INSERT OR REPLACE INTO catalog_product_value SELECT ?, attribute_id, 0, ? FROM eav_attribute WHERE attribute_code = ?",
        (entity_id, value, code),
    )


def _touch(ctx: Context, entity_id: int) -> None:
    ctx.db.execute("UPDATE catalog_product_entity SET updated_at = ? WHERE entity_id = ?", (ctx.stamp, entity_id))


def _decoded(content: dict[str, Any]) -> bytes:
    """Raises MagentoError 400 for text that is no base64 or bytes that are no picture."""
    invalid = MagentoError(400, "The image content must be valid base64 encoded data.")
    try:
        data = b64decode(str(content.get("base64_encoded_data", "")), validate=True)
        with Image.open(BytesIO(data)) as picture:
            picture.verify()
    except (BadBase64Error, UnidentifiedImageError, OSError, SyntaxError):
        raise invalid from None
    if content.get("type") not in {"image/jpeg", "image/png", "image/gif", "image/jpg", "image/webp"}:
        raise MagentoError(400, "The image MIME type is not valid or not supported.")
    return data


def _with_content(ctx: Context, entry: dict[str, Any]) -> dict[str, Any]:
    data = image_bytes(ctx.db, ctx.media, entry["file"])
    if data is None:
        return entry
    content = {
        "base64_encoded_data": b64encode(data).decode(),
        "type": media_type(entry["file"]),
        "name": entry["file"].rpartition("/")[2],
    }
    return entry | {"content": content}
