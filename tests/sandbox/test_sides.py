"""A sandbox may be the marketplace only, or the store only; one of each on two ports are a whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from connector.clients.http import HttpClient
from connector.clients.magento import MagentoCatalog, MagentoConnection, MagentoSales, MagentoStore
from connector.domain.order import Track
from connector.sandbox import SandboxError, SandboxOptions, SandboxServer, create_sandbox
from tests.clients.rehearsal import Control, connected, shirt, wait_for
from tests.clients.test_magento_sales_sandbox import ANN

Pair = tuple[Control, Control]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Store and marketplace, each a sandbox of its own."""
    store = SandboxServer(create_sandbox(tmp_path / "store", products=12, side="store")).start()
    options = SandboxOptions(audit_seconds=0.1)
    market = SandboxServer(create_sandbox(tmp_path / "market", side="marketplace", options=options)).start()
    yield Control(store.url), Control(market.url)
    for server in (store, market):
        server.stop()


def test_each_side_has_nothing_of_the_other(pair: Pair, tmp_path: Path) -> None:
    store, market = pair
    assert (set(store.credentials()), set(market.credentials())) == ({"magento"}, {"tiktok"})
    assert requests.get(f"{store.url}/api/v2/token/get", timeout=5).status_code == 404
    assert requests.get(f"{store.url}/_sandbox/tiktok/truth", timeout=5).status_code == 404
    assert requests.get(f"{market.url}/_sandbox/magento/config", timeout=5).status_code == 404
    assert requests.get(f"{market.url}/rest/V1/store/websites", timeout=5).status_code == 404
    assert not (tmp_path / "store" / "tiktok.sqlite3").exists()
    assert not (tmp_path / "market" / "magento.sqlite3").exists()
    for control, own, other in ((store, "Magento", "Authorize page"), (market, "Authorize page", "<h2>Magento</h2>")):
        page = requests.get(control.url, timeout=5).text
        assert own in page
        assert other not in page
        assert (
            requests.get(f"{control.url}/_sandbox/style.css", timeout=5).headers["content-type"].startswith("text/css")
        )


def test_an_order_travels_between_two_sandboxes(pair: Pair, tmp_path: Path) -> None:
    """Listed there, bought there, placed here and shipped on both: nothing needs both sides in one process."""
    store, market = pair
    given = store.credentials()["magento"]
    connection = MagentoConnection(
        MagentoStore(given["base_url"], auth="bearer", access_token=given["access_token"], store_code="default"),
        HttpClient("magento", read_timeout=5),
    )
    catalog, sales = MagentoCatalog(connection), MagentoSales(connection)
    shop, _, _ = connected(market, tmp_path)
    product = next(one for rows in catalog.products() for one in rows if one.type_id == "simple" and one.enabled)
    before = catalog.salable("base", [product.sku])[product.sku].quantity

    draft, images = shirt(shop, "BOX", sizes=("S",))
    made = shop.create_product(draft, images, "once")
    wait_for(lambda: shop.product(made.id).status.value == "ACTIVATE")
    sold = market.post("tiktok/orders", lines=[{"seller_sku": "BOX-S", "quantity": 2}])["order_ids"][0]
    cart = sales.create_cart()
    sales.add_to_cart(cart, product.sku, 2)
    offered = sales.set_cart_address(cart, ANN, f"orders+{sold}@shop.test", carrier="flatrate", method="flatrate")
    assert offered == ["checkmo"]
    number = sales.place(cart, "checkmo")
    assert catalog.salable("base", [product.sku])[product.sku].quantity == before - Decimal(2)
    sales.invoice(number)
    sales.ship(number, tracks=[Track("1Z999AA10123456784", "UPS", "ups")])
    (order,) = shop.orders([sold])
    warehouse = next(one.id for one in shop.warehouses() if one.is_default)
    carrier = shop.shipping_providers(warehouse)[0]
    shop.ship_lines(sold, [line.id for line in order.lines], "1Z999AA10123456784", carrier.id)
    assert {line.tracking_number for line in shop.orders([sold])[0].lines} == {"1Z999AA10123456784"}
    assert sales.order(number).status == "complete"


def test_an_unknown_side_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="no side called shop: choose both, marketplace, store"):
        create_sandbox(tmp_path, side="shop")


def test_the_command_serves_one_side(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--data", str(tmp_path)]
    process = subprocess.Popen([*command, "--side", "marketplace"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().rpartition(" ")[2].strip()
        assert set(requests.get(f"{url}/_sandbox/credentials", timeout=5).json()) == {"tiktok"}
    finally:
        process.terminate()
        assert process.wait(15) == 0
        process.stdout.close()


def test_faults_outlive_a_kill(tmp_path: Path) -> None:
    first = create_sandbox(tmp_path, side="marketplace").test_client()
    wanted = {"side": "tiktok", "kind": "http_500", "match": "GET /x", "times": 3}
    assert first.post("/_sandbox/faults", json=wanted).status_code == 201
    assert first.get("/x").status_code == 500
    again = create_sandbox(tmp_path, side="marketplace").test_client()
    assert [one["times"] for one in again.get("/_sandbox/faults").get_json()["faults"]] == [2]
    assert again.get("/x").status_code == 500
    again.delete("/_sandbox/faults")
    assert create_sandbox(tmp_path, side="marketplace").test_client().get("/x").status_code == 404
