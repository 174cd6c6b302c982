"""TikTok attributes: what categories ask for, and where the values come from. Guide §7."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from markupsafe import Markup
from wtforms import BooleanField, StringField
from wtforms.validators import Length, Optional

from connector.admin import choices, filters, formats, refresh
from connector.admin.asking import MenuEntry
from connector.admin.base import Grid, page
from connector.admin.fields import Form, OneOf, PairsField
from connector.admin.site import actor, context
from connector.errors import ConfigurationError
from connector.services import history, work
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, MarketplaceCategory, TikTokAttribute

MAPPING = ("magento_attribute", "default_value_id", "default_custom", "value_map")


def _categories() -> list[tuple[str, str]]:
    rows = (
        ListingTemplate.select(ListingTemplate.category_id, ListingTemplate.category_path)
        .where(ListingTemplate.category_id != "")
        .distinct()
    )
    return [(row.category_id, row.category_path or row.category_id) for row in rows]


def value_pairs(values: Any) -> list[tuple[str, str]]:
    """(id, name) of an attribute's listed values, however they were stored."""
    return [(str(v["id"]), str(v["name"])) if isinstance(v, dict) else (str(v[0]), str(v[1])) for v in values or ()]


def recommended(row: TikTokAttribute) -> Any:
    """The name of the attribute's default value."""
    return dict(value_pairs(row.values)).get(row.default_value_id) or formats.NOTHING


def mapped_to(row: TikTokAttribute) -> Any:
    """The Magento attribute that it takes its value from, or that a required one has nothing at all."""
    if row.magento_attribute:
        return formats.code(row.magento_attribute)
    if row.is_required and not row.default_value_id and not row.default_custom:
        return formats.badge({"": ("bad", "Missing")}, "")
    return formats.NOTHING


def alike(row: TikTokAttribute) -> Any:
    """The same attribute in the account's other categories."""
    a = TikTokAttribute
    return a.select().where(a.account == row.account_id, a.attribute_id == row.attribute_id, a.id != row.id)


