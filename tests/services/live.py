"""A real database, a real sandbox over HTTP, and a context between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from connector.clients.magento import MagentoCatalog, MagentoConnection
from connector.clients.magento import MagentoStore as MagentoSettings
from connector.clients.tiktok import TikTokAuthorizer, TikTokSettings, TikTokShop
from connector.plugins import loader
from connector.services.context import Context
from connector.store import database, migrations, secrets
from connector.store.models import Account, MagentoStore
from connector.store.vault import DatabaseVault
from tests.clients.rehearsal import Control

KEY = "rDPvRrrMXLZ8kFJ0Dq2fXq5rKzqkXG1F1uKf5r0C8iI="


@dataclass
class Clock:
    """The machine's time, moved by `ahead`."""

    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Messages:
    """Remembers what workers were told."""

    sent: list[tuple[str, list[int]]] = field(default_factory=list)

    def send(self, name: str, ids: Any) -> None:
        self.sent.append((name, list(ids)))

    def on_the_way(self, _name: str) -> set[int]:
        return set()


class Remotes:
    """The real clients, pointed at what the rows say."""

    def _settings(self, account: Account) -> TikTokSettings:
        return TikTokSettings(
            account.app_key,
            account.app_secret,
            service_id=account.service_id,
            api_url=account.api_url,
            auth_url=account.auth_url,
            shop_id=account.shop_id,
            shop_cipher=account.shop_cipher,
            region=account.region or account.country,
            read_timeout=5,
        )

    def authorizer(self, account: Account) -> TikTokAuthorizer:
        return TikTokAuthorizer(self._settings(account))

    def shop(self, account: Account) -> TikTokShop:
        return TikTokShop(self._settings(account), DatabaseVault(account.id), Clock())

    def catalog(self, store: MagentoStore) -> MagentoCatalog:
        settings = MagentoSettings(
            store.base_url, store_code=store.store_code, access_token=store.access_token, auth="bearer"
        )
        return MagentoCatalog(MagentoConnection(settings))

    def sales(self, store: MagentoStore) -> Any:
        raise AssertionError(f"no test here sells in {store.title}")


@contextmanager
def installed(url: str) -> Iterator[None]:
    """Models bound to a migrated database, with a connection open."""
    secrets.use([KEY])
    loader.load()
    database.connect(url)
    migrations.upgrade()
    with database.connection():
        yield
    database.disconnect()


def context(**more: Any) -> Context:
    """A context of this test's own."""
    given = {"clock": Clock(), "queue": Messages(), "base_url": "http://localhost:5000", **more}
    return Context(Remotes(), **given)


def add_account(control: Control, **changes: Any) -> Account:
    """The sandbox's store, and an account of its app that was never connected."""
    given = control.credentials()
    magento, app = given["magento"], given["tiktok"]
    store = MagentoStore.create(
        title="Shop", base_url=control.url, auth="bearer", access_token=magento["access_token"], store_code="default"
    )
    values = {
        "title": "US shop", "store": store, "app_key": app["app_key"], "app_secret": app["app_secret"],
        "service_id": app["service_id"], "api_url": app["api_url"], "auth_url": app["auth_url"], "created_at": Clock().now(),
    }  # fmt: skip
    account: Account = Account.create(**{**values, **changes})
    return account


def consent(page: str) -> tuple[str, str]:
    """(state, code) that a seller's click on the consent page sends back."""
    answer = requests.post(page, data={"decision": "authorize"}, allow_redirects=False, timeout=5)
    given = parse_qs(urlsplit(answer.headers["Location"]).query)
    return given["state"][0], given["code"][0]
