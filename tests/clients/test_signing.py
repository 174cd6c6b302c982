"""The signer agrees with the published samples and with the peers' vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector.clients.tiktok.signing import sign, sign_webhook, verify_webhook


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference/tiktok-sign-vectors.json").read_text(encoding="utf-8"))


def test_every_request_vector(vectors: dict[str, Any]) -> None:
    for vector in vectors["vectors"]:
        query = list(dict(vector["query"] or {}).items())
        query += [("app_key", vector["app_key"]), ("timestamp", str(vector["timestamp"]))]
        body = None if vector["body"] is None else vector["body"].encode()
        made = sign(vector["path"], query, body, vector["content_type"], vector["app_secret"])
        assert made == vector["expected_sign"], vector["name"]


def test_every_webhook_vector(vectors: dict[str, Any]) -> None:
    for vector in vectors["webhook"]:
        body = vector["raw_body"].encode()
        assert sign_webhook(vector["app_key"], body, vector["app_secret"]) == vector["expected_signature"]
        assert verify_webhook(vector["app_key"], body, vector["app_secret"], vector["expected_signature"])
        assert not verify_webhook(vector["app_key"], body + b" ", vector["app_secret"], vector["expected_signature"])


@pytest.mark.parametrize("signature", ["", "é", "0" * 64])
def test_a_wrong_or_missing_webhook_signature_is_refused(signature: str) -> None:
    assert not verify_webhook("key", b"{}", "secret", signature)


def test_the_order_of_the_query_does_not_matter() -> None:
    pairs = [("b", "2"), ("A", "1"), ("_", "3"), ("timestamp", "1"), ("app_key", "k")]
    assert sign("/p", pairs, None, None, "s") == sign("/p", reversed(pairs), None, None, "s")
