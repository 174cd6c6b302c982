"""One store's products under the active rules, in batches that can be interrupted anywhere.

Facts of changed products are written first and only rules that read a changed field are asked again; then a new version,
another day or another template makes one pass in which only what is new is evaluated; at last columns are built for
fields that rules read from the documents until then. Each batch is one transaction, so that what is in the database is
always true of the products it has looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from connector.domain.values import digest
from connector.plugins.policies.synchronization import SynchronizationPolicy
from connector.rules import tree
from connector.rules.functions import library
from connector.rules.meaning import assign_meaning, price_meaning
from connector.rules.products import day_fact
from connector.rules.python import Holds
from connector.rules.reads import TODAY, fields_priced
from connector.services import days, policies, rulesets
from connector.services.decisions import Decisions
from connector.services.price_use import used_price
from connector.store.database import database, locked, transaction
from connector.store.facts import FactStore
from connector.store.facts import Progress as Batch
from connector.store.matches import Matches
from connector.store.models import Account, Listing, ListingTemplate, MagentoStore, Policy, Product, RuleProgress

FACTS_BATCH, RULES_BATCH, LISTINGS_BATCH, COLUMNS_BATCH = 1_000, 5_000, 5_000, 50_000
"""Products in one transaction: none takes long enough to keep other writers waiting."""


@dataclass(frozen=True, slots=True)
class Step:
    """One batch: what was done in words, how far it is, how many listings changed."""

    doing: str
    done: int
    total: int
    changed: int
    finished: bool = False

    def __str__(self) -> str:
        return f"{self.doing}: {self.done:,} of {self.total:,} products" if self.total else self.doing


class Assigner:
    """The active rules and the queries of one store's accounts, compiled.

    `also` is an account whose listings are assigned even where its policy leaves them to people.

    Raises:
        RuleError: the active text does not fit the store's present attributes.
        ConfigurationError: the store's attributes were never read.
    """

    def __init__(self, store: MagentoStore, now: datetime, also: int = 0) -> None:
        self.store, self.now, self.also = store, now, also
        self._load()

    def _load(self) -> None:
        """Accounts, rules, templates and attributes as they are now."""
        store, now = self.store, self.now
        self.accounts = list(Account.select().where(Account.store == store).order_by(Account.id))
        self.enabled = {a.id for a in self.accounts if a.id == self.also or assigns_by_itself(a)}
        self.rules = rulesets.active(store, "USD")
        self.lens = rulesets.Lens(self.rules.metadata)
        self.facts = FactStore(database.obj, store.id, library.extend(self.rules.metadata.catalogue))
        self.templates = {
            account.title: {
                row.name: row.id for row in ListingTemplate.select().where(ListingTemplate.account == account)
            }
            for account in self.accounts
        }
        queries = [query for account in self.accounts for query in self._queries(account)]
        self.facts.prepare(self._fields(queries))
        self.matches = Matches(
            self.facts, self.rules.compiled, day_fact(days.today(store, now)), queries=queries, templates=self.templates
        )
        self.types = {name: info.type.value for name, info in self.facts.stored.items()}
        self.metadata, self.context = self._metadata(), self._context()
        self.decisions = Decisions(self.matches, self.accounts, self.templates, self.rules.number, now)

    def _queries(self, account: Account) -> list[tuple[tree.Assign, Holds]]:
        """The templates' own queries as assignments without a place in a file."""
        nowhere = tree.Span("", 1, 1, 1, 1)
        compiler = self.rules.compiled.compiler
        return [
            (
                tree.Assign(
                    nowhere,
                    tree.Name(nowhere, template.name),
                    tree.Name(nowhere, account.title),
                    tree.Number(nowhere, Decimal(template.query_priority)),
                    condition,
                ),
                compiler.condition(condition),
            )
            for template, condition in rulesets.query_conditions(account)
        ]

    def _fields(self, queries: Sequence[tuple[tree.Assign, Holds]]) -> list[str]:
        assigns = [*self.rules.compiled.rules.assigns, *(assign for assign, _ in queries)]
        return sorted({name for each in assigns for name in rulesets.fields_of(each)})

    # Steps ----------------------------------------------------------------------------------------

    def step(self) -> Step:
        """The next batch, committed. `finished` when there was nothing left to do.

        Rules that were activated since are taken over: two who assign by different rules would undo each other's work.
        """
        if rulesets.active_number() != self.rules.number:
            self._load()
        with transaction():
            progress = progress_of(self.store)
            self._notice(progress)
            step = self._products(progress) or self._rules(progress) or self._listings(progress) or self._columns()
            step = step or Step("up to date", 0, 0, 0, finished=True)
            progress.doing, progress.done, progress.total, progress.at = step.doing, step.done, step.total, self.now
            progress.save()
        return step

    def due(self) -> bool:
        """Whether a step would do anything."""
        progress = RuleProgress.get_or_none(RuleProgress.store == self.store) or RuleProgress(store=self.store)
        behind = {int(each) for each in progress.behind} & self.enabled
        return bool(
            behind
            or progress.under_way
            or progress.metadata != self.metadata
            or progress.context != self.context
            or (progress.day != self.matches.today and self._reads_day())
            or self._stale().exists()
            or self.facts.missing_columns(self.matches.fields)
        )

    def _notice(self, progress: RuleProgress) -> None:
        """Begin what the outside makes necessary: new attributes, rules, templates, a new day."""
        if progress.metadata != self.metadata:
            Product.update(facts_stale=True).where(Product.store == self.store).execute()
            progress.metadata = self.metadata
        new_day = progress.day != self.matches.today
        if new_day or progress.context != self.context:
            by_day = (new_day and self.matches.reads_day) or progress.under_way == "day"
            if by_day or progress.context != self.context:
                progress.under_way, progress.cursor = ("day" if by_day else "rules"), 0
            self._reprice(progress, new_day=new_day)
            progress.context, progress.day = self.context, self.matches.today
        templates = {str(a.id): digest(self.templates[a.title]) for a in self.accounts}
        other = {id_: 0 for id_, now in templates.items() if progress.templates.get(id_) != now}
        progress.behind = {**progress.behind, **other}
        progress.templates = templates

    def _products(self, progress: RuleProgress) -> Step | None:
        """Facts of changed products, and what follows from them."""
        rows = list(locked(self._stale().order_by(Product.id).limit(FACTS_BATCH)))
        if not rows:
            return None
        if self.matches.pending and not self.facts.count():
            self.matches.activate()  # nothing to look at yet: what comes now is matched as it comes
        delta = self.facts.update({row.id: None if row.deleted else self.lens.own(row) for row in rows})
        self.matches.reassign(delta)
        changed = self._save(progress, sorted(delta.leads))
        Product.update(facts_stale=False).where(Product.id.in_([row.id for row in rows])).execute()
        total = Product.select().where(Product.store == self.store).count()
        return Step("reading changed products", total - self._stale().count(), total, changed)

    def _rules(self, progress: RuleProgress) -> Step | None:
        """A new version or a new day, where only what it changes is evaluated."""
        if not progress.under_way and not self.matches.pending:
            return None
        go_on = self.matches.refresh if progress.under_way == "day" else self.matches.activate
        found = go_on(progress.cursor, batch=RULES_BATCH)
        changed = self._save(progress, sorted({change.product_id for change in found.changes}))
        finished = found.progress.finished
        progress.under_way = "" if finished else progress.under_way or "rules"
        progress.cursor = 0 if finished else found.progress.cursor
        return Step("applying the rules", found.progress.done, found.progress.total, changed)

    def _save(self, progress: RuleProgress, product_ids: Sequence[int]) -> int:
        """Listings of the enabled accounts; the others fall behind."""
        if product_ids:
            missed = [account.id for account in self.accounts if account.id not in self.enabled]
            progress.behind = {**progress.behind, **{str(id_): 0 for id_ in missed}}
        return self.decisions.save(self.enabled, product_ids)

    def _listings(self, progress: RuleProgress) -> Step | None:
        """Accounts whose templates changed, or that missed something while their policy left them alone."""
        waiting = sorted(int(each) for each in progress.behind if int(each) in self.enabled)
        progress.behind = {k: v for k, v in progress.behind.items() if int(k) in {a.id for a in self.accounts}}
        if not waiting:
            return None
        key = str(waiting[0])
        leads = Product.select(Product.id).where(
            Product.store == self.store, Product.parent.is_null(), Product.id > progress.behind[key]
        )
        ids = [row.id for row in leads.order_by(Product.id).limit(LISTINGS_BATCH)]
        changed = self.decisions.save({waiting[0]}, ids)
        left = {k: v for k, v in progress.behind.items() if k != key}
        progress.behind = {**left, key: ids[-1]} if ids else left
        total = self.facts.count()
        return Step("comparing listings", min(ids[-1], total) if ids else total, total, changed)

    def _columns(self) -> Step | None:
        """Columns for fields that are read from the documents so far."""
        fields = self.matches.fields
        if not self.facts.missing_columns(fields):
            return None
        found: Batch = self.facts.build_columns(fields, batch=COLUMNS_BATCH)
        return Step("building columns", found.done, found.total, 0)

    # What is new ----------------------------------------------------------------------------------

    def _stale(self) -> Any:
        return Product.select().where(Product.store == self.store, Product.facts_stale)

    def _metadata(self) -> str:
        return digest(
            [self.store.attributes, self.store.categories, self.store.attribute_sets, self.store.website_code]
        )

    def _context(self) -> str:
        """Everything that decides besides the products: meanings in the order of their rank, templates, prices."""
        ranked = [[rule.assign.rank, assign_meaning(rule.assign, self.types)] for rule in self.matches.rules]
        return digest([ranked, self.templates, self._price_meanings()])

    def _price_meanings(self) -> dict[str, str]:
        prices = self.rules.compiled.rules.prices
        return {name: price_meaning(price, prices, self.types) for name, price in prices.items()}

    def _reads_day(self) -> bool:
        return self.matches.reads_day or bool(self._daily_prices())

    def _daily_prices(self) -> set[str]:
        prices = self.rules.compiled.rules.prices
        return {name for name, price in prices.items() if TODAY in fields_priced(price, prices)}

    def _reprice(self, progress: RuleProgress, *, new_day: bool) -> None:
        """Ask for new drafts where a price rule means something else now, or reads the day."""
        now = self._price_meanings()
        names = {name for name in {*now, *progress.prices} if now.get(name) != progress.prices.get(name)}
        names |= self._daily_prices() if new_day else set()
        progress.prices = now
        using = [row for row in Policy.select().where(Policy.type == "pricing") if used_price(row.settings) in names]
        chosen = ListingTemplate.pricing_policy.in_([row.id for row in using])
        if any(row.is_default for row in using):
            chosen |= ListingTemplate.pricing_policy.is_null()
        templates = ListingTemplate.select(ListingTemplate.id).where(ListingTemplate.account.in_(self.accounts), chosen)
        Listing.update(stale=True).where(Listing.template.in_(templates)).execute()


def progress_of(store: MagentoStore) -> RuleProgress:
    """The store's row, held until the transaction ends: nobody else decides about its products meanwhile."""
    RuleProgress.insert(store=store).on_conflict_ignore().execute()
    found: RuleProgress = locked(RuleProgress.select().where(RuleProgress.store == store)).get()
    return found


def assigns_by_itself(account: Account) -> bool:
    """Whether the account's synchronization policy leaves templates to the rules."""
    policy = policies.effective("synchronization", account.synchronization_policy)
    return not isinstance(policy, SynchronizationPolicy) or policy.product_assign
