"""What is wrong with a rule text: all of it at once, each with its place, in plain words, with the nearest known name."""

from __future__ import annotations

import pytest

from connector.rules.checker import Checked, check, check_condition
from connector.rules.lexing import grammar, keywords
from connector.rules.problems import Problem, nearest
from tests.rules.conftest import CATALOGUE

KEYWORDS = (
    "segment assign on account priority where price when then otherwise round up down nearest to ending at least most test"
    " given variant expect fails and or not between in contains starts ends with like has any all of every is empty under"
    " days day since today yes no"
)


def checked(text: str, **others: str) -> Checked:
    return check({"a.rules": text, **{f"{name}.rules": other for name, other in others.items()}}, CATALOGUE)


def of_condition(text: str) -> list[Problem]:
    return list(check_condition(text, CATALOGUE).problems)


def test_the_grammar_has_no_conflict() -> None:
    """Lark settles shift/reduce conflicts silently; only `strict` raises, and it needs interegular."""
    grammar.__wrapped__(strict=True)
    assert {"file", "condition"} <= {str(rule.origin.name) for rule in grammar().rules}


def test_the_keywords_are_those_of_the_contract() -> None:
    assert keywords() == frozenset(KEYWORDS.split())


@pytest.mark.parametrize("keyword", sorted(set(KEYWORDS.split()) - {"price"}))
def test_keywords_are_reserved_everywhere(keyword: str) -> None:
    assert of_condition(f"{keyword} = 3"), keyword
    assert checked(f"segment {keyword} = price > 1").problems, keyword


def test_a_problem_shows_file_place_line_and_caret() -> None:
    (problem,) = checked('segment a = qty > 1\nsegment b = colour = "Red"').problems
    assert str(problem) == (
        "a.rules:2:13: error: unknown field `colour` — did you mean `color`?\n"
        '    segment b = colour = "Red"\n'
        "                ^^^^^^"
    )
    assert (problem.line, problem.column, problem.end_column) == (2, 13, 19)


def test_the_caret_stands_right_behind_tabs_and_wide_characters() -> None:
    (problem,) = of_condition('brand = "漢字" and\tcolour = 1')
    shown, caret = str(problem).splitlines()[1:]
    assert shown == '    brand = "漢字" and colour = 1'
    assert caret == "    " + " " * (len('brand = "漢字" and ') + 2) + "^^^^^^"


