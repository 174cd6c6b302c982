"""How Magento's JSON becomes what rules read."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.errors import ConfigurationError
from connector.rules.catalogue_folder import read_families, read_metadata, read_products
from connector.rules.evaluation import Family, FamilyFacts, family_facts, inherited_fields
from connector.rules.facts import FactError
from connector.rules.functions import Library
from connector.rules.magento import Metadata, from_magento, product_values
from connector.rules.metadata import Type

ATTRIBUTES: list[dict[str, Any]] = [
    {"attribute_code": code, "frontend_input": kind, "backend_type": backend, "options": options or []}
    for code, kind, backend, options in (
        ("color", "select", "int", [{"label": " ", "value": ""}, {"label": "Red ", "value": "5"}]),
        ("climate", "multiselect", "varchar", [{"label": "Cold", "value": "1"}, {"label": "Mild", "value": "2"}]),
        ("eco", "boolean", "int", [{"label": "Yes", "value": "1"}, {"label": "No", "value": "0"}]),
        ("launch", "date", "datetime", None),
        ("loft", "price", "decimal", None),
        ("note", "textarea", "text", None),
        ("tax_class_id", "select", "int", None),
        ("price", "price", "decimal", None),
        ("status", "select", "int", [{"label": "On", "value": "1"}]),
    )
]
CATEGORIES = {
    "id": 2,
    "level": 1,
    "name": "Default Category",
    "children_data": [
        {"id": 3, "name": "Men", "children_data": [{"id": 4, "name": "Tops / Tees", "children_data": []}]},
        {"id": 5, "name": "Gear", "children_data": []},
    ],
}
SETS = [{"attribute_set_id": 4, "attribute_set_name": "Default"}]
WEBSITES = [{"id": 0, "code": "admin"}, {"id": 1, "code": "base"}]


@pytest.fixture(scope="module")
def metadata() -> Metadata:
    return from_magento(ATTRIBUTES, CATEGORIES, SETS, WEBSITES)


def json_product(**changes: Any) -> dict[str, Any]:
    custom = changes.pop("custom", {})
    extension = {
        "website_ids": [1],
        "category_links": [{"position": 0, "category_id": "4"}, {"position": 0, "category_id": "5"}],
        "stock_item": {"qty": 7, "is_in_stock": True},
        **changes.pop("extension", {}),
    }
    return {
        "id": 1,
        "sku": "S-1",
        "name": "Tee",
        "attribute_set_id": 4,
        "price": Decimal("12.50"),
        "status": 1,
        "visibility": 4,
        "type_id": "simple",
        "created_at": "2023-04-18 21:45:45",
        "updated_at": "2023-04-19 00:00:00",
        "weight": 1,
        "extension_attributes": extension,
        "custom_attributes": [{"attribute_code": code, "value": value} for code, value in custom.items()],
        **changes,
    }


def test_built_in_fields(metadata: Metadata) -> None:
    values = product_values(json_product(custom={"cost": "4.000000", "msrp": "20", "special_price": "10"}), metadata)
    assert values == {
        "sku": "S-1",
        "name": "Tee",
        "type": "simple",
        "status": "enabled",
        "visibility": "catalog, search",
        "attribute_set": "Default",
        "category": frozenset({"Men/Tops \\/ Tees", "Gear"}),
        "website": frozenset({"base"}),
        "in_stock": True,
        "qty": Decimal(7),
        "price": Decimal("12.50"),
        "weight": Decimal(1),
        "created_at": dt.date(2023, 4, 18),
        "updated_at": dt.date(2023, 4, 19),
        "cost": Decimal("4.000000"),
        "msrp": Decimal(20),
        "special_price": Decimal(10),
    }


@pytest.mark.parametrize(
    ("code", "raw", "expected"),
    [
        ("color", "5", "Red"),
        ("color", 5, "Red"),
        ("color", "99", None),
        ("color", "", None),
        ("climate", "1,2", frozenset({"Cold", "Mild"})),
        ("climate", "2,99", frozenset({"Mild"})),
        ("climate", "", None),
        ("eco", "1", True),
        ("eco", "0", False),
        ("eco", "", None),
        ("launch", "2026-11-01 00:00:00", dt.date(2026, 11, 1)),
        ("launch", "0000-00-00 00:00:00", None),
        ("loft", "3.250000", Decimal("3.25")),
        ("note", "a\x00b\x1fc", "abc"),
        ("note", "Cafe\u0301\ud800", "Café"),
        ("note", "", None),
        ("tax_class_id", "2", "2"),
        ("unknown_code", "x", None),
    ],
)
def test_an_attribute_is_typed_by_the_stores_metadata(metadata: Metadata, code: str, raw: Any, expected: Any) -> None:
    assert product_values(json_product(custom={code: raw}), metadata).get(code) == expected


def test_types_of_fields(metadata: Metadata) -> None:
    fields = metadata.catalogue.fields
    found = {name: fields[name].type for name in ("color", "climate", "eco", "launch", "loft", "note", "tax_class_id")}
    assert list(found.values()) == [
        Type.CHOICE,
        Type.CHOICES,
        Type.BOOLEAN,
        Type.DATE,
        Type.NUMBER,
        Type.TEXT,
        Type.CHOICE,
    ]
    assert fields["color"].labels == ("Red",)
    assert fields["tax_class_id"].labels is None
    assert fields["status"].labels == ("enabled", "disabled"), "a built-in field keeps its meaning"
    assert metadata.catalogue.categories == {"Men", "Men/Tops \\/ Tees", "Gear"}


def test_paths_start_below_each_root_category() -> None:
    roots = {"id": 1, "level": 0, "name": "Root", "children_data": [CATEGORIES, {"id": 9, "name": "Other root"}]}
    assert from_magento([], roots, []).catalogue.categories == {"Men", "Men/Tops \\/ Tees", "Gear"}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"price": Decimal("1.1234567")}, "price", "six decimals"),
        ({"price": Decimal("1000000000.01")}, "price", "largest number"),
        ({"price": Decimal("NaN")}, "price", "not a number: 'NaN'"),
        ({"price": Decimal("Infinity")}, "price", "largest number"),
        ({"custom": {"cost": "twelve"}}, "cost", "not a number"),
        ({"custom": {"cost": "1_000"}}, "cost", "not a number"),
        ({"custom": {"cost": "1,000"}}, "cost", "not a number"),
        ({"custom": {"launch": "soon"}}, "launch", "not a date"),
        ({"extension": {"stock_item": {"qty": Decimal("1e30")}}}, "qty", "largest number"),
    ],
)
def test_a_value_beyond_the_limits_is_refused_with_a_reason(
    metadata: Metadata, changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(FactError, match=words) as caught:
        product_values(json_product(**changes), metadata)
    assert caught.value.field == field


def write_folder(folder: Path, products: list[dict[str, Any]]) -> Path:
    files = {"attributes": ATTRIBUTES, "categories": CATEGORIES, "attribute_sets": SETS}
    for name, data in files.items():
        (folder / f"{name}.json").write_text(json.dumps(data))
    lines = (json.dumps(product, default=str) for product in products)
    (folder / "products.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def families(folder: Path) -> dict[str, tuple[Family, FamilyFacts]]:
    metadata = read_metadata(folder)
    inherited = inherited_fields(metadata.catalogue)
    return {each.lead.sku: (each, family_facts(each, inherited)) for each in read_families(folder, metadata)}


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (3, 1, 4, 2)])
def test_a_family_is_whole_wherever_its_lines_stand(tmp_path: Path, order: tuple[int, ...]) -> None:
    products = {
        1: json_product(id=1, sku="V-1", price=10, custom={"color": "5"}),
        2: json_product(id=2, sku="V-2", price=9, status=2),
        3: json_product(
            id=3,
            sku="C",
            type_id="configurable",
            price=0,
            custom={"climate": "1", "cost": "3"},
            extension={"configurable_product_links": [1, 2, 77], "stock_item": {"qty": 0, "is_in_stock": True}},
        ),
        4: json_product(id=4, sku="S"),
    }
    found = families(write_folder(tmp_path, [products[number] for number in order]))
    assert set(found) == {"C", "S"}
    facts = found["C"][1].assigned
    assert facts is not None
    assert (facts["price"], facts["qty"]) == (10_000_000, 7_000_000), "enabled variants only"
    assert [each.sku for each in facts.variants] == ["V-1"]
    assert sorted(each.sku for each in found["C"][1].priced) == ["V-1", "V-2"]
    variant = facts.variants[0]
    assert (variant["climate"], variant["cost"], variant["parent_sku"], variant["color"]) == (
        "\x1fcold\x1f",
        None,
        "c",
        "red",
    )


def test_only_simples_and_configurables_take_part(tmp_path: Path) -> None:
    kinds = ("virtual", "bundle", "grouped", "downloadable")
    products = [json_product(id=number, sku=kind, type_id=kind) for number, kind in enumerate(kinds, 1)]
    for _, facts in families(write_folder(tmp_path, products)).values():
        assert facts.assigned is None
        assert facts.priced == ()


def test_a_product_with_an_impossible_number_is_held_back_alone(tmp_path: Path) -> None:
    products = [
        json_product(id=1, sku="bad", custom={"cost": "0.1234567"}),
        json_product(id=2, sku="good"),
    ]
    found = families(write_folder(tmp_path, products))
    assert found["bad"][1].assigned is None
    assert found["bad"][1].held_back[0][:2] == ("bad", "cost")
    assert found["good"][1].assigned is not None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("products.jsonl", "{", "line 1 is no product"),
        ("products.jsonl", "[1]", "line 1 is no product"),
        ("products.jsonl", '{"id": 1}', "line 1 is no product"),
        ("attributes.json", "{", "is no JSON"),
        ("attributes.json", "[{}]", "is no catalogue folder"),
        ("categories.json", None, "cannot be read"),
    ],
)
def test_a_broken_folder_is_named(tmp_path: Path, name: str, content: str | None, words: str) -> None:
    folder = write_folder(tmp_path, [json_product()])
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(ConfigurationError, match=words):
        list(read_families(folder, read_metadata(folder)))


def test_a_search_answer_is_read_like_its_list_and_a_byte_order_mark_is_none_of_its_text(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, [json_product()])
    plain = read_metadata(folder).catalogue
    for name in ("attributes", "attribute_sets"):
        file = folder / f"{name}.json"
        file.write_text(json.dumps({"items": json.loads(file.read_text()), "total_count": 1}), "utf-8-sig")
    lines = folder / "products.jsonl"
    lines.write_text(lines.read_text("utf-8"), "utf-8-sig")
    metadata = read_metadata(folder)
    assert metadata.catalogue == plain
    assert [each.lead.sku for each in read_families(folder, metadata)] == ["S-1"]


def test_an_option_without_a_label_is_none() -> None:
    options = [{"value": "1", "label": None}, {"value": "2"}, {"value": "3", "label": "Red"}]
    attribute = {"attribute_code": "tone", "frontend_input": "select", "options": options}
    assert from_magento([attribute], CATEGORIES, []).catalogue.fields["tone"].labels == ("Red",)


def test_the_demo_shop_is_read_whole(shared: Path) -> None:
    folder = shared / "data/luma"
    metadata = read_metadata(folder)
    found = list(read_families(folder, metadata, Library()))
    assert sum(1 + len(each.members) for each in found) == sum(1 for _ in read_products(folder)) == 982
    assert sum(each.lead.configurable for each in found) == 72
    assert "Men/Tops/Hoodies & Sweatshirts" in (metadata.catalogue.categories or ())
