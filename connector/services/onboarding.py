"""What an account's shop offers: warehouses, carriers, the category tree, and what categories ask of a listing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.domain.shop import Category, CategoryAttribute, ShippingProvider, Warehouse
from connector.domain.values import to_json
from connector.errors import ConfigurationError
from connector.ports import Marketplace
from connector.services import history
from connector.services.accounts import choose_shop
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, MagentoStore, MarketplaceCategory, TikTokAttribute

CHUNK = 500
"""Rows per statement: eight columns stay far below SQLite's 32,766 variables."""

JOINT = " / "

SYNONYMS = {
    "colour": "color",
    "colors": "color",
    "colours": "color",
    "sizes": "size",
    "shoesize": "size",
    "materials": "material",
    "fabric": "material",
    "targetgender": "gender",
    "patterns": "pattern",
    "sleevetype": "sleeve",
    "sleevelength": "sleeve",
    "collartype": "collar",
    "neckline": "collar",
    "countryoforigin": "countryofmanufacture",
    "originofcountry": "countryofmanufacture",
}
"""Folded names of attributes that mean the same to a merchant."""

VALUE_SYNONYMS = {
    "grey": "gray",
    "multicoloured": "multicolor",
    "multicolored": "multicolor",
    "multi": "multicolor",
    "extrasmall": "xs",
    "xsmall": "xs",
    "small": "s",
    "medium": "m",
    "large": "l",
    "extralarge": "xl",
    "xlarge": "xl",
    "2xl": "xxl",
    "xxlarge": "xxl",
    "xxxl": "3xl",
    "onesizefitsall": "onesize",
    "elastane": "spandex",
    "lycra": "spandex",
    "autumn": "fall",
    "allseason": "allseasons",
    "plaid": "checked",
    "check": "checked",
    "solidcolor": "solid",
    "plain": "solid",
    "unitedstatesofamerica": "unitedstates",
    "usa": "unitedstates",
    "greatbritain": "unitedkingdom",
}
"""Folded names of values that mean the same."""


def fetch(ctx: Context, account_id: int) -> str:
    """Reads shop, warehouses, carriers and the category tree, and replaces what was read before; what was read, in words.

    Raises:
        ConfigurationError: there is no such account, or its shop is no longer authorised.
        RemoteError: nothing was changed.
    """
    account = _account(account_id)
    shop = ctx.remotes.shop(account)
    found = choose_shop(account, shop.shops())
    categories, warehouses = shop.categories(), shop.warehouses()
    carriers = _carriers(shop, warehouses)
    changes = {
        "shop_name": found.name,
        "shop_cipher": found.cipher,
        "warehouses": [to_json(warehouse) for warehouse in warehouses],
        "carriers": [to_json(carrier) for carrier in carriers],
        "onboarded_at": ctx.clock.now(),
    }
    selling = [w for w in warehouses if w.type == "SALES_WAREHOUSE" and w.status == "ENABLED"]
    if account.warehouse_id not in {warehouse.id for warehouse in selling}:
        changes["warehouse_id"] = next((w.id for w in sorted(selling, key=lambda each: not each.is_default)), "")
    with transaction():
        Account.update(changes).where(Account.id == account.id).execute()
        _replace_categories(account.id, categories)
    return f"{len(categories)} categories, {len(warehouses)} warehouses and {len(carriers)} carriers read."


def refetch_attributes(ctx: Context, account_id: int, category_ids: Sequence[str] = ()) -> str:
    """Reads attributes and rules of categories, by default those of all the account's templates; what was read, in words.

    Mappings that people made stay; an attribute that is seen for the first time is mapped where names are equal.
    """
    account = _account(account_id)
    templates = list(ListingTemplate.select().where(ListingTemplate.account == account.id))
    wanted = list(dict.fromkeys(category_ids or (t.category_id for t in templates if t.category_id)))
    shop, now = ctx.remotes.shop(account), ctx.clock.now()
    read = matched = 0
    for category_id in wanted:
        attributes, rules = shop.category_attributes(category_id), shop.category_rules(category_id)
        with transaction():
            fresh = _save_attributes(account.id, category_id, attributes, now)
            ListingTemplate.update(category_rules=to_json(rules)).where(
                ListingTemplate.account == account.id, ListingTemplate.category_id == category_id
            ).execute()
            matched += suggest_mapping(account.store, account, category_id, now=now, only=fresh)
            _ask_new_drafts([t.id for t in templates if t.category_id == category_id])
        read += len(attributes)
    return f"{read} attributes of {len(wanted)} categories read; {matched} new ones matched by name."


