"""Store texts as the marketplace takes them: table, and the sandbox's own checks beside them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.sandbox.tiktok.products.text_checks import description_problems, title_problems
from connector.sandbox.tiktok.shops import SHOPS
from connector.services.texts import html, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("  Men's\n<b>Hoodie</b> ", "Men's Hoodie", id="one-line"),
        pytest.param("Caf&eacute; &amp; Bar", "Café & Bar", id="entities"),
        pytest.param("Caf&amp;eacute;", "Café", id="escaped-twice"),
        pytest.param("Sun ☀️ 🌞 hat", "Sun hat", id="emoji"),
        pytest.param("Gore-Tex® 20°C ½", "Gore-Tex® 20°C ½", id="signs-that-are-text"),
        pytest.param("a < b > c", "a < b > c", id="not-every-angle-is-a-tag"),
        pytest.param("zero\u200bwidth\u0007", "zero width", id="invisible"),
        pytest.param("e\u0301", "é", id="composed"),
    ],
)
def test_titles(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Plain words", "<p>Plain words</p>", id="words"),
        pytest.param("<div><p>One</p><h2>Two</h2></div>", "<p>One</p>Two", id="only-known-tags"),
        pytest.param('<p style="x" onclick="y">A</p>', "<p>A</p>", id="no-attributes"),
        pytest.param("<p>A<script>alert(1)</script></p>", "<p>A</p>", id="no-script"),
        pytest.param('<style>#x{}</style><p>{{widget type="x"}}B</p>', "<p>B</p>", id="page-builder"),
        pytest.param('<p>C<img src="https://x/y.jpg"></p>', "<p>C</p>", id="no-foreign-pictures"),
        pytest.param("<p>a&nbsp;b &eacute; &amp; c</p>", "<p>a b é &amp; c</p>", id="few-entities"),
        pytest.param("<p>--------------------</p>", "<p>---------</p>", id="drawn-lines-get-shorter"),
    ],
)
def test_descriptions(text: str, expected: str) -> None:
    assert html(text) == expected


def test_a_description_that_is_too_long_keeps_its_beginning() -> None:
    long = html("<p>" + "word " * 3000 + "</p>")
    assert len(long) <= 10_000
    assert long.startswith("<p>word word")


SIGNS = st.text(st.sampled_from("abc <>&;/p=\"'-=☀🌞é\u0301\u00a0\n\t§®{}!#1"), max_size=60)


@settings(max_examples=150, deadline=None)
@given(SIGNS)
def test_whatever_is_typed_the_marketplace_takes_the_description(text: str) -> None:
    """But for one without a word in it, which the validation names."""
    made = html("word " + text)
    assert list(description_problems(None, made, "older")) == []  # type: ignore[arg-type]  # no picture is looked up


@settings(max_examples=150, deadline=None)
@given(SIGNS)
def test_whatever_is_typed_the_marketplace_takes_the_title(text: str) -> None:
    assert list(title_problems(plain("word " + text), SHOPS[0])) == []
