"""The authors' page: every example works, every table is up to date (`REWRITE=1` makes them anew)."""

from __future__ import annotations

import json
import os
import re

import pytest

from connector.rules.checker import check, check_condition
from connector.rules.evaluation import Evaluation, HeldBack, Overlap
from connector.rules.lexing import keywords
from connector.rules.normal import format_condition
from connector.rules.reference import with_tables
from connector.rules.rule_tests import run_tests
from tests.conftest import ROOT
from tests.rules.conftest import CATALOGUE

PAGE = ROOT / "docs" / "rules.md"
EXAMPLES = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", [text for kind, text in EXAMPLES if kind == "rules"])
def test_every_rule_example_checks_and_passes_its_tests(text: str) -> None:
    checked = check({"page.rules": text}, CATALOGUE)
    assert checked.rules is not None, "\n".join(map(str, checked.problems))
    assert [result.failures for result in run_tests(checked.rules, CATALOGUE) if not result.passed] == []


@pytest.mark.parametrize("text", [text for kind, text in EXAMPLES if kind == "condition"])
def test_every_condition_example_checks_and_is_in_normal_form(text: str) -> None:
    parsed = check_condition(text, CATALOGUE)
    assert parsed.condition is not None, "\n".join(map(str, parsed.problems))
    assert format_condition(parsed.condition) == text.strip()


def test_every_command_example_exists() -> None:
    from connector.cli.rules import rules

    console = "\n".join(text for kind, text in EXAMPLES if kind == "console")
    named = set(re.findall(r"connector rules (\w+)", console))
    assert named <= set(rules.commands)
    assert {"check", "test", "match", "explain", "format", "suggest"} <= named


def test_every_keyword_is_listed() -> None:
    listed = PAGE.read_text("utf-8").partition("<!-- keywords -->")[2].partition("<!-- end -->")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == keywords()


def test_the_answer_of_match_is_shown_as_it_is() -> None:
    (shown,) = (json.loads(text) for kind, text in EXAMPLES if kind == "json")
    made = Evaluation(
        "v", held_back=[HeldBack("s", None, None, "f", "r")], overlaps=[Overlap("s", None, ("T",))]
    ).as_json()
    assert list(shown) == list(made)
    for name in ("held_back", "overlaps"):
        assert shown[name][0].keys() == made[name][0].keys()


def test_the_error_on_the_page_is_what_an_author_sees() -> None:
    (shown,) = re.findall(r"^apparel.rules:3:18: .*\n.*\n.*$", PAGE.read_text("utf-8"), re.MULTILINE)
    (problem,) = check({"apparel.rules": '\n\nassign "A" where colour = "red"'}, CATALOGUE).problems
    assert shown == str(problem)


def test_there_are_examples_of_every_kind() -> None:
    assert {kind for kind, _ in EXAMPLES} == {"rules", "condition", "console", "json"}
    assert len(EXAMPLES) >= 12


def test_the_tables_are_those_of_the_registry() -> None:
    page = PAGE.read_text("utf-8")
    made = with_tables(page)
    if os.environ.get("REWRITE"):
        PAGE.write_text(made, "utf-8")
        page = made
    assert page == made, "REWRITE=1 makes the tables anew"
    assert "| `min(number, …) → number` |" in page
