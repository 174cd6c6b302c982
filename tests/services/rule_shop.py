"""A store whose attributes are known, with as many products as a test asks for, and rules that assign them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connector.services import rulesets, snapshots
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, MagentoStore, Product
from tests.services import world

ATTRIBUTES: list[dict[str, Any]] = [
    {
        "attribute_code": "color",
        "frontend_input": "select",
        "options": [{"value": "1", "label": "Red"}, {"value": "2", "label": "Blue"}],
    },
    {"attribute_code": "margin", "frontend_input": "price"},
    {"attribute_code": "launched", "frontend_input": "date"},
    {"attribute_code": "season", "frontend_input": "text"},
]
RULES = """
assign "Cheap" priority 20 where price < 20 and status = "enabled"
assign "Reds" priority 10 where any variant (color = "Red" and qty > 2)
"""


def open_shop(account: Account) -> Account:
    """The account with a store whose attributes are known, three templates, and no products."""
    Listing.delete().execute()
    Product.delete().execute()
    MagentoStore.update(attributes=ATTRIBUTES, categories={"id": 1, "level": 0}, attribute_sets=[]).execute()
    for name in ("Cheap", "Reds", "Rest"):
        template(account, name)
    return Account.get_by_id(account.id)


def template(account: Account, name: str, **values: Any) -> ListingTemplate:
    made: ListingTemplate = ListingTemplate.create(
        account=account, name=name, created_at=world.START, updated_at=world.START, **values
    )
    return made


def product(number: int, *, parent: Product | None = None, type_id: str = "simple", **values: Any) -> Product:
    """One product of the only store: `price` and `qty`, the others as attributes."""
    data = values_of(number, type_id, values)
    made: Product = Product.create(
        store=MagentoStore.get(), entity_id=number, sku=data["sku"], name=data["name"], type_id=type_id, data=data,
        digest="d", seen_at=world.START, parent=parent, salable=Decimal(values.get("qty", 5)),
    )  # fmt: skip
    return made


def values_of(number: int, type_id: str, values: dict[str, Any]) -> dict[str, Any]:
    custom = {name: value for name, value in values.items() if name not in {"price", "qty", "status"}}
    return {
        "id": number, "sku": f"P{number:04}", "name": f"Product {number}", "type_id": type_id,
        "status": values.get("status", 1), "price": values.get("price"), "visibility": 4, "attribute_set_id": 4,
        "custom_attributes": [{"attribute_code": code, "value": value} for code, value in custom.items()],
    }  # fmt: skip


def change(row: Product, **values: Any) -> None:
    """What the store's product becomes, as reading it again would write it."""
    with transaction():
        data = values_of(row.entity_id, row.type_id, values)
        Product.update(data=data, salable=Decimal(values.get("qty", 5))).where(Product.id == row.id).execute()
        snapshots.mark_stale([row.id])


def places(account: Account) -> dict[str, str | None]:
    """SKU → its template's name."""
    rows = Listing.select(Listing, Product).join(Product).where(Listing.account == account)
    return {row.product.sku: row.template.name if row.template else None for row in rows}


def activate(ctx: Context, text: str = RULES) -> None:
    rulesets.save_and_activate(ctx, {"a.rules": text}, "test")


def family(start: int = 1) -> Product:
    lead = product(start, type_id="configurable", color="2")
    product(start + 1, parent=lead, price="30", qty=3, color="1")
    product(start + 2, parent=lead, price="10", qty=9)
    return lead
