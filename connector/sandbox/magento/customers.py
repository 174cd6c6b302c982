"""Customers and their groups, as far as a marketplace connector needs them."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import Any

from connector.sandbox.magento.errors import MagentoError, no_such_entity
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.search import DATE, NUMBER, TEXT, Column, Source
from connector.sandbox.magento.typed import as_int, as_list, as_object

READ = "Magento_Customer::customer"
COLUMNS = {
    "entity_id": Column("c.entity_id", NUMBER),
    "email": Column("c.email", TEXT),
    "website_id": Column("c.website_id", NUMBER),
    "store_id": Column("c.store_id", NUMBER),
    "group_id": Column("c.group_id", NUMBER),
    "firstname": Column("c.firstname", TEXT),
    "lastname": Column("c.lastname", TEXT),
    "created_at": Column("c.created_at", DATE),
    "updated_at": Column("c.updated_at", DATE),
}
ADDRESS_FIELDS = [
    "country_id",
    "street",
    "company",
    "telephone",
    "fax",
    "postcode",
    "city",
    "firstname",
    "lastname",
    "middlename",
]


def customer_json(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """A customer with addresses; the numbers of the default ones are text, as Magento gives them."""
    addresses = db.execute(
        "SELECT * FROM customer_address_entity WHERE customer_id = ? ORDER BY entity_id", (row["entity_id"],)
    ).fetchall()
    answer: dict[str, Any] = {"id": row["entity_id"], "group_id": row["group_id"]}
    for kind in ("default_billing", "default_shipping"):
        for one in addresses:
            if one[kind]:
                answer[kind] = str(one["entity_id"])
    return answer | {
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "created_in": row["created_in"],
        "email": row["email"],
        "firstname": row["firstname"],
        "lastname": row["lastname"],
        "store_id": row["store_id"],
        "website_id": row["website_id"],
        "addresses": [_address(one) for one in addresses],
        "disable_auto_group_change": 0,
        "extension_attributes": {"is_subscribed": False},
    }


def _address(row: sqlite3.Row) -> dict[str, Any]:
    data = json.loads(row["data"])
    region = data.get("region") if isinstance(data.get("region"), dict) else {"region": data.get("region")}
    answer: dict[str, Any] = {
        "id": row["entity_id"],
        "customer_id": row["customer_id"],
        "region": {
            "region_code": region.get("region_code"),
            "region": region.get("region"),
            "region_id": region.get("region_id") or data.get("region_id") or 0,
        },
    }
    answer |= {name: data[name] for name in ADDRESS_FIELDS if data.get(name) is not None}
    return answer | {kind: True for kind in ("default_shipping", "default_billing") if row[kind]}


@route("GET", "/V1/customers/search", READ)
def search_customers(ctx: Context) -> Any:
    rows, total, criteria = ctx.search(Source("customer_entity c", "c.*", "c.entity_id", COLUMNS))
    return {
        "items": [customer_json(ctx.db, row) for row in rows],
        "search_criteria": criteria.echo(),
        "total_count": total,
    }


@route("GET", "/V1/customers/:customerId", READ)
def get_customer(ctx: Context, customerId: str) -> Any:  # noqa: N803  # name of the path variable
    number = as_int("customerId", customerId)
    row = ctx.db.execute("SELECT * FROM customer_entity WHERE entity_id = ?", (number,)).fetchone()
    if row is None:
        raise no_such_entity("customerId", number)
    return customer_json(ctx.db, row)


@route("POST", "/V1/customers", "anonymous")
def create_customer(ctx: Context) -> Any:
    """Open to anybody, as in Magento; the password is not kept: nobody signs in here."""
    given = as_object("customer", ctx.needed("customer"))
    email = str(given.get("email") or "")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise MagentoError(400, '"Email" is not a valid email address.')
    for field in ("firstname", "lastname"):
        if not given.get(field):
            text = '"%fieldName" is required. Enter and try again.'
            raise MagentoError(400, text, {"fieldName": field})
    website = as_int("website_id", given.get("website_id") or ctx.store.website_id or 1)
    store_id = as_int("store_id", given.get("store_id") or ctx.store.store_id or 1)
    store = ctx.db.execute("SELECT name FROM store WHERE store_id = ?", (store_id,)).fetchone()
    taken = ctx.db.execute(
        "SELECT 1 FROM customer_entity WHERE email = ? AND website_id = ?", (email, website)
    ).fetchone()
    if taken:
        raise MagentoError(400, "A customer with the same email address already exists in an associated website.")
    cursor = ctx.db.execute(
        "INSERT INTO customer_entity (email, website_id, store_id, group_id, firstname, lastname, created_in, created_at, updated_at, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '{}')",
        (
            email,
            website,
            store_id,
            as_int("group_id", given.get("group_id") or 1),
            given["firstname"],
            given["lastname"],
            store["name"] if store else "Admin",
            ctx.stamp,
            ctx.stamp,
        ),
    )
    for address in as_list(given.get("addresses")):
        ctx.db.execute(
            "INSERT INTO customer_address_entity (customer_id, default_billing, default_shipping, data) VALUES (?, ?, ?, ?)",
            (
                cursor.lastrowid,
                bool(address.get("default_billing")),
                bool(address.get("default_shipping")),
                json.dumps(address, ensure_ascii=False),
            ),
        )
    return get_customer(ctx, str(cursor.lastrowid))


@route("POST", "/V1/customers/isEmailAvailable", "anonymous")
def is_email_available(ctx: Context) -> Any:
    """True whatever the address, as recent releases answer."""
    ctx.needed("customerEmail", "customer_email")
    return True


@route("GET", "/V1/customerGroups/search", "Magento_Customer::group")
def search_groups(ctx: Context) -> Any:
    columns = {
        "id": Column("g.id", NUMBER),
        "customer_group_id": Column("g.id", NUMBER),
        "code": Column("g.code", TEXT),
    }
    source = Source("customer_group g", "g.*", "g.id", columns | {"tax_class_id": Column("g.tax_class_id", NUMBER)})
    rows, total, criteria = ctx.search(source)
    return {"items": [_group(row) for row in rows], "search_criteria": criteria.echo(), "total_count": total}


@route("GET", "/V1/customerGroups/:id", "Magento_Customer::group")
def get_group(ctx: Context, id: str) -> Any:  # noqa: A002  # name of the path variable
    number = as_int("id", id)
    row = ctx.db.execute("SELECT * FROM customer_group WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise no_such_entity("id", number)
    return _group(row)


def _group(row: sqlite3.Row) -> dict[str, Any]:
    names = {2: "Taxable Goods", 3: "Retail Customer"}
    return {
        "id": row["id"],
        "code": row["code"],
        "tax_class_id": row["tax_class_id"],
        "tax_class_name": names.get(row["tax_class_id"], ""),
    }
