"""Every route of the sales side answers as the published schema says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connector.sandbox.magento.routing import ROUTES
from tests.sandbox.magento_sales_examples import examples
from tests.sandbox.magento_shop import running_shop

# Called elsewhere: a customer has to be made first (replayed from the recordings), and a refund of an invoice is always refused.
ELSEWHERE = {("POST", "/V1/customers/:customerId/carts"), ("POST", "/V1/invoice/:invoiceId/refund")}
# The published document is a subset without cart price rules; the recordings have them.
UNPUBLISHED = {("POST", "/V1/salesRules"), ("DELETE", "/V1/salesRules/:ruleId")}


def declared() -> set[tuple[str, str]]:
    """Routes that modules of the sales side declare."""
    return {
        (one.method, one.template)
        for one in ROUTES
        if one.handler.__module__.startswith("connector.sandbox.magento.sales.")
    } - ELSEWHERE


def published(openapi: dict[str, Any], method: str, template: str) -> dict[str, Any]:
    """The schema of the answer; the names of path variables do not count."""
    wanted = re.sub(r":\w+", "{}", template)
    for path, methods in openapi["paths"].items():
        if re.sub(r"\{\w+\}", "{}", path) == wanted and method.lower() in methods:
            content = methods[method.lower()]["responses"]["200"]["content"]
            return dict(content["application/json"]["schema"])
    pytest.fail(f"{method} {template} is not in the published schema")


def test_every_route_answers_as_published(shared: Path, tmp_path: Path) -> None:
    openapi = json.loads((shared / "reference/magento-rest-openapi.json").read_text("utf-8"))
    walked = set()
    with running_shop(tmp_path) as shop:
        for example in examples(shop):
            template = f"/V1{example.template}"
            walked.add((example.method, template))
            if (example.method, template) in UNPUBLISHED:
                continue
            schema = published(openapi, example.method, template) | {"components": openapi["components"]}
            wrong = [
                f"{list(error.path)}: {error.message[:200]}"
                for error in Draft202012Validator(schema).iter_errors(example.answer)
            ]
            assert not wrong, (example.method, example.path, wrong)
    assert declared() - walked == set()
