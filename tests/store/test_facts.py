"""The fact tables follow their products, and matches follow the facts, on both databases."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from peewee import SqliteDatabase
from playhouse.db_url import connect

from connector.rules.checker import check
from connector.rules.evaluation import CompiledRules
from connector.rules.fact_rows import Own, own
from connector.rules.metadata import Catalogue, FieldInfo, Type
from connector.store.facts import EVERY_FIELD, FactStore, create_tables
from connector.store.matches import Change, Matches, Step, decided, matching_ids

TODAY = dt.date(2026, 11, 23)
NOW = TODAY.toordinal()
CATALOGUE = Catalogue().with_fields(
    FieldInfo("color", Type.CHOICE),
    FieldInfo("margin", Type.NUMBER),
    FieldInfo("features", Type.CHOICES),
    FieldInfo("launched", Type.DATE),
)
STORED = CATALOGUE.stored()

RULES = """
segment sellable = status = "enabled" and qty > 0
assign "Reds" priority 10 where any variant (color = "red" and @sellable)
assign "Cheap" where price < 20 and @sellable
assign "Cheap" on account "B" priority 1 where price < 5
assign "Margins" priority 50 where price / margin > 2
assign "New" priority 60 where launched > today - 30 days
price "List" when color = "red" then price * 2 otherwise price + 10% at least cost
price "Flat" otherwise qty + 1
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def facts(request: pytest.FixtureRequest) -> Iterator[FactStore]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    db = connect(url) if url else SqliteDatabase(":memory:")
    create_tables(db)
    store = FactStore(db, 7, CATALOGUE)
    store.prepare(["color", "status"])
    yield store
    store.drop()
    db.close()


def rules(text: str = RULES) -> CompiledRules:
    checked = check({"a.rules": text}, CATALOGUE)
    assert checked.rules is not None, "\n".join(map(str, checked.problems))
    return CompiledRules(checked.rules, "USD")


def product(id_: int, parent: int | None = None, **values: object) -> Own:
    full = {"sku": f"S{id_}", "type": "simple", "status": "enabled", **values}
    return own(id_, {name: Decimal(v) if isinstance(v, int) else v for name, v in full.items()}, STORED, parent)


def hoodie() -> list[Own]:
    """A configurable in blue with two variants; the second has a colour of its own."""
    return [
        product(1, type="configurable", color="Blue", price=99),
        product(2, 1, price=30, qty=3),
        product(3, 1, price=25, qty=4, color="Red"),
    ]


def finished(step: object, cursor: int = 0, batch: int = 3) -> list[Change]:
    """All changes of a job in batches."""
    changes: list[Change] = []
    while True:
        found: Step = step(cursor, batch=batch)
        changes += found.changes
        if found.progress.finished:
            return changes
        assert found.progress.cursor > cursor
        cursor = found.progress.cursor


def table(store: FactStore) -> dict[int, tuple[object, ...]]:
    layout = store.layout()
    names = sorted(layout.built)
    columns = ", ".join(f"f{layout.numbers[name]}" for name in names)
    rows = store.runner.rows(f"SELECT id, parent, grp, assigned, priced, {columns} FROM {layout.table}")
    return {row[0]: (*row[1:5], dict(zip(names, row[5:], strict=True))) for row in rows}


def held(store: FactStore, matches: Matches) -> dict[int, set[str]]:
    """Product id → templates that win for some account, as the table has them."""
    found = store.runner.rows(f"SELECT id, matched FROM {matches.table}")
    by_number = {rule.number: rule.assign for rule in matches.rules}
    return {id_: {f"{by_number[int(n)].span.line}" for n in matched.split()} for id_, matched in found}


def expected(store: FactStore, compiled: CompiledRules, ids: Sequence[int]) -> dict[int, set[str]]:
    """The same by Python, one product after the other."""
    found: dict[int, set[str]] = {}
    assigned = [id_ for id_, (row, _) in store.read(ids).items() if row.assigned]
    for assign, holds in compiled.conditions:
        for id_ in decided(store, holds, assigned, NOW):
            found.setdefault(id_, set()).add(str(assign.span.line))
    return found


def test_a_variants_row_holds_what_it_inherits(facts: FactStore) -> None:
    facts.write(hoodie())

    found = table(facts)

    assert found[2][:4] == (1, 1, 0, 1)
    assert (found[2][4]["color"], found[3][4]["color"]) == ("blue", "red")
    assert (found[1][4]["qty"], found[1][4]["price"]) == (7_000_000, 25_000_000)


def test_a_change_of_one_variant_reaches_its_configurable_and_nothing_else(facts: FactStore) -> None:
    facts.write([*hoodie(), product(9, price=1)])

    delta = facts.write([product(3, 1, price=20, qty=4, color="Red")])

    assert dict(delta.fields) == {3: {"price"}, 1: {"price"}}
    assert table(facts)[1][4]["price"] == 20_000_000


def test_a_change_of_the_configurable_reaches_only_variants_that_inherit(facts: FactStore) -> None:
    facts.write(hoodie())

    delta = facts.write([product(1, type="configurable", color="Green", price=99)])

    assert dict(delta.fields) == {1: {"color"}, 2: {"color"}}
    assert facts.write([product(1, type="configurable", color="Green", price=99)]).fields == {}


