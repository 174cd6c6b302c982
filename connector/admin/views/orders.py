"""Orders: marketplace orders and the store orders they became. Guide §10."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import abort, flash, redirect, request, url_for
from markupsafe import Markup

from connector.admin import asking, filters, formats
from connector.admin.base import Grid, page
from connector.admin.site import allowed, local_url
from connector.domain import reading
from connector.domain.money import from_minor
from connector.domain.order import SENT, TO_SHIP, MarketplaceOrder
from connector.domain.values import from_json
from connector.plugins.api import OrderSubject
from connector.services import endings, history, stock_repair
from connector.store.models import Account, Order, OrderLine, QueueItem, ReturnCase, Shipment

SHOWN = (
    Order.id,
    Order.tiktok_order_id,
    Order.status,
    Order.state,
    Order.failed_reason,
    Order.magento_increment_id,
    Order.magento_order_id,
    Order.currency,
    Order.total_minor,
    Order.placed_at,
    Order.imported_at,
    Order.changed_at,
    Order.stock_reserved,
    Order.buyer,
    Order.ended,
    Order.compensated_at,
)


def _accounts() -> list[tuple[str, str]]:
    return [(str(row.id), row.title) for row in Account.select(Account.id, Account.title).order_by(Account.title)]


class OrderStatus(filters.Is):
    """As the column shows it: an order whose parcels are all on their way is shipped, and no longer only imported."""

    def apply(self, query: Any, value: str) -> Any:
        """Keep rows that show this status."""
        if value not in {"confirmed", "shipped"}:
            return super().apply(query, value)
        sent = Order.status.in_(SENT)
        return query.where(Order.state == "confirmed", sent if value == "shipped" else ~sent)


def _state(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    state = "shipped" if row.state == "confirmed" and row.status in SENT else row.state
    shown = formats.badge(formats.CLAIM_TONES, state, plain=state in {"confirmed", "shipped"})
    if row.ended and row.status in TO_SHIP:
        return shown + formats.reason(f"{endings.HOW[row.ended]} in Magento, and TikTok Shop waits")
    if stock_repair.unreserved(row):
        return shown + formats.reason("stock not reserved in Magento")
    if stock_repair.sent_without(row) and not row.failed_reason:
        return shown + formats.reason("sent without a store order, pieces kept back")
    return shown + formats.reason(row.failed_reason)


def _number(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    return formats.link(url_for("orders.details_view", id=row.id), row.tiktok_order_id, strong=True)


def _items(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    return Markup('<a href="{}" data-dialog>View Items</a>').format(url_for("orders.items_view", id=row.id))


class OrderView(Grid):
    """Every order of the marketplace, what became of it in the store, and why not."""

    subject = "order"
    page_actions = ("import_orders",)
    can_view_details = True
    account_column = Order.account
    empty_title = "No orders yet"
    empty_text = "They arrive by themselves once an account is connected; “Import Orders” fetches a period."
    column_list = (
        "tiktok_order_id",
        "state",
        "status",
        "magento_increment_id",
        "total_minor",
        "placed_at",
        "failed_reason",
        "items",
        "account",
        "imported_at",
        "changed_at",
    )
    column_labels = {
        "tiktok_order_id": "Marketplace ID",
        "account": "Account ID",
        "magento_increment_id": "Sales Order Increment ID",
        "status": "Marketplace Order Status",
        "state": "Order Status",
        "failed_reason": "Failed Reason",
        "total_minor": "Grand Total (Base)",
        "placed_at": "Placed Date",
        "imported_at": "Created Date",
        "changed_at": "Updated Date",
        "items": "Ordered Items",
    }
    column_sortable_list = tuple(
        (name, getattr(Order, name))
        for name in (
            "tiktok_order_id",
            "state",
            "status",
            "magento_increment_id",
            "total_minor",
            "placed_at",
            "imported_at",
            "changed_at",
        )
    )
    column_default_sort = ("placed_at", True)
    column_searchable_list = (Order.tiktok_order_id, Order.magento_increment_id)
    numeric = frozenset({"total_minor"})
    hidden_default = ("imported_at",)
    mobile_columns = ("tiktok_order_id", "state", "status", "magento_increment_id", "total_minor", "placed_at", "items")
    views = (
        ("To ship", {"flt0_to_ship_is": "1"}),
        ("Failed", {"flt0_order_status_is": "failed"}),
        ("On hold", {"flt0_marketplace_order_status_is": "ON_HOLD"}),
    )
    column_filters = (
        filters.Is(
            Order.status, "Marketplace Order Status", [(k, label) for k, (_, label) in formats.ORDER_TONES.items()]
        ),
        OrderStatus(
            Order.state,
            "Order Status",
            [(k or "(none)", f"{label} ({k})" if k else label) for k, (_, label) in formats.CLAIM_TONES.items()],
        ),
        filters.Holds(Order.status, "To ship", Order.status.in_(TO_SHIP)),
        filters.Is(Order.account, "Account", _accounts),
        filters.Contains(Order.failed_reason, "Failed Reason"),
        *filters.day(Order.placed_at, "Placed Date"),
        *filters.number(Order.total_minor, "Grand Total (Base)", places=2),
        filters.YesNo(Order.stock_reserved, "Stock reserved"),
        filters.Holds(Order.compensated_at, "Stock to correct in Magento", stock_repair.waiting()),
        filters.Filled(Order.ended, "Ended in Magento"),
    )
    column_formatters = {
        "tiktok_order_id": _number,
        "state": _state,
        "status": lambda v, c, m, n: formats.badge(formats.ORDER_TONES, m.status),
        "magento_increment_id": lambda v, c, m, n: formats.code(m.magento_increment_id),
        "total_minor": lambda v, c, m, n: formats.minor(m.total_minor, m.currency),
        "placed_at": lambda v, c, m, n: formats.when(m.placed_at),
        "imported_at": lambda v, c, m, n: formats.when(m.imported_at),
        "changed_at": lambda v, c, m, n: formats.ago(m.changed_at),
        "failed_reason": lambda v, c, m, n: formats.reason(m.failed_reason),
        "items": _items,
        "account": lambda v, c, m, n: m.account.title,
    }
    column_export_list = (
        "tiktok_order_id",
        "account",
        "magento_increment_id",
        "status",
        "state",
        "failed_reason",
        "total_minor",
        "currency",
        "placed_at",
        "imported_at",
        "changed_at",
    )
    column_formatters_export = {
        "account": column_formatters["account"],
        "total_minor": lambda v, c, m, n: from_minor(m.total_minor, m.currency),
        **{name: (lambda v, c, m, n: getattr(m, n).isoformat()) for name in ("placed_at", "imported_at", "changed_at")},
    }

    def columns_query(self) -> Any:
        """Without the orders' own data."""
        return Order.select(*SHOWN, Account.id, Account.title).join(Account)

    def row_title(self, model: Any) -> str:
        """The marketplace's number."""
        return f"Order {model.tiktok_order_id}"

    def row_menu(self, row: Any) -> list[Any]:
        """What its state asks for."""
        wanted = {{"": "create_sales_order", "failed": "create_sales_order", "confirmed": "sync_status"}.get(row.state)}
        if stock_repair.unreserved(row) or stock_repair.sent_without(row):
            wanted.add("confirm_stock")
        return [entry for entry in self.bulk_menu() if entry.name in wanted]

    def one(self) -> tuple[Order, MarketplaceOrder]:
        """The order that the address names."""
        row = Order.get_or_none(Order.id == request.args.get("id", type=int))
        if row is None:
            abort(404)
        return row, from_json(MarketplaceOrder, row.data)

    @page("/items/")
    def items_view(self) -> Any:
        """The pop-up of the list: names, prices, quantities, discounts."""
        row, order = self.one()
        return self.render("ui/order_items.html", row=row, lines=grouped(order), formats=formats, currency=row.currency)

    @page("/details/")
    def details_view(self) -> Any:
        """Order and account information; who may only look sees no buyer."""
        row = Order.get_or_none(Order.id == request.args.get("id", type=int))
        if row is None:
            flash("That order is not here any more.", "warning")
            return redirect(url_for("orders.index_view"))
        order = from_json(MarketplaceOrder, row.data)
        work = QueueItem.select().where(QueueItem.subject_type == "order", QueueItem.subject_id == row.id)
        stock = stock_repair.advice(row)
        subject = OrderSubject(row.id, order, row.state, row.magento_order_id, stock_due=bool(stock))
        return self.render(
            "ui/order.html",
            model=row,
            order=order,
            lines=grouped(order),
            totals=totals(order),
            person=person(order, open_to_see=allowed("operator")),
            masked=not allowed("operator"),
            ended=endings.advice(row),
            stock=stock,
            shipments=list(Shipment.select().where(Shipment.order == row.id).order_by(Shipment.id)),
            cases=list(ReturnCase.select().where(ReturnCase.tiktok_order_id == row.tiktok_order_id)),
            units=list(OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id)),
            work=list(work.order_by(QueueItem.id.desc()).limit(10)),
            history=history.of("order", row.id, limit=20),
            menu=asking.possible(self.bulk_menu(), subject),
            ship_by=datetime.fromtimestamp(order.ship_by, UTC) if order.ship_by else None,
            return_url=local_url(request.args.get("url")) or url_for("orders.index_view"),
            formats=formats,
        )


