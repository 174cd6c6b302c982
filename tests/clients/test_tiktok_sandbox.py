"""Every method of the marketplace port against the sandbox, over HTTP."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.clients.tiktok import TikTokAuthorizer, TikTokSettings, TikTokShop
from connector.domain.listing import CreatedProduct, Draft, Status
from connector.errors import AuthorizationError, NotFoundError, RejectedError, UnknownOutcomeError
from connector.sandbox.app import create_sandbox
from connector.sandbox.options import SandboxOptions
from connector.sandbox.serve import SandboxServer
from tests.clients.rehearsal import Control, WallClock, connected, consent, jpeg, shirt, tiktok_settings, wait_for
from tests.clients.vault import SqliteVault

Listed = tuple[CreatedProduct, Draft, dict[str, str]]


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    app = create_sandbox(tmp_path_factory.mktemp("sandbox"), products=3, options=SandboxOptions(audit_seconds=0.2))
    server = SandboxServer(app).start()
    yield Control(server.url)
    server.stop()


@pytest.fixture(autouse=True)
def _no_faults_left(control: Control) -> Iterator[None]:
    yield
    control.clear_faults()


@pytest.fixture(scope="module")
def account(
    control: Control, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TikTokShop, SqliteVault, TikTokSettings]:
    return connected(control, tmp_path_factory.mktemp("account"))


@pytest.fixture
def shop(account: tuple[TikTokShop, SqliteVault, TikTokSettings]) -> TikTokShop:
    return account[0]


@pytest.fixture
def vault(account: tuple[TikTokShop, SqliteVault, TikTokSettings]) -> SqliteVault:
    return account[1]


@pytest.fixture
def settings(account: tuple[TikTokShop, SqliteVault, TikTokSettings]) -> TikTokSettings:
    return account[2]


@pytest.fixture
def listed(shop: TikTokShop, request: pytest.FixtureRequest) -> Listed:
    """A live product of this test's own; its seller SKUs begin with the test's name."""
    name = f"T{abs(hash(request.node.nodeid)) % 10**8}"
    draft, images = shirt(shop, name)
    created = shop.create_product(draft, images, f"key-{name}")
    wait_for(lambda: shop.product(created.id).status is Status.ACTIVATE)
    return created, draft, images


def window() -> tuple[int, int]:
    return int(time.time()) - 600, int(time.time()) + 5


# ── connecting ───────────────────────────────────────────────────────────────


def test_a_seller_consents_and_the_shop_is_known(shop: TikTokShop, settings: TikTokSettings) -> None:
    (found,) = shop.shops()
    assert (found.id, found.cipher, found.region) == (settings.shop_id, settings.shop_cipher, "US")


def test_a_code_works_once(control: Control) -> None:
    authorizer = TikTokAuthorizer(tiktok_settings(control))
    code = control.post("tiktok/tokens/code")["code"]
    assert authorizer.exchange(code).granted_scopes
    with pytest.raises(AuthorizationError, match="connect the shop again"):
        authorizer.exchange(code)


def test_refreshing_rotates_both_tokens(control: Control) -> None:
    authorizer = TikTokAuthorizer(tiktok_settings(control))
    first = consent(authorizer)
    second = authorizer.refresh(first.refresh_token)
    assert second.access_token != first.access_token
    assert second.refresh_token != first.refresh_token


def test_an_expired_token_renews_itself(control: Control, shop: TikTokShop, vault: SqliteVault) -> None:
    before = vault.load()
    control.post("tiktok/tokens/expire")
    assert shop.warehouses()
    assert vault.load().refresh_token != before.refresh_token


def _warehouses_in_process(settings: TikTokSettings, path: Path, start: Any) -> None:
    shop = TikTokShop(settings, SqliteVault(path), WallClock())
    start.wait(20)
    assert shop.warehouses()


def test_two_processes_at_once_refresh_once(
    control: Control, settings: TikTokSettings, vault: SqliteVault, tmp_path: Path
) -> None:
    old = consent(TikTokAuthorizer(settings))
    SqliteVault(tmp_path / "v.db", replace(old, access_expires=WallClock().now()))
    context = multiprocessing.get_context("spawn")
    start = context.Event()
    arguments = (settings, tmp_path / "v.db", start)
    workers = [context.Process(target=_warehouses_in_process, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    time.sleep(2)
    start.set()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    renewed = SqliteVault(tmp_path / "v.db").load()
    assert TikTokAuthorizer(settings).refresh(renewed.refresh_token), "the saved pair is the newest there is"


def test_a_wrong_secret_is_refused_in_words(settings: TikTokSettings, vault: SqliteVault) -> None:
    wrong = TikTokShop(replace(settings, app_secret="wrong"), vault, WallClock())
    with pytest.raises(AuthorizationError, match="key and secret"):
        wrong.warehouses()


# ── onboarding data ──────────────────────────────────────────────────────────


def test_onboarding_data_is_read(shop: TikTokShop) -> None:
    sales = [w for w in shop.warehouses() if w.type == "SALES_WAREHOUSE"]
    assert sales[0].status == "ENABLED"
    providers = shop.shipping_providers(sales[0].id)
    assert {"UPS", "USPS"} <= {provider.name for provider in providers}
    tree = {category.id: category for category in shop.categories()}
    leaf = tree[shop.recommend_category("Men's cotton t-shirt", "<p>soft</p>")]
    assert leaf.is_leaf
    assert leaf.parent_id in tree
    attributes = shop.category_attributes(leaf.id)
    assert {"Color", "Size"} <= {attribute.name for attribute in attributes if attribute.is_sales}
    assert any(attribute.values for attribute in attributes)
    assert shop.category_rules(leaf.id).size_chart_supported in {True, False}
    brands = shop.brands("")
    assert brands
    assert shop.brands(brands[0].name[:3])[0].name.startswith(brands[0].name[:3])


def test_pictures_are_taken_and_bad_ones_refused(shop: TikTokShop) -> None:
    picture = shop.upload_image(jpeg("red"), "MAIN_IMAGE")
    assert (picture.width, picture.height) == (700, 700)
    assert picture.url.startswith("http")
    with pytest.raises(RejectedError):
        shop.upload_image(b"not a picture", "MAIN_IMAGE")


# ── products ─────────────────────────────────────────────────────────────────


def test_a_product_goes_live_with_its_variants(shop: TikTokShop, listed: Listed) -> None:
    created, draft, images = listed
    product = shop.product(created.id)
    assert (product.status, product.audit_status) == (Status.ACTIVATE, "APPROVED")
    assert {key: sku.id for key, sku in product.skus.items()} == dict(created.sku_ids)
    first = draft.skus[0]
    assert product.skus[first.seller_sku].price == Decimal("16.50")
    assert product.skus[first.seller_sku].quantities == first.quantities
    found = shop.find_product(first.seller_sku)
    assert found is not None
    assert found.id == created.id
    assert created.id in {one.id for one in shop.products_updated(*window())}
    assert shop.create_product(draft, images, f"key-{first.seller_sku.rpartition('-')[0]}").id == created.id


def test_a_listing_is_checked_before_it_is_sent(shop: TikTokShop) -> None:
    draft, images = shirt(shop, "CHECK")
    assert shop.check_listing(draft, images) == []
    refused = shop.check_listing(replace(draft, weight_value="0", title=""), images)
    assert refused
    assert all(code.isdigit() and message for code, message in refused)
    with pytest.raises(RejectedError) as caught:
        shop.create_product(replace(draft, title=""), images, "key-check")
    assert caught.value.code.startswith("12")
    assert caught.value.request_id


def test_a_reviewer_s_reasons_are_read(control: Control, shop: TikTokShop, listed: Listed) -> None:
    created, *_ = listed
    control.post(f"tiktok/products/{created.id}/review", result="FAILED", reasons=["The title shouts."])
    product = next(one for one in shop.products_updated(*window()) if one.id == created.id)
    assert product.audit_status == "FAILED"
    assert "The title shouts." in product.reasons[0]


def test_prices_and_stock_change_at_once(shop: TikTokShop, listed: Listed) -> None:
    created, draft, _ = listed
    small, medium = (created.sku_ids[sku.seller_sku] for sku in draft.skus)
    (warehouse,) = draft.skus[0].quantities
    shop.update_prices(created.id, {small: Decimal("15.25")}, "USD")
    refused = shop.update_inventory(created.id, {small: {warehouse: 0}, medium: {"7068517275539700099": 1}})
    assert list(refused) == [medium]
    assert "12052097" in refused[medium]
    product = shop.product(created.id)
    assert product.skus[draft.skus[0].seller_sku].price == Decimal("15.25")
    assert product.skus[draft.skus[0].seller_sku].quantities[warehouse] == 0
    assert product.skus[draft.skus[1].seller_sku].quantities[warehouse] == 10
    with pytest.raises(RejectedError):
        shop.update_prices(created.id, {small: Decimal(1)}, "GBP")


def test_an_edit_changes_content_and_keeps_price_and_stock(shop: TikTokShop, listed: Listed) -> None:
    created, draft, images = listed
    sku = draft.skus[0]
    (warehouse,) = sku.quantities
    shop.update_inventory(created.id, {created.sku_ids[sku.seller_sku]: {warehouse: 3}})
    edited = shop.edit_product(
        created.id, replace(draft, title="A softer blue t-shirt for men"), images, created.sku_ids, {}
    )
    assert dict(edited.sku_ids) == dict(created.sku_ids)
    product = wait_for(lambda: (p := shop.product(created.id)).title.startswith("A softer") and p)
    assert product.skus[sku.seller_sku].quantities[warehouse] == 3


def test_status_changes_answer_what_was_refused(shop: TikTokShop, listed: Listed) -> None:
    created, *_ = listed
    assert list(shop.deactivate([created.id, "123"])) == ["123"]
    assert shop.product(created.id).status is Status.SELLER_DEACTIVATED
    assert shop.activate([created.id]) == {}
    wait_for(lambda: shop.product(created.id).status is Status.ACTIVATE)
    assert shop.delete([created.id]) == {}
    assert shop.product(created.id).status is Status.DELETED
    assert shop.find_product(next(iter(created.sku_ids))) is None
    with pytest.raises(NotFoundError):
        shop.product("1729599999999999999")


def test_a_create_that_succeeded_without_an_answer_is_unknown_and_found(control: Control, shop: TikTokShop) -> None:
    draft, images = shirt(shop, "LOST")
    control.fault("tiktok", "POST /product/202309/products$", "timeout_after_success")
    with pytest.raises(UnknownOutcomeError):
        shop.create_product(draft, images, "key-lost")
    found = shop.find_product("LOST-S")
    assert found is not None
    assert shop.create_product(draft, images, "key-lost").id == found.id
    mine = [one for one in shop.products_updated(*window()) if "LOST-S" in one.skus]
    assert len(mine) == 1


# ── orders ───────────────────────────────────────────────────────────────────


def ordered(control: Control, listed: Listed, **more: Any) -> str:
    _, draft, _ = listed
    lines = more.pop("lines", [{"seller_sku": draft.skus[0].seller_sku, "quantity": 2}])
    return str(control.post("tiktok/orders", lines=lines, **more)["order_ids"][0])


def test_an_order_is_read_to_the_cent(control: Control, shop: TikTokShop, listed: Listed) -> None:
    _, draft, _ = listed
    lines = [{"seller_sku": sku.seller_sku, "quantity": pieces} for sku, pieces in zip(draft.skus, (2, 1), strict=True)]
    number = ordered(
        control,
        listed,
        lines=lines,
        seller_discount="1.00",
        platform_discount="2.00",
        shipping_fee="4.00",
        tax_rate="0.08",
    )
    (order,) = shop.orders([number])
    assert order in list(shop.orders_updated(*window()))
    assert [line.seller_sku for line in order.lines] == [draft.skus[0].seller_sku] * 2 + [draft.skus[1].seller_sku]
    payment = order.payment
    assert (
        payment.sub_total == payment.original_total_product_price - payment.seller_discount - payment.platform_discount
    )
    assert payment.total_amount == payment.sub_total + payment.shipping_fee + payment.tax
    assert sum(line.sale_price for line in order.lines) == payment.sub_total
    assert order.address.complete
    assert (order.address.city, order.address.region, order.address.country) == ("Portland", "Oregon", "US")
    assert order.address.last_name


def test_an_order_on_hold_has_no_address_yet(control: Control, shop: TikTokShop, listed: Listed) -> None:
    number = ordered(control, listed, hold=True)
    (order,) = shop.orders([number])
    assert (order.status, order.address.complete) == ("ON_HOLD", False)
    control.post(f"tiktok/orders/{number}/release_hold")
    (order,) = shop.orders([number])
    assert (order.status, order.address.complete) == ("AWAITING_SHIPMENT", True)


def test_orders_of_others_are_not_found(shop: TikTokShop) -> None:
    with pytest.raises(NotFoundError):
        shop.orders(["576599999999999999"])


def test_units_are_shipped_in_two_packages(control: Control, shop: TikTokShop, listed: Listed) -> None:
    number = ordered(control, listed)
    (order,) = shop.orders([number])
    shop.write_external_order(number, "000000012", {line.id: "41" for line in order.lines})
    shop.write_external_order(number, "000000012", {line.id: "41" for line in order.lines})
    warehouse = next(w for w in shop.warehouses() if w.type == "SALES_WAREHOUSE")
    ups = next(p for p in shop.shipping_providers(warehouse.id) if p.name == "UPS")
    first = shop.ship_lines(number, [order.lines[0].id], "1Z999AA10123456784", ups.id)
    assert shop.orders([number])[0].status == "PARTIALLY_SHIPPING"
    second = shop.ship_lines(number, [order.lines[1].id], "1Z999AA10123456785", ups.id)
    (order,) = shop.orders([number])
    assert order.status == "AWAITING_COLLECTION"
    assert [line.package_id for line in order.lines] == [first, second]
    assert order.lines[0].tracking_number == "1Z999AA10123456784"
    with pytest.raises(RejectedError):
        shop.ship_lines(number, [order.lines[0].id], "1Z999AA10123456784", ups.id)


def test_the_seller_cancels_for_an_allowed_reason(control: Control, shop: TikTokShop, listed: Listed) -> None:
    number = ordered(control, listed)
    reasons = shop.cancel_reasons(number)
    assert "Out of stock" in {reason.text for reason in reasons}
    cancel_id = shop.cancel_order(number, reasons[0].name)
    found = next(one for one in shop.cancellations_updated(*window()) if one.id == cancel_id)
    assert (found.order_id, found.role) == (number, "SELLER")
    assert len(found.line_ids) == 2
    wait_for(lambda: all(line.cancelled for line in shop.orders([number])[0].lines))


@pytest.mark.parametrize("approve", [True, False], ids=["approved", "rejected"])
def test_a_buyer_s_cancellation_is_answered(control: Control, shop: TikTokShop, listed: Listed, approve: bool) -> None:
    number = ordered(control, listed)
    cancel_id = control.post(f"tiktok/orders/{number}/buyer_cancel_request")["cancel_id"]
    found = next(one for one in shop.cancellations_updated(*window()) if one.id == cancel_id)
    assert (found.type, found.status) == ("BUYER_CANCEL", "CANCELLATION_REQUEST_PENDING")
    assert found.deadline > time.time()
    assert shop.orders([number])[0].cancel_requested
    if approve:
        shop.approve_cancellation(cancel_id, f"k-{cancel_id}")
        wait_for(lambda: shop.orders([number])[0].status == "CANCELLED")
    else:
        reason = shop.reject_reasons(cancel_id)[0]
        assert reason.text
        shop.reject_cancellation(cancel_id, reason.name, f"k-{cancel_id}")
        assert shop.orders([number])[0].status == "AWAITING_SHIPMENT"


@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "rejected"])
def test_a_return_is_decided_step_by_step(control: Control, shop: TikTokShop, listed: Listed, accept: bool) -> None:
    number = ordered(control, listed)
    (order,) = shop.orders([number])
    warehouse = next(w for w in shop.warehouses() if w.type == "SALES_WAREHOUSE")
    carrier = shop.shipping_providers(warehouse.id)[0]
    shop.ship_lines(number, [line.id for line in order.lines], "1Z999AA10123456786", carrier.id)
    for step in ("collect", "deliver"):
        control.post(f"tiktok/orders/{number}/{step}")
    return_id = control.post(f"tiktok/orders/{number}/returns", line_item_ids=[order.lines[0].id])["return_id"]

    def state() -> Any:
        return next(one for one in shop.returns_updated(*window()) if one.id == return_id)

    request = state()
    assert (request.order_id, request.line_ids) == (number, (order.lines[0].id,))
    assert request.refund_total > 0
    assert request.next_actions
    if accept:
        shop.approve_return(return_id, "APPROVE_RETURN", f"a-{return_id}")
        control.post(f"tiktok/returns/{return_id}/buyer_ship")
        assert state().tracking_number
        shop.approve_return(return_id, "APPROVE_RECEIVED_PACKAGE", f"b-{return_id}")
        assert state().status.startswith("RETURN_OR_REFUND_REQUEST_")
    else:
        reason = shop.reject_reasons(return_id)[0]
        shop.reject_return(return_id, "REJECT_RETURN", reason.name, f"r-{return_id}")
        assert state().status == "REFUND_OR_RETURN_REQUEST_REJECT"


def test_many_orders_are_read_page_by_page_in_seconds(control: Control, shop: TikTokShop, listed: Listed) -> None:
    created, draft, _ = listed
    (warehouse,) = draft.skus[0].quantities
    shop.update_inventory(created.id, {created.sku_ids[draft.skus[0].seller_sku]: {warehouse: 500}})
    lines = [{"seller_sku": draft.skus[0].seller_sku, "quantity": 1}]
    wanted = set(control.post("tiktok/orders", lines=lines, count=120)["order_ids"])
    started = time.monotonic()
    found = [order.id for order in shop.orders_updated(*window())]
    assert time.monotonic() - started < 10
    assert wanted <= set(found)
    assert len(found) == len(set(found))
    assert len(shop.orders(sorted(wanted))) == 120


def test_webhooks_are_registered(shop: TikTokShop) -> None:
    shop.set_webhook("ORDER_STATUS_CHANGE", "https://connector.test/hook")
    shop.set_webhook("ORDER_STATUS_CHANGE", "https://connector.test/hook2")
    assert shop.webhooks()["ORDER_STATUS_CHANGE"] == "https://connector.test/hook2"


# ── faults ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["http_429", "http_500", "http_502_html", "drop_connection"])
def test_a_read_survives_a_fault(control: Control, shop: TikTokShop, kind: str) -> None:
    control.fault("tiktok", "GET /logistics/202309/warehouses$", kind)
    assert shop.warehouses()


def test_a_shipment_without_an_answer_is_unknown_and_not_repeated(
    control: Control, shop: TikTokShop, listed: Listed
) -> None:
    number = ordered(control, listed)
    (order,) = shop.orders([number])
    carrier = shop.shipping_providers(next(w for w in shop.warehouses() if w.type == "SALES_WAREHOUSE").id)[0]
    control.fault("tiktok", f"POST /fulfillment/202610/orders/{number}/packages", "timeout_after_success")
    with pytest.raises(UnknownOutcomeError):
        shop.ship_lines(number, [line.id for line in order.lines], "1Z999AA10123456787", carrier.id)
    (order,) = shop.orders([number])
    assert order.status == "AWAITING_COLLECTION"
    assert len({line.package_id for line in order.lines}) == 1
