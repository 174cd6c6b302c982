"""The desk: what actions ask the connector to do on their behalf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.domain.issue import Issue
from connector.domain.listing import Draft, Listing, Pictures
from connector.services import (
    assignment,
    images,
    onboarding,
    orders,
    placement,
    publishing,
    returns,
    shipments,
    stock_repair,
    work,
)
from connector.services.context import Context
from connector.store.models import Account
from connector.store.models import Listing as ListingRow

ASSIGN_FOR = 20.0
"""Seconds of assigning in one job, well within an item's lease."""


class ServiceDesk:
    """One account's desk. `owner` is the worker that holds the leases of what is done here, `actor` who asked for it; `row`
    is the listing that it is about, as it was when the work began."""

    def __init__(
        self, ctx: Context, account: Account, owner: str, actor: str = "", row: ListingRow | None = None
    ) -> None:
        self._ctx, self._account, self._owner, self._actor = ctx, account, owner, actor or owner
        self._row = row
        self._known = publishing.confirmed(row) if row is not None else None

    def keep(self, listing: Listing) -> None:
        """Commits what the action knows of its listing."""
        if self._row is not None:
            publishing.save_confirmed(self._row, listing, self._ctx.clock.now(), began=self._known)
            self._known = listing

    def image_uris(self, draft: Draft, *, anew: bool = False) -> Pictures:
        """Uploads what the marketplace does not hold yet."""
        return images.uris(self._ctx, self._account, draft, anew=anew)

    def look_again(self, listing_id: int, *, orders_too: bool = False) -> tuple[Draft | None, tuple[Issue, ...]]:
        """The draft as of now, with its issues."""
        return publishing.look_again(self._ctx, self._account, listing_id, orders_too=orders_too)

    def belongs_to_another(self, remote_id: str, listing_id: int) -> bool:
        """Whether another listing of this account has it."""
        same = (ListingRow.account == self._account.id) & (ListingRow.remote_id == remote_id)
        return bool(ListingRow.select().where(same, ListingRow.id != listing_id).exists())

    def validate(self, listing_id: int) -> tuple[Issue, ...]:
        """A fresh draft's issues."""
        return publishing.revalidate(self._ctx, self._account, listing_id)

    def import_orders(self, account_id: int, arguments: Mapping[str, Any]) -> str:
        """Orders of a period; dates are whole days in UTC, the last one included."""
        since, until = _day(arguments.get("from")), _day(arguments.get("to"))
        return orders.import_window(
            self._ctx,
            Account.get_by_id(account_id),
            since=since,
            until=until + 86_400 if until else None,
            status=str(arguments.get("status") or ""),
            order_id=str(arguments.get("order_id") or "").strip(),
        )

    def create_sales_order(self, order_id: int) -> str:
        """The one store order."""
        return placement.create_sales_order(self._ctx, order_id, self._owner, anew=work.is_person(self._actor))

    def ship(self, order_id: int) -> str:
        """Shipments made in the store."""
        return shipments.sync(self._ctx, order_id)

    def reject(self, order_id: int, reason: str) -> str:
        """A seller's cancellation, and what follows from it in the store."""
        told = returns.reject_order(self._ctx, order_id, reason)
        return f"{told} {orders.sync_status(self._ctx, order_id)}"

    def sync_status(self, order_id: int) -> str:
        """Both sides read anew."""
        return orders.sync_status(self._ctx, order_id)

    def confirm_stock(self, order_id: int) -> str:
        """What people corrected in the store's stock."""
        return stock_repair.confirm(self._ctx, order_id, self._actor)

    def accept_return(self, case_id: int) -> str:
        """The request approved."""
        return returns.accept(self._ctx, case_id, self._actor)

    def reject_return(self, case_id: int, reason: str) -> str:
        """The request refused."""
        return returns.reject(self._ctx, case_id, reason, self._actor)

    def fetch_onboarding_data(self, account_id: int) -> str:
        """Categories, warehouses, carriers."""
        return onboarding.fetch(self._ctx, account_id)

    def refetch_attributes(self, account_id: int, category_ids: Sequence[str]) -> str:
        """What categories ask for."""
        return onboarding.refetch_attributes(self._ctx, account_id, category_ids)

    def assign_products(self, account_id: int) -> tuple[str, bool]:
        """Templates by the rules."""
        step = assignment.work_on(self._ctx, Account.get_by_id(account_id), ASSIGN_FOR)
        return str(step), step.finished


def _day(value: object) -> int | None:
    """Unix second at which a day begins in UTC."""
    return int(datetime.fromisoformat(str(value)).replace(tzinfo=UTC).timestamp()) if value else None
