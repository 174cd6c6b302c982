"""Users: who they are, whether a password is theirs, and how often somebody may try."""

from __future__ import annotations

import functools
import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connector.errors import ConnectorError
from connector.services import history
from connector.store.database import transaction
from connector.store.models import Setting, User
from connector.store.models.people import ROLES

SHORTEST_PASSWORD = 10
FREE_TRIES = 5
"""Wrong passwords for one e-mail from one address before it has to wait; an address may be wrong four times as often."""

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=1)

_hasher = PasswordHasher()


@functools.cache
def _nobodys_hash() -> str:
    """Checked when there is no such user, so that the time of an answer tells nothing. Slow to make: only where it is used."""
    return _hasher.hash(secrets.token_urlsafe(24))


class PersonError(ConnectorError):
    """Something about a user is not acceptable; the text says what."""


class LoginRefusedError(ConnectorError):
    """Wrong e-mail or password, a user who was switched off, or too many tries."""


def create(email: str, password: str, role: str, now: datetime, *, name: str = "", actor: str = "connector") -> User:
    """A new user.

    Raises:
        PersonError: the address is no e-mail address or taken, the role unknown, the password too short.
    """
    email = _clean_email(email)
    if role not in ROLES:
        raise PersonError(f"There is no role “{role}”. Roles: {', '.join(ROLES)}.")
    check_password(password)
    if User.get_or_none(User.email == email):
        raise PersonError(f"{email} is a user already.")
    with transaction():
        user: User = User.create(
            email=email, name=name.strip(), role=role, password_hash=_hasher.hash(password), created_at=now
        )
        history.note(now, actor, "user.create", "user", user.id, f"{email} as {role}")
    return user


def authenticate(email: str, password: str, address: str, now: datetime) -> User:
    """The user whose password this is; notes the log-in.

    `address` is where the request came from: tries are counted per e-mail and address, and per address.

    Raises:
        LoginRefusedError: with a text that does not tell whether the e-mail is known.
    """
    email = email.strip().lower()
    pair, place = _key("pair", email, address), _key("address", address)
    wait = max(_wait(pair, now), _wait(place, now))
    if wait:
        raise LoginRefusedError(f"Too many tries. Wait {wait} seconds and try again.")
    user: User | None = User.get_or_none(User.email == email)
    if not _fits(user.password_hash if user else _nobodys_hash(), password) or user is None or not user.active:
        _count(pair, FREE_TRIES, now)
        _count(place, FREE_TRIES * 4, now)
        raise LoginRefusedError("E-mail or password is wrong.")
    with transaction():
        Setting.delete().where(Setting.key == pair).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
        user.last_login_at = now
        if _hasher.check_needs_rehash(user.password_hash):
            user.password_hash = _hasher.hash(password)
        user.save()
        history.note(now, user.email, "user.login", "user", user.id)
    return user


def change_password(user: User, old: str, new: str, now: datetime) -> None:
    """The user's own change; every other session of theirs ends.

    Raises:
        PersonError: the old password is wrong, or the new one too short.
    """
    if not _fits(user.password_hash, old):
        raise PersonError("The present password is wrong.")
    set_password(user, new, now, actor=user.email)


def set_password(user: User, new: str, now: datetime, *, actor: str) -> None:
    """Give a user a password; their sessions end.

    Raises:
        PersonError: it is too short.
    """
    check_password(new)
    with transaction():
        user.password_hash = _hasher.hash(new)
        user.save(only=[User.password_hash])
        history.note(now, actor, "user.password", "user", user.id, f"password of {user.email} changed")


def check_password(password: str) -> None:
    """Raise PersonError for a password that is too short or all of one character."""
    if len(password) < SHORTEST_PASSWORD or len(set(password)) < 4:  # four different characters stop "aaaaaaaaaa"
        raise PersonError(f"A password needs at least {SHORTEST_PASSWORD} characters, not all alike.")


def fingerprint(user: User) -> str:
    """Changes with the password: a session carries it, and ends when it no longer fits."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:24]


def last_admin(user: User) -> bool:
    """True when nobody else could manage users any more without this one."""
    others = User.select().where(User.role == "admin", User.active, User.id != user.id)
    return bool(user.role == "admin" and not others.exists())


def _clean_email(email: str) -> str:
    email = email.strip().lower()
    name, at, host = email.partition("@")
    if not (name and at and host) or any(c.isspace() for c in email) or len(email) > 254:
        raise PersonError(f"“{email}” is not an e-mail address.")
    return email


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _key(kind: str, *parts: str) -> str:
    return f"login.{kind}.{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:40]}"


def _tries(key: str) -> dict[str, Any]:
    row = Setting.get_or_none(Setting.key == key)
    return dict(row.value) if row else {"count": 0, "until": 0, "at": 0}


def _wait(key: str, now: datetime) -> int:
    """Seconds to wait, rounded up; 0 when a try is free."""
    return max(0, -int(-(_tries(key)["until"] - int(now.timestamp()))))


def _count(key: str, free: int, now: datetime) -> None:
    moment = int(now.timestamp())
    with transaction():
        tries = _tries(key)
        if moment - tries["at"] > FORGET_AFTER.total_seconds():
            tries["count"] = 0
        count = tries["count"] + 1
        wait = min(FIRST_WAIT * 2 ** max(0, min(count - free, 10)), LONGEST_WAIT) if count >= free else timedelta()
        value = {"count": count, "at": moment, "until": moment + int(wait.total_seconds()) if wait else 0}
        Setting.insert(key=key, value=value).on_conflict(
            conflict_target=[Setting.key], preserve=[Setting.value]
        ).execute()
