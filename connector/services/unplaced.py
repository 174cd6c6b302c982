"""Products that no listing template takes, and why: what each template's condition says about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import fn

from connector.rules import tree
from connector.rules.evaluation import Family, FamilyFacts, applies, family_facts, inherited_fields
from connector.rules.explain import Explanation, explain
from connector.rules.facts import FactError
from connector.rules.functions import library
from connector.rules.products import Values, day_fact
from connector.services import assigning, days, pins, rulesets
from connector.services.context import Context
from connector.store.models import Account, Listing, ListingTemplate, MagentoStore, Product


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one assignment says about a product. `failed` are the leaves of its condition that decided against it,
    `held` how many of its parts hold, `known` whether one of the accounts has the template."""

    template: str
    origin: str
    known: bool
    holds: bool
    failed: tuple[Explanation, ...]
    held: int


@dataclass(frozen=True, slots=True)
class Why:
    """Why a product is in no template: a sentence, and all verdicts, the nearest first."""

    text: str
    verdicts: tuple[Verdict, ...] = ()
    pinned: bool = False
    by: pins.Pinned | None = None


def products(account: Account | None) -> Any:
    """Query of the products that can be listed and that no template of this account, or of any, takes."""
    stores = MagentoStore.select(MagentoStore.id)
    placed = Listing.select(Listing.id).where(Listing.product == Product.id, Listing.template.is_null(False))
    if account is not None:
        stores = stores.where(MagentoStore.id == account.store_id)
        placed = placed.where(Listing.account == account)
    ids = [row.id for row in stores]  # written out, so that the index of what can be listed is taken
    return Product.select().where(
        Product.store.in_(ids), Product.parent.is_null(), ~Product.deleted, ~fn.EXISTS(placed)
    )


def kept_out(account: Account | None) -> Any:
    """Whether a person keeps a product out, as a condition on `products`."""
    found = Listing.select(Listing.id).where(Listing.product == Product.id, Listing.pinned)
    return fn.EXISTS(found if account is None else found.where(Listing.account == account))


def reasons(ctx: Context, account: Account | None, product_ids: Sequence[int]) -> dict[int, Why]:
    """Product id → why it is in no template of this account, or of any of its store's accounts; at most 1,000 at once.

    Raises:
        RuleError: the active text does not fit the store's present attributes.
        ConfigurationError: the store's attributes were never read.
    """
    rows = Product.select(Product.id, Product.store).where(Product.id.in_(list(product_ids)))
    stores: dict[int, list[int]] = {}
    for row in rows:
        stores.setdefault(row.store_id, []).append(row.id)
    found: dict[int, Why] = {}
    for store_id, ids in stores.items():
        judge = _Judge(ctx, MagentoStore.get_by_id(store_id), account)
        found |= {family[0].id: judge.why(family) for family in rulesets.families(judge.store, ids)}
    return _with_people(found, account)


def _with_people(found: Mapping[int, Why], account: Account | None) -> dict[int, Why]:
    """Where a person keeps a product out, that is the reason."""
    query = Listing.select(Listing.id, Listing.product).where(Listing.product.in_(list(found)), Listing.pinned)
    rows = list(query if account is None else query.where(Listing.account == account))
    people = pins.by_whom(row.id for row in rows)
    kept = {row.product_id: people.get(row.id) for row in rows}
    text = "A person keeps it out of every listing template."
    return {
        id_: Why(text, why.verdicts, pinned=True, by=kept[id_]) if id_ in kept else why for id_, why in found.items()
    }


class _Judge:
    """One store's assignments on one account, or on all that sell from it; what products share is read once."""

    def __init__(self, ctx: Context, store: MagentoStore, account: Account | None) -> None:
        self.store = store
        every = Account.select().where(Account.store == store).order_by(Account.id)
        self.accounts = [account] if account else list(every)
        rules = rulesets.active(store, "USD")
        self.lens = rulesets.Lens(rules.metadata)
        self.inherited = inherited_fields(library.extend(rules.metadata.catalogue))
        self.today = day_fact(days.today(store, ctx.clock.now()))
        rows = ListingTemplate.select(ListingTemplate.name).where(ListingTemplate.account.in_(self.accounts))
        self.templates = {row.name for row in rows}
        self.assigns = [*self._of_rules(rules.compiled.rules.assigns), *self._of_queries()]
        self.by_people = not any(assigning.assigns_by_itself(each) for each in self.accounts)

    def _of_rules(self, assigns: Iterable[tree.Assign]) -> list[tuple[str, str, tree.Condition]]:
        mine = [each for each in assigns if any(applies(each, account.title) for account in self.accounts)]
        return [(a.template.value, f"rule in {a.span.file}, line {a.span.line}", a.condition) for a in mine]

    def _of_queries(self) -> list[tuple[str, str, tree.Condition]]:
        return [
            (template.name, "its own query", condition)
            for account in self.accounts
            for template, condition in rulesets.query_conditions(account)
        ]

    def why(self, family: Sequence[Product]) -> Why:
        """One product, first of its family."""
        facts = self._facts(family)
        if facts.assigned is None:
            _, name, reason = next(iter(facts.held_back), ("", "", "it is sold by another product"))
            return Why(f"Rules cannot work with it: {name}: {reason}" if name else f"Rules pass it over: {reason}.")
        verdicts = sorted(
            (
                _verdict(template, origin, template in self.templates, explain(condition, facts.assigned, self.today))
                for template, origin, condition in self.assigns
            ),
            key=lambda each: (not each.holds, not each.known, len(each.failed), -each.held),
        )
        return Why(self._text(verdicts), tuple(verdicts))

    def _facts(self, family: Sequence[Product]) -> FamilyFacts:
        lead, *members = [self.lens.own(each) for each in family]
        plain: dict[int, Values] = {}
        for each in family:
            try:
                plain[each.id] = self.lens.values(each)
            except FactError:  # the facts say so themselves: held back
                plain[each.id] = {}
        return family_facts(Family(lead, tuple(members), plain), self.inherited)

    def _text(self, verdicts: Sequence[Verdict]) -> str:
        if not verdicts:
            return "There are no rules, and no template has a query."
        first = verdicts[0]
        if not first.holds:
            return f"Nearest is “{first.template}”: {sentence(first.failed)}"
        if not any(each.known for each in verdicts if each.holds):
            return f"The rules want it in “{first.template}”, but there is no template of that name."
        if self.by_people:
            return f"“{first.template}” would take it, but the synchronization policy leaves templates to people."
        return f"“{first.template}” takes it: it joins when the rules have run."


def _verdict(template: str, origin: str, known: bool, found: Explanation) -> Verdict:
    failed = () if found.holds else found.leaves()
    return Verdict(template, origin, known, found.holds, failed, sum(part.holds for part in found.parts))


def sentence(failed: Sequence[Explanation], most: int = 2) -> str:
    """What decided against it, with the values that were looked at: `price > 15 (price = 12)`; of many the first."""
    parts = [leaf_text(leaf) for leaf in failed[:most]]
    more = len(failed) - most
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "") + "."


def leaf_text(leaf: Explanation) -> str:
    """One leaf of a condition that decided."""
    values = ", ".join(f"{name} is {value or 'empty'}" for name, value in leaf.values.items())
    verb = "holds" if leaf.holds else "does not hold"
    where = f"{leaf.sku}: " if leaf.sku else ""
    return f"{where}{leaf.text} {verb}" + (f" ({values})" if values else "")
