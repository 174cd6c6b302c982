"""Which template a product belongs to: a person's pin, then the active rules, then the templates' own queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from peewee import fn

from connector.services.assigning import Assigner, Step
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, MagentoStore, RuleProgress

Report = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Assigned:
    """How many products an account lists after a run, how many of the store's listings changed in it, how many products
    match more than one template, and how many have a value that rules cannot work with."""

    listed: int
    changed: int
    overlaps: int
    held_back: int


def run(ctx: Context, account: Account, report: Report = lambda _step: None) -> Assigned:
    """Assign everything that is due in the account's store, batch by batch; pinned listings stay where a person put them.

    Killed in the middle, the next run goes on where this one was. `report` hears of every batch.

    Raises:
        RuleError: the active text does not fit the store's present attributes.
        ConfigurationError: the store's attributes were never read.
    """
    changed = 0
    assigner = Assigner(account.store, ctx.clock.now(), also=account.id)
    while not (step := assigner.step()).finished:
        changed += step.changed
        report(step)
    listings = Listing.select().where(Listing.account == account, Listing.template.is_null(False))
    return Assigned(
        listed=listings.count(),
        changed=changed,
        overlaps=listings.where(fn.LENGTH(Listing.overlaps) > len("[]")).count(),
        held_back=assigner.facts.held_back(),
    )


def work_on(ctx: Context, account: Account, seconds: float) -> Step:
    """Batches for so long; the last one. The queue asks again until it is `finished`."""
    end = time.monotonic() + seconds
    assigner = Assigner(account.store, ctx.clock.now(), also=account.id)
    step = assigner.step()
    while not step.finished and time.monotonic() < end:
        step = assigner.step()
    return step


def due(ctx: Context, store: MagentoStore) -> bool:
    """Whether products, rules, templates, attributes or the day changed since all was assigned."""
    return Assigner(store, ctx.clock.now()).due()


def decide(ctx: Context, account: Account, product_ids: Sequence[int]) -> int:
    """Let the rules decide anew about some products, as after a pin was taken off; the listings that changed."""
    assigner = Assigner(account.store, ctx.clock.now(), also=account.id)
    with transaction():
        return assigner.decisions.save({account.id}, list(product_ids))


def progress(store: MagentoStore) -> Step | None:
    """The last batch of a store's assignment; None when nothing was ever assigned."""
    row = RuleProgress.get_or_none(RuleProgress.store == store)
    if row is None:
        return None
    return Step(row.doing, row.done, row.total, 0, finished=row.doing == "up to date")
