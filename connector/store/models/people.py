"""Users, what they did, what they set up."""

from __future__ import annotations

from peewee import AutoField, BigAutoField, BooleanField, CharField, ForeignKeyField, TextField

from connector.store.fields import JsonField, UtcField
from connector.store.models.base import Model

ROLES = ("admin", "operator", "viewer")
"""From most to least: settings and users; work on products and orders; looking."""


class User(Model):
    """Somebody who may log in. `password_hash` is argon2."""

    id = AutoField()
    email = CharField(unique=True)
    name = CharField(default="")
    password_hash = CharField()
    role = CharField(default="viewer")
    active = BooleanField(default=True)
    created_at = UtcField()
    last_login_at = UtcField(null=True)


class Setting(Model):
    """One named value of the installation: the wizard's progress, the demo's journey."""

    key = CharField(primary_key=True)
    value = JsonField(null=True)


class SavedView(Model):
    """A list page's filters under a name; `query` is its query string."""

    id = AutoField()
    user = ForeignKeyField(User, backref="views", on_delete="CASCADE")
    user_id: int
    endpoint = CharField()
    name = CharField()
    query = TextField(default="")

    class Meta:
        indexes = ((("user", "endpoint", "name"), True),)


class HistoryEntry(Model):
    """Append-only: who did what, when, why, and what it was before. `actor` is a user's e-mail or the name of a job."""

    id = BigAutoField()
    at = UtcField(index=True)
    actor = CharField()
    action = CharField()
    subject_type = CharField()
    subject_id = CharField()
    message = TextField(default="")
    before = JsonField(null=True)
    after = JsonField(null=True)

    class Meta:
        indexes = ((("subject_type", "subject_id"), False),)
