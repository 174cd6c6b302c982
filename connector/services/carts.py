"""A store cart with exactly what a marketplace order wants, or one sentence that says what the store lacks for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from http import HTTPStatus

from connector.domain import correction
from connector.domain.order import Address, StoreOrder
from connector.errors import CartRefusedError, ConfigurationError, NotFoundError, RetryableError
from connector.plugins.policies.order import OrderPolicy
from connector.ports import Sales

FREE = "free"
"""The only payment method of a cart that costs nothing at the store's own prices."""

_UNCHOSEN = OrderPolicy()
"""What a policy says that nobody has touched."""

_PLAIN_PAYMENTS = frozenset({"checkmo", "banktransfer", "cashondelivery"})
"""Magento's own offline methods that a cart is placed with by their code alone."""

_PICKUP = "instore"
"""The carrier that asks for a place to fetch the parcel at."""

COMPOSITE = frozenset({"configurable", "bundle", "grouped"})
"""Types that are sold by their parts: a cart would take them with default parts, and a correction breaks them."""

_MAILBOX = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]",
    re.ASCII | re.IGNORECASE,
)
"""What PHP's filter takes for an e-mail address, which the store asks at every save of a whole order."""

_TITLES = {
    "checkmo": "Check / Money Order",
    "banktransfer": "Bank Transfer Payment",
    "cashondelivery": "Cash On Delivery Payment",
    "purchaseorder": "Purchase Order",
    "flatrate": "Flat Rate",
    "freeshipping": "Free Shipping",
    "tablerate": "Table Rates",
}
"""What Magento calls its own methods in its configuration."""


def belongs(found: StoreOrder, tiktok_order_id: str) -> bool:
    """False for a stranger's order under the same quote id, as a store that was set up anew may have."""
    return found.ext_order_id == tiktok_order_id or f"+{tiktok_order_id}@" in found.customer_email


def shippable(address: Address, country: str = "") -> Address:
    """The address with placeholders where the marketplace hides or leaves out what the store insists on.

    `country` is the shop's own: where an order goes whose address is empty.
    """
    street = tuple(line for line in map(correction.clean, address.street) if line)
    return replace(
        address,
        first_name=correction.clean(address.first_name) or "-",
        last_name=correction.clean(address.last_name) or "-",
        street=street or ("-",),
        city=correction.clean(address.city) or "-",
        region=correction.clean(address.region),
        postcode=correction.clean(address.postcode) or "-",
        country=address.country or country,
        telephone=correction.clean(address.telephone) or "-",
    )


def sold_by_parts(skus: Sequence[str]) -> str:
    """What to do about SKUs that no order can be made of."""
    return f"{', '.join(skus)} is sold by its parts in the store: link the marketplace SKU to one of them."


def mailbox(email: str) -> str:
    """The buyer's relay address when the store takes it: one that it does not would block every later document."""
    text = correction.clean(email)
    return text if _MAILBOX.fullmatch(text) and len(text.partition("@")[0]) <= 64 else ""


def holds(sales: Sales, cart_id: str, wanted: Mapping[str, int]) -> bool:
    """True when the cart is open and holds these pieces, no more and no less. SKUs are compared as the store does.

    A cart that lacks some is not topped up: a call whose answer was lost may still add them.
    """
    try:
        items = sales.cart_items(cart_id)
        whole = all(item.product_type not in COMPOSITE for item in items)
        return whole and _folded((item.sku, item.qty) for item in items) == _folded(wanted.items())
    except NotFoundError:  # closed, because an order was made of it or the store cleared it away
        return False


def fill(sales: Sales, cart_id: str, wanted: Mapping[str, int]) -> None:
    """Adds the pieces to a new cart.

    Raises:
        CartRefusedError: the store refuses one.
        ConfigurationError: the store took parts of it, because it is sold by its parts.
        RetryableError: somebody else adds to the same cart; the next try makes a new one.
    """
    for sku, pieces in wanted.items():
        line = sales.add_to_cart(cart_id, sku, pieces)
        if line.product_type in COMPOSITE or line.sku.casefold() != sku.casefold():
            raise ConfigurationError(sold_by_parts([sku]))
        if line.qty != pieces:
            raise RetryableError(
                f"Cart {cart_id} has {line.qty.normalize():f} of {sku} instead of {pieces}; a new one is made.",
                system="magento",
                retry_after=5,
            )


def address_cart(sales: Sales, cart_id: str, address: Address, email: str, policy: OrderPolicy) -> str:
    """Says where the cart goes; the payment method to place it with.

    A method that the policy leaves at its default is none that somebody chose: then another one that the store offers will
    do (store reference, section 12.7), since every amount is corrected afterwards.

    Raises:
        ConfigurationError: the store does not offer the policy's shipping or payment method.
        CartRefusedError: it refuses the address.
    """
    try:
        offered = sales.set_cart_address(cart_id, address, email, carrier=policy.carrier, method=policy.method)
    except CartRefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:  # "Carrier with such method not found"; a refused address is a 400
            raise
        known = sales.shipping_methods(cart_id, address)
        if (policy.carrier, policy.method) in known:
            raise
        carrier, method = _other_shipping(known, policy)
        offered = sales.set_cart_address(cart_id, address, email, carrier=carrier, method=method)
    return policy.payment_method if policy.payment_method in offered else _other_payment(offered, policy)


def _other_shipping(offered: Sequence[tuple[str, str]], policy: OrderPolicy) -> tuple[str, str]:
    """The first that needs nothing more than an address, unless somebody chose the one that is not offered."""
    usable = [pair for pair in offered if pair[0] != _PICKUP]
    if usable and (policy.carrier, policy.method) == (_UNCHOSEN.carrier, _UNCHOSEN.method):
        return usable[0]
    names = ", ".join(f"{carrier} / {method}" for carrier, method in offered)
    raise ConfigurationError(
        f"The store does not offer the shipping method {_named(policy.carrier)} / {policy.method}: enable it in Magento "
        "under Stores > Configuration > Sales > Delivery Methods, for the order's country, or choose another in the "
        f"order policy. Offered: {names or 'none'}."
    )


def _other_payment(offered: Sequence[str], policy: OrderPolicy) -> str:
    """The first that needs no data of the buyer's, unless somebody chose the one that is not offered."""
    usable = [code for code in offered if code in _PLAIN_PAYMENTS]
    if usable and policy.payment_method == _UNCHOSEN.payment_method:
        return usable[0]
    if list(offered) == [FREE]:
        return FREE
    raise ConfigurationError(
        f"The store does not offer the payment method {_named(policy.payment_method)}: enable it in Magento under "
        "Stores > Configuration > Sales > Payment Methods, for the order's country and amount, or choose another in "
        f"the order policy. Offered: {', '.join(offered) or 'none'}."
    )


def _named(code: str) -> str:
    return f"{code} ({_TITLES[code]})" if code in _TITLES else code


def _folded(pieces: Iterable[tuple[str, Decimal | int]]) -> dict[str, Decimal]:
    """Pieces by SKU in lower case: so the store compares them."""
    found: dict[str, Decimal] = {}
    for sku, count in pieces:
        found[sku.casefold()] = found.get(sku.casefold(), Decimal(0)) + count
    return found
