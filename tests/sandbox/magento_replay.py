"""Replays recorded calls of a real Magento against the sandbox and compares the answers.

What cannot be the same is mapped: tokens by name, generated texts (masks of guest carts, ids of bulk operations) by the place
where they first came up, so that a later call finds the thing it means. Dates are compared by their form, numbers to the cent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

from tests.sandbox.magento_shop import Shop

DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
GENERATED = re.compile(r"[0-9A-Za-z]{32}|[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COME_BACK = re.compile(r'"uenc":"[\w~-]{20,}"')
REPORT = re.compile(r"Report ID: webapi-[0-9a-f]+")
PLACEHOLDER = re.compile(r"<[A-Z_]+>")
RECORDED_HOST = "http://magento.example.test"


@dataclass
class Recording:
    """One recorded call; `name` is its number and title."""

    name: str
    request: dict[str, Any]
    status: int
    body: Any

    @property
    def number(self) -> int:
        return int(self.name[:3])


def read_recordings(folder: Path) -> list[Recording]:
    """All recordings in the order in which they were made."""
    found = []
    for file in sorted(folder.glob("[0-9]*.json")):
        if file.name.startswith("000"):
            continue
        data = json.loads(file.read_text("utf-8"))
        found.append(Recording(file.stem, data["request"], data["response"]["status"], data["response"]["body"]))
    return found


@dataclass
class Replay:
    """The state of a replay: `same` maps recorded texts to those of this shop."""

    shop: Shop
    secrets: dict[str, str]
    same: dict[str, str] = field(default_factory=dict)

    def send(self, recording: Recording) -> tuple[int, Any]:
        request = recording.request
        path = self._mapped(request["path"])
        query = self._mapped(encoded(request["query"]))
        target = f"{path}?{query}" if query else path
        body, headers = self._body(recording.name, request)
        headers |= self._authorization(recording, path, query)
        headers |= request.get("extra_headers", {})
        return self.shop.send(request["method"], target, body, headers)

    def _body(self, name: str, request: Mapping[str, Any]) -> tuple[bytes | None, dict[str, str]]:
        if "raw_body" in request:
            typed = {} if "no-content-type" in name else {"Content-Type": "application/json"}
            return request["raw_body"].encode(), typed
        if request["body"] is None:
            return (b"", {}) if request["method"] in {"POST", "PUT"} else (None, {})
        return self._mapped(json.dumps(request["body"])).encode(), {"Content-Type": "application/json"}

    def _mapped(self, text: str) -> str:
        for recorded, here in self.same.items():
            text = text.replace(recorded, here)
        for name, value in self.secrets.items():
            text = text.replace(f"<{name}>", value)
        return text

    def _authorization(self, recording: Recording, path: str, query: str) -> dict[str, str]:
        kind = recording.request.get("auth") or "none"
        if kind == "none":
            return {}
        if kind.startswith("OAuth "):
            return {"Authorization": self._signed(recording, path, query)}
        return {"Authorization": self._mapped(kind)}

    def _signed(self, recording: Recording, path: str, query: str) -> str:
        """The recorded OAuth header, signed anew as its note says: host without port, path as sent or decoded."""
        pairs = dict(re.findall(r'(oauth_\w+)="([^"]*)"', recording.request["auth"]))
        age = 7200 if "old-timestamp" in recording.name else 0
        pairs |= {
            "oauth_timestamp": str(int(time.time()) - age),
            "oauth_consumer_key": self.secrets["CONNECTOR_CONSUMER_KEY"],
        }
        pairs |= {"oauth_token": self.secrets["CONNECTOR_ACCESS_TOKEN"]}
        del pairs["oauth_signature"]
        signed_path = path.replace("%2F", "/") if "decoded" in recording.name else path
        parameters = [tuple(map(unquote, part.split("=", 1))) for part in query.split("&") if "=" in part] + list(
            pairs.items()
        )
        plain = "&".join(sorted(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in parameters))
        url = f"http://{self.shop.server.host}{signed_path}"
        base = "&".join(quote(part, safe="~") for part in (recording.request["method"], url, plain))
        key = f"{self.secrets['CONNECTOR_CONSUMER_SECRET']}&{self.secrets['CONNECTOR_TOKEN_SECRET']}".encode()
        digest = hashlib.sha1 if "SHA1" in pairs["oauth_signature_method"] else hashlib.sha256
        signature = base64.b64encode(hmac.new(key, base.encode(), digest).digest()).decode()
        if "bad-signature" in recording.name:
            signature = "A" + signature[1:]
        pairs["oauth_signature"] = signature
        return "OAuth " + ", ".join(f'{name}="{quote(value, safe="~")}"' for name, value in pairs.items())

    def differences(self, recorded: Any, here: Any, at: str = "") -> list[str]:
        """Where the two answers differ, one line a place."""
        if isinstance(recorded, dict) and isinstance(here, dict):
            lines = [f"{at}.{key} is missing" for key in recorded.keys() - here.keys()]
            lines += [f"{at}.{key} = {here[key]!r} is too much" for key in here.keys() - recorded.keys()]
            for key in recorded.keys() & here.keys():
                lines += self.differences(recorded[key], here[key], f"{at}.{key}")
            return lines
        if isinstance(recorded, list) and isinstance(here, list):
            if len(recorded) != len(here):
                return [f"{at} has {len(here)} entries instead of {len(recorded)}"]
            recorded, here = by_code(recorded), by_code(here)
            return [
                line
                for i, pair in enumerate(zip(recorded, here, strict=True))
                for line in self.differences(*pair, f"{at}[{i}]")
            ]
        return [] if self._same_value(recorded, here) else [f"{at} = {here!r} instead of {recorded!r}"]

    def _same_value(self, recorded: Any, here: Any) -> bool:
        if isinstance(recorded, bool) or isinstance(here, bool) or recorded is None or here is None:
            return recorded is here
        if isinstance(recorded, int | float) and isinstance(here, int | float):
            return abs(recorded - here) < 0.005
        if not isinstance(recorded, str) or not isinstance(here, str):
            return bool(recorded == here)
        recorded = recorded.replace(RECORDED_HOST, self.shop.server.url)
        recorded = recorded.replace(RECORDED_HOST.replace("/", "\\/"), self.shop.server.url.replace("/", "\\/"))
        recorded, here = COME_BACK.sub("", recorded), COME_BACK.sub("", here)
        if recorded == here or PLACEHOLDER.fullmatch(recorded):
            return True
        if DATE.fullmatch(recorded):
            return DATE.fullmatch(here) is not None
        if GENERATED.fullmatch(recorded) and GENERATED.fullmatch(here):
            return self.same.setdefault(recorded, here) == here
        return REPORT.sub("", recorded) == REPORT.sub("", here) and REPORT.search(here) is not None


def by_code(items: list[Any]) -> list[Any]:
    """Attributes come in no particular order: they are compared in that of their codes."""
    if items and all(isinstance(item, dict) and "attribute_code" in item for item in items):
        return sorted(items, key=lambda item: str(item["attribute_code"]))
    return items


def encoded(query: Any) -> str:
    """A recorded query: text as it was sent, pairs and objects encoded as the recorder did."""
    if isinstance(query, str):
        return query
    pairs = query.items() if isinstance(query, dict) else query
    return urlencode([(name, str(value)) for name, value in pairs], quote_via=quote)
