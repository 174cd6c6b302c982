"""Products: what is listed where, what the marketplace has, why something is held back. Guide §9."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from markupsafe import Markup
from peewee import JOIN

from connector.admin import filters, formats
from connector.admin.base import Pill, page
from connector.admin.variants import AT_ONCE, price, salable, variants_of
from connector.admin.views import pinning
from connector.domain.listing import Draft
from connector.domain.listing import Listing as Confirmed
from connector.domain.money import from_minor
from connector.domain.values import from_json
from connector.services import history, pins
from connector.store.models import Account, Listing, ListingTemplate, Product, QueueItem

STATUSES = {"1": ("ok", "Enabled"), "0": ("neutral", "Disabled")}
VISIBILITY_OF = {"1": "Not visible", "2": "Catalog", "3": "Search", "4": "Catalog, Search"}


def _templates() -> list[tuple[str, str]]:
    rows = ListingTemplate.select(ListingTemplate.id, ListingTemplate.name).order_by(ListingTemplate.name)
    return [(str(row.id), row.name) for row in rows]


def _accounts() -> list[tuple[str, str]]:
    return [(str(row.id), row.title) for row in Account.select(Account.id, Account.title).order_by(Account.title)]


def _statuses() -> list[tuple[str, str]]:
    return [(value or "(none)", label) for value, (_, label) in formats.LISTING_TONES.items()]


def _name(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    return formats.link(url_for("products.details_view", id=row.id), row.product.name or row.product.sku, strong=True)


def _validation(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    shown = formats.badge(formats.VALIDATION_TONES, row.validation, plain=row.validation == "valid")
    if row.validation != "invalid" or not row.issues:
        return shown
    first = next((i for i in row.issues if i.get("severity") == "error"), row.issues[0])
    return shown + formats.reason(first.get("message", ""), formats.issues_title(row.issues))


def _status(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    return formats.badge(formats.LISTING_TONES, row.status)


def _template(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    by_hand = pinning.said(row.pinned, not row.template_id, row.pinned_by)
    if by_hand:
        name = row.template.name if row.template_id else Markup('<span class="muted">none</span>')
        return Markup('{}<span class="why">{}</span>').format(name, by_hand)
    if not row.template_id:
        return Markup('<span class="muted">none</span>')
    origin = f"rule “{row.rule}”, line {row.rule_line}" if row.rule else ""
    return Markup('<span title="{}">{}</span>').format(origin, row.template.name)


class ProductView(pinning.Pinning):
    """Look, filter, ask for work. A job, never this view, changes a listing."""

    subject = "listing"
    can_view_details = True
    account_column = Listing.account
    empty_title = "No products yet"
    empty_text = "They appear when a connected store was read and its products joined a listing template."
    empty_link = ("wizard.index", "Open the setup")
    column_list = (
        "thumb",
        "name",
        "sku",
        "status",
        "validation",
        "price",
        "marketplace_price_minor",
        "salable",
        "marketplace_quantity",
        "template",
        "product_status",
        "visibility",
        "type",
        "account",
        "remote_id",
        "product_id",
    )
    column_labels = {
        "thumb": "Thumbnail",
        "name": "Name",
        "sku": "SKU",
        "status": "Marketplace Status",
        "validation": "Validation Status",
        "price": "Price",
        "marketplace_price_minor": "Marketplace Price",
        "salable": "Quantity",
        "marketplace_quantity": "Marketplace Quantity",
        "template": "Listing Template",
        "product_status": "Product Status",
        "visibility": "Visibility",
        "type": "Type",
        "account": "Account",
        "remote_id": "Marketplace Item Id",
        "product_id": "Product ID",
    }
    column_descriptions = {
        "salable": "What Magento can promise, reservations subtracted.",
        "marketplace_quantity": "Quantity that TikTok Shop last confirmed.",
        "marketplace_price_minor": "Price that TikTok Shop last confirmed.",
    }
    column_searchable_list = (Product.sku, Product.name)
    column_sortable_list = (
        ("name", Product.name),
        ("sku", Product.sku),
        ("price", Product.price),
        ("salable", Product.salable),
        ("status", Listing.status),
        ("validation", Listing.validation),
        ("marketplace_price_minor", Listing.marketplace_price_minor),
        ("marketplace_quantity", Listing.marketplace_quantity),
        ("template", ListingTemplate.name),
        ("type", Product.type_id),
        ("product_id", Product.entity_id),
    )
    numeric = frozenset({"price", "marketplace_price_minor", "salable", "marketplace_quantity", "product_id"})
    hidden_default = ("visibility", "type", "account")
    mobile_columns = ("thumb", "name", "sku", "status", "validation", "price", "salable")
    views = (
        ("Live", {"flt0_marketplace_status_is": "ACTIVATE"}),
        ("With issues", {"flt0_validation_status_is": "invalid"}),
        ("Rejected", {"flt0_marketplace_status_is": "FAILED"}),
        ("Not uploaded", {"flt0_marketplace_status_is": "(none)"}),
    )
    column_filters = (
        filters.Is(Listing.status, "Marketplace Status", _statuses),
        filters.IsNot(Listing.status, "Marketplace Status", _statuses),
        filters.Is(
            Listing.validation, "Validation Status", [(k, label) for k, (_, label) in formats.VALIDATION_TONES.items()]
        ),
        filters.Mentions(Listing.issues, "Reason"),
        filters.Is(Listing.template, "Listing Template", _templates),
        filters.Is(Listing.account, "Account", _accounts),
        filters.Contains(Product.sku, "SKU"),
        filters.Is(Product.sku, "SKU"),
        filters.Contains(Product.name, "Name"),
        filters.Is(Product.type_id, "Type", [(t, t.capitalize()) for t in ("simple", "configurable", "virtual")]),
        filters.YesNo(Product.enabled, "Product Status"),
        *filters.number(Product.price, "Price"),
        *filters.number(Product.salable, "Quantity"),
        *filters.number(Listing.marketplace_quantity, "Marketplace Quantity"),
        filters.Contains(Listing.remote_id, "Marketplace Item Id"),
        filters.YesNo(Listing.stopped, "Stopped by hand"),
        filters.YesNo(Listing.pinned, "Placed by hand"),
    )
    column_formatters = {
        "thumb": lambda v, c, m, n: formats.thumb(m.product.id, m.product.name, has_image=bool(m.product.image)),
        "name": _name,
        "sku": lambda v, c, m, n: formats.code(m.product.sku),
        "status": _status,
        "validation": _validation,
        "price": lambda v, c, m, n: price(m.product, m.product.store.base_currency, m.variants),
        "marketplace_price_minor": lambda v, c, m, n: formats.minor(m.marketplace_price_minor, m.account.currency),
        "salable": lambda v, c, m, n: salable(m.product, m.variants),
        "marketplace_quantity": lambda v, c, m, n: formats.number(m.marketplace_quantity),
        "template": _template,
        "product_status": lambda v, c, m, n: formats.badge(STATUSES, "1" if m.product.enabled else "0", plain=True),
        "visibility": lambda v, c, m, n: m.visibility_label,
        "type": lambda v, c, m, n: m.product.type_id,
        "account": lambda v, c, m, n: m.account.title,
        "remote_id": lambda v, c, m, n: formats.code(m.remote_id),
        "product_id": lambda v, c, m, n: m.product.entity_id,
    }
    column_export_list = tuple(name for name in column_list if name != "thumb")
    column_formatters_export = {
        **column_formatters,
        "name": lambda v, c, m, n: m.product.name,
        "sku": lambda v, c, m, n: m.product.sku,
        "status": lambda v, c, m, n: formats.listing_status(m.status),
        "validation": lambda v, c, m, n: "; ".join([m.validation, *(formats.issue_line(i) for i in m.issues)]),
        "template": lambda v, c, m, n: m.template.name if m.template_id else "",
        "product_status": lambda v, c, m, n: "Enabled" if m.product.enabled else "Disabled",
        "remote_id": lambda v, c, m, n: m.remote_id,
        "price": lambda v, c, m, n: m.variants.low if m.variants else m.product.price,
        "marketplace_price_minor": lambda v, c, m, n: (
            "" if m.marketplace_price_minor is None else from_minor(m.marketplace_price_minor, m.account.currency)
        ),
    }

    def columns_query(self) -> Any:
        """Everything a row shows in one query; drafts and whole products stay in the database."""
        from connector.store.models import MagentoStore

        return (
            Listing.select(
                Listing.id,
                Listing.status,
                Listing.validation,
                Listing.issues,
                Listing.remote_id,
                Listing.rule,
                Listing.rule_line,
                Listing.pinned,
                Listing.template,
                Listing.marketplace_price_minor,
                Listing.marketplace_quantity,
                Product.id,
                Product.entity_id,
                Product.sku,
                Product.name,
                Product.type_id,
                Product.enabled,
                Product.image,
                Product.price,
                Product.salable,
                Product.unlimited,
                MagentoStore.id,
                MagentoStore.base_currency,
                Account.id,
                Account.title,
                Account.currency,
                ListingTemplate.id,
                ListingTemplate.name,
            )
            .join(Product)
            .join(MagentoStore)
            .switch(Listing)
            .join(Account)
            .switch(Listing)
            .join(ListingTemplate, JOIN.LEFT_OUTER)
        )

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """Adds visibilities, which stand inside the products' own data, and what the variants of configurables say."""
        count, rows = super().get_list(*args, **kwargs)
        if isinstance(rows, list):
            ids = [r.product.id for r in rows]
            labels: dict[int, str] = {}
            variants = variants_of(ids)
            for start in range(0, len(ids), AT_ONCE):
                some = ids[start : start + AT_ONCE]
                shown = Product.select(Product.id, Product.data).where(Product.id.in_(some))
                labels |= {p.id: _visibility(p.data) for p in shown}
            for row in rows:
                row.visibility_label = labels.get(row.product.id, "–")
                row.variants = variants.get(row.product.id)
            placed = pins.by_whom(row.id for row in rows if row.pinned)
            for row in rows:
                row.pinned_by = placed.get(row.id)
        return count, rows

    def row_title(self, model: Any) -> str:
        """The product's name."""
        return str(model.product.name or model.product.sku)

    def pills(self) -> list[Pill]:
        """Also what no template takes, which is another list."""
        return [*super().pills(), ("In no template", url_for("unplaced.index_view"), False)]

    def products_of(self, ids: Any) -> pinning.Placed:
        """A listing is one product on one account."""
        found: dict[int, list[int]] = {}
        for start in range(0, len(ids), AT_ONCE):
            rows = Listing.select(Listing.account, Listing.product).where(Listing.id.in_(ids[start : start + AT_ONCE]))
            for row in rows:
                found.setdefault(row.account_id, []).append(row.product_id)
        return found

    def row_menu(self, row: Any) -> list[Any]:
        """The sync that is wanted most often, and the pin or its end."""
        pin = pinning.RELEASE if row.pinned else pinning.PIN
        wanted = {"inventory_price_sync" if row.remote_id else "validate", pin.name}
        return [entry for entry in self.bulk_menu() if entry.name in wanted]

    def _menu_of(self, row: Any) -> list[Any]:
        """Everything that can be asked for one listing."""
        fitting = pinning.entries_for(pinned=row.pinned, placed=bool(row.template_id))
        return [entry for entry in self.bulk_menu() if entry in fitting or entry not in self.own_actions]

    @page("/details/")
    def details_view(self) -> Any:
        """One listing: side by side, ladder, reasons, work, history."""
        row = Listing.get_or_none(Listing.id == request.args.get("id", type=int))
        if row is None:
            flash("That product is not listed any more.", "warning")
            return redirect(url_for("products.index_view"))
        draft = from_json(Draft, row.draft) if row.draft else None
        confirmed = from_json(Confirmed, row.confirmed) if row.confirmed else Confirmed()
        work = QueueItem.select().where(QueueItem.subject_type == "listing", QueueItem.subject_id == row.id)
        return self.render(
            "ui/product.html",
            model=row,
            draft=draft,
            confirmed=confirmed,
            comparison=compare(row, draft, confirmed),
            facts=_facts(row, pins.by_whom([row.id]).get(row.id)),
            work=list(work.order_by(QueueItem.id.desc()).limit(10)),
            history=history.of("listing", row.id, limit=20),
            menu=self._menu_of(row),
            return_url=self.list_url(),
            formats=formats,
        )

    def list_url(self) -> str:
        """Back to the list as it was."""
        from connector.admin.site import local_url

        return local_url(request.args.get("url")) or url_for("products.index_view")


