"""What becomes of listings after they are live: stock, stops, deletions and refusals, on real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.services import holding, onboarding, orders, publishing, snapshots, work
from connector.store.models import ImageAsset, Listing, ListingTemplate, Order, Policy, Product, QueueItem
from tests.flow.conftest import installed
from tests.flow.selling import Selling


@pytest.fixture
def selling(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Selling]:
    """Two dozen products and variants, live."""
    with installed(tmp_path, database_url, redis_url, products=24) as here:
        made = Selling(here)
        made.list_all()
        yield made


def test_what_a_person_did_in_the_seller_center_is_respected(selling: Selling) -> None:
    """A stop stays, a start too; a deleted product is made again only when somebody asks, as a new product."""
    row = selling.live()
    selling.shop.deactivate([row.remote_id])
    selling.news()
    assert (selling.again(row).status, selling.again(row).stopped) == ("SELLER_DEACTIVATED", True)
    selling.save_product(row.product.sku, name="Another name of it")
    selling.read_store()
    assert selling.plan().upload == 0

    selling.shop.activate([row.remote_id])
    selling.reviewed()
    assert (selling.again(row).status, selling.again(row).stopped) == ("ACTIVATE", False)
    assert selling.plan().upload == 1

    selling.reviewed()
    selling.shop.delete([row.remote_id])
    selling.news()
    assert (selling.again(row).status, selling.plan().upload) == ("DELETED", 0)
    work.ask(selling.here.ctx, "upload", [row.id], actor="ada@shop.example")
    selling.here.work()
    selling.reviewed()
    fresh = selling.again(row)
    assert (fresh.status, fresh.remote_id != row.remote_id) == ("ACTIVATE", True)
    assert fresh.create_key != row.create_key


def test_what_the_store_does_not_sell_is_taken_off_and_put_back(selling: Selling) -> None:
    """Disabled: off, and on again with the right pieces. Deleted: off for good. A person's stop is not undone."""
    row, other, third = (selling.live(number=number) for number in range(3))
    pieces = selling.pieces(row)
    for each in (row, other):
        selling.save_product(each.product.sku, status=2)
    selling.delete_product(third.product.sku)
    Product.update(seen_at=1).where(Product.id == third.product_id).execute()
    selling.here.store.update(swept_at=None).execute()
    selling.read_store()
    assert selling.plan().status == 3
    selling.news()
    assert {selling.again(each).status for each in (row, other, third)} == {"SELLER_DEACTIVATED"}
    assert {selling.again(each).stopped for each in (row, other, third)} == {False}

    work.ask(selling.here.ctx, "change_status", [other.id], actor="ada", arguments={"status": "inactive"})
    selling.here.work()
    for each in (row, other):
        selling.save_product(each.product.sku, status=1)
    selling.read_store()
    selling.plan()
    selling.plan()
    selling.reviewed()
    assert [selling.again(each).status for each in (row, other, third)] == [
        "ACTIVATE",
        "SELLER_DEACTIVATED",
        "SELLER_DEACTIVATED",
    ]
    assert selling.again(other).stopped
    assert selling.pieces(row) == pieces


def test_stock_stays_true_when_the_content_is_not_valid(selling: Selling) -> None:
    """A variant that was disabled offers nothing at once; without a weight the rest still follows the store."""
    row = selling.live("configurable")
    first, second = list(Product.select().where(Product.parent == row.product_id).order_by(Product.entity_id))[:2]
    selling.save_product(first.sku, status=2)
    selling.set_stock(second.sku, 3)
    ListingTemplate.update(package_weight="").execute()
    for variant in Product.select().where(Product.parent == row.product_id):
        selling.save_product(variant.sku, weight=0)
    selling.read_store()

    selling.plan()

    assert selling.again(row).validation == "invalid"
    assert {issue["code"] for issue in selling.again(row).issues} == {"weight.empty"}
    seen = selling.pieces(row)
    assert (seen[first.sku], seen[second.sku]) == (0, 3)


