"""The pages that others call, through the real application with its admin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.admin import init_admin
from connector.clients.tiktok.signing import sign_webhook, verify_webhook
from connector.sandbox.app import create_sandbox
from connector.sandbox.serve import SandboxServer
from connector.services import accounts
from connector.services.context import Context
from connector.store.models import (
    Account,
    HistoryEntry,
    Listing,
    Notification,
    PeriodicTask,
    Product,
    QueueItem,
    Setting,
)
from connector.web import init_web
from tests.clients.rehearsal import Control
from tests.services import live


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    server = SandboxServer(create_sandbox(tmp_path_factory.mktemp("sandbox"), products=3)).start()
    yield Control(server.url)
    server.stop()


@pytest.fixture
def ctx(database_url: str) -> Iterator[Context]:
    with live.installed(database_url):
        yield live.context()


def make_app(ctx: Context, **more: Any) -> flask.Flask:
    app = flask.Flask("connector")
    app.secret_key = "test"
    init_admin(app, ctx)
    init_web(app, ctx, verify=lambda a, body, sign: verify_webhook(a.app_key, body, a.app_secret, sign), **more)
    return app


@pytest.fixture
def client(ctx: Context) -> FlaskClient:
    return make_app(ctx).test_client()


@pytest.fixture
def account(ctx: Context, control: Control) -> Account:  # the rows go into the context's database
    del ctx
    return live.add_account(control, shop_id="7000", shop_name="Shop")


def body(kind: int = 1, number: str = "n1", **more: Any) -> bytes:
    sent = int(live.Clock().now().timestamp())
    told = {"type": kind, "tts_notification_id": number, "shop_id": "7000", "timestamp": sent, "data": {}, **more}
    return json.dumps(told).encode()


def send(client: FlaskClient, account: Account, raw: bytes, signature: str | None = None) -> TestResponse:
    sign = sign_webhook(account.app_key, raw, account.app_secret) if signature is None else signature
    headers = {"Authorization": sign, "Content-Type": "application/json"}
    return client.post(f"/webhooks/tiktok/{account.id}", data=raw, headers=headers)


# ── consent ──────────────────────────────────────────────────────────────────


def start(client: FlaskClient, ctx: Context, account: Account) -> tuple[str, str]:
    with client.session_transaction() as session:
        session["sid"] = "browser"
    return live.consent(accounts.start_authorization(ctx, account, "browser"))


def test_a_consent_leads_back_to_the_accounts(client: FlaskClient, ctx: Context, control: Control) -> None:
    account = live.add_account(control)
    state, code = start(client, ctx, account)
    answer = client.get("/oauth/tiktok/return", query_string={"state": state, "code": code})
    assert (answer.status_code, answer.location) == (302, "/admin/accounts/connected/")
    assert Account.get_by_id(account.id).connected


def test_the_wizard_goes_on_after_its_consent(client: FlaskClient, ctx: Context, control: Control) -> None:
    account = live.add_account(control)
    Setting.create(key="wizard", value={"account": account.id})
    state, code = start(client, ctx, account)
    answer = client.get("/oauth/tiktok/return", query_string={"state": state, "code": code})
    assert "/wizard/" in answer.location


@pytest.mark.parametrize("query", [{}, {"state": "x"}, {"state": "<b>x</b>", "code": "y"}])
def test_a_refused_or_unknown_consent_is_explained(client: FlaskClient, query: dict[str, str]) -> None:
    with client.session_transaction() as session:
        session["sid"] = "browser"
    answer = client.get("/oauth/tiktok/return", query_string=query)
    assert answer.status_code == 400
    assert "Not connected" in answer.text
    assert "<b>" not in answer.text


def test_a_consent_of_another_browser_is_refused(client: FlaskClient, ctx: Context, control: Control) -> None:
    account = live.add_account(control)
    state, code = start(client, ctx, account)
    stranger = client.application.test_client()
    assert stranger.get("/oauth/tiktok/return", query_string={"state": state, "code": code}).status_code == 400
    assert not Account.get_by_id(account.id).connected


# ── webhooks ─────────────────────────────────────────────────────────────────


def test_an_order_webhook_asks_for_an_import_once(client: FlaskClient, ctx: Context, account: Account) -> None:
    raw = body(data={"order_id": "1"})
    assert send(client, account, raw).status_code == 200
    item = QueueItem.get()
    assert (item.kind, item.subject_id, item.priority) == ("import_orders", account.id, 10)
    QueueItem.update(state="confirmed", open_key=None).execute()
    assert send(client, account, raw).status_code == 200
    assert (QueueItem.select().count(), Notification.select().count()) == (1, 1)
    assert ctx.queue.sent == [("accounts", [item.id])]  # type: ignore[attr-defined]  # the test's own queue


def test_a_notification_that_was_not_dealt_with_is_when_it_is_repeated(client: FlaskClient, account: Account) -> None:
    raw, now = body(), live.Clock().now()
    Notification.create(key=f"{account.id}:n1", account=account, type=1, data={}, received_at=now)
    assert send(client, account, raw).status_code == 200
    assert QueueItem.select().count() == 1
    assert Notification.get().handled_at is not None


def test_one_without_an_id_is_known_by_its_body(client: FlaskClient, account: Account) -> None:
    raw = body(3, "")
    send(client, account, raw)
    send(client, account, raw)
    assert Notification.select().count() == 1


@pytest.mark.parametrize("signature", ["", "0" * 64, "ünsigned"])
def test_a_wrong_signature_changes_nothing(client: FlaskClient, account: Account, signature: str) -> None:
    assert send(client, account, b"not even json", signature.encode().decode("latin-1")).status_code == 401
    assert not Notification.select().exists()


def test_an_account_without_a_secret_takes_no_signature(client: FlaskClient, account: Account) -> None:
    Account.update(app_secret="").execute()
    raw = body()
    assert send(client, account, raw, sign_webhook(account.app_key, raw, "")).status_code == 401
    assert not Notification.select().exists()


def test_an_account_without_a_shop_takes_no_notification(client: FlaskClient, account: Account) -> None:
    Account.update(shop_id="").execute()
    answer = send(client, account, body(shop_id=""))
    assert (answer.status_code, answer.json) == (400, {"error": "shop"})


def test_an_unknown_account_answers_as_a_wrong_signature_does(client: FlaskClient, account: Account) -> None:
    raw = body()
    signature = sign_webhook(account.app_key, raw, account.app_secret)
    known = send(client, account, raw, "wrong")
    unknown = client.post("/webhooks/tiktok/999", data=raw, headers={"Authorization": signature})
    assert (unknown.status_code, unknown.json) == (known.status_code, known.json)


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (b"[]", "body"),
        (b"{", "body"),
        ({"timestamp": "now"}, "body"),
        ({"data": [1]}, "body"),
        ({"shop_id": "1"}, "shop"),
        ({"timestamp": 1_700_000_000}, "too old"),
    ],
)
def test_a_signed_body_that_is_not_for_us_is_refused(
    client: FlaskClient, account: Account, told: bytes | dict[str, Any], error: str
) -> None:
    answer = send(client, account, told if isinstance(told, bytes) else body(**told))
    assert (answer.status_code, answer.json) == (400, {"error": error})
    assert not Notification.select().exists()


def test_a_body_that_is_too_large_is_not_read(client: FlaskClient, account: Account) -> None:
    assert send(client, account, b" " * 300_000).status_code == 413


def test_a_product_webhook_asks_for_that_product(client: FlaskClient, account: Account) -> None:
    now = live.Clock().now()
    product = Product.create(store=account.store, entity_id=1, sku="a", data={}, digest="", seen_at=now)
    Listing.create(account=account, product=product, remote_id="1729", changed_at=now)
    assert send(client, account, body(5, data={"product_id": 1729})).status_code == 200
    assert [item.kind for item in QueueItem.select()] == ["marketplace_status_sync"]
    assert send(client, account, body(5, "n2", data={"product_id": 4})).status_code == 200
    assert QueueItem.select().count() == 1


def test_a_withdrawn_consent_disconnects(client: FlaskClient, account: Account) -> None:
    assert send(client, account, body(6)).status_code == 200
    assert "withdrew" in Account.get_by_id(account.id).problem
    assert HistoryEntry.get().action == "account.disconnect"


def test_a_withdrawal_that_is_repeated_after_a_new_consent_only_asks_the_marketplace(
    client: FlaskClient, ctx: Context, control: Control
) -> None:
    """The tokens are the new consent's: they stay, and an import meets what the marketplace says of them."""
    account = live.add_account(control)
    state, code = start(client, ctx, account)
    client.get("/oauth/tiktok/return", query_string={"state": state, "code": code})
    account = Account.get_by_id(account.id)
    earlier = int(account.connected_at.timestamp()) - 3600
    assert send(client, account, body(6, "late", shop_id=account.shop_id, timestamp=earlier)).status_code == 200
    kept, item = Account.get_by_id(account.id), QueueItem.get()
    assert (kept.connected, kept.problem, kept.refresh_token) == (True, "", account.refresh_token)
    assert (item.kind, item.subject_id, item.priority) == ("import_orders", account.id, 10)
    later = int(account.connected_at.timestamp()) + 2
    assert send(client, account, body(6, "new", shop_id=account.shop_id, timestamp=later)).status_code == 200
    assert not Account.get_by_id(account.id).connected


