"""One operation in a process of its own, whose peak memory is measured: `python -m benchmarks.memory URL STORE WHAT`."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from connector.rules.sql import masks
from connector.store.facts import FactStore
from connector.store.matches import Matches, matching_ids

from .catalogue import TODAY
from .databases import open_store
from .figures import FIRST, apply, changed_values
from .rules import CASES, FIELDS, UNREAD, assignments, compiled, fifty

NOW = TODAY.toordinal()


def run(store: FactStore, what: str) -> None:
    """Do it once: match a case or twenty, apply changes, read a new attribute, bring a version into force, build columns."""
    if what in {case.name for case in CASES}:
        case = next(case for case in CASES if case.name == what)
        rules = compiled(f'assign "T" where {case.rule}')
        assign, holds = rules.conditions[0]
        matching_ids(store, assign.condition, holds, NOW)
    elif what == "twenty at once":
        conditions = [assign.condition for assign, _ in compiled("\n".join(assignments(20))).conditions]
        query = masks(conditions, store.layout(), NOW)
        sum(1 for _ in store.runner.stream(query.text, query.params))
    elif what == "changes":
        matches = Matches(store, compiled(fifty()), NOW)
        apply(store, matches, changed_values(store, store.count(), FIRST))
    elif what == "attribute":
        assign, holds = compiled(UNREAD).conditions[0]
        matching_ids(store, assign.condition, holds, NOW)
    elif what == "activate":
        matches = Matches(store, compiled("\n".join(assignments(20))), NOW)
        cursor = 0
        while not (step := matches.activate(cursor)).progress.finished:
            cursor = step.progress.cursor
    elif what == "build":
        while not store.build_columns([*FIELDS, "n2", "material", "cost", "n3"]).finished:
            pass
        while not store.build_columns([*FIELDS, "n2", "material", "cost"]).finished:
            pass
    else:
        raise ValueError(f"nothing is called {what}")


def peak() -> float:
    """Megabytes. Linux hands `ru_maxrss` down to the child of a fork, so the kernel's own high-water mark comes first."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    url, store_id, operation = sys.argv[1:]
    facts = open_store(url, int(store_id))
    start = time.perf_counter()
    run(facts, operation)
    seconds = time.perf_counter() - start
    print(json.dumps({"megabytes": peak(), "seconds": seconds}))
