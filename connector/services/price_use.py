"""What the templates of an installation are called, and which price rules they compute with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.store.models import ListingTemplate, Policy


def used_price(settings: Mapping[str, Any] | None) -> str:
    """The price rule that a pricing policy computes with; empty when it uses none."""
    found = settings or {}
    return str(found.get("rule", "")) if found.get("change") == "rule" else ""


def used_prices() -> frozenset[str]:
    """The price rules that templates use; a template without a policy has the default one."""
    chosen = {row.pricing_policy_id for row in ListingTemplate.select(ListingTemplate.pricing_policy)}
    rows = Policy.select().where(Policy.type == "pricing")
    used = [row for row in rows if row.id in chosen or (row.is_default and None in chosen)]
    return frozenset(name for row in used if (name := used_price(row.settings)))


def template_names() -> frozenset[str]:
    """The names of all templates."""
    return frozenset(row.name for row in ListingTemplate.select(ListingTemplate.name))
