"""The rules that are measured, and the same written by hand: in SQL, in Python, for rule-engine and for CEL."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connector.rules.checker import check
from connector.rules.evaluation import CompiledRules
from connector.rules.products import Facts

from .catalogue import BRANDS, CATALOGUE, COLORS, FEATURES, MATERIALS

_U = "\x1f"


@dataclass(frozen=True)
class Case:
    """One condition; `sql` has `{field}` for its columns, `{instr}` for the text search and `{table}`, `{scan}`.

    `python` works on the same facts as the generated function. `engine` and `cel` work on plain values.
    """

    name: str
    rule: str
    sql: str
    python: Callable[[Facts, int], bool] | None = None
    engine: str = ""
    cel: str = ""


def narrow(p: Facts, _today: int) -> bool:
    """The narrow case as a person would write it on facts."""
    price = p["price"]
    if price is None or p["status"] != "enabled" or not 40_000_000 <= price <= 90_000_000:
        return False
    if p["color"] not in {"red", "blue"}:
        return False
    features = p["features"]
    if features is None or not (
        "\x1ffeature 1\x1f" in features or "\x1ffeature 2\x1f" in features or "\x1ffeature 3\x1f" in features
    ):
        return False
    category = p["category"]
    return category is not None and ("\x1fmen/" in category or "\x1fgear/bags/" in category)


def broad(p: Facts, _today: int) -> bool:
    """The broad case as a person would write it on facts."""
    price, n1 = p["price"], p["n1"]
    if p["status"] != "enabled" or price is None or price < 20_000_000 or n1 is None or n1 >= 95_000_000:
        return False
    if p["brand"] == "acme":
        return False
    category = p["category"]
    return category is None or "\x1fwomen/bags/" not in category


CASES = (
    Case(
        "narrow",
        'status = "enabled" and price between 40 and 90 and (category under "Men" or category under "Gear/Bags")'
        ' and color in ("Red", "Blue") and features has any of ("Feature 1", "Feature 2", "Feature 3")',
        "SELECT id FROM {table}{scan} WHERE assigned = 1 AND {status} = 'enabled' AND {price} BETWEEN 40000000 AND 90000000"
        f" AND {{color}} IN ('red', 'blue') AND ({{instr}}({{category}}, '{_U}men/') > 0"
        f" OR {{instr}}({{category}}, '{_U}gear/bags/') > 0)"
        f" AND ({{instr}}({{features}}, '{_U}feature 1{_U}') > 0 OR {{instr}}({{features}}, '{_U}feature 2{_U}') > 0"
        f" OR {{instr}}({{features}}, '{_U}feature 3{_U}') > 0)",
        narrow,
        'status == "enabled" and price != null and price >= 40 and price <= 90'
        ' and $any([c.starts_with("Men/") or c.starts_with("Gear/Bags/") for c in category])'
        ' and color in ["Red", "Blue"] and features != null'
        ' and ("Feature 1" in features or "Feature 2" in features or "Feature 3" in features)',
        'p.status == "enabled" && has(p.price) && p.price >= 40.0 && p.price <= 90.0'
        ' && p.category.exists(c, c.startsWith("Men/") || c.startsWith("Gear/Bags/"))'
        ' && has(p.color) && p.color in ["Red", "Blue"] && has(p.features)'
        ' && ("Feature 1" in p.features || "Feature 2" in p.features || "Feature 3" in p.features)',
    ),
    Case(
        "broad",
        'status = "enabled" and price >= 20 and not category under "Women/Bags" and n1 < 95 and brand != "Acme"',
        "SELECT id FROM {table}{scan} WHERE assigned = 1 AND {status} = 'enabled' AND {price} >= 20000000"
        f" AND {{n1}} < 95000000 AND ({{brand}} = 'acme') IS NOT TRUE"
        f" AND ({{instr}}({{category}}, '{_U}women/bags/') > 0) IS NOT TRUE",
        broad,
        'status == "enabled" and price != null and price >= 20'
        ' and not $any([c.starts_with("Women/Bags/") for c in category]) and n1 != null and n1 < 95'
        ' and brand != "Acme"',
        'p.status == "enabled" && has(p.price) && p.price >= 20.0'
        ' && !p.category.exists(c, c.startsWith("Women/Bags/")) && has(p.n1) && p.n1 < 95.0 && !(has(p.brand) && p.brand == "Acme")',
    ),
    Case(
        "any variant",
        'any variant (color = "Red" and qty > 2)',
        "SELECT DISTINCT grp AS id FROM {table}{scan} WHERE {color} = 'red' AND {qty} > 2000000 AND grp IS NOT NULL",
    ),
)
FIELDS = ("status", "price", "category", "color", "features", "n1", "brand", "qty")


def compiled(text: str) -> CompiledRules:
    """A checked rule set, in dollars."""
    checked = check({"bench.rules": text}, CATALOGUE)
    if checked.rules is None:
        raise ValueError("\n".join(map(str, checked.problems)))
    return CompiledRules(checked.rules, "USD")


def assignments(count: int, seed: int = 2) -> list[str]:
    """Different assignments: narrow ones, broad ones, and one in ten on variants."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        low = rng.randrange(5, 120)
        color, brand = rng.choice(COLORS), rng.choice(BRANDS)
        if number % 10 == 9:
            condition = f'any variant (color = "{color}" and qty > {rng.randrange(50)}) and n2 < {low}'
        elif number % 2:
            top = rng.choice(("Men", "Women", "Gear"))
            condition = (
                f'status = "enabled" and price between {low} and {low + 40} and category under "{top}/Tops"'
                f' and color in ("{color}", "Tan") and features has any of ("{rng.choice(FEATURES)}", "Feature 7")'
            )
        else:
            condition = (
                f'status = "enabled" and price >= {low} and not category under "Women/Tops"'
                f' and n1 < {rng.randrange(20, 90)} and brand != "{brand}" and material = "{rng.choice(MATERIALS)}"'
            )
        found.append(f'assign "T{number}" priority {rng.randrange(5)} where {condition}')
    return found


