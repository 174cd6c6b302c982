"""What the transport repeats, what it never repeats, and what it never says."""

from __future__ import annotations

import logging
import socket
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import structlog

from connector.clients.http import Answer, Call, HttpClient, redact, seconds_of
from connector.clients.magento.refusals import value_of
from connector.errors import RejectedError, RetryableError, UnknownOutcomeError
from tests.clients.server import Reply, serving


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(pauses: list[float]) -> HttpClient:
    return HttpClient("magento", connect_timeout=1, read_timeout=0.5, sleep=pauses.append)


def build(url: str, method: str = "GET") -> Callable[[], Call]:
    return lambda: Call(method, url)


def read(answer: Answer) -> object:
    return value_of(answer, change=False)


def change(answer: Answer) -> object:
    return value_of(answer, change=True)


def test_a_read_is_tried_again_after_a_server_error(client: HttpClient, pauses: list[float]) -> None:
    with serving([Reply(502, b"<html>bad gateway</html>"), Reply(503), Reply(200, [1])]) as server:
        assert client.call(build(server.url), read, repeatable=True) == [1]
    assert len(server.asked) == 3
    assert 1 <= pauses[0] <= 1.5
    assert 2 <= pauses[1] <= 2.5


def test_a_read_is_given_up_after_four_attempts(client: HttpClient) -> None:
    with serving(Reply(503)) as server, pytest.raises(RetryableError) as caught:
        client.call(build(server.url), read, repeatable=True)
    assert (len(server.asked), caught.value.status) == (4, 503)
    assert not isinstance(caught.value, UnknownOutcomeError)


@pytest.mark.parametrize("reply", [Reply(drop=True), Reply(500, {"message": "x"}), Reply(200, b"<html>")])
def test_a_change_without_a_clear_answer_is_sent_once_and_unknown(client: HttpClient, reply: Reply) -> None:
    with serving(reply) as server, pytest.raises(UnknownOutcomeError, match="look it up"):
        client.call(build(server.url, "POST"), change, repeatable=False)
    assert len(server.asked) == 1


def test_a_change_that_times_out_is_sent_once_and_unknown(client: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(UnknownOutcomeError, match="timed out"):
        client.call(build(f"http://127.0.0.1:{silent.getsockname()[1]}/x", "POST"), change, repeatable=False)


def test_a_change_that_was_never_sent_is_tried_again_and_not_unknown(client: HttpClient, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(RetryableError, match="refuses connections") as caught:
        client.call(build(f"http://127.0.0.1:{port}/x", "POST"), change, repeatable=False)
    assert not isinstance(caught.value, UnknownOutcomeError)
    assert len(pauses) == 3


def test_retry_after_is_waited_for(client: HttpClient, pauses: list[float]) -> None:
    with serving([Reply(429, {"message": "Too Many Requests"}, {"Retry-After": "3"}), Reply(200, {})]) as server:
        client.call(build(server.url), read, repeatable=True)
    assert 3 <= pauses[0] <= 3.5


def test_a_long_retry_after_goes_to_the_caller_at_once(client: HttpClient, pauses: list[float]) -> None:
    with serving(Reply(503, b"", {"Retry-After": "600"})) as server, pytest.raises(RetryableError) as caught:
        client.call(build(server.url), read, repeatable=True)
    assert (caught.value.retry_after, pauses, len(server.asked)) == (600, [], 1)


def test_retry_after_may_be_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < (seconds_of(soon) or 0) <= 60
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert (seconds_of("soon"), seconds_of("")) == (None, None)


def test_an_answer_that_is_too_large_is_not_read(client: HttpClient) -> None:
    with serving(Reply(200, b"x" * 200_000)) as server, pytest.raises(RejectedError, match="larger than") as caught:
        client.call(build(server.url), read, repeatable=True, max_body=100_000)
    assert caught.value.code == "too_large"


def test_a_redirect_is_not_followed_but_explained(client: HttpClient) -> None:
    with serving(Reply(301, b"", {"Location": "https://www.shop.test/x?a=b"})) as server:
        with pytest.raises(RejectedError, match=r"redirect to https://www\.shop\.test/x:"):
            client.call(build(server.url, "POST"), change, repeatable=False)
        assert len(server.asked) == 1


def test_connections_are_kept_alive(client: HttpClient) -> None:
    with serving(Reply(200, {})) as server:
        for _ in range(3):
            client.call(build(server.url), read, repeatable=True)
    ports = {asked.headers["Host"] for asked in server.asked}
    assert len(ports) == 1
    assert all(asked.headers["Connection"] == "keep-alive" for asked in server.asked)


def test_a_netrc_file_does_not_replace_our_authorization(
    client: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(Reply(200, {})) as server:
        client.call(lambda: Call("GET", server.url, {"Authorization": "Bearer ours"}), read, repeatable=True)
    assert server.asked[0].headers["Authorization"] == "Bearer ours"


def test_no_secret_of_a_query_reaches_message_traceback_or_log(
    client: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    said = ""
    with structlog.testing.capture_logs() as events:
        for url in (f"http://127.0.0.1:{port}/token?app_secret=hunter2", "http://nowhere.invalid/token?code=hunter2"):
            with pytest.raises(RetryableError) as caught:
                client.call(build(url), read, repeatable=True)
            said += "".join(traceback.format_exception(caught.value))
        with serving([Reply(drop=True), Reply(500), Reply(200, {})]) as server:
            client.call(build(f"{server.url}/token?app_secret=hunter2"), read, repeatable=True)
    said += str(events) + caplog.text
    assert "/token" in said
    assert "hunter2" not in said


def test_redact_keeps_the_rest() -> None:
    assert redact("GET http://h/p?a=b&c=d 200, /q?x failed") == "GET http://h/p?… 200, /q?… failed"
