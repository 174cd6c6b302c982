"""Rule sets: checked against the store's metadata, tested, kept as immutable versions, one of them active.

A set with errors or failing tests never becomes active: the last good version stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from connector.domain.values import canonical
from connector.errors import ConfigurationError, RuleError
from connector.rules import tree
from connector.rules.checker import check as check_texts
from connector.rules.checker import check_condition
from connector.rules.evaluation import CompiledRules, Family, FamilyFacts, family_facts, inherited_fields
from connector.rules.fact_rows import Own, own
from connector.rules.facts import FactError
from connector.rules.functions import library
from connector.rules.magento import Metadata, from_magento, product_values
from connector.rules.metadata import Catalogue
from connector.rules.parser import parse_file
from connector.rules.problems import Problem
from connector.rules.products import Value, day_fact
from connector.rules.python import Compiler, Holds
from connector.rules.reads import TODAY, fields_read
from connector.rules.rule_tests import TestResult, run_tests
from connector.rules.ruleset import read_texts
from connector.services import days, history
from connector.services.context import Context
from connector.store.database import database, locked, transaction
from connector.store.facts import FactStore
from connector.store.matches import matching_ids
from connector.store.models import Account, ListingTemplate, MagentoStore, Product, RuleSetVersion

SHIPPED = Path(__file__).resolve().parents[2] / "rules"
BATCH = 500
ONE_BY_ONE = 20_000
"""Products that a page looks at itself while their facts are not up to date."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's result: every problem, the tests that ran, and the set when it may become active."""

    problems: tuple[Problem, ...]
    tests: tuple[TestResult, ...]
    rules: tree.RuleSet | None

    @property
    def version_sha(self) -> str:
        """SHA-256 of the normal form; empty while there are errors."""
        return self.rules.version if self.rules else ""


@dataclass(frozen=True, slots=True)
class Matched:
    """What a condition matches: how many products, the first SKUs, and what is wrong with the text."""

    count: int
    samples: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]


def metadata(store: MagentoStore) -> Metadata:
    """The store's attributes, categories and sets as rules see them.

    Raises:
        ConfigurationError: they were never read.
    """
    if not store.attributes:
        raise ConfigurationError(f"Nothing is known of {store.title} yet. Run: connector catalog sync")
    text = canonical([store.attributes, store.categories, store.attribute_sets, store.website_id, store.website_code])
    return _metadata(text, store.website_id, store.website_code)


@lru_cache(maxsize=8)
def _metadata(text: str, website_id: int, website_code: str) -> Metadata:
    import json

    attributes, categories, sets, *_ = json.loads(text)
    return from_magento(attributes, categories, sets, [{"id": website_id, "code": website_code}])


def catalogue(store: MagentoStore) -> Catalogue:
    """What rules may name in this store, plugins' fields included."""
    return library.extend(metadata(store).catalogue)


def working_files() -> dict[str, str]:
    """The files that the editor shows: those of the active version, else those that come with the connector."""
    active = RuleSetVersion.get_or_none(RuleSetVersion.active)
    return dict(active.files) if active else shipped_files()


def shipped_files() -> dict[str, str]:
    """File name → text of the rules that come with the connector."""
    return read_texts([SHIPPED])[0]


def check(files: Mapping[str, str], account: Account | None = None) -> Checked:
    """Check and test files against the store of an account (or the only store)."""
    store = account.store if account else MagentoStore.select().first()
    if store is None:
        raise ConfigurationError("Connect a Magento store first: rules are checked against its attributes.")
    known = catalogue(store)
    checked = check_texts(files, known)
    if checked.rules is None:
        return Checked(checked.problems, (), None)
    results = run_tests(checked.rules, known, account.currency if account and account.currency else "USD")
    return Checked(checked.problems, tuple(results), checked.rules)


