"""Authorization, signatures and the rules of the gateway, over real HTTP."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
import requests

from connector.sandbox import SandboxOptions, SandboxServer
from connector.sandbox.tiktok.signing import request_signature, webhook_signature
from tests.sandbox.tiktok_seller import RefusedError, Seller, follow_authorization


def test_signatures_equal_the_published_vectors(shared: Path) -> None:
    """Every request and webhook vector gives the digest that it names."""
    vectors = json.loads((shared / "reference/tiktok-sign-vectors.json").read_text("utf-8"))
    for vector in vectors["vectors"]:
        query = list(vector["query"].items() if isinstance(vector["query"], dict) else vector["query"])
        query += [("app_key", vector["app_key"]), ("timestamp", str(vector["timestamp"]))]
        body, kind = (vector["body"] or "").encode(), vector["content_type"] or ""
        found = request_signature(vector["path"], query, body, kind, vector["app_secret"])
        assert found == vector["expected_sign"], vector["name"]
    for vector in vectors["webhook"]:
        found = webhook_signature(vector["app_key"], vector["raw_body"].encode(), vector["app_secret"])
        assert found == vector["expected_signature"]


def test_the_authorize_page_sends_the_browser_back_with_code_and_state(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url)
    seller.control("app", {"redirect_url": "http://127.0.0.1:1/back?x=1"}, method="PUT")
    page = f"/open/authorize?service_id={seller.keys['service_id']}&state=s%2F1"
    shown = requests.get(sandbox.url + page, timeout=10)
    assert "Authorize" in shown.text
    assert "script" not in shown.headers["content-security-policy"]

    back = follow_authorization(sandbox.url, page)

    assert back["state"] == "s/1"
    assert back["x"] == "1"
    tokens = seller.token("get", auth_code=back["code"], grant_type="authorized_code")
    assert tokens["access_token_expire_in"] == pytest.approx(time.time() + 604_800, abs=5)
    assert tokens["seller_base_region"] == "US"


def test_cancelling_the_page_sends_no_code(sandbox: SandboxServer) -> None:
    keys = Seller(sandbox.url).keys
    back = follow_authorization(sandbox.url, f"/oauth/authorize?app_key={keys['app_key']}&state=s", decision="cancel")
    assert "code" not in back


def test_a_code_works_once_and_for_half_an_hour(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url)
    code = seller.control("tokens/code")["code"]
    seller.token("get", auth_code=code, grant_type="authorized_code")
    with pytest.raises(RefusedError, match="36004004"):
        seller.token("get", auth_code=code, grant_type="authorized_code")
    late = seller.control("tokens/code")["code"]
    seller.control("clock/advance", {"seconds": 1801})
    with pytest.raises(RefusedError, match="36004004"):
        seller.token("get", auth_code=late, grant_type="authorized_code")


def test_a_refresh_gives_a_new_pair_and_an_expired_token_is_105002(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url)
    old = seller.tokens
    seller.control("tokens/expire")
    with pytest.raises(RefusedError, match="105002"):
        seller.get("/seller/202309/shops", cipher=False)
    seller.tokens = seller.token("refresh", refresh_token=old["refresh_token"], grant_type="refresh_token")
    assert seller.tokens["refresh_token"] != old["refresh_token"]
    seller.get("/seller/202309/shops", cipher=False)
    seller.control("clock/advance", {"seconds": 601})
    with pytest.raises(RefusedError):
        seller.token("refresh", refresh_token=old["refresh_token"], grant_type="refresh_token")


def test_a_revoked_authorization_ends_both_tokens(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url)
    seller.control("tokens/revoke")
    with pytest.raises(RefusedError, match="105002"):
        seller.get("/seller/202309/shops", cipher=False)
    with pytest.raises(RefusedError, match="98001006"):
        seller.token("refresh", refresh_token=seller.tokens["refresh_token"], grant_type="refresh_token")


def test_a_wrong_signature_is_401_and_106001(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url)
    for wrong in ("0" * 64, seller.sign("/seller/202309/shops", {}, b"").upper()):
        answer = seller.raw("GET", "/seller/202309/shops", cipher=False, sign=wrong)
        assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (401, 106001, None)


@pytest.mark.parametrize(("ahead", "why"), [(-400, "older"), (60, "future"), (-(10**11), "negative")])
def test_a_timestamp_outside_the_window_is_refused(sandbox: SandboxServer, ahead: int, why: str) -> None:
    answer = Seller(sandbox.url).raw(
        "GET", "/seller/202309/shops", cipher=False, timestamp=str(int(time.time()) + ahead)
    )
    assert answer.json()["code"] == 36009004
    assert why in answer.json()["message"]


def test_the_cipher_is_demanded_where_it_belongs_and_refused_elsewhere(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url)
    assert seller.raw("GET", "/logistics/202309/warehouses", cipher=False).json()["code"] == 106013
    unneeded = seller.raw("GET", "/seller/202309/shops").json()
    assert unneeded["code"] == 36009004
    assert "identifier" in unneeded["message"]
    other = Seller(sandbox.url, region="GB")
    seller.cipher = other.cipher
    assert seller.raw("GET", "/logistics/202309/warehouses").json()["code"] == 101000


def test_a_repeated_query_key_breaks_the_signature(sandbox: SandboxServer) -> None:
    """The marketplace's own samples read only the first value; the third-party client signs them all."""
    seller = Seller(sandbox.url)
    query = [("ids", "1"), ("ids", "2"), ("app_key", seller.keys["app_key"]), ("timestamp", str(int(time.time())))]
    query.append(("shop_cipher", seller.cipher))
    path = "/order/202507/orders"
    sign = request_signature(path, query, b"", "", seller.keys["app_secret"], repeated=True)
    headers = {"x-tts-access-token": seller.tokens["access_token"]}
    answer = seller.session.get(f"{sandbox.url}{path}?{urlencode([*query, ('sign', sign)])}", headers=headers)
    assert len(parse_qsl(urlencode(query))) == 5
    assert answer.json()["code"] == 106001


class TestRate:
    @pytest.fixture
    def options(self) -> SandboxOptions:
        return SandboxOptions(requests_per_second=3)

    def test_more_calls_than_the_rate_are_429_with_a_code(self, sandbox: SandboxServer) -> None:
        seller = Seller(sandbox.url)
        answers = [seller.raw("GET", "/logistics/202309/warehouses") for _ in range(12)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert limited
        assert {answer.json()["code"] for answer in limited} == {36009002}
        assert limited[0].headers["retry-after"] == "1"


class TestScopes:
    @pytest.fixture
    def options(self) -> SandboxOptions:
        return SandboxOptions(granted_scopes=("seller.authorization.info",))

    def test_a_missing_scope_is_105005(self, sandbox: SandboxServer) -> None:
        seller = Seller(sandbox.url)
        with pytest.raises(RefusedError, match="105005"):
            seller.get("/logistics/202309/warehouses")
