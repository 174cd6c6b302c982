"""What the compiler of queries promises: parameters only, forms that both databases take, exact or said not to be."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from peewee import SqliteDatabase
from playhouse.db_url import connect

from connector.rules import tree
from connector.rules.checker import check
from connector.rules.fact_rows import own
from connector.rules.metadata import Catalogue, FieldInfo, Type
from connector.rules.python import compile_condition
from connector.rules.sql import Query, masks, matching
from connector.rules.sql_conditions import Layout
from connector.rules.sql_dialect import POSTGRES, SQLITE, upper_bound
from connector.store.facts import FactStore, create_tables

NOW = dt.date(2026, 11, 23).toordinal()
CATALOGUE = Catalogue().with_fields(
    FieldInfo("color", Type.CHOICE),
    FieldInfo("features", Type.CHOICES),
    FieldInfo('odd"; DROP TABLE x', Type.TEXT),
)
STORED = CATALOGUE.stored()
NUMBERS = {name: number for number, name in enumerate(sorted(STORED), 1)}
HERE = tree.Span("a.rules", 1, 1, 1, 1)
PRICE = tree.Field(HERE, "price", Type.NUMBER)
COLOR = tree.Field(HERE, "color", Type.CHOICE)


def layout(dialect=SQLITE) -> Layout:
    inherited = frozenset(name for name, info in STORED.items() if not info.own)
    return Layout(dialect, "rule_fact_1_1", "product_fact_1", NUMBERS, frozenset(STORED), inherited)


def condition(text: str) -> tree.Condition:
    checked = check({"a.rules": f'assign "T" where {text}'}, CATALOGUE)
    assert checked.rules is not None, "\n".join(map(str, checked.problems))
    return checked.rules.assigns[0].condition


def query(text: str, dialect=SQLITE) -> Query:
    return matching(condition(text), layout(dialect), NOW)


def above(limit: int) -> tree.Condition:
    return tree.Compare(HERE, ">", PRICE, tree.Number(HERE, Decimal(limit)))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request):
    """Twenty products that cost 1 to 20, in each database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    db = connect(url) if url else SqliteDatabase(":memory:")
    create_tables(db)
    facts = FactStore(db, 1, CATALOGUE)
    facts.prepare(STORED)
    values = {"type": "simple", "color": "Red", "features": frozenset({"a", "b"})}
    facts.write([own(n, {**values, "sku": f"S{n}", "price": Decimal(n)}, STORED) for n in range(1, 21)])
    yield facts
    facts.drop()
    db.close()


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRES], ids=["sqlite", "postgres"])
def test_no_text_of_a_rule_reaches_the_sql(dialect):
    """Field names with quotes and texts that look like SQL are columns by number and parameters."""
    text = '`odd"; DROP TABLE x` = "1\'; DROP TABLE y" and color in ("%s", "?", "{}") and features has "\\" OR 1=1"'

    found = query(text, dialect)

    assert "DROP" not in found.text.upper().replace("DROP TABLE IF", "")
    assert "1=1" not in found.text
    assert "1'; drop table y" in found.params
    assert found.text.count("?" if dialect is SQLITE else "%s") == len(found.params)


def test_a_positive_leaf_is_bare_and_a_negation_wrapped():
    assert "f{color} = ?".format(color=NUMBERS["color"]) in query('color = "Red"').text
    assert f"(p.f{NUMBERS['color']} = ?) IS NOT TRUE" in query('color != "Red"').text


def test_a_scan_uses_no_index_in_sqlite():
    assert "NOT INDEXED" in query("price > 1").text
    assert "NOT INDEXED" not in query("price > 1", POSTGRES).text
    assert "NOT INDEXED" not in matching(condition("price > 1"), layout(), NOW, only=[1, 2]).text


def test_a_long_list_is_one_parameter():
    items = ", ".join(f'"c{number}"' for number in range(10_000))

    for dialect in (SQLITE, POSTGRES):
        assert len(query(f"color in ({items})", dialect).params) == 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("price > 12.0000001", {13, 14, 15, 16, 17, 18, 19, 20}, id="finer-than-the-unit-above"),
        pytest.param("price < 2.0000001", {1, 2}, id="finer-than-the-unit-below"),
        pytest.param("price = 2.0000001", set(), id="finer-than-the-unit-never-equal"),
        pytest.param("price < 99999999999999999999", set(range(1, 21)), id="beyond-64-bit"),
        pytest.param("price > 99999999999999999999", set(), id="beyond-64-bit-never"),
        pytest.param("price * 1.1 > 20.9", {20}, id="percentages-stay-exact"),
        pytest.param("price / 3 * 3 = price", set(range(1, 21)), id="thirds-stay-exact"),
        pytest.param('features has all of ("A", "B") and price < 3', {1, 2}, id="labels-without-case"),
    ],
)
def test_numbers_compare_exactly(store, text, wanted):
    found = matching(condition(text), store.layout(), NOW)

    assert found.exact
    assert set(store.runner.ids(found)) == wanted


