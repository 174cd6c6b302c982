"""A caller of the marketplace, written for these tests: signs what it sends and holds every answer against the OpenAPI file."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import re
import time
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jsonschema
import requests
from PIL import Image

OPENAPI = Path(__file__).resolve().parents[3] / "shared/reference/tiktok-shop-openapi.json"
# Older paths whose newest version has another name or shape are held against the newest where it fits.
VERSION = re.compile(r"/(\d{6})/")


@cache
def schemas() -> dict[str, Any]:
    """The file with every object closed: a field that it does not name is an error."""
    text = json.loads(OPENAPI.read_text("utf-8"))
    for schema in text["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return text


@cache
def validator(method: str, template: str) -> jsonschema.Draft202012Validator:
    """For the newest version of the path, when the file has this one no more."""
    paths = schemas()["paths"]
    if method.lower() not in paths.get(template, {}):
        shape = VERSION.sub("/000000/", template)
        same = [
            path for path, calls in paths.items() if VERSION.sub("/000000/", path) == shape and method.lower() in calls
        ]
        template = max(same)
    content = paths[template][method.lower()]["responses"]["200"]["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**content, "components": schemas()["components"]})


def webhook_validator(number: int) -> jsonschema.Draft202012Validator:
    name = next(entry["schema"] for entry in schemas()["x-webhooks"] if entry["type"] == number)
    return jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": schemas()["components"]}
    )


class RefusedError(Exception):
    def __init__(self, status: int, envelope: dict[str, Any]) -> None:
        self.status, self.code, self.message = status, envelope["code"], envelope["message"]
        super().__init__(f"{status} {self.code}: {self.message}")


def jpeg(width: int = 600, height: int = 600, color: str = "navy") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "JPEG")
    return out.getvalue()


class Seller:
    """One authorized seller. `exercised` holds (method, template) of every route that answered code 0."""

    def __init__(self, url: str, *, region: str = "US", check: bool = True) -> None:
        self.url, self.session, self.check = url, requests.Session(), check and OPENAPI.exists()
        self.session.trust_env = False
        self.keys = self.session.get(f"{url}/_sandbox/credentials").json()["tiktok"]
        self.exercised: set[tuple[str, str]] = set()
        self.region = region
        code = self.control("tokens/code", {"region": region})["code"]
        self.tokens = self.token("get", auth_code=code, grant_type="authorized_code")
        shop = self.get("/authorization/202309/shops", cipher=False)["shops"][0]
        self.cipher, self.shop_id = shop["cipher"], shop["id"]

    def __del__(self) -> None:
        self.session.close()

    # -- the marketplace ---------------------------------------------------------------------------------------------

    def token(self, call: str, **query: str) -> dict[str, Any]:
        base = {"app_key": self.keys["app_key"], "app_secret": self.keys["app_secret"]}
        answer = self.session.get(f"{self.url}/api/v2/token/{call}", params={**base, **query})
        return self._data(answer)

    def sign(self, path: str, query: dict[str, str], body: bytes, *, multipart: bool = False) -> str:
        text = path + "".join(f"{key}{query[key]}" for key in sorted(query))
        secret = self.keys["app_secret"].encode()
        signed = secret + text.encode() + (b"" if multipart else body) + secret
        return hmac.new(secret, signed, hashlib.sha256).hexdigest()

    def raw(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: object = None,
        *,
        cipher: bool = True,
        files: dict[str, Any] | None = None,
        form: dict[str, str] | None = None,
        **changed: str,
    ) -> requests.Response:
        """`changed`: common query parameters (sign, timestamp, …) to send instead of the right ones."""
        sent = {key: str(value) for key, value in (query or {}).items()}
        sent |= {"app_key": self.keys["app_key"], "timestamp": str(int(time.time()))}
        if cipher:
            sent["shop_cipher"] = self.cipher
        sent |= {key: value for key, value in changed.items() if key != "sign"}
        content = b"" if body is None else json.dumps(body).encode()
        sent["sign"] = changed.get("sign") or self.sign(path, sent, content, multipart=files is not None)
        headers = {"x-tts-access-token": self.tokens["access_token"]}
        if files is None:
            headers["content-type"] = "application/json"
        address = f"{self.url}{path}?{urlencode(sent)}"
        return self.session.request(
            method, address, data=form if files else content or None, files=files, headers=headers
        )

    def call(
        self, method: str, template: str, query: dict[str, Any] | None = None, body: object = None, **rest: Any
    ) -> dict[str, Any]:
        """Data of an answer with code 0, held against the file. Names in the template are taken from `rest`."""
        names = re.findall(r"\{(\w+)\}", template)
        path = template.format(**{name: rest.pop(name) for name in names})
        answer = self.raw(method, path, query, body, **rest)
        data = self._data(answer)
        if self.check:
            validator(method, template).validate(answer.json())
        self.exercised.add((method, template))
        return data

    def get(self, template: str, query: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
        return self.call("GET", template, query, **rest)

    def post(
        self, template: str, body: object = None, query: dict[str, Any] | None = None, **rest: Any
    ) -> dict[str, Any]:
        return self.call("POST", template, query, body, **rest)

    @staticmethod
    def _data(answer: requests.Response) -> dict[str, Any]:
        envelope = answer.json()
        assert set(envelope) == {"code", "message", "request_id", "data"}
        if envelope["code"]:
            assert envelope["data"] is None
            raise RefusedError(answer.status_code, envelope)
        assert answer.status_code == 200
        return envelope["data"]

    # -- the control API ---------------------------------------------------------------------------------------------

    def control(self, path: str, body: object = None, method: str = "POST") -> dict[str, Any]:
        answer = self.session.request(method, f"{self.url}/_sandbox/tiktok/{path}", json=body)
        assert answer.ok, answer.text
        return answer.json()

    def truth(self) -> dict[str, Any]:
        return self.session.get(f"{self.url}/_sandbox/tiktok/truth").json()

    # -- what most tests need ----------------------------------------------------------------------------------------

    def image(self, use_case: str = "MAIN_IMAGE", **size: Any) -> dict[str, Any]:
        return self.call(
            "POST",
            "/product/202309/images/upload",
            cipher=False,
            files={"data": ("picture.jpg", jpeg(**size))},
            form={"use_case": use_case},
        )

    def category(self, title: str) -> str:
        body = {"product_title": title, "category_version": "v2"}
        return self.post("/product/202309/categories/recommend", body)["leaf_category_id"]

    def warehouse(self) -> str:
        found = self.get("/logistics/202309/warehouses")["warehouses"]
        return next(place["id"] for place in found if place["type"] == "SALES_WAREHOUSE" and place["is_default"])

    def payload(
        self, title: str = "Chaz Kangeroo Hoodie", sizes: tuple[str, ...] = ("S", "M"), **more: Any
    ) -> dict[str, Any]:
        currency = {"US": "USD", "GB": "GBP"}[self.region]
        place = self.warehouse()
        skus = [
            {
                "seller_sku": f"MH01-{size}",
                "external_sku_id": f"MH01-{size}",
                "sales_attributes": [{"id": "100007", "value_name": size}, {"id": "100000", "value_name": "Teal"}],
                "price": {"amount": "52.00", "currency": currency},
                "inventory": [{"warehouse_id": place, "quantity": 10}],
            }
            for size in sizes
        ]
        return {
            "save_mode": "LISTING",
            "title": title,
            "description": "<p>Warm.</p>",
            "category_id": self.category(title),
            "category_version": "v2",
            "main_images": [{"uri": self.image()["uri"]}],
            "package_weight": {"value": "0.5", "unit": "KILOGRAM"},
            "skus": skus,
            "external_product_id": "42",
            **more,
        }

    def listed(self, **more: Any) -> dict[str, Any]:
        """A product that passed its audit."""
        made = self.post("/product/202309/products", self.payload(**more))
        self.control(f"products/{made['product_id']}/review", {"result": "APPROVED"})
        return made

    def place(self, **order: Any) -> str:
        return self.control("orders", {"region": self.region, **order})["order_ids"][0]

    def order(self, order_id: str) -> dict[str, Any]:
        return self.get("/order/202507/orders", {"ids": order_id})["orders"][0]

    def provider(self, order_id: str) -> str:
        option = self.order(order_id)["delivery_option_id"]
        found = self.get(
            "/logistics/202309/delivery_options/{delivery_option_id}/shipping_providers", delivery_option_id=option
        )
        return found["shipping_providers"][0]["id"]

    def ship(self, order_id: str, *lines: str, tracking: str = "1Z999AA10123456784") -> dict[str, Any]:
        info = {"tracking_number": tracking, "shipping_provider_id": self.provider(order_id)}
        body: dict[str, Any] = {"shipping_info_list": [info]}
        if lines:
            body["order_line_list"] = [{"order_line_id": line} for line in lines]
        return self.post("/fulfillment/202610/orders/{order_id}/packages", body, order_id=order_id)


def follow_authorization(seller_url: str, page: str, decision: str = "authorize") -> dict[str, str]:
    """Click through the page; answers the query of the redirect."""
    answer = requests.post(f"{seller_url}{page}", data={"decision": decision}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
