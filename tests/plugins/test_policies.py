"""What the five policies decide."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.domain.product import ProductSnapshot, Salable
from connector.plugins.api import policies
from connector.plugins.loader import load
from connector.plugins.policies.image import ImagePolicy
from connector.plugins.policies.inventory import CAP, InventoryPolicy
from connector.plugins.policies.order import OrderPolicy
from connector.plugins.policies.pricing import PricingPolicy
from connector.plugins.policies.synchronization import SynchronizationPolicy


def stock(pieces: str, *, unlimited: bool = False, salable: bool = True) -> Salable:
    return Salable(Decimal(pieces), salable, unlimited)


@pytest.mark.parametrize(
    ("settings", "given", "held", "last", "offered"),
    [
        pytest.param({"buffer": 5}, stock("28"), 0, None, 23, id="the-guide's-example"),
        pytest.param({}, stock("10"), 3, None, 7, id="orders-that-the-store-does-not-have-count"),
        pytest.param({"buffer": 5}, stock("3"), 0, None, 0, id="never-negative"),
        pytest.param({}, stock("3.9"), 0, None, 3, id="only-whole-pieces"),
        pytest.param({}, stock("1000000"), 0, None, CAP, id="capped"),
        pytest.param(
            {"default_quantity": 40}, stock("0", unlimited=True), 0, None, 40, id="unmanaged-takes-the-default"
        ),
        pytest.param({"default_quantity": 40}, stock("7", salable=False), 0, None, 0, id="not-salable-offers-nothing"),
        pytest.param({"default_quantity": 40}, None, 0, None, 0, id="not-stocked-offers-nothing"),
        pytest.param({"use_threshold": True, "threshold": 10}, stock("9"), 0, None, 0, id="below-the-threshold"),
        pytest.param(
            {"use_threshold": True, "threshold": 10, "above": 99},
            stock("12"),
            0,
            None,
            12,
            id="never-more-than-there-is",
        ),
        pytest.param(
            {"use_threshold": True, "threshold": 10, "hysteresis": 5},
            stock("12"),
            0,
            0,
            0,
            id="hysteresis-keeps-it-below",
        ),
        pytest.param(
            {"use_threshold": True, "threshold": 10, "hysteresis": 5}, stock("15"), 0, 0, 15, id="hysteresis-lets-it-go"
        ),
        pytest.param({"buffer": 5}, stock("10"), 4, None, 1, id="orders-and-buffer-together"),
        pytest.param({}, stock("3"), 5, None, 0, id="more-ordered-than-there-is"),
        pytest.param({}, stock("-2"), 0, None, 0, id="backordered-already"),
        pytest.param({"default_quantity": 40}, stock("-2", salable=True), 0, None, 0, id="backorders-are-no-pieces"),
        pytest.param(
            {"buffer": 5, "default_quantity": 40}, stock("0", unlimited=True), 9, None, 40, id="unmanaged-ignores-both"
        ),
        pytest.param(
            {"default_quantity": CAP + 1}, stock("0", unlimited=True), 0, None, CAP, id="unmanaged-is-capped-too"
        ),
        pytest.param(
            {"use_threshold": True, "threshold": 10, "below": 50},
            stock("4"),
            0,
            None,
            4,
            id="below-never-more-than-there-is",
        ),
        pytest.param(
            {"use_threshold": True, "threshold": 10, "above": 5}, stock("100"), 0, None, 5, id="above-offers-a-few"
        ),
        pytest.param(
            {"buffer": 5, "use_threshold": True, "threshold": 10}, stock("14"), 0, None, 0, id="the-buffer-counts-first"
        ),
        pytest.param(
            {"use_threshold": True, "threshold": 10}, stock("12"), 3, None, 0, id="orders-count-against-the-threshold"
        ),
    ],
)
def test_quantity(settings, given, held, last, offered):
    assert InventoryPolicy(**settings).quantity(given, held, last).pieces == offered


def held(**sources: str) -> Salable:
    """12 salable pieces of the website's stock, and what its sources hold."""
    return Salable(Decimal(12), True, sources={code: Decimal(pieces) for code, pieces in sources.items()})


