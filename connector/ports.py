"""What the services ask of the outside: a store, a marketplace, a queue, a clock.

`connector.clients` implements the first two over HTTP, `connector.jobs` the queue; `connector.app` chooses. Every method
may raise `RetryableError`, `RejectedError` or `AuthorizationError` (connector.errors); one that changes something may raise
`UnknownOutcomeError` when it was sent and no answer came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from connector.domain.listing import CreatedProduct, Draft, RemoteProduct
from connector.domain.order import (
    Address,
    Cancellation,
    CartItem,
    Customer,
    MarketplaceOrder,
    Reason,
    ReturnRequest,
    StoreOrder,
    StoreShipment,
    Track,
)
from connector.domain.product import ProductSnapshot, Salable, StockSource
from connector.domain.shop import (
    Brand,
    Category,
    CategoryAttribute,
    CategoryRules,
    ShippingProvider,
    Shop,
    StoreView,
    Tokens,
    UploadedImage,
    Warehouse,
)


class Clock(Protocol):
    """The time, passed in so that every run can be repeated."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...


class Catalog(Protocol):
    """The store's products, read only (Magento REST, sections 2–4 of the reference)."""

    def store_views(self) -> list[StoreView]:
        """All store views but the admin one."""
        ...

    def attributes(self) -> list[dict[str, Any]]:
        """Every product attribute as the store sends it, with options and admin labels."""
        ...

    def attribute_sets(self) -> list[dict[str, Any]]:
        """Product attribute sets as the store sends them."""
        ...

    def categories(self) -> dict[str, Any]:
        """The category tree as the store sends it, from the invisible root down."""
        ...

    def products(
        self, *, after: int = 0, updated_from: str = "", updated_to: str = "", page_size: int = 100
    ) -> Iterator[list[ProductSnapshot]]:
        """Pages in ascending `entity_id`, keyset paging from `after`; times are the store's `YYYY-MM-DD HH:MM:SS` UTC."""
        ...

    def product_ids(self) -> Iterator[list[tuple[int, str]]]:
        """Pages of (entity id, SKU) of every product: how deletions are found."""
        ...

    def product(self, sku: str) -> ProductSnapshot:
        """One product; raises NotFoundError."""
        ...

    def products_by_id(self, ids: Sequence[int]) -> list[ProductSnapshot]:
        """The products with these entity ids that exist, in any order."""
        ...

    def salable(self, website_code: str, skus: Sequence[str]) -> dict[str, Salable]:
        """Salable quantity per SKU, reservations subtracted; SKUs that the store does not stock are absent."""
        ...

    def sources(self, website_code: str) -> list[StockSource]:
        """Every source of the store, enabled or not; empty for a store without inventory management (MSI)."""
        ...

    def source_quantities(self, skus: Sequence[str], codes: Sequence[str]) -> dict[str, dict[str, Decimal]]:
        """Pieces by SKU and source code; what a source marks as out of stock, and a SKU that it lacks, is absent."""
        ...

    def prices(self, skus: Sequence[str]) -> dict[str, Decimal]:
        """Current regular price per SKU in the store view; unknown SKUs and types without a price are absent."""
        ...

    def image(self, file: str) -> bytes:
        """The bytes of a picture: `file` is a gallery path, or a full URL on the store's own media host."""
        ...


