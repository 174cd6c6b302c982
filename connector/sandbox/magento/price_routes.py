"""Bulk prices: base, special, cost and tier prices of many SKUs in one call. None of them touches `updated_at`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connector.sandbox.magento.product_parts import ALL_GROUPS
from connector.sandbox.magento.products import ProductRow, find_product
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.typed import as_decimal, as_int, as_list
from connector.sandbox.magento.values import date_text, decimal_text

ACL = "Magento_Catalog::catalog"
PRICED = frozenset({"simple", "virtual", "downloadable"})
INVALID = "Invalid attribute %fieldName = %fieldValue."


def _products(ctx: Context) -> Iterator[ProductRow]:
    """Products of the asked SKUs, those that have a price of their own."""
    for sku in as_list(ctx.needed("skus")):
        product = find_product(ctx.db, str(sku))
        if product is not None and product.type_id in PRICED:
            yield product


def _values(ctx: Context, entity_id: int, code: str) -> dict[int, str]:
    rows = ctx.db.execute(
        "SELECT v.store_id, v.value FROM catalog_product_value v JOIN eav_attribute a USING (attribute_id)"
        " WHERE v.entity_id = ? AND a.attribute_code = ? ORDER BY v.store_id",
        (entity_id, code),
    )
    return {int(row[0]): row[1] for row in rows if row[1] is not None}


def _put(ctx: Context, entity_id: int, code: str, value: str | None) -> None:
    """Price scope is global: values live at the default scope."""
    attribute_id = ctx.db.execute(
        "SELECT attribute_id FROM eav_attribute WHERE attribute_code = ?", (code,)
    ).fetchone()[0]
    if value is None:
        ctx.db.execute(
            "DELETE FROM catalog_product_value WHERE entity_id = ? AND attribute_id = ?", (entity_id, attribute_id)
        )
    else:
        ctx.db.execute(
            "INSERT OR REPLACE INTO catalog_product_value VALUES (?, ?, 0, ?)", (entity_id, attribute_id, value)
        )


class _Refused(Exception):  # noqa: N818  # a signal between two functions here
    """A row is refused; `field` and `value` say why."""

    def __init__(self, field: str, value: Any) -> None:
        self.field, self.value = field, value
        super().__init__(field)


def _rows(ctx: Context) -> list[dict[str, Any]]:
    return [row for row in as_list(ctx.needed("prices")) if isinstance(row, dict)]


def _checked(ctx: Context, row: dict[str, Any], amount: str) -> tuple[ProductRow, Decimal]:
    product = find_product(ctx.db, str(row.get("sku", "")))
    if product is None or product.type_id not in PRICED:
        raise _Refused("SKU", row.get("sku"))
    value = as_decimal(amount, row.get(amount) if row.get(amount) is not None else 0)
    if value < 0 or row.get(amount) is None:
        raise _Refused(amount.capitalize(), row.get(amount))
    if as_int("store_id", row.get("store_id") or 0) != 0:
        raise _Refused("Store ID", row.get("store_id"))
    return product, value


def _problem(refused: _Refused) -> dict[str, Any]:
    return {"message": INVALID, "parameters": [refused.field, str(refused.value)]}


@route("POST", "/V1/products/base-prices-information", ACL)
def base_prices(ctx: Context) -> Any:
    return _amounts(ctx, "price")


@route("POST", "/V1/products/base-prices", ACL)
def set_base_prices(ctx: Context) -> Any:
    return _set_amounts(ctx, "price")


@route("POST", "/V1/products/cost-information", ACL)
def costs(ctx: Context) -> Any:
    return _amounts(ctx, "cost")


@route("POST", "/V1/products/cost", ACL)
def set_costs(ctx: Context) -> Any:
    return _set_amounts(ctx, "cost")


@route("POST", "/V1/products/cost-delete", ACL)
def delete_costs(ctx: Context) -> Any:
    for product in _products(ctx):
        _put(ctx, product.entity_id, "cost", None)
    return True


def _amounts(ctx: Context, code: str) -> list[dict[str, Any]]:
    return [
        {code: Decimal(value), "store_id": store_id, "sku": product.sku}
        for product in _products(ctx)
        for store_id, value in _values(ctx, product.entity_id, code).items()
    ]


def _set_amounts(ctx: Context, code: str) -> list[dict[str, Any]]:
    problems = []
    for row in _rows(ctx):
        try:
            product, value = _checked(ctx, row, code)
        except _Refused as refused:
            problems.append(_problem(refused))
        else:
            _put(ctx, product.entity_id, code, decimal_text(value))
    return problems


@route("POST", "/V1/products/special-price-information", ACL)
def special_prices(ctx: Context) -> Any:
    answers = []
    for product in _products(ctx):
        begins = _values(ctx, product.entity_id, "special_from_date")
        ends = _values(ctx, product.entity_id, "special_to_date")
        for store_id, value in _values(ctx, product.entity_id, "special_price").items():
            answers.append(
                {
                    "price": Decimal(value),
                    "store_id": store_id,
                    "sku": product.sku,
                    "price_from": begins.get(store_id) or begins.get(0),
                    "price_to": ends.get(store_id) or ends.get(0),
                }
            )
    return answers


@route("POST", "/V1/products/special-price", ACL)
def set_special_prices(ctx: Context) -> Any:
    problems = []
    for row in _rows(ctx):
        try:
            product, value = _checked(ctx, row, "price")
            begin, end = (
                _date(row, name, label) for name, label in (("price_from", "Price From"), ("price_to", "Price To"))
            )
        except _Refused as refused:
            problems.append(_problem(refused))
        else:
            _put(ctx, product.entity_id, "special_price", decimal_text(value))
            _put(ctx, product.entity_id, "special_from_date", begin or ctx.stamp)
            _put(ctx, product.entity_id, "special_to_date", end)
    return problems


def _date(row: dict[str, Any], name: str, label: str) -> str | None:
    given = row.get(name)
    if not given:
        return None
    found = date_text(str(given))
    if found is None:
        raise _Refused(label, given)
    return found


@route("POST", "/V1/products/special-price-delete", ACL)
def delete_special_prices(ctx: Context) -> Any:
    problems = []
    for row in _rows(ctx):
        product = find_product(ctx.db, str(row.get("sku", "")))
        if product is None:
            problems.append(_problem(_Refused("SKU", row.get("sku"))))
            continue
        for code in ("special_price", "special_from_date", "special_to_date"):
            _put(ctx, product.entity_id, code, None)
    return problems


def _group_name(ctx: Context, group_id: int) -> str:
    if group_id == ALL_GROUPS:
        return "all groups"
    row = ctx.db.execute("SELECT code FROM customer_group WHERE id = ?", (group_id,)).fetchone()
    return str(row["code"]) if row else str(group_id)


def _group_id(ctx: Context, name: Any) -> int:
    if str(name).lower() == "all groups":
        return ALL_GROUPS
    row = ctx.db.execute("SELECT id FROM customer_group WHERE code = ? COLLATE NOCASE", (str(name),)).fetchone()
    if row is None:
        raise _Refused("Customer Group", name)
    return int(row["id"])


@route("POST", "/V1/products/tier-prices-information", ACL)
def tier_prices(ctx: Context) -> Any:
    answers = []
    for product in _products(ctx):
        rows = ctx.db.execute(
            "SELECT * FROM catalog_product_tier_price WHERE entity_id = ? ORDER BY value_id", (product.entity_id,)
        )
        for row in rows.fetchall():
            percent = row["percentage_value"]
            answers.append(
                {
                    "price": Decimal(row["value"] if percent is None else percent),
                    "price_type": "fixed" if percent is None else "discount",
                    "website_id": row["website_id"],
                    "sku": product.sku,
                    "customer_group": _group_name(ctx, row["customer_group_id"]),
                    "quantity": Decimal(row["qty"]),
                }
            )
    return answers


@route("POST", "/V1/products/tier-prices", ACL)
def add_tier_prices(ctx: Context) -> Any:
    """Adds prices; one for the same group, website and quantity is overwritten."""
    problems = []
    for row in _rows(ctx):
        try:
            _write_tier_price(ctx, row)
        except _Refused as refused:
            problems.append(_problem(refused))
    return problems


@route("PUT", "/V1/products/tier-prices", ACL)
def replace_tier_prices(ctx: Context) -> Any:
    """Replaces all tier prices of the SKUs that are named."""
    for sku in {str(row.get("sku", "")) for row in _rows(ctx)}:
        product = find_product(ctx.db, sku)
        if product is not None:
            ctx.db.execute("DELETE FROM catalog_product_tier_price WHERE entity_id = ?", (product.entity_id,))
    return add_tier_prices(ctx)


@route("POST", "/V1/products/tier-prices-delete", ACL)
def delete_tier_prices(ctx: Context) -> Any:
    problems = []
    for row in _rows(ctx):
        try:
            product, _ = _checked(ctx, row | {"store_id": 0}, "price")
            _remove_tier_price(ctx, product, row)
        except _Refused as refused:
            problems.append(_problem(refused))
    return problems


def _remove_tier_price(ctx: Context, product: ProductRow, row: dict[str, Any]) -> None:
    quantity = as_decimal("quantity", row.get("quantity") or 1)
    for found in ctx.db.execute(
        "SELECT value_id, qty FROM catalog_product_tier_price WHERE entity_id = ? AND website_id = ? AND customer_group_id = ?",
        (
            product.entity_id,
            as_int("website_id", row.get("website_id") or 0),
            _group_id(ctx, row.get("customer_group")),
        ),
    ).fetchall():
        if Decimal(found["qty"]) == quantity:
            ctx.db.execute("DELETE FROM catalog_product_tier_price WHERE value_id = ?", (found["value_id"],))


def _write_tier_price(ctx: Context, row: dict[str, Any]) -> None:
    product, price = _checked(ctx, row | {"store_id": 0}, "price")
    kind = str(row.get("price_type", "fixed"))
    if kind not in {"fixed", "discount"}:
        raise _Refused("Price Type", kind)
    group = _group_id(ctx, row.get("customer_group"))
    _remove_tier_price(ctx, product, row)
    ctx.db.execute(
        "INSERT INTO catalog_product_tier_price (entity_id, website_id, customer_group_id, qty, value, percentage_value)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            product.entity_id,
            as_int("website_id", row.get("website_id") or 0),
            group,
            str(as_decimal("quantity", row.get("quantity") or 1)),
            "0" if kind == "discount" else str(price),
            str(price) if kind == "discount" else None,
        ),
    )
