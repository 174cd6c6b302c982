"""Listing templates: which products are listed how. Guide §8."""

from __future__ import annotations

import re
from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for
from peewee import JOIN, IntegrityError
from wtforms import BooleanField, IntegerField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp

from connector.admin import filters, formats, refresh
from connector.admin.asking import MenuEntry
from connector.admin.base import Grid, page
from connector.admin.fields import Form, RowField
from connector.admin.rule_text import matched_json, renamed_under_rules
from connector.admin.site import actor, context, style_nonce
from connector.admin.views.accounts import default_of, policies_of
from connector.admin.views.attributes import mapped_to, recommended
from connector.errors import ConfigurationError, ConnectorError
from connector.services import brands, dashboard, history, mapping, rulesets
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, MarketplaceCategory, Policy, TikTokAttribute

POLICIES = ("image_policy", "pricing_policy", "inventory_policy")
DIMENSIONS = ("length", "width", "height")
NUMBER = r"\d+(\.\d+)?"
_CHOSEN = re.compile(r"\[(\d+)\]\s*\Z")


def accounts() -> list[tuple[int, str]]:
    """Accounts by title."""
    return [(row.id, row.title) for row in Account.select(Account.id, Account.title).order_by(Account.title)]


def category_label(path: str, category_id: str) -> str:
    """What the category box shows: names, and the id that counts."""
    return f"{path or category_id} [{category_id}]" if category_id else ""


class TemplateForm(Form):
    """One group of products on one account."""

    account = RowField("Account", accounts)
    name = StringField(
        "Template Name",
        [InputRequired("Write a name."), Length(max=120)],
        description="Rules assign products to it by this name, so it stays while they do.",
    )
    enabled = BooleanField("Enabled", default=True, description="Off: its products are neither uploaded nor changed.")
    category = StringField(
        "Category", [Optional()], description="Leaf category on TikTok Shop: write part of its name and choose."
    )
    image_policy = RowField("Image Policy", lambda: policies_of("image"), blank=lambda: default_of("image"))
    pricing_policy = RowField("Pricing Policy", lambda: policies_of("pricing"), blank=lambda: default_of("pricing"))
    inventory_policy = RowField(
        "Inventory Policy", lambda: policies_of("inventory"), blank=lambda: default_of("inventory")
    )
    query = TextAreaField(
        "Query",
        [Optional()],
        description='A condition such as: category under "Men/Tops" and price > 15. Empty: only rules and pins bring products.',
    )
    query_priority = IntegerField(
        "Priority",
        [InputRequired("Write a number."), NumberRange(0, 10_000)],
        default=100,
        description="A product that fits two templates joins the one with the lower number.",
    )
    brand = StringField(
        "Brand",
        [Optional(), Length(max=200)],
        description="Write the beginning of its name and choose, or write its number. Empty: listed without a brand.",
    )
    size_chart = StringField(
        "Size chart",
        [Optional(), Length(max=500)],
        description="Address of a picture, where the category asks for one.",
    )
    package_weight = StringField(
        "Package weight",
        [Optional(), Regexp(NUMBER, message="Write a number such as 0.5.")],
        description="For products without a weight of their own.",
    )
    length = StringField("Package length", [Optional(), Regexp(NUMBER, message="Write a number such as 20.")])
    width = StringField("Package width", [Optional(), Regexp(NUMBER, message="Write a number such as 20.")])
    height = StringField("Package height", [Optional(), Regexp(NUMBER, message="Write a number such as 20.")])

    def validate_category(self, field: Any) -> None:
        """One of the account's leaves, by the id at its end."""
        chosen = _CHOSEN.search(field.data or "")
        node = MarketplaceCategory
        leaf = chosen and node.get_or_none(
            node.account == self.account.data, node.category_id == chosen.group(1), node.is_leaf
        )
        if field.data and not leaf:
            raise ValidationError("Choose a category of the list; fetch onboarding data when it is empty.")
        self.leaf = leaf