def _visibility(data: Any) -> str:
    return VISIBILITY_OF.get(str(data.get("visibility", "")), "–")


def _facts(row: Any, by: pins.Pinned | None) -> list[tuple[str, Any]]:
    product = row.product
    assigned: Any = pinning.said(row.pinned, not row.template_id, by)
    if row.rule and not row.pinned:
        assigned = f"rule “{row.rule}” in {row.rule_file}, line {row.rule_line} (version {row.rule_version})"
    return [
        ("SKU", formats.code(product.sku)),
        ("Account", row.account.title),
        ("Listing Template", row.template.name if row.template_id else "none"),
        ("Assigned by", assigned),
        ("Decided on", "" if row.pinned else _looked_at(row.rule_inputs or {})),
        ("Marketplace Item Id", formats.code(row.remote_id)),
        ("Product ID", product.entity_id),
        ("Type", product.type_id),
        ("Visibility", _visibility(product.data)),
        ("Read from Magento", formats.ago(product.seen_at)),
        ("Draft made", formats.ago(row.drafted_at)),
        ("Changed", formats.ago(row.changed_at)),
    ]


def _looked_at(inputs: dict[str, Any]) -> str:
    """The values that the assigning condition read, of the product and of its variants."""
    parts = [("", inputs.get("fields", {})), *sorted(inputs.get("variants", {}).items())]
    return "; ".join(
        (f"{sku}: " if sku else "") + ", ".join(f"{name} = {value or 'empty'}" for name, value in sorted(read.items()))
        for sku, read in parts
        if read
    )


