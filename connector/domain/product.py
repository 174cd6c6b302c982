"""A store product as it was when we last looked: Magento's own JSON, with names for what the rest needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.domain.values import digest

_VOLATILE = frozenset({"updated_at", "stock_item"})


@dataclass(frozen=True, slots=True)
class ProductImage:
    """One gallery entry: `file` is the path below the media folder, `types` its roles ("image", "thumbnail" …)."""

    file: str
    position: int
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProductSnapshot:
    """One `GET /V1/products` item, unchanged, with accessors. Two snapshots with the same digest are the same product."""

    data: Mapping[str, Any]

    @property
    def entity_id(self) -> int:
        """The store's own id; lists are paged by it."""
        return int(self.data["id"])

    @property
    def sku(self) -> str:
        """The SKU as the store stores it."""
        return str(self.data["sku"])

    @property
    def name(self) -> str:
        """Name in the store view that was read."""
        return str(self.data.get("name") or "")

    @property
    def type_id(self) -> str:
        """simple, virtual, configurable, bundle, grouped, downloadable."""
        return str(self.data.get("type_id") or "simple")

    @property
    def enabled(self) -> bool:
        """Magento's status 1."""
        return int(self.data.get("status") or 2) == 1

    @property
    def price(self) -> Decimal | None:
        """Regular price in the store's base currency; None where the product has none of its own."""
        return _decimal(self.data.get("price"))

    @property
    def weight(self) -> Decimal | None:
        """Weight in the store's unit (`general/locale/weight_unit`)."""
        return _decimal(self.data.get("weight"))

    @property
    def updated_at(self) -> str:
        """UTC, `YYYY-MM-DD HH:MM:SS`, as the store prints it."""
        return str(self.data.get("updated_at") or "")

    @property
    def extension(self) -> Mapping[str, Any]:
        """`extension_attributes`, never None."""
        return self.data.get("extension_attributes") or {}

    @property
    def child_ids(self) -> tuple[int, ...]:
        """Entity ids of a configurable's variants, in the store's order."""
        return tuple(int(link) for link in self.extension.get("configurable_product_links") or ())

    @property
    def variant_attribute_ids(self) -> tuple[str, ...]:
        """Attribute ids that a configurable varies by, in the order of `position`."""
        options = self.extension.get("configurable_product_options") or ()
        return tuple(
            str(option["attribute_id"]) for option in sorted(options, key=lambda o: int(o.get("position") or 0))
        )

    @property
    def category_ids(self) -> tuple[str, ...]:
        """Category ids that the product is filed under."""
        links = self.extension.get("category_links") or ()
        return tuple(str(link["category_id"]) for link in links) or tuple(
            map(str, self.attribute("category_ids") or ())
        )

    @property
    def images(self) -> tuple[ProductImage, ...]:
        """Pictures in the order to show them: the one with the role `image` first, disabled ones and videos left out."""
        entries = [
            ProductImage(str(e["file"]), int(e.get("position") or 0), tuple(e.get("types") or ()))
            for e in self.data.get("media_gallery_entries") or ()
            if not e.get("disabled") and e.get("media_type", "image") == "image" and e.get("file")
        ]
        return tuple(sorted(entries, key=lambda image: ("image" not in image.types, image.position)))

    @property
    def needs_choices(self) -> bool:
        """True when the product cannot be ordered without custom options, which no marketplace offers."""
        return any(option.get("is_require") for option in self.data.get("options") or ())

    def attribute(self, code: str) -> Any:
        """The raw value of a custom attribute (option ids, not labels), or of a top-level field of that name; else None."""
        for entry in self.data.get("custom_attributes") or ():
            if entry.get("attribute_code") == code:
                return entry.get("value")
        value = self.data.get(code)
        return None if isinstance(value, (list, dict)) else value

    def digest(self) -> str:
        """Digest of everything a listing may depend on; the time of the last save and the stock are not part of it."""
        kept = {key: value for key, value in self.data.items() if key not in _VOLATILE}
        kept["extension_attributes"] = {k: v for k, v in self.extension.items() if k not in _VOLATILE}
        return digest(kept)


def _decimal(value: object) -> Decimal | None:
    return None if value is None or value == "" else Decimal(str(value))


@dataclass(frozen=True, slots=True)
class Salable:
    """What the store can promise of one SKU.

    `quantity` counts reservations already; `unlimited` marks products whose stock the store does not manage. `sources` is
    source code → pieces that count there, for every source that the website sells from (None: not known); `single` says
    that the store keeps no stock by sources at all. `unreserved` are pieces by which `quantity` is too high: orders saved
    directly never reserved them.
    """

    quantity: Decimal
    salable: bool
    unlimited: bool = False
    sources: Mapping[str, Decimal] | None = None
    single: bool = False
    unreserved: int = 0

    @property
    def true_quantity(self) -> Decimal:
        """What is there to promise, whatever the store says."""
        return self.quantity - self.unreserved


@dataclass(frozen=True, slots=True)
class StockSource:
    """A place with stock (MSI). `sells` says that the stock of the account's website takes from it."""

    code: str
    name: str
    enabled: bool
    sells: bool
