"""The first page: six numbers, what needs somebody, three charts, the commonest reasons."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, redirect, request, session, url_for
from flask_admin import AdminIndexView

from connector.admin import formats
from connector.admin.base import Guarded, page
from connector.admin.site import actor, context
from connector.domain.money import from_minor
from connector.services import dashboard
from connector.store.models import Account


class Dashboard(Guarded, AdminIndexView):  # type: ignore[misc]  # flask-admin has no types
    """Numbers come from the services; this view only arranges them."""

    open_changes = frozenset({"switch"})

    @page("/")
    def index(self) -> Any:
        """The dashboard of all accounts, or of the one chosen in the top bar."""
        now, account_id = context().clock.now(), session.get("account")
        sales = dashboard.sales(now, account_id)
        states = dashboard.listing_states(account_id)
        delay = dashboard.sync_delay(now, account_id)
        kinds = dashboard.issue_kinds(account_id)
        return self.render(
            "ui/dashboard.html",
            tiles=_tiles(now, account_id, sales, states, delay, kinds),
            todo=dashboard.needs_you(now, account_id),
            kinds=kinds,
            invalid=dashboard.invalid_listings(account_id),
            charts=_charts(sales, states, delay),
            sales=sales,
            setup=dashboard.setup_counts(),
        )

    @page("/account", methods=("POST",))
    def switch(self) -> Any:
        """Look at one account, or at all."""
        chosen = request.form.get("account", type=int)
        if chosen and Account.select().where(Account.id == chosen).exists():
            session["account"] = chosen
        else:
            session.pop("account", None)
        return redirect(self.return_url())

    @page("/live")
    def live(self) -> Any:
        """Running work as JSON; unchanged work costs the browser a 304."""
        now = context().clock.now()
        work = dashboard.running_work(now, actor())
        open_ids = {batch.id for batch in work}
        seen = [i for i in request.args.get("seen", "").split(",") if i and i not in open_ids]
        body = json.dumps(
            {
                "work": [_job(batch) for batch in work],
                "finished": [_job(batch) for batch in dashboard.finished_work(seen, now)],
            }
        )
        response = Response(body, mimetype="application/json", headers={"Cache-Control": "private, no-cache"})
        response.set_etag(hashlib.sha256(body.encode()).hexdigest()[:32])
        return response.make_conditional(request)


def _job(batch: dashboard.Batch) -> dict[str, Any]:
    left = batch.left
    text = "" if left is None else f"about {int(left)} s left" if left < 90 else f"about {int(left // 60)} min left"
    return {
        "id": batch.id,
        "label": batch.label,
        "total": batch.total,
        "done": batch.done,
        "failed": batch.failed,
        "running": batch.running,
        "left": text,
        "mine": batch.mine,
    }


def _tile(label: str, value: str, note: str, url: str, tone: str = "", trend: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note, "url": url, "tone": tone, "trend": trend}


def _tiles(now: Any, account_id: int | None, sales: Any, states: Any, delay: Any, kinds: Any) -> list[dict[str, str]]:
    live, total = states.get("ACTIVATE", 0), sum(states.values())
    to_ship, late = dashboard.orders_to_ship(now, account_id)
    invalid = dashboard.invalid_listings(account_id)
    change = round(100 * (sales.total - sales.before) / sales.before) if sales.before else None
    return [
        _tile(
            "Sales, 30 days",
            _whole(sales.total, sales.currency),
            f"against {_whole(sales.before, sales.currency)} before" if sales.before else "nothing to compare yet",
            url_for("orders.index_view"),
            trend=f"{change:+d} %" if change is not None else "",
        ),
        _tile(
            "Orders to ship",
            f"{to_ship:,}",
            f"{late:,} wait for over two days" if late else "none is late",
            url_for("orders.index_view", flt0_to_ship_is="1"),
            "warn" if late else "",
        ),
        _tile(
            "Live listings",
            f"{live:,}",
            f"of {total:,} products",
            url_for("products.index_view", flt0_marketplace_status_is="ACTIVATE"),
        ),
        _tile(
            "Listings with issues",
            f"{invalid:,}",
            f"{len(kinds)} {'kind' if len(kinds) == 1 else 'kinds'} of problem" if invalid else "nothing is held back",
            url_for("products.index_view", flt0_validation_status_is="invalid"),
            "bad" if invalid else "",
        ),
        _tile(
            "Price and stock delay",
            "–" if delay.last_p50 is None else f"{delay.last_p50:g} s",
            "nothing was sent today" if delay.last_p99 is None else f"99 of 100 within {delay.last_p99:g} s",
            url_for("queue.index_view"),
        ),
        _work_tile(now),
    ]


def _work_tile(now: Any) -> dict[str, str]:
    work = dashboard.running_work(now)
    waiting = sum(batch.total - batch.done for batch in work)
    note = ", ".join(batch.label for batch in work[:2]) or "nothing waits"
    return _tile("Work under way", f"{waiting:,}", note, url_for("queue.index_view"))


def _whole(minor: int, currency: str) -> str:
    """An amount without its cents."""
    text = formats.minor(minor, currency) if currency else "–"
    return text.rpartition(".")[0] or text


def _charts(sales: Any, states: Any, delay: Any) -> dict[str, Any]:
    groups = {"Live": ("ACTIVATE",), "In review": ("PENDING", "SCHEDULED"), "Rejected": ("FAILED",)}
    groups |= {
        "Stopped": ("SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED", "FREEZE"),
        "Not uploaded": ("", "DRAFT", "DELETED"),
    }
    return {
        "sales": {
            "labels": sales.days,
            "data": [float(from_minor(total, sales.currency)) for total in sales.totals],
            "symbol": formats.SYMBOLS.get(sales.currency, f"{sales.currency} "),
        },
        "states": {"labels": list(groups), "data": [sum(states.get(s, 0) for s in names) for names in groups.values()]},
        "delay": {"labels": delay.hours, "p50": delay.p50, "p99": delay.p99},
    }
