"""The sandbox as tests of the clients use it: over HTTP, with its control API for what buyers do."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import requests
from PIL import Image

from connector.clients.tiktok import TikTokAuthorizer, TikTokSettings, TikTokShop
from connector.domain.listing import AttributeValue, Draft, DraftSku, ProductAttribute, SalesAttribute
from connector.domain.shop import Tokens
from tests.clients.vault import SqliteVault

T = TypeVar("T")


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def wait_for(look: Callable[[], T], seconds: float = 60) -> T:
    """What `look` answers once it is true; the sandbox's background work takes a moment."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.05)
    return found


@dataclass
class Control:
    """The control API of a sandbox at `url`."""

    url: str

    def credentials(self) -> Any:
        return requests.get(f"{self.url}/_sandbox/credentials", timeout=60).json()

    def post(self, path: str, **body: Any) -> Any:
        answer = requests.post(f"{self.url}/_sandbox/{path}", json=body, timeout=60)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    def fault(self, side: str, match: str, kind: str, **more: Any) -> None:
        self.post("faults", side=side, match=match, kind=kind, **more)

    def clear_faults(self) -> None:
        requests.delete(f"{self.url}/_sandbox/faults", timeout=5)


def tiktok_settings(control: Control, **changes: Any) -> TikTokSettings:
    """Settings for the sandbox's app, no shop yet."""
    app = control.credentials()["tiktok"]
    return TikTokSettings(
        app["app_key"],
        app["app_secret"],
        service_id=app["service_id"],
        api_url=app["api_url"],
        auth_url=app["auth_url"],
        **changes,
    )


def consent(authorizer: TikTokAuthorizer, state: str = "s1") -> Tokens:
    """Clicks through the consent page as a seller, and exchanges the code."""
    page = authorizer.authorize_url(state)
    assert requests.get(page, timeout=5).status_code == 200
    answer = requests.post(page, data={"decision": "authorize"}, allow_redirects=False, timeout=5)
    given = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert given["state"] == [state]
    return authorizer.exchange(given["code"][0])


def connected(control: Control, folder: Path, **changes: Any) -> tuple[TikTokShop, SqliteVault, TikTokSettings]:
    """A shop client whose seller has consented."""
    settings = tiktok_settings(control, **changes)
    vault = SqliteVault(folder / "vault.db", consent(TikTokAuthorizer(settings)))
    found = TikTokShop(settings, vault, WallClock()).shops()[0]
    settings = replace(settings, shop_id=found.id, shop_cipher=found.cipher, region=found.region)
    return TikTokShop(settings, vault, WallClock()), vault, settings


def jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (700, 700), colour).save(out, "JPEG")
    return out.getvalue()


def shirt(shop: TikTokShop, name: str, *, sizes: tuple[str, ...] = ("S", "M")) -> tuple[Draft, dict[str, str]]:
    """A draft that the sandbox accepts, with its pictures uploaded: one SKU per size, called `NAME-S` and so on."""
    leaf = shop.recommend_category("Blue cotton t-shirt for men")
    warehouse = next(w for w in shop.warehouses() if w.type == "SALES_WAREHOUSE" and w.is_default)
    required = [a for a in shop.category_attributes(leaf) if a.is_required and not a.is_sales]
    skus = tuple(
        DraftSku(
            sku=f"{name} {size}",
            seller_sku=f"{name}-{size}",
            price=Decimal("16.50"),
            quantities={warehouse.id: 10},
            sales_attributes=(SalesAttribute("Color", "Blue", image="blue.jpg"), SalesAttribute("Size", size)),
        )
        for size in sizes
    )
    draft = Draft(
        title=f"Blue cotton t-shirt for men {name}",
        description="<p>Soft.</p>",
        category_id=leaf,
        category_version="v2",
        currency="USD",
        images=("blue.jpg",),
        skus=skus,
        attributes=tuple(
            ProductAttribute(a.id, (AttributeValue(id=a.values[0][0]) if a.values else AttributeValue(name="Cotton"),))
            for a in required
        ),
        weight_value="0.40",
        weight_unit="KILOGRAM",
        dimensions={"length": "20", "width": "15", "height": "3", "unit": "CENTIMETER"},
        external_product_id="42",
    )
    return draft, {"blue.jpg": shop.upload_image(jpeg("blue"), "MAIN_IMAGE").uri}
