"""Who calls whom: groups of names that lead back to each other, in an order in which everything called comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def components(calls: Mapping[str, Iterable[str]]) -> list[set[str]]:
    """The strongly connected components, callees first (Tarjan's algorithm, without recursion)."""
    graph = {name: list(found) for name, found in calls.items()}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    open_names: set[str] = set()
    found: list[set[str]] = []
    for root in graph:
        if root in index:
            continue
        work = [(root, 0)]
        while work:
            name, position = work.pop()
            if position == 0:
                index[name] = low[name] = len(index)
                stack.append(name)
                open_names.add(name)
            callees = graph.get(name, [])
            if position < len(callees):
                work.append((name, position + 1))
                callee = callees[position]
                if callee not in index:
                    work.append((callee, 0))
                elif callee in open_names:
                    low[name] = min(low[name], index[callee])
                continue
            if low[name] == index[name]:
                found.append(_taken(stack, name, open_names))
            if work:
                caller = work[-1][0]
                low[caller] = min(low[caller], low[name])
    return found


def _taken(stack: list[str], name: str, open_names: set[str]) -> set[str]:
    """The component whose root is `name`, taken off the stack."""
    group: set[str] = set()
    while name not in group:
        group.add(stack.pop())
    open_names -= group
    return group