@pytest.mark.parametrize("text", ["price / qty > 1", "price * 9223372036854 > 1", "price * cost > 1", "price / 0 > 1"])
def test_what_sql_cannot_say_exactly_lets_every_row_through(store, text):
    found = matching(condition(text), store.layout(), NOW)

    assert not found.exact
    assert len(store.runner.ids(found)) == 20


def test_under_a_negation_it_still_lets_every_row_through(store):
    found = matching(condition("not (price / qty > 1) and price > 15"), store.layout(), NOW)

    assert not found.exact
    assert set(store.runner.ids(found)) == {16, 17, 18, 19, 20}


@pytest.mark.parametrize("shape", ["and-or", "not", "mixed", "variant"])
def test_64_levels_are_parsed_and_say_the_same_as_python(store, shape):
    node: tree.Condition = above(15)
    for level in range(62):
        leaf = above(level % 20)
        match shape:
            case "not":
                node = tree.Not(HERE, node)
            case "mixed" if level % 3 == 0:
                node = tree.Not(HERE, node)
            case _:
                node = (tree.And if level % 2 else tree.Or)(HERE, (leaf, node))
    if shape == "variant":
        node = tree.Not(HERE, tree.OfVariants(HERE, "any", node))
    holds = compile_condition(node)
    wanted = {id_ for id_, (row, product) in store.read(range(1, 21)).items() if holds(_facts(row, product), NOW)}

    found = matching(node, store.layout(), NOW)

    assert found.exact
    assert set(store.runner.ids(found)) == wanted
    many = masks([node] * 5, store.layout(), NOW)
    assert {id_ for id_, bits in store.runner.stream(many.text, many.params) if bits == 0b11111} == wanted


def _facts(row, product):
    from connector.rules.fact_rows import as_facts

    return as_facts(row, product.sku, [])


def test_deep_arithmetic_is_parsed_or_left_to_python(store):
    value: tree.Expression = PRICE
    for _ in range(60):
        value = tree.Call(HERE, "abs", (tree.Negative(HERE, value),))
    node = tree.Compare(HERE, ">", value, tree.Number(HERE, Decimal(15)))

    found = matching(node, store.layout(), NOW)

    assert set(store.runner.ids(found)) >= {16, 17, 18, 19, 20}


def test_20000_leaves_are_answered(store):
    chain = tree.Or(HERE, (*tuple(above(10**6 + number) for number in range(19999)), above(18)))

    found = matching(chain, store.layout(), NOW)

    assert set(store.runner.ids(found)) >= {19, 20}
    assert not found.exact or set(store.runner.ids(found)) == {19, 20}


def test_many_conditions_share_one_statement(store):
    conditions = [above(number) for number in range(200)]

    found = masks(conditions, store.layout(), NOW)
    rows = list(store.runner.stream(found.text, found.params))

    assert all(found.exact)
    assert {row[0]: sum(column.bit_count() for column in row[1:]) for row in rows} == {n: n for n in range(1, 21)}


@pytest.mark.parametrize(
    ("prefix", "end"),
    [("ab", "ac"), ("\ud7ff", "\ue000"), ("a\U0010ffff", "b"), ("\U0010ffff", None), ("", None)],
)
def test_the_end_of_a_prefix_is_the_next_text_in_code_point_order(prefix, end):
    assert upper_bound(prefix) == end


def test_cheap_tests_come_before_searches_in_texts(store):
    """Few rows get as far as the searches, whatever order a rule was written in."""
    found = query(
        '(category under "Men" or category under "Gear") and features has any of ("a", "b") and price between 5 and 9'
        ' and color in ("Red", "Blue") and status = "enabled"'
    ).text

    assert found.rindex("BETWEEN") < found.index("instr")
    assert found.rindex(" IN (") < found.index("instr")
    assert found.rindex(f"f{NUMBERS['status']} = ?") < found.index("instr")