def test_an_order_between_the_look_at_stock_and_the_push_is_not_promised_again(selling: Selling) -> None:
    """Six pieces came in; two were bought before they were offered: four are left to offer, until the store has the order
    and its stock was read after that."""
    row = selling.live()
    sku = row.product.sku
    selling.set_stock(sku, 4)
    selling.read_store()
    selling.plan()
    (seller_sku,) = selling.pieces(row)
    orders.import_window(selling.here.ctx, selling.account)
    selling.set_stock(sku, 6)
    snapshots.sync_stock(selling.here.ctx, selling.here.store)
    publishing.plan(selling.here.ctx, selling.account)
    order_id = selling.order(seller_sku, 2)
    marks = {**selling.account.high_water, "orders": selling.account.high_water["orders"] - 60}
    selling.account.update(high_water=marks).execute()

    selling.here.work()

    assert selling.pieces(row) == {seller_sku: 4}
    selling.here.work()
    made = Order.get(Order.tiktok_order_id == order_id)
    assert (made.state, Product.get_by_id(row.product_id).salable) == ("confirmed", 6)
    assert holding.held([sku], store_id=selling.account.store_id) == {sku: 2}
    snapshots.sync_stock(selling.here.ctx, selling.here.store)
    assert (holding.held([sku], store_id=selling.account.store_id), Product.get_by_id(row.product_id).salable) == (
        {},
        4,
    )
    selling.plan()
    assert selling.pieces(row) == {seller_sku: 4}


def test_refused_content_is_sent_again_only_when_it_is_another(selling: Selling) -> None:
    """By the review: reasons are shown. By the create or edit itself: an issue holds it back through changes of stock."""
    row = selling.live()
    selling.save_product(row.product.sku, name="A replica of a hoodie")
    selling.read_store()
    assert selling.plan().upload == 1
    selling.reviewed()
    assert "replica" in " ".join(selling.again(row).confirmed["reasons"])
    assert (selling.plan().upload, selling.again(row).status) == (0, "ACTIVATE")

    ListingTemplate.update(brand_id="7082427311584347905").execute()
    Listing.update(stale=True).where(Listing.id == row.id).execute()
    assert selling.plan().upload == 1
    held = selling.again(row)
    assert (held.validation, [issue["code"] for issue in held.issues]) == ("invalid", ["tiktok.12052208"])
    assert held.issues[0]["request_id"]
    selling.set_stock(row.product.sku, 2)
    snapshots.sync_stock(selling.here.ctx, selling.here.store)
    planned = selling.plan()
    assert (planned.upload, planned.offers, selling.again(row).validation) == (0, 1, "invalid")

    ListingTemplate.update(brand_id="").execute()
    Listing.update(stale=True).where(Listing.id == row.id).execute()
    selling.save_product(row.product.sku, name="A hoodie")
    selling.read_store()
    assert (selling.plan().upload, selling.again(row).validation) == (1, "valid")
    selling.reviewed()
    assert selling.shop.product(row.remote_id).title == "A hoodie"


def test_a_picture_that_the_marketplace_lost_is_sent_again(selling: Selling) -> None:
    row = selling.live()
    ImageAsset.update(uri="tos-lost/" + "0" * 32).execute()
    selling.save_product(row.product.sku, name="With the same pictures")
    selling.read_store()

    selling.plan()

    selling.reviewed()
    assert selling.shop.product(row.remote_id).title == "With the same pictures"
    assert selling.ended("upload")[-1] == "confirmed"


def test_a_broken_picture_is_left_out_and_named_and_without_any_the_product_waits(selling: Selling) -> None:
    row = selling.live()
    Policy.update(settings={"gallery_images": 8, "variant_images": False}).where(Policy.type == "image").execute()
    product = Product.get_by_id(row.product_id)
    whole, broken = (
        product.data["media_gallery_entries"][0],
        {"file": "/n/o/none.jpg", "media_type": "image", "types": []},
    )
    _show(selling, product, [whole, broken])

    selling.plan()

    done = QueueItem.select().where(QueueItem.kind == "upload").order_by(QueueItem.id.desc()).first()
    assert (done.state, "none.jpg" in done.cause) == ("confirmed", True)
    _show(selling, product, [broken])
    selling.plan()
    held = selling.again(row)
    assert (held.validation, "none.jpg" in held.issues[0]["message"]) == ("invalid", True)


