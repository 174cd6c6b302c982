"""What a plugin may be: a policy type, or a marketplace action.

A plugin is one class in one file, filed under its `identifier` by `@policies.register` or `@actions.register`. Built-ins
are found by walking `connector/plugins/policies` and `connector/plugins/actions`; other packages name a module in the
entry-point group `connector.plugins`, whose import registers theirs. The admin's menus, forms and dropdowns and the jobs
read the two registries, so that a new plugin appears there by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Protocol, Self, get_type_hints

from pydantic import TypeAdapter, ValidationError

from connector.domain.issue import Issue
from connector.domain.listing import Draft, Listing, Pictures
from connector.domain.order import AWAITING_SELLER, MarketplaceOrder
from connector.ports import Catalog, Clock, Marketplace, Sales
from connector.registry import Registry

CHOICE_SOURCES = (
    "magento_attributes",
    "image_attributes",
    "price_attributes",
    "store_sources",
    "warehouses",
    "carriers",
    "price_rules",
    "pictures",
)
"""Names that `setting(choices=…)` may give instead of a list; the admin fills them from the account's own data.

`pictures` is an address or an uploaded file.
"""


def setting(
    default: Any,
    label: str,
    help_text: str = "",
    *,
    choices: Sequence[tuple[str, str]] | str = (),
    group: str = "",
    required: bool = False,
) -> Any:
    """A dataclass field that is a setting: its default, and how the form shows it.

    `choices` are (value, label) pairs or one of `CHOICE_SOURCES`; `group` is the heading it stands under; `required` marks
    what a policy needs before it is valid.
    """
    shown = {"label": label, "help": help_text, "choices": choices, "group": group, "required": required}
    if isinstance(default, (list, dict, set)):
        return field(default_factory=lambda: type(default)(default), metadata=shown)
    return field(default=default, metadata=shown)


class Policy:
    """Base of policy types: a frozen dataclass whose fields, made by `setting`, are the settings.

    Stored rows outlive versions: a setting that a row does not have takes its default, one that it has beyond ours is
    left alone.
    """

    identifier: ClassVar[str]
    label: ClassVar[str]

    def problems(self) -> list[Issue]:
        """Everything that keeps the policy from being valid; empty when it is. `Issue.field` is the setting's name."""
        return []

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """The policy of a stored row.

        Raises:
            ValueError: a value has the wrong type; the text names the setting.
        """
        hints = get_type_hints(cls)
        values = {}
        for item in fields(cls):  # type: ignore[arg-type]  # subclasses are dataclasses, the base is not
            if item.name not in settings:
                continue
            try:
                values[item.name] = TypeAdapter(hints[item.name]).validate_python(settings[item.name])
            except ValidationError as error:
                label = item.metadata.get("label", item.name)
                raise ValueError(f"{label}: {error.errors()[0]['msg']}.") from error
        return cls(**values)

    @classmethod
    def missing(cls, settings: Mapping[str, Any]) -> list[Issue]:
        """Required settings that a stored row leaves empty."""
        return [
            Issue(f"{cls.identifier}.{item.name}", item.name, f"{item.metadata['label']} is required.")
            for item in fields(cls)  # type: ignore[arg-type]  # subclasses are dataclasses, the base is not
            if item.metadata.get("required") and settings.get(item.name, _default(item)) in {None, ""}
        ]


def _default(item: Any) -> Any:
    return item.default if item.default is not MISSING else ""


policies: Registry[Policy] = Registry("policy")
"""Every policy type by identifier."""


@dataclass(frozen=True, slots=True)
class ListingSubject:
    """A listing that an action is asked for: what was confirmed, and what it should be (None when no draft could be built)."""

    id: int
    sku: str
    listing: Listing
    draft: Draft | None
    template_enabled: bool = True
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderSubject:
    """An order that an action is asked for. `state` is its claim's state, `magento_order_id` None before it has one.

    `written_back` says that the marketplace has the store's number, `stock_due` that pieces are kept back for it until
    somebody has put the store's stock right by hand.
    """

    id: int
    order: MarketplaceOrder
    state: str
    magento_order_id: int | None
    written_back: bool = True
    stock_due: bool = False