UNREAD = 'assign "T" where n3 < 20 and status = "enabled"'
"""Reads an attribute that no other rule reads."""

PRICE = """
price "P{n}"
  when brand = "Acme" and cost is not empty then cost * 1.6
  when category under "Gear" and price < {limit} then price + 4
  otherwise price + 12%
  round up to ending 0.99
  at least cost + 20%
"""


def fifty() -> str:
    """Forty assignments and ten prices."""
    return "\n".join([*assignments(40), *(PRICE.format(n=n, limit=20 + n) for n in range(10))])


TWO_CASES = """
price "P"
  when brand = "Acme" then cost * 1.6
  otherwise price + 12%
  round up to ending 0.99
  at least cost + 20%
"""


def price_by_hand(p: Facts, _today: int) -> int:
    """`TWO_CASES` in cents, in exact integers of 10⁻⁸, as a person would write it."""
    cost = p["cost"]
    if cost is None:
        raise ValueError("cost")
    if p["brand"] == "acme":
        amount = cost * 160
    else:
        price = p["price"]
        if price is None:
            raise ValueError("price")
        amount = price * 112
    amount = -((99_000_000 - amount) // 100_000_000) * 100_000_000 + 99_000_000
    floor = cost * 120
    amount = max(amount, floor)
    cents = (amount + 500_000) // 1_000_000
    if cents <= 0:
        raise ValueError("zero or less")
    return cents


def plain(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts as plain values for the other engines, converted before the clock runs."""
    category = [path.rstrip("/") + "/" for path in str(facts.get("category") or "").split(_U) if path]
    labels = [label for label in str(facts.get("features") or "").split(_U) if label]
    known = {label.casefold(): label for label in (*COLORS, *BRANDS, *FEATURES, "enabled", "disabled")}
    number = {name: None if facts.get(name) is None else int(str(facts[name])) / 1e6 for name in ("price", "n1")}
    return {
        "status": facts.get("status"),
        "color": known.get(str(facts.get("color"))),
        "brand": known.get(str(facts.get("brand"))),
        "features": [known[label] for label in labels] or None,
        "category": ["/".join(part.capitalize() for part in path.split("/")) for path in category],
        **number,
    }
