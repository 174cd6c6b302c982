"""Products in no template: what the store has and nothing lists, each with the reason."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, session, url_for
from markupsafe import Markup

from connector.admin import filters, formats
from connector.admin.base import Pill, page
from connector.admin.site import context
from connector.admin.variants import AT_ONCE, price, salable, variants_of
from connector.admin.views import pinning
from connector.admin.views.products import STATUSES, ProductView
from connector.domain.values import chunks
from connector.errors import ConnectorError
from connector.services import assignment, unplaced
from connector.store.models import Account, MagentoStore, Product

TYPES = ("simple", "configurable", "virtual", "downloadable", "bundle", "grouped")
"""Magento's own: the last three are here because no template takes them."""

MOST = 5_000
"""Products of an export that get their reasons: to ask every rule about more takes longer than a browser waits."""

ON_ITS_PAGE = "Its page says why."
NOT_READ = "It was not looked at yet."
EMPTY = ("No products yet", ProductView.empty_text, ProductView.empty_link)


def chosen_account() -> Account | None:
    """The account in the top bar; None for all."""
    found: Account | None = Account.get_or_none(Account.id == session.get("account"))
    return found


class KeptOut(filters.YesNo):
    """Whether a person keeps it out."""

    def __init__(self) -> None:
        super().__init__(Product.id, "Kept out by hand")

    def apply(self, query: Any, value: bool) -> Any:
        """Keep rows by what people said of the chosen account."""
        kept = unplaced.kept_out(chosen_account())
        return query.where(kept if value else ~kept)


