"""Carts, orders and their documents: `connector.ports.Sales` (reference sections 5 and 12)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from connector.clients.http import Answer
from connector.clients.magento import documents
from connector.clients.magento.connection import Filter, MagentoConnection, criteria, items_of
from connector.clients.magento.oauth import escape
from connector.clients.magento.refusals import SYSTEM, RefusedError, error_of, value_of
from connector.domain.order import Address, CartItem, Customer, StoreOrder, StoreShipment, Track
from connector.errors import CartRefusedError, NotFoundError, UnknownOutcomeError

SEARCHABLE = frozenset({"quote_id", "customer_email", "ext_order_id", "increment_id"})
TERRITORIES = frozenset({"AS", "GU", "MP", "PR", "VI"})
"""Countries of ISO 3166 that a store may only have as regions of the US, under the same code (section 12.3)."""

_ID_BATCH = 100

_SURE_REFUSALS = frozenset(
    {
        "The requested qty is not available",
        "The requested qty exceeds the maximum qty allowed in shopping cart",
        "The requested Payment Method is not available.",
        "The payment method you requested is not available.",
        "Enter a valid payment method and try again.",
        "Product that you are trying to add is not available.",
        "The product that was requested doesn't exist. Verify the product and try again.",
        "Some of the products are out of stock.",
        "You need to choose options for your item.",
        "This product is out of stock.",
        "The shipping method is missing. Select the shipping method and try again.",
        "Some addresses can't be used due to the configurations for specific countries.",
    }
)
"""Refusals without placeholders that are known not to be the lock's text. Only these make a quick answer of a 400; a
store in another language gives the same result later, after the look-up."""

_SURE_BEGINNINGS = ("Minimum order amount is ", "You can buy this product only in quantities of ")
"""Begin refusals that have their number in the text (section 12.3)."""


class MagentoSales:
    """Places carts, corrects orders, ships, invoices and refunds. Nothing but reads and set-again calls is ever repeated."""

    def __init__(self, connection: MagentoConnection) -> None:
        self._store = connection

    def create_cart(self) -> str:
        """A new cart's id. Repeated after a lost answer: an idle cart holds no stock and hurts nobody."""
        return str(self._store.post("/carts/", repeatable=True))

    def cart_items(self, cart_id: str) -> list[CartItem]:
        """What is in the cart."""
        return [documents.cart_item(row) for row in self._store.get(f"/carts/{escape(cart_id)}/items") or ()]

    def add_to_cart(self, cart_id: str, sku: str, qty: int) -> CartItem:
        """Adds a child or simple SKU; after an unknown outcome read `cart_items` before another call."""
        item = {"sku": sku, "qty": qty, "quote_id": cart_id}
        with _asked_of_the_cart():
            return documents.cart_item(self._store.post(f"/carts/{escape(cart_id)}/items", {"cartItem": item}))

    def set_cart_address(self, cart_id: str, address: Address, email: str, *, carrier: str, method: str) -> list[str]:
        """Both addresses and the shipping method; the codes of the payment methods that the store offers then.

        Setting them again changes nothing.
        """
        place = self._address(address, email)
        information = {
            "shipping_address": place,
            "billing_address": place,
            "shipping_carrier_code": carrier,
            "shipping_method_code": method,
        }
        path = f"/carts/{escape(cart_id)}/shipping-information"
        with _asked_of_the_cart():
            told = self._store.post(path, {"addressInformation": information}, repeatable=True)
        return [str(row["code"]) for row in told.get("payment_methods") or ()]

    def shipping_methods(self, cart_id: str, address: Address) -> list[tuple[str, str]]:
        """(carrier code, method code) pairs that are available for this cart and address."""
        rows = self._store.post(
            f"/carts/{escape(cart_id)}/estimate-shipping-methods",
            {"address": self._address(address, "")},
            repeatable=True,
        )
        return [(str(row["carrier_code"]), str(row["method_code"])) for row in rows if row.get("available", True)]

    def payment_methods(self, cart_id: str) -> list[str]:
        """Codes of the payment methods that are active for this cart."""
        return [str(row["code"]) for row in self._store.get(f"/carts/{escape(cart_id)}/payment-methods")]

    def place(self, cart_id: str, payment_method: str) -> int:
        """Places the cart; the new order's entity id. Sent once; see `_placed` for how a refusal is told from a maybe."""
        number = self._store.request(
            "PUT",
            f"/carts/{escape(cart_id)}/order",
            body={"paymentMethod": {"method": payment_method}},
            repeatable=False,
            attempts=1,
            read=_placed,
        )
        return int(number)

    def find_orders(self, field: str, value: str) -> list[StoreOrder]:
        """Orders whose column equals `value`, by entity id."""
        if field not in SEARCHABLE:
            raise ValueError(f"orders are not searched by {field}")
        if not value:
            return []
        pages = self._store.keyset("/orders", filters=[(field, value, "eq")])
        return [documents.order(row) for rows in pages for row in rows]

    def customers(self, email: str) -> list[Customer]:
        """Customers with this e-mail, at most one in a website; the store compares without case."""
        found = self._store.get("/customers/search", criteria([("email", email, "eq")]))
        return [documents.customer(row) for row in items_of(found)]

    def order(self, entity_id: int) -> StoreOrder:
        """One order as it is now; raises NotFoundError."""
        return documents.order(self._store.get(f"/orders/{int(entity_id)}"))

    def orders(self, entity_ids: Sequence[int]) -> list[StoreOrder]:
        """Several orders by id; missing ones are absent."""
        return [documents.order(row) for row in self._by_ids("/orders", "entity_id", entity_ids)]

    def set_order_address(self, order: StoreOrder, address: Address) -> None:
        """Replaces the order's addresses, one call for each (section 12.7); their e-mail stays. Repeating it changes nothing."""
        assigned = (order.raw.get("extension_attributes") or {}).get("shipping_assignments") or ()
        olds = [order.raw.get("billing_address"), *((one.get("shipping") or {}).get("address") for one in assigned)]
        place = {"region_id": None, "region_code": None, **self._address(address, "")}
        for old in olds:
            if old:
                kept = {name: old.get(name) for name in ("entity_id", "parent_id", "address_type", "email")}
                body = {"entity": kept | place}
                self._store.request("PUT", f"/orders/{order.entity_id}", body=body, repeatable=True)

    def ended_orders(self, entity_ids: Sequence[int]) -> dict[int, str]:
        """State (`canceled` or `closed`) by entity id of those that have ended; the others are absent."""
        over = [("state", "canceled,closed", "in")]
        found = self._by_ids("/orders", "entity_id", entity_ids, over, fields="items[entity_id,state],total_count")
        return {int(row["entity_id"]): str(row["state"]) for row in found}

    def save_order(self, entity: Mapping[str, Any]) -> None:
        """Repository save. A correction may be repeated, unless it brings a comment, which would be added each time.

        A correction of more lines than the store's input limit (section 1.7) is made in parts: each writes its lines only,
        and the totals again.
        """
        known = bool(entity.get("entity_id")) and not entity.get("status_histories")
        try:
            self._store.post("/orders", {"entity": entity}, repeatable=known)
        except RefusedError as error:
            lines, most = list(entity.get("items") or ()), error.limit
            if not known or not most or most >= len(lines):
                raise
            for start in range(0, len(lines), most):
                part = {**entity, "items": lines[start : start + most]}
                self._store.post("/orders", {"entity": part}, repeatable=True)

    def hold(self, entity_id: int) -> None:
        """Stops invoices and shipments."""
        self._store.post(f"/orders/{int(entity_id)}/hold")

    def unhold(self, entity_id: int) -> None:
        """Releases a held order."""
        self._store.post(f"/orders/{int(entity_id)}/unhold")

    def cancel(self, entity_id: int) -> bool:
        """False when the store says that the order cannot be cancelled."""
        return self._store.post(f"/orders/{int(entity_id)}/cancel") is True

    def comment(self, entity_id: int, text: str, status: str) -> None:
        """Adds a history entry for staff only. `status` is the order's current one: the store sets what it is sent."""
        entry = {
            "comment": storable(text),
            "status": status,
            "parent_id": int(entity_id),
            "is_customer_notified": 0,
            "is_visible_on_front": 0,
        }
        self._store.post(f"/orders/{int(entity_id)}/comments", {"statusHistory": entry})

    def invoice(self, entity_id: int, items: Mapping[int, int] | None = None, *, comment: str = "") -> int:
        """Invoices and captures (offline methods count as paid); the invoice's id."""
        body = {"capture": True, "notify": False, **_items(items), **_comment(comment)}
        return int(self._store.post(f"/order/{int(entity_id)}/invoice", body))

    def ship(
        self, entity_id: int, items: Mapping[int, int] | None = None, *, tracks: Sequence[Track] = (), source: str = ""
    ) -> int:
        """Ships items, or all that is left; the shipment's id. Without `source` the store takes its only one."""
        body: dict[str, Any] = {"notify": False, **_items(items)}
        if tracks:
            body["tracks"] = [
                {
                    "track_number": t.number,
                    "title": t.title or t.carrier_code,
                    "carrier_code": t.carrier_code or "custom",
                }
                for t in tracks
            ]
        if source:
            body["arguments"] = {"extension_attributes": {"source_code": source}}
        return int(self._store.post(f"/order/{int(entity_id)}/ship", body))

    def shipments(self, order_ids: Sequence[int]) -> list[StoreShipment]:
        """Shipments of these orders, oldest first, with their tracks."""
        return [documents.shipment(row) for row in self._by_ids("/shipments", "order_id", order_ids)]

    def refund(
        self,
        entity_id: int,
        items: Mapping[int, int],
        *,
        shipping_amount: Decimal | None = None,
        adjustment_positive: Decimal = Decimal(0),
        adjustment_negative: Decimal = Decimal(0),
        return_to_stock: Sequence[int] = (),
        comment: str = "",
    ) -> int:
        """Offline refund; the credit memo's id. `shipping_amount` None refunds what is left of it. Amounts are in the
        store's base currency: it reckons those of the order's currency itself.

        An empty `items` refunds money only. The store would take a missing list for "everything that is left", so every
        line is sent with no pieces then.
        """
        pieces = items or {item.item_id: 0 for item in self.order(entity_id).items if item.parent_item_id is None}
        arguments: dict[str, Any] = {
            "adjustment_positive": adjustment_positive,
            "adjustment_negative": adjustment_negative,
        }
        if shipping_amount is not None:
            arguments["shipping_amount"] = shipping_amount
        if return_to_stock:
            arguments["extension_attributes"] = {"return_to_stock_items": [int(item) for item in return_to_stock]}
        path, body = f"/order/{int(entity_id)}/refund", {"notify": False, **_comment(comment), "arguments": arguments}
        try:
            return int(self._store.post(path, body | _items(pieces)))
        except RefusedError as error:
            if not error.limit or error.limit >= len(pieces) or not self._all_that_is_left(entity_id, pieces):
                raise
            return int(self._store.post(path, body))

    def _all_that_is_left(self, entity_id: int, pieces: Mapping[int, int]) -> bool:
        """True when a refund of these pieces needs no list, which the store's input limit may forbid."""
        lines = [item for item in self.order(entity_id).items if item.parent_item_id is None]
        return all(line.qty_invoiced - line.qty_refunded == pieces.get(line.item_id, 0) for line in lines)

    def credit_memos(self, order_id: int) -> list[dict[str, Any]]:
        """Credit memos of one order, unchanged, oldest first."""
        return self._by_ids("/creditmemos", "order_id", [order_id])

    def invoices(self, order_id: int) -> list[dict[str, Any]]:
        """Invoices of one order, unchanged, oldest first."""
        return self._by_ids("/invoices", "order_id", [order_id])

    def exchange_rate(self, currency: str) -> Decimal | None:
        """What one unit of the store's base currency is in `currency`; None when the store has no rate for it."""
        told = self._store.get("/directory/currency")
        if told.get("base_currency_code") == currency:
            return Decimal(1)
        rates = {str(row.get("currency_to")): documents.amount(row, "rate") for row in told.get("exchange_rates") or ()}
        return rates.get(currency) or None

    def region_id(self, country: str, region: str) -> int | None:
        """The store's id of a region by code ("CA", "US-CA") or name; ids differ between stores. Countries are read once."""
        found = self._region(country, region)
        return int(found["id"]) if found else None

    def _region(self, country: str, region: str) -> dict[str, Any] | None:
        wanted = _plain(region)
        names = {wanted, wanted.removeprefix(f"{country.casefold()}-")} - {""}
        for row in (self._regions(country.upper()) or ()) if wanted else ():
            if _plain(str(row.get("code") or "")) in names or _plain(str(row.get("name") or "")) == wanted:
                return row
        return None

    def _regions(self, country: str) -> list[dict[str, Any]] | None:
        """The regions of a country; None when the store does not have the country."""
        known = self._store.countries
        if country and country not in known:
            try:
                told = self._store.get(f"/directory/countries/{escape(country)}")
                known[country] = told.get("available_regions") or []
            except NotFoundError:
                known[country] = None
        return known.get(country, [])

    def _address(self, address: Address, email: str) -> dict[str, Any]:
        """The store's address object. Countries with a region list need the id; elsewhere the text is kept."""
        country, region = address.country, address.region
        if country in TERRITORIES and self._regions(country) is None:
            country, region = "US", country
        place: dict[str, Any] = {
            "firstname": address.first_name,
            "lastname": address.last_name,
            "street": list(address.street),
            "city": address.city,
            "postcode": address.postcode,
            "country_id": country,
            "telephone": address.telephone,
            "region": region,
        }
        if email:
            place["email"] = email
        if found := self._region(country, region):
            place |= {"region_id": int(found["id"]), "region": str(found["name"]), "region_code": str(found["code"])}
        return place

    def _by_ids(
        self, path: str, column: str, ids: Sequence[int], more: Sequence[Filter] = (), fields: str = ""
    ) -> list[dict[str, Any]]:
        wanted = sorted({int(one) for one in ids})
        found: list[dict[str, Any]] = []
        for start in range(0, len(wanted), _ID_BATCH):
            chosen = ",".join(map(str, wanted[start : start + _ID_BATCH]))
            for rows in self._store.keyset(path, filters=[(column, chosen, "in"), *more], fields=fields):
                found += rows
        return found


