"""How far an account's feeds were read: `Account.high_water`."""

from __future__ import annotations

from connector.store.database import locked, transaction
from connector.store.models import Account


def of(account: Account, feed: str) -> int | None:
    """The mark of a feed; None before it was read for the first time."""
    mark = (account.high_water or {}).get(feed)
    return None if mark is None else int(mark)


def advance(account: Account, feed: str, mark: int) -> None:
    """Move one feed's mark; two who move marks of one account take turns, so that neither is lost."""
    with transaction():
        fresh: Account = locked(Account.select().where(Account.id == account.id)).get()
        marks = {**(fresh.high_water or {}), feed: mark}
        Account.update(high_water=marks).where(Account.id == account.id).execute()
    account.high_water = marks
