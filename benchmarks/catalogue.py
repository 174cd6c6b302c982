"""A generated catalogue: of 1,000,000 products 650,000 are simple, 50,000 configurable, 300,000 variants.

Every product has twelve attributes besides the built-in fields: three numbers, four selects, three multi-selects, a
yes/no and a date, each empty with a probability of one third. The same seed gives the same products.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal

from connector.rules.fact_rows import Own, own
from connector.rules.metadata import Catalogue, FieldInfo, Type
from connector.rules.products import Value

TODAY = dt.date(2026, 11, 23)
FAMILY = 7
"""A configurable and its six variants."""

COLORS = ("Red", "Blue", "Green", "Black", "White", "Yellow", "Gray", "Orange", "Purple", "Brown", "Pink", "Tan")
BRANDS = ("Acme", "Globex", "Initech", "Umbra", "Stark", "Wayne", "Wonka", "Tyrell")
SIZES = ("XS", "S", "M", "L", "XL")
MATERIALS = ("Cotton", "Wool", "Nylon", "Polyester", "Fleece", "Hemp", "Lycra", "Linen")
FEATURES = tuple(f"Feature {number}" for number in range(20))
CLIMATES = ("Cold", "Cool", "Indoor", "Mild", "Rainy", "Spring", "Warm", "Windy")
ACTIVITIES = ("Gym", "Hike", "Outdoor", "Run", "Sports", "Travel", "Urban", "Yoga", "Office")
PATHS = tuple(
    f"{top}/{middle}/{leaf}"
    for top in ("Men", "Women", "Gear")
    for middle in ("Tops", "Bottoms", "Bags", "New")
    for leaf in ("Tees", "Jackets", "Tanks")
)

CATALOGUE = Catalogue().with_fields(
    FieldInfo("n1", Type.NUMBER),
    FieldInfo("n2", Type.NUMBER),
    FieldInfo("n3", Type.NUMBER),
    FieldInfo("color", Type.CHOICE, labels=COLORS),
    FieldInfo("brand", Type.CHOICE, labels=BRANDS),
    FieldInfo("size", Type.CHOICE, labels=SIZES),
    FieldInfo("material", Type.CHOICE, labels=MATERIALS),
    FieldInfo("features", Type.CHOICES, labels=FEATURES),
    FieldInfo("climate", Type.CHOICES, labels=CLIMATES),
    FieldInfo("activity", Type.CHOICES, labels=ACTIVITIES),
    FieldInfo("eco", Type.BOOLEAN),
    FieldInfo("launched", Type.DATE),
)
STORED = CATALOGUE.stored()
_SELECTS = {"color": COLORS, "brand": BRANDS, "size": SIZES, "material": MATERIALS}
_SETS = {"features": FEATURES, "climate": CLIMATES, "activity": ACTIVITIES}


def values(rng: random.Random, id_: int, kind: str) -> dict[str, Value]:
    """One product's own values."""
    chance, whole = rng.random, rng.randrange
    found: dict[str, Value] = {
        "sku": f"SKU-{id_:07d}",
        "name": f"{COLORS[whole(12)]} {MATERIALS[whole(8)]} thing {id_}",
        "type": kind,
        "status": "enabled" if chance() < 0.92 else "disabled",
        "category": frozenset(PATHS[whole(36)] for _ in range(1 + whole(2))),
        "in_stock": chance() < 0.9,
        "created_at": TODAY - dt.timedelta(days=whole(1000)),
    }
    if kind != "configurable":
        cents = 500 + whole(19500)
        found |= {"price": Decimal(cents).scaleb(-2), "cost": Decimal(cents // 2).scaleb(-2), "qty": Decimal(whole(60))}
    for name in ("n1", "n2", "n3"):
        if chance() > 1 / 3:
            found[name] = Decimal(whole(10000)).scaleb(-2)
    for name, labels in _SELECTS.items():
        if chance() > 1 / 3:
            found[name] = labels[whole(len(labels))]
    for name, labels in _SETS.items():
        if chance() > 1 / 3:
            found[name] = frozenset(labels[whole(len(labels))] for _ in range(1 + whole(3)))
    if chance() > 1 / 3:
        found["eco"] = chance() < 0.5
    if chance() > 1 / 3:
        found["launched"] = TODAY - dt.timedelta(days=whole(700))
    return found


def products(total: int, seed: int = 1) -> Iterator[Own]:
    """`total` products, 65 % simple ones that stand alone, then families of a configurable with six variants."""
    rng = random.Random(seed)
    alone = total * 65 // 100
    for id_ in range(1, alone + 1):
        yield own(id_, values(rng, id_, "simple"), STORED)
    lead = 0
    for id_ in range(alone + 1, total + 1):
        if (id_ - alone - 1) % FAMILY == 0:
            lead = id_
            yield own(id_, values(rng, id_, "configurable"), STORED)
        else:
            yield own(id_, values(rng, id_, "simple"), STORED, lead)


def changed(total: int, count: int, seed: int) -> list[tuple[int, int | None]]:
    """Ids of products to change, spread over the catalogue, with their configurable."""
    alone = total * 65 // 100
    found = []
    for id_ in sorted(random.Random(seed).sample(range(1, total + 1), count)):
        place = (id_ - alone - 1) % FAMILY
        found.append((id_, id_ - place if id_ > alone and place else None))
    return found
