"""Finds plugins: ours by walking two folders, others' through the entry-point group `connector.plugins`."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from importlib.metadata import entry_points

import structlog

from connector.plugins import actions as actions_package
from connector.plugins import policies as policies_package
from connector.plugins.api import actions, policies

GROUP = "connector.plugins"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FailedPlugin:
    """A third party's plugin that could not be loaded; everything else goes on without it."""

    name: str
    reason: str


def load_builtins() -> None:
    """Import every module of the two plugin folders; their classes register themselves."""
    for package in (policies_package, actions_package):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)


def load_third_party() -> list[FailedPlugin]:
    """Import what other packages offer; a broken one is reported, never raised, and leaves nothing half registered."""
    failed = []
    for entry in entry_points(group=GROUP):
        before = ({cls.identifier for cls in policies}, {cls.identifier for cls in actions})
        try:
            entry.load()
        except Exception as error:  # noqa: BLE001 – somebody else's code may raise anything, and must not stop ours
            for identifier in {cls.identifier for cls in policies} - before[0]:
                policies.unregister(identifier)
            for identifier in {cls.identifier for cls in actions} - before[1]:
                actions.unregister(identifier)
            log.warning("plugin_failed", plugin=entry.name, reason=repr(error))
            failed.append(FailedPlugin(entry.name, f"{type(error).__name__}: {error}"))
    return failed


_failed: list[FailedPlugin] = []
_loaded = False


def load() -> list[FailedPlugin]:
    """Load everything once per process; the third-party plugins that failed."""
    global _loaded  # noqa: PLW0603 – registries are per process, and so is having filled them
    if not _loaded:
        load_builtins()
        _failed[:] = load_third_party()
        _loaded = True
    return list(_failed)
