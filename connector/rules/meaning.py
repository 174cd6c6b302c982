"""What rules say, as digests: equal digests give equal results, whatever names, layout and segments the text has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from connector.domain.values import digest
from connector.rules import tree
from connector.rules.normal import condition_text, format_expression, format_limit
from connector.rules.reads import amounts, fields_priced, fields_read, prices_named


def assign_meaning(assign: tree.Assign, types: Mapping[str, str]) -> str:
    """A digest of what an assignment says: template, account, condition without segments, the types of its fields."""
    account = None if assign.account is None else assign.account.value
    text = condition_text(expanded(assign.condition))
    return digest([assign.template.value, account, text, _typed(fields_read(assign.condition), types)])


def price_meaning(price: tree.Price, prices: Mapping[str, tree.Price], types: Mapping[str, str]) -> str:
    """A digest of how a price is computed, with every price that it is computed from."""
    own = [[condition_text(expanded(case.condition)), format_expression(case.amount)] for case in price.cases]
    otherwise = None if price.otherwise is None else format_expression(price.otherwise)
    named = sorted({name for amount in amounts(price) for name in prices_named(amount) if name in prices})
    others = [[name, price_meaning(prices[name], prices, types)] for name in named]
    limits = [format_limit(limit) for limit in price.limits]
    return digest([own, otherwise, limits, others, _typed(fields_priced(price, prices), types)])


def expanded(node: tree.Condition) -> tree.Condition:
    """A condition with its segments written out."""
    match node:
        case tree.SegmentCall(condition=condition) if condition is not None:
            return expanded(condition)
        case tree.And(parts=parts) | tree.Or(parts=parts):
            return replace(node, parts=tuple(map(expanded, parts)))
        case tree.Not(operand=operand):
            return replace(node, operand=expanded(operand))
        case tree.OfVariants(condition=condition):
            return replace(node, condition=expanded(condition))
        case _:
            return node


def _typed(fields: frozenset[str], types: Mapping[str, str]) -> list[list[str | None]]:
    return [[name, types.get(name)] for name in sorted(fields)]
