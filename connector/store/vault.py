"""An account's token pair in the database: `connector.ports.TokenVault`, shared by every process of an installation.

A renewal is one call to the token host, and its refresh token may work only once. Whoever renews holds a lease, a row of
the settings changed by compare-and-set; no transaction is open while the host is asked.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from connector.domain.shop import Tokens
from connector.errors import AuthorizationError, RetryableError
from connector.ports import TokenRefresh
from connector.store.database import connection, transaction
from connector.store.models import Account, Setting

MARGIN = 2
"""How many times what a refresh may take a lease lasts: names are looked up and bytes trickle without a limit of their own."""

PAUSE = 0.1
BEYOND = 30.0
"""Seconds that a process waits for another one's renewal, once the other's lease must be over."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def save_tokens(account_id: int, tokens: Tokens) -> None:
    """Store a pair in one statement, so that nobody ever sees half of one; the account's problem is over."""
    changes = {
        "access_token": tokens.access_token,
        "access_expires_at": tokens.access_expires,
        "refresh_token": tokens.refresh_token,
        "refresh_expires_at": tokens.refresh_expires,
        "problem": "",
    }
    if tokens.seller_name:
        changes["seller_name"] = tokens.seller_name
    if tokens.granted_scopes:
        changes["granted_scopes"] = list(tokens.granted_scopes)
    with transaction():
        Account.update(changes).where(Account.id == account_id).execute()


class DatabaseVault:
    """One account's pair. `now` and `sleep` are the machine's unless a test says otherwise.

    `longest_refresh` is how many seconds the token host may be asked for, repetitions included; `lease` follows from it.
    A process that died holds others up no longer than that.
    """

    def __init__(
        self,
        account_id: int,
        *,
        longest_refresh: float = 60.0,
        now: Callable[[], datetime] = _utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account_id, self._now, self._sleep = account_id, now, sleep
        self.lease = timedelta(seconds=MARGIN * longest_refresh)
        self._key = f"token-lease:{account_id}"

    def load(self) -> Tokens:
        """The saved pair; raises AuthorizationError when there is none."""
        with connection():
            account: Account | None = Account.get_or_none(Account.id == self._account_id)
        if account is None or not account.refresh_token:
            title = account.title if account else f"Account {self._account_id}"
            raise AuthorizationError(f"{title} is not connected: authorise it on TikTok Shop.", system="tiktok")
        return Tokens(
            access_token=account.access_token,
            access_expires=account.access_expires_at or datetime.fromtimestamp(0, UTC),
            refresh_token=account.refresh_token,
            refresh_expires=account.refresh_expires_at or datetime.fromtimestamp(0, UTC),
            seller_name=account.seller_name,
            seller_base_region=account.region,
            granted_scopes=tuple(account.granted_scopes or ()),
        )

    def renew(self, refresh: TokenRefresh, *, unless_newer_than: datetime) -> Tokens:
        """The saved pair if it expires later than `unless_newer_than`, else a new one; one process at a time asks.

        Raises:
            AuthorizationError: not connected, or the token host refuses: the seller must consent again.
            RetryableError: another process has been renewing for longer than a lease.
        """
        for _ in range(round((self.lease.total_seconds() + BEYOND) / PAUSE)):
            tokens = self.load()
            if tokens.access_expires > unless_newer_than:
                return tokens
            owner = uuid.uuid4().hex
            if self._take(owner):
                try:
                    return self._renew(refresh, unless_newer_than)
                finally:
                    self._release(owner)
            self._sleep(PAUSE)
        raise RetryableError("Another process is still renewing the access to TikTok Shop.", system="tiktok")

    def _renew(self, refresh: TokenRefresh, unless_newer_than: datetime) -> Tokens:
        """With the lease held; the pair is read again, because it may have changed just before the lease was taken.

        A process that was stopped for longer than its lease finds another's pair, or a new consent's: the one that was
        issued last is the one that works, and expires last.
        """
        old = self.load()
        if old.access_expires > unless_newer_than:
            return old
        new = refresh(old.refresh_token)
        with connection(), transaction():
            kept = self.load()
            if kept.refresh_token == old.refresh_token or new.access_expires > kept.access_expires:
                save_tokens(self._account_id, new)
        return self.load()

    def _take(self, owner: str) -> bool:
        """Compare-and-set: true for one of any number of processes that try at once."""
        now = self._now()
        wanted = {"owner": owner, "until": (now + self.lease).timestamp()}
        with connection(), transaction():
            Setting.insert(key=self._key, value={}).on_conflict_ignore().execute()
            held = Setting.get_by_id(self._key).value
            if float(held.get("until", 0)) > now.timestamp():
                return False
            changed = Setting.update(value=wanted).where(Setting.key == self._key, Setting.value == held).execute()
        return bool(changed == 1)

    def _release(self, owner: str) -> None:
        with connection(), transaction():
            held = Setting.get_by_id(self._key).value
            if held.get("owner") == owner:
                Setting.update(value={}).where(Setting.key == self._key, Setting.value == held).execute()
