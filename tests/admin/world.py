"""A small installation with a row of everything, for pages to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import flask

from connector.domain import listing as domain
from connector.domain import order as orders
from connector.domain.values import to_json
from connector.plugins import loader
from connector.services import people
from connector.services.context import Context
from connector.store import database, migrations, secrets
from connector.store.models import (
    Account,
    HistoryEntry,
    Listing,
    ListingTemplate,
    MagentoStore,
    MarketplaceCategory,
    Order,
    OrderLine,
    Policy,
    Product,
    ReturnCase,
    RuleSetVersion,
    Shipment,
    TikTokAttribute,
)

PASSWORD = "correct horse 42"
KEY = "rDPvRrrMXLZ8kFJ0Dq2fXq5rKzqkXG1F1uKf5r0C8iI="


class Clock:
    """The real time; pages show distances to it."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Messages:
    """Remembers what workers were told."""

    sent: list[tuple[str, list[int]]] = field(default_factory=list)

    def send(self, queue: str, item_ids: Any) -> None:
        self.sent.append((queue, list(item_ids)))

    def on_the_way(self, _queue: str) -> set[int]:
        return set()


class NoRemotes:
    """Pages never call a remote system; anything that tries fails here."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a page asked for {name}")


def make_app(url: str, pictures: Path) -> flask.Flask:
    """The admin over a fresh database."""
    from connector.admin import init_admin
    from connector.app import connect_requests

    loader.load()
    app = flask.Flask("connector")
    app.secret_key = "test"
    connect_requests(app)
    renew(app, url, pictures)
    migrations.upgrade()
    init_admin(app, app.extensions["connector.admin"])
    return app


def renew(app: flask.Flask, url: str, pictures: Path) -> None:
    """The same pages over another database, with nothing left of the test before."""
    secrets.use([KEY])
    database.connect(url)
    app.config["CONNECTOR_PICTURES"] = pictures
    app.extensions["connector.admin"] = Context(NoRemotes(), Clock(), Messages(), base_url="http://localhost")  # type: ignore[arg-type]


def add_users() -> None:
    """One user per role; the hash is made once, because making it is slow on purpose."""
    from connector.store.models import User

    first = people.create("admin@example.com", PASSWORD, "admin", datetime.now(UTC), name="Alex Admin")
    for role in ("operator", "viewer"):
        User.create(
            email=f"{role}@example.com", password_hash=first.password_hash, role=role, created_at=datetime.now(UTC)
        )


def settings() -> tuple[Account, dict[str, Policy]]:
    """Store, account and one policy per type."""
    now = datetime.now(UTC)
    store = MagentoStore.create(
        title="Luma", base_url="https://luma.example", base_currency="USD", base_media_url="https://luma.example/media/",
        attributes=[
            {"attribute_code": "color", "default_frontend_label": "Color", "frontend_input": "select"},
            {"attribute_code": "msrp", "default_frontend_label": "MSRP", "frontend_input": "price"},
        ],
        categories={"id": 2, "name": "Default", "children_data": [{"id": 3, "name": "Men", "children_data": []}]}, attribute_sets=[], metadata_at=now,
    )  # fmt: skip
    policies = {
        kind: Policy.create(
            title=f"Default {kind} policy", type=kind, settings={}, is_default=True, created_at=now, updated_at=now
        )
        for kind in ("image", "inventory", "pricing", "order", "synchronization")
    }
    account = Account.create(
        title="Luma US", store=store, shop_id="7495", shop_name="Luma", region="US", currency="USD", refresh_token="r", access_token="a",
        refresh_expires_at=now + timedelta(days=6), order_email="orders@luma.example", created_at=now,
        warehouses=[{"id": "W1", "name": "Main", "type": "SALES_WAREHOUSE", "status": "ENABLED", "is_default": True}],
        carriers=[{"id": "C1", "name": "UPS", "delivery_option_id": "D1"}],
        order_policy=policies["order"], synchronization_policy=policies["synchronization"], onboarded_at=now,
    )  # fmt: skip
    return account, policies


def seed(products: int = 45) -> Account:
    """Everything that lists show."""
    now = datetime.now(UTC)
    account, policies = settings()
    MarketplaceCategory.create(
        account=account, category_id="601", name="Hoodies", path="Menswear / Tops / Hoodies", is_leaf=True
    )
    template = ListingTemplate.create(
        account=account, name="Men's tops", category_id="601", category_path="Menswear / Tops / Hoodies", query="price > 10",
        image_policy=policies["image"], pricing_policy=policies["pricing"], inventory_policy=policies["inventory"], created_at=now, updated_at=now,
    )  # fmt: skip
    TikTokAttribute.create(
        account=account, category_id="601", attribute_id="100", name="Material", is_required=True, is_customizable=True,
        values=[["1", "Cotton"], ["2", "Wool"]], fetched_at=now,
    )  # fmt: skip
    RuleSetVersion.create(
        sha256="0" * 64,
        files={"apparel.rules": "# nothing yet\n"},
        active=True,
        author="admin@example.com",
        created_at=now,
        activated_at=now,
    )
    add_products(account, template, products, now)
    order = add_order(account, now)
    ReturnCase.create(
        account=account, order=order, kind="return", request_id="R-1", tiktok_order_id=order.tiktok_order_id, type="RETURN_AND_REFUND",
        status="RETURN_OR_REFUND_REQUEST_PENDING", role="BUYER", reason="damaged", reason_text="The zip is broken", line_ids=["L1"],
        refund_minor=5200, currency="USD", deadline=int((now + timedelta(hours=5)).timestamp()), imported_at=now, changed_at=now,
    )  # fmt: skip
    HistoryEntry.create(
        at=now,
        actor="admin@example.com",
        action="policy.change",
        subject_type="policy",
        subject_id="1",
        message="buffer",
        before={"buffer": 0},
        after={"buffer": 5},
    )
    return account


def add_products(account: Account, template: ListingTemplate, count: int, now: datetime) -> None:
    """Hoodies in all states."""
    states = [
        ("ACTIVATE", "valid"),
        ("", "invalid"),
        ("PENDING", "valid"),
        ("FAILED", "valid"),
        ("SELLER_DEACTIVATED", "unchecked"),
        ("ACTIVATE", "valid"),
    ]
    names = [
        "Chaz Kangeroo Hoodie",
        "Teton Pullover Hoodie",
        "Bruno Compete Hoodie",
        "Hero Hoodie",
        "Stark Fundamental Hoodie",
    ]
    for index in range(count):
        status, validation = states[index % len(states)]
        name, sku = f"{names[index % 5]} · {('XS', 'S', 'M', 'L', 'XL')[index // 5 % 5]}", f"MH{index:04}"
        product = Product.create(
            store=account.store_id, entity_id=index + 1, sku=sku, name=name, price=Decimal("52.00"), salable=Decimal(index * 7 % 90),
            data={"id": index + 1, "sku": sku, "name": name, "status": 1, "visibility": 4, "type_id": "simple", "price": 52}, digest="d", seen_at=now,
        )  # fmt: skip
        issues = [
            {
                "code": "draft.no_brand",
                "field": "brand",
                "message": "Brand is missing: choose one in the listing template.",
                "severity": "error",
                "rule": "tops",
                "line": 4,
                "request_id": "20261123",
            }
        ]
        draft = domain.Draft(
            title=name, description="<p>Warm.</p>", category_id="601", category_version="v2", currency="USD", images=("a.jpg",),
            skus=(domain.DraftSku(sku, sku, Decimal("58.99"), {"W1": 12}, ladder=(domain.PriceStep("price", Decimal(52)), domain.PriceStep("in USD", Decimal("58.99"))), quantity_steps=("17 salable", "− 5 buffer", "= 12")),),
        )  # fmt: skip
        confirmed = domain.Listing(
            remote_id=f"1729{index}",
            status=domain.Status(status),
            skus={sku: domain.ConfirmedSku("9", Decimal("58.99"), {"W1": 10})},
        )
        live = bool(status)
        Listing.create(
            account=account, product=product, template=template, rule="tops", rule_file="apparel.rules", rule_line=4, rule_version=1,
            validation=validation, issues=issues if validation == "invalid" else [], draft=to_json(draft), confirmed=to_json(confirmed) if live else {},
            remote_id=f"1729{index}" if live else "", status=status, price_minor=5899, quantity=12,
            marketplace_price_minor=5899 if live else None, marketplace_quantity=10 if live else None, changed_at=now,
        )  # fmt: skip


def add_order(account: Account, now: datetime, number: int = 1) -> Order:
    """One paid order of two units, with a shipment."""
    lines = tuple(
        orders.OrderLine(f"L{i}", "9", "1729", "MH0000", "Chaz Kangeroo Hoodie", "XS", "USD", Decimal("58.99"), Decimal("52.00"), seller_discount=Decimal("5.00"), platform_discount=Decimal("1.99"), status="AWAITING_SHIPMENT")
        for i in (1, 2)
    )  # fmt: skip
    data = orders.MarketplaceOrder(
        id=f"57600000000{number}", status="AWAITING_SHIPMENT", create_time=now, update_time=int(now.timestamp()), lines=lines,
        payment=orders.Payment("USD", Decimal("112.40"), Decimal("104.00"), Decimal("8.40"), original_total_product_price=Decimal("117.98"), seller_discount=Decimal("10.00"), platform_discount=Decimal("3.98")),
        address=orders.Address("Ada", "Lovelace", ("12 Main Street",), "Austin", "Texas", "78701", "US", "+1 512 555 0100"), buyer_email="ada@buyers.example",
    )  # fmt: skip
    order = Order.create(
        account=account, tiktok_order_id=data.id, status=data.status, data=to_json(data), currency="USD", total_minor=11240, placed_at=now - timedelta(hours=number),
        imported_at=now, changed_at=now, buyer="Ada Lovelace", state="failed", failed_reason="The product MH0000 is disabled in Magento.",
    )  # fmt: skip
    for line in lines:
        OrderLine.create(
            order=order,
            line_id=line.id,
            seller_sku=line.seller_sku,
            sku="MH0000",
            product_name=line.product_name,
            status=line.status,
            price_minor=5200,
        )
    Shipment.create(
        order=order,
        magento_shipment_id=3,
        increment_id="000000003",
        tracking_number="1Z999",
        carrier="UPS",
        created_at=now,
    )
    return order