def _show(selling: Selling, product: Product, gallery: list[dict[str, Any]]) -> None:
    """The product's pictures as they were read from the store."""
    data = {**product.data, "media_gallery_entries": gallery}
    Product.update(data=data).where(Product.id == product.id).execute()
    snapshots.mark_stale([product.id])


def test_what_leaves_its_template_is_taken_off_or_left_as_the_policy_says(selling: Selling) -> None:
    row, kept = selling.live(number=0), selling.live(number=1)
    Listing.update(template=None, stale=True, pinned=True).where(Listing.id == row.id).execute()
    assert selling.plan().status == 1
    selling.news()
    assert (selling.again(row).status, selling.again(row).stopped) == ("SELLER_DEACTIVATED", False)

    Policy.update(settings={"leaving": "keep"}).where(Policy.type == "synchronization").execute()
    Listing.update(template=None, stale=True, pinned=True).where(Listing.id == kept.id).execute()
    selling.set_stock(kept.product.sku, 5)
    snapshots.sync_stock(selling.here.ctx, selling.here.store)
    assert selling.plan().status == 0
    assert (selling.again(kept).status, set(selling.pieces(kept).values())) == ("ACTIVATE", {5})


def test_only_chosen_attributes_send_content_when_the_policy_names_some(selling: Selling) -> None:
    row = selling.live()
    Policy.update(settings={"attributes": ["name"]}).where(Policy.type == "synchronization").execute()
    Listing.update(stale=True).execute()
    selling.plan()
    selling.save_product(
        row.product.sku, custom_attributes=[{"attribute_code": "description", "value": "Other words."}]
    )
    selling.read_store()
    assert selling.plan().upload == 0
    selling.save_product(row.product.sku, name="Another name")
    selling.read_store()
    assert selling.plan().upload == 1


