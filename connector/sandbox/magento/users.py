"""Who calls: integrations by OAuth or bearer token, admin users by a signed token, everybody else as a guest."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.sandbox.magento import config
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.oauth import SignedRequest, authenticate

INTEGRATION, ADMIN, CUSTOMER, GUEST = 1, 2, 3, 4
FAILURES_BEFORE_LOCK = 6
LOCK_SECONDS = 1800
SIGN_IN_REFUSED = (
    "The account sign-in was incorrect or your account is disabled temporarily. Please wait and try again later."
)


@dataclass(frozen=True, slots=True)
class User:
    """`kind` as Magento numbers it; `resources` None means every ACL resource."""

    kind: int = GUEST
    user_id: int = 0
    resources: frozenset[str] | None = frozenset()

    def may(self, resource: str) -> bool:
        return resource == "anonymous" or self.resources is None or resource in self.resources


def identify(db: sqlite3.Connection, request: SignedRequest, now: datetime) -> User:
    """The caller. A token that nobody has, or that is switched off, makes a guest; a bad signature raises MagentoError."""
    if request.header.startswith("OAuth "):
        port, path = config.read(db, "sandbox/oauth_port"), config.read(db, "sandbox/oauth_path")
        return _integration(authenticate(db, request, now.timestamp(), port, path))
    word, _, token = request.header.partition(" ")
    if word.lower() != "bearer" or not token:
        return User()
    row = db.execute("SELECT * FROM integration WHERE access_token = ? AND NOT revoked", (token.strip(),)).fetchone()
    if row is not None and config.flag(db, "oauth/consumer/enable_integration_as_bearer"):
        return _integration(row)
    return _admin(db, token.strip(), now)


def _integration(row: sqlite3.Row) -> User:
    resources = None if row["resources"] == "*" else frozenset(json.loads(row["resources"]))
    return User(INTEGRATION, int(row["integration_id"]), resources)


def _admin(db: sqlite3.Connection, token: str, now: datetime) -> User:
    head, _, sign = token.rpartition(".")
    if not head or not hmac.compare_digest(_sign(db, head), sign):
        return User()
    claims = json.loads(urlsafe_b64decode(head.partition(".")[2] + "=="))
    return User(ADMIN, int(claims["uid"]), None) if claims["exp"] > now.timestamp() else User()


def admin_token(
    db: sqlite3.Connection, username: str, password: str, now: datetime, *, second_factor: bool = False
) -> str:
    """A token for `webapi/jwtauth/admin_expiration` minutes.

    Raises MagentoError 401 for wrong or locked credentials, 400 when two-factor sign-in is on and `second_factor` was not given.
    """
    row = db.execute("SELECT * FROM admin_user WHERE username = ?", (username,)).fetchone()
    locked = row is not None and row["locked_until"] is not None and row["locked_until"] > now.isoformat()
    if row is None or locked or not hmac.compare_digest(row["password"], hash_password(password, row["password"])):
        if row is not None:
            _count_failure(db, row, now)
        raise MagentoError(401, SIGN_IN_REFUSED)
    if config.flag(db, "twofactorauth/general/enable") and not second_factor:
        text = "Please use the 2fa provider-specific endpoints to obtain a token."
        raise MagentoError(400, text, {"active_providers": ["google"]})
    db.execute("UPDATE admin_user SET failures = 0, locked_until = NULL WHERE user_id = ?", (row["user_id"],))
    life = timedelta(minutes=int(config.read(db, "webapi/jwtauth/admin_expiration")))
    claims = {"uid": row["user_id"], "utypid": ADMIN, "iat": int(now.timestamp()), "exp": int((now + life).timestamp())}
    head = f"{_base64({'kid': '1', 'alg': 'HS256'})}.{_base64(claims)}"
    return f"{head}.{_sign(db, head)}"


def hash_password(password: str, like: str = "") -> str:
    """`salt:hash`; with `like`, the salt of that one."""
    salt = like.partition(":")[0] or secrets.token_hex(8)
    return f"{salt}:{hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**12, r=8, p=1).hex()}"


def _count_failure(db: sqlite3.Connection, row: sqlite3.Row, now: datetime) -> None:
    failures = int(row["failures"]) + 1
    locked = (now + timedelta(seconds=LOCK_SECONDS)).isoformat() if failures >= FAILURES_BEFORE_LOCK else None
    db.execute(
        "UPDATE admin_user SET failures = ?, locked_until = ? WHERE user_id = ?", (failures, locked, row["user_id"])
    )


def _base64(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _sign(db: sqlite3.Connection, head: str) -> str:
    row = db.execute("SELECT password FROM admin_user ORDER BY user_id LIMIT 1").fetchone()
    key = row["password"] if row else "no admin user"
    return urlsafe_b64encode(hmac.new(key.encode(), head.encode(), hashlib.sha256).digest()).decode().rstrip("=")
