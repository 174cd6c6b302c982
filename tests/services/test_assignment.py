"""Assignments of an installation: by rules, queries and pins, kept up to date batch by batch, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.errors import RuleError
from connector.jobs import recurring
from connector.rules.products import day_fact
from connector.services import assigning, assignment, desk, rulesets, runner, work
from connector.services.assigning import Assigner
from connector.services.context import Context
from connector.store import migrations
from connector.store.database import database
from connector.store.facts import FactStore
from connector.store.models import (
    Account,
    Listing,
    ListingTemplate,
    MagentoStore,
    Policy,
    Product,
    QueueItem,
    RuleProgress,
)
from tests.services import world
from tests.services.rule_shop import ATTRIBUTES, RULES, activate, change, family, open_shop, places, product, template


@pytest.fixture
def shop(account: Account) -> Account:
    """The account with three templates, and no products."""
    return open_shop(account)


def by_python(account: Account, ctx: Context) -> dict[str, str]:
    """The same decided product by product by the back end for one product."""
    rules = rulesets.active(account.store, "USD")
    lens = rulesets.Lens(rules.metadata)
    today = day_fact(ctx.clock.now().date())
    names = {row.name for row in ListingTemplate.select().where(ListingTemplate.account == account)}
    found = {}
    for members in rulesets.families(account.store):
        facts = lens.facts(members).assigned
        matching = rules.compiled.matching(facts, today) if facts else []
        joined = [each.template.value for each in matching if each.template.value in names]
        if joined:
            found[members[0].sku] = joined[0]
    return found


def test_products_join_what_the_rules_say_and_the_listing_says_why(ctx: Context, shop: Account) -> None:
    family()
    product(9, price="15")
    product(10, price="99")
    activate(ctx)

    done = assignment.run(ctx, shop)

    assert places(shop) == {"P0001": "Reds", "P0009": "Cheap"}
    assert (done.listed, done.changed, done.overlaps, done.held_back) == (2, 2, 1, 0)
    row = Listing.select().join(Product).where(Product.sku == "P0001").get()
    assert (row.rule, row.rule_file, row.rule_line, row.rule_version, row.overlaps) == (
        "Reds",
        "a.rules",
        3,
        1,
        ["Cheap"],
    )
    assert row.rule_inputs == {
        "fields": {},
        "variants": {"P0002": {"color": "red", "qty": "3"}, "P0003": {"color": "blue", "qty": "9"}},
    }
    cheap = Listing.select().join(Product).where(Product.sku == "P0009").get()
    assert cheap.rule_inputs == {"fields": {"price": "15", "status": "enabled"}}


def test_a_second_run_changes_nothing(ctx: Context, shop: Account) -> None:
    family()
    activate(ctx)
    assignment.run(ctx, shop)

    assert not assignment.due(ctx, shop.store)
    assert assignment.run(ctx, shop).changed == 0


def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Collects (line of the rule, number of products) of every evaluation."""
    from connector.store.matches import Matches

    seen: list[tuple[int, int]] = []
    hits = Matches._hits

    def spy(self: Matches, rules: Any, ids: Any) -> Any:
        seen.extend((rule.assign.span.line, len(list(ids))) for rule in rules)
        return hits(self, rules, ids)

    monkeypatch.setattr(Matches, "_hits", spy)
    return seen