def grouped(order: MarketplaceOrder) -> list[dict[str, Any]]:
    """Units of the same SKU, price and discounts together, as people count them."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for line in order.lines:
        key = (
            line.seller_sku,
            line.sku_id,
            line.sale_price,
            line.seller_discount,
            line.platform_discount,
            line.cancelled,
        )
        group = groups.setdefault(
            key,
            {
                "name": line.product_name,
                "variant": line.sku_name,
                "sku": line.seller_sku,
                "price": line.original_price,
                "sale_price": line.sale_price,
                "cancelled": line.cancelled,
                "gift": line.is_gift,
                "quantity": 0,
                "seller_discount": 0,
                "platform_discount": 0,
                "tax": 0,
                "status": line.status,
            },
        )
        group["quantity"] += 1
        group["seller_discount"] += line.seller_discount
        group["platform_discount"] += line.platform_discount
        group["tax"] += line.tax
    return list(groups.values())


def totals(order: MarketplaceOrder) -> list[tuple[str, Any]]:
    """The order's money, line by line, the total last; what is zero is left out."""
    pay, held = order.payment, reading.read(order)
    rows = [
        ("Products before discounts", pay.original_total_product_price),
        ("Seller discount", -pay.seller_discount),
        ("Platform discount", -pay.platform_discount),
        ("Subtotal", pay.sub_total),
        ("Shipping", pay.shipping_fee),
        ("Tax", pay.tax),
        ("Retail delivery fee", pay.retail_delivery_fee),
        ("Other fees", pay.other_fees if held.fees else 0),
        ("Deposits", sum(line.pfand_fee for line in order.lines) if held.deposits else 0),
        ("Discount of the payment provider", -pay.payment_platform_discount if held.discount else 0),
        ("Fee for that discount", pay.payment_discount_service_fee if held.charge else 0),
    ]
    return [(name, value) for name, value in rows if value] + [("Grand total", pay.total_amount)]


def person(order: MarketplaceOrder, *, open_to_see: bool) -> list[tuple[str, str]]:
    """Buyer and address as (label, text); masked unless the user works on orders."""
    address = order.address
    name = f"{address.first_name} {address.last_name}".strip()
    if open_to_see:
        street = ", ".join(address.street)
        return [
            ("Customer Name", name),
            ("Email", order.buyer_email),
            ("Street", street),
            ("City", f"{address.postcode} {address.city}".strip()),
            ("State", address.region),
            ("Country", address.country),
            ("Telephone", address.telephone),
        ]
    return [
        ("Customer Name", formats.mask_name(name)),
        ("Email", formats.mask(order.buyer_email)),
        ("Street", formats.mask("".join(address.street))),
        ("City", formats.mask(address.city)),
        ("State", address.region),
        ("Country", address.country),
        ("Telephone", formats.mask(address.telephone)),
    ]
