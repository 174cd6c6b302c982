"""Whose a store order is: a guest's, or one customer's whom the order policy names.

The cart is always a guest's. A customer's cart would carry the customer's e-mail instead of the one with the marketplace's
order number, by which an order is found from its first moment; and a store gives a customer one cart at a time, so that two
orders placed at once would share it (store reference, sections 5.1 and 12.6). So the order gets its customer when it gets its
`ext_order_id`: in one save, after which that number is what it is found by.
"""

from __future__ import annotations

from typing import Any

from connector.domain.order import Customer, MarketplaceOrder, StoreOrder
from connector.errors import ConfigurationError, RejectedError
from connector.plugins.policies.order import OrderPolicy
from connector.ports import Sales
from connector.services import carts
from connector.store.models import MagentoStore


def chosen(sales: Sales, store: MagentoStore, policy: OrderPolicy) -> Customer | None:
    """The customer that the policy names, of the store view's own website where several have the e-mail; None for guests.

    Raises:
        ConfigurationError: the store has no such customer, or several and none in that website.
    """
    if not policy.customer:
        return None
    found = sales.customers(policy.customer)
    here = [one for one in found if one.website_id == store.website_id]
    if not here and len(found) != 1:
        which = "no customer" if not found else f"{len(found)} customers, none of them in the store view's website,"
        raise ConfigurationError(
            f"The store has {which} with the e-mail {policy.customer}: create one in Magento under Customers > All "
            "Customers, or correct “Customer” in the order policy."
        )
    return (here or found)[0]


def fields(customer: Customer | None, order: MarketplaceOrder, email: str) -> dict[str, Any]:
    """What the order says of its customer. A guest has the buyer's relay address, or `email` where there is none."""
    if customer is None:
        address = carts.shippable(order.address)
        return {
            "customer_email": carts.mailbox(order.buyer_email) or email,
            "customer_firstname": address.first_name,
            "customer_lastname": address.last_name,
        }
    return {
        "customer_id": customer.id,
        "customer_is_guest": 0,
        "customer_group_id": customer.group_id,
        "customer_email": customer.email,
        "customer_firstname": customer.first_name,
        "customer_lastname": customer.last_name,
    }


def enter(
    sales: Sales, numbers: dict[str, Any], customer: Customer | None, order: MarketplaceOrder, email: str
) -> dict[str, Any]:
    """Saves whose the order is together with its numbers; what was wanted. A customer whom the store refuses leaves it a
    guest's: goods and money wait for no name, and `difference` tells of it.

    Raises:
        RejectedError: the store refuses a guest's order too.
    """
    who = fields(customer, order, email)
    try:
        sales.save_order(numbers | who)
    except RejectedError:
        if customer is None:
            raise
        sales.save_order(numbers | fields(None, order, email))
    return who


def difference(sent: dict[str, Any], read: StoreOrder) -> str:
    """A sentence when the store did not take the customer; its amounts are right all the same."""
    wanted, has = sent.get("customer_id"), read.raw.get("customer_id")
    if wanted is None or str(has) == str(wanted):
        return ""
    return f"Store order {read.increment_id} was not given to customer {sent['customer_email']}; it stays a guest's."