def save_and_activate(ctx: Context, files: Mapping[str, str], actor: str, note: str = "") -> RuleSetVersion:
    """Make files the active version; the same text again activates the version that holds it.

    Raises:
        RuleError: the text has errors.
        ConfigurationError: a test fails; the sentence names it.
    """
    with transaction():
        versions = RuleSetVersion.select(RuleSetVersion.number).order_by(RuleSetVersion.number)
        list(locked(versions))  # one activation at a time
        version = save(ctx, files, actor, note)
        now = ctx.clock.now()
        RuleSetVersion.update(active=False).where(RuleSetVersion.active).execute()
        version.active, version.activated_at = True, now
        version.save()
        sha256 = version.sha256
        history.note(now, actor, "rules.activate", "ruleset", version.number, note, after={"sha256": sha256})
    return version


def save(ctx: Context, files: Mapping[str, str], actor: str, note: str = "") -> RuleSetVersion:
    """Check, test and keep files as a version that is not active; the same text again gives the version that holds it.

    Raises: as `save_and_activate`.
    """
    checked = check(files)
    if checked.rules is None:
        raise RuleError(checked.problems)
    failed = [result for result in checked.tests if not result.passed]
    if failed:
        first = failed[0]
        raise ConfigurationError(
            f"The test “{first.name}” fails ({first.file}, line {first.line}): {first.failures[0][1]}"
        )
    sha256, kept = checked.rules.version, dict(files)
    with transaction():
        version: RuleSetVersion | None = RuleSetVersion.get_or_none(
            RuleSetVersion.sha256 == sha256, RuleSetVersion.files == kept
        )
        if version is None:
            now = ctx.clock.now()
            version = RuleSetVersion.create(sha256=sha256, files=kept, author=actor, note=note, created_at=now)
    return version


@dataclass(frozen=True, slots=True)
class ActiveRules:
    """The active version compiled for one store and currency. `number` is 0 when no version is active."""

    number: int
    compiled: CompiledRules
    metadata: Metadata


def active(store: MagentoStore, currency: str) -> ActiveRules:
    """The active version, ready to evaluate.

    Raises:
        RuleError: the active text does not fit the store's present attributes any more.
    """
    known = metadata(store)
    version = RuleSetVersion.get_or_none(RuleSetVersion.active)
    checked = check_texts(version.files if version else {}, library.extend(known.catalogue))
    if checked.rules is None:
        raise RuleError(checked.problems)
    return ActiveRules(version.number if version else 0, CompiledRules(checked.rules, currency), known)


def active_number() -> int:
    """The number of the active version; 0 while there is none."""
    return int(RuleSetVersion.select(RuleSetVersion.number).where(RuleSetVersion.active).scalar() or 0)


class Lens:
    """Sees store products as rules do; what it needs of the metadata is worked out once."""

    def __init__(self, known: Metadata) -> None:
        extended = library.extend(known.catalogue)
        self._known = known
        self._stored = extended.stored()
        self._inherited = inherited_fields(extended)

    def facts(self, family: Sequence[Product]) -> FamilyFacts:
        """What rules look at in a product (first) and its variants."""
        lead, *members = family
        owns = tuple(self._own(member, lead.id) for member in members)
        return family_facts(Family(self._own(lead, None), owns), self._inherited)

    def values(self, product: Product) -> Mapping[str, Value]:
        """Every field's value by itself, labels instead of option ids. Raises FactError."""
        return library.complete(product_values(with_stock(product), self._known))

    def own(self, product: Product) -> Own:
        """What the product says by itself, as facts; held back where a value cannot be one."""
        return self._own(product, product.parent_id)

    def _own(self, product: Product, parent: int | None) -> Own:
        try:
            return own(product.id, self.values(product), self._stored, parent)
        except FactError as error:
            return Own(product.id, product.sku, parent, {"type": product.type_id}, (error.field, str(error)))


def with_stock(product: Product) -> dict[str, object]:
    """The store's JSON with the salable quantity where a single product carries its stock."""
    data = dict(product.data)
    stock = {
        "qty": str(product.salable or 0),
        "is_in_stock": bool(product.salable and product.salable > 0) or product.unlimited,
    }
    extension = data.get("extension_attributes") or {}
    if isinstance(extension, dict):  # anything else is for the facts to refuse
        data["extension_attributes"] = {**extension, "stock_item": stock}
    return data


