"""The sandbox's buyers, carriers and reviewers, over its control API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import requests

from connector.errors import ConfigurationError, RetryableError

TIMEOUT = (5, 60)


class Sandbox:
    """The control API of a running sandbox at `url`.

    Every call raises RetryableError while the sandbox does not answer, and ConfigurationError with its sentence when it refuses.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = requests.Session()

    def credentials(self) -> dict[str, Any]:
        """Keys of both sides, as the sandbox prints them."""
        answer: dict[str, Any] = self._call("GET", "/_sandbox/credentials")
        return answer

    def redirect_to(self, address: str) -> None:
        """Where the consent page sends the seller's browser."""
        self._call("PUT", "/_sandbox/tiktok/app", {"redirect_url": address})

    def place_order(self, order: Mapping[str, Any]) -> str:
        """One order of a buyer's; its id."""
        answer = self._call("POST", "/_sandbox/tiktok/orders", order)
        return str(answer["order_ids"][0])

    def act(self, path: str, **body: Any) -> Any:
        """One thing that a buyer or the platform does, such as `orders/1/release_hold`."""
        return self._call("POST", f"/_sandbox/tiktok/{path}", body)

    def truth(self, kind: str) -> Iterator[dict[str, Any]]:
        """Every product, order, package, cancellation or return as the sandbox holds it."""
        after: str | None = "0"
        while after:
            page = self._call("GET", f"/_sandbox/tiktok/truth/{kind}?size=500&after={after}")
            yield from page[kind]
            after = page["after"]

    def of_order(self, kind: str, order_id: str) -> dict[str, Any] | None:
        """The newest cancellation or return of an order."""
        found = [one for one in self.truth(kind) if one["order_id"] == order_id]
        return found[-1] if found else None

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = self._http.request(method, self.url + path, json=body, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise RetryableError(f"The sandbox at {self.url} does not answer.", system="sandbox") from error
        if answer.status_code >= 500:
            raise RetryableError(f"The sandbox answered {answer.status_code}.", system="sandbox")
        if answer.status_code >= 400:
            raise ConfigurationError(f"The sandbox refused {method} {path}: {answer.text[:300]}")
        return answer.json()
