"""Addresses of carts and orders: keys, regions, and what placing an order demands of them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from connector.sandbox.magento import config
from connector.sandbox.magento.errors import MagentoError, not_supported
from connector.sandbox.magento.sales.inputs import typed
from connector.sandbox.magento.sales.rows import TABLES, Row, present

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
WRONG_EMAIL = "Email has a wrong format"
FIELDS = tuple(name for name in TABLES["quote_address"].kinds if name not in {"address_id", "quote_id", "address_type"})
ALWAYS = (
    "region",
    "region_id",
    "region_code",
    "country_id",
    "street",
    "telephone",
    "postcode",
    "city",
    "firstname",
    "lastname",
    "email",
)
IGNORED = frozenset({"id", "extension_attributes", "custom_attributes"})
CAMEL = {"countryId": "country_id", "regionId": "region_id", "regionCode": "region_code"}
ORDER_LABELS = {
    "postcode": "Zip code",
    "lastname": "Last name",
    "street": "Street",
    "city": "City",
    "country_id": "Country",
    "firstname": "First Name",
    "address_type": "Address Type",
    "telephone": "Phone Number",
}


def order_address_warnings(address: Mapping[str, Any]) -> list[str]:
    """What keeps an address of a directly saved order out: missing keys and the form of the e-mail, nothing else."""
    warnings = [
        f'"{label}" is required. Enter and try again.'
        for key, label in ORDER_LABELS.items()
        if key not in address and key != "address_type"
    ]
    if not EMAIL.fullmatch(str(address.get("email") or "")):
        warnings.append(WRONG_EMAIL)
    if address.get("address_type") not in {"billing", "shipping"}:
        warnings.append("Address type doesn't match required options")
    return warnings


def read_address(db: sqlite3.Connection, given: Any) -> Row:
    """A cart address from a body, its region filled in from the directory.

    Raises MagentoError 400 for keys that an address does not have.
    """
    if not isinstance(given, Mapping):
        raise MagentoError(400, "The value's type is invalid. Verify and try again.")
    kinds = TABLES["quote_address"].kinds
    address: Row = {}
    for name, value in given.items():
        key = CAMEL.get(name, name)
        if key in IGNORED:
            continue
        if key not in FIELDS:
            raise not_supported(str(key))
        address[key] = None if value is None else typed(key, value, kinds[key])
    if isinstance(address.get("street"), list):
        address["street"] = [line for part in address["street"] for line in str(part).split("\n")]
    return with_region(db, address)


def with_region(db: sqlite3.Connection, address: Row) -> Row:
    """A region id of the address's country decides name and code, whatever text came with it."""
    row = db.execute(
        "SELECT code, default_name FROM directory_country_region WHERE region_id = ? AND country_id = ?",
        (address.get("region_id") or 0, address.get("country_id")),
    ).fetchone()
    if row is not None:
        return address | {"region": row["default_name"], "region_code": row["code"]}
    if not address.get("region_id"):
        address["region_id"] = None
    return address


def address_problems(db: sqlite3.Connection, address: Mapping[str, Any], store_id: int) -> list[str]:
    """Why an order cannot be placed with this address; the texts name the field."""
    missing = [name for name in ("firstname", "lastname", "street", "city") if not _filled(address.get(name))]
    if not _filled(address.get("telephone")):
        missing.append("telephone")
    country = str(address.get("country_id") or "")
    optional_zip = config.read(db, "general/country/optional_zip_countries", store_id).split(",")
    if not _filled(address.get("postcode")) and country not in optional_zip:
        missing.append("postcode")
    if not country:
        missing.append("countryId")
    problems = [f'"{name}" is required. Enter and try again.' for name in missing]
    return problems + (_region_problems(db, address, country, store_id) if country else [])


def _region_problems(db: sqlite3.Connection, address: Mapping[str, Any], country: str, store_id: int) -> list[str]:
    allowed = config.read(db, "general/country/allow", store_id)
    known = db.execute("SELECT 1 FROM directory_country WHERE country_id = ?", (country,)).fetchone()
    if known is None or (allowed and country not in allowed.split(",")):
        return [f'Invalid value of "{country}" provided for the countryId field.']
    regions = db.execute("SELECT region_id FROM directory_country_region WHERE country_id = ?", (country,)).fetchall()
    region_id = address.get("region_id")
    needed = country in config.read(db, "general/region/state_required", store_id).split(",")
    if regions and region_id and region_id not in {row["region_id"] for row in regions}:
        return [f'Invalid value of "{region_id}" provided for the regionId field.']
    if regions and needed and not region_id:
        return ['"regionId" is required. Enter and try again.']
    if not regions and needed and not _filled(address.get("region")):
        return ['"region" is required. Enter and try again.']
    return []


def _filled(value: Any) -> bool:
    if isinstance(value, list):
        return any(str(line).strip() for line in value)
    return bool(str(value or "").strip())


def country_is_known(db: sqlite3.Connection, country: Any) -> bool:
    return (
        country is None
        or db.execute("SELECT 1 FROM directory_country WHERE country_id = ?", (country,)).fetchone() is not None
    )


def cart_address_view(address: Mapping[str, Any]) -> Row:
    """An address of a cart as GET /V1/carts/:id shows it."""
    shown = dict(address)
    shown["street"] = shown.get("street") or [""]
    if shown.get("region") and not shown.get("region_code"):
        shown["region_code"] = shown["region"]
    return {"id": address["address_id"]} | present(shown, FIELDS, ALWAYS)
