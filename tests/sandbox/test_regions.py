"""A shop of each region sells in its own currency, to its own buyers, with its own carriers and reasons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector.sandbox import SandboxOptions, SandboxServer, create_sandbox
from connector.sandbox.tiktok.shops import REGIONS
from connector.services import accounts
from tests.clients.rehearsal import Control, connected, shirt, wait_for


@pytest.mark.parametrize("region", REGIONS)
def test_a_shop_of_every_region_lists_sells_ships_and_answers(tmp_path: Path, region: str) -> None:
    options = SandboxOptions(region=region, audit_seconds=0.1)
    server = SandboxServer(create_sandbox(tmp_path, side="marketplace", options=options)).start()
    try:
        control = Control(server.url)
        shop, _, _ = connected(control, tmp_path)
        (found,) = shop.shops()
        draft, images = shirt(shop, "BOX")
        made = shop.create_product(replace(draft, currency=accounts.REGIONS[region][1]), images, "once")
        wait_for(lambda: shop.product(made.id).status.value == "ACTIVATE")
        lines = [{"seller_sku": "BOX-S", "quantity": 1}]
        first, second = (control.post("tiktok/orders", lines=lines)["order_ids"][0] for _ in range(2))
        order = next(one for one in shop.orders([first]))
        warehouse = next(one.id for one in shop.warehouses() if one.is_default and one.type == "SALES_WAREHOUSE")
        carrier = shop.shipping_providers(warehouse)[0]
        shop.ship_lines(first, [line.id for line in order.lines], "1Z999AA10123456784", carrier.id)
        control.post(f"tiktok/orders/{second}/buyer_cancel_request")
        asked = next(one for one in shop.cancellations_updated(0, 2_000_000_000) if one.order_id == second)
        reason = shop.reject_reasons(asked.id)[0]
        shop.reject_cancellation(asked.id, reason.name, "key")
    finally:
        server.stop()
    assert (found.region, order.payment.currency, order.address.country) == (
        region,
        accounts.REGIONS[region][1],
        region,
    )
    assert order.address.city
    assert order.address.postcode
    assert order.address.telephone
