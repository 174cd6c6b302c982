"""TikTok accounts: one shop each, what it sells, and under which policies. Guide §5."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from peewee import JOIN, IntegrityError
from wtforms import BooleanField, EmailField, SelectField, StringField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from connector.admin import formats
from connector.admin.base import Grid, page
from connector.admin.fields import Form, OneOf, RowField, SandboxField, SecretField, ShownField, is_web_address
from connector.admin.rule_text import renamed_under_rules
from connector.admin.site import actor, context, session_token
from connector.domain.shop import CONSENT_RETURN
from connector.errors import ConfigurationError
from connector.services import accounts, history
from connector.store.database import transaction
from connector.store.models import Account, Listing, MagentoStore, Order, Policy

ENVIRONMENTS = (("production", "Production"), ("sandbox", "Sandbox"))
PLAIN = ("title", "environment", "app_key", "service_id")
REAL = (str(Account.api_url.default), str(Account.auth_url.default), "")
"""(API, token, consent) addresses of TikTok Shop; without the last, the consent page is the country's own."""


def return_address() -> str:
    """Where a seller comes back to after the consent."""
    return context().base_url + CONSENT_RETURN


def stores() -> list[tuple[int, str]]:
    """Store views to sell from."""
    return [
        (s.id, f"{s.title} · {s.store_code}")
        for s in MagentoStore.select(MagentoStore.id, MagentoStore.title, MagentoStore.store_code)
    ]


def policies_of(kind: str) -> list[tuple[int, str]]:
    """Policies of one type, the default first."""
    rows = Policy.select(Policy.id, Policy.title).where(Policy.type == kind)
    return [(row.id, row.title) for row in rows.order_by(Policy.is_default.desc(), Policy.title)]


def default_of(kind: str) -> str:
    """What no choice of a policy means: the default of its type, by title."""
    row = Policy.select(Policy.title).where(Policy.type == kind, Policy.is_default).first()
    return f"The default: {row.title}" if row else "The default of its type"


def title_field() -> StringField:
    """What the merchant calls the shop."""
    return StringField(
        "Title",
        [InputRequired("Write a title."), Length(max=120)],
        description="Your own name for this shop. Buyers never see it.",
    )


def country_field() -> SelectField:
    """Where the shop is registered."""
    return SelectField(
        "Country",
        choices=[(code, name) for code, (name, _) in accounts.REGIONS.items()],
        default="US",
        description="Where the shop is registered. It cannot be changed after saving.",
    )


class ShopForm(Form):
    """What it takes to connect a shop; the setup asks for no more."""

    title = title_field()
    environment = SelectField("Environment Type", choices=ENVIRONMENTS, default="production")
    sandbox = SandboxField(
        "Sandbox address",
        [Length(max=200)],
        description="Where “connector sandbox” answers. It shows key, secret and service id on its first page.",
    )
    country = country_field()
    store = RowField(
        "Store View", stores, description="Names and prices are read from this view; orders are made in it."
    )
    redirect_url = ShownField(
        "Redirect URL",
        default=return_address,
        render_kw={"readonly": True},
        description="Copy it into your app in the TikTok Shop Partner Center: the seller's consent leads back there.",
    )
    app_key = StringField(
        "App key",
        [InputRequired("Write the key of your app.")],
        description="Of your app in the TikTok Shop Partner Center.",
    )
    app_secret = SecretField(
        "App secret",
        description="Kept encrypted. Leave empty to keep what is stored.",
        render_kw={"autocomplete": "off"},
    )
    service_id = StringField(
        "Service id", [InputRequired("Write the service id of your app.")], description="Stands beside the app key."
    )

    def validate_sandbox(self, field: Any) -> None:
        """A sandbox is somewhere; the real shop is where it always is."""
        if self.environment.data == "sandbox" and not is_web_address(field.data):
            raise ValidationError("Write where the sandbox answers, such as http://127.0.0.1:8787.")


class AccountForm(ShopForm):
    """And what applies to it."""

    active = BooleanField("Active", default=True, description="Off: nothing is sent and no order is imported.")
    order_email = EmailField(
        "Order mailbox",
        [Optional(), Length(max=200)],
        description="Store orders carry it with the marketplace order number in its plus part.",
    )
    synchronization_policy = RowField(
        "Synchronization Policy", lambda: policies_of("synchronization"), blank=lambda: default_of("synchronization")
    )
    order_policy = RowField("Order Policy", lambda: policies_of("order"), blank=lambda: default_of("order"))
    warehouse_id = OneOf("Warehouse", (), blank="The shop's default")


