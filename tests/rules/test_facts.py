"""The form in which values are kept: folded texts, millionths, delimited sets."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.rules.fact_rows import Own, own, rows
from connector.rules.facts import FactError, fold, items, label_set, millionths, path_set
from connector.rules.metadata import Catalogue

STORED = Catalogue().stored()
INHERITED = frozenset(name for name, info in STORED.items() if not info.own)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Straße", "strasse"),
        ("e\u0301", "é"),
        ("İ", "i̇"),
        ("ΑΣ", "ας".casefold()),
        ("a\x00b\x1fc\ud800d", "abcd"),
        ("a\tb\nc", "a\tb\nc"),
        ("", ""),
    ],
)
def test_text_is_folded(text, folded):
    assert fold(text) == folded
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("value", "whole"),
    [("12.5", 12_500_000), ("-0.000001", -1), ("1000000000", 10**15), ("1E+3", 10**9), ("0.10", 100_000)],
)
def test_a_number_becomes_millionths(value, whole):
    assert millionths("price", Decimal(value)) == whole
    assert millionths("price", value) == whole


@pytest.mark.parametrize("value", ["1000000000.000001", "1e12", "0.0000001", "NaN", "-Infinity", "twelve"])
def test_a_number_beyond_the_limits_is_refused_with_its_field(value):
    with pytest.raises(FactError, match="`price`") as caught:
        millionths("price", value)
    assert caught.value.field == "price"


def test_sets_are_sorted_delimited_and_without_doubles():
    assert label_set(["M", "l", "m", ""]) == "\x1fl\x1fm\x1f"
    assert label_set([]) is None
    assert path_set(["Men/Tops", "A\\/B"]) == "\x1fa\\/b/\x1fmen/tops/\x1f"
    assert items(label_set(["M", "l"])) == ("l", "m")
    assert items(None) == ()


def test_a_value_out_of_bounds_holds_its_product_back_and_keeps_its_type():
    found = own(1, {"sku": "A", "type": "configurable", "cost": Decimal("1e10")}, STORED)

    assert found.held_back is not None
    assert found.held_back[0] == "cost"
    assert found.configurable


def test_variants_of_a_held_back_configurable_are_held_back_too():
    lead = Own(1, "A", None, {"type": "configurable"}, ("cost", "too large"))
    variant = Own(2, "A-1", 1, {"type": "simple", "status": "enabled"})

    found = rows(lead, [variant], INHERITED)

    assert [(row.assigned, row.priced, row.group, row.held_back) for row in found] == [
        (False, False, None, ("cost", "too large"))
    ] * 2


def test_a_quantity_that_sums_up_beyond_the_limit_holds_the_family_back():
    lead = Own(1, "A", None, {"type": "configurable"})
    variants = [Own(n, f"A-{n}", 1, {"type": "simple", "status": "enabled", "qty": 10**15}) for n in (2, 3)]

    assert {row.held_back and row.held_back[0] for row in rows(lead, variants, INHERITED)} == {"qty"}


def test_a_configurable_without_enabled_variants_has_no_price_and_nothing_to_sell():
    lead = Own(1, "A", None, {"type": "configurable", "price": 5, "qty": 9})

    assert rows(lead, [], INHERITED)[0].facts == {"type": "configurable", "qty": 0}


def test_other_types_are_neither_assigned_nor_priced():
    found = rows(Own(1, "A", None, {"type": "bundle"}), [], INHERITED)[0]

    assert (found.assigned, found.priced, found.group) == (False, False, None)
