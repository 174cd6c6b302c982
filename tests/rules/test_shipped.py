"""The shipped rules check, pass their tests and work on both catalogues; so does what `suggest` writes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from connector.rules.checker import check
from connector.rules.magento import from_magento
from connector.rules.normal import format_file
from connector.rules.parser import parse_file
from connector.rules.problems import Severity
from connector.rules.rule_tests import run_tests
from connector.rules.ruleset import load
from connector.rules.suggest import suggest
from connector.rules.tools import Folder, match
from connector.rules.tools import check as check_folder
from tests.conftest import ROOT
from tests.rules.test_products import json_product

RULES = ROOT / "rules"
TODAY = dt.date(2026, 11, 1)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated catalogue as a folder."""
    from connector.sandbox.catalog.files import write_folder
    from connector.sandbox.catalog.generate import Plan, generate

    folder = tmp_path_factory.mktemp("catalogue")
    write_folder(generate(Plan(products=400)), folder)
    return folder


@pytest.fixture(scope="module", params=["generated", "luma"])
def folder(request: pytest.FixtureRequest) -> Folder:
    if request.param == "generated":
        return Folder.open(request.getfixturevalue("generated"))
    return Folder.open(request.getfixturevalue("shared") / "data/luma")


@pytest.mark.parametrize("path", sorted(RULES.glob("*.rules")), ids=lambda path: path.name)
def test_shipped_files_are_in_normal_form(path: Path) -> None:
    text = path.read_text("utf-8")
    assert format_file(parse_file(text, path.name).tree) == text


def test_shipped_rules_check_and_pass_their_tests(folder: Folder) -> None:
    texts = {path.name: path.read_text("utf-8") for path in RULES.glob("*.rules")}
    checked = check(texts, folder.metadata.catalogue)
    assert checked.rules is not None, "\n".join(map(str, checked.problems))
    assert len(checked.rules.tests) >= 10
    assert [each.failures for each in run_tests(checked.rules, folder.metadata.catalogue) if not each.passed] == []


def test_shipped_rules_assign_and_price_both_catalogues(folder: Folder) -> None:
    found = match([RULES], folder, "USD", TODAY)
    assert len(found.assign["Men's tops"]) >= 3
    assert len(found.assign["Men's bottoms"]) >= 1
    assert len(found.prices["US list price"]) >= 200
    assert not [each for each in found.held_back if each.rule is None]


def test_what_is_suggested_checks_passes_and_assigns(folder: Folder, tmp_path: Path) -> None:
    path = tmp_path / "suggested.rules"
    path.write_text(suggest(folder, "USD"), "utf-8")
    assert path.read_text("utf-8") == suggest(folder, "USD"), "equal catalogues give equal suggestions"
    warnings = check_folder([path], folder, TODAY)
    assert [each for each in warnings if each.severity is Severity.ERROR] == []
    found = match([path], folder, "USD", TODAY)
    assert all(found.assign.values()), "every suggested template holds something"
    checked = check({path.name: path.read_text("utf-8")}, folder.metadata.catalogue)
    assert checked.rules is not None
    assert all(each.passed for each in run_tests(checked.rules, folder.metadata.catalogue))


def test_a_suggestion_in_a_currency_without_decimals_passes_its_tests(folder: Folder) -> None:
    checked = check({"s.rules": suggest(folder, "JPY")}, folder.metadata.catalogue)
    assert checked.rules is not None, checked.problems
    assert all(each.passed for each in run_tests(checked.rules, folder.metadata.catalogue, "JPY"))


def catalogue(folder: Path, *products: dict[str, Any], attributes: str = "[]") -> Folder:
    (folder / "products.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in products), "utf-8")
    branch = {"id": 3, "name": "Men", "children_data": [{"id": 4, "name": "Tops"}, {"id": 5, "name": "TOPS"}]}
    tree = {"id": 2, "level": 1, "name": "Root", "children_data": [branch]}
    for name, text in (("attributes", attributes), ("categories", json.dumps(tree)), ("attribute_sets", "[]")):
        (folder / f"{name}.json").write_text(text, "utf-8")
    return Folder.open(folder)


def in_category(identifier: int, category: int, **changes: Any) -> dict[str, Any]:
    links = [{"category_id": str(category)}]
    return json_product(id=identifier, sku=f"P-{identifier}", price=10, extension={"category_links": links}, **changes)


def test_suggested_templates_hold_what_can_be_sold_and_do_not_overlap(tmp_path: Path) -> None:
    """Also what hangs above the branches; names in another case are one branch, and nothing is suggested for nothing."""
    products = [in_category(1, 4), in_category(2, 5), in_category(3, 3), in_category(4, 4, status=2)]
    folder = catalogue(tmp_path, *products)
    path = tmp_path / "s.rules"
    path.write_text(suggest(folder, "USD"), "utf-8")
    assert match([path], folder, "USD", TODAY).assign == {"Men Tops": ["P-1", "P-2"], "Men": ["P-3"]}
    assert check_folder([path], folder, TODAY) == [], "not even a warning: no product says what it costs"
    assert all(each.passed for each in run_tests(load([path], folder.metadata.catalogue), folder.metadata.catalogue))


def test_the_suggested_segment_gives_way_to_a_field_of_its_name(tmp_path: Path) -> None:
    attributes = '[{"attribute_code": "sellable", "frontend_input": "boolean"}]'
    folder = catalogue(tmp_path, in_category(1, 4), attributes=attributes)
    text = suggest(folder, "USD")
    assert "and @sellable_2" in text
    assert check({"s.rules": text}, folder.metadata.catalogue).problems == ()


def test_a_catalogue_without_categories_gets_a_set_too(tmp_path: Path) -> None:
    (tmp_path / "products.jsonl").write_text("")
    for name, text in (
        ("attributes", "[]"),
        ("categories", '{"id": 2, "children_data": []}'),
        ("attribute_sets", "[]"),
    ):
        (tmp_path / f"{name}.json").write_text(text)
    checked = check({"s.rules": suggest(Folder.open(tmp_path), "USD")}, from_magento([], {"id": 2}, []).catalogue)
    assert checked.rules is not None
    assert list(checked.rules.prices) == ["List price"]