def suggest_mapping(
    store: MagentoStore,
    account: Account,
    category_id: str,
    *,
    now: datetime,
    fill_required: bool = False,
    only: Collection[int] | None = None,
    actor: str = "onboarding",
) -> int:
    """Maps attributes that nobody mapped to store attributes of the same name, and options to values of the same name.

    `fill_required` gives what is required (or can be, because of another attribute's value) and has listed values one of
    them as its default, for products that say nothing themselves; history says so. A free text is never made up: the
    validation names it. `only` are ids of attribute rows to look at. Returns how many rows were filled.
    """
    by_name = _by_name(store.attributes or ())
    query = TikTokAttribute.select().where(
        TikTokAttribute.account == account.id, TikTokAttribute.category_id == category_id
    )
    rows = list(query.order_by(TikTokAttribute.id))
    filled = set()
    with transaction():
        for row in rows:
            if (only is not None and row.id not in only) or _mapped(row):
                continue
            counterpart = by_name.get(_name(row.name))
            if counterpart:
                row.magento_attribute = counterpart["attribute_code"]
                row.value_map = value_map(counterpart.get("options") or (), row.values or ())
                filled.add(row.id)
        for row in _due_defaults(rows) if fill_required else ():
            if only is None or row.id in only:
                chosen = _likely_value(row)
                row.default_value_id = str(chosen[0])
                text = f"{row.name} of category {category_id}: “{chosen[1]}” filled in, because it is required"
                history.note(now, actor, "attribute.default", "attribute", row.id, text)
                filled.add(row.id)
        for row in rows:
            if row.id in filled:
                row.save(only=_SUGGESTED)
    return len(filled)


_SUGGESTED = (TikTokAttribute.magento_attribute, TikTokAttribute.value_map, TikTokAttribute.default_value_id)


def _due_defaults(rows: Sequence[TikTokAttribute]) -> Iterator[TikTokAttribute]:
    """Properties with listed values that are or can become required and have no default yet; those that another one's value
    asks for come after it, because its own default decides."""
    by_id = {row.attribute_id: row for row in rows}
    for row in sorted(rows, key=lambda row: not row.is_required):
        open_ = not row.is_sales and row.values and not row.default_value_id and not row.default_custom
        if open_ and (row.is_required or any(_can_be(by_id.get(str(a)), str(v)) for a, v in row.required_when)):
            yield row


def _can_be(row: TikTokAttribute | None, value_id: str) -> bool:
    """Whether an attribute can have this value: by its default, or because a store attribute says so."""
    return row is not None and (row.default_value_id == value_id or bool(row.magento_attribute))


def _likely_value(row: TikTokAttribute) -> Sequence[str]:
    """“No” where a plain yes or no is asked, a value such as “Other” or “None” where there is one, else the first."""
    by_name = {_fold(str(name)): (number, name) for number, name in row.values}
    wanted = ("no",) if set(by_name) == {"yes", "no"} else ("other", "others", "none", "notapplicable", "na")
    found: Sequence[str] = next((by_name[name] for name in wanted if name in by_name), row.values[0])
    return found


def _account(account_id: int) -> Account:
    account: Account | None = Account.get_or_none(Account.id == account_id)
    if account is None:
        raise ConfigurationError(f"Account {account_id} does not exist any more.")
    return account


def _carriers(shop: Marketplace, warehouses: Iterable[Warehouse]) -> list[ShippingProvider]:
    """Each carrier once, whichever warehouse and delivery option it goes with."""
    found: dict[str, ShippingProvider] = {}
    for warehouse in warehouses:
        if warehouse.type == "SALES_WAREHOUSE":
            for carrier in shop.shipping_providers(warehouse.id):
                found.setdefault(carrier.id, carrier)
    return list(found.values())


