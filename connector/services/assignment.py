"""Which template a product belongs to: a person's pin, then the active rules, then the templates' own queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.rules.products import Facts, day_fact
from connector.rules.python import Compiler
from connector.services import rulesets
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, Product


@dataclass(frozen=True, slots=True)
class Assigned:
    """How many products an account lists after a run, and how many of them moved."""

    listed: int
    changed: int
    overlaps: int
    held_back: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One product's template and the text that decided; `template_id` None takes it off."""

    template_id: int | None
    rule: str = ""
    file: str = ""
    line: int = 0
    overlaps: tuple[str, ...] = ()


class Assigner:
    """The active rules and the queries of one account, compiled."""

    def __init__(self, account: Account, today: int) -> None:
        self.account, self.today = account, today
        self.rules = rulesets.active(account.store, account.currency or "USD")
        self.lens = rulesets.Lens(self.rules.metadata)
        self.templates = {t.name: t for t in ListingTemplate.select().where(ListingTemplate.account == account)}
        compiler = Compiler()
        self.queries = [
            (template, compiler.condition(condition)) for template, condition in rulesets.query_conditions(account)
        ]

    def decide(self, facts: Facts) -> Decision:
        """The lowest priority number wins, then what was written first; rules come before queries of equal priority."""
        found: list[tuple[int, int, ListingTemplate, str, str, int]] = []
        for order, assign in enumerate(self.rules.compiled.matching(facts, self.today)):
            template = self.templates.get(assign.template.value)
            if template and (assign.account is None or assign.account.value == self.account.title):
                found.append((assign.rank, order, template, template.name, assign.span.file, assign.span.line))
        for order, (template, holds) in enumerate(self.queries, start=10**6):
            if holds(facts, self.today):
                found.append((template.query_priority, order, template, f"query of {template.name}", "", 1))
        if not found:
            return Decision(None)
        found.sort(key=lambda each: each[:2])
        _, _, template, rule, file, line = found[0]
        others = tuple(dict.fromkeys(each[2].name for each in found[1:] if each[2] != template))
        return Decision(template.id, rule, file, line, others)


def run(ctx: Context, account: Account, lead_ids: Sequence[int] | None = None) -> Assigned:
    """Assign every product of the account's store (or some); pinned listings stay where a person put them."""
    now = ctx.clock.now()
    assigner = Assigner(account, day_fact(now.date()))
    listings = {row.product_id: row for row in Listing.select().where(Listing.account == account)}
    listed = changed = overlaps = held = 0
    for family in rulesets.families(account.store, lead_ids):
        facts = assigner.lens.facts(family)
        held += bool(facts.held_back)
        decision = assigner.decide(facts.assigned) if facts.assigned is not None else Decision(None)
        row = listings.get(family[0].id)
        listed += decision.template_id is not None
        overlaps += bool(decision.overlaps)
        changed += _save(account, family[0], row, decision, assigner.rules.number, now)
    return Assigned(listed, changed, overlaps, held)


def _save(
    account: Account, product: Product, row: Listing | None, decision: Decision, version: int, now: datetime
) -> bool:
    if row is None and decision.template_id is None:
        return False
    if row is not None and (row.pinned or _same(row, decision)):
        return False
    values: dict[str, Any] = {
        "template": decision.template_id,
        "rule": decision.rule,
        "rule_file": decision.file,
        "rule_line": decision.line,
        "rule_version": version,
        "overlaps": list(decision.overlaps),
        "stale": True,
        "changed_at": now,
    }
    with transaction():
        if row is None:
            Listing.create(account=account, product=product, **values)
        else:
            Listing.update(**values).where(Listing.id == row.id).execute()
    return True


def _same(row: Listing, decision: Decision) -> bool:
    return (
        row.template_id == decision.template_id
        and row.rule == decision.rule
        and row.rule_line == decision.line
        and list(row.overlaps) == list(decision.overlaps)
    )
