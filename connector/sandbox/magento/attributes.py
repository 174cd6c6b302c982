"""Product attributes, their options, attribute sets and groups."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any

from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.install import (
    BOOLEAN_FLAGS,
    ENTITY_TYPE,
    PRICE_MODEL,
    SOURCE_TABLE,
    TEXT_FLAGS,
    insert_attribute,
)
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.search import NUMBER, TEXT, Column, Source
from connector.sandbox.magento.typed import as_int, as_list, as_object

ATTRIBUTES = "Magento_Catalog::attributes_attributes"
SETS = "Magento_Catalog::sets"
EAV = "Magento\\Eav\\Model\\Entity\\Attribute\\"
# By frontend input: backend type, source model and backend model, empty where an attribute has none.
INPUTS: dict[str, tuple[str, str, str]] = {
    "text": ("varchar", "", ""),
    "textarea": ("text", "", ""),
    "texteditor": ("text", "", ""),
    "date": ("datetime", "", f"{EAV}Backend\\Datetime"),
    "datetime": ("datetime", "", f"{EAV}Backend\\Datetime"),
    "boolean": ("int", f"{EAV}Source\\Boolean", ""),
    "multiselect": ("text", "", f"{EAV}Backend\\ArrayBackend"),
    "select": ("int", SOURCE_TABLE, ""),
    "swatch_visual": ("int", SOURCE_TABLE, ""),
    "swatch_text": ("int", SOURCE_TABLE, ""),
    "price": ("decimal", "", PRICE_MODEL),
    "media_image": ("varchar", "", ""),
}
WITH_OPTIONS = frozenset({"select", "multiselect", "swatch_visual", "swatch_text"})
EMPTY_OPTION = {"label": " ", "value": ""}
FIRST_OPTION_ID = 4
OWN_COLUMNS = (
    "attribute_id",
    "attribute_code",
    "backend_type",
    "frontend_input",
    "scope",
    "is_required",
    "is_user_defined",
)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")


def attribute_json(db: sqlite3.Connection, row: sqlite3.Row, store_id: int, *, single: bool = True) -> dict[str, Any]:
    """An attribute with all its options; a single one carries its extension attributes, too."""
    data = json.loads(row["data"])
    answer: dict[str, Any] = {"extension_attributes": {"is_pagebuilder_enabled": False}} if single else {}
    answer |= {name: bool(data.get(name, False)) for name in BOOLEAN_FLAGS}
    answer |= {"position": data.get("position", 0), "apply_to": data.get("apply_to", [])}
    answer |= {name: str(data.get(name, "0")) for name in TEXT_FLAGS}
    answer |= {
        "is_visible": bool(data.get("is_visible", True)),
        "scope": row["scope"],
        "attribute_id": row["attribute_id"],
        "attribute_code": row["attribute_code"],
        "frontend_input": row["frontend_input"],
        "entity_type_id": ENTITY_TYPE,
        "is_required": bool(row["is_required"]),
        "options": options_json(db, row, store_id),
        "is_user_defined": bool(row["is_user_defined"]),
        "default_frontend_label": data.get("default_frontend_label"),
        "frontend_labels": data.get("frontend_labels", []),
        "backend_type": row["backend_type"],
    }
    answer |= {name: data[name] for name in ("source_model", "backend_model", "default_value", "note") if name in data}
    return answer | {"is_unique": str(data.get("is_unique", "0")), "validation_rules": data.get("validation_rules", [])}


def options_json(db: sqlite3.Connection, row: sqlite3.Row, store_id: int) -> list[dict[str, str]]:
    """Options as the store view names them; table-backed lists begin with an empty one."""
    if row["frontend_input"] == "boolean":
        return [{"label": "Yes", "value": "1"}, {"label": "No", "value": "0"}]
    found = db.execute(
        "SELECT COALESCE(v.label, o.label) AS label, o.value, o.option_id FROM eav_attribute_option o"
        " LEFT JOIN eav_attribute_option_value v ON v.option_id = o.option_id AND v.store_id = ?"
        " WHERE o.attribute_id = ? ORDER BY o.sort_order, ABS(o.option_id)",
        (store_id, row["attribute_id"]),
    ).fetchall()
    options = [{"label": one["label"], "value": one["value"]} for one in found]
    of_table = row["frontend_input"] in WITH_OPTIONS and all(one["option_id"] > 0 for one in found)
    empty_first = of_table or row["attribute_code"] == "country_of_manufacture"
    return [dict(EMPTY_OPTION), *options] if empty_first else options


def _row(ctx: Context, code: str) -> sqlite3.Row:
    row: sqlite3.Row | None = ctx.db.execute(
        "SELECT * FROM eav_attribute WHERE attribute_code = ? OR CAST(attribute_id AS TEXT) = ?", (code, code)
    ).fetchone()
    if row is None:
        text = 'The attribute with a "%1" attributeCode doesn\'t exist. Verify the attribute and try again.'
        raise MagentoError(404, text, [code])
    return row


@route("GET", "/V1/products/attributes", ATTRIBUTES)
def list_attributes(ctx: Context) -> Any:
    own = {
        name: Column(f"a.{name}", NUMBER if name.startswith("is_") or name == "attribute_id" else TEXT)
        for name in OWN_COLUMNS
    }
    flags = {
        name: Column(f"CAST(COALESCE(json_extract(a.data, '$.{name}'), 0) AS INTEGER)", NUMBER)
        for name in (*BOOLEAN_FLAGS, *TEXT_FLAGS)
    }
    label = {"frontend_label": Column("json_extract(a.data, '$.default_frontend_label')")}
    source = Source("eav_attribute a", "a.*", "a.attribute_id", own | flags | label, where="a.frontend_input <> ''")
    rows, total, criteria = ctx.search(source)
    items = [attribute_json(ctx.db, row, ctx.store.store_id, single=False) for row in rows]
    return {"items": items, "search_criteria": criteria.echo(), "total_count": total}


@route("GET", "/V1/products/attributes/types", ATTRIBUTES)
def attribute_types(ctx: Context) -> Any:  # noqa: ARG001  # every handler has a context
    labels = {
        "text": "Text Field",
        "textarea": "Text Area",
        "texteditor": "Text Editor",
        "date": "Date",
        "datetime": "Date and Time",
    }
    labels |= {
        "boolean": "Yes/No",
        "multiselect": "Multiple Select",
        "select": "Dropdown",
        "price": "Price",
        "media_image": "Media Image",
    }
    return [{"value": value, "label": label} for value, label in labels.items()]


@route("GET", "/V1/products/attributes/:attributeCode", ATTRIBUTES)
def get_attribute(ctx: Context, attributeCode: str) -> Any:  # noqa: N803  # name of the path variable
    return attribute_json(ctx.db, _row(ctx, attributeCode), ctx.store.store_id)


@route("POST", "/V1/products/attributes", ATTRIBUTES)
def create_attribute(ctx: Context) -> Any:
    given = as_object("attribute", ctx.needed("attribute"))
    code, kind = str(given.get("attribute_code") or ""), str(given.get("frontend_input") or "text")
    if not code:
        code = re.sub(r"[^a-z0-9]+", "_", str(given.get("default_frontend_label") or "").lower()).strip("_")
    if not _CODE.fullmatch(code):
        raise _invalid("attribute_code", code)
    if kind not in INPUTS:
        raise _invalid("frontend_input", kind)
    if ctx.db.execute("SELECT 1 FROM eav_attribute WHERE attribute_code = ?", (code,)).fetchone():
        raise MagentoError(400, "%1 already exists.", ["Attribute with the same code"])
    attribute_id = _next_id(ctx.db)
    backend_type, source_model, backend_model = INPUTS[kind]
    identity = {
        "attribute_id": attribute_id,
        "attribute_code": code,
        "backend_type": backend_type,
        "frontend_input": kind,
        "scope": given.get("scope") or "store",
        "is_required": given.get("is_required"),
        "is_user_defined": True,
    }
    data = _kept(given)
    data |= {name: model for name, model in (("source_model", source_model), ("backend_model", backend_model)) if model}
    if kind in WITH_OPTIONS:
        data.setdefault("default_value", "")
    insert_attribute(ctx.db, identity, data)
    for place, option in enumerate(as_list(given.get("options"))):
        if option.get("value") != "" or str(option.get("label", "")).strip():
            _insert_option(ctx.db, attribute_id, option, place)
    return get_attribute(ctx, code)


def _next_id(db: sqlite3.Connection) -> int:
    """Attribute numbers are never used twice."""
    number = db.execute(
        "SELECT MAX(COALESCE(MAX(attribute_id), 0), COALESCE((SELECT CAST(value AS INTEGER) FROM core_config_data"
        " WHERE path = 'sandbox/last_attribute_id'), 0)) + 1 FROM eav_attribute"
    ).fetchone()[0]
    db.execute(
        "INSERT OR REPLACE INTO core_config_data (scope, scope_id, path, value) VALUES ('default', 0, 'sandbox/last_attribute_id', ?)",
        (str(number),),
    )
    return int(number)


@route("PUT", "/V1/products/attributes/:attributeCode", ATTRIBUTES)
def update_attribute(ctx: Context, attributeCode: str) -> Any:  # noqa: N803  # as above
    given = as_object("attribute", ctx.needed("attribute"))
    row = _row(ctx, attributeCode)
    data = json.loads(row["data"]) | _kept(given)
    required = int(bool(given.get("is_required", row["is_required"])))
    ctx.db.execute(
        "UPDATE eav_attribute SET is_required = ?, scope = ?, data = ? WHERE attribute_id = ?",
        (required, given.get("scope") or row["scope"], json.dumps(data, ensure_ascii=False), row["attribute_id"]),
    )
    known = {one["value"] for one in options_json(ctx.db, row, 0)}
    for place, option in enumerate(as_list(given.get("options"))):
        if str(option.get("value", "")) not in known and str(option.get("label", "")).strip():
            _insert_option(ctx.db, row["attribute_id"], option, place)
    return get_attribute(ctx, attributeCode)


@route("DELETE", "/V1/products/attributes/:attributeCode", ATTRIBUTES)
def delete_attribute(ctx: Context, attributeCode: str) -> Any:  # noqa: N803  # as above
    row = _row(ctx, attributeCode)
    if not row["is_user_defined"]:
        raise MagentoError(400, "The system attribute can't be deleted.")
    for table in ("eav_attribute_option", "eav_entity_attribute", "catalog_product_value", "eav_attribute"):
        ctx.db.execute(f"DELETE FROM {table} WHERE attribute_id = ?", (row["attribute_id"],))  # noqa: S608  # our own names
    return True


@route("GET", "/V1/products/attributes/:attributeCode/options", ATTRIBUTES)
def list_options(ctx: Context, attributeCode: str) -> Any:  # noqa: N803  # as above
    return options_json(ctx.db, _row(ctx, attributeCode), ctx.store.store_id)


@route("POST", "/V1/products/attributes/:attributeCode/options", ATTRIBUTES)
def add_option(ctx: Context, attributeCode: str) -> Any:  # noqa: N803  # as above
    row = _row(ctx, attributeCode)
    if row["frontend_input"] not in WITH_OPTIONS:
        raise MagentoError(400, 'The "%1" attribute doesn\'t work with options.', [attributeCode])
    option = as_object("option", ctx.needed("option"))
    taken = {one["label"] for one in options_json(ctx.db, row, 0)}
    if option.get("label") in taken:
        text = 'Admin store attribute option label "%1" is already exists.'
        raise MagentoError(400, text, [option["label"]])
    return str(_insert_option(ctx.db, row["attribute_id"], option, as_int("sort_order", option.get("sort_order") or 0)))


@route("PUT", "/V1/products/attributes/:attributeCode/options/:optionId", ATTRIBUTES)
def change_option(ctx: Context, attributeCode: str, optionId: str) -> Any:  # noqa: N803  # as above
    option_id = _option(ctx, attributeCode, optionId)
    option = as_object("option", ctx.needed("option"))
    ctx.db.execute(
        "UPDATE eav_attribute_option SET label = COALESCE(?, label), sort_order = COALESCE(?, sort_order) WHERE option_id = ?",
        (option.get("label"), option.get("sort_order"), option_id),
    )
    _label_stores(ctx.db, option_id, option)
    return True


@route("DELETE", "/V1/products/attributes/:attributeCode/options/:optionId", ATTRIBUTES)
def delete_option(ctx: Context, attributeCode: str, optionId: str) -> Any:  # noqa: N803  # as above
    ctx.db.execute("DELETE FROM eav_attribute_option WHERE option_id = ?", (_option(ctx, attributeCode, optionId),))
    return True


def _option(ctx: Context, code: str, option_id: str) -> int:
    row = _row(ctx, code)
    found = ctx.db.execute(
        "SELECT option_id FROM eav_attribute_option WHERE attribute_id = ? AND value = ?",
        (row["attribute_id"], option_id),
    ).fetchone()
    if found is None:
        text = 'The "%1" attribute doesn\'t include an option with "%2" ID.'
        raise MagentoError(404, text, [code, option_id])
    return int(found["option_id"])


def _insert_option(db: sqlite3.Connection, attribute_id: int, option: dict[str, Any], place: int) -> int:
    number = db.execute(
        "SELECT MAX(?, COALESCE(MAX(option_id), 0) + 1) FROM eav_attribute_option", (FIRST_OPTION_ID,)
    ).fetchone()[0]
    order = as_int("sort_order", option.get("sort_order", place) or 0)
    db.execute(
        "INSERT INTO eav_attribute_option VALUES (?, ?, ?, ?, ?)",
        (number, attribute_id, str(number), option.get("label", ""), order),
    )
    _label_stores(db, number, option)
    return int(number)


def _label_stores(db: sqlite3.Connection, option_id: int, option: dict[str, Any]) -> None:
    labels = [
        (option_id, as_int("store_id", one["store_id"]), one["label"]) for one in as_list(option.get("store_labels"))
    ]
    db.executemany("INSERT OR REPLACE INTO eav_attribute_option_value VALUES (?, ?, ?)", labels)


def _kept(given: dict[str, Any]) -> dict[str, Any]:
    """The properties that are only stored and shown again."""
    names = (
        *BOOLEAN_FLAGS,
        "position",
        "apply_to",
        "default_frontend_label",
        "frontend_labels",
        "note",
        "default_value",
        "is_visible",
    )
    data = {name: given[name] for name in names if given.get(name) is not None}
    flags = ((name, given.get(name)) for name in (*TEXT_FLAGS, "is_unique"))
    return data | {name: str(int(str(value).lower() in {"1", "true"})) for name, value in flags if value is not None}


def _invalid(field: str, value: str) -> MagentoError:
    text = 'Invalid value of "%value" provided for the %fieldName field.'
    return MagentoError(400, text, {"fieldName": field, "value": value})
