"""Routes of carts: making, reading, addresses, shipping, payment methods, coupons."""

from __future__ import annotations

from typing import Any

from connector.sandbox.magento.errors import MagentoError, no_such_entity, not_supported
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.sales import cart_items, place, quotes, rows
from connector.sandbox.magento.sales.addresses import EMAIL, cart_address_view, country_is_known, read_address
from connector.sandbox.magento.sales.cart_methods import payment_methods, shipping_methods, shipping_price
from connector.sandbox.magento.sales.cart_totals import CartTotals, collect, totals_view
from connector.sandbox.magento.sales.currency import currency_of
from connector.sandbox.magento.sales.inputs import path_id
from connector.sandbox.magento.sales.quotes import MANAGE, cart_route, create_quote
from connector.sandbox.magento.sales.rows import Row, wire
from connector.sandbox.magento.sales.searches import search_of

ADDRESS_FAILED = "The address failed to save. Verify the address and try again."
INFORMATION_KEYS = frozenset(
    {
        "shipping_address",
        "billing_address",
        "shipping_method_code",
        "shipping_carrier_code",
        "extension_attributes",
        "custom_attributes",
    }
)


@route("POST", "/V1/carts/", acl=MANAGE)
def create_cart(ctx: Context) -> Any:
    return str(create_quote(ctx)["entity_id"])


@route("POST", "/V1/guest-carts", acl="anonymous")
def create_guest_cart(ctx: Context) -> Any:
    return create_quote(ctx, guest=True)["mask"]


@route("POST", "/V1/customers/:customerId/carts", acl=MANAGE)
def create_customer_cart(ctx: Context, customerId: str) -> Any:  # noqa: N803  # the route's own name for it
    """The customer's open cart if there is one, else a new one."""
    key = path_id(customerId)
    customer = ctx.db.execute("SELECT * FROM customer_entity WHERE entity_id = ?", (key,)).fetchone()
    if customer is None:
        raise no_such_entity("customerId", key)
    found = ctx.db.execute("SELECT entity_id FROM quote WHERE customer_id = ? AND is_active", (key,)).fetchone()
    if found is not None:
        return int(found["entity_id"])
    return create_quote(ctx, customer_id=key, email=customer["email"])["entity_id"]


@route("GET", "/V1/carts/search", acl=MANAGE)
def search_carts(ctx: Context) -> Any:
    found, total, criteria = ctx.search(search_of("quote"))
    items = [cart_view(ctx, rows.read("quote", row)) for row in found]
    return {"items": items, "search_criteria": criteria.echo(), "total_count": total}


@cart_route("GET", "", active=False)
def get_cart(ctx: Context, quote: Row) -> Any:
    return cart_view(ctx, quote)


def cart_view(ctx: Context, quote: Row) -> Row:
    """A cart as GET shows it, also when it is closed."""
    key, totals = quote["entity_id"], collect(ctx, quote)
    lines = [cart_items.line_view(line, str(key), with_options=False) for line in totals.lines]
    virtual = quotes.is_virtual(quotes.items_of(ctx.db, key))
    billing = quotes.address_of(ctx.db, key, "billing")
    names = {name: billing[name] for name in ("firstname", "lastname")}
    view: Row = {"id": key, "created_at": quote["created_at"], "updated_at": quote["updated_at"]}
    view |= {"is_active": bool(quote["is_active"]), "is_virtual": virtual, "items": lines, "items_count": len(lines)}
    view["items_qty"] = wire(sum(line.item["qty"] for line in totals.lines))
    view["customer"] = {"email": quote["customer_email"]} | names
    view["billing_address"] = cart_address_view(billing)
    if quote["reserved_order_id"]:
        view["reserved_order_id"] = quote["reserved_order_id"]
    view |= {"orig_order_id": 0, "currency": _currency(ctx, quote), "customer_is_guest": quote["customer_id"] is None}
    view |= {"customer_note_notify": True, "customer_tax_class_id": 3, "store_id": quote["store_id"]}
    assignments = [] if virtual else [_assignment(ctx, quote, lines)]
    return view | {"extension_attributes": {"shipping_assignments": assignments}}


def _assignment(ctx: Context, quote: Row, lines: list[Row]) -> Row:
    address = cart_address_view(quotes.address_of(ctx.db, quote["entity_id"], "shipping"))
    return {"shipping": {"address": address, "method": quote["shipping_method"]}, "items": lines}


def _currency(ctx: Context, quote: Row) -> Row:
    currency = currency_of(ctx.db, quote["store_id"])
    rates = {"store_to_base_rate": 0, "store_to_quote_rate": 0, "base_to_global_rate": 1}
    return currency.codes("quote_currency_code") | rates | {"base_to_quote_rate": wire(currency.rate)}


@cart_route("GET", "/billing-address")
def get_billing_address(ctx: Context, quote: Row) -> Any:
    return cart_address_view(quotes.address_of(ctx.db, quote["entity_id"], "billing"))


@cart_route("POST", "/billing-address")
def set_billing_address(ctx: Context, quote: Row) -> Any:
    return str(save_address(ctx, quote, "billing", ctx.needed("address")))


def save_address(ctx: Context, quote: Row, kind: str, given: Any) -> int:
    """Writes one address of the cart and returns its id; the cart takes the e-mail over.

    Raises MagentoError 400 for an unknown country and a malformed e-mail. What placing demands is not checked yet.
    """
    address = read_address(ctx.db, given)
    email = address.get("email")
    if not country_is_known(ctx.db, address.get("country_id")) or (email and not EMAIL.fullmatch(email)):
        raise MagentoError(400, ADDRESS_FAILED)
    stored = quotes.address_of(ctx.db, quote["entity_id"], kind)
    rows.update(ctx.db, "quote_address", stored["address_id"], address)
    if quote["customer_id"] is None and email:
        rows.update(ctx.db, "quote", quote["entity_id"], {"customer_email": email})
    return int(stored["address_id"])


