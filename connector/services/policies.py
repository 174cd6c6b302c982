"""Policies as rows: whether one is valid, which is the default, and the plugin instance that a row means."""

from __future__ import annotations

from datetime import datetime

from connector.domain.issue import Issue
from connector.domain.values import to_json
from connector.errors import ConfigurationError, UnknownPluginError
from connector.plugins.api import Policy as PolicyPlugin
from connector.plugins.api import policies as registry
from connector.services import history
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, Policy


def validity(policy: Policy) -> list[Issue]:
    """Everything that keeps a stored policy from being used; empty when it is valid."""
    try:
        plugin = registry.get(policy.type)
    except UnknownPluginError as error:
        return [Issue("policy.plugin_missing", "type", str(error))]
    settings = dict(policy.settings or {})
    try:
        read = plugin.from_settings(settings)
    except ValueError as error:
        return [Issue(f"{policy.type}.settings", "settings", str(error))]
    return [*plugin.missing(settings), *read.problems()]


def create_defaults(now: datetime, *, actor: str = "setup") -> list[Policy]:
    """One valid default of every type that has none yet; the rows that were made."""
    made = []
    with transaction():
        for plugin in registry:
            if Policy.select().where(Policy.type == plugin.identifier, Policy.is_default).exists():
                continue
            row = Policy.create(
                title=_free_title(f"Default {plugin.label}"),
                type=plugin.identifier,
                settings=to_json(plugin()),
                is_default=True,
                created_at=now,
                updated_at=now,
            )
            history.note(now, actor, "policy.create", "policy", row.id, row.title, after=row.settings)
            made.append(row)
    return made


def set_default(policy: Policy) -> None:
    """Make it the only default of its type; what goes by the default is drafted anew."""
    with transaction():
        Policy.update(is_default=False).where(Policy.type == policy.type, Policy.id != policy.id).execute()
        Policy.update(is_default=True).where(Policy.id == policy.id).execute()
    policy.is_default = True
    mark_stale(policy)


def effective(kind: str, policy: Policy | None) -> PolicyPlugin:
    """What applies: the chosen row, else the default of its type, else the type's own defaults.

    Raises:
        UnknownPluginError: the type is not installed.
        ConfigurationError: the row is of another type, or a setting cannot be read.
    """
    plugin = registry.get(kind)
    row = policy or Policy.get_or_none(Policy.type == kind, Policy.is_default)
    if row is None:
        return plugin()
    if row.type != kind:
        raise ConfigurationError(f"Policy “{row.title}” is of type {row.type}; choose one of type {kind}.")
    try:
        return plugin.from_settings(row.settings or {})
    except ValueError as error:
        raise ConfigurationError(f"Policy “{row.title}”: {error}") from error


def mark_stale(policy: Policy) -> int:
    """Ask for new drafts of all that a policy decides over, also where it does as the default of its type; how many."""
    column = {
        "image": ListingTemplate.image_policy,
        "pricing": ListingTemplate.pricing_policy,
        "inventory": ListingTemplate.inventory_policy,
    }.get(policy.type)
    if column is not None:
        chosen = (column == policy.id) | column.is_null() if policy.is_default else column == policy.id
        templates = ListingTemplate.select(ListingTemplate.id).where(chosen)
        return int(Listing.update(stale=True).where(Listing.template.in_(templates)).execute())
    if policy.type != "synchronization":
        return 0
    used = Account.synchronization_policy
    chosen = (used == policy.id) | used.is_null() if policy.is_default else used == policy.id
    accounts = Account.select(Account.id).where(chosen)
    return int(Listing.update(stale=True).where(Listing.account.in_(accounts)).execute())


def _free_title(wanted: str) -> str:
    title, number = wanted, 1
    while Policy.select().where(Policy.title == title).exists():
        number += 1
        title = f"{wanted} {number}"
    return title
