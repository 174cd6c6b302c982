"""The Magento store that is read from and ordered in."""

from __future__ import annotations

from typing import Any

from flask import flash, url_for
from wtforms import PasswordField, SelectField, StringField, URLField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from connector.admin import formats, refresh
from connector.admin.asking import MenuEntry
from connector.admin.base import Grid
from connector.admin.fields import Form, is_web_address
from connector.admin.site import actor, context
from connector.errors import ConfigurationError, ConnectorError
from connector.services import history, stores
from connector.store.database import transaction
from connector.store.models import Account, MagentoStore, Product

SECRETS = ("consumer_secret", "access_token", "access_token_secret")
PLAIN = ("title", "base_url", "auth", "store_code", "consumer_key")
HELP = "Leave empty to keep what is stored."


class StoreForm(Form):
    """Address, way in, and which store view. What is stored encrypted is never shown again."""

    title = StringField("Title", [InputRequired("Write a title."), Length(max=120)])
    base_url = URLField(
        "Store address",
        [InputRequired("Write the store's address.")],
        description="Such as https://shop.example.com, where /rest is below it.",
    )
    auth = SelectField(
        "Log-in",
        choices=(("oauth", "OAuth 1.0a (integration)"), ("bearer", "Bearer token")),
        default="oauth",
        description="Magento: System, Extensions, Integrations.",
    )
    store_code = StringField(
        "Store view code",
        [InputRequired("Write the store view's code.")],
        default="default",
        description="Names and prices are read in this view; orders are made in it.",
    )
    consumer_key = StringField("Consumer key", [Optional()])
    consumer_secret = PasswordField("Consumer secret", [Optional()], description=HELP)
    access_token = PasswordField("Access token", [Optional()], description=HELP)
    access_token_secret = PasswordField("Access token secret", [Optional()], description=HELP)

    def validate_base_url(self, field: Any) -> None:
        """A web address without anything behind the path."""
        if not is_web_address(field.data):
            raise ValidationError("Write an address such as https://shop.example.com.")


class StoreView(Grid):
    """Connect, test, read the store's own data again."""

    change_role = "admin"
    creatable = editable = deletable = True
    can_export = False
    create_label = "Add Store"
    form = StoreForm
    empty_title = "No Magento store yet"
    empty_text = "Add the store whose products go to TikTok Shop: an integration's keys with access to catalogue, inventory and sales."
    own_actions = (
        MenuEntry("test", "Test connection", icon="plug"),
        MenuEntry("refresh", "Read store data again", icon="database"),
    )
    column_list = (
        "title",
        "base_url",
        "store_code",
        "base_currency",
        "timezone",
        "metadata_at",
        "synced_at",
        "products",
    )
    column_labels = {
        "base_url": "Address",
        "store_code": "Store View",
        "base_currency": "Currency",
        "timezone": "Time zone",
        "metadata_at": "Store data read",
        "synced_at": "Products read",
    }
    column_sortable_list = ("title", "base_url", "metadata_at", "synced_at")
    column_searchable_list = (MagentoStore.title, MagentoStore.base_url)
    numeric = frozenset({"products"})
    mobile_columns = ("title", "base_url", "store_code", "synced_at")
    column_formatters = {
        "title": lambda v, c, m, n: (
            formats.link(url_for("stores.edit_view", id=m.id), m.title, strong=True) if v.can_edit else m.title
        ),
        "base_url": lambda v, c, m, n: formats.code(m.base_url),
        "metadata_at": lambda v, c, m, n: formats.ago(m.metadata_at),
        "synced_at": lambda v, c, m, n: formats.ago(m.synced_at),
        "products": lambda v, c, m, n: formats.number(Product.select().where(Product.store == m.id).count()),
    }

    def columns_query(self) -> Any:
        """Without secrets and without the store's own large data."""
        store = MagentoStore
        return store.select(
            store.id,
            store.title,
            store.base_url,
            store.store_code,
            store.base_currency,
            store.timezone,
            store.metadata_at,
            store.synced_at,
        )

    def row_menu(self, row: Any) -> list[MenuEntry]:
        """Both, beside every store."""
        del row
        return self.bulk_menu()

    def form_groups(self, form: Any) -> list[tuple[str, list[str]]]:
        """Where it is, and how to get in."""
        del form
        return [("Store", ["title", "base_url", "store_code"]), ("Access", ["auth", "consumer_key", *SECRETS])]

    def save(self, form: Any, model: Any) -> Any:
        """Empty secrets keep what is stored; a change of address asks for them again."""
        now = context().clock.now()
        row = model or MagentoStore()
        if model is not None and model.base_url != form.base_url.data.rstrip("/") and not form.access_token.data:
            raise ConfigurationError(
                "The address changed: write the access token again, so that it is never sent elsewhere by mistake."
            )
        for name in PLAIN:
            setattr(row, name, (form[name].data or "").strip())
        row.base_url = row.base_url.rstrip("/")
        for name in SECRETS:
            if form[name].data:
                setattr(row, name, form[name].data.strip())
        with transaction():
            row.save()
            history.note(now, actor(), "store.save", "store", row.id, f"{row.title} at {row.base_url}")
        return row

    def remove(self, model: Any) -> None:
        """Only a store that no account sells."""
        used = [row.title for row in Account.select(Account.title).where(Account.store == model.id)]
        if used:
            raise ConfigurationError(f"“{model.title}” is sold by {', '.join(used)}: it cannot be deleted.")
        with transaction():
            MagentoStore.delete().where(MagentoStore.id == model.id).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
            history.note(context().clock.now(), actor(), "store.delete", "store", model.id, model.title)

    def run_own(self, name: str, ids: Any) -> None:
        """Ask the store now; its answer is the message."""
        for store in MagentoStore.select().where(MagentoStore.id.in_(ids)):
            try:
                if name == "test":
                    flash(f"{store.title}: {stores.test_connection(context(), store)}", "success")
                else:
                    changes = stores.refresh_metadata(context(), store, actor=actor())
                    refresh.assign([row.id for row in Account.select(Account.id).where(Account.store == store.id)])
                    found = f" {changes}." if changes else " Nothing changed."
                    flash(f"{store.title}: attributes, categories and sets are up to date.{found}", "success")
            except ConnectorError as error:
                flash(f"{store.title}: {error}", "error")