def addresses(form: ShopForm) -> tuple[str, str, str]:
    """(API, token, consent) addresses of what the form says: the sandbox is one server, the shop's are its own."""
    if form.environment.data == "sandbox":
        base = (form.sandbox.data or "").strip().rstrip("/")
        return base, base, ""
    return REAL


def acceptable(form: ShopForm, account: Account | None) -> bool:
    """Whether what is valid may be saved to this account (None: a new one); otherwise the reason is at its field."""
    if account is None:
        form.app_secret.errors = [] if form.app_secret.data else ["Write the secret of your app."]
        return bool(form.app_secret.data)
    chosen, stored = addresses(form), (account.api_url, account.auth_url, account.authorize_url)
    if renamed_under_rules(form.title, account.title):
        return False
    if account.shop_id and (chosen[0] == REAL[0]) != (stored[0] == REAL[0]):
        shop = account.shop_name or account.shop_id
        form.environment.errors = [f"The account belongs to {shop}: add another account for another environment."]
    elif chosen != stored and not form.app_secret.data:
        form.app_secret.errors = ["The address changes: write the secret again, so that it only goes where you want."]
    elif not account.app_secret and not form.app_secret.data:
        form.app_secret.errors = ["Write the secret of your app."]
    else:
        return True
    return False


def show_stored(form: ShopForm, account: Account) -> None:
    """The country is settled, and a sandbox is where it was."""
    form.country.render_kw, form.country.data = {"disabled": True}, account.country
    form.country.validate_choice = False
    if request.method == "GET" and account.environment == "sandbox":
        form.sandbox.data = account.api_url


def fill(row: Account, form: ShopForm) -> None:
    """What both forms ask for. An empty secret keeps what is stored."""
    for name in PLAIN:
        setattr(row, name, (form[name].data or "").strip())
    row.store = form.store.data
    row.api_url, row.auth_url, row.authorize_url = addresses(form)
    if form.app_secret.data:
        row.app_secret = form.app_secret.data.strip()


