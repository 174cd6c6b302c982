"""What work is asked for: listings, orders, returns and accounts, as the rows of the queue name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from connector.store.models import Account, Listing, Order, Product, ReturnCase


class Described(NamedTuple):
    """What a subject's items say of it. `arguments` are the subject's part in what is asked: an answer is one to a step."""

    columns: Mapping[str, Any]
    arguments: Mapping[str, Any] = MappingProxyType({})


def describe(subject_type: str, ids: Sequence[int]) -> dict[int, Described]:
    """The subjects by id, in the order of `ids`; those that are gone are absent."""
    found = _DESCRIBE[subject_type](ids)
    return {id_: found[id_] for id_ in ids if id_ in found}


def _listings(ids: Sequence[int]) -> dict[int, Described]:
    rows = Listing.select(Listing.id, Listing.account, Listing.template, Product.name).join(Product)
    return {
        row.id: Described({"account": row.account_id, "template": row.template_id, "name": row.product.name})
        for row in rows.where(Listing.id.in_(ids))
    }


def _orders(ids: Sequence[int]) -> dict[int, Described]:
    rows = Order.select(Order.id, Order.account, Order.tiktok_order_id).where(Order.id.in_(ids))
    return {row.id: Described(_of_account(row.account_id, f"Order {row.tiktok_order_id}")) for row in rows}


def _returns(ids: Sequence[int]) -> dict[int, Described]:
    case = ReturnCase
    rows = case.select(case.id, case.account, case.kind, case.request_id, case.status).where(case.id.in_(ids))
    return {
        row.id: Described(
            _of_account(row.account_id, f"{row.kind.capitalize()} {row.request_id}"), {"status": row.status}
        )
        for row in rows
    }


def _accounts(ids: Sequence[int]) -> dict[int, Described]:
    rows = Account.select(Account.id, Account.title).where(Account.id.in_(ids))
    return {row.id: Described(_of_account(row.id, row.title)) for row in rows}


def _of_account(account_id: int, name: str) -> dict[str, Any]:
    return {"account": account_id, "template": None, "name": name}


_DESCRIBE: Mapping[str, Callable[[Sequence[int]], dict[int, Described]]] = {
    "listing": _listings,
    "order": _orders,
    "return": _returns,
    "account": _accounts,
}
