"""Orders, cancellations and returns of the marketplace as domain values (reference sections 5 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connector.clients.tiktok.parse_products import money
from connector.domain.order import Address, Cancellation, MarketplaceOrder, OrderLine, Payment, Reason, ReturnRequest

Row = Mapping[str, Any]
SELLER = "FULFILLMENT_BY_SELLER"

_CITY_LEVELS = ("city", "town", "municipality", "post town", "prefecture-level city")
_REGION_LEVELS = ("state", "province", "region", "prefecture", "federal district")
_OTHER_FEES = (
    "small_order_fee",
    "buyer_service_fee",
    "handling_fee",
    "shipping_insurance_fee",
    "item_insurance_fee",
    "item_insurance_tax",
    "distance_shipping_fee",
    "distance_fee",
)


def order(row: Row) -> MarketplaceOrder:
    """One order object; a search's and a detail's are the same for us."""
    currency = str((row.get("payment") or {}).get("currency") or "")
    return MarketplaceOrder(
        id=str(row["id"]),
        status=str(row.get("status") or ""),
        create_time=datetime.fromtimestamp(int(row.get("create_time") or 0), UTC),
        update_time=int(row.get("update_time") or 0),
        payment=payment(row.get("payment") or {}),
        lines=tuple(line(one, currency) for one in row.get("line_items") or ()),
        address=address(row.get("recipient_address") or {}),
        buyer_email=str(row.get("buyer_email") or ""),
        buyer_message=str(row.get("buyer_message") or ""),
        shipping_type=str(row.get("shipping_type") or "SELLER"),
        delivery_option_id=str(row.get("delivery_option_id") or ""),
        delivery_option_name=str(row.get("delivery_option_name") or ""),
        warehouse_id=str(row.get("warehouse_id") or ""),
        package_ids=tuple(str(package["id"]) for package in row.get("packages") or () if package.get("id")),
        cancel_requested=bool(row.get("is_buyer_request_cancel")),
        cancel_reason=str(row.get("cancel_reason") or ""),
        ship_by=int(row.get("rts_sla_time") or row.get("shipping_due_time") or 0),
        kinds=_kinds(row),
    )


def _kinds(row: Row) -> tuple[str, ...]:
    found = {
        "SAMPLE": row.get("is_sample_order"),
        "REPLACEMENT": row.get("is_replacement_order"),
        "PLATFORM": str(row.get("fulfillment_type") or SELLER) != SELLER,
    }
    return tuple(kind for kind, holds in found.items() if holds)


def line(row: Row, currency: str) -> OrderLine:
    """One unit. Tax and rate are sums over the unit's taxes."""
    taxes = row.get("item_tax") or ()
    return OrderLine(
        id=str(row["id"]),
        sku_id=str(row.get("sku_id") or ""),
        product_id=str(row.get("product_id") or ""),
        seller_sku=str(row.get("seller_sku") or ""),
        product_name=str(row.get("product_name") or ""),
        sku_name=str(row.get("sku_name") or ""),
        currency=str(row.get("currency") or currency),
        original_price=money(row.get("original_price")),
        sale_price=money(row.get("sale_price")),
        seller_discount=money(row.get("seller_discount")),
        platform_discount=money(row.get("platform_discount")),
        tax=sum((money(tax.get("tax_amount")) for tax in taxes), Decimal(0)),
        tax_rate=sum((money(tax.get("tax_rate")) for tax in taxes), Decimal(0)),
        status=str(row.get("display_status") or ""),
        package_id=str(row.get("package_id") or ""),
        tracking_number=str(row.get("tracking_number") or ""),
        is_gift=bool(row.get("is_gift")),
        cancel_reason=str(row.get("cancel_reason") or ""),
        pfand_fee=money(row.get("pfand_fee")),
    )


def payment(row: Row) -> Payment:
    """The order's money. Where the total of taxes is missing it is the sum of its parts."""
    product_tax, shipping_tax = money(row.get("product_tax")), money(row.get("shipping_fee_tax"))
    tax = row.get("tax")
    return Payment(
        currency=str(row.get("currency") or ""),
        total_amount=money(row.get("total_amount")),
        sub_total=money(row.get("sub_total")),
        shipping_fee=money(row.get("shipping_fee")),
        original_total_product_price=money(row.get("original_total_product_price")),
        original_shipping_fee=money(row.get("original_shipping_fee")),
        seller_discount=money(row.get("seller_discount")),
        platform_discount=money(row.get("platform_discount")),
        shipping_fee_seller_discount=money(row.get("shipping_fee_seller_discount")),
        shipping_fee_platform_discount=money(row.get("shipping_fee_platform_discount")),
        tax=product_tax + shipping_tax if tax in (None, "") else money(tax),
        product_tax=product_tax,
        shipping_fee_tax=shipping_tax,
        retail_delivery_fee=money(row.get("retail_delivery_fee")),
        other_fees=sum((money(row.get(key)) for key in _OTHER_FEES), Decimal(0)),
        payment_platform_discount=money(row.get("payment_platform_discount")),
        payment_discount_service_fee=money(row.get("payment_discount_service_fee")),
    )


