"""The sellers of the sandbox, their shops and warehouses. All invented; the shapes are the marketplace's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connector.sandbox.tiktok.database import Json


@dataclass(frozen=True, slots=True)
class Warehouse:
    """`type`: `SALES_WAREHOUSE` keeps sellable stock, `RETURN_WAREHOUSE` takes returns; one site has an id for each."""

    id: str
    name: str
    type: str
    is_default: bool
    address: Json
    effect_status: str = "ENABLED"


@dataclass(frozen=True, slots=True)
class DeliveryOption:
    """`type`: `SEND_BY_SELLER` ships with providers of the seller's choice, every other one with the marketplace's."""

    id: str
    name: str
    type: str
    description: str
    providers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop of one seller. `title_length` and price range: what the marketplace states for the region."""

    id: str
    seller_id: str
    name: str
    region: str
    currency: str
    cipher: str
    code: str
    warehouses: tuple[Warehouse, ...]
    delivery_options: tuple[DeliveryOption, ...]
    weight_units: tuple[str, ...]
    dimension_units: tuple[str, ...]
    lowest_price: Decimal
    highest_price: Decimal
    heaviest_kilogram: Decimal
    title_length: tuple[int, int] = (1, 255)
    max_skus: int = 300

    @property
    def sales_warehouses(self) -> tuple[Warehouse, ...]:
        return tuple(place for place in self.warehouses if place.type == "SALES_WAREHOUSE")

    @property
    def default_warehouse(self) -> Warehouse:
        return next(place for place in self.sales_warehouses if place.is_default)

    def delivery_option(self, shipping_type: str) -> DeliveryOption:
        """The option that orders of `shipping_type` (`SELLER` or `TIKTOK`) use."""
        by_seller = shipping_type == "SELLER"
        return next(option for option in self.delivery_options if (option.type == "SEND_BY_SELLER") == by_seller)


def _address(
    region: str, code: str, state: str, city: str, line: str, postcode: str, phone: str, at: tuple[str, str]
) -> Json:
    return {
        "region": region,
        "state": state,
        "city": city,
        "distict": "",
        "town": "",
        "contact_person": "Warehouse desk",
        "postal_code": postcode,
        "full_address": f"{line}, {city}, {state} {postcode}, {region}",
        "region_code": code,
        "phone_number": phone,
        "address_line1": line,
        "address_line2": "",
        "address_line3": "",
        "address_line4": "",
        "geolocation": {"latitude": at[0], "longitude": at[1]},
    }


_NEVADA = _address(
    "United States", "US", "Nevada", "Reno", "12 Depot Lane", "89502", "(+1)7755550100", ("39.52", "-119.81")
)
_OHIO = _address(
    "United States", "US", "Ohio", "Columbus", "400 Canal Road", "43215", "(+1)6145550100", ("39.96", "-83.00")
)
_LEEDS = _address(
    "United Kingdom", "GB", "England", "Leeds", "7 Wharf Street", "LS2 7EQ", "(+44)1135550100", ("53.79", "-1.54")
)
_PERTH = _address(
    "United Kingdom", "GB", "Scotland", "Perth", "3 Mill Wynd", "PH1 5QG", "(+44)1738555010", ("56.39", "-3.43")
)
_CORK = _address(
    "Ireland", "IE", "County Cork", "Cork", "5 Quay Road", "T12 X70A", "(+353)215550100", ("51.90", "-8.47")
)
_SLIGO = _address(
    "Ireland", "IE", "County Sligo", "Sligo", "8 Bridge Lane", "F91 E2C8", "(+353)715550100", ("54.27", "-8.47")
)


def _warehouses(first_id: int, *places: tuple[str, Json]) -> tuple[Warehouse, ...]:
    """The first place is the default; returns come back to it."""
    default = places[0]
    kinds = [(*place, "SALES_WAREHOUSE") for place in places] + [(*default, "RETURN_WAREHOUSE")]
    return tuple(
        Warehouse(str(number), name, kind, name == default[0], address)
        for number, (name, address, kind) in enumerate(kinds, first_id)
    )


def _delivery_options(first_id: int, first_provider: int, *carriers: str) -> tuple[DeliveryOption, ...]:
    own = tuple((str(number), name) for number, name in enumerate(carriers, first_provider))
    told = "The seller chooses the carrier and reports the tracking number."
    return (
        DeliveryOption(str(first_id), "Shipped by seller", "SEND_BY_SELLER", told, own),
        DeliveryOption(str(first_id + 1), "Standard shipping", "STANDARD", "Shipped with labels of the marketplace."),
    )


_US = Shop(
    id="7495540735365700001",
    seller_id="7494000000000000001",
    name="Sandbox Outfitters US",
    region="US",
    currency="USD",
    cipher="GCP_sandboxUS_k3Vw8QyLhT2mRz7c",
    code="USLCSANDBX",
    warehouses=_warehouses(7_068_517_275_539_700_001, ("Reno", _NEVADA), ("Columbus", _OHIO)),
    delivery_options=_delivery_options(
        7_091_146_663_229_700_001, 7_117_858_858_072_000_001, "USPS", "UPS", "FedEx", "DHL eCommerce", "OnTrac"
    ),
    weight_units=("POUND", "KILOGRAM"),
    dimension_units=("INCH", "CENTIMETER"),
    lowest_price=Decimal("0.01"),
    highest_price=Decimal(7600),
    heaviest_kilogram=Decimal("68.04"),
)
_GB = Shop(
    id="7495540735365700002",
    seller_id="7494000000000000002",
    name="Sandbox Outfitters UK",
    region="GB",
    currency="GBP",
    cipher="ROW_sandboxGB_b6Np1XsJfD9qTv4e",
    code="GBLCSANDBX",
    warehouses=_warehouses(7_068_517_275_539_700_011, ("Leeds", _LEEDS), ("Perth", _PERTH)),
    delivery_options=_delivery_options(
        7_091_146_663_229_700_011, 7_117_858_858_072_000_011, "Royal Mail", "DPD UK", "Evri", "Yodel", "DHL Parcel UK"
    ),
    weight_units=("KILOGRAM",),
    dimension_units=("CENTIMETER",),
    lowest_price=Decimal("0.01"),
    highest_price=Decimal(5600),
    heaviest_kilogram=Decimal(30),
)
_IE = Shop(
    id="7495540735365700003",
    seller_id="7494000000000000003",
    name="Sandbox Outfitters Ireland",
    region="IE",
    currency="EUR",
    cipher="ROW_sandboxIE_t5Gm8WcKzR3yHn1p",
    code="IELCSANDBX",
    warehouses=_warehouses(7_068_517_275_539_700_021, ("Cork", _CORK), ("Sligo", _SLIGO)),
    delivery_options=_delivery_options(
        7_091_146_663_229_700_021, 7_117_858_858_072_000_021, "An Post", "DPD Ireland", "Fastway", "DHL Express", "UPS"
    ),
    weight_units=("KILOGRAM",),
    dimension_units=("CENTIMETER",),
    lowest_price=Decimal("0.01"),
    highest_price=Decimal(6300),
    heaviest_kilogram=Decimal(30),
)

SHOPS: tuple[Shop, ...] = (_US, _GB, _IE)
REGIONS = tuple(shop.region for shop in SHOPS)
BY_ID = {shop.id: shop for shop in SHOPS}


def shops_of(seller_id: str) -> tuple[Shop, ...]:
    return tuple(shop for shop in SHOPS if shop.seller_id == seller_id)


def shop_of_region(region: str) -> Shop | None:
    return next((shop for shop in SHOPS if shop.region == region), None)
