"""What `connector doctor` says of stores and accounts, over HTTP with a sandbox of both."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from connector.cli import connector, remotes
from connector.cli.edge import run
from connector.services import accounts
from connector.settings import Settings
from connector.store import database
from connector.store.models import Account, MagentoStore
from tests.cli.conftest import Installation
from tests.services import live


@pytest.fixture
def doctor(here: Installation, capsys: pytest.CaptureFixture[str]) -> Any:
    """What doctor finds out about the remote systems, as (ok, found, advice)."""

    def examine(*, status: int) -> list[tuple[bool, str, str]]:
        assert run(connector, ["doctor", "--json"]) == status
        found = json.loads(capsys.readouterr().out)
        return [(f["ok"], f["found"], f["advice"]) for f in found if "“" in f["check"]]

    return examine


@pytest.fixture
def slow_clock() -> Iterator[str]:
    """The address of a server whose clock is ten minutes ahead of ours."""

    class Ahead(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(401)
            self.send_header("Date", format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Ahead) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_connected_shop_and_its_store_are_well(doctor: Any) -> None:
    store, view, account, shop, webhooks = doctor(status=0)

    assert store[1].endswith("answers; its clock agrees")
    assert view[1].startswith("connected. Store view “")
    assert account[1].endswith("answers; its clock agrees")
    assert shop[1].startswith("authorised for ")
    assert "CONNECTOR_BASE_URL is no https address" in webhooks[1]


def test_systems_that_do_not_answer(doctor: Any, here: Installation) -> None:
    here.stop()

    store, account = doctor(status=1)

    assert (store[0], account[0]) == (False, False)
    assert "does not answer (ConnectionError)" in store[1]
    assert store[2] == "Is the shop up, and the address under Magento Store right?"
    assert account[2].startswith("Check this machine's way to the internet")


def test_a_withdrawn_consent_and_a_switched_off_integration(doctor: Any, here: Installation) -> None:
    here.control.post("tiktok/tokens/revoke")
    here.control.post("magento/token/revoke")

    _, view, _, shop = doctor(status=1)

    assert not view[0]
    assert view[2].startswith("Activate the integration in Magento again")
    assert not shop[0]
    assert shop[2] == "In the admin, TikTok Accounts: Authorise again."


def test_an_account_that_was_never_connected(doctor: Any, here: Installation) -> None:
    with database.connection():
        accounts.disconnect(live.context(), Account.get_by_id(here.account), actor="test")

    found = doctor(status=1)

    back = f"http://127.0.0.1:{here.settings['PORT']}/oauth/tiktok/return"
    advice = f"{remotes.AUTHORISE} Its app in Partner Center needs the redirect URL {back}"
    assert found[-1] == (False, "Disconnected: authorise the account again to go on.", advice)


def test_a_wrong_store_view(doctor: Any) -> None:
    with database.connection():
        MagentoStore.update(store_code="nowhere").execute()

    assert "The store has no store view “nowhere”. It has: " in doctor(status=1)[1][1]


def test_webhooks_that_go_elsewhere_are_named(doctor: Any, here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "https://connector.example.com"
    monkeypatch.setenv("CONNECTOR_BASE_URL", address)
    with database.connection():
        account = Account.get_by_id(here.account)
        shop = live.context().remotes.shop(account)
        for event in accounts.EVENTS[1:]:
            shop.set_webhook(event, f"{address}/webhooks/tiktok/{account.id}")

    monkeypatch.setattr("connector.cli.doctor.web", lambda _settings: iter(()))  # nothing answers at that address
    monkeypatch.setitem(
        __import__("connector.cli.doctor", fromlist=["CHECKS"]).CHECKS, "web", lambda _settings: iter(())
    )
    webhooks = doctor(status=1)[-1]
    assert webhooks[1] == f"webhooks do not come to {address}/webhooks/tiktok/{account.id}: {accounts.EVENTS[0]}"

    with database.connection():
        shop.set_webhook(accounts.EVENTS[0], f"{address}/webhooks/tiktok/{account.id}")
    assert doctor(status=0)[-1][1] == f"{len(accounts.EVENTS)} webhooks come to {address}/webhooks/tiktok/{account.id}"


def test_a_clock_that_is_wrong_says_by_how_much(slow_clock: str) -> None:
    finding = remotes._reach("store", slow_clock, Settings(), "")

    assert not finding.ok
    assert "this machine's clock is " in finding.found
    assert 590 <= int(finding.found.partition("clock is ")[2].partition(" ")[0]) <= 600
    assert finding.advice == "Set the clock: timedatectl set-ntp true"
