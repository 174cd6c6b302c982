"""Cart price rules and tax rules: the routes that make them, and what they say about a cart.

Of cart price rules the percentage is supported, for all products of a cart or with a coupon, with and without shipping; of
tax rules rates by country, region and product class. Both kinds keep the object that was sent, so that it reads back unchanged.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.sales import rows
from connector.sandbox.magento.sales.inputs import path_id
from connector.sandbox.magento.sales.rows import Row
from connector.sandbox.magento.sales.state import ZERO

RETAIL_CUSTOMER_CLASS = 3
COMBINE = "Magento\\SalesRule\\Model\\Rule\\Condition\\"


@dataclass(frozen=True, slots=True)
class CartRule:
    """Percent off every line, and off the shipping when it says so."""

    rule_id: int
    label: str
    percent: Decimal
    to_shipping: bool


@dataclass(frozen=True, slots=True)
class TaxRate:
    code: str
    percent: Decimal


def cart_rules(db: sqlite3.Connection, website_id: int, group_id: int, coupon: str | None) -> list[CartRule]:
    """Active rules for a website and customer group, in the order in which they apply."""
    found = []
    for row in db.execute("SELECT * FROM salesrule WHERE is_active ORDER BY rule_id").fetchall():
        data = json.loads(row["data"])
        wanted = row["coupon_code"]
        if wanted and (coupon or "").lower() != wanted.lower():
            continue
        if website_id in data["website_ids"] and group_id in data["customer_group_ids"]:
            label = str((data.get("store_labels") or [{}])[0].get("store_label", ""))
            percent = Decimal(str(data["discount_amount"]))
            rule = CartRule(row["rule_id"], label, percent, bool(data.get("apply_to_shipping")))
            found.append((int(data.get("sort_order") or 0), rule, bool(data.get("stop_rules_processing"))))
    rules = []
    for _, rule, stops in sorted(found, key=lambda one: one[0]):
        rules.append(rule)
        if stops:
            break
    return rules


def tax_rates(db: sqlite3.Connection, product_class: int, country: str | None, region_id: int | None) -> list[TaxRate]:
    """Rates of the tax rules for a retail customer at an address."""
    rates = []
    for row in db.execute("SELECT data FROM tax_calculation_rule ORDER BY tax_calculation_rule_id").fetchall():
        rule = json.loads(row["data"])
        if product_class not in rule["product_tax_class_ids"]:
            continue
        if RETAIL_CUSTOMER_CLASS not in rule["customer_tax_class_ids"]:
            continue
        rates += [rate for key in rule["tax_rate_ids"] if (rate := _rate_at(db, key, country, region_id))]
    return rates


def _rate_at(db: sqlite3.Connection, key: int, country: str | None, region_id: int | None) -> TaxRate | None:
    row = rows.one(db, "tax_calculation_rate", key)
    if row is None or row["data"]["tax_country_id"] != country:
        return None
    region = row["data"].get("tax_region_id") or 0
    if region and region != region_id:
        return None
    return TaxRate(row["code"], Decimal(str(row["data"]["rate"])))


def percent_sum(rates: Sequence[TaxRate]) -> Decimal:
    return sum((rate.percent for rate in rates), ZERO)


@route("POST", "/V1/taxRates", acl="Magento_Tax::manage_tax")
def create_rate(ctx: Context) -> Any:
    given = ctx.needed("taxRate", "tax_rate")
    data = {"tax_region_id": 0, "tax_postcode": "*"} | dict(given)
    key = _insert(ctx, "tax_calculation_rate", data)
    return {"id": key} | data | {"titles": data.get("titles") or []}


@route("POST", "/V1/taxRules", acl="Magento_Tax::manage_tax")
def create_rule(ctx: Context) -> Any:
    given = ctx.needed("rule")
    data = {"priority": 0, "position": 0, "calculate_subtotal": False} | dict(given)
    return {"id": _insert(ctx, "tax_calculation_rule", data)} | data


def _insert(ctx: Context, table: str, data: Mapping[str, Any]) -> int:
    try:
        return rows.insert(ctx.db, table, {"code": data.get("code"), "data": data})
    except sqlite3.IntegrityError:
        raise MagentoError(400, "Code already exists.") from None


@route("DELETE", "/V1/taxRules/:ruleId", acl="Magento_Tax::manage_tax")
def delete_rule(ctx: Context, ruleId: str) -> Any:  # noqa: N803  # the route's own name for it
    ctx.db.execute("DELETE FROM tax_calculation_rule WHERE tax_calculation_rule_id = ?", (path_id(ruleId),))
    return True


@route("POST", "/V1/salesRules", acl="Magento_SalesRule::quote")
def create_sales_rule(ctx: Context) -> Any:
    data = dict(ctx.needed("rule"))
    if data.get("simple_action") != "by_percent":
        raise MagentoError(400, "The sandbox knows rules of the action by_percent only.")
    key = add_cart_rule(ctx.db, data)
    return _rule_view(key, data)


def add_cart_rule(db: sqlite3.Connection, data: Mapping[str, Any]) -> int:
    """Adds a rule from an object as `POST /V1/salesRules` takes it and returns its id."""
    values = {"is_active": bool(data.get("is_active")), "coupon_code": data.get("coupon_code"), "data": data}
    return rows.insert(db, "salesrule", values)


def _rule_view(key: int, data: Row) -> Row:
    condition: Row = {"aggregator_type": "all", "operator": None, "value": True}
    defaults = {
        "rule_id": key,
        "store_labels": [],
        "uses_per_customer": 0,
        "condition": {"condition_type": f"{COMBINE}Combine"} | condition,
        "action_condition": {"condition_type": f"{COMBINE}Product\\Combine"} | condition,
    }
    return defaults | data


@route("DELETE", "/V1/salesRules/:ruleId", acl="Magento_SalesRule::quote")
def delete_sales_rule(ctx: Context, ruleId: str) -> Any:  # noqa: N803  # as above
    ctx.db.execute("DELETE FROM salesrule WHERE rule_id = ?", (path_id(ruleId),))
    return True
