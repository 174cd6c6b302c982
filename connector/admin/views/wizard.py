"""The setup wizard: registration, account, default policies, summary. It can be left and taken up again. Guide §4."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from wtforms import BooleanField, EmailField
from wtforms.validators import InputRequired, Length

from connector.admin.base import Guarded, page
from connector.admin.fields import Form
from connector.admin.site import actor, context
from connector.admin.views.accounts import ShopForm, acceptable, fill, leave, show_stored
from connector.plugins.api import policies as registry
from connector.services import dashboard, history, policies
from connector.services.people import PersonError
from connector.store.database import transaction
from connector.store.models import Account, Policy, Setting

KEY = "wizard"
STEPS = (
    ("registration", "Registration"),
    ("account", "Account Onboarding"),
    ("policies", "Default Policies"),
    ("summary", "Summary"),
)


class Registration(Form):
    """Who sets it up, and that they agree."""

    email = EmailField(
        "Email",
        [InputRequired("Write your e-mail address."), Length(max=254)],
        description="Kept on this installation only; store orders take it as their mailbox.",
    )
    terms = BooleanField(
        "Terms & Condition",
        [InputRequired("Accept the terms to go on.")],
        description="I accept that Connector changes products, orders and stock of the store and of the shop that I connect.",
    )


class Wizard(Guarded):
    """Progress is one setting; each step can be opened again."""

    change_role = "admin"

    @staticmethod
    def progress() -> dict[str, Any]:
        """What was done so far."""
        row = Setting.get_or_none(Setting.key == KEY)
        return dict(row.value) if row else {}

    @staticmethod
    def keep(progress: dict[str, Any]) -> None:
        """Remember it."""
        Setting.insert(key=KEY, value=progress).on_conflict(
            conflict_target=[Setting.key], preserve=[Setting.value]
        ).execute()

    def account(self) -> Account | None:
        """The account being set up; the first one when an installation was set up otherwise."""
        number = self.progress().get("account")
        chosen = Account.get_or_none(Account.id == number) if number else None
        return chosen or Account.select().order_by(Account.id).first()

    def done(self) -> dict[str, bool]:
        """Which steps are done, however that came about: an account may have been connected elsewhere."""
        progress, account = self.progress(), self.account()
        return {
            "registration": bool(progress.get("email")),
            "account": account is not None and account.connected,
            "policies": bool(progress.get("policies")),
            "summary": bool(progress.get("finished")),
        }

    def reached(self) -> str:
        """The first step that is not done; the summary when all are."""
        return next((step for step, done in self.done().items() if not done), "summary")

    def show(self, step: str, **more: Any) -> str:
        """A step's page with the line of steps above."""
        done = self.done()
        steps = [(name, title, "now" if name == step else "done" if done[name] else "") for name, title in STEPS]
        return self.render(f"ui/wizard_{step}.html", steps=steps, step=step, **more)

    @page("/")
    def index(self) -> Any:
        """Go on where it was left."""
        return redirect(url_for(endpoint(self.reached())))

    @page("/registration/", methods=("GET", "POST"))
    def registration(self) -> Any:
        """Step 1."""
        progress = self.progress()
        form = Registration(
            request.form if request.method == "POST" else None,
            data={"email": progress.get("email", ""), "terms": bool(progress.get("email"))},
        )
        if request.method == "POST" and form.validate():
            email = (form.email.data or "").strip()
            if "@" not in email:
                raise PersonError("Write an e-mail address such as you@example.com.")
            now = context().clock.now()
            with transaction():
                self.keep({**progress, "email": email, "accepted_at": now.isoformat()})
                history.note(now, actor(), "wizard.terms", "setting", KEY, "terms accepted")
            return redirect(url_for("wizard.account_step"))
        return self.show("registration", form=form)

    @page("/account/", methods=("GET", "POST"))
    def account_step(self) -> Any:
        """Step 2: save, then authorise on TikTok Shop."""
        account = self.account()
        form = ShopForm(request.form if request.method == "POST" else None, obj=account)
        if account is not None:
            show_stored(form, account)
        if not form.store.choices:
            return self.show("account", form=form, account=account, no_store=True)
        if request.method == "POST" and self._acceptable(form, account):
            saved = self._save_account(form, account)
            return leave(self, saved)
        return self.show("account", form=form, account=account, no_store=False)

    @staticmethod
    def _acceptable(form: ShopForm, account: Account | None) -> bool:
        if not form.validate():
            return False
        same = Account.get_or_none(Account.title == (form.title.data or "").strip())
        if same is not None and (account is None or same.id != account.id):
            form.title.errors = ["Another account has this title."]
            return False
        return acceptable(form, account)

    def _save_account(self, form: ShopForm, account: Account | None) -> Account:
        progress, now = self.progress(), context().clock.now()
        row = account or Account(created_at=now, country=form.country.data, order_email=progress.get("email", ""))
        fill(row, form)
        with transaction():
            row.save()
            self.keep({**progress, "account": row.id})
            history.note(now, actor(), "account.save", "account", row.id, row.title)
        return row

    @page("/policies/", methods=("GET", "POST"))
    def policies(self) -> Any:
        """Step 3: one valid default of every type."""
        if not Policy.select().where(Policy.is_default).exists() and self.may_change():
            return self.show("policies", rows=[], ready=False, labels={})
        rows = [(row, policies.validity(row)) for row in Policy.select().order_by(Policy.is_default.desc(), Policy.id)]
        defaults = {row.type: not issues for row, issues in rows if row.is_default}
        ready = all(defaults.get(cls.identifier) for cls in registry)
        if request.method == "POST":
            if not ready:
                flash("Every type needs a valid default policy first.", "warning")
                return redirect(url_for("wizard.policies"))
            self.keep({**self.progress(), "policies": True})
            self._use_defaults()
            return redirect(url_for("wizard.summary"))
        return self.show("policies", rows=rows, ready=ready, labels={cls.identifier: cls.label for cls in registry})

    @page("/policies/make/", methods=("POST",))
    def make_policies(self) -> Any:
        """Create one default of every type."""
        made = policies.create_defaults(context().clock.now())
        flash(f"{len(made)} policies made.", "success")
        return redirect(url_for("wizard.policies"))

    def _use_defaults(self) -> None:
        account = self.account()
        if account is None:
            return
        for column, kind in (("order_policy", "order"), ("synchronization_policy", "synchronization")):
            if getattr(account, f"{column}_id") is None:
                setattr(account, column, Policy.get_or_none(Policy.type == kind, Policy.is_default))
        with transaction():
            account.save(only=[Account.order_policy, Account.synchronization_policy])

    @page("/summary/", methods=("GET", "POST"))
    def summary(self) -> Any:
        """Step 4: what there is, and what comes next."""
        if request.method == "POST":
            missing = self._missing()
            if missing:
                flash(f"Not done yet: {', '.join(title for _, title in missing)}.", "warning")
                return redirect(url_for(missing[0][0]))
            self.keep({**self.progress(), "finished": True})
            flash("Set up. Next: listing templates and attribute mapping.", "success")
            return redirect(url_for("templates.index_view"))
        return self.show(
            "summary",
            account=self.account(),
            counts=dashboard.setup_counts(),
            progress=self.progress(),
            missing=self._missing(),
        )

    def _missing(self) -> list[tuple[str, str]]:
        """(view, title) of the steps before the summary that are not done."""
        done = self.done()
        return [(endpoint(name), title) for name, title in STEPS[:-1] if not done[name]]


def endpoint(step: str) -> str:
    """The view of a step."""
    return "wizard.account_step" if step == "account" else f"wizard.{step}"