def test_a_long_line_is_cut_around_the_place() -> None:
    (problem,) = of_condition("qty > 1 and " * 50 + "colour = 1")
    shown, caret = str(problem).splitlines()[1:]
    assert len(shown) <= 104
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "colour"


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        # names
        ('colour = "Red"', ["unknown field `colour`", "did you mean `color`?"], (1, 1)),
        ("status = enabled", ["unknown field `enabled`", 'in double quotes: "enabled"'], (1, 10)),
        ("brand = colour", ["unknown field `colour`", "did you mean `color`?"], (1, 9)),
        ('Brand = "x"', ["unknown field `Brand`", "did you mean `brand`?"], (1, 1)),
        ('color = "Rde"', ["`color` has no label “Rde”", 'did you mean "Red"?'], (1, 9)),
        ('"Rde" = color', ["`color` has no label “Rde”"], (1, 1)),
        ('color in ("Red", "Blu")', ["no label “Blu”", 'did you mean "Blue"?'], (1, 18)),
        ('features has "warmth"', ["`features` has no label “warmth”", '"Warm"'], (1, 14)),
        ('features has all of ("Warm", "x")', ["`features` has no label “x”"], (1, 30)),
        ('status = "active"', ["`status` has no label “active”"], (1, 10)),
        ('category under "Men/Topps"', ["unknown category “Men/Topps”", 'did you mean "Men/Tops"?'], (1, 16)),
        ('category is "/Men"', ["unknown category", "without a slash"], (1, 13)),
        ('category under "Men/"', ["unknown category", "leave the last slash out"], (1, 16)),
        ('category is ""', ["the category path is empty"], (1, 13)),
        ("@sellable", ["unknown segment `@sellable`"], (1, 1)),
        ("@in_stock", ["unknown segment `@in_stock`", "write it without `@`"], (1, 1)),
        ("med(price) > 1", ["unknown function `med`"], (1, 1)),
        ("maxx(price, 1) > 1", ["unknown function `maxx`", "did you mean `max`?"], (1, 1)),
        # types
        ('price = "12"', ["a number cannot be compared with a text"], (1, 1)),
        ("brand > 5", ["a text cannot be compared with a number"], (1, 1)),
        ("released > 5", ["a date cannot be compared with a number"], (1, 1)),
        ("released > 2026-1-1", ["a date cannot be compared with a number", "`2026-01-09`"], (1, 1)),
        ("in_stock = 1", ["a yes/no value cannot be compared with a number", "`yes` or `no`"], (1, 1)),
        ('features = "Warm"', ["a set of choices cannot be compared", "`has`"], (1, 1)),
        ('category = "Men"', ["categories cannot be compared", "category under"], (1, 1)),
        ("price between released and 5", ["a number cannot be compared with a date"], (1, 1)),
        ('brand between "a" and "b"', ["`between` asks about numbers and dates"], (1, 1)),
        ("price in (1, 2026-01-01)", ["`price` is a number, and this is not"], (1, 14)),
        (
            "in_stock in (yes)",
            ["`in` asks about a choice, a date, a number or a text", "`in_stock` is a yes/no value"],
            (1, 1),
        ),
        ('features in ("Warm")', ["`in` asks about", "`has any of`"], (1, 1)),
        ('price contains "5"', ["`contains` asks about a text, and `price` is a number"], (1, 1)),
        ('color contains "Re"', ["`contains` asks about a text", "color in"], (1, 1)),
        ("brand contains price", ["`contains` asks about a text, and `price` is a number"], (1, 16)),
        ('qty like "5*"', ["`like` asks about a text"], (1, 1)),
        ('color has "Red"', ["`has` asks about a set of choices", 'write `color = "…"`'], (1, 1)),
        ('brand is "Acme"', ["`is` asks about a set of categories", 'write `brand = "…"`'], (1, 1)),
        ('brand under "Men"', ["`under` asks about a set of categories"], (1, 1)),
        ("price", ["`price` is a number, not a condition"], (1, 1)),
        ("in_stock and brand", ["`brand` is a text, not a condition"], (1, 14)),
        ("price between 1 and 2 and 3", ["this is a number, not a condition"], (1, 27)),
        ("yes", ["this is a yes/no value, not a condition"], (1, 1)),
        ("(in_stock and is_new) + 1 > 2", ["this is a condition, and a value belongs here"], (1, 1)),
        ("brand + 1 > 2", ["a number belongs here, and this is a text"], (1, 1)),
        ("-brand > 2", ["a number belongs here, and this is a text"], (1, 2)),
        ("days since(price) > 1", ["`days since` asks for a date here, and this is a number"], (1, 12)),
        ("min(brand, 1) > 1", ["`min` asks for a number here, and this is a text"], (1, 5)),
        ("abs(1, 2) > 1", ["does not take 2 values"], (1, 1)),
        ("released - created_at > 5", ["two dates cannot be subtracted", "days since"], (1, 1)),
        ("released > 30 days", ["a duration is no value of its own"], (1, 1)),
        ("price + 30 days > 5", ["days are added to or taken from a date"], (1, 1)),
        ("released > today - 1.5 days", ["whole number of days"], (1, 20)),
        ('price of "P" > 5', ["`price of` stands in the amounts of a price only"], (1, 1)),
        # percentages
        ("price > 12%", ["a percentage has a meaning only"], (1, 9)),
        ("12% + price > 5", ["a percentage has a meaning only"], (1, 1)),
        ("price / 12% > 5", ["a percentage has a meaning only"], (1, 9)),
        ("price + (12%) > -12%", ["a percentage has a meaning only"], (1, 18)),
        ("released + 12% > today", ["a number belongs here, and this is a date"], (1, 1)),
        # variants
        ("any variant (any variant (qty > 1))", ["`any variant` may not stand inside another one"], (1, 14)),
        ("any variant (in_stock or every variant (qty > 1))", ["may not stand inside another one"], (1, 26)),
        # words
        ("price = 007", ["`007` is no number", "no leading zeros"], (1, 9)),
        ("price = 1e5", ["`1e5` is no number", "no exponent"], (1, 9)),
        ("price = 5and in_stock", ["`5and` is no number", "put a space"], (1, 9)),
        ("price = 12 %", ["`%` has no meaning here", "directly behind a number"], (1, 12)),
        ("price = 1.2.3", ["`1.2.3` is no number"], (1, 9)),
        ("price in (1,000)", ["`000` is no number"], (1, 13)),
        ("released = 2026-02-30", ["no day of the calendar"], (1, 12)),
        ("released = 2026-11-012", ["`012` is no number"], (1, 20)),
        ("released > 0000-01-01", ["no day of the calendar"], (1, 12)),
        ('brand = "Acme', ["the text does not end on this line"], (1, 9)),
        ('brand = "a\nb"', ["the text does not end on this line"], (1, 9)),
        ("`brand = 5", ["the name does not end on this line"], (1, 1)),
        ('brand = "\\q"', ["`\\q` is no escape"], (1, 9)),
        ("brand = 'Acme'", ["`'` has no meaning here", "double quotes"], (1, 9)),
        ("größe = 5", ["`ö` has no meaning here", "between backquotes"], (1, 3)),
        ("!in_stock", ["`!` has no meaning here", "write `not`"], (1, 1)),
        ("price > .5", ["`.` has no meaning here", "`0.5`"], (1, 9)),
        ("price > 1,500", ["`,` does not fit here", "no thousands separator"], (1, 10)),
        ("in_stock && is_new", ["`&` has no meaning here", "write `and`"], (1, 10)),
        ("price\u00a0> 5", ["NO-BREAK SPACE has no meaning here", "plain space"], (1, 6)),
        ("price = " + "9" * 101, ["at most 100 digits"], (1, 9)),
        # syntax
        ("", ["there is nothing here", "expected a condition"], (1, 1)),
        ("in_stock and", ["something is missing behind `and`"], (1, 10)),
        ("price == 5", ["`=` does not fit here", "write one `=`"], (1, 8)),
        ("price <> 5", ["`>` does not fit here", "`!=`"], (1, 8)),
        ("in_stock AND is_new", ["`AND` does not fit here", "keywords are lower case: `and`"], (1, 10)),
        ('name not contains "x"', ["`contains` does not fit here", "`not` stands before the field"], (1, 10)),
        ("when = 5", ["`when` does not fit here", "between backquotes"], (1, 1)),
        ("brand in ()", ["`)` does not fit here", "a fixed value"], (1, 11)),
        ("brand like name", ["expected a text in double quotes"], (1, 12)),
        ("price in (cost)", ["`cost` does not fit here", "a fixed value"], (1, 11)),
        ("in_stock is_new", ["`is_new` does not fit here"], (1, 10)),
        ("(in_stock", ["something is missing behind `in_stock`"], (1, 2)),
        ("in_stock)", ["`)` does not fit here"], (1, 9)),
    ],
)
def test_condition_problem(text: str, words: list[str], place: tuple[int, int]) -> None:
    problems = of_condition(text)
    first = problems[0]
    shown = str(first).splitlines()[0]
    for word in words:
        assert word in shown, shown
    assert (first.line, first.column) == place


