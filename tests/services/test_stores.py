"""A Magento store tells about itself."""

from __future__ import annotations

import pytest

from connector.errors import AuthorizationError, ConfigurationError
from connector.services import stores
from connector.store.models import MagentoStore
from tests.clients.rehearsal import Control
from tests.services import live

pytestmark = pytest.mark.usefixtures("installation")


def test_what_a_store_tells_is_saved(control: Control) -> None:
    store = live.add_account(control).store
    stores.refresh_metadata(live.context(), store)
    saved = MagentoStore.get_by_id(store.id)
    assert (saved.website_code, saved.base_currency, saved.weight_unit) == ("base", "USD", "lbs")
    assert saved.root_category_id == 2
    assert saved.base_media_url.endswith("/media/")
    assert "color" in {attribute["attribute_code"] for attribute in saved.attributes}
    assert saved.categories["id"] == 1
    assert saved.attribute_sets
    assert saved.metadata_at is not None


def test_a_connection_is_tested_in_words(control: Control) -> None:
    assert "prices in USD" in stores.test_connection(live.context(), live.add_account(control).store)


def test_an_unknown_store_view_is_named(control: Control) -> None:
    store = live.add_account(control).store
    store.store_code = "klingon"
    with pytest.raises(ConfigurationError, match=r"no store view “klingon”. It has: .*default"):
        stores.test_connection(live.context(), store)


def test_a_wrong_token_is_refused_and_nothing_changes(control: Control) -> None:
    store = live.add_account(control).store
    store.access_token = "wrong"
    with pytest.raises(AuthorizationError):
        stores.refresh_metadata(live.context(), store)
    assert MagentoStore.get_by_id(store.id).metadata_at is None