def fitting(row: TikTokAttribute, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """What of another category's mapping this one can take: values that it lists, own text where it allows any."""
    listed = {key for key, _ in value_pairs(row.values)}
    taken = {"magento_attribute": mapping["magento_attribute"]}
    if mapping.get("default_value_id", "") in listed | {""}:
        taken["default_value_id"] = mapping.get("default_value_id", "")
    if row.is_customizable or not listed:
        taken["default_custom"] = mapping.get("default_custom", "")
    pairs: Mapping[str, str] = mapping.get("value_map") or {}
    return {**taken, "value_map": {label: value for label, value in pairs.items() if value in listed}}


class AttributeView(Grid):
    """A click on a row opens its mapping."""

    list_template = "ui/attributes.html"
    edit_in_dialog = True
    editable = True
    page_actions = ("refetch_attributes",)
    account_column = TikTokAttribute.account
    can_export = True
    empty_title = "No attributes yet"
    empty_text = "Choose a category in a listing template, then refetch attributes."
    empty_link = ("templates.index_view", "Go to listing templates")
    own_actions = (
        MenuEntry(
            "delete",
            "Delete",
            confirm="Delete the selected attributes with their mapping? Refetching brings them back without it.",
            icon="trash-2",
            danger=True,
        ),
    )
    column_list = (
        "id",
        "name",
        "code",
        "category",
        "required",
        "type",
        "magento_attribute",
        "default_value_id",
        "default_custom",
        "category_dependent",
        "is_variant",
    )
    column_labels = {
        "id": "ID",
        "code": "Code",
        "type": "Type",
        "category": "Category",
        "required": "Required",
        "category_dependent": "Category Dependent",
        "is_variant": "Is Variant",
        "magento_attribute": "Magento Attribute",
        "default_value_id": "Default Recommended Value",
        "default_custom": "Default Custom Value",
    }
    column_sortable_list = (
        ("id", TikTokAttribute.id),
        ("name", TikTokAttribute.name),
        ("code", TikTokAttribute.attribute_id),
        ("required", TikTokAttribute.is_required),
        ("is_variant", TikTokAttribute.is_sales),
        ("magento_attribute", TikTokAttribute.magento_attribute),
        ("category", TikTokAttribute.category_id),
    )
    column_searchable_list = (TikTokAttribute.name, TikTokAttribute.attribute_id)
    column_default_sort = [("category_id", False), ("is_required", True), ("name", False)]
    numeric = frozenset({"id"})
    hidden_default = ("id", "category_dependent")
    mobile_columns = ("name", "category", "required", "magento_attribute", "default_value_id", "default_custom")
    views = (("Required", {"flt0_required_is": "1"}), ("Not mapped", {"flt0_magento_attribute_is": "(none)"}))
    column_filters = (
        filters.Is(TikTokAttribute.category_id, "Category", _categories),
        filters.YesNo(TikTokAttribute.is_required, "Required"),
        filters.YesNo(TikTokAttribute.is_sales, "Is Variant"),
        filters.Is(
            TikTokAttribute.magento_attribute,
            "Magento Attribute",
            lambda: [("(none)", "not mapped"), *choices.magento_attributes()],
        ),
        filters.Contains(TikTokAttribute.name, "Name"),
    )
    column_formatters = {
        "name": lambda v, c, m, n: (
            Markup('<a class="strong" href="{}" data-dialog>{}</a>').format(
                url_for("attributes.edit_view", id=m.id), m.name
            )
            if v.can_edit
            else m.name
        ),
        "code": lambda v, c, m, n: formats.code(m.attribute_id),
        "type": lambda v, c, m, n: "Sales property" if m.is_sales else "Product property",
        "category": lambda v, c, m, n: formats.reason(m.category_path or m.category_id),
        "required": lambda v, c, m, n: formats.yes_no(m.is_required),
        "category_dependent": lambda v, c, m, n: formats.yes_no(True),
        "is_variant": lambda v, c, m, n: formats.yes_no(m.is_sales),
        "magento_attribute": lambda v, c, m, n: mapped_to(m),
        "default_value_id": lambda v, c, m, n: recommended(m),
        "default_custom": lambda v, c, m, n: m.default_custom or formats.NOTHING,
    }
    column_export_list = (
        "id",
        "attribute_id",
        "name",
        "category_id",
        "is_required",
        "is_sales",
        "magento_attribute",
        "default_value_id",
        "default_custom",
    )
    column_formatters_export: dict[str, Any] = {}

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """Adds the paths of the categories shown."""
        count, rows = super().get_list(*args, **kwargs)
        if isinstance(rows, list) and rows:
            node = MarketplaceCategory
            wanted = list({row.category_id for row in rows})
            found = node.select(node.category_id, node.path).where(node.category_id.in_(wanted))
            paths = {row.category_id: row.path for row in found}
            for row in rows:
                row.category_path = paths.get(row.category_id, "")
        return count, rows

    def edit_form(self, obj: Any = None) -> Any:
        """Choices of this attribute only."""
        options = value_pairs(obj.values)
        fields: dict[str, Any] = {
            "magento_attribute": OneOf(
                "Magento Attribute",
                choices.magento_attributes(),
                blank="–",
                description="Its value wins wherever a product has one.",
            )
        }
        if options:
            fields["default_value_id"] = OneOf(
                "Default Recommended Value",
                options,
                blank="–",
                description="Used where the Magento attribute gives nothing.",
            )
            fields["value_map"] = PairsField(
                "Values",
                key_options=self.store_labels(obj),
                value_options=options,
                description="Store label → TikTok Shop value, where the names differ. Equal names need no line.",
            )
        if obj.is_customizable or not options:
            fields["default_custom"] = StringField(
                "Default Custom Value",
                [Optional(), Length(max=200)],
                description="Your own text, where no recommended value fits.",
            )
        others = alike(obj).count()
        if others:
            noun = "other category has" if others == 1 else "other categories have"
            fields["everywhere"] = BooleanField(
                "In every category", description=f"{others} {noun} this attribute: Yes gives them the same mapping."
            )
        return type("MappingForm", (Form,), fields)(request.form if request.method == "POST" else None, obj=obj)

    @staticmethod
    def store_labels(row: TikTokAttribute) -> list[tuple[str, str]]:
        """Labels of the mapped Magento attribute; empty where any text may be written."""
        for attribute in row.account.store.attributes or ():
            if attribute.get("attribute_code") == row.magento_attribute:
                labels = [o["label"] for o in attribute.get("options") or () if (o.get("label") or "").strip()]
                return [(label, label) for label in labels]
        return []

    def row_title(self, model: Any) -> str:
        """The attribute's name."""
        return str(model.name)

    def save(self, form: Any, model: Any) -> Any:
        """The mapping, here or in every category that has the attribute; their listings get new drafts."""
        given = {name: form[name].data or ({} if name == "value_map" else "") for name in MAPPING if name in form}
        others = list(alike(model)) if "everywhere" in form and form.everywhere.data else []
        now, who = context().clock.now(), actor()
        with transaction():
            for row in (model, *others):
                before = {name: getattr(row, name) for name in MAPPING}
                for name, value in (given if row is model else fitting(row, given)).items():
                    setattr(row, name, value)
                row.save(only=[getattr(TikTokAttribute, name) for name in MAPPING])
                after = {name: getattr(row, name) for name in MAPPING}
                history.note(now, who, "attribute.map", "attribute", row.id, row.name, before=before, after=after)
            for category_id in {row.category_id for row in (model, *others)}:
                self._refresh(model.account_id, category_id)
        refresh.plan([model.account_id])
        return model

    @staticmethod
    def _refresh(account_id: int, category_id: str) -> int:
        templates = ListingTemplate.select(ListingTemplate.id).where(
            ListingTemplate.account == account_id, ListingTemplate.category_id == category_id
        )
        return int(Listing.update(stale=True).where(Listing.template.in_(templates)).execute())

    def run_own(self, name: str, ids: Any) -> None:
        """Delete."""
        del name
        with transaction():
            gone = TikTokAttribute.delete().where(TikTokAttribute.id.in_(ids)).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
            history.note(
                context().clock.now(),
                actor(),
                "attribute.delete",
                "attribute",
                ",".join(map(str, ids))[:200],
                f"{gone} attributes deleted",
            )
        flash(f"{gone} deleted. Refetch Attributes brings them back without their mapping.", "success")

    @page("/assign/", methods=("POST",))
    def assign_view(self) -> Any:
        """Assign Attributes: every listing template takes the mapping; categories not read yet are read."""
        templates = list(ListingTemplate.select().where(ListingTemplate.category_id != ""))
        if not templates:
            raise ConfigurationError("No listing template has a category yet: choose one there first.")
        known = set(TikTokAttribute.select(TikTokAttribute.account, TikTokAttribute.category_id).distinct().tuples())
        missing: dict[int, set[str]] = {}
        with transaction():
            count = sum(self._refresh(t.account_id, t.category_id) for t in templates)
            history.note(
                context().clock.now(),
                actor(),
                "attribute.assign",
                "attribute",
                "all",
                f"assigned to {len(templates)} templates",
            )
        for template in templates:
            if (template.account_id, template.category_id) not in known:
                missing.setdefault(template.account_id, set()).add(template.category_id)
        for account_id, categories in missing.items():
            work.ask(
                context(),
                "refetch_attributes",
                [account_id],
                actor=actor(),
                arguments={"categories": sorted(categories)},
            )
        flash(f"Assigned to {len(templates)} listing templates; {count:,} products get new drafts.", "success")
        if missing:
            flash(f"Attributes of {sum(map(len, missing.values()))} categories are being fetched.", "info")
        return redirect(self.return_url())

    def accounts(self) -> list[tuple[int, str]]:
        """Connected ones."""
        return [(row.id, row.title) for row in Account.select(Account.id, Account.title).where(Account.shop_id != "")]
