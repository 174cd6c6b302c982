"""What a person says about a product's template holds against the rules, and is written down."""

from __future__ import annotations

from connector.services import assignment, pins
from connector.services.context import Context
from connector.store.models import Account, HistoryEntry, Listing, ListingTemplate
from tests.services import world
from tests.services.rule_shop import activate, open_shop, places, product, template

WHO = "operator@example.com"


def rest(shop: Account) -> ListingTemplate:
    return ListingTemplate.get(ListingTemplate.account == shop, ListingTemplate.name == "Rest")


def test_a_pin_holds_against_the_rules_until_it_is_taken_off(ctx: Context, account: Account) -> None:
    """Both for a product that has a listing and for one that has none; what the rules said is forgotten meanwhile."""
    shop = open_shop(account)
    listed, unlisted = product(1, price="5"), product(2, price="50")
    activate(ctx)
    assignment.run(ctx, shop)
    assert places(shop) == {"P0001": "Cheap"}

    assert pins.pin(ctx, rest(shop), [listed.id, unlisted.id], WHO) == 2
    assert pins.pin(ctx, rest(shop), [listed.id, unlisted.id], WHO) == 0
    assignment.run(ctx, shop)

    assert places(shop) == {"P0001": "Rest", "P0002": "Rest"}
    assert {(row.pinned, row.rule, row.stale) for row in Listing.select()} == {(True, "", True)}
    assert pins.release(ctx, shop, [listed.id, unlisted.id], WHO) == 2
    assert places(shop) == {"P0001": "Cheap", "P0002": None}


def test_what_is_kept_out_stays_out(ctx: Context, account: Account) -> None:
    """Of every template, whatever the rules say; taken back, the rules say again."""
    shop = open_shop(account)
    row = product(1, price="5")
    activate(ctx)

    assert pins.keep_out(ctx, shop, [row.id], WHO) == 1
    assignment.run(ctx, shop)

    assert places(shop) == {"P0001": None}
    assert pins.release(ctx, shop, [row.id], WHO) == 1
    assert pins.release(ctx, shop, [row.id], WHO) == 0
    assert places(shop) == {"P0001": "Cheap"}


def test_the_history_says_who_when_and_what_was_before(ctx: Context, account: Account) -> None:
    """One entry for each listing and each change."""
    shop = open_shop(account)
    row = product(1, price="5")
    activate(ctx)
    assignment.run(ctx, shop)

    pins.pin(ctx, rest(shop), [row.id], WHO)
    pins.keep_out(ctx, shop, [row.id], "admin@example.com")
    pins.release(ctx, shop, [row.id], WHO)

    entries = HistoryEntry.select().where(HistoryEntry.subject_type == "listing").order_by(HistoryEntry.id)
    assert [(e.action, e.actor, e.before, e.after) for e in entries] == [
        (pins.PIN, WHO, {"template": "Cheap", "pinned": False}, {"template": "Rest", "pinned": True}),
        (pins.KEEP_OUT, "admin@example.com", {"template": "Rest", "pinned": True}, {"template": None, "pinned": True}),
        (pins.RELEASE, WHO, {"template": None, "pinned": True}, {"pinned": False}),
    ]
    listing = Listing.get()
    assert pins.by_whom([listing.id]) == {listing.id: pins.Pinned("admin@example.com", entries[1].at)}
    assert pins.by_whom([]) == {}


def test_only_what_can_be_listed_on_the_account_is_pinned(ctx: Context, account: Account) -> None:
    """A variant is sold by its configurable, and another store's product by another account."""
    shop = open_shop(account)
    lead = product(1, price="5")
    variant = product(2, price="5", parent=lead)
    gone = product(3, price="5")
    type(gone).update(deleted=True).where(type(gone).id == gone.id).execute()

    assert pins.pin(ctx, rest(shop), [lead.id, variant.id, gone.id, 999_999], WHO) == 1
    assert [row.product_id for row in Listing.select()] == [lead.id]


def test_a_pin_on_one_account_leaves_the_others_alone(ctx: Context, account: Account) -> None:
    """Each account has templates of its own."""
    shop = open_shop(account)
    other = Account.create(title="Other", store=shop.store, currency="USD", created_at=world.START)
    template(other, "Cheap")
    row = product(1, price="5")
    activate(ctx)
    assignment.run(ctx, shop)
    assignment.run(ctx, other)

    pins.keep_out(ctx, other, [row.id], WHO)

    assert (places(shop), places(other)) == ({"P0001": "Cheap"}, {"P0001": None})
