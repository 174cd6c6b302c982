"""Users: who may log in, and as what. Administrators only."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from connector.admin import formats
from connector.admin.base import Grid
from connector.admin.fields import Form
from connector.admin.site import actor, context
from connector.services import history, people
from connector.services.people import PersonError
from connector.store.database import transaction
from connector.store.models import User

ROLES = (
    ("admin", "Admin: everything"),
    ("operator", "Operator: products, orders, queue"),
    ("viewer", "Viewer: looks only"),
)


class NewUser(Form):
    """A new user."""

    email = EmailField("E-mail", [InputRequired("Write an e-mail address."), Length(max=254)])
    name = StringField("Name", [Length(max=120)])
    role = SelectField("Role", choices=ROLES, default="operator")
    password = PasswordField("Password", [InputRequired("Write a password.")], description="At least 10 characters.")


class OldUser(Form):
    """Changes to a user."""

    name = StringField("Name", [Length(max=120)])
    role = SelectField("Role", choices=ROLES)
    active = BooleanField("Active", description="Who is not active cannot log in; their sessions end.")
    password = PasswordField("New password", [Optional()], description="Leave empty to keep the present one.")


class UserView(Grid):
    """People are switched off, never deleted: the history names them."""

    view_role = change_role = "admin"
    creatable = editable = True
    can_export = False
    create_label = "Add User"
    column_list = ("name", "email", "role", "active", "last_login_at", "created_at")
    column_labels = {"email": "E-mail", "last_login_at": "Last log-in", "created_at": "Created"}
    column_searchable_list = ("email", "name")
    column_sortable_list = ("name", "email", "role", "last_login_at", "created_at")
    column_formatters = {
        "name": lambda v, c, m, n: m.name or "–",
        "role": lambda v, c, m, n: m.role.capitalize(),
        "active": lambda v, c, m, n: formats.yes_no(m.active),
        "last_login_at": lambda v, c, m, n: formats.ago(m.last_login_at),
        "created_at": lambda v, c, m, n: formats.when(m.created_at),
    }

    def get_create_form(self) -> Any:
        """With e-mail and password."""
        return NewUser

    def get_edit_form(self) -> Any:
        """The e-mail stays: the history names people by it."""
        return OldUser

    def row_title(self, model: Any) -> str:
        """The e-mail."""
        return str(model.email)

    def save(self, form: Any, model: Any) -> Any:
        """Create or change; the last administrator stays one."""
        now, who = context().clock.now(), actor()
        if model is None:
            return people.create(
                form.email.data, form.password.data, form.role.data, now, name=form.name.data or "", actor=who
            )
        if people.last_admin(model) and (form.role.data != "admin" or not form.active.data):
            raise PersonError("This is the only active administrator: make somebody else one first.")
        if form.password.data:
            people.set_password(model, form.password.data, now, actor=who)
        before = {"role": model.role, "active": model.active}
        model.name, model.role, model.active = form.name.data or "", form.role.data, form.active.data
        with transaction():
            model.save(only=[User.name, User.role, User.active])
            after = {"role": model.role, "active": model.active}
            history.note(now, who, "user.change", "user", model.id, model.email, before=before, after=after)
        return model
