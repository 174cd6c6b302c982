"""Counts for Prometheus, read from the database when they are asked for: right whichever process answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from peewee import fn
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from connector.services import work
from connector.store.database import connection
from connector.store.models import Listing, Order, PeriodicTask


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


def routes() -> Blueprint:
    """`/metrics`."""
    web, registry = Blueprint("metrics", __name__), CollectorRegistry()
    registry.register(Counts())

    @web.get("/metrics")
    def metrics() -> ResponseReturnValue:
        return generate_latest(registry), 200, {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}

    return web


def _by(model: Any, column: Any) -> dict[str, float]:
    return dict(model.select(column, fn.COUNT(model.id)).group_by(column).tuples())


def _gauge(name: str, text: str, label: str, values: Any) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], float(value))
    return family
