"""The clients that the application makes for its rows: what is kept between two calls, and what is not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.app import HttpRemotes
from connector.settings import Settings
from connector.store.models import Account
from connector.store.vault import DatabaseVault

URL = "http://127.0.0.1:9"


def remotes(folder: Path, **more: Any) -> HttpRemotes:
    return HttpRemotes(Settings(var_dir=folder, redis_url="redis://127.0.0.1:9/0", **more))


def account(**changes: Any) -> Account:
    given = {"app_key": "key", "app_secret": "s3", "api_url": URL, "auth_url": URL, "shop_id": "7", "shop_cipher": "c"}
    return Account(id=1, **{**given, **changes})


def test_calls_of_one_shop_share_connections_and_pace_but_not_the_token(tmp_path: Path) -> None:
    """A token may change at any moment, by a new consent too: each shop object reads it for itself."""
    here = remotes(tmp_path)
    one, two = (here.shop(account())._api for _ in range(2))
    assert (one._http, one._throttle) == (two._http, two._throttle)
    assert one is not two


@pytest.mark.parametrize(
    "changed", [{"app_key": "new"}, {"app_secret": "new"}, {"shop_cipher": "new"}, {"shop_id": "8"}]
)
def test_a_changed_row_gets_connections_and_a_pace_of_its_own(tmp_path: Path, changed: dict[str, str]) -> None:
    here = remotes(tmp_path)
    one, two = here.shop(account())._api, here.shop(account(**changed))._api
    assert one._http is not two._http
    assert one._throttle is not two._throttle


@pytest.mark.parametrize("limits", [{}, {"connect_timeout": 60, "read_timeout": 600}], ids=["default", "long"])
def test_a_lease_is_longer_than_a_refresh_with_its_repetitions(tmp_path: Path, limits: dict[str, int]) -> None:
    """The token host has short limits of its own, however long other calls may take; 10.5 s is the longest pause."""
    here = remotes(tmp_path, **limits)
    http, vault = here.authorizer(account())._http, here.shop(account())._api._vault
    assert isinstance(vault, DatabaseVault)
    longest = http.attempts * sum(http._timeout) + (http.attempts - 1) * 10.5
    assert longest == here.authorizer(account()).longest_refresh <= 60
    assert vault.lease > timedelta(seconds=longest)
