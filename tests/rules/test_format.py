"""One normal form: it means the same, keeps every comment, and formatting again changes nothing."""

from __future__ import annotations

import pytest

from connector.rules.normal import format_condition, format_file, version_of
from connector.rules.parser import parse_condition, parse_file


def formatted(text: str) -> str:
    parsed = parse_file(text, "a.rules")
    assert not parsed.problems, "\n".join(map(str, parsed.problems))
    once = format_file(parsed.tree)
    again = parse_file(once, "a.rules")
    assert not again.problems, once + "\n".join(map(str, again.problems))
    assert again.tree.definitions == parsed.tree.definitions, once
    assert format_file(again.tree) == once
    assert [each.text for each in again.tree.comments] == [each.text for each in parsed.tree.comments]
    return once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", "a = 1"),
        ("((a)) and (b and c)", "a and b and c"),
        ("a or b and c", "a or (b and c)"),
        ("not(a=1)or not @b", "not (a = 1) or not @b"),
        ("not not a", "not (not a)"),
        ("(a + b) * c > 1", "(a + b) * c > 1"),
        ("a + (b * c) > 1", "a + b * c > 1"),
        ("a - (b - c) > 1", "a - (b - c) > 1"),
        ("a / (b / c) > 1", "a / (b / c) > 1"),
        ("a + b + 12% > 1", "(a + b) + 12% > 1"),
        ("a + b * 12% > 1", "a + b * 12% > 1"),
        ("a * 2 - 5% > 1", "(a * 2) - 5% > 1"),
        ("-(a + b) > -c", "-(a + b) > -c"),
        ("(-a) * b > 1", "-a * b > 1"),
        ("- - a > 1", "--a > 1"),
        ("f in (1,2,)", "f in (1, 2)"),
        ("f   not\nin (-1)", "f not in (-1)"),
        ('f has any of("a",)', 'f has any of ("a")'),
        ('f has "a"', 'f has "a"'),
        ('category is not "A/B" or category not under "C"', 'category is not "A/B" or category not under "C"'),
        ("`price` > 1 and `when` = 2 and `plain` = 3", "price > 1 and `when` = 2 and plain = 3"),
        ('f = "a\\"b\\\\c\\n"', 'f = "a\\"b\\\\c\\n"'),
        ('category under "A\\/B"', 'category under "A\\/B"'),
        ("t > today - 1 days and t < today + 30 day", "t > today - 1 day and t < today + 30 days"),
        ("days since ( t ) > 12.50", "days since(t) > 12.50"),
        ("any variant(a)", "any variant (a)"),
        ("min( a,b , ) > 1", "min(a, b) > 1"),
        ("f = 2026-01-02", "f = 2026-01-02"),
    ],
)
def test_condition(text: str, expected: str) -> None:
    parsed = parse_condition(text)
    assert parsed.condition is not None, parsed.problems
    assert format_condition(parsed.condition) == expected
    assert parse_condition(expected).condition == parsed.condition


def test_a_whole_file() -> None:
    text = """# head

segment   a=b  # why
# about the tops
assign "T"   on account "X" priority 10 where # first
  a and # second
  # third
  (b or c)
price "P" when a>1 then 2 when bb > 10 then 3   otherwise 4+12% # rest
  round nearest to ending .99
""".replace(".99", "0.99")
    assert (
        formatted(text)
        == """# head

segment a = b  # why

# about the tops
assign "T" on account "X" priority 10  # first
where a  # second
  # third
  and (b or c)

price "P"
  when a > 1     then 2
  when bb > 10   then 3
  otherwise      4 + 12%  # rest
  round to ending 0.99
"""
    )


def test_long_conditions_and_lists_are_broken_and_stay_so() -> None:
    labels = ", ".join(f'"label number {number}"' for number in range(12))
    parts = " and ".join(f"field_number_{number} > {number}" for number in range(9))
    text = f"segment a = f in ({labels}) and not ({parts} or ({parts})) and any variant ({parts})"
    lines = formatted(text).splitlines()
    assert max(map(len, lines)) <= 100


def test_long_cases_put_their_amount_on_a_line_of_its_own() -> None:
    parts = " and ".join(f"field_number_{number} > {number}" for number in range(9))
    assert formatted(f'price "P" when {parts} then cost * 1.6 when a then 2 otherwise 3').endswith(
        "    then cost * 1.6\n  when a\n    then 2\n  otherwise 3\n"
    )


def test_a_test_is_filled_to_the_width() -> None:
    given = ", ".join(f'field_{number} = "value {number}"' for number in range(12))
    text = (
        f'test "t" given {given}, today = 2026-01-01, x is empty, s = ("a", "b") variant (q=1,) expect not assign "T"'
    )
    lines = formatted(text).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[-2:] == ["  variant (q = 1)", '  expect not assign "T"']


@pytest.mark.parametrize("text", ["", "# only a comment\n", "# a\n\n# b"])
def test_a_file_without_rules(text: str) -> None:
    formatted(text)


def test_comments_never_get_lost_wherever_they_stand() -> None:
    words = [
        "test",
        '"t"',
        "given",
        "a",
        "=",
        "(",
        '"x"',
        ",",
        '"y"',
        ")",
        ",",
        "b",
        "is",
        "empty",
        "variant",
        "(",
        "c",
        "=",
        "1",
        ")",
        "expect",
        "assign",
        '"T"',
        ",",
        "price",
        '"P"',
        "fails",
    ]
    words += [
        "price",
        '"P"',
        "when",
        "a",
        ">",
        "1",
        "then",
        "2",
        "otherwise",
        "(",
        "3",
        "+",
        "4",
        ")",
        "*",
        "5",
        "round",
        "to",
        "1",
        "at",
        "least",
        "2",
    ]
    for place in range(len(words) + 1):
        for comment in (" # x\n", "\n# x\n"):
            text = " ".join(words[:place]) + comment + " ".join(words[place:])
            assert formatted(text).count("# x") == 1


def test_the_version_depends_on_meaning_alone() -> None:
    one = parse_file("segment a=b # note", "a.rules").tree
    two = parse_file("# other\nsegment a = (b)", "a.rules").tree
    three = parse_file("segment a = not b", "a.rules").tree
    assert version_of([one]) == version_of([two])
    assert version_of([one]) != version_of([three])
    assert len(version_of([one])) == 64