def test_a_disabled_variant_counts_for_nothing_but_has_a_price(facts: FactStore) -> None:
    facts.write(hoodie())

    delta = facts.write([product(3, 1, price=25, qty=4, color="Red", status="disabled")])

    assert delta.fields[3] == {EVERY_FIELD}
    row = table(facts)
    assert row[3][:4] == (1, None, 0, 1)
    assert row[1][4]["qty"] == 3_000_000


def test_a_number_beyond_the_limit_holds_the_product_back(facts: FactStore) -> None:
    facts.write([product(1, price=2 * 10**9), product(2, price=5)])

    row, own_ = facts.read([1])[1]

    assert not row.assigned
    assert own_.held_back is not None
    assert own_.held_back[0] == "price"
    assert table(facts)[1][2:4] == (0, 0)


def test_a_removed_configurable_takes_its_variants_out(facts: FactStore) -> None:
    facts.write(hoodie())

    facts.remove([1])

    assert {id_: row[2:4] for id_, row in table(facts).items()} == {2: (0, 0), 3: (0, 0)}


def test_a_rule_on_a_field_without_column_works_at_once_and_after_building(facts: FactStore) -> None:
    facts.write([*hoodie(), product(4, features=frozenset({"Warm", "Dry"}), margin=3)])
    compiled = rules('assign "T" where features has "dry" or any variant (margin is empty)')
    assign, holds = compiled.conditions[0]
    wanted = sorted(matching_ids(facts, assign.condition, holds, NOW))
    fields = ["color", "features", "margin"]

    assert facts.missing_columns(fields) == ["features", "margin"]
    steps = [facts.build_columns(fields, batch=3) for _ in range(3)]

    assert [(each.done, each.finished) for each in steps] == [(3, False), (4, False), (4, True)]
    assert facts.missing_columns(fields) == []
    assert sorted(matching_ids(facts, assign.condition, holds, NOW)) == wanted == [1, 4]


def test_what_is_written_while_columns_are_built_is_in_the_new_table(facts: FactStore) -> None:
    facts.write([product(id_, margin=1) for id_ in range(1, 9)])
    fields = ["margin"]
    facts.build_columns(fields, batch=4)

    facts.write([product(2, margin=5), product(7, margin=6), product(20, margin=7)])
    facts.remove([3, 8])
    while not facts.build_columns(fields, batch=4).finished:
        pass

    margins = {id_: row[4]["margin"] for id_, row in table(facts).items()}
    assert margins == {1: 10**6, 2: 5 * 10**6, 4: 10**6, 5: 10**6, 6: 10**6, 7: 6 * 10**6, 20: 7 * 10**6}


def test_odd_names_and_values_stay_values(facts: FactStore) -> None:
    facts.write([product(1, color="'; DROP TABLE x; --"), product(2, color='%s {} ? $1 "')])
    compiled = rules('assign "T" where color = "\'; drop table x; --"\nassign "U" where color = "%S {} ? $1 \\""')

    found = [matching_ids(facts, assign.condition, holds, NOW) for assign, holds in compiled.conditions]

    assert found == [[1], [2]]


def test_matches_are_the_same_however_they_came_about(facts: FactStore) -> None:
    """After random writes in batches the table holds what Python finds product by product."""
    rng = random.Random(3)
    compiled = rules()
    matches = Matches(facts, compiled, NOW)
    finished(matches.activate)
    ids = range(1, 60)
    for _ in range(12):
        facts_of_batch = [_random(rng, id_) for id_ in rng.sample(ids, 15)]
        matches.reassign(facts.write(facts_of_batch))
        matches.reassign(facts.remove(rng.sample(ids, 2)))
        assert held(facts, matches) == expected(facts, compiled, ids)


def _random(rng: random.Random, id_: int) -> Own:
    lead = id_ - id_ % 6
    values: dict[str, object] = {"status": rng.choice(("enabled", "enabled", "disabled"))}
    for name in ("price", "qty", "margin", "cost"):
        if rng.random() < 0.7:
            values[name] = rng.choice((0, 1, 4, 15, 25))
    if rng.random() < 0.6:
        values["color"] = rng.choice(("Red", "Blue"))
    if rng.random() < 0.5:
        values["launched"] = TODAY - dt.timedelta(days=rng.randint(0, 60))
    if id_ % 6 == 0:
        return product(id_, type=rng.choice(("configurable", "configurable", "simple")), **values)
    return product(id_, lead if lead and id_ % 2 else None, **values)


def _spied(matches: Matches) -> list[int]:
    """Collects the lines of the assignments that are evaluated."""
    asked: list[int] = []
    hits = matches._hits
    matches._hits = lambda found, ids: asked.extend(rule.assign.span.line for rule in found) or hits(found, ids)  # type: ignore[method-assign]  # a spy
    return asked


