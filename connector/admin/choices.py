"""Choices that come from the store's and the marketplace's own data, by the names that plugins may give."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from connector.rules.parser import parse_file
from connector.rules.tree import Price
from connector.store.models import Account, MagentoStore, RuleSetVersion

Choices = list[tuple[str, str]]
BUILT_IN_PRICES = (
    ("price", "Price (price)"),
    ("final_price", "Final price, with a running special price (final_price)"),
)


def of(source: str) -> Choices:
    """The choices of a named source as they are now; empty for one that nothing is known about."""
    return _SOURCES[source]() if source in _SOURCES else []


def magento_attributes(kinds: Iterable[str] = ()) -> Choices:
    """(code, label) of the stores' product attributes, of these inputs only when given."""
    wanted, found = set(kinds), {}
    for store in MagentoStore.select(MagentoStore.attributes):
        for attribute in store.attributes or ():
            if not wanted or attribute.get("frontend_input") in wanted:
                code = attribute["attribute_code"]
                found[code] = f"{attribute.get('default_frontend_label') or code} ({code})"
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


def price_attributes() -> Choices:
    """The two built-in prices first, then the store's own price attributes."""
    known = dict(BUILT_IN_PRICES)
    return [*BUILT_IN_PRICES, *(pair for pair in magento_attributes(["price"]) if pair[0] not in known)]


def image_attributes() -> Choices:
    """Image roles; the three of every Magento where the store was not read yet."""
    found = magento_attributes(["media_image"])
    return found or [
        ("image", "Base (image)"),
        ("small_image", "Small (small_image)"),
        ("thumbnail", "Thumbnail (thumbnail)"),
    ]


def store_sources() -> Choices:
    """Sources of all stores, with what keeps one from counting."""
    found = {}
    for store in MagentoStore.select(MagentoStore.title, MagentoStore.sources):
        for source in store.sources or ():
            why = "" if source["enabled"] else ", disabled"
            why = why or ("" if source["sells"] else ", not in the website's stock")
            found[source["code"]] = f"{source['name']} ({source['code']}){why} · {store.title}"
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


def warehouses() -> Choices:
    """Sales warehouses of all accounts."""
    return _of_accounts("warehouses", lambda w: w.get("type", "SALES_WAREHOUSE") == "SALES_WAREHOUSE")


def carriers() -> Choices:
    """Shipping providers of all accounts."""
    return _of_accounts("carriers", lambda _: True)


def _of_accounts(column: str, keep: Callable[[dict[str, Any]], bool]) -> Choices:
    found = {}
    for account in Account.select(Account.title, getattr(Account, column)):
        for row in getattr(account, column) or ():
            if keep(row):
                found[str(row["id"])] = f"{row['name']} · {account.title}"
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


def price_rules() -> Choices:
    """Names of the active rule set's price rules."""
    version = RuleSetVersion.get_or_none(RuleSetVersion.active)
    names = {
        definition.name.value
        for name, text in (version.files if version else {}).items()
        for definition in parse_file(text, name).tree.definitions
        if isinstance(definition, Price)
    }
    return [(name, name) for name in sorted(names)]


_SOURCES: dict[str, Callable[[], Choices]] = {
    "magento_attributes": magento_attributes,
    "image_attributes": image_attributes,
    "price_attributes": price_attributes,
    "store_sources": store_sources,
    "warehouses": warehouses,
    "carriers": carriers,
    "price_rules": price_rules,
}
