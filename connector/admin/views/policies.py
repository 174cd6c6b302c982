"""Policies: what decides over listings, prices, stock, orders and rhythm. Guide §6."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from peewee import IntegrityError
from werkzeug.datastructures import CombinedMultiDict

from connector.admin import filters, formats, policy_forms, refresh
from connector.admin.asking import MenuEntry
from connector.admin.base import Grid, page
from connector.admin.site import actor, context
from connector.errors import ConfigurationError, UnknownPluginError
from connector.plugins.api import Policy as Plugin
from connector.plugins.api import policies as registry
from connector.services import history, policies
from connector.store.database import transaction
from connector.store.models import Account, ListingTemplate, Policy


def types() -> list[tuple[str, str]]:
    """(identifier, label) of every registered policy type."""
    return [(cls.identifier, cls.label) for cls in registry]


def _type(_v: Any, _c: Any, row: Any, _n: str) -> str:
    return registry.get(row.type).label if row.type in registry else f"{row.type} (plugin missing)"


def _valid(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    issues = policies.validity(row)
    tones = {"1": ("ok", "Yes"), "0": ("bad", "No")}
    shown = formats.badge(tones, "0" if issues else "1", plain=not issues)
    return shown + formats.reason(issues[0].message, "\n".join(i.message for i in issues)) if issues else shown


def submitted() -> Any:
    """Fields and files of a submitted form; None while it is only shown."""
    return CombinedMultiDict([request.form, request.files]) if request.method == "POST" else None


def users_of(policy: Policy) -> list[str]:
    """Who uses it, in words."""
    template, account = ListingTemplate, Account
    by = (
        (template.image_policy == policy.id)
        | (template.pricing_policy == policy.id)
        | (template.inventory_policy == policy.id)
    )
    found = [f"template “{row.name}”" for row in template.select(template.name).where(by).limit(5)]
    by = (account.order_policy == policy.id) | (account.synchronization_policy == policy.id)
    return found + [f"account “{row.title}”" for row in account.select(account.title).where(by).limit(5)]


def refresh_listings(policy: Policy) -> None:
    """Ask for new drafts of everything that the policy decides over."""
    policies.mark_stale(policy)


class PolicyView(Grid):
    """The form of each type is made from its plugin."""

    list_template = "ui/policies.html"
    create_template = edit_template = "ui/policy_form.html"
    change_role = "admin"
    creatable = editable = deletable = True
    can_export = False
    create_label = "Add Policy"
    empty_title = "No policies yet"
    empty_text = "The setup wizard makes one of each type."
    empty_link = ("wizard.index", "Open the setup")
    own_actions = (
        MenuEntry("default", "Make default", icon="check"),
        MenuEntry(
            "delete",
            "Delete",
            confirm="Delete the selected policies? Those in use, and the defaults, are kept.",
            icon="trash-2",
            danger=True,
        ),
    )
    column_list = ("id", "title", "type", "is_default", "valid", "created_at", "updated_at")
    column_labels = {"id": "ID", "is_default": "Is Default", "created_at": "Created At", "updated_at": "Updated At"}
    column_searchable_list = (Policy.title,)
    column_sortable_list = ("id", "title", "type", "is_default", "created_at", "updated_at")
    column_default_sort = "id"
    numeric = frozenset({"id"})
    mobile_columns = ("title", "type", "is_default", "valid", "updated_at")
    column_filters = (
        filters.Is(Policy.type, "Type", types),
        filters.YesNo(Policy.is_default, "Is Default"),
        filters.Contains(Policy.title, "Title"),
    )
    column_formatters = {
        "title": lambda v, c, m, n: (
            formats.link(url_for("policies.edit_view", id=m.id), m.title, strong=True) if v.can_edit else m.title
        ),
        "type": _type,
        "is_default": lambda v, c, m, n: formats.yes_no(m.is_default),
        "valid": _valid,
        "created_at": lambda v, c, m, n: formats.when(m.created_at),
        "updated_at": lambda v, c, m, n: formats.when(m.updated_at),
    }

    def types(self) -> list[tuple[str, str]]:
        """For the Add menu."""
        return types()

    def plugin(self, model: Policy | None) -> type[Plugin]:
        """The type of a row, or of the row to be made."""
        name = model.type if model is not None else request.args.get("type", "")
        if name not in registry:
            if model is None:
                abort(404)
            raise UnknownPluginError("policy", name, (cls.identifier for cls in registry))
        return registry.get(name)

    def create_form(self, obj: Any = None) -> Any:
        """Of the type that the address names, filled with its defaults."""
        del obj
        plugin = self.plugin(None)
        form = policy_forms.form_class(plugin)
        values = policy_forms.initial(plugin, {})
        return form(submitted(), data=values)

    def edit_form(self, obj: Any = None) -> Any:
        """Of the row's type."""
        plugin = self.plugin(obj)
        form = policy_forms.form_class(plugin)
        values = {"title": obj.title, **policy_forms.initial(plugin, obj.settings)}
        return form(submitted(), data=values)

    def form_groups(self, form: Any) -> list[tuple[str, list[str]]]:
        """By the plugin's headings."""
        row = Policy.get_or_none(Policy.id == request.args.get("id", type=int))
        del form
        return policy_forms.groups(self.plugin(row))

    def form_title(self, model: Any) -> str:
        """Title of a row, or what is made."""
        return str(model.title) if model is not None else f"New {self.plugin(None).label.lower()} policy"

    def save(self, form: Any, model: Any) -> Any:
        """Checked by the plugin; listings that it decides over get new drafts."""
        plugin, now = self.plugin(model), context().clock.now()
        settings = policy_forms.read(plugin, form)
        if settings is None:
            return None
        before = dict(model.settings) if model is not None else None
        row = model or Policy(
            type=plugin.identifier,
            created_at=now,
            is_default=not Policy.select().where(Policy.type == plugin.identifier).exists(),
        )
        row.title, row.settings, row.updated_at = form.title.data.strip(), settings, now
        try:
            with transaction():
                row.save()
                history.note(now, actor(), "policy.save", "policy", row.id, row.title, before=before, after=settings)
                refresh_listings(row)
        except IntegrityError:
            form.title.errors = [*form.title.errors, "Another policy has this title."]
            return None
        if row.type == "inventory":
            refresh.stock()
        refresh.plan()
        return row

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        """“Save & Duplicate” goes on with a copy."""
        if "_duplicate" not in request.form:
            return url_for("policies.index_view") if is_created else str(super().get_save_return_url(model))
        copy = self.duplicate(model)
        flash(f"Copied to “{copy.title}”: change what differs.", "success")
        return url_for("policies.edit_view", id=copy.id)

    def duplicate(self, model: Policy) -> Policy:
        """A second row with the same settings and a free title."""
        number, title = 2, f"{model.title} (copy)"
        while Policy.select().where(Policy.title == title).exists():
            title, number = f"{model.title} (copy {number})", number + 1
        now = context().clock.now()
        with transaction():
            copy: Policy = Policy.create(
                title=title, type=model.type, settings=model.settings, created_at=now, updated_at=now
            )
            history.note(now, actor(), "policy.duplicate", "policy", copy.id, f"{title}, from {model.title}")
        return copy

    def remove(self, model: Any) -> None:
        """A policy in use stays, and so does a default: whatever names no policy goes by it, now or later."""
        if Policy.select().where(Policy.id == model.id, Policy.is_default).exists():
            raise ConfigurationError(
                f"“{model.title}” is the default of its type: make another one the default first, then delete it."
            )
        used = users_of(model)
        if used:
            raise ConfigurationError(
                f"“{model.title}” is used by {', '.join(used)}: choose another policy there first."
            )
        with transaction():
            Policy.delete().where(Policy.id == model.id).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
            history.note(
                context().clock.now(), actor(), "policy.delete", "policy", model.id, model.title, before=model.settings
            )

    def run_own(self, name: str, ids: Any) -> None:
        """Make default, or delete what nothing uses."""
        rows = list(Policy.select().where(Policy.id.in_(ids)))
        if name == "default":
            for row in rows:
                policies.set_default(row)
                history.note(context().clock.now(), actor(), "policy.default", "policy", row.id, row.title)
            flash(f"{len(rows)} made the default of their type.", "success")
            return
        gone = sum(self.delete_model(row) for row in rows)
        if gone:
            flash(f"{gone} of {len(rows)} deleted.", "success")

    @page("/choose/")
    def choose_view(self) -> Any:
        """Which type to add: for who has no menus."""
        if not self.can_create:
            return redirect(url_for("policies.index_view"))
        return self.render("ui/policy_types.html", types=types())