@cart_route("POST", "/estimate-shipping-methods")
def estimate_shipping(ctx: Context, quote: Row) -> Any:
    address = read_address(ctx.db, ctx.needed("address"))
    items = quotes.items_of(ctx.db, quote["entity_id"])
    return shipping_methods(ctx.db, quote, items, address.get("country_id"))


@cart_route("GET", "/shipping-methods")
def list_shipping(ctx: Context, quote: Row) -> Any:
    address = quotes.address_of(ctx.db, quote["entity_id"], "shipping")
    if not address["country_id"]:
        raise MagentoError(400, "The shipping address is missing. Set the address and try again.")
    items = quotes.items_of(ctx.db, quote["entity_id"])
    return shipping_methods(ctx.db, quote, items, address["country_id"])


@cart_route("POST", "/shipping-information")
def set_shipping(ctx: Context, quote: Row) -> Any:
    information = ctx.needed("addressInformation", "address_information")
    for key in information:
        if key not in INFORMATION_KEYS:
            raise not_supported(str(key))
    items = quotes.items_of(ctx.db, quote["entity_id"])
    if not items:
        text = "The shipping method can't be set for an empty cart. Add an item to cart and try again."
        raise MagentoError(400, text)
    address = information.get("shipping_address") or {}
    if not (address.get("country_id") or address.get("countryId")):
        raise MagentoError(400, "The shipping address is missing. Set the address and try again.")
    save_address(ctx, quote, "shipping", address)
    if information.get("billing_address"):
        save_address(ctx, quote, "billing", information["billing_address"])
    carrier, method = information.get("shipping_carrier_code"), information.get("shipping_method_code")
    country = quotes.address_of(ctx.db, quote["entity_id"], "shipping")["country_id"]
    if not quotes.is_virtual(items):
        if shipping_price(ctx.db, quote, items, f"{carrier}_{method}", country) is None:
            raise MagentoError(404, "Carrier with such method not found: %1, %2", [carrier, method])
        changes = {"shipping_method": f"{carrier}_{method}", "updated_at": ctx.stamp}
        rows.update(ctx.db, "quote", quote["entity_id"], changes)
    return payment_details(ctx, quotes.open_quote(ctx.db, quote["entity_id"]))


def payment_details(ctx: Context, quote: Row) -> Row:
    totals = collect(ctx, quote)
    return {"payment_methods": _payments(ctx, quote, totals), "totals": _totals(ctx, quote, totals)}


def _payments(ctx: Context, quote: Row, totals: CartTotals) -> list[Row]:
    country = quotes.address_of(ctx.db, quote["entity_id"], "billing")["country_id"]
    return payment_methods(ctx.db, quote, totals.grand_total, country)


def _totals(ctx: Context, quote: Row, totals: CartTotals) -> Row:
    options = cart_items.options_of(ctx.db, [line.item for line in totals.lines])
    return totals_view(ctx, quote, totals, options)


@cart_route("GET", "/payment-methods")
def list_payments(ctx: Context, quote: Row) -> Any:
    return _payments(ctx, quote, collect(ctx, quote))


@cart_route("GET", "/totals")
def get_totals(ctx: Context, quote: Row) -> Any:
    return _totals(ctx, quote, collect(ctx, quote))


@cart_route("GET", "/coupons")
def get_coupon(ctx: Context, quote: Row) -> Any:  # noqa: ARG001  # every handler has a context
    return quote["coupon_code"]


@cart_route("PUT", "/coupons/:couponCode")
def set_coupon(ctx: Context, quote: Row, couponCode: str) -> Any:  # noqa: N803  # as above
    found = ctx.db.execute(
        "SELECT 1 FROM salesrule WHERE is_active AND coupon_code = ? COLLATE NOCASE", (couponCode,)
    ).fetchone()
    if found is None:
        raise MagentoError(404, "The coupon code isn't valid. Verify the code and try again.")
    rows.update(ctx.db, "quote", quote["entity_id"], {"coupon_code": couponCode})
    return True


@cart_route("DELETE", "/coupons")
def delete_coupon(ctx: Context, quote: Row) -> Any:
    rows.update(ctx.db, "quote", quote["entity_id"], {"coupon_code": None})
    return True


@cart_route("PUT", "/order", transaction=False)
def place_order(ctx: Context, quote: Row) -> Any:
    return place.place_order(ctx, quote, ctx.optional("paymentMethod", "payment_method"))


@route("GET", "/V1/guest-carts/:cartId/payment-information", acl="anonymous")
def get_payment_details(ctx: Context, cartId: str) -> Any:  # noqa: N803  # as above
    return payment_details(ctx, quotes.quote_by_path(ctx.db, cartId, guest=True))


@route("POST", "/V1/guest-carts/:cartId/payment-information", acl="anonymous", transaction=False)
def pay_and_place(ctx: Context, cartId: str) -> Any:  # noqa: N803  # as above
    """Billing address, payment method and placing in one call."""
    quote = quotes.quote_by_path(ctx.db, cartId, guest=True)
    email, billing = ctx.needed("email"), ctx.optional("billingAddress", "billing_address")
    with ctx.transaction():
        if billing:
            save_address(ctx, quote, "billing", dict(billing) | {"email": email})
        rows.update(ctx.db, "quote", quote["entity_id"], {"customer_email": email})
    return place.place_order(
        ctx, quotes.open_quote(ctx.db, quote["entity_id"]), ctx.needed("paymentMethod", "payment_method")
    )
