"""What a log line may not contain."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from connector import logs


@pytest.fixture
def lines():
    """Logging configured to JSON; the lines written so far, parsed. The former set-up comes back after the test."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("debug", as_json=True, stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "access_token",
        "refresh_token",
        "app_secret",
        "Authorization",
        "x-tts-access-token",
        "password",
        "sign",
        "auth_code",
        "consumer_key",
        "Set-Cookie",
        "oauth_signature",
    ],
)
def test_a_secret_is_known_by_its_name(key):
    assert logs.redact({key: "s3cr3t", "sku": "A"}) == {key: "[redacted]", "sku": "A"}


@pytest.mark.parametrize(
    "key", ["token_expires_at", "design", "assigned", "country_code", "discount_code", "sign_count"]
)
def test_a_name_that_only_resembles_a_secret_is_kept(key):
    assert logs.redact({key: "2027-01-01"}) == {key: "2027-01-01"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /x?app_key=1&sign=abc123&timestamp=5", "GET /x?app_key=1&sign=[redacted]&timestamp=5"),
        ("/token?app_secret=zz9&auth_code=TTP_q&grant_type=g", "/token?app_secret=[redacted]&auth_code=[redacted]&grant_type=g"),
        ('{"access_token": "TTP_abc", "sku": "A"}', '{"access_token": [redacted], "sku": "A"}'),
        ("Authorization: Bearer abcdefghij", "Authorization: [redacted]"),
        ("sent Bearer abcdefghij to it", "sent Bearer [redacted] to it"),
        ('OAuth oauth_token="a", oauth_signature="b%3D"', "OAuth oauth_token=[redacted], oauth_signature=[redacted]"),
        ("{'x-tts-access-token': 'ROW_1'}", "{'x-tts-access-token': [redacted]}"),
        ("postgresql://me:pass@db/x", "postgresql://me:[redacted]@db/x"),
        ("order of jane.doe+tt@example.com came", "order of j***@example.com came"),
        ("call +44 20 7946 0958 now", "call ***58 now"),
        ("call (555) 010-4477 or 555-010-4478", "call ***77 or ***78"),
    ],
)  # fmt: skip
def test_secrets_and_people_are_taken_out_of_texts(text, expected):
    assert logs.redact_text(text) == expected


@pytest.mark.parametrize(
    "text", ["order 576461413038785752", "2026-11-23T10:15:00Z", "price 1234567.89", "sku 24-MB01 at 10.0.0.1:8080"]
)
def test_ids_dates_and_amounts_are_kept(text):
    assert logs.redact_text(text) == text


def test_nested_values_and_people_are_masked():
    order = {
        "lines": [{"sku": "A"}],
        "recipient": {"recipient_name": "Jane", "phone_number": "4420", "email": "j@x.org", "street": ["1 High St"]},
    }

    assert logs.redact(order) == {
        "lines": [{"sku": "A"}],
        "recipient": {"recipient_name": "J***", "phone_number": "***20", "email": "j***@x.org", "street": ["1***"]},
    }  # fmt: skip


def test_our_lines_carry_time_level_name_and_values(lines):
    structlog.get_logger("connector.test").info("listing live", sku="A", token="x" * 10)

    [line] = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "listing live",
        "sku": "A",
        "token": "[redacted]",
        "level": "info",
        "logger": "connector.test",
    }


def test_lines_of_libraries_are_redacted_too(lines):
    logging.getLogger("some.library").warning("GET %s", "/shop?access_token=abc")

    assert lines()[0]["event"] == "GET /shop?access_token=[redacted]"


def test_a_traceback_is_redacted(lines):
    def call() -> None:
        raise ValueError("bad answer to /x?sign=abc from jane@example.com")

    try:
        call()
    except ValueError:
        structlog.get_logger("connector.test").exception("it failed")

    assert "sign=[redacted] from j***@example.com" in lines()[0]["exception"]
    assert "abc" not in json.dumps(lines())


def test_libraries_that_log_headers_stay_quiet_at_debug(lines):
    logging.getLogger("urllib3.connectionpool").debug("headers")
    logging.getLogger("requests_oauthlib.oauth1_auth").debug("secret")

    assert lines() == []
