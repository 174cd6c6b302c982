"""The dashboard's numbers, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.order import AWAITING_SELLER
from connector.plugins import loader
from connector.services import dashboard
from connector.store import database, migrations, secrets
from connector.store.models import Account, Order, QueueItem, ReturnCase
from tests.admin import world

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def account(database_url):
    secrets.use([world.KEY])
    loader.load()
    database.connect(database_url)
    migrations.upgrade()
    with database.database.connection_context():
        made, _ = world.settings()
        yield made
    database.disconnect()


def order(account: Account, number: int, days: int, total: int, status: str = "COMPLETED") -> None:
    Order.create(
        account=account, tiktok_order_id=str(number), status=status, data={}, currency="USD", total_minor=total,
        placed_at=NOW - timedelta(days=days), imported_at=NOW, changed_at=NOW,
    )  # fmt: skip


def test_sales_are_paid_orders_by_day(account):
    """Today last, unpaid and cancelled ones left out, the thirty days before beside them."""
    order(account, 1, 0, 1000)
    order(account, 2, 0, 250)
    order(account, 3, 29, 400)
    order(account, 4, 30, 70)
    order(account, 5, 1, 9999, "CANCELLED")
    order(account, 6, 1, 9999, "UNPAID")

    sales = dashboard.sales(NOW)

    assert (sales.currency, sales.totals[-1], sales.totals[0], sales.total, sales.before) == (
        "USD",
        1250,
        400,
        1650,
        70,
    )
    assert sales.days[-1] == "23 Nov"


def test_an_account_can_be_looked_at_alone(account):
    """The other's orders do not count."""
    order(account, 1, 0, 1000)

    assert dashboard.sales(NOW, account.id + 1).total == 0


def test_delay_is_from_asked_to_done(account):
    """Half and 99 of 100, by hour."""
    for seconds in (2, 4, 60):
        QueueItem.create(
            kind="inventory_price_sync", subject_type="listing", subject_id=1, account=account, state="confirmed",
            created_at=NOW - timedelta(seconds=seconds), finished_at=NOW,
        )  # fmt: skip

    delay = dashboard.sync_delay(NOW)

    assert (delay.last_p50, delay.last_p99) == (4.0, 60.0)
    assert delay.p50[-1] == 4.0


def test_what_needs_somebody_comes_worst_first(account):
    """A failed order before a token that runs out."""
    Account.update(refresh_expires_at=NOW + timedelta(days=6)).execute()
    order(account, 1, 0, 1000)
    Order.update(state="failed", status="AWAITING_SHIPMENT").execute()

    found = dashboard.needs_you(NOW)

    assert [todo.tone for todo in found] == ["bad", "info"]
    assert found[0].text == "1 order is not in Magento"


def case(account: Account, request_id: str, status: str, state: str, *, decision: str) -> None:
    ReturnCase.create(
        account=account, kind="return", request_id=request_id, tiktok_order_id="1", type="REFUND", status=status, role="BUYER",
        reason="", reason_text="", line_ids=[], refund_minor=0, currency="USD", decision=decision, decision_state=state,
        deadline=int(NOW.timestamp()) + 7_200, imported_at=NOW, changed_at=NOW,
    )  # fmt: skip


def test_cases_wait_for_an_answer_in_every_state_that_asks_for_one(account):
    """A refused answer is none; one that is on its way or was taken is."""
    for number, status in enumerate(sorted(AWAITING_SELLER)):
        for state in ("", "refused", "wanted", "sent"):
            case(account, f"{number}{state}", status, state, decision="reject" if state else "")
    case(account, "over", "RETURN_OR_REFUND_REQUEST_SUCCESS", "", decision="")

    (found,) = [todo for todo in dashboard.needs_you(NOW) if todo.page == "returns.index_view"]

    assert found.text == f"{2 * len(AWAITING_SELLER)} returns wait for your answer"
    assert found.note == "The first runs out in 2 h."


def test_running_work_is_counted_from_its_oldest_open_piece(account):
    """Work that ended earlier belongs to an earlier batch."""
    for state in ("confirmed", "queued", "confirmed", "dead", "running"):
        QueueItem.create(
            kind="upload", subject_type="listing", subject_id=1, state=state, created_at=NOW - timedelta(seconds=30)
        )

    (batch,) = dashboard.running_work(NOW)

    assert (batch.total, batch.done, batch.failed, batch.running) == (4, 2, 1, 1)
    assert batch.left == 30.0
