"""One module per section, in the order of the user guide."""

from __future__ import annotations

from connector.admin.base import Guarded
from connector.admin.views.accounts import AccountView
from connector.admin.views.attributes import AttributeView
from connector.admin.views.history import HistoryView
from connector.admin.views.orders import OrderView
from connector.admin.views.policies import PolicyView
from connector.admin.views.products import ProductView
from connector.admin.views.queue import QueueView
from connector.admin.views.returns import ReturnView
from connector.admin.views.rules import RuleView
from connector.admin.views.stores import StoreView
from connector.admin.views.templates import TemplateView
from connector.admin.views.unplaced import UnplacedView
from connector.admin.views.users import UserView
from connector.admin.views.wizard import Wizard
from connector.store.models import (
    Account,
    HistoryEntry,
    Listing,
    ListingTemplate,
    MagentoStore,
    Order,
    Policy,
    Product,
    QueueItem,
    ReturnCase,
    TikTokAttribute,
    User,
)

CONFIGURATION = "Configuration"


def SECTIONS() -> list[tuple[Guarded, str]]:  # noqa: N802 – reads as the table that it is
    """Every view with its icon."""
    inside = {"category": CONFIGURATION}
    return [
        (AccountView(Account, name="TikTok Accounts", endpoint="accounts", **inside), "store"),
        (StoreView(MagentoStore, name="Magento Store", endpoint="stores", **inside), "database"),
        (PolicyView(Policy, name="TikTok Policies", endpoint="policies", **inside), "shield-check"),
        (AttributeView(TikTokAttribute, name="TikTok Attributes", endpoint="attributes", **inside), "tags"),
        (RuleView(name="Rules", endpoint="rules", **inside), "code"),
        (TemplateView(ListingTemplate, name="Listing Templates", endpoint="templates"), "layers"),
        (ProductView(Listing, name="Products", endpoint="products"), "package"),
        (UnplacedView(Product, name="In no template", endpoint="unplaced"), "package-search"),
        (OrderView(Order, name="Orders", endpoint="orders"), "shopping-cart"),
        (ReturnView(ReturnCase, name="Returns", endpoint="returns"), "undo-2"),
        (QueueView(QueueItem, name="Queue Process", endpoint="queue"), "activity"),
        (HistoryView(HistoryEntry, name="History", endpoint="history"), "history"),
        (UserView(User, name="Users", endpoint="users"), "users"),
        (Wizard(name="Setup", endpoint="wizard"), "wand-sparkles"),
    ]
