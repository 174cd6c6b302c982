"""OAuth 1.0a the way the store checks it: computed here a second time, from the request as it arrived."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from functools import cmp_to_key
from urllib.parse import quote, unquote

import pytest

from connector.clients.magento import MagentoCatalog, MagentoConnection, MagentoStore
from connector.clients.magento.oauth import SignedForm, decoded_path, forms
from connector.errors import AuthorizationError, ConfigurationError
from tests.clients.server import Asked, Reply, serving

CREDENTIALS = {
    "consumer_key": "c" * 32,
    "consumer_secret": "s&/" + "e" * 29,
    "access_token": "t" * 32,
    "access_token_secret": "u+" + "k" * 30,
}


def enc(text: str) -> str:
    return quote(text, safe="~")


def natural(a: str, b: str) -> int:
    """PHP's strnatcmp for names without leading zeros: runs of digits are numbers."""
    parts_a, parts_b = (re.findall(r"\d+|\D", text) for text in (a, b))
    for one, two in zip(parts_a, parts_b, strict=False):
        if one != two:
            both = one.isdigit() and two.isdigit()
            return (int(one) - int(two)) if both else (-1 if one < two else 1)
    return len(parts_a) - len(parts_b)


def signature_ok(asked: Asked, seen_url: str) -> bool:
    """The store's check: decoded header pairs and query pairs, sorted naturally by encoded name."""
    header = asked.headers["Authorization"]
    assert header.startswith("OAuth ")
    pairs = dict(part.strip().split("=", 1) for part in header[6:].split(","))
    oauth = {unquote(key): unquote(value.strip('"')) for key, value in pairs.items()}
    given = oauth.pop("oauth_signature")
    assert oauth["oauth_signature_method"] == "HMAC-SHA256"
    assert oauth["oauth_version"] == "1.0"
    params = {enc(key): enc(value) for key, value in oauth.items()}
    for piece in filter(None, asked.raw_query.split("&")):
        name_value = piece.split("=")
        if len(name_value) == 2:
            params[enc(unquote(name_value[0]))] = enc(unquote(name_value[1]))
    joined = "&".join(f"{key}={params[key]}" for key in sorted(params, key=cmp_to_key(natural)))
    base = f"{asked.method}&{enc(seen_url)}&{enc(joined)}"
    key = f"{enc(CREDENTIALS['consumer_secret'])}&{enc(CREDENTIALS['access_token_secret'])}"
    made = base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()
    return hmac.compare_digest(made, given)


REFUSED = Reply(401, {"message": "Die Signatur ist ungültig."})


@pytest.mark.parametrize("port", [True, False], ids=["port-kept", "port-dropped"])
@pytest.mark.parametrize("decoding", [True, False], ids=["path-decoded", "path-as-sent"])
@pytest.mark.parametrize("sku", ["A", "A/2", "Ü 4", "A+B%20C#5", "50%", "a&b=c", "(x)"])
def test_every_sku_is_signed_as_the_store_checks_it(
    store: Callable[..., MagentoConnection], port: bool, decoding: bool, sku: str
) -> None:
    def answer(asked: Asked) -> Reply:
        path = decoded_path(asked.raw_path) if decoding else asked.raw_path
        host = asked.headers["Host"] if port else asked.headers["Host"].partition(":")[0]
        ok = signature_ok(asked, f"http://{host}{path}")
        return Reply(200, {"id": 1, "sku": unquote(asked.raw_path.rpartition("/products/")[2])}) if ok else REFUSED

    with serving(answer) as server:
        catalog = MagentoCatalog(store(server.url, auth="oauth", **CREDENTIALS))
        assert catalog.product(sku).sku == sku
        tries = len(server.asked)
        assert catalog.product(sku).sku == sku
    assert len(server.asked) == tries + 1, "the form that worked is remembered"


def test_search_queries_are_signed_with_brackets_blanks_and_plus(store: Callable[..., MagentoConnection]) -> None:
    def answer(asked: Asked) -> Reply:
        host = asked.headers["Host"].partition(":")[0]
        assert "+" not in asked.raw_query
        assert "[" not in asked.raw_query
        return (
            Reply(200, {"items": [], "total_count": 0})
            if signature_ok(asked, f"http://{host}{asked.raw_path}")
            else REFUSED
        )

    with serving(answer) as server:
        connection = store(server.url, auth="oauth", **CREDENTIALS)
        filters = [("customer_email", "orders+5764 1@shop.test", "eq"), ("sku", "50% off=x&y~z", "eq")] * 5
        assert list(connection.keyset("/orders", filters=filters[:9])) == []
        assert server.asked[0].query["searchCriteria[filter_groups][0][filters][0][value]"] == "orders+5764 1@shop.test"
    assert len(server.asked) == 1


def test_wrong_credentials_are_tried_in_every_form_and_then_refused(store: Callable[..., MagentoConnection]) -> None:
    with serving(REFUSED) as server:
        with pytest.raises(AuthorizationError, match="Die Signatur"):
            store(server.url, auth="oauth", **CREDENTIALS).get("/store/websites")
        nonces = {asked.headers["Authorization"].partition('oauth_nonce="')[2][:12] for asked in server.asked}
    assert len(server.asked) == len(nonces) == 2


def test_a_missing_right_is_not_taken_for_a_wrong_signature(store: Callable[..., MagentoConnection]) -> None:
    body = {"message": "no %resources", "parameters": {"resources": "Magento_Sales::actions_view"}}
    refused = pytest.raises(AuthorizationError, match="Magento_Sales::actions_view")
    with serving(Reply(401, body)) as server, refused as caught:
        store(server.url, auth="oauth", **CREDENTIALS).get("/orders/1")
    assert (len(server.asked), caught.value.code) == (1, "Magento_Sales::actions_view")


def test_behind_a_proxy_that_ends_tls_http_is_signed_last() -> None:
    found = list(forms("https://shop.test/rest/V1/products/A%2F2", SignedForm()))
    assert [form.url("https://shop.test/rest/V1/products/A%2F2") for form in found] == [
        "https://shop.test/rest/V1/products/A/2",
        "https://shop.test/rest/V1/products/A%2F2",
        "http://shop.test/rest/V1/products/A/2",
        "http://shop.test/rest/V1/products/A%2F2",
    ]


def test_settings_say_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="consumer secret"):
        MagentoStore("https://shop.test", consumer_key="a", access_token="b", access_token_secret="c")
    with pytest.raises(ConfigurationError, match="https://shop"):
        MagentoStore("shop.test", access_token="b", auth="bearer")


def test_settings_hide_their_secrets() -> None:
    text = repr(MagentoStore("https://shop.test", **CREDENTIALS))
    assert not [secret for secret in CREDENTIALS.values() if secret in text]