# ── health and metrics ───────────────────────────────────────────────────────


def test_health_names_what_answers(client: FlaskClient) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json["name"], answer.json["database"]) == (200, "connector", "ok")


def test_health_says_whose_it_is(ctx: Context) -> None:
    answer = make_app(ctx, installation="5f3a").test_client().get("/health")
    assert answer.json["installation"] == "5f3a"


def test_health_fails_without_telling_why(ctx: Context) -> None:
    def broken() -> None:
        raise ConnectionError("redis://user:password@host refused")

    answer = make_app(ctx, ping_redis=broken).test_client().get("/health")
    assert (answer.status_code, answer.json["redis"]) == (503, "failing")
    assert "password" not in answer.text


@pytest.mark.parametrize(
    ("caller", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.7", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 403),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}, 403),
        ("", {}, 403),
    ],
)
def test_metrics_without_a_token_are_for_this_machine_alone(
    client: FlaskClient, caller: str, headers: dict[str, str], status: int
) -> None:
    answer = client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": caller})
    assert answer.status_code == status
    assert ("CONNECTOR_METRICS_TOKEN" in answer.text) == (status == 403)


@pytest.mark.parametrize(
    ("sent", "status"), [("Bearer s3cret", 200), ("Bearer wrong", 403), ("s3cret", 403), ("", 403)]
)
def test_a_metrics_token_is_asked_for_from_everybody(ctx: Context, sent: str, status: int) -> None:
    client = make_app(ctx, metrics_token="s3cret").test_client()
    assert client.get("/metrics", headers={"Authorization": sent}).status_code == status


def test_metrics_count_what_is_there(client: FlaskClient, account: Account) -> None:
    send(client, account, body())
    now = live.Clock().now()
    PeriodicTask.create(name="sweep", every_seconds=30, next_at=now, finished_at=now)
    text = client.get("/metrics").text
    assert 'connector_queue_items{state="queued"} 1.0' in text
    assert 'connector_task_last_success_timestamp_seconds{task="sweep"}' in text
    assert "# TYPE connector_orders gauge" in text
