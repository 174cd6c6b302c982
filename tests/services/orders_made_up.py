"""A marketplace order for tests that need no marketplace."""

from __future__ import annotations

from decimal import Decimal

from connector.domain.order import Address, MarketplaceOrder, OrderLine, Payment
from tests.services.world import START

PRICE = Decimal("16.50")


def marketplace_order(number: str, status: str) -> MarketplaceOrder:
    """One unit for 16.50 USD, to Jordan Ellery."""
    line = OrderLine("1", "2", "3", "MH01", "Hoodie", "Default", "USD", PRICE, PRICE)
    address = Address("Jordan", "Ellery", ("1840 Alder Street",), "Portland", "Oregon", "97205", "US", "(+1)5035550142")
    return MarketplaceOrder(
        id=number, status=status, create_time=START, update_time=1, payment=Payment("USD", PRICE, PRICE, Decimal(0)),
        lines=(line,), address=address, buyer_email="v4b1@scs.tiktokw.us",
        buyer_message="Please ring",
    )  # fmt: skip
