"""Pages that lean on a service are tested where that service is installed."""

from __future__ import annotations

import importlib.util

import pytest


def needs(name: str) -> pytest.MarkDecorator:
    """Skip with a reason where `connector.services.NAME` is not there."""
    absent = importlib.util.find_spec(f"connector.services.{name}") is None
    return pytest.mark.skipif(absent, reason=f"connector.services.{name} is not in this installation")