def test_a_changed_product_asks_only_rules_that_read_a_changed_field(
    ctx: Context, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [product(number, price="50") for number in range(1, 40)]
    activate(ctx)
    assignment.run(ctx, shop)
    seen = asked(monkeypatch)

    change(rows[4], price="12")
    change(rows[5], price="50", margin="3")
    done = assignment.run(ctx, shop)

    assert seen == [(2, 2)], "the two products, and not the rule that reads neither field"
    assert (done.changed, places(shop)) == (1, {"P0005": "Cheap"})


def test_a_variant_moves_its_configurable(ctx: Context, shop: Account) -> None:
    family()
    activate(ctx)
    assignment.run(ctx, shop)

    change(Product.get(Product.sku == "P0002"), price="30", qty=1, color="1")
    assignment.run(ctx, shop)

    assert places(shop) == {"P0001": "Cheap"}


def test_a_deleted_product_loses_its_template(ctx: Context, shop: Account) -> None:
    row = product(1, price="5")
    activate(ctx)
    assignment.run(ctx, shop)

    Product.update(deleted=True, facts_stale=True).where(Product.id == row.id).execute()
    assignment.run(ctx, shop)

    assert places(shop) == {"P0001": None}


def test_a_new_version_evaluates_only_rules_that_are_new(
    ctx: Context, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 9):
        product(number, price=str(number * 5), color="1")
    activate(ctx)
    assignment.run(ctx, shop)
    assert len(Listing.select()) == 8
    stamps = {row.id: row.rule_version for row in Listing.select()}
    seen = asked(monkeypatch)

    activate(ctx, RULES.replace("price < 20", "price < 30").replace('assign "Reds"', '# one more line\nassign "Reds"'))
    done = assignment.run(ctx, shop)

    assert {line for line, _ in seen} == {2}
    assert done.changed == 2, "only the two that now overlap"
    changed = {row.product.sku: row.rule_version for row in Listing.select() if row.rule_version != stamps[row.id]}
    assert changed == {"P0004": 2, "P0005": 2}


def test_a_run_that_was_killed_goes_on_where_it_was(
    ctx: Context, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assigning, "FACTS_BATCH", 4)
    monkeypatch.setattr(assigning, "RULES_BATCH", 4)
    for number in range(1, 15):
        product(number, price=str(number * 2))
    activate(ctx)
    first = Assigner(shop.store, ctx.clock.now())
    assert [(step.done, step.total) for step in (first.step(), first.step())] == [(4, 14), (8, 14)]
    assert len(places(shop)) == 8

    def killed(*_a: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr("connector.services.decisions.Decisions.save", killed)
        with pytest.raises(KeyboardInterrupt):
            Assigner(shop.store, ctx.clock.now()).step()
    assert (len(places(shop)), Product.select().where(Product.facts_stale).count()) == (8, 6), "all or nothing"

    assignment.run(ctx, shop)
    assert places(shop) == by_python(shop, ctx)
    activate(ctx, RULES.replace("price < 20", "price < 12"))
    again = Assigner(shop.store, ctx.clock.now())
    assert again.step().done == 4
    assert RuleProgress.get().cursor > 0
    steps: list[str] = []
    assignment.run(ctx, shop, report=lambda step: steps.append(str(step)))
    assert steps[:2] == ["applying the rules: 8 of 14 products", "applying the rules: 12 of 14 products"]
    assert {sku for sku, name in places(shop).items() if name} == set(by_python(shop, ctx))


def test_a_rule_on_a_new_attribute_works_at_once_and_its_column_is_built(
    ctx: Context, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assigning, "COLUMNS_BATCH", 3)
    for number in range(1, 9):
        product(number, price="50", season="summer" if number % 2 else "winter")
    activate(ctx)
    assignment.run(ctx, shop)

    in_the_editor = rulesets.match_condition(shop.store, 'season = "Summer" and price > 20')
    assert (in_the_editor.count, in_the_editor.samples[0]) == (4, ("P0001", "Product 1"))

    activate(ctx, RULES + 'assign "Rest" where season = "Summer"')
    assigner = Assigner(shop.store, ctx.clock.now())
    assert "season" in assigner.facts.missing_columns(["season"])
    assert assigner.step().changed == 4, "from the documents"
    steps: list[str] = []
    assignment.run(ctx, shop, report=lambda step: steps.append(str(step)))

    assert [step for step in steps if "columns" in step] == [
        "building columns: 3 of 8 products",
        "building columns: 6 of 8 products",
        "building columns: 8 of 8 products",
        "building columns: 8 of 8 products",
    ]
    assert assigner.facts.missing_columns(["season"]) == []
    assert places(shop) == {f"P000{number}": "Rest" for number in (1, 3, 5, 7)}


def test_another_day_asks_only_rules_that_read_it(ctx: Context, shop: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    product(1, price="50", launched="2026-10-25")
    product(2, price="5")
    activate(ctx, RULES + 'assign "Rest" where launched >= today - 30 days')
    assignment.run(ctx, shop)
    assert places(shop) == {"P0001": "Rest", "P0002": "Cheap"}
    seen = asked(monkeypatch)

    ctx.clock.turn(timedelta(days=2).total_seconds())  # type: ignore[attr-defined]  # the world's clock
    assert assignment.due(ctx, shop.store)
    assignment.run(ctx, shop)

    assert {line for line, _ in seen} == {4}
    assert places(shop) == {"P0001": None, "P0002": "Cheap"}


def test_other_attributes_write_all_facts_anew(ctx: Context, shop: Account) -> None:
    product(1, price="50", margin="7")
    product(2, price="50", margin="70")
    activate(ctx, 'assign "Rest" where margin > 10')
    assignment.run(ctx, shop)
    assert places(shop) == {"P0002": "Rest"}

    text = [{**each, "frontend_input": "text"} if each["attribute_code"] == "margin" else each for each in ATTRIBUTES]
    MagentoStore.update(attributes=text).execute()
    changed = Account.get_by_id(shop.id)
    with pytest.raises(RuleError, match="margin"):
        assignment.run(ctx, changed)
    assert places(shop) == {"P0002": "Rest"}, "the last good assignments stay"

    activate(ctx, 'assign "Rest" where margin = "7"')
    assignment.run(ctx, changed)
    assert places(shop) == {"P0001": "Rest", "P0002": None}


def test_a_template_that_an_account_has_not_gives_way_to_the_next(ctx: Context, shop: Account) -> None:
    product(1, price="5")
    activate(ctx, 'assign "Nowhere" priority 1 where price < 20 assign "Cheap" where price < 20')
    assignment.run(ctx, shop)
    assert places(shop) == {"P0001": "Cheap"}

    template(shop, "Nowhere")
    assignment.run(ctx, shop)
    assert places(shop) == {"P0001": "Nowhere"}

    ListingTemplate.delete().where(ListingTemplate.name == "Nowhere").execute()
    assignment.run(ctx, shop)
    assert places(shop) == {"P0001": "Cheap"}


def test_a_templates_query_takes_part_at_its_priority_behind_rules_of_the_same(ctx: Context, shop: Account) -> None:
    product(1, price="5")
    product(2, price="50")
    template(shop, "Asked", query="price > 1", query_priority=20)
    activate(ctx)
    assignment.run(ctx, shop)
    assert places(shop) == {"P0001": "Cheap", "P0002": "Asked"}
    row = Listing.select().join(Product).where(Product.sku == "P0002").get()
    assert (row.rule, row.rule_file, row.rule_inputs) == ("query of Asked", "", {"fields": {"price": "50"}})

    ListingTemplate.update(query_priority=19).where(ListingTemplate.name == "Asked").execute()
    assignment.run(ctx, shop)
    assert places(shop) == {"P0001": "Asked", "P0002": "Asked"}


def test_a_pin_beats_every_rule_until_it_is_taken_off(ctx: Context, shop: Account) -> None:
    row = product(1, price="5")
    rest = ListingTemplate.get(ListingTemplate.name == "Rest")
    Listing.create(account=shop, product=row, template=rest, pinned=True, changed_at=world.START)
    activate(ctx)
    assignment.run(ctx, shop)
    assert places(shop) == {"P0001": "Rest"}

    Listing.update(pinned=False).execute()
    assert assignment.decide(ctx, shop, [row.id]) == 1
    assert places(shop) == {"P0001": "Cheap"}


def test_an_account_that_leaves_templates_to_people_catches_up_when_asked(ctx: Context, shop: Account) -> None:
    """A second account's run does not move it; its own does, and also takes out what no rule wants any more."""
    Policy.update(settings={"product_assign": False}).where(Policy.type == "synchronization").execute()
    other = Account.create(title="Other", store=shop.store, currency="USD", created_at=world.START)
    template(other, "Cheap")
    rows = [product(number, price="5") for number in range(1, 4)]
    activate(ctx)

    assignment.run(ctx, other)
    assert (places(shop), len(places(other))) == ({}, 3)
    assignment.run(ctx, shop)
    assert len(places(shop)) == 3

    change(rows[0], price="99")
    assignment.run(ctx, other)
    assert places(shop)["P0001"] == "Cheap"
    assignment.run(ctx, shop)
    assert places(shop)["P0001"] is None


def test_accounts_get_what_their_names_say(ctx: Context, shop: Account) -> None:
    other = Account.create(title="Other", store=shop.store, currency="USD", created_at=world.START)
    template(other, "Cheap")
    product(1, price="5")
    activate(ctx, 'assign "Cheap" on account "Other" where price < 20')

    assignment.run(ctx, shop)

    assert (places(shop), places(other)) == ({}, {"P0001": "Cheap"})


def test_a_value_beyond_what_rules_compute_with_holds_one_product_back(ctx: Context, shop: Account) -> None:
    product(1, price="5")
    product(2, price="5", margin="1e15")
    activate(ctx)

    assert assignment.run(ctx, shop).held_back == 1
    assert places(shop) == {"P0001": "Cheap"}


def test_a_price_rule_that_says_something_else_asks_for_new_drafts(ctx: Context, shop: Account) -> None:
    policy = Policy.create(
        title="By rule", type="pricing", settings={"change": "rule", "rule": "List"}, created_at=world.START,
        updated_at=world.START,
    )  # fmt: skip
    ListingTemplate.update(pricing_policy=policy).where(ListingTemplate.name == "Cheap").execute()
    product(1, price="5")
    priced = (
        RULES
        + 'segment low = price < 20 price "List" when @low then price + 1 otherwise price price "Other" otherwise 1'
    )
    activate(ctx, priced)
    assignment.run(ctx, shop)
    Listing.update(stale=False).execute()

    activate(ctx, priced.replace('"Other" otherwise 1', '"Other" otherwise 2'))
    assignment.run(ctx, shop)
    assert not Listing.get().stale

    activate(ctx, priced.replace("low = price < 20", "low = price < 21"))
    assignment.run(ctx, shop)
    assert Listing.get().stale


def test_random_changes_give_what_one_by_one_decisions_give(
    ctx: Context, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    import random

    monkeypatch.setattr(assigning, "FACTS_BATCH", 7)
    rng = random.Random(5)

    def value() -> dict[str, Any]:
        color = rng.choice(("1", "2"))
        return {"price": str(rng.choice((5, 15, 25))), "qty": rng.choice((0, 3)), "color": color}

    rows: list[Product] = []
    for start in range(1, 30, 5):
        lead = product(start, type_id="configurable")
        rows += [product(start + 1 + each, parent=lead, **value()) for each in range(2)]
        rows += [product(start + 3 + each, **value()) for each in range(2)]
    texts = [RULES, RULES.replace("qty > 2", "qty < 2"), RULES.replace("priority 20", "priority 5")]
    for turn in range(6):
        activate(ctx, texts[turn % 3])
        for row in rng.sample(rows, 6):
            change(row, **value())
        assignment.run(ctx, shop)
        assert {sku: name for sku, name in places(shop).items() if name} == by_python(shop, ctx)


def test_tables_made_by_the_first_release_get_what_they_lack(ctx: Context, shop: Account) -> None:
    assert migrations.pending() == []
    columns = {column.name for column in database.get_columns("product")}
    assert "facts_stale" in columns
    assert FactStore(database.obj, shop.store_id, rulesets.catalogue(Account.get_by_id(shop.id).store)).exists is False


def test_the_queue_assigns_batch_by_batch_and_says_how_far_it_is(
    ctx: Context, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One job does one part, asks for the next, and a worker that dies between two loses nothing."""
    monkeypatch.setattr(assigning, "FACTS_BATCH", 4)
    monkeypatch.setattr(desk, "ASSIGN_FOR", 0.0)
    for number in range(1, 11):
        product(number, price="5")
    activate(ctx)
    work.ask(ctx, "assign_products", [shop.id], actor="test")
    item = QueueItem.get()

    causes = []
    for worker in range(20):
        state = runner.run_item(ctx, item.id, f"worker {worker}")
        causes.append(QueueItem.get_by_id(item.id).cause)
        if state == "confirmed":
            break

    assert causes[:2] == ["reading changed products: 4 of 10 products", "reading changed products: 8 of 10 products"]
    assert causes[-1] == "up to date"
    assert len(ctx.queue.sent) == len(causes), "each part but the last sent for the next one"  # type: ignore[attr-defined]  # the world's messenger
    assert len(places(shop)) == 10
    assert assignment.progress(shop.store) == assigning.Step("up to date", 0, 0, 0, finished=True)


def test_recurring_work_asks_only_when_something_changed(ctx: Context, shop: Account) -> None:
    row = product(1, price="5")
    activate(ctx)

    assert recurring.assign(ctx, shop.id) == "1 queued."
    assert recurring.assign(ctx, shop.id) == "0 queued; 1 already waited."
    runner.run_item(ctx, QueueItem.get().id, "worker")
    assert recurring.assign(ctx, shop.id) == ""

    change(row, price="6")
    assert recurring.assign(ctx, shop.id) == "1 queued."


def test_work_on_other_attributes_of_a_catalogue_is_seen_as_due(ctx: Context, shop: Account) -> None:
    product(1, price="5")
    activate(ctx)
    assignment.run(ctx, shop)
    assert not assignment.due(ctx, shop.store)

    activate(ctx, RULES.replace("20 and", "30 and"))
    assert assignment.due(ctx, shop.store)
    assignment.run(ctx, shop)
    template(shop, "One more")
    assert assignment.due(ctx, shop.store)
    assignment.run(ctx, shop)
    MagentoStore.update(attributes=ATTRIBUTES[:-1]).execute()
    assert assignment.due(ctx, MagentoStore.get())


def test_two_workers_share_the_batches_of_one_store(
    ctx: Context, shop: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each does the next one, none does one twice, and both see the end."""
    monkeypatch.setattr(assigning, "FACTS_BATCH", 3)
    monkeypatch.setattr(assigning, "RULES_BATCH", 3)
    for number in range(1, 13):
        product(number, price=str(number * 3))
    activate(ctx)
    workers = [Assigner(shop.store, ctx.clock.now()) for _ in range(2)]

    steps = [worker.step() for _ in range(12) for worker in workers]

    read = [step.done for step in steps if step.doing == "reading changed products"]
    assert read == [3, 6, 9, 12]
    assert sum(step.changed for step in steps) == len(places(shop)) == 6
    assert all(step.finished for step in steps[-2:])
    assert places(shop) == by_python(shop, ctx)


def test_two_who_assign_while_rules_change_agree_at_once(ctx, shop, monkeypatch):
    """The one that began before takes the new rules over; else each would begin anew with its own for ever."""
    for name in ("FACTS_BATCH", "RULES_BATCH", "LISTINGS_BATCH"):
        monkeypatch.setattr(assigning, name, 4)
    for number in range(1, 9):
        product(number, price="15")
    activate(ctx)
    assignment.run(ctx, shop)
    before = Assigner(shop.store, ctx.clock.now(), also=shop.id)
    activate(ctx, RULES.replace("price < 20", "price < 10"))
    after = Assigner(shop.store, ctx.clock.now(), also=shop.id)

    steps = [(after.step().finished, before.step().finished) for _ in range(8)]

    assert steps[-1] == (True, True)
    assert not any(places(shop).values())