@pytest.mark.parametrize(
    ("chosen", "given", "offered", "limit"),
    [
        pytest.param(["a"], held(a="8", b="4"), 8, "the chosen sources, 8", id="what-the-source-holds"),
        pytest.param(["a", "b"], held(a="8", b="4"), 12, "what is salable, 12", id="all-of-it"),
        pytest.param(["a", "a"], held(a="8", b="4"), 8, "the chosen sources, 8", id="named-twice-counts-once"),
        pytest.param(["a"], held(a="8", b="9"), 3, "the chosen sources, 3", id="open-orders-may-be-served-from-it"),
        pytest.param(["b"], held(a="20", b="4"), 0, "the chosen sources, 0", id="all-of-it-is-promised"),
        pytest.param(["a"], held(a="8"), 8, "the chosen sources, 8", id="backorders-of-the-stock-add-nothing"),
        pytest.param(["a"], held(a="3.9", b="8.1"), 3, "the chosen sources, 3", id="only-whole-pieces"),
        pytest.param(["c"], held(a="8", b="4"), 0, "the chosen sources, 0", id="unknown-or-disabled"),
    ],
)
def test_chosen_sources_limit_what_is_offered(chosen, given, offered, limit):
    """Never more than they hold, never more than is salable, and the steps say which of the two it was."""
    found = InventoryPolicy(sources=chosen).quantity(given, 0)
    assert (found.pieces, f"limit: {limit}" in found.steps) == (offered, True), found.steps


@pytest.mark.parametrize(
    ("chosen", "salable", "sources", "orders", "offered"),
    [
        pytest.param([], "132", {}, 0, 130, id="cancelled"),
        pytest.param(["a", "b"], "132", {"a": "100", "b": "30"}, 0, 130, id="cancelled-with-all-sources-chosen"),
        pytest.param(["a"], "130", {"a": "100", "b": "28"}, 0, 100, id="shipped-from-a-source-that-is-not-chosen"),
        pytest.param(["a"], "130", {"a": "98", "b": "30"}, 0, 98, id="shipped-from-the-chosen-source"),
        pytest.param(["a"], "130", {"a": "100", "b": "30"}, 0, 98, id="open-and-perhaps-served-from-it"),
        pytest.param(["a", "b"], "132", {"a": "100", "b": "30"}, 2, 128, id="cancelled-and-two-more-are-wanted"),
        pytest.param(["a"], "2", {"a": "0"}, 0, 0, id="sold-out"),
    ],
)
def test_what_was_never_reserved_is_taken_off_once(chosen, salable, sources, orders, offered):
    """Two pieces of an order saved directly: off what is salable, never off the chosen sources as well."""
    held_there = {code: Decimal(pieces) for code, pieces in sources.items()}
    given = Salable(Decimal(salable), True, sources=held_there, unreserved=2)
    found = InventoryPolicy(sources=chosen).quantity(given, orders)
    assert found.pieces == offered, found.steps
    assert "− 2 of orders saved directly, which the store never reserved" in found.steps


def test_a_threshold_with_hysteresis_does_not_flap():
    """Stock that goes to and fro around the threshold changes what is offered once, until it is clearly past it."""
    policy = InventoryPolicy(use_threshold=True, threshold=10, hysteresis=4)
    offered: list[int] = []
    for pieces in (12, 10, 9, 10, 9, 11, 13, 14, 13, 10, 9):
        offered.append(policy.quantity(stock(str(pieces)), 0, offered[-1] if offered else None).pieces)
    assert offered == [12, 10, 0, 0, 0, 0, 0, 14, 13, 10, 0]


