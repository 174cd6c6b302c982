"""A template's brand is chosen by its name from what the marketplace knows, and kept by its number."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from connector.domain.shop import Brand
from connector.errors import RetryableError
from connector.services import brands
from connector.store.models import Account, ListingTemplate
from tests.admin.conftest import post

LUMA, LUMEN, VANTERA = Brand("908", "Luma", True), Brand("909", "Lumen", True), Brand("905", "Vantera", False)


@dataclass
class Shops:
    """A marketplace that knows three brands, or does not answer; it remembers what it was asked."""

    broken: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def shop(self, _account: Account) -> Any:
        return self

    def brands(self, name: str, category_id: str = "", most: int = 1_000) -> list[Brand]:
        self.asked.append((name, category_id))
        if self.broken:
            raise RetryableError("no answer", system="tiktok")
        return [each for each in (LUMA, LUMEN, VANTERA) if each.name.casefold().startswith(name.casefold())][:most]


@pytest.fixture
def shops(app) -> Shops:
    made = Shops()
    app.extensions["connector.admin"] = replace(app.extensions["connector.admin"], remotes=made)
    return made


FORM = {
    "account": "1", "name": "Men's tops", "enabled": "y", "query_priority": "100", "category": "Menswear / Tops / Hoodies [601]",
    "image_policy": "", "pricing_policy": "", "inventory_policy": "",
}  # fmt: skip


def save(client, brand: str) -> Any:
    return post(client("operator"), "/admin/templates/edit/?id=1", {**FORM, "brand": brand}, follow_redirects=True)


def kept() -> tuple[str, str]:
    row = ListingTemplate.get_by_id(1)
    return row.brand_id, row.brand_name


def test_a_search_offers_brands_that_the_shop_may_use(client, shops):
    """By the beginning of the name, for the category that is chosen; a single letter asks nobody."""
    browser = client("operator")
    url = "/admin/templates/brands/?account=1&category=Menswear / Tops / Hoodies [601]&q="

    assert browser.get(url + "lum").json == {"brands": ["Luma [908]", "Lumen [909]"]}
    assert browser.get(url + "vant").json == {"brands": []}
    assert browser.get(url + "l").json == {"brands": []}
    assert shops.asked == [("lum", "601"), ("vant", "601")]
    assert browser.get("/admin/templates/brands/?account=77&q=lum").status_code == 404


def test_a_search_without_an_answer_says_so(client, shops):
    """Not as a fault of the page."""
    shops.broken = True

    answer = client("operator").get("/admin/templates/brands/?account=1&q=lum")

    assert (answer.status_code, "cannot be looked up now" in answer.json["failure"]) == (200, True)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Luma [908]", ("908", "Luma")),
        ("luma", ("908", "Luma")),
        (" Luma ", ("908", "Luma")),
        ("7082427311584347908", ("7082427311584347908", "")),
        ("", ("", "")),
    ],
)
def test_a_choice_a_name_and_a_number_are_understood(client, shops, written, expected):
    """Without a script people write what they know."""
    save(client, written)

    assert kept() == expected


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Lum", "TikTok Shop knows no brand “Lum”."),
        ("Luma [909111]", "TikTok Shop knows no brand “Luma”."),
        ("Vantera", "TikTok Shop does not let this shop sell “Vantera”"),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_field(client, shops, written, said):
    """Nothing is saved."""
    assert said in save(client, written).text
    assert kept() == ("", "")


def test_what_stands_there_is_kept_without_asking(client, shops):
    """Also while the marketplace does not answer; a new name has to wait."""
    ListingTemplate.update(brand_id="908", brand_name="Luma").execute()
    shops.broken = True

    assert 'value="Luma [908]"' in client("operator").get("/admin/templates/edit/?id=1").text
    save(client, "Luma [908]")
    assert kept() == ("908", "Luma")
    assert "Write the brand&#39;s number instead." in save(client, "Lumen").text
    assert kept() == ("908", "Luma")


def test_a_brand_without_a_known_name_shows_its_number():
    """As it was kept before names were."""
    assert (brands.label("", "908"), brands.label("Luma", "908"), brands.label("", "")) == ("908", "Luma [908]", "")