@dataclass(frozen=True, slots=True)
class ReturnSubject:
    """A cancellation or return that an action is asked for; `asked_in` is the status that it had then."""

    id: int
    kind: str
    request_id: str
    type: str
    status: str
    decision: str
    asked_in: str = ""

    def refusal(self) -> list[Issue]:
        """The reason why there is nothing to decide, if there is one. An answer is one to the step that it was given in."""
        if self.status in AWAITING_SELLER:
            if self.asked_in in {"", self.status}:
                return []
            text = (
                f"This was an answer to {self.asked_in}, and by now it is {self.status}: look at it, then answer again."
            )
            return [Issue("return.moved_on", "status", text)]
        return [
            Issue("return.not_waiting", "status", f"TikTok Shop does not wait for an answer: it says {self.status}.")
        ]


@dataclass(frozen=True, slots=True)
class AccountSubject:
    """An account that an action is asked for."""

    id: int
    title: str
    connected: bool

    def refusal(self) -> list[Issue]:
        """The reason why the account cannot be asked, if there is one."""
        if self.connected:
            return []
        text = f"{self.title} is not connected: authorise it on TikTok Shop first."
        return [Issue("account.not_connected", "account", text)]


Subject = ListingSubject | OrderSubject | ReturnSubject | AccountSubject


@dataclass(frozen=True, slots=True)
class Argument:
    """One thing that the admin asks before an action starts. `choices`: (value, label) pairs, or the name of a source."""

    name: str
    label: str
    help_text: str = ""
    choices: Sequence[tuple[str, str]] | str = ()
    kind: str = "text"
    """text, date, select or multiselect"""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an action did. `listing` is the new confirmed state to save; `wait` asks for another look after seconds, 0 at once."""

    message: str
    listing: Listing | None = None
    issues: tuple[Issue, ...] = ()
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    wait: float | None = None


class Desk(Protocol):
    """What the connector does on an action's behalf: steps that need the database between their calls."""

    def image_uris(self, draft: Draft, *, anew: bool = False) -> Pictures:
        """Uploads the draft's pictures that the marketplace does not hold yet, or all of them `anew`."""
        ...

    def look_again(self, listing_id: int, *, orders_too: bool = False) -> tuple[Draft | None, tuple[Issue, ...]]:
        """The draft as of now and what is wrong with it, built anew if something changed since it was read; with `orders_too`
        after a look for orders that just came in."""
        ...

    def keep(self, listing: Listing) -> None:
        """Commits what is known of the action's own listing so far. Before a call that may not come back: what will be true
        if it never does. Only what changed since the action began, or kept it last, is written."""
        ...

    def belongs_to_another(self, remote_id: str, listing_id: int) -> bool:
        """Whether a marketplace product is tied to another listing of this account."""
        ...

    def validate(self, listing_id: int) -> tuple[Issue, ...]:
        """Builds the draft anew and checks it; all reasons at once."""
        ...

    def import_orders(self, account_id: int, arguments: Mapping[str, Any]) -> str: ...

    def create_sales_order(self, order_id: int) -> str: ...

    def ship(self, order_id: int) -> str: ...

    def reject(self, order_id: int, reason: str) -> str: ...

    def sync_status(self, order_id: int) -> str: ...

    def confirm_stock(self, order_id: int) -> str: ...

    def accept_return(self, case_id: int) -> str: ...

    def reject_return(self, case_id: int, reason: str) -> str: ...

    def fetch_onboarding_data(self, account_id: int) -> str: ...

    def refetch_attributes(self, account_id: int, category_ids: Sequence[str]) -> str: ...

    def assign_products(self, account_id: int) -> tuple[str, bool]:
        """Batches for some seconds: how far it is, and whether all is done."""
        ...


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What an action works with. Calls on `shop`, `catalog`, `sales` go over the network."""

    shop: Marketplace
    catalog: Catalog
    sales: Sales
    clock: Clock
    desk: Desk
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Action(ABC):
    """Base of marketplace actions.

    `subject` says what it acts on: "listing", "order", "return" or "account". `confirm` is the question asked before it
    starts. `repeatable` in words: every action must leave things right when it runs a second time.
    """

    identifier: ClassVar[str]
    label: ClassVar[str]
    subject: ClassVar[str] = "listing"
    confirm: ClassVar[str] = ""
    arguments: ClassVar[tuple[Argument, ...]] = ()
    icon: ClassVar[str] = "play"

    def check(self, subject: Any, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – an action may ignore either
        """All reasons why it does not apply now; empty when it does."""
        return []

    @abstractmethod
    def run(self, subject: Any, context: ActionContext) -> Outcome:
        """Do it.

        Raises:
            RetryableError, RejectedError, AuthorizationError: from the remote side, untouched.
        """


actions: Registry[Action] = Registry("action")
"""Every marketplace action by identifier."""
