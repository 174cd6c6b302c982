"""One module per section, in the order of the user guide."""

from __future__ import annotations

from connector.admin.base import Guarded
from connector.admin.views.history import HistoryView
from connector.admin.views.orders import OrderView
from connector.admin.views.products import ProductView
from connector.admin.views.queue import QueueView
from connector.admin.views.returns import ReturnView
from connector.admin.views.users import UserView
from connector.store.models import HistoryEntry, Listing, Order, QueueItem, ReturnCase, User

CONFIGURATION = "Configuration"


def SECTIONS() -> list[tuple[Guarded, str]]:  # noqa: N802 – reads as the table that it is
    """Every view with its icon."""
    return [
        (ProductView(Listing, name="Products", endpoint="products"), "package"),
        (OrderView(Order, name="Orders", endpoint="orders"), "shopping-cart"),
        (ReturnView(ReturnCase, name="Returns", endpoint="returns"), "undo-2"),
        (QueueView(QueueItem, name="Queue Process", endpoint="queue"), "activity"),
        (HistoryView(HistoryEntry, name="History", endpoint="history"), "history"),
        (UserView(User, name="Users", endpoint="users"), "users"),
    ]
