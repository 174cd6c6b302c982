"""A Magento sandbox over real HTTP for tests: a fresh installation, products put straight into its tables, a small client."""

from __future__ import annotations

import http.client
import importlib
import json
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, request

from connector.sandbox import magento
from connector.sandbox.magento import control as store_control
from connector.sandbox.magento import install, stock
from connector.sandbox.magento.database import Database, transaction
from connector.sandbox.magento.dispatch import answer
from connector.sandbox.magento.sales import control
from connector.sandbox.serve import SandboxServer

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]

CALIFORNIA = {
    "region": "California",
    "region_code": "CA",
    "region_id": 12,
    "country_id": "US",
    "street": ["1 Main St"],
    "postcode": "90001",
    "city": "Los Angeles",
    "firstname": "Ann",
    "lastname": "Lee",
    "email": "orders@merchant.example",
    "telephone": "5551234",
}
CHECKMO = {"paymentMethod": {"method": "checkmo"}}


@dataclass
class Shop:
    """A running store. `call` returns status and parsed body; `db` is this thread's connection to its file."""

    server: SandboxServer
    database: Database
    tokens: dict[str, str]

    @property
    def db(self) -> Any:
        return self.database.connection()

    def send(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
        """One request with exactly this target; text that is no JSON comes back as None."""
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=30)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            data = response.read()
            return response.status, parsed(data)
        finally:
            connection.close()

    def call(self, method: str, path: str, body: Any = None, *, store: str = "") -> tuple[int, Any]:
        """A call below `/rest[/store]/V1` with the integration's token."""
        headers = {"Authorization": f"Bearer {self.tokens['connector']}", "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        prefix = f"/rest/{store}/V1" if store else "/rest/V1"
        return self.send(method, prefix + path, data, headers)

    def ok(self, method: str, path: str, body: Any = None, *, store: str = "") -> Any:
        """The body of a call that must succeed."""
        status, answered = self.call(method, path, body, store=store)
        assert status == 200, (method, path, status, answered)
        return answered

    def cart(self, *lines: tuple[str, float], address: dict[str, Any] | None = None, store: str = "") -> str:
        """A cart that is ready to be placed: lines of SKU and quantity, address, flat rate."""
        address = CALIFORNIA if address is None else address
        cart = self.ok("POST", "/carts/", store=store)
        for sku, qty in lines:
            item = {"cartItem": {"sku": sku, "qty": qty, "quote_id": cart}}
            self.ok("POST", f"/carts/{cart}/items", item, store=store)
        information = {
            "shipping_address": address,
            "billing_address": address,
            "shipping_carrier_code": "flatrate",
            "shipping_method_code": "flatrate",
        }
        self.ok("POST", f"/carts/{cart}/shipping-information", {"addressInformation": information}, store=store)
        return str(cart)

    def placed(
        self, *lines: tuple[str, float], address: dict[str, Any] | None = None, store: str = ""
    ) -> dict[str, Any]:
        """An order placed from a cart, as GET shows it."""
        cart = self.cart(*lines, address=address, store=store)
        order_id = self.ok("PUT", f"/carts/{cart}/order", CHECKMO, store=store)
        return dict(self.ok("GET", f"/orders/{order_id}"))

    def order(self, order_id: int) -> dict[str, Any]:
        return dict(self.ok("GET", f"/orders/{order_id}"))

    def salable(self, sku: str, stock_id: int = 1) -> Decimal:
        return stock.salable_quantity(self.db, sku, stock_id)

    def at_source(self, sku: str, source: str = "default") -> Decimal:
        row = self.db.execute(
            "SELECT quantity FROM inventory_source_item WHERE sku = ? AND source_code = ?", (sku, source)
        ).fetchone()
        return Decimal(row["quantity"]) / 10_000

    def options(self, **values: float) -> None:
        data = json.dumps(values).encode()
        status, told = self.send("PUT", "/_sandbox/magento/options", data, {"Content-Type": "application/json"})
        assert status == 200, told

    def outbox(self) -> list[dict[str, Any]]:
        return list(self.send("GET", "/_sandbox/magento/outbox", None, {})[1])


def parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None


@contextmanager
def running_shop(folder: Path, *, currency: str = "EUR") -> Iterator[Shop]:
    """A fresh installation behind a real server on a free port, with every route that the package declares."""
    for module in pkgutil.walk_packages(magento.__path__, f"{magento.__name__}."):
        importlib.import_module(module.name)
    database = Database(folder)
    database.create_tables()
    with transaction(database.connection()) as db:
        install.fresh_install(db, datetime.now(UTC), currency=currency, admin_password="Admin-password1")
    app = Flask("magento shop of a test")
    blueprint = Blueprint("magento", __name__)
    store_control.register(blueprint, database)
    control.register(blueprint, database)
    app.register_blueprint(blueprint)

    @app.route("/rest", defaults={"path": ""}, methods=METHODS)
    @app.route("/rest/<path:path>", methods=METHODS)
    @app.route("/index.php/rest/<path:path>", methods=METHODS)
    def rest(path: str) -> Response:
        return answer(request, database, folder, datetime.now(UTC))

    server = SandboxServer(app).start()
    found = database.connection().execute("SELECT name, access_token FROM integration").fetchall()
    try:
        yield Shop(server, database, {row["name"]: row["access_token"] for row in found})
    finally:
        server.stop()
        database.close()


def add_product(
    db: Any,
    sku: str,
    price: str,
    qty: float,
    *,
    type_id: str = "simple",
    websites: tuple[int, ...] = (1,),
    **attributes: str,
) -> int:
    """A product with stock at the default source; returns its id."""
    moment = "2026-01-01 00:00:00"
    with transaction(db):
        key = db.execute(
            "INSERT INTO catalog_product_entity (sku, type_id, attribute_set_id, created_at, updated_at) VALUES (?, ?, 4, ?, ?)",
            (sku, type_id, moment, moment),
        ).lastrowid
        values = {"name": f"Name of {sku}", "price": price, "status": "1", "visibility": "4", "tax_class_id": "2"}
        if type_id != "virtual":
            values["weight"] = "1.5"
        for code, value in (values | attributes).items():
            db.execute(
                "INSERT INTO catalog_product_value SELECT ?, attribute_id, 0, ? FROM eav_attribute WHERE attribute_code = ?",
                (key, value, code),
            )
        db.executemany("INSERT INTO catalog_product_website VALUES (?, ?)", [(key, website) for website in websites])
        units = int(qty * 10_000)
        db.execute(
            "INSERT INTO cataloginventory_stock_item (product_id, qty, is_in_stock) VALUES (?, ?, ?)",
            (key, units, units > 0),
        )
        if type_id in {"simple", "virtual"}:
            stock.set_source_item(db, sku, "default", Decimal(str(qty)), qty > 0)
    return int(key)


def add_configurable(db: Any, sku: str, variants: dict[str, str]) -> dict[str, Any]:
    """A configurable with one axis of its own; `variants` maps SKU to price. Returns the first variant's option for a cart item."""
    parent = add_product(db, sku, "0", 1, type_id="configurable")
    with transaction(db):
        attribute = db.execute("SELECT MAX(attribute_id) + 1 FROM eav_attribute").fetchone()[0]
        db.execute(
            "INSERT INTO eav_attribute (attribute_id, attribute_code, backend_type, frontend_input, scope, data)"
            " VALUES (?, ?, 'int', 'select', 'global', '{}')",
            (attribute, f"axis_{parent}"),
        )
        db.execute(
            "INSERT INTO catalog_product_super_attribute (product_id, attribute_id, label) VALUES (?, ?, 'Axis')",
            (parent, attribute),
        )
    for number, (child_sku, price) in enumerate(variants.items(), start=1):
        child = add_product(db, child_sku, price, 20)
        with transaction(db):
            db.execute("INSERT INTO catalog_product_super_link (parent_id, product_id) VALUES (?, ?)", (parent, child))
            db.execute("INSERT INTO catalog_product_value VALUES (?, ?, 0, ?)", (child, attribute, str(number)))
    chosen = [{"option_id": str(attribute), "option_value": 1}]
    return {"product_option": {"extension_attributes": {"configurable_item_options": chosen}}}
