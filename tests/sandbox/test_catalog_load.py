"""Catalogue folders: what is loaded is what the store answers, and what is wrong is named by file and line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.sandbox import SandboxError, SandboxServer, create_sandbox
from connector.sandbox.catalog.files import write_folder
from connector.sandbox.catalog.generate import Plan, generate
from connector.sandbox.magento.database import Database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small catalogue without defects."""
    write_folder(generate(Plan(products=12, defect_every=10**9)), tmp_path / "catalog")
    return tmp_path / "catalog"


def changed(folder: Path, line: int, change: Callable[[dict[str, Any]], None]) -> None:
    file = folder / "products.jsonl"
    lines = file.read_text("utf-8").splitlines()
    product = json.loads(lines[line - 1])
    change(product)
    lines[line - 1] = json.dumps(product)
    file.write_text("\n".join(lines) + "\n", "utf-8")


def refusal(folder: Path, tmp_path: Path) -> str:
    with pytest.raises(SandboxError) as caught:
        create_sandbox(tmp_path / "state", catalog=folder)
    assert not list((tmp_path / "state").glob("magento.sqlite3*")), "a catalogue that is refused leaves nothing behind"
    return str(caught.value)


@pytest.mark.parametrize("name", ["products.jsonl", "attributes.json", "categories.json", "attribute_sets.json"])
def test_a_missing_file_is_named(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"has no {name}" in refusal(folder, tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere", tmp_path) == f"The catalogue folder {tmp_path / 'nowhere'} does not exist."


def test_a_broken_line_is_named_with_its_column(folder: Path, tmp_path: Path) -> None:
    file = folder / "products.jsonl"
    lines = file.read_text("utf-8").splitlines()
    lines[4] = lines[4][:30]
    file.write_text("\n".join(lines), "utf-8")
    assert refusal(folder, tmp_path).startswith("products.jsonl, line 5, column ")


def test_a_broken_json_file_is_named_with_its_line(folder: Path, tmp_path: Path) -> None:
    (folder / "categories.json").write_text('{"id": 2,\n "name": }', "utf-8")
    assert refusal(folder, tmp_path).startswith("categories.json, line 2, column ")


def test_text_that_is_not_utf8_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "products.jsonl").write_bytes(b'{"id": 1, "sku": "\xff"}\n')
    assert refusal(folder, tmp_path).startswith("products.jsonl is not text in UTF-8")


def set_(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(product: dict[str, Any]) -> None:
        place: Any = product
        *heads, last = path.split(".")
        for head in heads:
            place = place[head]
        place[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (set_("sku", " "), "products.jsonl, line 3: the product has no sku."),
        (set_("id", "seven"), "products.jsonl, line 3: product {sku} needs an id, a number above 0."),
        (set_("id", 1), "products.jsonl, line 3: product {sku} (id 1) is there twice; letter case does not count."),
        (set_("attribute_set_id", 77), "products.jsonl, line 3: product {sku} names attribute set 77, which is not in attribute_sets.json."),
        (set_("price", "cheap"), "products.jsonl, line 3: price of product {sku} is “cheap”, not a number."),
        (set_("price", -1), "products.jsonl, line 3: price of product {sku} is -1; it must be 0 or more."),
        (set_("extension_attributes.category_links", [{"category_id": "999"}]), "products.jsonl, line 3: product {sku} names category 999, which is not in categories.json."),
        (set_("extension_attributes.website_ids", [4]), "products.jsonl, line 3: product {sku} names website 4; this store has [1]."),
        (set_("custom_attributes", [{"attribute_code": "smell", "value": "1"}]), "products.jsonl, line 3: product {sku} has a value of “smell”, which is not in attributes.json."),
        (set_("extension_attributes.configurable_product_links", [4711]), "products.jsonl: configurable {sku} has the variant id 4711, which no product has."),
    ],
)  # fmt: skip
def test_a_wrong_product_is_named(
    folder: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    sku = json.loads((folder / "products.jsonl").read_text("utf-8").splitlines()[2])["sku"]
    changed(folder, 3, change)
    assert refusal(folder, tmp_path) == told.format(sku=sku)


def test_a_category_under_the_wrong_parent_is_named(folder: Path, tmp_path: Path) -> None:
    tree = json.loads((folder / "categories.json").read_text("utf-8"))
    tree["children_data"][0]["parent_id"] = 55
    (folder / "categories.json").write_text(json.dumps(tree), "utf-8")
    name = tree["children_data"][0]["name"]
    assert (
        refusal(folder, tmp_path)
        == f"categories.json: category {tree['children_data'][0]['id']} ({name}) says parent 55 but stands below 2."
    )


def test_a_started_sandbox_keeps_its_catalogue(folder: Path, tmp_path: Path) -> None:
    create_sandbox(tmp_path / "state", catalog=folder)
    (folder / "products.jsonl").unlink()
    app = create_sandbox(tmp_path / "state", catalog=folder)
    assert app.test_client().get("/_sandbox/credentials").get_json()["magento"]["store_code"] == "default"


def test_a_start_that_was_killed_half_way_is_begun_anew(folder: Path, tmp_path: Path) -> None:
    """Tables without an installation are what a kill leaves: everything else is one transaction."""
    database = Database(tmp_path / "state")
    database.create_tables()
    database.close()
    app = create_sandbox(tmp_path / "state", catalog=folder)
    assert app.test_client().get("/_sandbox/credentials").get_json()["magento"]["access_token"]


@pytest.fixture(scope="module")
def luma(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    server = SandboxServer(create_sandbox(tmp_path_factory.mktemp("luma"), catalog=shared / "data/luma")).start()
    yield server
    server.stop()


def read(server: SandboxServer, path: str, **query: Any) -> Any:
    keys = requests.get(f"{server.url}/_sandbox/credentials", timeout=10).json()["magento"]
    headers = {"Authorization": f"Bearer {keys['access_token']}"}
    answer = requests.get(f"{server.url}/rest/V1{path}", params=query, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


ADDED = {"required_options", "has_options", "category_ids"}


def test_the_luma_products_come_back_as_they_were_given(luma: SandboxServer, shared: Path) -> None:
    given = [json.loads(line) for line in (shared / "data/luma/products.jsonl").read_text("utf-8").splitlines()]
    answered = {item["id"]: item for item in read(luma, "/products", searchCriteria="")["items"]}
    assert len(answered) == len(given) == 982
    for product in given:
        item = answered[product["id"]]
        for name in (
            "sku",
            "name",
            "attribute_set_id",
            "price",
            "status",
            "visibility",
            "type_id",
            "created_at",
            "updated_at",
        ):
            assert item[name] == product[name], (product["sku"], name)
        assert item.get("weight") == product["weight"]
        assert item["media_gallery_entries"] == product["media_gallery_entries"]
        expected = {one["attribute_code"]: one["value"] for one in product["custom_attributes"]}
        assert {
            one["attribute_code"]: one["value"]
            for one in item["custom_attributes"]
            if one["attribute_code"] not in ADDED
        } == expected
        extension = dict(product["extension_attributes"])
        del extension["stock_item"]
        extension["category_links"] = sorted(extension["category_links"], key=lambda link: int(link["category_id"]))
        assert item["extension_attributes"] == extension


def test_the_luma_attributes_keep_numbers_labels_and_options(luma: SandboxServer, shared: Path) -> None:
    given = json.loads((shared / "data/luma/attributes.json").read_text("utf-8"))
    answered = {item["attribute_id"]: item for item in read(luma, "/products/attributes", searchCriteria="")["items"]}
    for attribute in given:
        item = answered[attribute["attribute_id"]]
        assert (item["attribute_code"], item["frontend_input"]) == (
            attribute["attribute_code"],
            attribute["frontend_input"],
        )
        if attribute["options"] and attribute["frontend_input"] != "boolean":
            options = [option for option in item["options"] if option["value"]]
            assert options == [
                {"label": one["label"], "value": one["value"]} for one in attribute["options"] if one["value"]
            ]


def test_the_luma_stock_is_at_the_default_source(luma: SandboxServer) -> None:
    assert read(luma, "/inventory/get-product-salable-quantity/MH01-XS-Black/1") == 100
    assert read(luma, "/products/MH01")["extension_attributes"]["stock_item"]["is_in_stock"] is True


def test_the_luma_categories_are_a_tree(luma: SandboxServer, shared: Path) -> None:
    def names(node: dict[str, Any]) -> list[Any]:
        return [node["id"], node["name"], [names(child) for child in node["children_data"]]]

    given = json.loads((shared / "data/luma/categories.json").read_text("utf-8"))
    assert names(read(luma, "/categories")) == names(given)
