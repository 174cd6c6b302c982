"""The queue, the recurring work, and notifications that came in."""

from __future__ import annotations

from peewee import BigAutoField, CharField, ForeignKeyField, IntegerField, TextField

from connector.store.fields import JsonField, UtcField
from connector.store.models.base import Model
from connector.store.models.listings import ListingTemplate
from connector.store.models.settings import Account

OPEN_STATES = ("queued", "waiting", "running", "unknown")
"""States from which work still happens; at most one open item per kind and subject."""

CLOSED_STATES = ("confirmed", "rejected", "dead", "cancelled")
"""States in which an item has ended."""


class QueueItem(Model):
    """One piece of work: the truth about it. A job only carries its id.

    `kind` is an action's identifier, `subject_type` what it acts on ("listing", "order", "return", "account").
    `open_key` is set while the item is open and unique, so that a second open item for the same subject cannot exist.
    `actor` asked for it, `why` says what for, `cause` why it is where it is. `attempts` counts tries that may have been
    the item's own fault, `waits` postponements for outages, quotas and other workers, which never end it. `follow_up` is
    what a person asked for while it ran: arguments, actor, why and priority of the item that follows.
    """

    id = BigAutoField()
    kind = CharField()
    subject_type = CharField()
    subject_id = IntegerField()
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE", backref="queue")
    account_id: int | None
    template = ForeignKeyField(ListingTemplate, null=True, on_delete="SET NULL")
    template_id: int | None
    name = TextField(default="")
    arguments = JsonField(default=dict)
    priority = IntegerField(default=100)
    state = CharField(default="queued")
    attempts = IntegerField(default=0)
    waits = IntegerField(default=0)
    follow_up = JsonField(null=True)
    next_try_at = UtcField(null=True)
    actor = CharField(default="")
    why = TextField(default="")
    cause = TextField(default="")
    idempotency_key = CharField(default="")
    lease_owner = CharField(default="")
    lease_until = UtcField(null=True)
    before = JsonField(null=True)
    after = JsonField(null=True)
    request_id = CharField(default="")
    open_key = CharField(null=True, unique=True)
    created_at = UtcField()
    sent_at = UtcField(null=True)
    started_at = UtcField(null=True)
    finished_at = UtcField(null=True)

    class Meta:
        indexes = (
            (("state", "next_try_at"), False),
            (("subject_type", "subject_id"), False),
        )


class PeriodicTask(Model):
    """Recurring work of one account or of the whole installation; `next_at` is when it is due."""

    name = CharField(primary_key=True)
    every_seconds = IntegerField()
    next_at = UtcField()
    started_at = UtcField(null=True)
    finished_at = UtcField(null=True)
    lease_owner = CharField(default="")
    lease_until = UtcField(null=True)
    message = TextField(default="")


class Notification(Model):
    """A webhook that came in, once: `key` is its notification id or the digest of its body."""

    key = CharField(primary_key=True)
    account = ForeignKeyField(Account, null=True, on_delete="CASCADE")
    account_id: int | None
    type = IntegerField()
    data = JsonField()
    received_at = UtcField()
    handled_at = UtcField(null=True)
