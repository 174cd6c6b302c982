"""Every route of the catalogue, stock and settings answers as the published schema says, and asks for the published right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from connector.sandbox.magento import config
from connector.sandbox.magento.database import transaction
from connector.sandbox.magento.routing import ROUTES, Route
from tests.sandbox.magento_catalog_examples import catalog_examples
from tests.sandbox.magento_shop import running_shop


def routes_of_the_store() -> list[Route]:
    return [one for one in ROUTES if not one.handler.__module__.startswith("connector.sandbox.magento.sales.")]


NOTHING = {"const": []}  # what a service without a result answers


def answer_schema(openapi: dict[str, Any], method: str, template: str) -> dict[str, Any]:
    one = next(each for each in ROUTES if (each.method, each.template) == (method, template))
    content = operation(openapi, one)["responses"]["200"].get("content")
    return NOTHING if content is None else dict(content["application/json"]["schema"])


def operation(openapi: dict[str, Any], one: Route) -> dict[str, Any]:
    """The published operation; the names of path variables do not count."""

    def shape(path: str) -> list[str]:
        return ["*" if part.startswith((":", "{")) else part for part in path.strip("/").split("/")]

    for path, methods in openapi["paths"].items():
        if shape(path) == shape(one.template) and one.method.lower() in methods:
            return dict(methods[one.method.lower()])
    raise AssertionError(f"{one.method} {one.template} is not published")


def test_every_route_answers_as_published(shared: Path, tmp_path: Path) -> None:
    openapi = json.loads((shared / "reference/magento-rest-openapi.json").read_text("utf-8"))
    walked = set()
    with running_shop(tmp_path) as shop:
        with transaction(shop.db) as db:
            config.write(db, "twofactorauth/general/enable", "0")
        for example in catalog_examples(shop):
            template = f"/V1{example.template}"
            walked.add((example.method, template))
            schema = answer_schema(openapi, example.method, template) | {"components": openapi["components"]}
            wrong = [
                f"{list(error.path)}: {error.message[:200]}"
                for error in Draft202012Validator(schema).iter_errors(example.answer)
            ]
            assert not wrong, (example.method, example.path, wrong)
    assert {(one.method, one.template) for one in routes_of_the_store()} - walked == set(), "routes without an example"


def test_every_route_asks_for_the_published_right(shared: Path) -> None:
    openapi = json.loads((shared / "reference/magento-rest-openapi.json").read_text("utf-8"))
    wrong = [
        (one.method, one.template, one.acl, operation(openapi, one)["x-acl"])
        for one in routes_of_the_store()
        if operation(openapi, one)["x-acl"] != [one.acl]
    ]
    assert wrong == []