class AccountView(Grid):
    """Add, edit, authorise, fetch onboarding data."""

    subject = "account"
    change_role = "admin"
    list_template = "ui/accounts.html"
    creatable = editable = deletable = True
    can_export = False
    create_label = "Add Account"
    form = AccountForm
    account_column = None
    empty_title = "No TikTok Shop yet"
    empty_text = "Add your shop's account and authorise it; the setup wizard leads through it."
    empty_link = ("wizard.index", "Open the setup")
    column_list = (
        "id",
        "title",
        "connected",
        "active",
        "country",
        "store",
        "environment",
        "synchronization_policy",
        "order_policy",
        "shop_name",
        "onboarded_at",
    )
    column_labels = {
        "id": "Account Id",
        "store": "Store view",
        "synchronization_policy": "Synchronization policy",
        "order_policy": "Order policy",
        "shop_name": "Shop",
        "onboarded_at": "Onboarding data",
    }
    column_sortable_list = ("id", "title", "active", "country", "environment")
    column_searchable_list = (Account.title, Account.shop_name)
    numeric = frozenset({"id"})
    mobile_columns = ("title", "connected", "active", "country", "store")

    def _row_link(self, _c: Any, row: Any, _n: str) -> Any:
        return (
            formats.link(url_for("accounts.edit_view", id=row.id), row.title, strong=True)
            if self.can_edit
            else row.title
        )

    def _connected(self, _c: Any, row: Any, _n: str) -> Any:
        tones = {"yes": ("ok", "Connected"), "no": ("warn", "Not connected"), "bad": ("bad", "Needs attention")}
        state = "bad" if row.problem else "yes" if row.shop_id else "no"
        until = f"until {row.refresh_expires_at:%d %b %Y}" if row.refresh_expires_at and state == "yes" else ""
        return formats.badge(tones, state) + formats.reason(row.problem or until)

    column_formatters = {
        "title": _row_link,
        "connected": _connected,
        "active": lambda v, c, m, n: formats.yes_no(m.active),
        "store": lambda v, c, m, n: f"{m.store.title} · {m.store.store_code}",
        "environment": lambda v, c, m, n: m.environment.capitalize(),
        "synchronization_policy": lambda v, c, m, n: m.sync_title or formats.DEFAULT,
        "order_policy": lambda v, c, m, n: m.order_title or formats.DEFAULT,
        "onboarded_at": lambda v, c, m, n: formats.ago(m.onboarded_at),
    }

    def columns_query(self) -> Any:
        """Without any secret."""
        a, order_policy = Account, Policy.alias()
        return (
            a.select(
                a.id, a.title, a.active, a.country, a.environment, a.shop_id, a.shop_name, a.problem, a.refresh_expires_at, a.onboarded_at,
                MagentoStore.id, MagentoStore.title, MagentoStore.store_code, Policy.title.alias("sync_title"), order_policy.title.alias("order_title"),
            )
            .join(MagentoStore)
            .switch(a)
            .join(Policy, JOIN.LEFT_OUTER, on=(a.synchronization_policy == Policy.id), attr="_sync")
            .switch(a)
            .join(order_policy, JOIN.LEFT_OUTER, on=(a.order_policy == order_policy.id), attr="_order")
        )  # fmt: skip

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """Titles of joined policies stand on the rows, absent ones as empty."""
        count, rows = super().get_list(*args, **kwargs)
        for row in rows if isinstance(rows, list) else ():
            row.sync_title = getattr(getattr(row, "_sync", None), "sync_title", "")
            row.order_title = getattr(getattr(row, "_order", None), "order_title", "")
        return count, rows

    def row_menu(self, row: Any) -> list[Any]:
        """Fetch Onboarding Data, once connected."""
        return [entry for entry in self.bulk_menu() if entry.name == "fetch_onboarding_data" and row.shop_id]

    def create_form(self, obj: Any = None) -> Any:
        """The default policies are chosen already."""
        form = super().create_form(obj)
        if request.method == "GET":
            for name, kind in (("synchronization_policy", "synchronization"), ("order_policy", "order")):
                first = Policy.select(Policy.id).where(Policy.type == kind, Policy.is_default).first()
                form[name].data = first.id if first else None
        del form.warehouse_id
        return form

    def edit_form(self, obj: Any = None) -> Any:
        """The country is settled; warehouses are those of the shop."""
        form = super().edit_form(obj)
        show_stored(form, obj)
        form.warehouse_id.choices += [(str(w["id"]), w["name"]) for w in obj.warehouses or ()]
        return form

    def form_groups(self, form: Any) -> list[tuple[str, list[str]]]:
        """The shop, its policies, the app."""
        warehouse = ["warehouse_id"] if "warehouse_id" in form else []
        return [
            ("Account", ["title", "environment", "sandbox", "country", "store", "active"]),
            ("Policies", ["synchronization_policy", "order_policy", "order_email", *warehouse]),
            ("TikTok Shop app", ["redirect_url", "app_key", "app_secret", "service_id"]),
        ]

    def save(self, form: Any, model: Any) -> Any:
        """Only what the form shows is written."""
        if not acceptable(form, model):
            return None
        now = context().clock.now()
        row = model or Account(country=form.country.data, created_at=now)
        fill(row, form)
        row.active, row.order_email = form.active.data, (form.order_email.data or "").strip()
        row.synchronization_policy, row.order_policy = form.synchronization_policy.data, form.order_policy.data
        if "warehouse_id" in form:
            row.warehouse_id = form.warehouse_id.data or ""
        try:
            with transaction():
                row.save()
                history.note(now, actor(), "account.save", "account", row.id, row.title)
                Listing.update(stale=True).where(Listing.account == row.id).execute()
        except IntegrityError:
            form.title.errors = [*form.title.errors, "Another account has this title."]
            return None
        return row

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        """A new account goes on to its authorisation."""
        return url_for("accounts.connect_view", id=model.id) if is_created else str(super().get_save_return_url(model))

    def remove(self, model: Any) -> None:
        """Only an account that never sold anything."""
        if (
            Order.select().where(Order.account == model.id).exists()
            or Listing.select().where(Listing.account == model.id).exists()
        ):
            raise ConfigurationError(f"“{model.title}” has listings or orders: switch it off instead of deleting it.")
        with transaction():
            model.delete_instance()
            history.note(context().clock.now(), actor(), "account.delete", "account", model.id, model.title)

    def _one(self) -> Account:
        row: Account | None = Account.get_or_none(Account.id == request.values.get("id", type=int))
        if row is None:
            abort(404)
        return row

    @page("/connect/")
    def connect_view(self) -> Any:
        """What authorising means, and the button that starts it."""
        if not self.may_change():
            abort(403)
        return self.render(
            "ui/connect.html",
            account=self._one(),
            redirect_url=return_address(),
            return_url=url_for("accounts.index_view"),
        )

    @page("/connect/start/", methods=("POST",))
    def start_view(self) -> Any:
        """To the marketplace's consent page. A form may not lead off this site, so a page of ours goes on."""
        return leave(self, self._one())

    @page("/connected/")
    def connected_view(self) -> Any:
        """Where the consent leads back to when it was not started by the wizard."""
        flash("The account is connected. Fetch its onboarding data next.", "success")
        return redirect(url_for("accounts.index_view"))


def leave(view: Any, account: Account) -> Any:
    """The page that goes on to the marketplace's consent."""
    url = accounts.start_authorization(context(), account, session_token())
    return view.render("ui/leaving.html", target=url, account=account)
