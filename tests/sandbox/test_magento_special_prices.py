"""A cart asks the special price on its days, which are those of the store's time zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connector.sandbox.magento import config
from connector.sandbox.magento.sales.prices import final_price
from tests.sandbox.magento_shop import Shop, add_product, running_shop

DAYS = {"special_price": "9", "special_from_date": "2026-11-22 00:00:00", "special_to_date": "2026-11-22 00:00:00"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("store")
    with running_shop(folder) as running:
        yield running


def test_the_special_price_runs_on_the_store_s_day(shop: Shop) -> None:
    """The 22nd in Los Angeles begins and ends eight hours after that of UTC."""
    number = add_product(shop.db, "SHOE", "20", 5, **DAYS)
    config.write(shop.db, "general/locale/timezone", "America/Los_Angeles")
    prices = {
        f"{day} {hour:02}": final_price(
            shop.db, number, 1, Decimal(1), 0, datetime(2026, 11, day, hour, 30, tzinfo=UTC)
        )
        for day, hour in ((22, 7), (22, 8), (22, 23), (23, 7), (23, 8))
    }
    assert prices == {"22 07": 20, "22 08": 9, "22 23": 9, "23 07": 9, "23 08": 20}