@pytest.mark.parametrize(
    ("text", "words", "places"),
    [
        ("segment color = qty > 1", ["`color`, which is a field"], [(1, 9)]),
        ("segment a = @b\nsegment b = @a", ["leads back to itself"], [(1, 13), (2, 13)]),
        ("segment a = not @a", ["leads back to itself"], [(1, 17)]),
        ("segment a = qty > 1\nsegment a = qty > 2", ["two segments called “a”", "line 1"], [(2, 9)]),
        ('price "P" otherwise 1 price "P" otherwise 2', ["two prices called “P”"], [(1, 29)]),
        (
            (
                'assign "T" where in_stock test "x" given sku = "a" expect assign "T"'
                ' test "x" given sku = "a" expect assign "T"'
            ),
            ["two tests called “x”"],
            [(1, 75)],
        ),
        ('price "P" when price > 1 then 2', ["has no `otherwise`"], [(1, 7)]),
        ('price "P" otherwise price of "Q"', ["unknown price “Q”"], [(1, 21)]),
        ('price "P" otherwise price of "P"', ["computed from itself"], [(1, 21)]),
        (
            'price "P" otherwise price of "Q"\nprice "Q" otherwise 1 at least price of "P"',
            ["computed from itself"],
            [(1, 21), (2, 32)],
        ),
        ('price "P" otherwise brand', ["an amount is a number, and this is a text"], [(1, 21)]),
        ('price "P" otherwise 12%', ["a percentage has a meaning only"], [(1, 21)]),
        ('price "P" otherwise 1 round to 0', ["the step of a rounding is above zero"], [(1, 23)]),
        ('price "P" otherwise 1 round to ending 1', ["an ending is a fraction"], [(1, 23)]),
        ('price "P" otherwise 1 round to -1', ["`-` does not fit here", "a number"], [(1, 32)]),
        ('price "P" otherwise 1 at least released', ["an amount is a number"], [(1, 32)]),
        ('price "P" round up to 1', ["has no `otherwise`"], [(1, 7)]),
        ('assign "T" priority 1.5 where in_stock', ["a priority is a whole number"], [(1, 21)]),
        ('assign "" where in_stock', ["the name of the template is empty"], [(1, 8)]),
        ('assign "T" where', ["something is missing behind `where`"], [(1, 12)]),
        ('test "t" given sku = "a" expect assign "T"', ["no rule assigns “T”"], [(1, 40)]),
        ('test "t" given sku = "a" expect price "P" = 1', ["unknown price “P”"], [(1, 39)]),
        ('price "P" otherwise 1 test "t" given qty = "a" expect price "P" fails', ["`qty` is a number"], [(1, 44)]),
        ('price "P" otherwise 1 test "t" given colr = "a" expect price "P" fails', ["unknown field `colr`"], [(1, 38)]),
        ('price "P" otherwise 1 test "t" given color = "a" expect price "P" fails', ["has no label “a”"], [(1, 46)]),
        (
            'price "P" otherwise 1 test "t" given color = ("Red", "Blue") expect price "P" fails',
            ["holds one choice, not a list"],
            [(1, 38)],
        ),
        ('price "P" otherwise 1 test "t" given qty = 1, qty = 2 expect price "P" fails', ["given twice"], [(1, 47)]),
        ('price "P" otherwise 1 test "t" given final_price = 1 expect price "P" fails', ["computed"], [(1, 38)]),
        ('price "P" otherwise 1 test "t" given qty = 0.0000001 expect price "P" fails', ["six decimals"], [(1, 44)]),
        (
            'price "P" otherwise 1 test "t" given category = "Mn" expect price "P" fails',
            ["unknown category"],
            [(1, 49)],
        ),
        ("in_stock", ["`in_stock` does not fit here", "a new definition"], [(1, 1)]),
        ("segment a = any variant (qty > 1)\nsegment b = any variant (@a)", ["asks about variants itself"], [(2, 26)]),
    ],
)
def test_file_problem(text: str, words: list[str], places: list[tuple[int, int]]) -> None:
    problems = checked(text).problems
    assert [(each.line, each.column) for each in problems] == places, "\n".join(map(str, problems))
    for word in words:
        assert word in str(problems[0]), problems[0]