def test_where_zero_is_not_taken_what_is_sold_out_is_taken_off(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with installed(tmp_path, database_url, redis_url, products=24, zero_quantity=False) as here:
        selling = Selling(here)
        selling.list_all()
        row = selling.live()
        pieces = selling.pieces(row)
        selling.set_stock(row.product.sku, 0)
        selling.read_store()
        selling.plan()
        assert (selling.again(row).status, selling.again(row).paused) == ("SELLER_DEACTIVATED", True)
        selling.set_stock(row.product.sku, 7)
        selling.read_store()
        selling.plan()
        selling.plan()
        selling.reviewed()
        assert (selling.again(row).status, selling.pieces(row)) == ("ACTIVATE", dict.fromkeys(pieces, 7))


def test_new_attributes_of_a_category_make_new_drafts(selling: Selling) -> None:
    """Nothing is asked twice: a second look at the same attributes and products leaves nothing due."""
    onboarding.refetch_attributes(selling.here.ctx, selling.account.id)
    planned = selling.plan()
    assert planned.drafted == Listing.select().count()
    assert (planned.upload, planned.offers, planned.status) == (0, 0, 0)
    assert not QueueItem.select().where(QueueItem.state.in_(("rejected", "dead"))).count()


def test_what_the_marketplace_sold_is_offered_again_where_the_number_does_not_follow_the_stock(
    selling: Selling,
) -> None:
    """Seven pieces whatever there is (stock that is not managed works alike): after two were sold it is seven again."""
    row = selling.live()
    seven = {"use_threshold": True, "threshold": 1, "above": 7}
    Policy.update(settings=seven).where(Policy.type == "inventory").execute()
    selling.set_stock(row.product.sku, 50)
    selling.read_store()
    selling.plan()
    (seller_sku,) = selling.pieces(row)
    assert selling.pieces(row) == {seller_sku: 7}
    selling.order(seller_sku, 2)
    assert selling.pieces(row) == {seller_sku: 5}

    orders.import_window(selling.here.ctx, selling.account)
    assert selling.plan().offers == 1

    assert selling.pieces(row) == {seller_sku: 7}
    orders.import_window(selling.here.ctx, selling.account)
    assert selling.plan().offers == 0, "the same order, read again, asks for nothing"


def test_a_create_without_an_answer_makes_no_second_product(selling: Selling) -> None:
    """The product is found by its seller SKU. Once it was deleted, the policy may have it made again, under another key."""
    row = selling.live()
    selling.shop.delete([row.remote_id])
    selling.news()
    Policy.update(settings={"recreate": True}).where(Policy.type == "synchronization").execute()
    selling.here.control.fault("tiktok", r"POST .*/202309/products$", "timeout_after_success", delay=0.1)

    assert selling.plan().upload == 1
    assert selling.ended("upload")[-1] == "unknown"
    selling.here.work()

    selling.reviewed()
    fresh = selling.again(row)
    assert (fresh.status, selling.ended("upload")[-1], fresh.remote_id != row.remote_id) == (
        "ACTIVATE",
        "confirmed",
        True,
    )
    sku = next(iter(fresh.confirmed["skus"]))
    same = [p for p in selling.shop.products_updated(0, 2**31) if sku in p.skus and p.status != "DELETED"]
    assert [product.id for product in same] == [fresh.remote_id]
    assert selling.plan().upload == 0


def test_what_the_platform_took_down_comes_back_with_other_content_and_frozen_is_left_alone(selling: Selling) -> None:
    row, other = selling.live(number=0), selling.live(number=1)
    selling.here.control.post(
        f"tiktok/products/{row.remote_id}/review", result="PLATFORM_DEACTIVATED", reasons=["Odd."]
    )
    selling.here.control.post(f"tiktok/products/{other.remote_id}/review", result="FREEZE")
    selling.news()
    assert [selling.again(each).status for each in (row, other)] == ["PLATFORM_DEACTIVATED", "FREEZE"]
    selling.set_stock(row.product.sku, 1)
    snapshots.sync_stock(selling.here.ctx, selling.here.store)
    planned = selling.plan()
    assert (planned.upload, planned.offers, planned.status) == (0, 0, 0)

    for each in (row, other):
        selling.save_product(each.product.sku, name=f"Better {each.id}")
    selling.read_store()
    assert selling.plan().upload == 1
    work.ask(selling.here.ctx, "upload", [other.id], actor="ada")
    selling.here.work()
    selling.reviewed()
    assert [selling.again(each).status for each in (row, other)] == ["ACTIVATE", "FREEZE"]
    refused = QueueItem.select().where(QueueItem.subject_id == other.id).order_by(QueueItem.id.desc()).first()
    assert (refused.state, "appeal" in refused.cause) == ("rejected", True)


def test_what_was_accepted_before_a_failure_is_known(selling: Selling) -> None:
    """A price that is locked does not hide that the pieces went out."""
    row = selling.live()
    sku = row.product.sku
    selling.set_stock(sku, 9)
    selling.read_store()
    selling.plan()
    (seller_sku,) = selling.pieces(row)
    selling.save_product(sku, price=12)
    selling.set_stock(sku, 4)
    selling.read_store()
    selling.here.control.fault("tiktok", r"POST .*/prices/update", "error_code", code=12052038)
    assert selling.plan().offers == 1
    known = selling.again(row).confirmed["skus"][seller_sku]
    assert (known["quantities"], selling.ended("inventory_price_sync")[-1]) == (
        {selling.account.warehouse_id: 4},
        "rejected",
    )


def test_a_product_that_became_a_variant_is_no_longer_sold_alone(selling: Selling) -> None:
    """Its own listing is taken off, and no other listing takes that listing's product over."""
    alone, other = selling.live("simple", 0), selling.live("simple", 1)
    Product.update(parent=selling.live("configurable").product_id).where(Product.id == alone.product_id).execute()
    Listing.update(stale=True).where(Listing.id == alone.id).execute()
    selling.plan()
    assert [issue["code"] for issue in selling.again(alone).issues] == ["product.variant"]
    assert selling.again(alone).status == "SELLER_DEACTIVATED"

    kept = dict(other.confirmed)
    draft = {**alone.draft, "title": "With the same SKU"}
    blank = {"confirmed": {}, "remote_id": "", "status": "", "create_key": "a-new-one"}
    Listing.update(draft=draft, **blank).where(Listing.id == other.id).execute()
    work.ask(selling.here.ctx, "upload", [other.id], actor="ada")
    selling.here.work()
    fresh = selling.again(other)
    assert fresh.remote_id not in {"", alone.remote_id, kept["remote_id"]}