def families(store: MagentoStore, lead_ids: Sequence[int] | None = None) -> Iterator[list[Product]]:
    """Products that stand alone and configurables with their variants, in batches' worth of memory."""
    last = 0
    while True:
        query = Product.select().where(
            Product.store == store,
            ~Product.deleted,
            Product.parent.is_null(),
            Product.id > last,
        )
        if lead_ids is not None:
            query = query.where(Product.id.in_(list(lead_ids)))
        leads = list(query.order_by(Product.id).limit(BATCH))
        if not leads:
            return
        variants: dict[int, list[Product]] = {}
        rows = Product.select().where(Product.parent.in_([lead.id for lead in leads]), ~Product.deleted)
        for row in rows.order_by(Product.entity_id):
            variants.setdefault(row.parent_id or 0, []).append(row)
        for lead in leads:
            yield [lead, *variants.get(lead.id, [])]
        last = leads[-1].id


def match_condition(store: MagentoStore, text: str, limit: int = 20, files: Mapping[str, str] | None = None) -> Matched:
    """What a condition matches now; what is wrong with it when it does not check. It may call the segments of `files`."""
    known = catalogue(store)
    rules = check_texts(files, known).rules if files else None
    parsed = check_condition(text, known, rules.segments if rules else None)
    if parsed.condition is None:
        return Matched(0, (), tuple(parsed.problems))
    holds = Compiler(library).condition(parsed.condition)
    today = day_fact(days.today(store, datetime.now(UTC)))
    facts = facts_of(store, known)
    if facts is None:
        count, samples = _matched_one_by_one(store, holds, today, limit)
    else:
        ids = matching_ids(facts, parsed.condition, holds, today)
        count, samples = len(ids), _named(sorted(ids)[:limit])
    return Matched(count, tuple(samples), tuple(parsed.problems))


def facts_of(store: MagentoStore, known: Catalogue) -> FactStore | None:
    """The store's facts where they say what the products say; of a large catalogue, what they said a moment ago."""
    facts = FactStore(database.obj, store.id, known)
    if not facts.exists:
        return None
    stale = Product.select().where(Product.store == store, Product.facts_stale).exists()
    if stale and facts.count() <= ONE_BY_ONE:
        return None
    facts.prepare()
    return facts


def _matched_one_by_one(store: MagentoStore, holds: Holds, today: int, limit: int) -> tuple[int, list[tuple[str, str]]]:
    lens = Lens(metadata(store))
    count = 0
    samples: list[tuple[str, str]] = []
    for family in families(store):
        facts = lens.facts(family)
        if facts.assigned is not None and holds(facts.assigned, today):
            count += 1
            if len(samples) < limit:
                samples.append((family[0].sku, family[0].name))
    return count, samples


def _named(ids: Sequence[int]) -> list[tuple[str, str]]:
    rows = Product.select(Product.sku, Product.name).where(Product.id.in_(list(ids))).order_by(Product.id)
    return [(row.sku, row.name) for row in rows]


def fields_of(assign: tree.Assign) -> frozenset[str]:
    """The fields that an assignment reads, without the day."""
    return fields_read(assign.condition) - {TODAY}


def query_conditions(account: Account) -> list[tuple[ListingTemplate, tree.Condition]]:
    """The templates' own queries that check, lowest priority number first."""
    known = catalogue(account.store)
    found = []
    for template in ListingTemplate.select().where(ListingTemplate.account == account, ListingTemplate.query != ""):
        parsed = check_condition(template.query, known)
        if parsed.condition is not None and not parsed.problems:
            found.append((template, parsed.condition))
    return sorted(found, key=lambda each: (each[0].query_priority, each[0].id))


def naming(account: str, template: str = "") -> tree.Span | None:
    """Where the active rules first assign to a template of an account by its name; without one, where they name the account.

    A name that changes is no longer found by them: whatever they assigned is then taken off the marketplace.
    """
    version = RuleSetVersion.get_or_none(RuleSetVersion.active)
    for name, text in sorted((version.files if version else {}).items()):
        for each in parse_file(text, name).tree.definitions:
            if not isinstance(each, tree.Assign) or (template and each.template.value != template):
                continue
            meant = bool(template) if each.account is None else each.account.value == account
            if meant:
                return each.span
    return None
