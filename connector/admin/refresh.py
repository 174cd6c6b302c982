"""Work that a change of settings makes due at once instead of at its next turn."""

from __future__ import annotations

from collections.abc import Iterable

from connector.admin.site import context
from connector.services import periodic
from connector.store.models import Account, MagentoStore


def assign(account_ids: Iterable[int] | None = None) -> None:
    """Look at rules and queries again, then at drafts; None means every account."""
    _hasten(("assign", "plan"), account_ids)


def plan(account_ids: Iterable[int] | None = None) -> None:
    """Build the drafts again that were marked stale."""
    _hasten(("plan",), account_ids)


def stock() -> None:
    """Read the stock of every store again, with what its sources hold where a policy chooses among them."""
    names = [f"stock:{store.id}" for store in MagentoStore.select(MagentoStore.id)]
    periodic.hasten(names, context().clock.now())


def _hasten(kinds: Iterable[str], account_ids: Iterable[int] | None) -> None:
    ids = [row.id for row in Account.select(Account.id)] if account_ids is None else list(account_ids)
    periodic.hasten([f"{kind}:{number}" for kind in kinds for number in ids], context().clock.now())