class Sales(Protocol):
    """The store's carts, orders and documents (Magento REST, sections 5 and 12 of the reference)."""

    def create_cart(self) -> str:
        """A new empty cart's id."""
        ...

    def cart_items(self, cart_id: str) -> list[CartItem]:
        """What is in the cart."""
        ...

    def add_to_cart(self, cart_id: str, sku: str, qty: int) -> CartItem:
        """Adds a child or simple SKU. Not safe to repeat blindly: a second call adds again.

        Raises:
            CartRefusedError: the cart does not take it.
        """
        ...

    def set_cart_address(self, cart_id: str, address: Address, email: str, *, carrier: str, method: str) -> list[str]:
        """Shipping and billing address with the shipping method; the payment methods that the cart can be placed with.

        `email` becomes the order's first customer e-mail.

        Raises:
            CartRefusedError: the cart does not take the address (400), or the store has no such carrier (404).
        """
        ...

    def shipping_methods(self, cart_id: str, address: Address) -> list[tuple[str, str]]:
        """(carrier code, method code) pairs that the cart can be shipped by."""
        ...

    def payment_methods(self, cart_id: str) -> list[str]:
        """Codes of payment methods that the cart can be placed with."""
        ...

    def place(self, cart_id: str, payment_method: str) -> int:
        """Places the cart; the new order's entity id.

        Raises:
            UnknownOutcomeError: no answer, 5xx, or the store's lock refused: an order may exist; look it up later.
            CartRefusedError: the store surely refused (stock, address, payment); no order was made.
            RejectedError: something in front of the store did.
        """
        ...

    def find_orders(self, field: str, value: str) -> list[StoreOrder]:
        """Orders whose column equals `value`, by entity id; fields: quote_id, customer_email, ext_order_id, increment_id."""
        ...

    def customers(self, email: str) -> list[Customer]:
        """Customer accounts with this e-mail, at most one in a website."""
        ...

    def order(self, entity_id: int) -> StoreOrder:
        """One order as it is now."""
        ...

    def orders(self, entity_ids: Sequence[int]) -> list[StoreOrder]:
        """Several orders as they are now; missing ones are absent."""
        ...

    def set_order_address(self, order: StoreOrder, address: Address) -> None:
        """Replaces every address of an order as it was just read; what was shipped keeps its own."""
        ...

    def ended_orders(self, entity_ids: Sequence[int]) -> dict[int, str]:
        """State (`canceled` or `closed`) by entity id of those that have ended; the others are absent."""
        ...

    def save_order(self, entity: Mapping[str, Any]) -> None:
        """Repository save (`POST /V1/orders`): a correction when `entity_id` is in it, else a new order."""
        ...

    def hold(self, entity_id: int) -> None: ...

    def unhold(self, entity_id: int) -> None: ...

    def cancel(self, entity_id: int) -> bool:
        """False when the store says that it cannot be cancelled."""
        ...

    def comment(self, entity_id: int, text: str, status: str) -> None:
        """Adds a history entry that the customer does not see; `status` is the order's current one."""
        ...

    def invoice(self, entity_id: int, items: Mapping[int, int] | None = None, *, comment: str = "") -> int:
        """Invoices items (order item id → pieces; None means all that is left); the invoice's id."""
        ...

    def ship(
        self, entity_id: int, items: Mapping[int, int] | None = None, *, tracks: Sequence[Track] = (), source: str = ""
    ) -> int:
        """Ships items from an inventory source; the shipment's id."""
        ...

    def shipments(self, order_ids: Sequence[int]) -> list[StoreShipment]:
        """Shipments of these orders with their tracks."""
        ...

    def refund(
        self,
        entity_id: int,
        items: Mapping[int, int],
        *,
        shipping_amount: Decimal | None = None,
        adjustment_positive: Decimal = Decimal(0),
        adjustment_negative: Decimal = Decimal(0),
        return_to_stock: Sequence[int] = (),
        comment: str = "",
    ) -> int:
        """Offline refund; the credit memo's id. Amounts are in the store's base currency."""
        ...

    def credit_memos(self, order_id: int) -> list[dict[str, Any]]:
        """Credit memos of one order as the store sends them, comments included."""
        ...

    def invoices(self, order_id: int) -> list[dict[str, Any]]:
        """Invoices of one order as the store sends them."""
        ...

    def exchange_rate(self, currency: str) -> Decimal | None:
        """What one unit of the store's base currency is in `currency`; None when the store has no rate for it."""
        ...

    def region_id(self, country: str, region: str) -> int | None:
        """The store's id of a region given by code or name; None where the country has no list or nothing fits."""
        ...


