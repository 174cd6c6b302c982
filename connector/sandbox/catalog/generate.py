"""Makes a catalogue of any size: the same plan always gives the same catalogue, product by product, without keeping it in memory.

About a third of what is for sale is configurable, with its variants; the rest stands alone. Every so often something is wrong
with a product, in a way that a marketplace refuses and a merchant can mend:

==================== ======================================================= ==============================================
defect               what is wrong                                           how it is mended
==================== ======================================================= ==============================================
no_image             no picture                                              add one
price_zero           every price is 0                                        set a price
long_name            the name has more than 255 characters                   shorten it
no_brand             no manufacturer                                         choose one
no_weight            no weight                                               weigh it
forbidden_text       the description leads buyers to another shop            take the address out
disabled             switched off                                            enable it
out_of_stock         no piece left                                           restock it
==================== ======================================================= ==============================================

`Plan.defect_every` says how often: every so-manieth of what is for sale has the next defect of the list.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.sandbox.catalog import goods
from connector.sandbox.catalog.goods import KINDS, Kind
from connector.sandbox.catalog.model import Catalog

DEFECTS = ("no_image", "price_zero", "long_name", "no_brand", "no_weight", "forbidden_text", "disabled", "out_of_stock")
COLOR, MANUFACTURER, SIZE, MATERIAL, GTIN, LENGTH, WIDTH, HEIGHT, FEATURES, ECO = (
    93,
    83,
    150,
    151,
    152,
    153,
    154,
    155,
    156,
    157,
)
FIRST_OPTION = {MANUFACTURER: 201, COLOR: 221, SIZE: 241, MATERIAL: 261, FEATURES: 281}
OPTIONS = {
    MANUFACTURER: goods.BRANDS,
    COLOR: goods.COLOURS,
    SIZE: goods.SIZES,
    MATERIAL: goods.MATERIALS,
    FEATURES: goods.FEATURES,
}
ODD_SKUS = ("{0}/{1}", "{0} {1}", "{0}+{1}", "{0}%{1}", "{0}-Ü{1}")
ODD_SKU_EVERY = 40
ROOT = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """`products` counts every row, variants included. `now` fixes the windows of special prices."""

    products: int = 300
    seed: int = 1
    defect_every: int = 12
    now: datetime = datetime(2026, 11, 1, tzinfo=UTC)


def generate(plan: Plan) -> Catalog:
    """The catalogue of a plan; its products are made while they are read, and can be read once."""
    return Catalog(
        attributes=_attributes(),
        attribute_sets=[
            {"attribute_set_id": id_, "attribute_set_name": name, "sort_order": 0, "entity_type_id": 4}
            for id_, name in goods.SETS.items()
        ],
        categories=_tree(),
        products=_numbered(plan),
    )


def defect_of(plan: Plan, offer: int) -> str:
    """The defect of the offer with this number, counted from 0; an empty text for a sound one."""
    turn, rest = divmod(offer + 1, plan.defect_every)
    return "" if rest else DEFECTS[(turn - 1) % len(DEFECTS)]


def _attributes() -> list[dict[str, Any]]:
    return [
        _attribute(COLOR, "color", "Color", "select", "int"),
        _attribute(MANUFACTURER, "manufacturer", "Manufacturer", "select", "int"),
        _attribute(SIZE, "size", "Size", "select", "int"),
        _attribute(MATERIAL, "material", "Material", "select", "int"),
        _attribute(GTIN, "gtin", "GTIN", "text", "varchar"),
        _attribute(LENGTH, "package_length", "Package length (in)", "text", "varchar"),
        _attribute(WIDTH, "package_width", "Package width (in)", "text", "varchar"),
        _attribute(HEIGHT, "package_height", "Package height (in)", "text", "varchar"),
        _attribute(FEATURES, "features", "Features", "multiselect", "text"),
        _attribute(ECO, "eco_friendly", "Eco friendly", "boolean", "int"),
    ]


def _attribute(number: int, code: str, label: str, kind: str, backend_type: str) -> dict[str, Any]:
    names = OPTIONS.get(number, ())
    options = [{"label": name, "value": str(FIRST_OPTION[number] + place)} for place, name in enumerate(names)]
    return {
        "attribute_id": number,
        "attribute_code": code,
        "frontend_input": kind,
        "backend_type": backend_type,
        "is_required": False,
        "is_user_defined": True,
        "scope": "global",
        "default_frontend_label": label,
        "options": options,
    }


def _option(attribute: int, name: str) -> str:
    return str(FIRST_OPTION[attribute] + OPTIONS[attribute].index(name))


def _branches() -> dict[str, dict[str, int]]:
    """Numbers of the categories: one for each pair of names that a kind of goods has."""
    numbers: dict[str, dict[str, int]] = {}
    following = ROOT + 1
    for kind in KINDS:
        top, leaf = kind.branch
        for place, name in ((numbers.setdefault(top, {}), ""), (numbers[top], leaf)):
            if name not in place:
                place[name] = following
                following += 1
    return numbers


def _tree() -> dict[str, Any]:
    def node(number: int, parent: int, name: str, position: int, level: int) -> dict[str, Any]:
        head = {"id": number, "parent_id": parent, "name": name, "is_active": True}
        return head | {"position": position, "level": level, "product_count": 0, "children_data": []}

    root = node(ROOT, 1, "Default Category", 1, 1)
    for position, (top, leaves) in enumerate(_branches().items(), start=1):
        branch = node(leaves[""], ROOT, top, position, 2)
        names = [name for name in leaves if name]
        branch["children_data"] = [
            node(leaves[name], leaves[""], name, place, 3) for place, name in enumerate(names, start=1)
        ]
        root["children_data"].append(branch)
    return root


def _numbered(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    maker, offer = _Maker(plan), 0
    while maker.made < plan.products:
        for product in maker.offer(offer, plan.products - maker.made):
            yield f"generated product {product['id']}", product
        offer += 1


class _Maker:
    """Makes one offer after the other: a product that stands alone, or variants followed by their configurable."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.made = 0
        self.media = 0
        self.super_attributes = 0
        self.branches = _branches()

    def offer(self, number: int, room: int) -> list[dict[str, Any]]:
        """At most `room` products. Each offer has its own chance, so that one does not depend on those before it."""
        chance = random.Random(f"{self.plan.seed}/{number}")  # noqa: S311  # goods, not secrets
        kind = chance.choices(KINDS, goods.SHARES)[0]
        sketch = _Sketch(self.plan, number, kind, chance)
        pairs = sketch.variants() if number % 3 == 1 and room >= 3 else []
        pairs = pairs[: room - 1]
        if len(pairs) < 2:
            return [self._product(sketch, sketch.sku(), "simple")]
        children = [
            self._product(
                sketch, f"{sketch.sku()}-{colour[:3].upper()}{f'-{size}' if size else ''}", "simple", (colour, size)
            )
            for colour, size in pairs
        ]
        parent = self._product(sketch, sketch.sku(), "configurable")
        parent["extension_attributes"] |= self._variants(
            parent["id"], sketch.kind, pairs, [child["id"] for child in children]
        )
        return [*children, parent]

    def _variants(self, parent: int, kind: Kind, pairs: list[tuple[str, str]], children: list[int]) -> dict[str, Any]:
        axes = [(COLOR, "Color", [colour for colour, _ in pairs])]
        if kind.sizes:
            axes.append((SIZE, "Size", [size for _, size in pairs]))
        options = []
        for position, (attribute, label, names) in enumerate(axes):
            self.super_attributes += 1
            values = [{"value_index": int(_option(attribute, name))} for name in dict.fromkeys(names)]
            option = {"id": self.super_attributes, "attribute_id": str(attribute), "label": label, "position": position}
            options.append(option | {"values": values, "product_id": parent})
        return {"configurable_product_options": options, "configurable_product_links": children}

    def _product(
        self, sketch: _Sketch, sku: str, type_id: str, variant: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        self.made += 1
        top, leaf = sketch.kind.branch
        categories = [self.branches[top][""], self.branches[top][leaf]]
        quantity = sketch.quantity(type_id)
        product: dict[str, Any] = {
            "id": self.made,
            "sku": sku,
            "name": sketch.name(variant),
            "attribute_set_id": sketch.kind.set_id,
            "price": Decimal(0) if type_id == "configurable" else sketch.price(variant),
            "status": 2 if sketch.defect == "disabled" else 1,
            "visibility": 1 if variant else 4,
            "type_id": type_id,
            "created_at": sketch.created,
            "updated_at": sketch.created,
        }
        if type_id == "simple" and sketch.defect != "no_weight":
            product["weight"] = sketch.weight
        gallery = self._gallery(sketch, variant)
        item = {
            "qty": quantity,
            "is_in_stock": type_id == "configurable" or quantity > 0,
            "manage_stock": True,
            "min_qty": 0,
            "backorders": 0,
        }
        return product | {
            "extension_attributes": {
                "website_ids": [1],
                "category_links": [{"position": 0, "category_id": str(id_)} for id_ in categories],
                "stock_item": item,
            },
            "product_links": [],
            "options": [],
            "media_gallery_entries": gallery,
            "tier_prices": [],
            "custom_attributes": sketch.custom_attributes(type_id, variant, sku, gallery),
        }

    def _gallery(self, sketch: _Sketch, variant: tuple[str, str] | None) -> list[dict[str, Any]]:
        if sketch.defect == "no_image":
            return []
        views = ("main",) if variant else ("main", "side", "detail")[: 1 + sketch.number % 3]
        entries = []
        for position, view in enumerate(views, start=1):
            self.media += 1
            roles = ["image", "small_image", "thumbnail"] if position == 1 else []
            entry = {"id": self.media, "media_type": "image", "label": None, "position": position, "disabled": False}
            entries.append(entry | {"types": roles, "file": sketch.file(variant, view)})
        return entries


class _Sketch:
    """What the products of one offer have in common."""

    def __init__(self, plan: Plan, number: int, kind: Kind, chance: random.Random) -> None:
        self.number, self.kind, self.chance = number, kind, chance
        self.defect = defect_of(plan, number)
        self.brand = chance.choice(goods.BRANDS)
        self.adjective = chance.choice(goods.ADJECTIVES)
        self.material = chance.choice(kind.materials)
        self.colour = chance.choice(goods.COLOURS)
        self.features = chance.sample(goods.FEATURES, chance.randint(1, 3))
        low, high = kind.prices
        self.base = Decimal(chance.randint(low, high)) - Decimal(chance.choice(("0.01", "0.05", "0.50", "0")))
        self.weight = Decimal(chance.randint(*kind.weights)) / 100
        self.stock = chance.randint(3, 240)
        self.created = f"{plan.now - timedelta(minutes=chance.randint(1, 300 * 1440)):%Y-%m-%d %H:%M:%S}"
        self.special = self._special(plan) if chance.random() < 0.15 else None
        self.country = chance.choice(goods.COUNTRIES)
        self.eco = chance.random() < 0.3

    def _special(self, plan: Plan) -> tuple[Decimal, str, str | None]:
        """Reduced price with its first and last day: running, over, or still to come."""
        begin, days = self.chance.choice(((-20, 60), (-20, None), (-90, 30), (30, 30)))
        price = (self.base * Decimal(self.chance.randint(60, 90)) / 100).quantize(Decimal("0.01"))
        first = plan.now + timedelta(days=begin)
        last = None if days is None else f"{first + timedelta(days=days):%Y-%m-%d 00:00:00}"
        return price, f"{first:%Y-%m-%d 00:00:00}", last

    def variants(self) -> list[tuple[str, str]]:
        colours = self.chance.sample(goods.COLOURS, self.chance.randint(2, 4))
        if not self.kind.sizes:
            return [(colour, "") for colour in colours]
        first = self.chance.randint(0, len(self.kind.sizes) - 3)
        sizes = self.kind.sizes[first : first + 3]
        return [(colour, size) for colour in colours for size in sizes]

    def sku(self) -> str:
        digits = f"{self.number + 1:05d}"
        turn, rest = divmod(self.number + 1, ODD_SKU_EVERY)
        return (
            f"{self.kind.code}-{digits}"
            if rest
            else ODD_SKUS[(turn - 1) % len(ODD_SKUS)].format(self.kind.code, digits)
        )

    def name(self, variant: tuple[str, str] | None) -> str:
        words = f"{self.brand} {self.adjective} {self.kind.noun}"
        if self.defect == "long_name":
            words = f"{words} in {self.material}, " + ", ".join(feature.lower() for feature in goods.FEATURES * 3)
        return f"{words} - {', '.join(part for part in variant if part)}" if variant else words

    def price(self, variant: tuple[str, str] | None) -> Decimal:
        if self.defect == "price_zero":
            return Decimal(0)
        return self.base + (Decimal(3) if variant and variant[1] in {"XL", "2XL"} else 0)

    def quantity(self, type_id: str) -> int:
        if type_id == "configurable" or self.defect == "out_of_stock":
            return 0
        return self.stock

    def file(self, variant: tuple[str, str] | None, view: str) -> str:
        colour = (variant[0] if variant else self.colour).lower()
        name = f"{self.kind.code.lower()}{self.number + 1:05d}-{colour}_{view}.jpg"
        return f"/{name[0]}/{name[1]}/{name}"

    def description(self) -> str:
        points = "".join(f"<li>{feature}</li>" for feature in self.features)
        text = f"<p>{self.kind.text}</p><p>{self.material} by {self.brand}.</p><ul>{points}</ul>"
        more = "<p>More at www.our-own-shop.example or call +1 555 010 0199.</p>"
        return text + more if self.defect == "forbidden_text" else text

    def custom_attributes(
        self, type_id: str, variant: tuple[str, str] | None, sku: str, gallery: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        length, width, height = self.kind.size
        values: dict[str, str | None] = {
            "description": self.description(),
            "short_description": f"{self.adjective} {self.kind.noun.lower()}",
            "url_key": "".join(
                letter if letter.isalnum() else "-" for letter in f"{self.name(variant)[:60]}-{sku}".lower()
            ),
            "tax_class_id": "2",
            "options_container": "container2",
            "material": _option(MATERIAL, self.material),
            "features": ",".join(
                _option(FEATURES, feature) for feature in sorted(self.features, key=goods.FEATURES.index)
            ),
            "eco_friendly": str(int(self.eco)),
            "country_of_manufacture": self.country,
            "package_length": str(Decimal(length) / 10),
            "package_width": str(Decimal(width) / 10),
            "package_height": str(Decimal(height) / 10),
            "manufacturer": None if self.defect == "no_brand" else _option(MANUFACTURER, self.brand),
        }
        if gallery:
            values |= dict.fromkeys(("image", "small_image", "thumbnail"), gallery[0]["file"])
        if type_id == "simple":
            values |= self._of_a_piece(variant, sku)
        return [{"attribute_code": code, "value": value} for code, value in values.items() if value is not None]

    def _of_a_piece(self, variant: tuple[str, str] | None, sku: str) -> dict[str, str | None]:
        """Attributes of what is really sold: colour, size, GTIN, cost, list price, special price."""
        colour, size = variant or (self.colour, "")
        price = self.price(variant)
        values: dict[str, str | None] = {
            "color": _option(COLOR, colour),
            "size": _option(SIZE, size) if size else None,
            "gtin": gtin(sum(ord(letter) * 31**place for place, letter in enumerate(sku)) % 10**9),
            "cost": f"{price * Decimal('0.45'):.6f}",
            "msrp": f"{price * Decimal('1.2'):.6f}",
        }
        if self.special is not None and price:
            special, first, last = self.special
            values |= {"special_price": f"{special:.6f}", "special_from_date": first, "special_to_date": last}
        return values


def gtin(number: int) -> str:
    """A number of 13 digits with a right check digit; the prefix 200-299 is for use inside a company."""
    digits = f"200{number:09d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
