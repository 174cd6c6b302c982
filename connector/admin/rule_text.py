"""Rule text between server and editor: places as the browser counts them, answers as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import url_for

from connector.admin.variants import price, variants_of
from connector.rules.problems import Problem
from connector.services import rulesets
from connector.services.rulesets import Matched
from connector.store.models import MagentoStore, Product


def utf16(text: str) -> int:
    """Length as JavaScript counts it."""
    return len(text.encode("utf-16-le")) // 2


def offsets(text: str) -> list[int]:
    """Where each line starts, in UTF-16 units."""
    starts, position = [0], 0
    for line in text.split("\n"):
        position += utf16(line) + 1
        starts.append(position)
    return starts


def diagnostics(text: str, problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as the editor underlines them; lines and columns count from 1 in characters."""
    lines, starts = text.split("\n"), offsets(text)
    found = []
    for problem in problems:
        index = min(max(problem.line, 1), len(lines)) - 1
        line = lines[index]
        begin = starts[index] + utf16(line[: problem.column - 1])
        end = starts[index] + utf16(line[: problem.end_column - 1])
        message = problem.message + (f" — {problem.hint}" if problem.hint else "")
        found.append(
            {
                "from": begin,
                "to": max(end, begin),
                "severity": problem.severity.value,
                "message": message,
                "file": problem.file,
                "line": problem.line,
            }
        )
    return found


def samples(store: MagentoStore, found: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Matching products, (SKU, name) pairs of a store, as an editor shows them beside its text."""
    names = dict(found)
    columns = (Product.id, Product.sku, Product.price, Product.image)
    rows = Product.select(*columns).where(Product.store == store.id, Product.sku.in_(list(names)))
    by_sku = {row.sku: row for row in rows}
    variants = variants_of([row.id for row in by_sku.values()])
    return [
        {
            "sku": sku,
            "name": name or sku,
            "price": price(row, store.base_currency, variants.get(row.id)) if (row := by_sku.get(sku)) else "",
            "picture": _picture(by_sku.get(sku)),
        }
        for sku, name in names.items()
    ]


def _picture(row: Product | None) -> str:
    return url_for("pictures.thumbnail", product_id=row.id) if row and row.image else ""


def matched_json(text: str, store: MagentoStore, matched: Matched) -> dict[str, Any]:
    """What the query box and the rule editor show about a condition."""
    return {
        "problems": diagnostics(text, matched.problems),
        "count": matched.count,
        "samples": samples(store, matched.samples),
    }


def renamed_under_rules(field: Any, account: str, template: str = "") -> bool:
    """Whether a form's field gives another name to a template (without one: an account) that the active rules find by its
    present name: its products would be taken off TikTok Shop. The field then says so, and what to do."""
    present = template or account
    span = rulesets.naming(account, template) if (field.data or "").strip() != present else None
    if span is None:
        return False
    cure = "Take the account out of the rules first."
    if template:
        cure = "Add a template of the new name, assign to that one in Rules, then delete this one."
    reason = f"The rules assign to “{present}” ({span.file}, line {span.line}): under a new name its products would leave TikTok Shop."
    field.errors = [*field.errors, f"{reason} {cure}"]
    return True