class Marketplace(Protocol):
    """One TikTok Shop (reference page sections 4–8)."""

    def shops(self) -> list[Shop]: ...

    def warehouses(self) -> list[Warehouse]: ...

    def shipping_providers(self, warehouse_id: str) -> list[ShippingProvider]:
        """Carriers of every delivery option of a warehouse that the seller ships by."""
        ...

    def categories(self) -> list[Category]: ...

    def recommend_category(self, title: str, description: str = "") -> str:
        """Leaf category id that the marketplace proposes for a title; empty when it proposes none."""
        ...

    def category_attributes(self, category_id: str) -> list[CategoryAttribute]: ...

    def category_rules(self, category_id: str) -> CategoryRules: ...

    def brands(self, name: str, category_id: str = "", most: int = 1_000) -> list[Brand]:
        """The first brands whose name starts with `name`; `usable` also means in this category."""
        ...

    def upload_image(self, data: bytes, use_case: str) -> UploadedImage:
        """`use_case` is MAIN_IMAGE, ATTRIBUTE_IMAGE, DESCRIPTION_IMAGE or SIZE_CHART_IMAGE."""
        ...

    def check_listing(self, draft: Draft, images: Mapping[str, str]) -> list[tuple[str, str]]:
        """(code, message) pairs that the marketplace would refuse a create for.

        `images` maps source URL → uri; the `src` of a picture in the description → the marketplace's URL of it, and one
        that is not in `images` is left out of the description.
        """
        ...

    def create_product(self, draft: Draft, images: Mapping[str, str], idempotency_key: str) -> CreatedProduct: ...

    def edit_product(
        self,
        remote_id: str,
        draft: Draft,
        images: Mapping[str, str],
        sku_ids: Mapping[str, str],
        moved: Mapping[str, Mapping[str, int]],
    ) -> CreatedProduct:
        """Full edit of content; prices and quantities of known SKUs stay as they are. `sku_ids`: seller SKU → SKU id.

        `moved`: seller SKU → warehouse id → pieces, of known SKUs that get other warehouses.
        """
        ...

    def product(self, remote_id: str) -> RemoteProduct: ...

    def find_product(self, seller_sku: str) -> RemoteProduct | None:
        """The product that carries this seller SKU and is not deleted: how a create is looked up before it is repeated."""
        ...

    def products_updated(self, since: int, until: int) -> Iterator[RemoteProduct]:
        """Products changed in a window of Unix seconds, oldest first, any number of them."""
        ...

    def update_prices(self, remote_id: str, prices: Mapping[str, Decimal], currency: str) -> None:
        """Marketplace SKU id → price."""
        ...

    def update_inventory(self, remote_id: str, quantities: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
        """Marketplace SKU id → warehouse id → pieces; answers refused SKU ids with the reason."""
        ...

    def activate(self, remote_ids: Sequence[str]) -> dict[str, str]:
        """Answers refused product ids with the reason; so do the next two."""
        ...

    def deactivate(self, remote_ids: Sequence[str]) -> dict[str, str]: ...

    def delete(self, remote_ids: Sequence[str]) -> dict[str, str]: ...

    def orders_updated(self, since: int, until: int) -> Iterator[MarketplaceOrder]:
        """Orders changed in a window of Unix seconds, oldest change first."""
        ...

    def orders(self, ids: Sequence[str]) -> list[MarketplaceOrder]: ...

    def write_external_order(self, order_id: str, external_id: str, lines: Mapping[str, str]) -> None:
        """Writes the store's order number back; `lines` maps line id → store order item id. Repeating it changes nothing."""
        ...

    def ship_lines(self, order_id: str, line_ids: Sequence[str], tracking_number: str, provider_id: str) -> str:
        """Marks units as shipped by the seller; the new package's id."""
        ...

    def update_tracking(self, package_id: str, tracking_number: str, provider_id: str) -> None:
        """Corrects the tracking of a package that was shipped."""
        ...

    def cancel_order(self, order_id: str, reason: str, line_ids: Sequence[str] = ()) -> str:
        """Seller cancellation of the whole order or some units; the cancellation's id."""
        ...

    def cancel_reasons(self, order_id: str) -> list[Reason]:
        """Reasons that the seller may cancel this order for, now."""
        ...

    def cancellations_updated(self, since: int, until: int) -> Iterator[Cancellation]: ...

    def approve_cancellation(self, cancel_id: str, idempotency_key: str) -> None: ...

    def reject_cancellation(self, cancel_id: str, reason: str, idempotency_key: str) -> None: ...

    def returns_updated(self, since: int, until: int) -> Iterator[ReturnRequest]: ...

    def approve_return(self, return_id: str, decision: str, idempotency_key: str) -> None:
        """`decision` is APPROVE_REFUND, APPROVE_RETURN or APPROVE_RECEIVED_PACKAGE."""
        ...

    def reject_return(self, return_id: str, decision: str, reason: str, idempotency_key: str) -> None: ...

    def reject_reasons(self, request_id: str) -> list[Reason]:
        """Reasons that a cancellation or return may be refused for, now."""
        ...

    def webhooks(self) -> dict[str, str]:
        """Address by event type, of those that are registered for this shop."""
        ...

    def set_webhook(self, event_type: str, address: str) -> None: ...


class Authorizer(Protocol):
    """The marketplace's token host: turns a consent into tokens, and old tokens into new ones."""

    def authorize_url(self, state: str) -> str:
        """Where the seller's browser is sent to consent."""
        ...

    def exchange(self, auth_code: str) -> Tokens: ...

    def refresh(self, refresh_token: str) -> Tokens: ...


class TokenVault(Protocol):
    """Keeps an account's token pair and lets one process at a time renew it."""

    def load(self) -> Tokens:
        """The saved pair; raises AuthorizationError when the account was never connected or was disconnected."""
        ...

    def renew(self, refresh: TokenRefresh, *, unless_newer_than: datetime) -> Tokens:
        """Under a lock that holds across processes: if the saved pair expires later than `unless_newer_than` return it,
        else call `refresh`, save the new pair in one transaction, and return it."""
        ...


class TokenRefresh(Protocol):
    """The call that turns a refresh token into a new pair."""

    def __call__(self, refresh_token: str) -> Tokens: ...


class Mailer(Protocol):
    """Sends mail to the merchant."""

    def send(self, to: str, subject: str, text: str, message_id: str) -> None:
        """One plain text message."""
        ...


class Queue(Protocol):
    """The messenger: says "look at these rows" to a worker. Losing or repeating a message changes nothing."""

    def send(self, name: str, ids: Iterable[int]) -> None:
        """Ask for a batch of queue rows to be worked on; `name` is the job queue."""
        ...

    def on_the_way(self, name: str) -> Collection[int] | None:
        """Rows of which a message waits to be picked up; None while nobody can tell: too many, or no messenger."""
        ...