@pytest.mark.parametrize(
    ("settings", "values", "expected"),
    [
        pytest.param({}, {"price": "12.5"}, "12.50", id="as-it-is"),
        pytest.param({"fallback_attribute": "msrp"}, {"price": None, "msrp": "20"}, "20.00", id="fallback"),
        pytest.param({"change": "increase_percent", "amount": Decimal(12)}, {"price": "10"}, "11.20", id="percent"),
        pytest.param({"change": "decrease", "amount": Decimal(2)}, {"price": "10"}, "8.00", id="amount"),
        pytest.param({"currency_rate": Decimal("0.8")}, {"price": "10"}, "8.00", id="currency"),
        pytest.param({"ending": "0.99"}, {"price": "16.2"}, "16.99", id="ending-goes-up"),
        pytest.param({"ending": "0.99"}, {"price": "16.995"}, "17.99", id="ending-past-it"),
        pytest.param({"floor": Decimal(15)}, {"price": "10"}, "15.00", id="floor"),
        pytest.param({"ceiling": Decimal(9)}, {"price": "10"}, "9.00", id="ceiling"),
        pytest.param({}, {"price": "0.125"}, "0.13", id="half-up"),
    ],
)
def test_price(settings, values, expected):
    numbers = {code: Decimal(text) if text else None for code, text in values.items()}

    priced = PricingPolicy(**settings).price(numbers, "USD", "US")

    assert (priced.issue, priced.amount) == (None, Decimal(expected))
    assert priced.ladder[-1].amount == priced.amount


@pytest.mark.parametrize(
    ("settings", "values", "code"),
    [
        pytest.param({}, {"price": None}, "price.empty", id="empty"),
        pytest.param({}, {"price": Decimal(0)}, "price.not_positive", id="zero"),
        pytest.param({}, {"price": Decimal(9000)}, "price.region_limit", id="above-the-region's-limit"),
        pytest.param(
            {"change": "rule", "rule": "US"}, {"price": Decimal(9)}, "price.rule", id="a-rule-without-a-price"
        ),
    ],
)
def test_a_price_is_never_guessed(settings, values, code):
    priced = PricingPolicy(**settings).price(values, "USD", "US")

    assert priced.issue is not None
    assert priced.issue.code == code


def test_pictures_come_main_first_without_repetition_and_within_the_limit():
    entries = [
        {
            "file": f"/m/{n}.jpg",
            "position": n,
            "types": ["image"] if n == 3 else [],
            "media_type": "image",
            "disabled": n == 4,
        }
        for n in range(1, 8)
    ]
    product = ProductSnapshot({"id": 1, "sku": "A", "media_gallery_entries": entries})

    assert ImagePolicy(gallery_images=3).files(product) == ("/m/3.jpg", "/m/1.jpg", "/m/2.jpg", "/m/5.jpg")
    assert ImagePolicy(default_image="/none.jpg").files(ProductSnapshot({"id": 1, "sku": "A"})) == ("/none.jpg",)


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        pytest.param(InventoryPolicy(buffer=-1), "buffer", id="negative-buffer"),
        pytest.param(InventoryPolicy(use_threshold=True), "threshold", id="threshold-of-zero"),
        pytest.param(PricingPolicy(currency_rate=Decimal(0)), "currency_rate", id="no-rate"),
        pytest.param(PricingPolicy(change="rule"), "rule", id="no-rule"),
        pytest.param(PricingPolicy(ending="1.5"), "ending", id="an-ending-above-one"),
        pytest.param(OrderPolicy(create_when=[]), "create_when", id="no-state"),
        pytest.param(OrderPolicy(create_when=["UNPAID"]), "create_when", id="a-state-that-is-not-paid"),
        pytest.param(OrderPolicy(carrier=""), "carrier", id="no-carrier"),
        pytest.param(SynchronizationPolicy(stock_every=0), "stock_every", id="no-rhythm"),
        pytest.param(SynchronizationPolicy(store_every=0), "store_every", id="no-rhythm-of-the-store"),
        pytest.param(SynchronizationPolicy(leaving="burn"), "leaving", id="no-such-choice"),
        pytest.param(ImagePolicy(gallery_images=9), "gallery_images", id="too-many-pictures"),
    ],
)
def test_a_wrong_setting_is_named(policy, field):
    assert [problem.field for problem in policy.problems()] == [field]


def test_every_policy_type_is_valid_by_default_and_survives_settings_that_it_does_not_know():
    load()

    for cls in policies:
        assert cls.from_settings({"unknown": 1}).problems() == []
        assert cls.__doc__


def test_a_setting_of_the_wrong_type_is_named():
    with pytest.raises(ValueError, match="Threshold buffer"):
        InventoryPolicy.from_settings({"buffer": "many"})
