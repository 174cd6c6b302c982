"""Counts for Prometheus, read from the database when they are asked for: right whichever process answers."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Request, request
from flask.typing import ResponseReturnValue
from peewee import fn
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from connector.services import work
from connector.store.database import connection
from connector.store.models import Listing, Order, PeriodicTask

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
"""Headers that proxies add to what they pass on."""

PLAIN = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


class Counts(Collector):
    """Queue, listings, orders and recurring work. The empty listing status is one that was never uploaded."""

    def collect(self) -> Iterable[Metric]:
        """Four families; each is one grouped query."""
        with connection():
            yield _gauge("connector_queue_items", "Queue items by state", "state", work.counts())
            yield _gauge("connector_listings", "Listings by marketplace status", "status", _by(Listing, Listing.status))
            yield _gauge("connector_orders", "Marketplace orders by state", "state", _by(Order, Order.state))
            yield _gauge(
                "connector_task_last_success_timestamp_seconds",
                "Unix second at which recurring work last ended well",
                "task",
                {t.name: t.finished_at.timestamp() for t in PeriodicTask.select() if t.finished_at},
            )


def routes(token: str = "") -> Blueprint:
    """`/metrics`: for who sends `token` as a bearer token; without a token, for programs on this machine alone."""
    web, registry = Blueprint("metrics", __name__), CollectorRegistry()
    registry.register(Counts())

    @web.get("/metrics")
    def metrics() -> ResponseReturnValue:
        if not _may_read(request, token):
            return "Set CONNECTOR_METRICS_TOKEN and send it as a bearer token, or ask from this machine.\n", 403, PLAIN
        return generate_latest(registry), 200, {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}

    return web


def _may_read(asked: Request, token: str) -> bool:
    """A proxy on this machine also calls from loopback, for anybody: what it forwards is not of this machine."""
    if token:
        return hmac.compare_digest(asked.headers.get("Authorization", "").encode(), f"Bearer {token}".encode())
    forwarded = any(name in asked.headers for name in FORWARDED)
    return not forwarded and ipaddress.ip_address(asked.remote_addr or "0.0.0.0").is_loopback  # noqa: S104  # nobody's


def _by(model: Any, column: Any) -> dict[str, float]:
    return dict(model.select(column, fn.COUNT(model.id)).group_by(column).tuples())


def _gauge(name: str, text: str, label: str, values: Any) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], float(value))
    return family
