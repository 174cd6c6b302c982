"""What the buyer ordered, as the marketplace alone tells it, against our row of the order and the store's order.

Nothing here goes through our own reading of orders: that is what is judged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from connector.domain.money import to_minor
from connector.domain.order import StoreOrder, StoreOrderItem
from connector.services import publishing
from connector.store.models import Account, Listing, Order, OrderLine

Truth = Mapping[str, Any]
CENT = Decimal("0.01")
ZERO = Decimal(0)

_LINE_MONEY = ("original_price", "sale_price", "seller_discount", "platform_discount")


def store_skus(account: Account, orders: Iterable[Truth]) -> dict[str, str]:
    """Seller SKU → the store's, of everything that was ordered; from the listings that were sold."""
    products = {line["product_id"] for order in orders for line in order["line_items"]}
    rows = Listing.select().where(Listing.account == account, Listing.remote_id.in_(list(products)))
    drafts = [publishing.drafted_of(row) for row in rows]
    return {sku.seller_sku: sku.sku for draft in drafts if draft for sku in draft.skus}


def kept(row: Order, truth: Truth) -> list[str]:
    """Where our row is not what the marketplace says: its total, every amount of its payment, every unit."""
    data = row.data
    pay = truth["payment"]
    found = differ("total kept", row.total_minor, to_minor(_money(pay, "total_amount"), pay["currency"]))
    for name, amount in pay.items():
        if name in data["payment"] and name != "currency":
            found += differ(f"{name} kept", Decimal(str(data["payment"][name])), Decimal(amount))
    found += differ("currency kept", row.currency, pay["currency"])
    found += differ("units kept", _units(data["lines"], "status"), _units(truth["line_items"], "display_status"))
    rows = OrderLine.select().where(OrderLine.order == row)
    ours = sorted((line.line_id, line.seller_sku, line.status) for line in rows)
    theirs = sorted((line["id"], line["seller_sku"], line["display_status"]) for line in truth["line_items"])
    return found + differ("units filed", ours, theirs)


def _units(lines: Iterable[Mapping[str, Any]], status: str) -> list[tuple[Any, ...]]:
    """Id, SKUs, state and money of every unit, in the order of the ids."""
    return sorted(
        (line["id"], line["seller_sku"], line["sku_id"], line[status], *(_money(line, name) for name in _LINE_MONEY))
        for line in lines
    )


def units(store: StoreOrder, truth: Truth, skus: Mapping[str, str]) -> list[str]:
    """Where the store order has other products, or another number of pieces. Units that were cancelled may be in it."""
    ordered = Counter({item.sku: int(item.qty_ordered) for item in _leading(store)})
    bought, still = _count(truth["line_items"], skus), _count(_open(truth), skus)
    return [
        f"pieces of {sku} in the store is {ordered[sku]}, not {bought[sku]}"
        for sku in sorted(ordered.keys() | bought.keys())
        if not still[sku] <= ordered[sku] <= bought[sku]
    ]


def money(store: StoreOrder, truth: Truth, booking: str, skus: Mapping[str, str]) -> list[str]:
    """Where the store order does not have the marketplace's money.

    `booking` is the order policy's: "payout" counts what the platform gives as paid, "buyer" as a discount.
    """
    given = booking == "payout"
    lines = _in_the_store(store, truth)
    left_out = [line for line in truth["line_items"] if line not in lines]
    pay = truth["payment"]
    wanted = {name: _money(pay, name) for name in ("total_amount", "shipping_fee", "tax", "retail_delivery_fee")}
    total = wanted["total_amount"] - sum((_paid(line, given=given) + _tax(line) for line in left_out), ZERO)
    shipping = wanted["shipping_fee"] + wanted["retail_delivery_fee"] + _money(pay, "payment_discount_service_fee")
    if given:
        by_platform = _money(pay, "shipping_fee_platform_discount")
        total += _money(pay, "platform_discount") + by_platform + _money(pay, "payment_platform_discount")
        shipping += by_platform
    tax = wanted["tax"] - sum((_tax(line) for line in left_out), ZERO)
    found = differ("grand total in the store", _cents(store.grand_total), _cents(total))
    found += differ("shipping by the marketplace", _cents(store.shipping_amount), _cents(shipping))
    found += differ("tax by the marketplace", _cents(store.tax_amount), _cents(tax))
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        paid[_sku(line, skus)] += _paid(line, given=given)
    for item in _leading(store):
        found += differ(f"price of {item.sku} in the store", _cents(item.row_total), _cents(paid[item.sku]))
    return found


def address(store: StoreOrder, truth: Truth) -> list[str]:
    """Where the store would send the parcel somewhere else, or to somebody else."""
    told = truth["recipient_address"]
    assigned = (store.raw.get("extension_attributes") or {}).get("shipping_assignments") or [{}]
    has = (assigned[0].get("shipping") or {}).get("address") or {}
    lines = [told.get(f"address_line{number}") for number in range(1, 5)]
    places = {told.get("post_town"), *(one["address_name"] for one in told.get("district_info") or ())}
    found: list[str] = []
    for what, here, there in (
        ("recipient", _words(has.get("firstname"), has.get("lastname")), _words(told.get("name"))),
        ("street", _words(*(has.get("street") or ())), _words(*lines)),
        ("postcode", _words(has.get("postcode")), _words(told.get("postal_code"))),
        ("country", _words(has.get("country_id")), _words(told.get("region_code"))),
        ("telephone", _words(has.get("telephone")), _words(told.get("phone_number"))),
    ):
        found += differ(f"{what} in the store", here, there)
    return found + ([] if has.get("city") in places else [f"city in the store is {has.get('city')}, not the buyer's"])


def sold(truth: Truth, returned: Iterable[str], skus: Mapping[str, str]) -> Counter[str]:
    """Store SKU → pieces that left the store for good. `returned` are ids of units that are on the shelf again."""
    back = set(returned)
    return _count([line for line in _open(truth) if line["id"] not in back], skus)


def differ(what: str, here: object, there: object) -> list[str]:
    """One sentence when the two are not the same."""
    return [] if here == there else [f"{what} is {_text(here)}, not {_text(there)}"]


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _open(truth: Truth) -> list[Truth]:
    return [line for line in truth["line_items"] if line["display_status"] != "CANCELLED"]


def _in_the_store(store: StoreOrder, truth: Truth) -> list[Truth]:
    """The units that the store order was made of: those cancelled before are not in it."""
    still = _open(truth)
    pieces = sum(int(item.qty_ordered) for item in _leading(store))
    return still if pieces == len(still) else list(truth["line_items"])


def _leading(store: StoreOrder) -> list[StoreOrderItem]:
    return [item for item in store.items if item.parent_item_id is None]


def _count(lines: Iterable[Truth], skus: Mapping[str, str]) -> Counter[str]:
    return Counter(_sku(line, skus) for line in lines)


def _sku(line: Truth, skus: Mapping[str, str]) -> str:
    return skus.get(line["seller_sku"], str(line["seller_sku"]))


def _paid(line: Truth, *, given: bool) -> Decimal:
    return _money(line, "sale_price") + (_money(line, "platform_discount") if given else ZERO)


def _tax(line: Truth) -> Decimal:
    return sum((_money(tax, "tax_amount") for tax in line.get("item_tax") or ()), ZERO)


def _money(row: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(str(row.get(name) or 0))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT)


def _words(*parts: object) -> str:
    """Compared without commas, and blanks joined: the store joins lines that it has no room for."""
    return " ".join(" ".join(str(part) for part in parts if part).replace(",", " ").split())