def _placed(answer: Answer) -> Any:
    """The answer of a place call (sections 12.3 and 12.6).

    The lock that protects a cart answers 400 with a text and no placeholders, in the store's language, while the first
    call may still make its order. So a 400 counts as a refusal only when it cannot be the lock's: it has placeholders
    (addresses), or its text is a known other one. Every other 400, and a 404 (the cart is closed: an earlier call placed
    it), is an unknown outcome with its status: whoever waits until no call can be running and then finds no order for
    the cart may take the text as a refusal.
    """
    if 200 <= answer.status < 300:
        number = value_of(answer, change=True)
        if str(number).isdigit():
            return number
        text = "The store answered the place call with something else than the order's id. Look the order up."
        raise UnknownOutcomeError(text, system=SYSTEM, status=answer.status)
    error = error_of(answer, change=True)
    if not isinstance(error, RefusedError) or error.status not in {400, 404}:
        raise error
    refusal = _refusal(error)
    if refusal is not None and refusal.sure:
        raise refusal
    raise UnknownOutcomeError(
        f"{error} An order may exist for this cart; look it up.",
        system=SYSTEM,
        status=error.status,
        code=refusal.code if refusal is not None else "page",
    )


@contextmanager
def _asked_of_the_cart() -> Iterator[None]:
    """Tells the cart's own refusals from those of the server and of what stands in front of it."""
    try:
        yield
    except RefusedError as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(error: RefusedError) -> CartRefusedError | None:
    """What the cart refuses: a 400 or 404 with a text of the store's own; None for a page, or another status.

    Sure is a 400 that names values, or whose text is a known one: temporary lock failures have neither (section 8).
    """
    if error.status not in {400, 404} or not error.text:
        return None
    told = error.status == 400 and (bool(error.parameters) or error.text.startswith(_SURE_BEGINNINGS))
    sure = told or error.text in _SURE_REFUSALS
    return CartRefusedError(str(error), text=error.text, sure=sure, system=SYSTEM, status=error.status, code=error.code)


def _items(items: Mapping[int, int] | None) -> dict[str, Any]:
    if items is None:
        return {}
    return {"items": [{"order_item_id": int(number), "qty": pieces} for number, pieces in items.items()]}


def _comment(text: str) -> dict[str, Any]:
    return {"appendComment": True, "comment": {"comment": storable(text), "is_visible_on_front": 0}} if text else {}


def storable(text: str) -> str:
    """With a blank for every character beyond the basic plane: the store would keep four question marks for it."""
    return "".join(char if ord(char) <= 0xFFFF else " " for char in text)


def _plain(text: str) -> str:
    """Letters only for comparing names: no case, no accents, no outer blanks."""
    bare = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(char for char in bare if not unicodedata.combining(char))
