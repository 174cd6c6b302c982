"""Categories (the version 2 tree), their rules and attributes, and the recommendation of a category for a title.

The data are our own, in the marketplace's shape: `data/categories.json`, `attributes.json`, `profiles.json` (which attributes
a category has). The wire's spelling `is_requried` is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError, invalid
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.product.basic"
UNKNOWN_CATEGORY = 12052023
NOT_A_LEAF = 12052024
VERSION_REQUIRED = 12052217
FALLBACK = "Miscellaneous Household Goods"


@dataclass(frozen=True, slots=True)
class Category:
    """One node. `words` are what the recommendation looks for; `rules` are `{rule: "required" | "optional" | name}`."""

    id: str
    parent_id: str
    name: str
    is_leaf: bool
    status: str = "AVAILABLE"
    profile: str = ""
    words: tuple[str, ...] = ()
    audience: str = ""
    rules: tuple[tuple[str, str], ...] = ()

    def rule(self, name: str) -> str:
        return dict(self.rules).get(name, "")

    def on_the_wire(self) -> Json:
        return {
            "id": self.id,
            "parent_id": self.parent_id,
            "local_name": self.name,
            "is_leaf": self.is_leaf,
            "permission_statuses": [self.status],
        }


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute. `requires`: pairs of attribute and value id that make it required; `number`: a positive number."""

    id: str
    name: str
    type: str
    values: tuple[tuple[str, str], ...]
    required: bool = False
    custom: bool = False
    multiple: bool = False
    number: bool = False
    requires: tuple[tuple[str, str], ...] = ()

    def value_id(self, name: str) -> str | None:
        """The id of a listed value by its name, whatever the case."""
        return next((number for number, known in self.values if known.casefold() == name.casefold()), None)

    def value_name(self, value_id: str) -> str | None:
        return dict(self.values).get(value_id)

    def on_the_wire(self) -> Json:
        shown: Json = {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "is_requried": self.required,
            "is_multiple_selection": self.multiple,
            "is_customizable": self.custom,
        }
        if self.values:
            shown["values"] = [{"id": number, "name": name} for number, name in self.values]
        if self.number:
            shown["value_data_format"] = "POSITIVE_INT_OR_DECIMAL"
        if self.requires:
            shown["requirement_conditions"] = [
                {"condition_type": "VALUE_ID_MATCH", "attribute_id": attribute, "attribute_value_id": value}
                for attribute, value in self.requires
            ]
        return shown


CERTIFICATIONS = {
    "cpc": {
        "id": "7182427311584347001",
        "name": "Children's product certificate",
        "is_required": True,
        "document_details": "A certificate of a laboratory that names the product.",
        "sample_image_url": "",
        "expiration_date": {"is_required": False},
    },
    "safety": {
        "id": "7182427311584347002",
        "name": "Helmet safety certificate",
        "is_required": False,
        "document_details": "A test report under the standard for bicycle helmets.",
        "sample_image_url": "",
        "expiration_date": {"is_required": False},
    },
}


def _data(name: str) -> Any:
    return json.loads(resources.files("connector.sandbox.tiktok").joinpath(f"data/{name}.json").read_text("utf-8"))


@cache
def categories() -> dict[str, Category]:
    """Every category by id, parents before their children."""
    nodes = [
        Category(
            **{
                **entry,
                "words": tuple(entry.get("words", ())),
                "rules": tuple(entry.get("rules", {}).items()),
            }
        )
        for entry in _data("categories")
    ]
    return {node.id: node for node in nodes}


@cache
def _attributes() -> dict[str, Attribute]:
    return {
        entry["id"]: Attribute(
            id=entry["id"],
            name=entry["name"],
            type=entry["type"],
            values=tuple((number, name) for number, name in entry["values"]),
            required=entry.get("required", False),
            custom=entry.get("custom", False),
            multiple=entry.get("multiple", False),
            number=entry.get("format") == "POSITIVE_INT_OR_DECIMAL",
            requires=tuple((attribute, value) for attribute, value in entry.get("requires", ())),
        )
        for entry in _data("attributes")
    }


@cache
def attributes_of(category_id: str) -> dict[str, Attribute]:
    """The attributes of a leaf category by id, sales properties first."""
    return {number: _attributes()[number] for number in _data("profiles")[categories()[category_id].profile]}


def chain(category_id: str) -> list[Category]:
    """From the root to the category."""
    nodes: list[Category] = []
    node = categories().get(category_id)
    while node is not None:
        nodes.insert(0, node)
        node = categories().get(node.parent_id)
    return nodes


def leaf(category_id: str) -> Category:
    """Raises ApiError with the code for an unknown category or one with children."""
    found = categories().get(category_id)
    if found is None:
        raise ApiError(UNKNOWN_CATEGORY, f"The category {category_id} does not exist.")
    if not found.is_leaf:
        raise ApiError(NOT_A_LEAF, f"The category {category_id} ({found.name}) is not a leaf category.")
    return found


