"""Catalogue folders that are not as they should be: a product is held back with a reason, or a sentence names the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import connector
from connector.errors import ConfigurationError
from tests.rules.test_products import json_product, write_folder

RULES = 'assign "All" where price > 0 and status = "enabled" price "P" otherwise price + first(cost, 1)'


def match(tmp_path: Path, *lines: Any, **metadata: str) -> tuple[Result, Result]:
    """The same folder by both engines. A line is a product, or text as it is."""
    folder = tmp_path / "catalogue"
    folder.mkdir(exist_ok=True)
    write_folder(folder, [])
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (folder / "products.jsonl").write_text("\n".join(texts) + "\n")
    for name, text in metadata.items():
        (folder / f"{name}.json").write_text(text)
    (tmp_path / "a.rules").write_text(RULES)
    arguments = ["rules", "match", str(tmp_path / "a.rules"), "--catalog", str(folder), "--json"]
    python, sql = (CliRunner().invoke(connector, [*arguments, "--engine", engine]) for engine in ("python", "sql"))
    return python, sql


def product(**values: Any) -> dict[str, Any]:
    return {**json_product(id=1, sku="A", price=10, status=1), **values}


HELD_BACK = [
    ("price", {"price": "abc"}, "`price` is not a number: 'abc'"),
    ("price", {"price": [1]}, "`price` is not a number: '[1]'"),
    ("price", {"price": True}, "`price` is not a number: 'True'"),
    ("created_at", {"created_at": "2026-13-45"}, "`created_at` is not a date: '2026-13-45'"),
    ("custom_attributes", {"custom_attributes": {"color": "5"}}, "`custom_attributes` is no list: \"{'color': '5'}\""),
    ("custom_attributes", {"custom_attributes": 5}, "`custom_attributes` is no list: '5'"),
    ("custom_attributes", {"custom_attributes": ["x"]}, "`custom_attributes` is no list of objects with `attribute_code`"),
    ("custom_attributes", {"custom_attributes": [{"attribute_code": ["a"], "value": 1}]}, "`custom_attributes` is no list of objects with `attribute_code`"),
    ("extension_attributes", {"extension_attributes": "x"}, "`extension_attributes` is no object: 'x'"),
    ("stock_item", {"extension_attributes": {"stock_item": "x"}}, "`stock_item` is no object: 'x'"),
    ("category_links", {"extension_attributes": {"category_links": [{"position": 1}]}}, "`category_links` is no list of objects with `category_id`"),
    ("website_ids", {"extension_attributes": {"website_ids": 1}}, "`website_ids` is no list: '1'"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "values", "reason"), HELD_BACK)
def test_a_product_with_an_odd_value_is_held_back_and_the_others_go_on(
    tmp_path: Path, field: str, values: dict[str, Any], reason: str
) -> None:
    python, sql = match(tmp_path, product(**values), product(id=2, sku="B"))
    assert (python.exit_code, python.stdout) == (0, sql.stdout), (python.exception, sql.exception)
    found = json.loads(python.stdout)
    assert found["held_back"] == [{"sku": "A", "rule": None, "line": None, "field": field, "reason": reason}]
    assert (found["assign"], found["prices"]) == ({"All": ["B"]}, {"P": {"B": "11.00"}})


@pytest.mark.parametrize(
    "values",
    [
        {"custom_attributes": None},
        {"custom_attributes": [{"attribute_code": "cost"}]},
        {"custom_attributes": [{"attribute_code": "__import__('os')", "value": "%s \x00 \u202e"}]},
        {"extension_attributes": None},
        {"extension_attributes": []},
        {"extension_attributes": {"stock_item": [], "category_links": None, "website_ids": [None]}},
        {"name": {}, "visibility": "x", "attribute_set_id": [1], "created_at": None},
        {"sku": "A", "unknown": {"deep": [1, 2]}},
    ],
)
def test_missing_keys_nulls_and_what_nobody_reads_do_no_harm(tmp_path: Path, values: dict[str, Any]) -> None:
    python, sql = match(tmp_path, product(**values))
    assert (python.exit_code, python.stdout) == (0, sql.stdout), (python.exception, sql.exception)
    assert json.loads(python.stdout)["prices"] == {"P": {"A": "11.00"}}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([product(), '{"id": 2,'], "line 2 is no product with an id and a sku"),
        (["null"], "line 1 is no product"),
        (["[1]"], "line 1 is no product"),
        (["[" * 100_000], "line 1 is no product"),
        (['{"id": 1, "sku": "A", "price": ' + "9" * 5_000 + "}"], "line 1 is no product"),
        ([product(id="abc")], "line 1 is no product"),
        ([product(id=None)], "line 1 is no product"),
        ([product(id=True)], "line 1 is no product"),
        ([product(id=10**30)], "line 1 is no product"),
        ([product(sku=None)], "line 1 is no product"),
        ([product(sku=["x"])], "line 1 is no product"),
        ([product(), product(id=2)], "line 2 has the SKU “A” of a line before it"),
        ([product(), product(sku="B")], "line 2 has the id “1” of a line before it"),
        ([product(type_id="configurable", extension_attributes={"configurable_product_links": ["x"]})], "line 1: `configurable_product_links` is no list of product ids"),
        ([product(type_id="configurable", extension_attributes={"configurable_product_links": 7})], "line 1: `configurable_product_links` is no list of product ids"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_product_is_named(tmp_path: Path, lines: list[Any], says: str) -> None:
    for result in match(tmp_path, *lines):
        assert isinstance(result.exception, ConfigurationError), result.exception
        assert says in str(result.exception)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("attributes", "[", "attributes.json is no JSON"),
        ("attributes", "null", "is no catalogue folder"),
        ("attributes", '[{"x": 1}]', "is no catalogue folder"),
        ("attributes", '[{"attribute_code": null}]', "the attribute code None is no text"),
        ("categories", "[" * 100_000, "categories.json is no JSON"),
        ("categories", "[]", "is no catalogue folder"),
        ("attribute_sets", '["a"]', "is no catalogue folder"),
    ],
)
def test_metadata_that_is_none_is_named(tmp_path: Path, name: str, text: str, says: str) -> None:
    for result in match(tmp_path, product(), **{name: text}):
        assert isinstance(result.exception, ConfigurationError), result.exception
        assert says in str(result.exception)


def test_families_that_cannot_be_are_evaluated_alike(tmp_path: Path) -> None:
    """Two parents, a parent of itself, a circle, a child that is missing: both engines say the same and end."""

    def lead(number: int, *children: int) -> dict[str, Any]:
        links = {"configurable_product_links": list(children)}
        return product(id=number, sku=f"C{number}", type_id="configurable", extension_attributes=links)

    python, sql = match(tmp_path, product(), lead(2, 1), lead(3, 1, 3), lead(4, 5), lead(5, 4), lead(6, 99))
    assert (python.exit_code, python.stdout) == (0, sql.stdout), (python.exception, sql.exception)
    assert json.loads(python.stdout)["assign"] == {"All": ["C2"]}


def test_an_empty_folder_and_an_empty_catalogue(tmp_path: Path) -> None:
    python, sql = match(tmp_path)
    assert (python.exit_code, python.stdout) == (0, sql.stdout)
    assert json.loads(python.stdout)["assign"] == {"All": []}
    empty = tmp_path / "empty"
    empty.mkdir()
    result = CliRunner().invoke(connector, ["rules", "match", str(tmp_path / "a.rules"), "--catalog", str(empty)])
    assert "attributes.json cannot be read" in str(result.exception)