def address(row: Row) -> Address:
    """Where the order goes; empty while the marketplace hides it. City and state come from `district_info`."""
    first, last = _names(row)
    districts = [one for one in row.get("district_info") or () if one.get("address_name")]
    street = [str(row.get(f"address_line{number}") or "").strip() for number in range(1, 5)]
    street = [part for part in street if part] or [
        str(row.get("address_detail") or row.get("full_address") or "").strip()
    ]
    return Address(
        first_name=first,
        last_name=last,
        street=tuple(part for part in street if part),
        city=str(row.get("post_town") or "").strip() or _district(districts, _CITY_LEVELS, ("L3", "L2")),
        region=_district(districts, _REGION_LEVELS, ("L1",)),
        postcode=str(row.get("postal_code") or "").strip(),
        country=str(row.get("region_code") or "").strip().upper(),
        telephone=str(row.get("phone_number") or "").strip(),
    )


def _names(row: Row) -> tuple[str, str]:
    """First and last name; one field may hold the whole name, then its last word is the last name."""
    first, last = str(row.get("first_name") or "").strip(), str(row.get("last_name") or "").strip()
    whole = " ".join(part for part in (first, last) if part) or str(row.get("name") or "").strip()
    if first and last:
        return first, last
    head, _, tail = whole.rpartition(" ")
    return (head.strip(), tail) if head else (whole, "")


def _district(districts: list[Row], names: tuple[str, ...], levels: tuple[str, ...]) -> str:
    """The district that is called one of `names`; else the one at the first of `levels` that exists."""
    for one in districts:
        if str(one.get("address_level_name") or "").strip().lower() in names:
            return str(one["address_name"]).strip()
    by_level = {str(one.get("address_level") or ""): str(one["address_name"]).strip() for one in districts}
    return next((by_level[level] for level in levels if level in by_level), "")


def cancellation(row: Row) -> Cancellation:
    """One cancellation; the deadline is the seller's for answering."""
    refund = row.get("refund_amount") or {}
    return Cancellation(
        id=str(row["cancel_id"]),
        order_id=str(row.get("order_id") or ""),
        type=str(row.get("cancel_type") or ""),
        status=str(row.get("cancel_status") or ""),
        role=str(row.get("role") or ""),
        reason=str(row.get("cancel_reason") or ""),
        reason_text=str(row.get("cancel_reason_text") or ""),
        line_ids=_line_ids(row.get("cancel_line_items") or ()),
        refund_total=money(refund.get("refund_total")),
        currency=str(refund.get("currency") or ""),
        update_time=int(row.get("update_time") or 0),
        deadline=_deadline(row),
        refund_shipping=_shipping(refund),
        replenish=bool(row.get("should_replenish_stock", True)),
    )


def return_request(row: Row) -> ReturnRequest:
    """One return or refund request. `next_return_id` names the one that replaced it after the buyer's edit."""
    refund = row.get("refund_amount") or {}
    actions = row.get("seller_next_action_response") or ()
    partial = row.get("partial_refund") or {}
    agreed = partial.get("amount") or partial.get("partial_refund_total")
    return ReturnRequest(
        id=str(row["return_id"]),
        order_id=str(row.get("order_id") or ""),
        type=str(row.get("return_type") or ""),
        status=str(row.get("return_status") or ""),
        reason=str(row.get("return_reason") or ""),
        reason_text=str(row.get("return_reason_text") or ""),
        line_ids=_line_ids(row.get("return_line_items") or ()),
        refund_total=money(agreed or refund.get("refund_total")),
        currency=str(refund.get("currency") or ""),
        update_time=int(row.get("update_time") or 0),
        next_actions=tuple(str(one["action"]) for one in actions if one.get("action")),
        deadline=_deadline(row),
        next_id=str(row.get("next_return_id") or ""),
        tracking_number=str(row.get("return_tracking_number") or ""),
        refund_shipping=_shipping(refund),
        partial=bool(agreed),
        sent_back=_sent_back(row),
        kept=bool(row.get("can_buyer_keep_item")),
    )


def _sent_back(row: Row) -> bool:
    """A number on the seller's or the marketplace's own label says nothing: it is there before the buyer sends anything."""
    number = row.get("return_tracking_number") and row.get("return_method") == "BUYER_SHIPPED"
    return bool(number) or row.get("return_status") in {"BUYER_SHIPPED_ITEM", "REJECT_RECEIVE_PACKAGE"}


def _shipping(refund: Row) -> Decimal:
    return money(refund.get("refund_shipping_fee")) + money(refund.get("retail_delivery_fee"))


def _line_ids(rows: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(one["order_line_item_id"]) for one in rows if one.get("order_line_item_id")))


def _deadline(row: Row) -> int:
    """The earliest of the seller's deadlines, 0 when nothing is asked of the seller."""
    return min((int(one.get("deadline") or 0) for one in row.get("seller_next_action_response") or ()), default=0)


def reason(row: Row) -> Reason:
    """A reason with its text."""
    return Reason(str(row["name"]), str(row.get("text") or readable(str(row["name"]))))


def readable(name: str) -> str:
    """A reason key as words, where the marketplace sends no text: "seller_cancel_reason_out_of_stock" → "Out of stock"."""
    words = name.removesuffix("_uk").rpartition("reason_")[2].replace("_", " ").strip()
    return (words or name).capitalize()
