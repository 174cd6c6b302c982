"""Signed calls: the exact bytes, tokens renewed once, throttling that learns, codes sorted into errors."""

from __future__ import annotations

import logging
import multiprocessing
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog

from connector.clients.http import HttpClient
from connector.clients.tiktok import TikTokAuthorizer, TikTokSettings, TikTokShop
from connector.clients.tiktok.endpoints import CREATE_PRODUCT, PRODUCT, SEARCH_PRODUCTS
from connector.clients.tiktok.signing import sign
from connector.clients.tiktok.throttle import Throttle
from connector.domain.shop import Tokens
from connector.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    NotFoundError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from tests.clients.server import Answers, Asked, Reply, Server, serving
from tests.clients.vault import SqliteVault

SECRET = "e59af819cc-secret"
CIPHER = "GCP_cipher+/="


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def pair(name: str = "first", seconds: float = 86_400) -> Tokens:
    now = datetime.now(UTC)
    return Tokens(f"access-{name}", now + timedelta(seconds=seconds), f"refresh-{name}", now + timedelta(days=365))


def settings(url: str, **changes: Any) -> TikTokSettings:
    values = {"api_url": url, "auth_url": url, "shop_id": "1", "shop_cipher": CIPHER, "service_id": "77", **changes}
    return TikTokSettings("29a39d", SECRET, **values)


def shop_at(url: str, vault: SqliteVault, **changes: Any) -> TikTokShop:
    http = HttpClient("tiktok", read_timeout=2, sleep=lambda _: None)
    throttle = Throttle("test", sleep=lambda _: None)
    authorizer = TikTokAuthorizer(settings(url), http)
    return TikTokShop(
        settings(url, **changes), vault, WallClock(), refresh=authorizer.refresh, http=http, throttle=throttle
    )


@pytest.fixture
def vault(tmp_path: Path) -> SqliteVault:
    return SqliteVault(tmp_path / "vault.db", pair())


@pytest.fixture
def api(vault: SqliteVault) -> Callable[[Server], Any]:
    return lambda server: shop_at(server.url, vault)._api


def ok(data: Any = None) -> Reply:
    return Reply(200, {"code": 0, "message": "Success", "request_id": "R1", "data": {} if data is None else data})


def failed(code: int, message: str = "no", status: int = 200, data: Any = None) -> Reply:
    return Reply(status, {"code": code, "message": message, "request_id": "R2", "data": data})


def signed_as_sent(asked: Asked) -> bool:
    made = sign(asked.raw_path, asked.query.items(), asked.body or None, asked.headers.get("Content-Type"), SECRET)
    return made == asked.query["sign"]


def test_the_exact_bytes_are_signed_and_sent(vault: SqliteVault) -> None:
    with serving(ok({"products": [], "leaf_category_id": "6"})) as server:
        shop = shop_at(server.url, vault)
        shop.recommend_category("Café «Ñandú» 日本 & <b>")
        shop.brands("Café Ñ/+=&", category_id="7")
        shop.orders(["1", "2", "3"])
    assert all(signed_as_sent(asked) for asked in server.asked)
    recommend, brands, orders = server.asked
    assert "Café «Ñandú» 日本 & <b>".encode() in recommend.body
    assert brands.body == b""
    assert orders.query["ids"] == "1,2,3"
    assert "+" not in brands.raw_query
    assert {asked.query["shop_cipher"] for asked in server.asked} == {CIPHER}
    assert {asked.headers["x-tts-access-token"] for asked in server.asked} == {"access-first"}


def test_routes_without_a_shop_get_no_cipher_and_uploads_are_not_signed(vault: SqliteVault) -> None:
    with serving([ok({"shops": []}), ok({"uri": "tos/1", "url": "http://x/1", "width": 3, "height": 4})]) as server:
        shop = shop_at(server.url, vault, shop_cipher="")
        assert shop.shops() == []
        assert shop.upload_image(b"\xff\xd8\xff\xe0 jpeg", "MAIN_IMAGE").uri == "tos/1"
        with pytest.raises(AuthorizationError, match="connect it again"):
            shop.warehouses()
    assert len(server.asked) == 2
    assert all("shop_cipher" not in asked.query and signed_as_sent(asked) for asked in server.asked)
    upload = server.asked[1]
    assert upload.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="data"; filename="image.jpeg"\r\nContent-Type: image/jpeg' in upload.body
    assert b'name="use_case"\r\n\r\nMAIN_IMAGE' in upload.body


def token_host(answers: Answers) -> tuple[Answers, list[str]]:
    """A server that issues numbered pairs and answers the rest with `answers`."""
    refreshed: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.path != "/api/v2/token/refresh":
            return answers(asked)
        refreshed.append(asked.query["refresh_token"])
        time.sleep(0.05)
        soon = int(time.time()) + 7 * 86_400
        number = len(refreshed)
        return ok(
            {
                "access_token": f"access-{number}",
                "access_token_expire_in": soon,
                "refresh_token": f"refresh-{number}",
                "refresh_token_expire_in": soon,
                "granted_scopes": ["seller.order.info"],
            }
        )

    return answer, refreshed