class TemplateView(Grid):
    """Counts, query, policies; in bulk: status, policies, deletion."""

    subject = ""
    edit_template = create_template = "ui/template_form.html"
    creatable = editable = True
    create_label = "Add Template"
    form = TemplateForm
    account_column = ListingTemplate.account
    open_changes = Grid.open_changes | {"match_view"}
    empty_title = "No listing templates yet"
    empty_text = "A template says for a group of products which category, policies and query they are listed with."
    own_actions = (
        MenuEntry("edit", "Edit policies", icon="shield-check", asks=True),
        MenuEntry("status", "Change Status", icon="power", asks=True),
        MenuEntry(
            "delete",
            "Delete",
            confirm="Delete the selected templates? Their products leave them.",
            icon="trash-2",
            danger=True,
        ),
    )
    column_list = (
        "id",
        "name",
        "enabled",
        "category_path",
        "total",
        "live",
        "rest",
        "image_policy",
        "pricing_policy",
        "inventory_policy",
        "account",
    )
    column_labels = {
        "id": "ID",
        "name": "Template Name",
        "enabled": "Status",
        "category_path": "Category",
        "total": "Total Products",
        "live": "Active Products",
        "rest": "Inactive Products",
    }
    column_searchable_list = (ListingTemplate.name, ListingTemplate.category_path)
    column_sortable_list = (
        ("id", ListingTemplate.id),
        ("name", ListingTemplate.name),
        ("enabled", ListingTemplate.enabled),
        ("category_path", ListingTemplate.category_path),
    )
    numeric = frozenset({"id", "total", "live", "rest"})
    hidden_default = ("id",)
    mobile_columns = ("name", "enabled", "category_path", "total", "live", "rest")
    column_filters = (
        filters.YesNo(ListingTemplate.enabled, "Status"),
        filters.Contains(ListingTemplate.name, "Template Name"),
        filters.Contains(ListingTemplate.category_path, "Category"),
        filters.Is(ListingTemplate.account, "Account", lambda: [(str(i), t) for i, t in accounts()]),
    )

    def _name(self, _c: Any, row: Any, _n: str) -> Any:
        return (
            formats.link(url_for("templates.edit_view", id=row.id), row.name, strong=True)
            if self.can_edit
            else row.name
        )

    @staticmethod
    def mapping_badge(row: Any) -> Any:
        """What the mapping of its attributes names that the store no longer has."""
        if not row.reasons:
            return ""
        shown = formats.badge({"": ("warn", "Check mapping")}, "")
        return shown + formats.reason(row.reasons[0], "\n".join(row.reasons))

    def _products(self, _c: Any, row: Any, name: str) -> Any:
        if name != "total" or not row.total:
            return formats.number(getattr(row, name))
        return formats.link(url_for("products.index_view", flt0_listing_template_is=row.id), formats.number(row.total))

    column_formatters = {
        "name": _name,
        "enabled": lambda v, c, m, n: formats.badge(
            {"1": ("ok", "Enabled"), "0": ("neutral", "Disabled")}, "1" if m.enabled else "0", plain=m.enabled
        ),
        "category_path": lambda v, c, m, n: (
            formats.reason(m.category_path) + v.mapping_badge(m)
            if m.category_path
            else formats.badge({"": ("bad", "Missing")}, "")
        ),
        "total": _products,
        "live": _products,
        "rest": _products,
        "account": lambda v, c, m, n: m.account.title,
        **{name: (lambda v, c, m, n: m.policies[n] or formats.DEFAULT) for name in POLICIES},
    }
    column_formatters_export = {
        **{name: (lambda v, c, m, n: str(getattr(m, n))) for name in ("total", "live", "rest")},
        **{name: (lambda v, c, m, n: m.policies[n] or "default") for name in POLICIES},
        "account": lambda v, c, m, n: m.account.title,
    }

    def columns_query(self) -> Any:
        """Without category rules."""
        t = ListingTemplate
        return t.select(
            t.id,
            t.name,
            t.enabled,
            t.category_path,
            t.account,
            t.image_policy,
            t.pricing_policy,
            t.inventory_policy,
            Account.id,
            Account.title,
        ).join(Account, JOIN.INNER)

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """Adds the counts of the rows shown, the titles of their policies, and what their mappings name in vain."""
        count, rows = super().get_list(*args, **kwargs)
        if isinstance(rows, list):
            counts = dashboard.template_counts(row.id for row in rows)
            titles = {row.id: row.title for row in Policy.select(Policy.id, Policy.title)}
            reasons = mapping.of_templates([row.id for row in rows])
            for row in rows:
                row.reasons = [issue.message for issue in reasons.get(row.id, ())]
                row.total, row.live = counts.get(row.id, (0, 0))
                row.rest = row.total - row.live
                row.policies = {name: titles.get(getattr(row, f"{name}_id"), "") for name in POLICIES}
        return count, rows

    @page("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """A template belongs to an account: without one the wizard comes first."""
        if Account.select().exists():
            return super().create_view()
        flash("A listing template belongs to a TikTok account: set one up first.", "warning")
        return redirect(url_for("wizard.index"))

    def edit_form(self, obj: Any = None) -> Any:
        """The account is settled; category and dimensions in their own controls."""
        form = super().edit_form(obj)
        form.account.render_kw, form.account.data = {"disabled": True}, obj.account_id
        if request.method == "GET":
            form.category.data = category_label(obj.category_path, obj.category_id)
            form.brand.data = brands.label(obj.brand_name, obj.brand_id)
            for side in DIMENSIONS:
                form[side].data = (obj.dimensions or {}).get(side, "")
        return form

    def attributes(self, model: Any) -> list[dict[str, Any]]:
        """What the template's category asks for, required ones first, each with where its value comes from."""
        if model is None or not model.category_id:
            return []
        a = TikTokAttribute
        query = a.select().where(a.account == model.account_id, a.category_id == model.category_id)
        rows = query.order_by(a.is_required.desc(), a.name)
        return [{"row": row, "source": mapped_to(row), "recommended": recommended(row)} for row in rows]

    def form_groups(self, form: Any) -> list[tuple[str, list[str]]]:
        """The template, its products, its policies, what products do not say themselves."""
        del form
        return [
            ("Template", ["name", "account", "enabled", "category"]),
            ("Products", ["query", "query_priority"]),
            ("Policies", [*POLICIES]),
            ("What products do not say themselves", ["brand", "size_chart", "package_weight", *DIMENSIONS]),
        ]

    def render(self, template: str, **kwargs: Any) -> str:
        """Forms carry the query editor, which makes its own style."""
        if template == self.edit_template:
            kwargs.update(nonce=style_nonce(), formats=formats)
        return super().render(template, **kwargs)

    def save(self, form: Any, model: Any) -> Any:
        """The query has to check first; products get new drafts."""
        now = context().clock.now()
        row = model or ListingTemplate(created_at=now)
        brand = self._brand(form, row)
        renamed = model is not None and renamed_under_rules(form.name, model.account.title, model.name)
        if not self._query_checks(form) or brand is None or renamed:
            return None
        for name in (
            "account",
            "name",
            "enabled",
            *POLICIES,
            "query",
            "query_priority",
            "size_chart",
            "package_weight",
        ):
            value = form[name].data
            setattr(row, name, value.strip() if isinstance(value, str) else value)
        row.dimensions = {side: form[side].data for side in DIMENSIONS if form[side].data}
        leaf = getattr(form, "leaf", None)
        row.category_id, row.category_path = (leaf.category_id, leaf.path) if leaf else ("", "")
        row.brand_id, row.brand_name = brand
        row.updated_at = now
        try:
            with transaction():
                row.save()
                Listing.update(stale=True).where(Listing.template == row.id).execute()
                history.note(now, actor(), "template.save", "template", row.id, row.name)
        except IntegrityError:
            form.name.errors = [*form.name.errors, "This account has another template of that name."]
            return None
        refresh.assign([row.account_id])
        return row

    @staticmethod
    def _brand(form: Any, row: Any) -> tuple[str, str] | None:
        """(id, name) of the brand; None with the reason at its field."""
        leaf, account = getattr(form, "leaf", None), Account.get_by_id(form.account.data)
        try:
            return brands.understand(
                context(),
                account,
                form.brand.data or "",
                leaf.category_id if leaf else "",
                (row.brand_id, row.brand_name),
            )
        except ConfigurationError as error:
            form.brand.errors = [*form.brand.errors, str(error)]
            return None

    @staticmethod
    def _query_checks(form: Any) -> bool:
        text = (form.query.data or "").strip()
        if not text:
            return True
        account = Account.get_by_id(form.account.data)
        problems = [
            p for p in rulesets.match_condition(account.store, text, limit=0).problems if p.severity.value == "error"
        ]
        form.query.errors = [*form.query.errors, *(f"Line {p.line}, column {p.column}: {p.message}" for p in problems)]
        return not problems

    @page("/match/", methods=("POST",))
    def match_view(self) -> Any:
        """Live check of a query: problems, how many products match, some of them."""
        account = Account.get_or_none(Account.id == request.form.get("account", type=int))
        if account is None:
            abort(404)
        text = request.form.get("text", "")
        return jsonify(matched_json(text, account.store, rulesets.match_condition(account.store, text, limit=6)))

    @page("/categories/")
    def categories_view(self) -> Any:
        """Leaves whose path contains what was written."""
        node, words = MarketplaceCategory, request.args.get("q", "").split()
        query = node.select(node.category_id, node.path).where(
            node.account == request.args.get("account", type=int), node.is_leaf, node.available
        )
        for word in words[:6]:
            query = query.where(node.path.contains(word))
        return jsonify([category_label(row.path, row.category_id) for row in query.order_by(node.path).limit(20)])

    @page("/brands/")
    def brands_view(self) -> Any:
        """Brands whose name starts with what was written, as the account's shop may use them in the category."""
        account = Account.get_or_none(Account.id == request.args.get("account", type=int))
        if account is None:
            abort(404)
        chosen = _CHOSEN.search(request.args.get("category", ""))
        try:
            found = brands.search(
                context(), account, request.args.get("q", "").strip(), chosen.group(1) if chosen else ""
            )
        except ConnectorError as error:
            return jsonify(failure=f"Brands cannot be looked up now: {error}")
        return jsonify(brands=[brands.label(brand.name, brand.id) for brand in found])

    def own_question(self, entry: MenuEntry) -> Any:
        """Status, or the three policies; “keep” leaves a template's own."""
        choices = {"status": [("status", "Status", [("1", "Enable"), ("0", "Disable")])], "edit": []}
        if entry.name == "edit":
            for name in POLICIES:
                kind = name.partition("_")[0]
                options = [("", "Keep"), *((str(i), title) for i, title in policies_of(kind))]
                choices["edit"].append((name, f"{kind.capitalize()} Policy", options))
        questions = [
            {"name": n, "label": label, "kind": "select", "choices": options, "required": False, "help_text": ""}
            for n, label, options in choices[entry.name]
        ]
        return self.render(
            "ui/ask.html",
            action=entry,
            questions=questions,
            rows=None,
            return_url=self.return_url(),
            list_query=request.args.get("query", ""),
            rowid="",
        )

    def run_own(self, name: str, ids: Any) -> None:
        """Change status, change policies, or delete."""
        if name == "delete":
            gone = sum(self.delete_model(row) for row in ListingTemplate.select().where(ListingTemplate.id.in_(ids)))
            if gone:
                flash(f"{gone} of {len(ids)} deleted.", "success")
            return
        changes: dict[str, Any] = {}
        if name == "status":
            changes["enabled"] = request.form.get("status") == "1"
        else:
            for field in POLICIES:
                chosen = request.form.get(field, type=int)
                kind = field.partition("_")[0]
                if chosen and Policy.select().where(Policy.id == chosen, Policy.type == kind).exists():
                    changes[field] = chosen
        if not changes:
            flash("Nothing was changed.", "warning")
            return
        now = context().clock.now()
        with transaction():
            ListingTemplate.update({**changes, "updated_at": now}).where(ListingTemplate.id.in_(ids)).execute()
            Listing.update(stale=True).where(Listing.template.in_(ids)).execute()
            history.note(
                now,
                actor(),
                f"template.{name}",
                "template",
                ",".join(map(str, ids))[:200],
                f"{len(ids)} templates",
                after=changes,
            )
        refresh.plan()
        flash(f"{len(ids)} templates changed.", "success")

    def remove(self, model: Any) -> None:
        """A template with live products stays."""
        live = Listing.select().where(Listing.template == model.id, Listing.status == "ACTIVATE").count()
        if live:
            raise ConfigurationError(
                f"“{model.name}” has {live:,} live products: change their status to Inactive, or assign them elsewhere, first."
            )
        with transaction():
            Listing.update(pinned=False, stale=True).where(Listing.template == model.id).execute()
            ListingTemplate.delete().where(ListingTemplate.id == model.id).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
            history.note(context().clock.now(), actor(), "template.delete", "template", model.id, model.name)
