"""Who may call the store: signatures as Magento checks them, tokens, rights, and what a refusal says."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from requests_oauthlib import OAuth1

from connector.sandbox.magento import config
from connector.sandbox.magento.database import transaction
from connector.sandbox.magento.oauth import natural_key
from tests.sandbox.magento_shop import Shop, add_product, running_shop

PRODUCTS = "/rest/V1/products"
AHEAD = "a quarter of an hour ahead"
LIST = "?searchCriteria[pageSize]=1&fields=total_count"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_shop(tmp_path) as running:
        add_product(running.db, "A/B & C", "10", 5)
        yield running


def secrets_of(shop: Shop, number: int = 1) -> dict[str, str]:
    return dict(shop.db.execute("SELECT * FROM integration WHERE integration_id = ?", (number,)).fetchone())


def setting(shop: Shop, path: str, value: str) -> None:
    with transaction(shop.db):
        config.write(shop.db, path, value)


def oauth(shop: Shop, **more: Any) -> OAuth1:
    keys = secrets_of(shop)
    given = {"signature_method": "HMAC-SHA256"} | more
    return OAuth1(
        keys["consumer_key"], keys["consumer_secret"], keys["access_token"], keys["access_token_secret"], **given
    )


def signed(
    shop: Shop, query: list[tuple[str, str]], *, host: str = "", nonce: str = "n1", **oauth_more: str
) -> dict[str, str]:
    """A header that signs a product search, written down by hand: sorted naturally, joined, hashed."""
    keys = secrets_of(shop)
    pairs = {
        "oauth_consumer_key": keys["consumer_key"],
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(time.time())),
        "oauth_token": keys["access_token"],
    } | oauth_more
    encoded = {quote(k, safe="~"): quote(v, safe="~") for k, v in [*pairs.items(), *query]}
    plain = "&".join(f"{name}={encoded[name]}" for name in sorted(encoded, key=natural_key))
    url = f"http://{host or shop.server.host}{PRODUCTS}"
    base = "&".join(quote(part, safe="~") for part in ("GET", url, plain))
    key = f"{keys['consumer_secret']}&{keys['access_token_secret']}".encode()
    pairs["oauth_signature"] = b64encode(hmac.new(key, base.encode(), hashlib.sha256).digest()).decode()
    header = ",".join(f'{name}="{quote(value, safe="~")}"' for name, value in pairs.items())
    return {"Authorization": f"OAuth {header}"}


def get(shop: Shop, headers: dict[str, str], query: str = LIST) -> tuple[int, Any]:
    return shop.send("GET", PRODUCTS + query.replace("[", "%5B").replace("]", "%5D"), None, headers)


def test_requests_oauthlib_is_let_in(shop: Shop) -> None:
    answer = requests.get(f"{shop.server.url}{PRODUCTS}{LIST}", auth=oauth(shop), timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"total_count": 1})


def test_another_signature_method_is_refused_by_name(shop: Shop) -> None:
    answer = requests.get(
        f"{shop.server.url}{PRODUCTS}{LIST}", auth=oauth(shop, signature_method="HMAC-SHA1"), timeout=10
    )
    assert answer.status_code == 400
    assert answer.json() == {"message": "Signature method %1 is not supported", "parameters": ["HMAC-SHA1"]}


def test_a_body_is_not_signed(shop: Shop) -> None:
    url = f"{shop.server.url}/rest/all/V1/products/A%2FB%20%26%20C"
    body = {"product": {"price": 12.5}}
    answer = requests.put(url, json=body, auth=oauth(shop), timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.json()["price"] == 12.5


def test_a_nonce_works_once(shop: Shop) -> None:
    header = signed(shop, [("searchCriteria[pageSize]", "1"), ("fields", "total_count")])
    assert get(shop, header)[0] == 200
    status, body = get(shop, header)
    assert (status, body["parameters"]) == (401, ["1"])
    assert body["message"] == "The nonce is already being used by the consumer with ID %1"


def test_parameters_are_sorted_as_numbers_where_they_hold_numbers(shop: Shop) -> None:
    query = [(f"searchCriteria[filter_groups][{number}][filters][0][field]", "sku") for number in (2, 10)]
    query += [(f"searchCriteria[filter_groups][{number}][filters][0][value]", "X") for number in (2, 10)]
    text = "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    assert get(shop, signed(shop, query), text)[0] == 200
    assert sorted(["[10]", "[2]"], key=natural_key) == ["[2]", "[10]"]


def test_a_raw_equals_sign_drops_its_pair_from_the_signature(shop: Shop) -> None:
    """The server splits a piece at `=` and signs it only when that gives two parts."""
    raw = "?searchCriteria[pageSize]=1&fields=total_count&note=a=b"
    plain = [("searchCriteria[pageSize]", "1"), ("fields", "total_count")]
    assert get(shop, signed(shop, [*plain, ("note", "a=b")]), raw)[0] == 401
    assert get(shop, signed(shop, plain, nonce="n2"), raw)[0] == 200


def test_a_plus_sign_stays_a_plus_sign_in_the_signature(shop: Shop) -> None:
    raw = "?searchCriteria[pageSize]=1&fields=total_count&note=a+b"
    plain = [("searchCriteria[pageSize]", "1"), ("fields", "total_count")]
    assert get(shop, signed(shop, [*plain, ("note", "a b")]), raw)[0] == 401
    assert get(shop, signed(shop, [*plain, ("note", "a+b")], nonce="n2"), raw)[0] == 200


@pytest.mark.parametrize(("mode", "kept", "dropped"), [("kept", 200, 401), ("dropped", 401, 200), ("either", 200, 200)])
def test_the_port_is_part_of_the_signature_or_not(shop: Shop, mode: str, kept: int, dropped: int) -> None:
    setting(shop, "sandbox/oauth_port", mode)
    query = [("searchCriteria[pageSize]", "1"), ("fields", "total_count")]
    with_port = f"{shop.server.host}:{shop.server.port}"
    assert get(shop, signed(shop, query, host=with_port))[0] == kept
    assert get(shop, signed(shop, query, nonce="n2"))[0] == dropped


def test_the_path_defect_of_2_4_6_refuses_a_slash_in_a_sku(shop: Shop) -> None:
    url = f"{shop.server.url}{PRODUCTS}/A%2FB%20%26%20C?fields=sku"
    assert requests.get(url, auth=oauth(shop), timeout=10).json() == {"sku": "A/B & C"}
    setting(shop, "sandbox/oauth_path", "decoded")
    answer = requests.get(url, auth=oauth(shop), timeout=10)
    assert (answer.status_code, answer.json()["message"]) == (401, "The signature is invalid. Verify and try again.")


@pytest.mark.parametrize(
    ("more", "status", "message"),
    [
        (
            {"oauth_timestamp": AHEAD},
            401,
            "The oauth_timestamp value in the oauth_timestamp parameter is invalid",
        ),
        ({"oauth_version": "2.0"}, 400, 'The "%1" Oauth version isn\'t supported.'),
        ({"oauth_consumer_key": "short"}, 401, "Consumer key is not the correct length"),
        ({"oauth_consumer_key": "x" * 32}, 401, "A consumer having the specified key does not exist"),
        ({"oauth_token": "x" * 32}, 401, "Specified token does not exist"),
        ({"oauth_nonce": ""}, 400, '"%fieldName" is required. Enter and try again.'),
    ],
)
def test_what_is_wrong_with_a_header_is_said(shop: Shop, more: dict[str, str], status: int, message: str) -> None:
    if more.get("oauth_timestamp") == AHEAD:
        more = {"oauth_timestamp": str(int(time.time()) + 900)}  # now, and not when this module was read
    header = signed(shop, [("searchCriteria[pageSize]", "1"), ("fields", "total_count")], **more)
    answered, body = get(shop, header)
    assert (answered, body["message"]) == (status, message)


def test_an_old_timestamp_is_accepted(shop: Shop) -> None:
    """Magento checks only how far it lies ahead."""
    query = [("searchCriteria[pageSize]", "1"), ("fields", "total_count")]
    assert get(shop, signed(shop, query, oauth_timestamp=str(int(time.time()) - 7200)))[0] == 200


def test_a_revoked_integration_is_refused_until_it_is_restored(shop: Shop) -> None:
    assert shop.send("POST", "/_sandbox/magento/token/revoke", b"", {}) == (200, {"revoked": True})
    assert shop.call("GET", "/products" + LIST)[0] == 401
    signed_in = requests.get(f"{shop.server.url}{PRODUCTS}{LIST}", auth=oauth(shop), timeout=10)
    assert (signed_in.status_code, signed_in.json()["message"]) == (401, "Access token has been revoked")
    shop.send("POST", "/_sandbox/magento/token/restore", b"", {})
    assert shop.call("GET", "/products" + LIST)[0] == 200


def test_an_integration_gets_only_its_rights(shop: Shop) -> None:
    headers = {"Authorization": f"Bearer {shop.tokens['catalogue only']}"}
    assert shop.send("GET", PRODUCTS + LIST, None, headers)[0] == 200
    status, body = shop.send("GET", "/rest/V1/orders" + LIST, None, headers)
    assert (status, body["parameters"]) == (401, {"resources": "Magento_Sales::actions_view"})
    stock_item = shop.send("GET", f"{PRODUCTS}/A%2FB%20%26%20C", None, headers)[1]["extension_attributes"]
    assert "stock_item" not in stock_item, "it needs a right of its own"


def test_an_admin_has_to_use_a_second_factor(shop: Shop) -> None:
    secret = {"username": "admin", "password": "Admin-password1"}
    status, body = shop.call("POST", "/integration/admin/token", secret)
    assert (status, body["parameters"]) == (400, {"active_providers": ["google"]})
    token = shop.ok("POST", "/tfa/provider/google/authenticate", secret | {"otp": "123456"})
    assert shop.send("GET", PRODUCTS + LIST, None, {"Authorization": f"Bearer {token}"})[0] == 200
    forged = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    assert shop.send("GET", PRODUCTS + LIST, None, {"Authorization": f"Bearer {forged}"})[0] == 401


def test_six_wrong_passwords_lock_the_account(shop: Shop) -> None:
    for _ in range(6):
        assert shop.call("POST", "/integration/admin/token", {"username": "admin", "password": "wrong"})[0] == 401
    status, body = shop.call("POST", "/integration/admin/token", {"username": "admin", "password": "Admin-password1"})
    assert status == 401
    assert body["message"].startswith("The account sign-in was incorrect")


def test_directory_and_render_list_are_open_to_guests(shop: Shop) -> None:
    assert shop.send("GET", "/rest/V1/directory/countries/US", None, {})[0] == 200
    status, body = shop.send("GET", "/rest/V1/products-render-info?searchCriteria&storeId=1&currencyCode=EUR", None, {})
    assert (status, [item["name"] for item in body["items"]]) == (200, ["Name of A/B & C"])


def test_an_unknown_setting_names_the_known_ones(shop: Shop) -> None:
    body = b'{"sandbox/no_such": "1"}'
    status, answer = shop.send("PUT", "/_sandbox/magento/config", body, {"Content-Type": "application/json"})
    assert status == 400
    assert "sandbox/past_the_end" in answer["error"]
