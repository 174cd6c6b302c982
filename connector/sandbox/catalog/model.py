"""A catalogue in the shape that Magento's REST API gives it; a folder of four files holds the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PRODUCTS, ATTRIBUTES, CATEGORIES, SETS = "products.jsonl", "attributes.json", "categories.json", "attribute_sets.json"


@dataclass(frozen=True, slots=True)
class Catalog:
    """`attributes` as `/products/attributes` gives them, `categories` the tree of `/categories`, `products` pairs of a place for
    error messages (such as `products.jsonl, line 7`) and a product of `/products/:sku`, `stock_item` included."""

    attributes: list[dict[str, Any]]
    attribute_sets: list[dict[str, Any]]
    categories: dict[str, Any]
    products: Iterable[tuple[str, dict[str, Any]]]