def _replace_categories(account_id: int, categories: Sequence[Category]) -> None:
    by_id = {category.id: category for category in categories}
    rows = [
        {
            "account": account_id,
            "category_id": category.id,
            "parent_id": category.parent_id,
            "name": category.name,
            "path": _path(category, by_id),
            "is_leaf": category.is_leaf,
            "available": not category.permissions or "AVAILABLE" in category.permissions,
        }
        for category in categories
    ]
    MarketplaceCategory.delete().where(MarketplaceCategory.account == account_id).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
    for start in range(0, len(rows), CHUNK):
        MarketplaceCategory.insert_many(rows[start : start + CHUNK]).execute()


def _path(category: Category, by_id: Mapping[str, Category]) -> str:
    """Names from the root; a parent that is missing or its own ancestor ends it."""
    names, seen, node = [category.name], {category.id}, by_id.get(category.parent_id)
    while node is not None and node.id not in seen:
        names.append(node.name)
        seen.add(node.id)
        node = by_id.get(node.parent_id)
    return JOINT.join(reversed(names))


def _save_attributes(
    account_id: int, category_id: str, attributes: Sequence[CategoryAttribute], now: datetime
) -> set[int]:
    """Rows that are new, by id. Attributes that the category no longer has go with their mapping."""
    table = TikTokAttribute
    here = (table.account == account_id) & (table.category_id == category_id)
    known = {row.attribute_id: row.id for row in table.select(table.id, table.attribute_id).where(here)}
    fresh = set()
    for attribute in attributes:
        told = {
            "name": attribute.name,
            "is_sales": attribute.is_sales,
            "is_required": attribute.is_required,
            "is_multiple": attribute.is_multiple,
            "is_customizable": attribute.is_customizable,
            "is_number": attribute.is_number,
            "values": [list(pair) for pair in attribute.values],
            "required_when": [list(pair) for pair in attribute.required_when],
            "fetched_at": now,
        }
        number = known.pop(attribute.id, None)
        if number is not None:
            table.update(told).where(table.id == number).execute()
        else:
            row = table.create(account=account_id, category_id=category_id, attribute_id=attribute.id, **told)
            fresh.add(row.id)
    table.delete().where(table.id.in_(list(known.values()))).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
    return fresh


def _ask_new_drafts(template_ids: Sequence[int]) -> None:
    Listing.update(stale=True).where(Listing.template.in_(list(template_ids))).execute()


def _mapped(row: TikTokAttribute) -> bool:
    return bool(row.magento_attribute or row.default_value_id or row.default_custom)


def _by_name(attributes: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Store attributes by their folded code and label; the code wins where both claim a name."""
    listed = list(attributes)
    labels = {_name(str(a.get("default_frontend_label") or "")): a for a in reversed(listed)}
    codes = {_name(str(a["attribute_code"])): a for a in reversed(listed)}
    found = {**labels, **codes}
    found.pop("", None)
    return found


def _name(text: str) -> str:
    folded = _fold(text)
    return SYNONYMS.get(folded, folded)


def _fold(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def value_map(options: Iterable[Mapping[str, Any]], values: Iterable[Sequence[str]]) -> dict[str, str]:
    """Store label → marketplace value id where both have the same name, in other words or not.

    Two labels never go to one value because of other words: variants that differ by them would become the same.
    """
    listed = list(values)
    exact = {_fold(str(name)): str(number) for number, name in listed}
    meant = {_value_name(str(name)): str(number) for number, name in listed}
    labels = [label for option in options if (label := str(option.get("label") or "").strip()) and _fold(label)]
    found = {label: exact[_fold(label)] for label in labels if _fold(label) in exact}
    taken = set(found.values())
    for label in labels:
        value = meant.get(_value_name(label), "")
        if label not in found and value and value not in taken:
            found[label] = value
            taken.add(value)
    return found


def _value_name(text: str) -> str:
    folded = _fold(text)
    return VALUE_SYNONYMS.get(folded, folded)
