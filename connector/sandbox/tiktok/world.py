"""What every part of the TikTok Shop side works with: the state, the clock, the app's identity, one call."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from connector.sandbox.clock import SandboxClock
from connector.sandbox.faults import Faults
from connector.sandbox.options import SandboxOptions
from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Database, Json, set_setting, setting
from connector.sandbox.tiktok.shops import Shop


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """The app as Partner Center would show it."""

    key: str
    secret: str
    service_id: str


class World:
    """The marketplace. `wake` tells the background thread that a webhook waits."""

    def __init__(self, data_dir: Path, clock: SandboxClock, faults: Faults, options: SandboxOptions) -> None:
        self.clock, self.faults, self.options = clock, faults, options
        self.db = Database(data_dir / "tiktok.sqlite3")
        self.wake = threading.Event()
        self.app = self._identity()

    def now(self) -> int:
        return int(self.clock.now())

    def redirect_url(self, tx: sqlite3.Connection) -> str:
        return setting(tx, "redirect_url") or self.options.redirect_url

    def _identity(self) -> AppIdentity:
        """Made once, then kept: a restarted sandbox knows the app that was configured with it."""
        fresh = {
            "app_key": "6" + secrets.token_hex(6),
            "app_secret": secrets.token_hex(20),
            "service_id": str(7_400_000_000_000_000_000 + secrets.randbelow(10**17)),
        }
        with self.db.write() as tx:
            for key, value in fresh.items():
                if setting(tx, key) is None:
                    set_setting(tx, key, value)
            return AppIdentity(*(setting(tx, key) or "" for key in fresh))


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart call."""

    name: str
    content: bytes


@dataclass(slots=True)
class Call:
    """One admitted call: who asks (`shop`, by its cipher), what (`query`, `body`), and the transaction it runs in."""

    world: World
    tx: sqlite3.Connection
    now: int
    seller_id: str
    known_shop: Shop | None
    query: dict[str, str]
    body: Json
    base_url: str = ""
    form: dict[str, str] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    @property
    def shop(self) -> Shop:
        if self.known_shop is None:
            raise errors.ApiError(errors.CIPHER_MISSING, "shop_cipher is missing")
        return self.known_shop

    @property
    def options(self) -> SandboxOptions:
        return self.world.options

    def asked(self, name: str) -> str:
        """A query parameter that must be there and not be empty."""
        value = self.query.get(name, "")
        if not value:
            raise errors.missing("query", name)
        return value

    def listed(self, name: str, most: int) -> list[str]:
        """A required query parameter whose values are joined by commas, at most `most` of them."""
        values = [value for value in self.asked(name).split(",") if value]
        if not values or len(values) > most:
            raise errors.invalid("query", name, f"1 to {most} values are allowed")
        return values

    def flag(self, name: str) -> bool:
        """A boolean of the query: `true` or `false`."""
        value = self.query.get(name, "false").lower()
        if value not in {"true", "false"}:
            raise errors.invalid("query", name, "it must be true or false")
        return value == "true"

    def text(self, name: str, *, required: bool = True) -> str:
        """A text of the body."""
        value = self.body.get(name)
        if value is None or value == "":
            if required:
                raise errors.missing("body", name)
            return ""
        if not isinstance(value, str):
            raise errors.invalid("body", name, "it must be a string")
        return value

    def texts(self, name: str, *, most: int, required: bool = False) -> list[str]:
        """A list of texts of the body."""
        value = self.body.get(name)
        if not value:
            if required:
                raise errors.missing("body", name)
            return []
        if not is_texts(value):
            raise errors.invalid("body", name, "it must be a list of strings")
        if len(value) > most:
            raise errors.invalid("body", name, f"at most {most} values are allowed")
        return value

    def items(self, name: str, *, most: int = 1000, required: bool = True) -> list[Json]:
        """A list of objects of the body."""
        value = self.body.get(name)
        if not value:
            if required:
                raise errors.missing("body", name)
            return []
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise errors.invalid("body", name, "it must be a list of objects")
        if len(value) > most:
            raise errors.invalid("body", name, f"at most {most} values are allowed")
        return value

    def moment(self, name: str) -> int | None:
        """An optional time of the body, Unix seconds."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise errors.invalid("body", name, "it must be a Unix time in seconds")
        return value


def is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
