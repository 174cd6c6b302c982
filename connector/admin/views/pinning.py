"""Placing products by hand: into a template, out of all of them, or as the rules say again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import flash, request, session
from markupsafe import Markup

from connector.admin import formats, refresh
from connector.admin.asking import MenuEntry, Question
from connector.admin.base import Grid
from connector.admin.site import actor, context
from connector.errors import ConfigurationError
from connector.services import pins
from connector.store.models import Account, ListingTemplate

PIN = MenuEntry(
    "pin", "Pin to template", "It stays in the template that you choose, whatever the rules say.", icon="pin", asks=True
)
KEEP_OUT = MenuEntry(
    "keep_out",
    "Keep out of templates",
    "Keep out of every listing template, whatever the rules say? What is live is taken off, unless the synchronization policy leaves it.",
    icon="ban",
)
RELEASE = MenuEntry("follow_rules", "Follow the rules again", icon="pin-off")

Placed = Mapping[int, Sequence[int]]
"""Account id → products of its store."""


def entries_for(*, pinned: bool, placed: bool) -> list[MenuEntry]:
    """What can be done with one product: `pinned` by a person, `placed` in a template."""
    return [PIN, *([KEEP_OUT] if placed or not pinned else []), *([RELEASE] if pinned else [])]


def said(pinned: bool, kept_out: bool, by: pins.Pinned | None) -> Markup:
    """“Pinned by ada@shop.example, 3 min ago”; empty where no person placed it."""
    if not pinned:
        return Markup()
    what = "Kept out" if kept_out else "Pinned"
    if by is None:
        return Markup("{} by hand").format(what)
    return Markup("{} by {}, {}").format(what, formats.who(by.actor), formats.ago(by.at))


class Pinning(Grid):
    """A list whose rows are products that people may place."""

    own_actions: ClassVar[tuple[MenuEntry, ...]] = (PIN, KEEP_OUT, RELEASE)

    def products_of(self, ids: Sequence[int]) -> Placed:
        """The products that rows stand for, by the accounts that the user means."""
        raise AssertionError(f"{type(self).__name__} places products but does not say which {len(ids)} rows are")

    def own_question(self, entry: MenuEntry) -> Any:
        """Which template."""
        templates = _templates(session.get("account"))
        if not templates:
            raise ConfigurationError("There is no listing template to pin to yet: add one under Listing Templates.")
        help_text = "Its own query and the rules are not asked about a pinned product."
        return self.render(
            "ui/ask.html",
            action=entry,
            questions=[Question("template", "Listing Template", help_text, "select", True, templates)],
            rows=None,
            return_url=self.return_url(),
            list_query=request.args.get("query", ""),
            rowid=self.asked_row(),
        )

    def run_own(self, name: str, ids: Sequence[int]) -> None:
        """Place at once; drafts follow by themselves."""
        placed = self.products_of(ids)
        done = _pinned(placed) if name == PIN.name else _per_account(name, placed)
        refresh.plan(placed)
        flash(done, "success")


def _templates(account_id: Any) -> tuple[tuple[str, str], ...]:
    """Templates of the account in the top bar, or of all accounts with the account's title where there are several."""
    rows = ListingTemplate.select(ListingTemplate.id, ListingTemplate.name, Account.title).join(Account)
    if account_id:
        rows = rows.where(ListingTemplate.account == account_id)
    found = list(rows.order_by(Account.title, ListingTemplate.name))
    several = len({row.account.title for row in found}) > 1
    return tuple((str(r.id), f"{r.name} · {r.account.title}" if several else r.name) for r in found)


def _pinned(placed: Placed) -> str:
    template = pins.template_of(request.form.get("template", type=int))
    mine = placed.get(template.account_id, ())
    moved = pins.pin(context(), template, mine, actor())
    others = len({id_ for ids in placed.values() for id_ in ids} - set(mine))
    left = f" {others:,} of another account {'was' if others == 1 else 'were'} left alone." if others else ""
    return f"{_products(moved)} pinned to “{template.name}”.{_unmoved(len(mine) - moved)}{left}"


def _per_account(name: str, placed: Placed) -> str:
    act, words = (pins.keep_out, "kept out of every template") if name == KEEP_OUT.name else (pins.release, RULED)
    accounts = {row.id: row for row in Account.select().where(Account.id.in_(list(placed)))}
    moved = sum(act(context(), accounts[id_], ids, actor()) for id_, ids in placed.items())
    return f"{_products(moved)} {words}.{_unmoved(sum(map(len, placed.values())) - moved)}"


RULED = "left to the rules again"


def _products(count: int) -> str:
    return f"{count:,} product{'' if count == 1 else 's'}"


def _unmoved(count: int) -> str:
    return f" {count:,} already {'was' if count == 1 else 'were'}." if count else ""
