"""Pictures from the store's media host, and from nowhere else."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from functools import partial
from urllib.parse import quote, unquote, urljoin, urlsplit

from connector.clients.http import Answer, Call
from connector.clients.magento.connection import MagentoConnection
from connector.domain.shop import StoreView
from connector.errors import NotFoundError, RejectedError, RetryableError

MAX_IMAGE = 10 * 1024 * 1024
"""Bytes: the marketplace takes no more (reference 4.2 of TikTok Shop)."""

_REDIRECTS = 3


class Media:
    """Fetches pictures without credentials. A media host other than the configured ones must have public addresses, or
    be the machine that the store itself runs on: a store's setting must not send us into our own network."""

    def __init__(self, connection: MagentoConnection, store_views: Callable[[], list[StoreView]]) -> None:
        self._store = connection
        self._store_views = store_views
        self._base = ""

    def read(self, file: str) -> bytes:
        """`file` is a gallery path ("/m/b/mb01.jpg") or a full URL on the media host."""
        url = file if file.startswith(("http://", "https://")) else self._gallery_url(file)
        for _ in range(_REDIRECTS):
            self._check_host(url)
            answer = self._store.http.call(
                partial(Call, "GET", url, {"Accept": "image/*"}),
                _judge,
                repeatable=True,
                max_body=MAX_IMAGE,
            )
            if not 300 <= answer.status < 400:
                body: bytes = answer.body
                return body
            url = urljoin(url, answer.headers.get("Location", ""))
        raise _refused(f"The picture {file} is redirected too often.", "redirect")

    def _gallery_url(self, file: str) -> str:
        if ".." in unquote(file).split("/"):
            raise _refused(f"{file!r} is not a path of the media gallery.", "path")
        return self._media_base().rstrip("/") + "/catalog/product/" + quote(file.lstrip("/"))

    def _media_base(self) -> str:
        settings = self._store.settings
        if settings.media_url:
            return settings.media_url
        if not self._base:
            views = self._store_views()
            ours = [view for view in views if view.code == settings.store_code] or views
            if not ours or not ours[0].base_media_url:
                raise _refused("The store does not name its media address: enter it in the settings.", "media_url")
            self._base = ours[0].base_media_url
        return self._base

    def _check_host(self, url: str) -> None:
        host = (urlsplit(url).hostname or "").lower()
        settings = self._store.settings
        store = (urlsplit(settings.base_url).hostname or "").lower()
        if urlsplit(url).scheme not in {"http", "https"}:
            raise _refused("A picture's address must begin with http or https.", "scheme")
        if host in {store, (urlsplit(settings.media_url).hostname or "").lower()} - {""}:
            return
        if host != (urlsplit(self._media_base()).hostname or "").lower():
            raise _refused(f"The picture is on {host}, which is not the store's media host; it is not fetched.", "host")
        addresses = _addresses(host)
        if not all(ipaddress.ip_address(one).is_global for one in addresses) and not addresses <= _addresses(store):
            raise _refused(
                f"The store's media host {host} has a private address and is not fetched: enter the media address in "
                "the settings if it is right.",
                "private_address",
            )


def _judge(answer: Answer) -> Answer:
    status = answer.status
    if status in {404, 410}:
        raise NotFoundError(f"The store has no picture {answer.call.path}.", system="magento", status=status)
    if status in {408, 425, 429} or status >= 500:
        raise RetryableError(
            f"The store answered {answer.call.path} with HTTP {status}.",
            system="magento",
            status=status,
            retry_after=answer.retry_after,
        )
    if status >= 400:
        raise _refused(f"The store refuses the picture {answer.call.path} (HTTP {status}).", str(status))
    return answer


def _addresses(host: str) -> set[str]:
    """All that a host name leads to; every loopback address is this machine, whatever its number."""
    try:
        found = {str(info[4][0]).partition("%")[0] for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError as exc:
        raise RetryableError(f"The host {host} is not known.", system="magento") from exc
    return {"127.0.0.1" if ipaddress.ip_address(one).is_loopback else one for one in found}


def _refused(text: str, code: str) -> RejectedError:
    return RejectedError(text, system="magento", code=code)
