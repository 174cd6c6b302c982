"""What matches mean for listings: which template a product is in, decided by which text on which values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.rules.explain import inputs
from connector.rules.fact_rows import Own, Row, as_facts
from connector.rules.functions import library
from connector.store.bulk import insert_rows, update_rows
from connector.store.facts import FactStore
from connector.store.matches import Matches, Won
from connector.store.models import Account, Listing, Product

CHUNK = 500
DECIDED = (
    "template",
    "rule",
    "rule_file",
    "rule_line",
    "rule_version",
    "rule_inputs",
    "overlaps",
    "changed_at",
)
"""What a decision writes into a listing."""


class Decisions:
    """Writes assignments into the listings of some accounts. A pinned listing stays where a person put it.

    `templates` is account title → template name → its id.
    """

    def __init__(
        self,
        matches: Matches,
        accounts: Sequence[Account],
        templates: Mapping[str, Mapping[str, int]],
        version: int,
        now: datetime,
    ) -> None:
        self.matches, self.accounts, self.templates = matches, accounts, templates
        self.version, self.now = version, now

    def save(self, account_ids: Collection[int], product_ids: Sequence[int]) -> int:
        """Bring the listings of these products up to date; the number that changed."""
        changed = 0
        for start in range(0, len(product_ids), CHUNK):
            chunk = product_ids[start : start + CHUNK]
            won = self.matches.won(chunk)
            for account in self.accounts:
                if account.id in account_ids:
                    mine = {id_: won[id_].get(account.title) if id_ in won else None for id_ in chunk}
                    changed += self._save(account, mine)
        return changed

    def _save(self, account: Account, won: Mapping[int, Won | None]) -> int:
        rows = {
            row.product_id: row
            for row in Listing.select().where(Listing.account == account, Listing.product.in_(list(won)))
        }
        new = {id_: each for id_, each in won.items() if self._differs(account, rows.get(id_), each)}
        read = looked_at(self.matches.facts, self.matches.today, {id_: each for id_, each in new.items() if each})
        made, moved = [], []
        for id_, each in new.items():
            values = self._values(account, each, read.get(id_, {}))
            row = rows.get(id_)
            if row is None:
                made.append({"account": account.id, "product": id_, **values})
            else:
                stale = row.stale or row.template_id != values["template"]
                moved.append((row.id, (*values.values(), stale)))
        insert_rows(Listing, made)
        update_rows(Listing, (*DECIDED, "stale"), moved)
        return len(new)

    def _differs(self, account: Account, row: Listing | None, won: Won | None) -> bool:
        if row is None:
            return won is not None
        if row.pinned:
            return False
        place = self._place(account, won)
        return place != (row.template_id, row.rule, row.rule_file, row.rule_line, tuple(row.overlaps))

    def _place(self, account: Account, won: Won | None) -> tuple[int | None, str, str, int, tuple[str, ...]]:
        if won is None:
            return None, "", "", 0, ()
        span = won.rule.span
        rule = won.template if span.file else f"query of {won.template}"
        others = tuple(dict.fromkeys(name for name in won.overlaps if name != won.template))
        return self.templates[account.title][won.template], rule, span.file, span.line, others

    def _values(self, account: Account, won: Won | None, read: Mapping[str, Any]) -> dict[str, Any]:
        template, rule, file, line, overlaps = self._place(account, won)
        values = (template, rule, file, line, self.version, dict(read), list(overlaps), self.now)
        return dict(zip(DECIDED, values, strict=True))


def looked_at(facts: FactStore, today: int, won: Mapping[int, Won]) -> dict[int, dict[str, Any]]:
    """Product id → the values that the winning condition read."""
    if not won:
        return {}
    family = facts.read(won)
    variants: dict[int, list[tuple[Row, str]]] = {}
    for row, own in family.values():
        if row.group is not None:
            variants.setdefault(row.group, []).append((row, own.sku))
    return {id_: _inputs(family, variants, id_, each, today) for id_, each in won.items() if id_ in family}


def _inputs(
    family: Mapping[int, tuple[Row, Own]],
    variants: Mapping[int, Sequence[tuple[Row, str]]],
    id_: int,
    won: Won,
    today: int,
) -> dict[str, Any]:
    row, own = family[id_]
    return inputs(won.rule.condition, as_facts(row, own.sku, variants.get(id_, ())), today, library)


def decided(sku: str) -> list[dict[str, Any]]:
    """What is kept of the decisions on a product (or on the configurable of a variant): one entry an account.

    `inputs` are the values that the winning condition read, `prices` by SKU what price rules computed from what.
    """
    rows = Listing.select(Listing, Product).join(Product).where(Product.sku.in_([sku, *_lead_of(sku)]))
    return [
        {
            "account": row.account.title,
            "sku": row.product.sku,
            "template": row.template.name if row.template else None,
            "pinned": row.pinned,
            "version": row.rule_version,
            "rule": row.rule,
            "file": row.rule_file,
            "line": row.rule_line,
            "inputs": row.rule_inputs,
            "overlaps": list(row.overlaps),
            "prices": price_decisions(row),
            "at": row.changed_at.isoformat(),
        }
        for row in rows
    ]


def price_decisions(row: Listing) -> dict[str, Any]:
    """SKU → version, rule, file, line, case and inputs of the price in the listing's draft; none where no rule gave it."""
    skus = (row.draft or {}).get("skus", ())
    return {each["sku"]: each["decision"] for each in skus if each.get("decision")}


def _lead_of(sku: str) -> list[str]:
    return [row.parent.sku for row in Product.select().where(Product.sku == sku) if row.parent_id]
