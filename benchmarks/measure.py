"""Measuring: alternating runs, medians, figures with their targets, peak memory of a process of its own."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

RUNS = 9


@dataclass(frozen=True)
class Figure:
    """One measured number. `ratio` is what the target speaks of where there is a rival; `holds` None: no target."""

    name: str
    value: float
    unit: str
    target: str = ""
    holds: bool | None = None
    rival: str = ""
    rival_value: float | None = None
    ratio: float | None = None
    note: str = ""


def medians(*functions: Callable[[], object], runs: int = RUNS) -> list[float]:
    """Median seconds of each function. They take turns, so that a slow moment of the machine hits all of them."""
    times: list[list[float]] = [[] for _ in functions]
    for function in functions:
        function()
    for turn in range(runs):
        order = range(len(functions)) if turn % 2 == 0 else reversed(range(len(functions)))
        for index in order:
            gc.collect()
            start = time.perf_counter()
            functions[index]()
            times[index].append(time.perf_counter() - start)
    return [median(each) for each in times]


def at_most(
    name: str, value: float, rival: str, rival_value: float, limit: float, unit: str, scale: float, note: str = ""
) -> Figure:
    """A figure that may take `limit` times as long as its rival."""
    ratio = value / rival_value
    return Figure(
        name, round(value * scale, 2), unit, f"≤ {limit} × {rival}", ratio <= limit, rival, round(rival_value * scale, 2),
        round(ratio, 3), note,
    )  # fmt: skip


def faster(name: str, value: float, rival: str, rival_value: float, limit: float, unit: str, scale: float) -> Figure:
    """A figure that must be `limit` times faster than its rival."""
    ratio = rival_value / value
    return Figure(
        name, round(value * scale, 2), unit, f"{limit:g} × faster than {rival}", ratio >= limit, rival,
        round(rival_value * scale, 2), round(ratio, 1),
    )  # fmt: skip


def below(name: str, value: float, limit: float, unit: str, note: str = "") -> Figure:
    """A figure with an absolute limit."""
    return Figure(name, round(value, 3), unit, f"≤ {limit:g} {unit}", value <= limit, note=note)


def peak_memory(arguments: Sequence[str]) -> dict[str, float]:
    """Peak megabytes and seconds of `python -m benchmarks.memory …`, run as a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {key: float(value) for key, value in json.loads(done.stdout.splitlines()[-1]).items()}


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned text."""
    head = ("figure", "value", "target", "rival", "ratio", "")
    rows = [head]
    for each in figures:
        rival = "" if each.rival_value is None else f"{each.rival}: {each.rival_value:g}"
        mark = {True: "holds", False: "MISSED", None: ""}[each.holds]
        ratio = "" if each.ratio is None else f"{each.ratio:g}"
        rows.append((each.name, f"{each.value:g} {each.unit}", each.target, rival, ratio, mark))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_json(figures: Sequence[Figure]) -> list[dict[str, object]]:
    return [asdict(each) for each in figures]
