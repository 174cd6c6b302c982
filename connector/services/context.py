"""What every service works with: the remote systems, the clock, the messenger. Built once by the app, or by a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from connector.ports import Authorizer, Catalog, Clock, Mailer, Marketplace, Queue, Sales
from connector.store.models import Account, MagentoStore


class Remotes(Protocol):
    """Makes the remote side of a row. Cheap to call again and again: connections are kept."""

    def shop(self, account: Account) -> Marketplace: ...

    def authorizer(self, account: Account) -> Authorizer: ...

    def catalog(self, store: MagentoStore) -> Catalog: ...

    def sales(self, store: MagentoStore) -> Sales: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The outside as services see it. `base_url` is where this installation's own web pages are reached."""

    remotes: Remotes
    clock: Clock
    queue: Queue
    base_url: str = ""
    place_timeout: float = 360.0
    """Seconds after which a call to the store without an answer cannot be running any more: what we wait for the answer and
    what its server lets it run."""

    keep_work_days: int = 30
    """Days that work which is done, and notifications, are kept."""

    keep_buyers_days: int = 180
    """Days that names and addresses of buyers are kept after their order is over."""

    mailer: Mailer | None = None
    """How the merchant is written to; None without a mail server."""