def check_version(call: Call, version: str) -> None:
    """Both markets of the sandbox have version 2 categories only; a missing version means version 1."""
    if version not in {"", "v1", "v2"}:
        raise invalid("query", "category_version", "v1 or v2 is expected")
    if version != "v2":
        raise ApiError(
            VERSION_REQUIRED, f"The region {call.shop.region} uses version 2 categories: set category_version to v2."
        )


@route("GET", "/product/202309/categories", scope=SCOPE)
def list_categories(call: Call) -> Json:
    check_version(call, call.query.get("category_version", ""))
    keyword, prohibited = call.query.get("keyword", "").casefold(), call.flag("include_prohibited_categories")
    found = [node for node in categories().values() if prohibited or node.status != "PROHIBITED"]
    if keyword:
        wanted = {ancestor.id for node in found if keyword in node.name.casefold() for ancestor in chain(node.id)}
        found = [node for node in found if node.id in wanted]
    return {"categories": [node.on_the_wire() for node in found]}


@route("GET", "/product/202309/categories/{category_id}/rules", scope=SCOPE)
def category_rules(call: Call, category_id: str) -> Json:
    check_version(call, call.query.get("category_version", ""))
    node = leaf(category_id)
    certificate = CERTIFICATIONS.get(node.rule("certification"))
    return {
        "product_certifications": [certificate] if certificate else [],
        "size_chart": {
            "is_supported": bool(node.rule("size_chart")),
            "is_required": node.rule("size_chart") == "required",
        },
        "cod": {"is_supported": False},
        "package_dimension": {"is_required": node.rule("package_dimension") == "required"},
        "epr": {"is_required": False},
        "responsible_person": {"is_required": False},
        "manufacturer": {"is_required": False},
        "allowed_special_product_types": [],
        "seller_sku": {"is_required": False},
    }


@route("GET", "/product/202309/categories/{category_id}/attributes", scope=SCOPE)
def category_attributes(call: Call, category_id: str) -> Json:
    check_version(call, call.query.get("category_version", ""))
    return {"attributes": [attribute.on_the_wire() for attribute in attributes_of(leaf(category_id).id).values()]}


@route("POST", "/product/202309/categories/recommend", scope=SCOPE, writes=False)
def recommend_category(call: Call) -> Json:
    title = call.text("product_title")
    check_version(call, str(call.body.get("category_version", "")))
    hint = call.body.get("origin_platform_category")
    tags = " ".join(call.texts("origin_platform_tags", most=100))
    names = f"{hint.get('full_name', '')} {hint.get('name', '')}" if isinstance(hint, dict) else ""
    origin = f"{call.text('origin_platform_product_type', required=False)} {names} {tags}"
    found = recommend(title, origin, re.sub(r"<[^>]+>", " ", call.text("description", required=False)))
    path = chain(found.id)
    return {
        "leaf_category_id": found.id,
        "categories": [
            {
                "id": node.id,
                "name": node.name,
                "level": level,
                "is_leaf": node.is_leaf,
                "permission_statuses": [node.status],
            }
            for level, node in enumerate(path, start=1)
        ],
    }


def recommend(title: str, origin: str = "", description: str = "") -> Category:
    """The leaf whose words fit best: the title counts most, then what the other platform calls it, then who it is for.

    The last noun of a title names the thing ("Cobalt CoolTech Fitness Short"), longer phrases beat shorter ones.
    """
    said, elsewhere, told = _tokens(title), _tokens(origin), _tokens(description)
    audience = _audience(said) or _audience(elsewhere) or _audience(told)
    best, best_score = next(node for node in categories().values() if node.name == FALLBACK), 0.0
    for node in categories().values():
        score = _score(node, said) + 0.4 * _score(node, elsewhere)
        if score and node.audience:
            score += 5 if node.audience == audience else (2 if not audience and node.audience == "men" else -4)
        if score > best_score:
            best, best_score = node, score
    return best


def _score(node: Category, tokens: list[str]) -> float:
    return max(
        (
            20 * len(words) + 10 * (place + len(words)) / len(tokens)
            for words in map(_tokens, node.words)
            for place in _places(tokens, words)
        ),
        default=0.0,
    )


def _places(tokens: list[str], words: list[str]) -> Iterator[int]:
    for place in range(len(tokens) - len(words) + 1):
        if tokens[place : place + len(words)] == words:
            yield place


def _tokens(text: str) -> list[str]:
    """Words in small letters without a plural's ending."""
    words = re.findall(r"[a-z0-9]+", text.casefold().replace("’", "'").replace("'s", ""))
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in words]


def _audience(tokens: list[str]) -> str:
    known = {
        "men": "men",
        "man": "men",
        "male": "men",
        "women": "women",
        "woman": "women",
        "lady": "women",
        "female": "women",
    }
    known |= {"kid": "kids", "kids": "kids", "boy": "kids", "girl": "kids", "baby": "kids", "children": "kids"}
    return next((known[token] for token in tokens if token in known), "")
