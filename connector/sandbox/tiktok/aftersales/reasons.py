"""Reason keys of cancellations, returns and rejections. Source: "Cancel reasons"; keys that are not published are our own.

Lists differ by market and status: clients fetch them (eligibility, reject reasons) and never build them in.
"""

from __future__ import annotations

UNPAID = "seller_cancel_unpaid_reason_"
PAID = "seller_cancel_paid_reason_"
OUT_OF_STOCK = frozenset({"seller_cancel_unpaid_reason_out_of_stock", "seller_cancel_reason_out_of_stock"})

SELLER_CANCEL: dict[str, dict[str, str]] = {
    "UNPAID": {
        f"{UNPAID}out_of_stock": "Out of stock",
        f"{UNPAID}wrong_price": "Pricing error",
        f"{UNPAID}buyer_hasnt_paid_within_time_allowed": "Buyer did not pay in time",
        f"{UNPAID}buyer_requested_cancellation": "Buyer requested cancellation",
    },
    "ON_HOLD": {
        "seller_cancel_reason_out_of_stock": "Out of stock",
        "seller_cancel_reason_wrong_price": "Pricing error",
        f"{PAID}address_not_deliver": "Unable to deliver to the address",
        f"{PAID}buyer_requested_cancellation": "Buyer requested cancellation",
    },
}
SELLER_CANCEL["AWAITING_SHIPMENT"] = SELLER_CANCEL["ON_HOLD"]
NOT_IN_UK = frozenset({f"{PAID}buyer_requested_cancellation"})

BUYER_CANCEL: dict[str, dict[str, str]] = {
    "UNPAID": {
        "ecom_order_unpaid_canceled_reason_no_longer_needed": "No longer needed",
        "ecom_order_unpaid_canceled_reason_better_price": "Better price available",
    },
    "PAID": {
        "ecom_order_to_ship_canceled_reason_no_longer_needed": "No longer needed",
        "ecom_order_to_ship_canceled_reason_better_price": "Better price available",
        "ecom_order_to_ship_canceled_reason_wrong_address": "Wrong address",
        "ecom_order_to_ship_canceled_reason_late": "Will arrive too late",
    },
}

REJECT_CANCEL: dict[str, dict[str, str]] = {
    "US": {
        "ecom_reverse_reject_cancel_reason_product_packed": "The product is packed",
        "seller_reject_apply_unable_to_change_address": "Unable to change the address",
        "ecom_reverse_reject_refund_request_package_delivery_multiple_boxes": "Delivered in several boxes",
    },
    "GB": {
        "order_manage_list_action_respond_popup_reject_reason_invalid_cancellation_reason_uk": "Invalid cancellation reason",
        "order_manage_list_action_respond_popup_reject_reason_delivered_uk": "Delivered",
        "order_manage_list_action_respond_popup_reject_reason_buyer_agree_uk": "The buyer agreed to keep the order",
        "seller_reject_apply_product_has_been_packed_uk": "The product has been packed",
    },
}
REJECT_CANCEL["IE"] = {key.removesuffix("_uk"): text for key, text in REJECT_CANCEL["GB"].items()}

RETURN_REASONS: dict[str, dict[str, str]] = {
    "REFUND": {
        "ecom_order_shipped_refund_reason_not_received": "Package not received",
        "ecom_order_shipped_refund_reason_missing_items": "Missing items",
    },
    "RETURN_AND_REFUND": {
        "ecom_order_delivered_refund_and_return_reason_does_not_fit": "Does not fit",
        "ecom_order_delivered_refund_and_return_reason_damaged": "Damaged product",
        "ecom_order_delivered_refund_and_return_reason_wrong_item": "Wrong item",
        "ecom_order_delivered_refund_and_return_reason_not_as_described": "Not as described",
        "ecom_order_delivered_refund_and_return_reason_no_need": "No longer needed",
    },
}
RETURN_REASONS["REPLACEMENT"] = RETURN_REASONS["RETURN_AND_REFUND"]

REJECT_RETURN: dict[str, str] = {
    "seller_reject_return_reason_item_used": "The item shows signs of use",
    "seller_reject_return_reason_not_returnable": "The item is excluded from returns",
    "seller_reject_return_reason_item_missing": "The package was empty or held another item",
    "seller_reject_return_reason_agreed_with_buyer": "The buyer agreed to keep the item",
    "seller_reject_return_reason_delivered": "The package was delivered",
}

SYSTEM = {"system_cancel_unpaid_time_out": "The buyer did not pay in time"}


def seller_cancel_reasons(region: str, status: str) -> dict[str, str]:
    """Key to text for a seller who cancels an order in this status; empty where a seller may not."""
    found = SELLER_CANCEL.get(status, {})
    if region != "GB":
        return found
    return {f"{key}_uk": text for key, text in found.items() if key not in NOT_IN_UK}


def known_seller_cancel_reason(region: str, key: str) -> bool:
    """Whether any status has this key."""
    return any(key in seller_cancel_reasons(region, status) for status in SELLER_CANCEL)


def buyer_cancel_reasons(status: str) -> dict[str, str]:
    return BUYER_CANCEL["UNPAID" if status == "UNPAID" else "PAID"]


def is_out_of_stock(key: str) -> bool:
    return key.removesuffix("_uk") in OUT_OF_STOCK
