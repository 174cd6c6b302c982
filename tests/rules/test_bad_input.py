"""Whatever is fed in: an answer with a place, soon, and never a traceback."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from connector.rules.checker import Checked, check
from connector.rules.normal import format_file
from connector.rules.python import compile_condition
from connector.rules.ruleset import TextError, decode, read_text
from tests.conftest import ROOT
from tests.rules.conftest import CATALOGUE, TODAY, product

NIGHTLY = os.environ.get("NIGHTLY") == "1"
SHARE = 1 if NIGHTLY else 4
"""Long texts are a quarter as long by day: what is not linear in them is found all the same."""
SHIPPED = sorted((ROOT / "rules").glob("*.rules"))
WORDS = [
    *[
        "segment",
        "assign",
        "on",
        "account",
        "priority",
        "where",
        "price",
        "when",
        "then",
        "otherwise",
        "round",
        "up",
        "down",
        "nearest",
        "to",
        "ending",
        "at",
        "least",
        "most",
    ],
    *[
        "test",
        "given",
        "variant",
        "expect",
        "fails",
        "and",
        "or",
        "not",
        "between",
        "in",
        "contains",
        "starts",
        "ends",
        "with",
        "like",
        "has",
        "any",
        "all",
        "of",
        "every",
        "is",
    ],
    *[
        "empty",
        "under",
        "days",
        "day",
        "since",
        "today",
        "yes",
        "no",
        "(",
        ")",
        ",",
        "=",
        "!=",
        "<",
        ">",
        "+",
        "-",
        "*",
        "/",
        "@",
        "#",
        '"',
        "`",
        "\\",
        "%",
        "_",
        "'",
        ";",
        "--",
        "12",
        "0.99",
        "12%",
        "2026-11-01",
    ],
    *[
        "qty",
        "brand",
        "__import__",
        "exec",
        "eval",
        "None",
        "True",
        "{}",
        "[]",
        ":",
        "DROP",
        "TABLE",
        "%s",
        "${x}",
        "\\n",
        "é",
        "漢",
        "\u202e",
        "\x00",
        "�",
        "\n",
    ],
]


def judged(text: str) -> Checked:
    """Check a text; every problem has a place inside it, and what is accepted compiles, runs and formats."""
    checked = check({"x.rules": text}, CATALOGUE)
    lines = text.removeprefix("\ufeff").split("\n")
    for each in checked.problems:
        assert 1 <= each.line <= len(lines)
        assert 1 <= each.column < each.end_column <= max(len(lines[each.line - 1]) + 3, each.column + 2)
        assert each.message
        assert str(each)
    if checked.rules is None:
        assert checked.problems
        return checked
    format_file(checked.rules.files[0])
    facts = product(qty=1, brand="x")
    for assign in checked.rules.assigns:
        assert compile_condition(assign.condition)(facts, TODAY.toordinal()) in (True, False)
    return checked


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_prefix_of_every_shipped_file_is_judged(path: Path) -> None:
    text = path.read_text()
    for end in range(0, len(text), 1 if NIGHTLY else 7):
        judged(text[:end])


def test_random_mutations_are_judged() -> None:
    chance = random.Random(20261123)
    sources = [path.read_text() for path in SHIPPED]
    for _ in range(100_000 if NIGHTLY else 2_000):
        source = chance.choice(sources)
        start = chance.randrange(len(source))
        text = source[start : start + chance.randrange(400)]
        for _ in range(chance.randint(1, 4)):
            at, size = chance.randint(0, len(text)), chance.choice((0, 0, 1, 5))
            piece = chance.choice((*WORDS, chr(chance.choice((chance.randrange(128), chance.randrange(0x11000))))))
            text = text[:at] + piece + text[at + size :]
        judged(text)


@pytest.mark.parametrize(
    "text",
    [
        "segment a = " + "(" * (60_000 // SHARE),
        "segment a = " + "(" * (30_000 // SHARE) + "in_stock" + ")" * (30_000 // SHARE),
        "segment a = " + "not " * (60_000 // SHARE) + "in_stock",
        "segment a = " + "not (" * (40_000 // SHARE),
        "segment a = qty > " + "-" * (200_000 // SHARE) + "1",
        "segment a = qty > " + "-(" * (100_000 // SHARE),
        "segment a = qty > " + "1+" * (100_000 // SHARE) + "1",
        "segment a = qty > " + "(1+" * (60_000 // SHARE) + "1",
        "segment a = qty > " + "(" * 60 + "1" + "+1" * 60 + ("+1)" + "+1" * 60) * 60,
        "segment a = " + "any variant (" * (19_000 // SHARE),
        "segment a = qty in (" + "1," * (100_000 // SHARE) + ")",
        "segment a = qty = " + "9" * (200_000 // SHARE),
        'segment a = brand = "' + "x" * (200_000 // SHARE),
        "segment a = " + " or ".join(["qty = 1"] * 20_001),
        "test " * (50_000 // SHARE),
        '"' * (200_000 // SHARE),
        "`" * (200_000 // SHARE),
        "#" * (200_000 // SHARE) + "\nx",
        "@" * (200_000 // SHARE),
        'price "P" ' + "when qty = 1 then 1 " * (12_000 // SHARE),
        'price "P" otherwise ' + "min(" * (60_000 // SHARE),
    ],
    ids=lambda text: f"{text[:28]}…",
)
def test_deep_and_long_texts_get_an_error_soon(text: str) -> None:
    """Five seconds of computing at the most on a slow machine; what grows with the square of such a length takes many minutes."""
    begun = time.process_time()
    checked = judged(text)
    assert checked.problems
    assert time.process_time() - begun < 60


def test_what_the_limits_allow_works() -> None:
    """64 levels, 64 operations, 20,000 comparisons, 10,000 items."""
    for text in (
        "in_stock and (in_stock or (" * 32 + "in_stock" + "))" * 32,
        "not (" * 64 + "in_stock" + ")" * 64,
        "not " * 64 + "in_stock",
        "(" * 64 + "in_stock" + ")" * 64,
        "any variant (" + "not (in_stock or " * 31 + "in_stock" + ")" * 32,
        "qty > " + "-(" * 63 + "1" + ")" * 63,
        "qty > " + "1 + " * 64 + "1",
        "qty > " + "min(1, " * 63 + "1" + ")" * 63,
        " and ".join(["is_new"] * 20_000),
        "qty in (" + ", ".join(map(str, range(10_000))) + ")",
    ):
        checked = judged(f'assign "T" where {text}')
        assert not checked.problems, str(checked.problems[0])


def test_expanded_segments_count() -> None:
    doubling = "segment s0 = in_stock and is_new\n" + "\n".join(
        f"segment s{n} = @s{n - 1} and @s{n - 1}" for n in range(1, 60)
    )
    (problem,) = judged(doubling).problems[:1]
    assert problem.code == "too-large"
    deep = "segment s0 = in_stock\n" + "\n".join(f"segment s{n} = not @s{n - 1}" for n in range(1, 100))
    assert [each.code for each in judged(deep).problems][:1] == ["too-deep"]


@pytest.mark.parametrize(
    "piece",
    [
        'segment a{n} = qty > {n} and (brand = "x" or not in_stock)\n',
        "segment a{n} = qty > and\n",
        'segment a{n} = colour{n} = "Red"\n',
        'segment a{n} = color = "Rot{n}"\n',
        'price "p{n}" when qty > {n} then cost * 1.6 otherwise price + 12%\n',
        '"{n}\n',
        "{n} ö # é\n",
        "segment a{n} = @a{n}\n",
    ],
)
def test_time_is_linear_in_the_text(piece: str) -> None:
    """Four times the text takes about four times as long; the least of three runs each, and room for a busy machine."""

    def least(count: int) -> float:
        text = "".join(piece.format(n=n) for n in range(count))
        times = []
        for _ in range(3):
            begun = time.process_time()
            check({"x.rules": text}, CATALOGUE)
            times.append(time.process_time() - begun)
        return min(times)

    small = least(400)
    assert least(1600) < 4 * small * 2.5 + 0.1


@pytest.mark.parametrize(
    "char", ["\x00", "\x07", "\x1f", "\x7f", "\x85", "\u200e", "\u202e", "\u2066", "\ufeff", "\ud800"]
)
def test_characters_that_deceive_or_break_are_refused_with_their_place(char: str) -> None:
    (problem,) = judged(f'segment a = in_stock\nsegment b = brand = "x{char}y"').problems
    assert (problem.line, problem.column, problem.code) == (2, 23, "character")
    assert char not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE product; --",
        '" OR 1=1 --',
        "%s %(x)s %d {0} ${x}",
        "__import__('os').system('true')",
        "\\x27\\u0000",
        "{{ 7 * 7 }}",
        "*?[a-z]",
        "'''",
        "#{1+1}",
        "\u200b\u00ad",
    ],
)
def test_text_that_looks_like_code_stays_text(text: str) -> None:
    literal = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    checked = judged(f'assign "T" where brand = {literal} assign {literal} where brand != {literal}')
    assert checked.rules is not None
    first, second = (compile_condition(each.condition) for each in checked.rules.assigns)
    assert first(product(brand=text), 1) is True
    assert second(product(brand=text), 1) is False
    assert first(product(brand="x"), 1) is False


@pytest.mark.parametrize("name", ["__import__", "__class__", "os", "p", "t", "k0", "refuse", "v1", "eval"])
def test_names_that_look_like_python_are_unknown_fields_and_functions(name: str) -> None:
    assert "unknown field" in str(judged(f"segment a = {name} = 1").problems[0])
    assert "unknown function" in str(judged(f"segment a = {name}(1) = 1").problems[0])


def test_a_large_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "large.rules"
    path.write_bytes(b"segment a = in_stock\n" * 500_000)
    begun = time.process_time()
    with pytest.raises(TextError, match="larger than 256 KiB"):
        read_text(path, "large.rules")
    assert time.process_time() - begun < 0.5
    (problem,) = check({"large.rules": path.read_text()}, CATALOGUE).problems
    assert problem.code == "too-large"


def test_bytes_that_are_no_utf8_have_a_place() -> None:
    with pytest.raises(TextError) as caught:
        decode("segment a =\n é".encode() + b"\xff", "x.rules")
    assert (caught.value.problem.line, caught.value.problem.column) == (2, 3)


def test_a_byte_order_mark_at_the_start_is_harmless() -> None:
    assert decode(b"\xef\xbb\xbfsegment a = in_stock", "x.rules") == "segment a = in_stock"
    assert not judged("\ufeffsegment a = in_stock").problems


def test_windows_line_ends_are_harmless() -> None:
    found = judged("segment a = in_stock\r\nsegment b = colour = 1\r\n").problems
    assert [(each.line, each.source_line) for each in found] == [(2, "segment b = colour = 1")]