def test_all_problems_of_a_file_are_reported_at_once() -> None:
    text = """segment a = qty >
segment b = colour = "Red"
assign "T" where where
price "P" otherwise msrpp
test "t" given sku = 5 expect price "P" fails
segment c = 'x'
"""
    problems = checked(text).problems
    assert [each.line for each in problems] == [1, 2, 3, 4, 5, 6, 6]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('price "P"\n when colour = "Red" then cots * 2\n otherwise price +* 2', [(2, 7), (2, 27), (3, 19)]),
        ('assign "T" where (colour = "Red" or qty > 1) and', [(1, 19), (1, 46)]),
        ('assign "T" where brand in ("a" and color = "Rde"', [(1, 32), (1, 44)]),
        ("segment s = colour = 'Red' and prise > 1", [(1, 22), (1, 26), (1, 32)]),
        ('assign "T" where price between 1 and and qty > 1', [(1, 38)]),
        ('assign "T" wher price > 1', [(1, 12)]),
        ("assign T where qty > 1 and prise > 1", [(1, 8), (1, 28)]),
        ("price P when prise > 1 then 2 otherwise 3", [(1, 7), (1, 14)]),
        ('test "t" given colour = "Red" expect', [(1, 31)]),
    ],
)
def test_unknown_names_are_told_beside_a_syntax_error(text: str, places: list[tuple[int, int]]) -> None:
    assert [(each.line, each.column) for each in checked(text).problems] == places