def compare(row: Any, draft: Draft | None, confirmed: Confirmed) -> list[dict[str, Any]]:
    """Rows of “Magento · desired · confirmed”; `differs` where the marketplace does not have what is desired."""
    product, currency = row.product, row.account.currency
    lines = [
        _line("Name", product.name, draft and draft.title, None),
        _line("Status", "Enabled" if product.enabled else "Disabled", None, formats.listing_status(confirmed.status)),
    ]
    if not draft:
        return lines
    variants = {v.sku: v for v in product.variants} if product.type_id == "configurable" else {product.sku: product}
    for sku in draft.skus:
        source = variants.get(sku.sku)
        known = confirmed.skus.get(sku.seller_sku)
        label = sku.sku if len(draft.skus) > 1 else ""
        source_price = formats.amount(source.price, product.store.base_currency) if source else None
        source_stock = ("∞" if source.unlimited else formats.number(source.salable)) if source else None
        has_price, has_pieces = (known.price if known else None), _pieces(known)
        wanted, pieces = formats.amount(sku.price, currency), formats.number(sku.quantity)
        lines += [
            _line("Price", source_price, wanted, formats.amount(has_price, currency), label, known=bool(known)),
            _line("Quantity", source_stock, pieces, formats.number(has_pieces), known=bool(known)),
        ]
    return lines


def _pieces(known: Any) -> int | None:
    return sum(known.quantities.values()) if known else None


def _line(
    name: str, store: Any, desired: Any, confirmed: Any, part: str = "", *, known: bool = False
) -> dict[str, Any]:
    """One row; `part` is the SKU that begins with it, where there are several."""
    return {
        "name": name,
        "part": part,
        "store": "–" if store in (None, "") else store,
        "desired": "–" if desired in (None, "") else desired,
        "confirmed": "–" if confirmed in (None, "") else confirmed,
        "differs": known and desired != confirmed,
    }