def test_a_token_is_renewed_before_it_expires(tmp_path: Path) -> None:
    vault = SqliteVault(tmp_path / "v.db", pair("old", seconds=100))
    answer, refreshed = token_host(lambda _: ok({"warehouses": []}))
    with serving(answer) as server:
        shop = shop_at(server.url, vault)
        shop.warehouses()
        shop.warehouses()
    assert refreshed == ["refresh-old"]
    assert [a.headers["x-tts-access-token"] for a in server.asked if "token" not in a.path] == ["access-1"] * 2
    assert vault.load().refresh_token == "refresh-1"


def test_an_expired_token_is_renewed_once_and_the_call_sent_again(vault: SqliteVault) -> None:
    answer, refreshed = token_host(
        lambda asked: (
            failed(105002, "expired", 401) if asked.headers["x-tts-access-token"] == "access-first" else ok({})
        )
    )
    with serving(answer) as server:
        assert shop_at(server.url, vault).warehouses() == []
    assert refreshed == ["refresh-first"]


def test_a_token_that_stays_expired_means_to_connect_again(vault: SqliteVault) -> None:
    answer, refreshed = token_host(lambda _: failed(105002, "expired", 401))
    with serving(answer) as server, pytest.raises(AuthorizationError, match="connect the shop again"):
        shop_at(server.url, vault).warehouses()
    assert len(refreshed) == 1


def _call_in_process(url: str, path: Path, start: Any) -> None:
    start.wait(10)
    shop_at(url, SqliteVault(path)).warehouses()


def test_two_processes_refresh_an_expired_token_once(tmp_path: Path) -> None:
    vault = SqliteVault(tmp_path / "v.db", pair("old", seconds=-5))
    answer, refreshed = token_host(lambda _: ok({"warehouses": []}))
    context = multiprocessing.get_context("spawn")
    with serving(answer) as server:
        start = context.Event()
        workers = [
            context.Process(target=_call_in_process, args=(server.url, tmp_path / "v.db", start)) for _ in range(2)
        ]
        for worker in workers:
            worker.start()
        start.set()
        for worker in workers:
            worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert refreshed == ["refresh-old"]
    assert vault.load().access_token == "access-1"


def test_a_429_slows_down_and_the_call_is_sent_again(vault: SqliteVault) -> None:
    throttle = Throttle("t", sleep=lambda _: None)
    http = HttpClient("tiktok", sleep=lambda _: None)
    before = throttle.rate
    with serving([failed(36009002, "slow", 429), failed(36009002, "slow"), ok({"warehouses": []})]) as server:
        TikTokShop(settings(server.url), vault, WallClock(), http=http, throttle=throttle).warehouses()
    assert len(server.asked) == 3
    assert throttle.rate < before


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (failed(106001, "sign is invalid", 401), AuthorizationError),
        (failed(105005, "scope", 403), AuthorizationError),
        (failed(36009004, "Invalid credentials: x-tts-access-token header", 401), AuthorizationError),
        (failed(36009004, "param body.address is missing", 400), RejectedError),
        (failed(12052031), NotFoundError),
        (failed(12052104, "attribute 100 is required"), RejectedError),
        (failed(12052093, "listing limit"), RetryableError),
        (failed(25001028), RetryableError),
        (failed(36009003, status=500), RetryableError),
        (Reply(502, b"<html>"), RetryableError),
        (Reply(200, b"<html>"), RetryableError),
        (Reply(404, b"<html>"), RejectedError),
        (Reply(403, b"<html>"), AuthorizationError),
    ],
)
def test_codes_decide_what_an_answer_means(api: Any, reply: Reply, error: type[Exception]) -> None:
    with serving(reply) as server, pytest.raises(error) as caught:
        api(server).call(PRODUCT, ids={"product_id": "1"})
    assert type(caught.value).__mro__.index(error) <= 1
    assert not isinstance(caught.value, UnknownOutcomeError)
    if reply.headers == {} and isinstance(reply.body, dict):
        assert (caught.value.request_id, caught.value.code) == ("R2", str(reply.body["code"]))  # type: ignore[attr-defined]


@pytest.mark.parametrize("reply", [failed(36009007, "timeout"), Reply(504, b"<html>"), Reply(drop=True)])
def test_a_create_without_an_answer_is_unknown_and_sent_once(api: Any, reply: Reply) -> None:
    with serving(reply) as server, pytest.raises(UnknownOutcomeError):
        api(server).call(CREATE_PRODUCT, body={"title": "x"})
    assert len(server.asked) == 1


def test_a_read_without_an_answer_is_sent_again(api: Any) -> None:
    with serving([Reply(drop=True), failed(36009003), ok({"id": "5"})]) as server:
        assert api(server).call(PRODUCT, ids={"product_id": "5"}) == {"id": "5"}


