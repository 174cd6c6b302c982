"""Nothing that the marketplace would refuse for a published reason is sent, and every reason says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.issue import Issue
from connector.domain.listing import AttributeValue, Draft, DraftSku, Listing, ProductAttribute, SalesAttribute, Status
from connector.domain.shop import CategoryAttribute, CategoryRules
from connector.sandbox.app import create_sandbox
from connector.sandbox.serve import SandboxServer
from connector.services.validation import CategoryFacts, check
from tests.clients.rehearsal import Control, connected, shirt

COLOR = CategoryAttribute("1", "Color", True, False, False, True, (("11", "Red"), ("12", "Blue")))
FIT = CategoryAttribute("2", "Fit", False, True, False, False, (("21", "Slim"), ("22", "Wide")))
POWER = CategoryAttribute("3", "Battery", False, False, False, False, (("31", "Yes"),))
KIND = CategoryAttribute("4", "Battery kind", False, False, False, True, (), (("3", "31"),))
PARTS = CategoryAttribute("5", "Pieces", False, False, False, True, is_number=True)
FACTS = CategoryFacts(True, True, (COLOR, FIT, POWER, KIND, PARTS), CategoryRules(), "Clothes / Shirts")


def sku(name: str, color: str = "Red", **more: object) -> DraftSku:
    values: dict[str, object] = {"sales_attributes": (SalesAttribute("Color", color, "1"),), **more}
    return DraftSku(name, name, Decimal("10.00"), {"w": 3}, **values)  # type: ignore[arg-type]  # the test's own fields


def draft(**changes: object) -> Draft:
    base = Draft(
        "A shirt", "<p>Soft.</p>", "600", "v2", "USD", ("https://shop.example/a.jpg",), (sku("A"), sku("B", "Blue")),
        (ProductAttribute("2", (AttributeValue("21"),)),), weight_value="0.40", weight_unit="POUND",
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]  # the table's own fields


def with_attribute(number: str, *values: AttributeValue) -> Draft:
    return draft(attributes=(*draft().attributes, ProductAttribute(number, values)))


def found(
    wanted: Draft, region: str = "US", facts: CategoryFacts = FACTS, listing: Listing | None = None
) -> list[Issue]:
    return check(wanted, region, facts, listing)


CASES = [
    pytest.param(draft(title=""), "US", "title.empty", ["no name"], id="no-name"),
    pytest.param(draft(title="x y" * 100), "US", "title.length", ["300", "1 to 255"], id="long-name"),
    pytest.param(draft(title="A shirt"), "TH", "title.length", ["7 ", "25 to 255"], id="short-name"),
    pytest.param(draft(title="x y" * 100), "BR", None, [], id="longer-names-in-brazil"),
    pytest.param(draft(title="Shirt 衬衫"), "US", "title.characters", ["衬衫", "translate"], id="chinese-name"),
    pytest.param(draft(title="!!! ???"), "US", "title.symbols", ["!!!"], id="no-word"),
    pytest.param(draft(title="Soooooooooooft"), "US", "title.repeated", ["“o”"], id="repeated"),
    pytest.param(draft(description="<p> </p>"), "US", "description.empty", ["Magento"], id="no-description"),
    pytest.param(draft(description="<p>" + "a b" * 4000 + "</p>"), "US", "description.length", ["12007", "10000"], id="long"),
    pytest.param(draft(category_id=""), "US", "category.empty", ["choose one"], id="no-category"),
    pytest.param(draft(images=()), "US", "image.none", ["image policy"], id="no-picture"),
    pytest.param(draft(images=tuple(f"{n}.jpg" for n in range(10))), "US", "image.count", ["10", "9"], id="ten-pictures"),
    pytest.param(draft(attributes=()), "US", "attribute.required", ["“Fit”", "Slim, Wide"], id="required-attribute"),
    pytest.param(with_attribute("3", AttributeValue("31")), "US", "attribute.required", ["“Battery kind”", "“Battery”"], id="conditional"),
    pytest.param(draft(attributes=(ProductAttribute("2", (AttributeValue("99"),)),)), "US", "attribute.value", ["“Fit”"], id="gone-value"),
    pytest.param(draft(attributes=(ProductAttribute("2", (AttributeValue(name="Odd"),)),)), "US", "attribute.value", ["“Odd”"], id="no-value"),
    pytest.param(with_attribute("5", AttributeValue(name="a dozen")), "US", "attribute.number", ["“a dozen”"], id="number"),
    pytest.param(with_attribute("5", AttributeValue(name="12")), "US", None, [], id="a-number"),
    pytest.param(draft(skus=tuple(sku(f"S{n}", f"C{n}") for n in range(301))), "US", "sku.too_many", ["301", "300"], id="variants"),
    pytest.param(draft(skus=tuple(sku(f"S{n}", f"C{n}") for n in range(101))), "MY", "sku.too_many", ["101", "100"], id="variants-there"),
    pytest.param(draft(skus=(sku("A"), sku("B", "RED"))), "US", "sku.duplicate", ["B and A", "RED"], id="same-choice"),
    pytest.param(
        draft(skus=(sku("A", sales_attributes=(SalesAttribute("Color", "Rose", "1", "11"),)),
                    sku("B", sales_attributes=(SalesAttribute("Color", "Pink", "1", "11"),)))),
        "US", "sku.duplicate", ["B and A"], id="two-values-mapped-to-one",
    ),
    pytest.param(draft(skus=(sku("A"), sku("a", "Blue"))), "US", "sku.seller_sku", ["a and A"], id="same-seller-sku"),
    pytest.param(draft(skus=(sku("A", sales_attributes=()), sku("B"))), "US", "sku.no_attributes", ["vary"], id="no-difference"),
    pytest.param(draft(skus=(sku("A", ""), sku("B", "Blue"))), "US", "sku.value", ["A has no value for Color"], id="no-choice"),
    pytest.param(
        draft(skus=(sku("A", sales_attributes=tuple(SalesAttribute(n, "x") for n in "abcd")),)),
        "US", "sku.attributes", ["A varies by 4", "3"], id="four-attributes",
    ),
    pytest.param(draft(weight_value=""), "US", "weight.empty", ["package weight"], id="no-weight"),
    pytest.param(draft(weight_value="150.01"), "US", "weight.heavy", ["150.01", "150 pound"], id="heavy"),
    pytest.param(draft(weight_value="31", weight_unit="KILOGRAM"), "GB", "weight.heavy", ["31", "30 kilogram"], id="heavy-there"),
    pytest.param(
        draft(dimensions={"length": "10", "width": "0", "height": "2.5", "unit": "INCH"}),
        "US", "dimensions.value", ["width “0”"], id="dimensions",
    ),
    pytest.param(draft(skus=(replace(sku("A"), quantities={"w": 0}),)), "US", "stock.none", ["as soon as"], id="sold-out"),
    pytest.param(draft(), "US", None, [], id="nothing-wrong"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "region", "code", "words"), CASES)
def test_a_reason_names_the_value_the_limit_and_what_to_do(
    wanted: Draft, region: str, code: str | None, words: list[str]
) -> None:
    issues = found(wanted, region)
    if code is None:
        assert issues == []
        return
    issue = next(issue for issue in issues if issue.code == code)
    assert all(word in issue.message for word in words), issue.message
    assert issue.blocks


def test_the_category_is_known_open_and_its_papers_are_named() -> None:
    assert [i.code for i in found(draft(), facts=replace(FACTS, known=False))] == ["category.unknown"]
    assert "Clothes / Shirts" in found(draft(), facts=replace(FACTS, available=False))[0].message
    papers = replace(FACTS, rules=CategoryRules(True, True, True, ("Safety certificate",)))
    assert [i.code for i in found(draft(), facts=papers)] == [
        "certificate.required",
        "size_chart.required",
        "dimensions.required",
    ]


def test_sold_out_holds_back_only_what_is_not_there_yet() -> None:
    sold_out = draft(skus=(replace(sku("A"), quantities={"w": 0}),))
    there = Listing(remote_id="1", status=Status.ACTIVATE)
    assert found(sold_out, listing=there) == []
    assert [i.code for i in found(sold_out, listing=replace(there, status=Status.DELETED))] == ["stock.none"]


@pytest.fixture(scope="module")
def accepted(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Draft, CategoryFacts, Callable[[Draft], set[str]]]]:
    """A draft that the sandbox takes, what is known of its category, and the codes that the sandbox refuses one for."""
    folder = tmp_path_factory.mktemp("validation")
    server = SandboxServer(create_sandbox(folder / "sandbox", products=1)).start()
    shop, _, _ = connected(Control(server.url), folder)
    wanted, images = shirt(shop, "V")
    facts = CategoryFacts(
        True, True, shop.category_attributes(wanted.category_id), shop.category_rules(wanted.category_id)
    )
    yield wanted, facts, lambda one: {code for code, _ in shop.check_listing(one, images)}
    server.stop()


SANDBOX_FIT = "100398"

DEFECTS: list[tuple[str, Callable[[Draft], Draft], str]] = [
    ("long title", lambda d: replace(d, title="x y" * 100), "12052051"),
    ("Chinese title", lambda d: replace(d, title="Shirt 衬衫"), "12052262"),
    ("symbols only", lambda d: replace(d, title="!!! ???"), "12052931"),
    ("repetition", lambda d: replace(d, title="Soooooooooooft"), "12052931"),
    ("no description", lambda d: replace(d, description=" "), "12052015"),
    ("no pictures", lambda d: replace(d, images=()), "12052028"),
    ("no weight", lambda d: replace(d, weight_value=""), "12052003"),
    ("heavy", lambda d: replace(d, weight_value="151", weight_unit="POUND", dimensions={}), "12019011"),
    ("broken dimensions", lambda d: replace(d, dimensions={**d.dimensions, "width": "0"}), "12019012"),
    ("unlisted value", lambda d: _with_values(d, AttributeValue(name="Odd")), "12052240"),
    ("value that is gone", lambda d: _with_values(d, AttributeValue(id="9")), "12052240"),
    ("too many variants", lambda d: replace(d, skus=tuple(_size(d.skus[0], f"N{n}") for n in range(301))), "12052050"),
    ("four attributes", lambda d: replace(d, skus=(_varied(d.skus[0]),)), "12052525"),
]


def _with_values(wanted: Draft, value: AttributeValue) -> Draft:
    """Fit is an attribute of the sandbox's T-shirts that takes listed values only."""
    return replace(wanted, attributes=(ProductAttribute(SANDBOX_FIT, (value,)),))


def _size(base: DraftSku, name: str) -> DraftSku:
    attributes = (base.sales_attributes[0], SalesAttribute("Size", name))
    return replace(base, sku=name, seller_sku=name, sales_attributes=attributes)


def _varied(base: DraftSku) -> DraftSku:
    return replace(base, sales_attributes=tuple(SalesAttribute(name, "x") for name in ("a", "b", "c", "d")))


@pytest.mark.parametrize(("change", "code"), [pytest.param(c, k, id=n) for n, c, k in DEFECTS])
def test_what_the_marketplace_refuses_is_found_before(
    accepted: tuple[Draft, CategoryFacts, Callable[[Draft], set[str]]], change: Callable[[Draft], Draft], code: str
) -> None:
    """The same defect: the marketplace names this code, and we would not have sent it."""
    wanted, facts, refused = accepted
    assert (refused(wanted), check(wanted, "US", facts)) == (set(), [])
    spoilt = change(wanted)
    assert code in refused(spoilt)
    assert check(spoilt, "US", facts)
