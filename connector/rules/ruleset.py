"""Loads rule files as one set: reads, checks, and says what is wrong in every file at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from connector.errors import ConfigurationError, RuleError
from connector.rules import tree
from connector.rules.checker import Checked, check
from connector.rules.functions import Library, library
from connector.rules.lexing import LARGEST_FILE
from connector.rules.metadata import Catalogue
from connector.rules.problems import Problem, source_line


class TextError(Exception):
    """A file that cannot be read as rules; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def rule_files(paths: Iterable[Path]) -> list[Path]:
    """The rule files that paths name: files themselves, and the `*.rules` of folders; sorted by name, each once.

    Raises:
        ConfigurationError: a path does not exist, or there is no rule file at all.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(sorted(path.glob("*.rules"))))
        elif path.exists():
            found[path] = None
        else:
            raise ConfigurationError(f"There is no file or folder “{path}”.")
    if not found:
        raise ConfigurationError(f"There is no *.rules file in {', '.join(map(str, paths)) or 'no path at all'}.")
    return sorted(found, key=lambda path: (path.name, str(path)))


def read_texts(paths: Iterable[Path]) -> tuple[dict[str, str], list[Problem]]:
    """File name → text of every rule file that paths name, and why some could not be read.

    The name is that of the file alone, unless two files bear the same.
    """
    files = rule_files(list(paths))
    names = [path.name for path in files]
    texts: dict[str, str] = {}
    problems = []
    for path in files:
        name = path.name if names.count(path.name) == 1 else str(path)
        try:
            texts[name] = read_text(path, name)
        except TextError as error:
            problems.append(error.problem)
    return texts, problems


def read_text(path: Path, name: str) -> str:
    """One file's text. Raises `TextError` when it is too large or no UTF-8; a large file is not read at all."""
    try:
        if path.stat().st_size > LARGEST_FILE + 3:
            raise TextError(Problem(name, 1, 1, 2, "", "the file is larger than 256 KiB", "split it", code="too-large"))
        return decode(path.read_bytes(), name)
    except OSError as error:
        raise TextError(
            Problem(name, 1, 1, 2, "", f"the file cannot be read: {error.strerror}", code="file")
        ) from error


def decode(data: bytes, name: str) -> str:
    """UTF-8, with or without a byte order mark. Raises `TextError` with the place of the first byte that is none."""
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        shown = source_line(error.object.decode("utf-8", "replace"), line)
        message = "the file is not UTF-8: this byte does not belong there"
        raise TextError(
            Problem(name, line, column, column + 1, shown, message, "save it as UTF-8", code="utf-8")
        ) from None


def check_paths(paths: Iterable[Path], catalogue: Catalogue, functions: Library = library) -> Checked:
    """Read and check files and folders as one set."""
    texts, unread = read_texts(paths)
    checked = check(texts, catalogue, functions)
    if not unread:
        return checked
    return Checked(None, [*unread, *checked.problems], checked.files)


def load(paths: Iterable[Path], catalogue: Catalogue, functions: Library = library) -> tree.RuleSet:
    """A checked rule set.

    Raises:
        RuleError: with every problem of every file.
    """
    checked = check_paths(paths, catalogue, functions)
    if checked.rules is None:
        raise RuleError(checked.problems)
    return checked.rules
