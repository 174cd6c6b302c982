"""Somebody who works in the store, over its own API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from connector.store.models import Account, MagentoStore, Product
from tests.clients.rehearsal import Control


@dataclass
class Shopkeeper:
    """What is done in the store, over its own API."""

    control: Control
    token: str
    made: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(
            method, f"{self.control.url}/rest/all/V1/{path}", json=body, timeout=10,
            headers={"Authorization": f"Bearer {self.token}"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        return answer.json()

    def make(self, sku: str, **more: Any) -> int:
        product = {
            "sku": sku,
            "name": f"Thing {sku}",
            "attribute_set_id": 4,
            "price": 10,
            "type_id": "simple",
            "status": 1,
        }
        stock = {"stock_item": {"qty": 5, "is_in_stock": True}}
        body = {"product": {**product, "extension_attributes": stock, **more}}
        self.made.append(sku)
        return int(self.call("POST", "products", body)["id"])

    def delete(self, sku: str) -> None:
        self.made.remove(sku)
        self.call("DELETE", f"products/{quote(sku, safe='')}")

    def edit(self, which: str, **changes: Any) -> None:
        self.call("PUT", f"products/{quote(which, safe='')}", {"product": changes})

    def stock(self, sku: str, **item: Any) -> None:
        number = self.call("GET", f"stockItems/{quote(sku, safe='')}")["item_id"]
        self.call("PUT", f"products/{quote(sku, safe='')}/stockItems/{number}", {"stockItem": item})

    def source(self, sku: str, quantity: float, status: int = 1, code: str = "default") -> None:
        items = [{"sku": sku, "source_code": code, "quantity": quantity, "status": status}]
        self.call("POST", "inventory/source-items", {"sourceItems": items})


def store(account: Account) -> MagentoStore:
    found: MagentoStore = MagentoStore.get_by_id(account.store_id)
    return found


def row(sku: str) -> Product:
    found: Product = Product.get(Product.sku == sku)
    return found