def test_only_rules_that_read_a_changed_field_are_asked(facts: FactStore) -> None:
    matches = Matches(facts, rules(), NOW)
    finished(matches.activate)
    matches.reassign(facts.write([product(1, price=10, qty=1, color="Red")]))
    asked = _spied(matches)

    changes = matches.reassign(facts.write([product(1, price=10, qty=1, color="Blue")]))

    assert asked == [3]
    assert [(each.account, each.before, each.after) for each in changes] == [
        (None, "Reds", "Cheap"),
        ("B", "Reds", "Cheap"),
    ]


def test_a_change_that_no_rule_reads_asks_nothing(facts: FactStore) -> None:
    matches = Matches(facts, rules(), NOW)
    finished(matches.activate)
    matches.reassign(facts.write([product(1, price=10, qty=1)]))
    matches._hits = None  # type: ignore[assignment, method-assign]  # must not be called

    assert matches.reassign(facts.write([product(1, price=10, qty=1, name="New name")])) == []


def test_the_winner_is_kept_per_account_with_its_overlaps(facts: FactStore) -> None:
    matches = Matches(facts, rules(), NOW)
    finished(matches.activate)

    changes = matches.reassign(facts.write([product(1, price=4, qty=1, color="Red")]))

    assert [(each.account, each.after, each.overlaps) for each in changes] == [
        (None, "Reds", ("Cheap",)),
        ("B", "Cheap", ("Reds", "Cheap")),
    ]


def test_a_new_version_evaluates_only_what_is_new(facts: FactStore) -> None:
    facts.write([product(id_, price=id_, qty=1, color="Red" if id_ % 2 else "Blue") for id_ in range(1, 11)])
    finished(Matches(facts, rules(), NOW).activate)
    text = RULES.replace("price < 5", "price < 8").replace('"Reds" priority 10', '"Reds" priority 200')
    matches = Matches(facts, rules(text), NOW)

    assert [rule.assign.span.line for rule in matches.rules if not rule.ready] == [5]
    changes = finished(matches.activate)

    moved = [each for each in changes if each.before != each.after]
    assert {(each.product_id, each.account) for each in moved} == (
        {(5, "B"), (7, "B"), (9, "B")} | {(id_, None) for id_ in (1, 3, 5, 7, 9)}
    )
    assert all(each.after == "Cheap" for each in moved)
    assert {(each.product_id, each.account) for each in changes if each not in moved} == {
        (id_, "B") for id_ in (1, 2, 3, 4, 6)
    }, "the rule with a new meaning gives them the template they had"
    assert held(facts, matches) == expected(facts, matches.compiled, range(1, 11))


def test_an_interrupted_activation_goes_on_and_repeats_nothing_wrong(facts: FactStore) -> None:
    facts.write([product(id_, price=id_, qty=1) for id_ in range(1, 11)])
    first = Matches(facts, rules(), NOW).activate(batch=4)
    assert len(first.changes) == 2 * 4

    again = Matches(facts, rules(), NOW)
    assert again.activate(0, batch=4).changes == ()
    rest = finished(again.activate, first.progress.cursor)

    assert len(rest) == 2 * 6
    assert Matches(facts, rules(), NOW).activate().changes == ()


def test_a_removed_rule_lets_its_products_go(facts: FactStore) -> None:
    facts.write([product(1, price=10, qty=1, color="Red"), product(2, price=50, qty=1, color="Red")])
    finished(Matches(facts, rules(), NOW).activate)

    changes = finished(Matches(facts, rules('assign "Cheap" where price < 20'), NOW).activate)

    assert {(each.product_id, each.account, each.before, each.after) for each in changes} == {
        (1, None, "Reds", "Cheap"),
        (2, None, "Reds", None),
        (1, "B", "Reds", "Cheap"),
        (2, "B", "Reds", None),
    }


def test_a_new_day_asks_only_rules_that_read_it(facts: FactStore) -> None:
    facts.write([product(1, launched=TODAY - dt.timedelta(days=29)), product(2, launched=TODAY)])
    finished(Matches(facts, rules(), NOW).activate)

    tomorrow = Matches(facts, rules(), NOW + 1)
    asked = _spied(tomorrow)
    changes = finished(tomorrow.refresh)

    assert set(asked) == {7}
    assert {(each.product_id, each.before, each.after) for each in changes} == {(1, "New", None)}


def test_prices_follow_only_fields_that_they_read(facts: FactStore) -> None:
    matches = Matches(facts, rules(), NOW)
    first = list(matches.reprice(facts.write(hoodie())))
    assert {(each.sku, each.rule): each.amount for each in first} == {
        ("S2", "List"): None,
        ("S3", "List"): None,
        ("S2", "Flat"): Decimal("4.00"),
        ("S3", "Flat"): Decimal("5.00"),
    }
    assert first[0].error is not None
    assert first[0].error.field == "cost"

    changed = [replace(each, facts={**each.facts, "cost": 7_000_000}) for each in hoodie()]
    second = list(matches.reprice(facts.write(changed)))

    assert {(each.sku, each.rule, each.amount) for each in second} == {
        ("S2", "List", Decimal("33.00")),
        ("S3", "List", Decimal("50.00")),
    }
    assert [each.amount for each in matches.prices([2, 1], ["Flat"])] == [Decimal("4.00")]