def test_a_not_without_a_condition_ends_before_the_next_definition() -> None:
    """`not assign` is an outcome in a test only."""
    found = checked('assign "T" where not\nassign "U" where colour = 1').problems
    assert [(each.line, each.column) for each in found] == [(1, 18), (2, 18)]
    assert "something is missing behind `not`" in found[0].message


def test_a_price_that_would_take_a_million_prices_is_refused() -> None:
    """Each level names the one below twice: linear to write, 2^n to compute."""
    levels = [f'price "p{n}" otherwise price of "p{n - 1}" + price of "p{n - 1}"' for n in range(1, 12)]
    few, many = (checked("\n".join(['price "p0" otherwise price', *levels[:n]])).problems for n in (9, 11))
    assert few == ()
    assert [(each.line, each.column, each.code) for each in many] == [(11, 7, "too-large")]
    assert "computed from more than 2,000 others" in many[0].message


def test_who_calls_a_definition_that_cannot_be_read_is_not_blamed() -> None:
    text = """segment a = qty >
price "P" otherwise
assign "T" where (
segment b = @a
price "Q" otherwise price of "P"
test "t" given qty = 1 expect assign "T", price "P" = 1
"""
    assert [each.line for each in checked(text).problems] == [1, 2, 3]


def test_names_are_unique_across_files_and_problems_name_both() -> None:
    found = checked("segment a = qty > 1", b="segment a = qty > 2").problems
    assert [(each.file, each.line) for each in found] == [("b.rules", 1)]
    assert "the first is in a.rules, line 1" in str(found[0])


def test_segments_and_prices_are_known_across_files() -> None:
    found = checked(
        'assign "T" where @z price "P" otherwise price of "Z"', z='segment z = in_stock price "Z" otherwise 1'
    )
    assert not found.problems
    assert found.rules is not None


def test_two_assignments_may_name_one_template() -> None:
    assert not checked('assign "T" where in_stock assign "T" priority 5 where is_new').problems


def test_templates_and_accounts_are_checked_where_they_are_known() -> None:
    from dataclasses import replace

    catalogue = replace(CATALOGUE, templates=frozenset({"Men's tops"}), accounts=frozenset({"US shop"}))
    text = 'assign "Mens tops" on account "UK shop" where in_stock'
    found = check({"a.rules": text}, catalogue).problems
    assert "unknown template “Mens tops”" in str(found[0])
    assert 'did you mean "Men\'s tops"?' in str(found[0])
    assert "unknown account “UK shop”" in str(found[1])
    assert not check({"a.rules": 'assign "Men\'s tops" on account "US shop" where in_stock'}, catalogue).problems


def test_text_that_any_label_may_be_is_not_checked() -> None:
    assert not of_condition('any_label = "whatever"')


@pytest.mark.parametrize(
    ("wanted", "expected"), [("colour", "color"), ("BRAND", "brand"), ("xyzzy", None), ("pric", "price")]
)
def test_the_nearest_name_is_offered_only_when_it_is_near(wanted: str, expected: str | None) -> None:
    assert nearest(wanted, CATALOGUE.fields) == expected