def test_pages_end_on_an_empty_absent_or_repeated_token(api: Any) -> None:
    for last in (
        {"products": []},
        {"products": [], "next_page_token": ""},
        {"products": [], "next_page_token": "a+/="},
    ):
        with serving([ok({"products": [1], "next_page_token": "a+/="}), ok(last)]) as server:
            pages = list(api(server).pages(SEARCH_PRODUCTS, "products", query={"page_size": 10}))
        assert pages == [[1], []]
        assert server.asked[1].query["page_token"] == "a+/="
        assert signed_as_sent(server.asked[1])


def test_tokens_are_read_with_their_absolute_expiry(tmp_path: Path) -> None:
    data = {
        "access_token": "ROW_x",
        "access_token_expire_in": 1795000000,
        "refresh_token": "ROW_y",
        "refresh_token_expire_in": 99_999_999_999_999,
        "seller_name": "Demo",
        "seller_base_region": "GB",
        "user_type": 0,
        "granted_scopes": ["seller.order.info"],
    }
    with serving(ok(data)) as server:
        authorizer = TikTokAuthorizer(settings(server.url))
        tokens = authorizer.exchange("code-1")
    assert tokens.access_expires == datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)
    assert tokens.refresh_expires.year == 9999
    assert server.asked[0].path == "/api/v2/token/get"
    assert server.asked[0].query == {
        "app_key": "29a39d",
        "app_secret": SECRET,
        "auth_code": "code-1",
        "grant_type": "authorized_code",
    }


@pytest.mark.parametrize("code", [36004004, 98001006, 12345])
def test_every_refusal_of_the_token_host_means_to_connect_again(code: int) -> None:
    with serving(failed(code)) as server, pytest.raises(AuthorizationError, match="again"):
        TikTokAuthorizer(settings(server.url)).refresh("old")


def test_a_broken_token_host_is_for_later() -> None:
    http = HttpClient("tiktok", sleep=lambda _: None)
    with serving(Reply(502, b"<html>")) as server, pytest.raises(RetryableError):
        TikTokAuthorizer(settings(server.url), http).refresh("old")


def test_the_consent_page_is_the_region_s_or_the_sandbox_s() -> None:
    us, gb = (TikTokSettings("k", "s", service_id="9", region=region) for region in ("US", "GB"))
    assert (
        TikTokAuthorizer(us)
        .authorize_url("a b")
        .startswith("https://services.us.tiktokshop.com/open/authorize?service_id=9&")
    )
    assert (
        TikTokAuthorizer(gb).authorize_url("x") == "https://services.tiktokshop.com/open/authorize?service_id=9&state=x"
    )
    assert (
        TikTokAuthorizer(settings("http://127.0.0.1:5"))
        .authorize_url("x")
        .startswith("http://127.0.0.1:5/open/authorize")
    )
    with pytest.raises(ConfigurationError, match="service id"):
        TikTokAuthorizer(TikTokSettings("k", "s")).authorize_url("x")


def test_no_secret_is_ever_said(vault: SqliteVault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    code, token = "code" + "-x", "refresh" + "-x"
    said = [repr(settings("http://127.0.0.1:1")), repr(vault.load())]
    replies = [
        Reply(drop=True),
        Reply(500),
        failed(36009003),
        failed(36004004),
        failed(106001, status=401),
        Reply(200, {}),
    ]
    with structlog.testing.capture_logs() as events:
        for reply in replies:
            with serving(reply) as server:
                shop = shop_at(server.url, vault)
                authorizer = TikTokAuthorizer(settings(server.url), HttpClient("tiktok", sleep=lambda _: None))
                said.append(failure_of(shop.warehouses))
                said.append(failure_of(partial(authorizer.refresh, token)))
                said.append(failure_of(partial(authorizer.exchange, code)))
    text = "".join(said) + str(events) + caplog.text
    assert "/api/v2/token/refresh" in text
    for secret in (SECRET, "access-first", "refresh-first", token, code, CIPHER, "GCP_cipher"):
        assert secret not in text


def failure_of(call: Callable[[], object]) -> str:
    """The whole traceback of a call that fails."""
    try:
        call()
    except ConnectorError as error:
        return "".join(traceback.format_exception(error))
    raise AssertionError("it did not fail")


def test_a_decision_that_is_refused_inside_a_success_is_refused(vault: SqliteVault) -> None:
    error = {"code": 25020004, "message": "The decision does not fit the return.", "detail": {"return_id": "5"}}
    reply = Reply(200, {"code": 0, "message": "Success", "data": {"errors": [error]}})
    refused = pytest.raises(RejectedError, match=r"does not fit the return\. \(25020004\)")
    with serving(reply) as server, refused:
        shop_at(server.url, vault).approve_return("5", "APPROVE_RETURN", "key-1")
    assert server.asked[0].query["idempotency_key"] == "key-1"


def test_a_refused_time_says_whose_clock_is_wrong(api: Any) -> None:
    refused = failed(36009004, "Invalid timestamp: it is more than 5 minutes old.", 400)
    with serving(refused) as server, pytest.raises(AuthorizationError, match="Set this machine's clock"):
        api(server).call(PRODUCT, ids={"product_id": "1"})