def _name(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    return formats.link(url_for("unplaced.details_view", id=row.id), row.name or row.sku, strong=True)


def _why(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    why = row.why
    said = pinning.said(why.pinned, True, why.by)
    return Markup('<span class="because">{}</span>').format(said or why.text)


class UnplacedView(pinning.Pinning):
    """Of all accounts, or of the one in the top bar. Rules decide; a person may."""

    list_template = "ui/unplaced_list.html"
    section = "products"
    can_view_details = True
    subtitle = "What the store has and no listing template takes, each with the reason."
    empty_title = "Every product is in a template"
    empty_text = "What the rules leave out, or a person keeps out, is listed here with the reason."
    column_list = ("thumb", "name", "sku", "why", "price", "salable", "product_status", "type", "product_id")
    column_labels = {
        "thumb": "Thumbnail",
        "name": "Name",
        "sku": "SKU",
        "why": "Why it is in no template",
        "price": "Price",
        "salable": "Quantity",
        "product_status": "Product Status",
        "type": "Type",
        "product_id": "Product ID",
    }
    column_searchable_list = (Product.sku, Product.name)
    column_sortable_list = (
        ("name", Product.name),
        ("sku", Product.sku),
        ("price", Product.price),
        ("salable", Product.salable),
        ("product_id", Product.entity_id),
    )
    numeric = frozenset({"price", "salable", "product_id"})
    hidden_default = ("type", "product_id")
    mobile_columns = ("thumb", "name", "sku", "why", "price", "salable")
    column_filters = (
        KeptOut(),
        filters.Contains(Product.sku, "SKU"),
        filters.Is(Product.sku, "SKU"),
        filters.Contains(Product.name, "Name"),
        filters.Is(Product.type_id, "Type", [(t, t.capitalize()) for t in TYPES]),
        filters.YesNo(Product.enabled, "Product Status"),
        *filters.number(Product.price, "Price"),
        *filters.number(Product.salable, "Quantity"),
    )
    column_formatters = {
        "thumb": lambda v, c, m, n: formats.thumb(m.id, m.name, has_image=bool(m.image)),
        "name": _name,
        "sku": lambda v, c, m, n: formats.code(m.sku),
        "why": _why,
        "price": lambda v, c, m, n: price(m, m.store.base_currency, m.variants),
        "salable": lambda v, c, m, n: salable(m, m.variants),
        "product_status": lambda v, c, m, n: formats.badge(STATUSES, "1" if m.enabled else "0", plain=True),
        "type": lambda v, c, m, n: m.type_id,
        "product_id": lambda v, c, m, n: m.entity_id,
    }
    column_export_list = tuple(name for name in column_list if name != "thumb")
    column_formatters_export = {
        **column_formatters,
        "name": lambda v, c, m, n: m.name,
        "sku": lambda v, c, m, n: m.sku,
        "why": lambda v, c, m, n: m.why.text,
        "price": lambda v, c, m, n: m.variants.low if m.variants else m.price,
        "product_status": lambda v, c, m, n: "Enabled" if m.enabled else "Disabled",
    }

    def is_visible(self) -> bool:
        """It is reached from the list of products."""
        return False

    def empty(self) -> tuple[str, str, tuple[str, str] | None]:
        """All in place, or nothing read so far."""
        return super().empty() if Product.select(Product.id).limit(1).exists() else EMPTY

    def columns_query(self) -> Any:
        """What a row shows; whole products stay in the database."""
        p = Product
        columns = (p.id, p.entity_id, p.sku, p.name, p.type_id, p.enabled, p.image, p.price, p.salable, p.unlimited)
        query = unplaced.products(chosen_account()).select(*columns, p.store, MagentoStore.base_currency)
        return query.join(MagentoStore)

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """Adds the reasons of the rows shown, and what the variants of configurables say."""
        count, rows = super().get_list(*args, **kwargs)
        if isinstance(rows, list):
            ids = [row.id for row in rows]
            why, variants = _reasons(ids), variants_of(ids)
            for row in rows:
                row.variants = variants.get(row.id)
                row.why = why.get(row.id, unplaced.Why(NOT_READ))
        return count, rows

    def pills(self) -> list[Pill]:
        """The views of the products that are listed, and this one."""
        listed = [
            ("All", url_for("products.index_view"), False),
            *(
                (name, url_for("products.index_view", **dict[str, Any](given)), False)
                for name, given in ProductView.views
            ),
        ]
        return [*listed, ("In no template", url_for("unplaced.index_view"), True)]

    def products_of(self, ids: Any) -> pinning.Placed:
        """A row stands for the product on the account in the top bar, or on every account of its store."""
        account = chosen_account()
        accounts = [account] if account else list(Account.select())
        found: dict[int, list[int]] = {}
        for some in chunks(ids, AT_ONCE):
            for row in Product.select(Product.id, Product.store).where(Product.id.in_(some)):
                for each in accounts:
                    if each.store_id == row.store_id:
                        found.setdefault(each.id, []).append(row.id)
        return found

    def row_title(self, model: Any) -> str:
        """The product's name."""
        return str(model.name or model.sku)

    def row_menu(self, row: Any) -> list[Any]:
        """Pin it, or give it back."""
        fitting = [pinning.PIN, pinning.RELEASE if row.why.pinned else pinning.KEEP_OUT]
        return [entry for entry in self.bulk_menu() if entry in fitting]

    @page("/details/")
    def details_view(self) -> Any:
        """One product: what every template's condition says about it."""
        row = Product.get_or_none(Product.id == request.args.get("id", type=int))
        if row is None or row.deleted:
            flash("That product is not in the store any more.", "warning")
            return redirect(url_for("unplaced.index_view"))
        why = _reasons([row.id]).get(row.id, unplaced.Why(NOT_READ))
        fitting = pinning.entries_for(pinned=why.pinned, placed=False)
        return self.render(
            "ui/unplaced.html",
            model=row,
            why=why,
            by=pinning.said(why.pinned, True, why.by),
            leaf_text=unplaced.leaf_text,
            facts=_facts(row),
            menu=[entry for entry in self.bulk_menu() if entry in fitting],
            return_url=self.return_url(),
        )

    def render(self, template: str, **kwargs: Any) -> str:
        """Lists also say how far the rules are."""
        kwargs.setdefault("assigning", _under_way())
        return super().render(template, **kwargs)


def _reasons(ids: list[int]) -> dict[int, unplaced.Why]:
    """Reasons of products; where the rules cannot be asked, what keeps them from it."""
    found = dict.fromkeys(ids[MOST:], unplaced.Why(ON_ITS_PAGE))
    account = chosen_account()
    try:
        for start in range(0, min(len(ids), MOST), AT_ONCE):
            found |= unplaced.reasons(context(), account, ids[start : min(start + AT_ONCE, MOST)])
    except ConnectorError as error:
        return dict.fromkeys(ids, unplaced.Why(str(error)))
    return found


def _under_way() -> str:
    """How far the rules are with the stores that are looked at; empty when they are up to date."""
    account = chosen_account()
    stores = [account.store] if account else list(MagentoStore.select())
    steps = [step for step in map(assignment.progress, stores) if step is not None and not step.finished]
    return "; ".join(map(str, steps))


def _facts(row: Any) -> list[tuple[str, Any]]:
    currency, variants = row.store.base_currency, variants_of([row.id]).get(row.id)
    return [
        ("SKU", formats.code(row.sku)),
        ("Product ID", row.entity_id),
        ("Type", row.type_id),
        ("Product Status", formats.badge(STATUSES, "1" if row.enabled else "0", plain=True)),
        ("Price", price(row, currency, variants)),
        ("Quantity", salable(row, variants)),
        ("Read from Magento", formats.ago(row.seen_at)),
    ]
