"""Rule text between server and editor: places as the browser counts them, answers as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import url_for

from connector.admin import formats
from connector.rules.problems import Problem


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


def sample(row: Any) -> dict[str, str]:
    """One matching product for the side of an editor; takes rows and mappings."""

    def get(name: str) -> Any:
        return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)

    price = get("price")
    number = get("id")
    return {
        "sku": str(get("sku") or ""),
        "name": str(get("name") or get("sku") or ""),
        "price": formats.number(price) if price is not None else "",
        "picture": url_for("pictures.thumbnail", product_id=number) if number and get("image") else "",
    }


def matched_json(text: str, matched: Any) -> dict[str, Any]:
    """What the query box and the rule editor show about a condition."""
    return {
        "problems": diagnostics(text, matched.problems),
        "count": matched.count,
        "samples": [sample(row) for row in matched.samples or ()],
    }
