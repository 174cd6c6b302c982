"""Which pieces of a store order a case is about, and which of them staff refunded themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.domain.order import StoreOrder
from connector.store.models import Order, OrderLine, ReturnCase


@dataclass(frozen=True)
class Share:
    """A case, the units that the store order has, and the marketplace order's other cases.

    Units that were cancelled before the store order was made are not in it. Pieces are counted by store order item id.
    """

    case: ReturnCase
    units: Sequence[OrderLine]
    others: Sequence[ReturnCase]

    @classmethod
    def of(cls, case: ReturnCase, order: Order, store: StoreOrder) -> Share:
        units = list(OrderLine.select().where(OrderLine.order == order.id).order_by(OrderLine.id))
        sent = order.sent_carts.get(str(store.quote_id or ""), ())
        same = (ReturnCase.account == order.account_id) & (ReturnCase.tiktok_order_id == order.tiktok_order_id)
        others = ReturnCase.select().where(same, ReturnCase.id != case.id)
        return cls(case, _there(units, store, sent), list(others))

    @property
    def mine(self) -> set[str]:
        """The line ids of the case's units: those that it names, else all."""
        return {unit.line_id for unit in self._units(self.case)}

    @property
    def whole(self) -> bool:
        """True when no unit is left besides the case's and those of cancellations that are done."""
        done = [one for one in self.others if one.kind == "cancellation" and one.store_state == "done"]
        gone = {unit.line_id for one in done for unit in self._units(one)}
        return {unit.line_id for unit in self.units} - gone <= self.mine

    def pieces(self) -> Counter[int]:
        """The case's pieces."""
        return self._count([self.case])

    def by_hand(self, store: StoreOrder, memos: Iterable[Mapping[str, Any]]) -> Counter[int]:
        """The case's pieces among those that the store has refunded and no other case of ours accounts for.

        Read `memos` after `store`: a memo of ours that is made in between counts for nothing then.
        """
        told = [text for memo in memos for text in comments(memo)]
        ours = [one for one in self.others if one.store_state == "done" or any(one.request_id in text for text in told)]
        refunded = Counter({item.item_id: int(item.qty_refunded) for item in store.items})
        return self.pieces() & (refunded - self._count(one for one in ours if not one.partial))

    def _units(self, case: ReturnCase) -> list[OrderLine]:
        return [unit for unit in self.units if not case.line_ids or unit.line_id in case.line_ids]

    def _count(self, cases: Iterable[ReturnCase]) -> Counter[int]:
        units = [unit for case in cases for unit in self._units(case)]
        return Counter(int(unit.store_item_id) for unit in units if unit.store_item_id is not None)


def _there(units: list[OrderLine], store: StoreOrder, sent: Sequence[str]) -> list[OrderLine]:
    """The units that the store order has pieces for: those it was `sent` with, then the open ones, then others.

    Before the order is confirmed no unit has an item yet, and all may be there.
    """
    if all(unit.store_item_id is None for unit in units):
        return units
    room = Counter({item.item_id: int(item.qty_ordered) for item in store.items})
    there = []
    for unit in sorted(units, key=lambda unit: (unit.line_id not in sent, unit.status == "CANCELLED")):
        item = unit.store_item_id
        if item is not None and room[item] > 0:
            there.append(unit)
            room[item] -= 1
    return there


def comments(memo: Mapping[str, Any]) -> list[str]:
    """What was written on a credit memo."""
    return [str(one.get("comment") or "") for one in memo.get("comments") or ()]
