"""Pictures come from the store's media host only."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from connector.clients.magento import MagentoCatalog, MagentoConnection
from connector.clients.magento.media import MAX_IMAGE
from connector.errors import NotFoundError, RejectedError
from tests.clients.server import Reply, serving

Connect = Callable[..., MagentoConnection]


def views(media: str) -> Callable[[str], Reply]:
    config = {"id": 1, "base_media_url": media, "base_currency_code": "USD"}
    answers = {
        "websites": [{"id": 1, "code": "base"}],
        "storeGroups": [{"id": 1, "root_category_id": 2}],
        "storeConfigs": [config],
        "storeViews": [{"id": 1, "code": "default", "website_id": 1, "store_group_id": 1}],
    }
    return lambda path: Reply(200, answers[path.rpartition("/")[2]])


def test_a_gallery_path_is_fetched_below_the_media_address_without_credentials(store: Connect) -> None:
    with serving(Reply(200, b"\xff\xd8jpeg", {"Content-Type": "image/jpeg"})) as server:
        catalog = MagentoCatalog(store(server.url, media_url=f"{server.url}/media/"))
        assert catalog.image("/m/b/mb 01.jpg") == b"\xff\xd8jpeg"
        assert catalog.image(f"{server.url}/media/catalog/product/x.jpg") == b"\xff\xd8jpeg"
    assert server.asked[0].raw_path == "/media/catalog/product/m/b/mb%2001.jpg"
    assert "Authorization" not in server.asked[0].headers


def test_the_media_address_is_read_from_the_store(store: Connect) -> None:
    with serving(Reply(200)) as server:
        configs = views(f"{server.url}/pub/media/")
        server.answers = lambda asked: Reply(200, b"x") if "product" in asked.path else configs(asked.path)
        catalog = MagentoCatalog(store(server.url))
        assert catalog.image("/a/b.jpg") == catalog.image("/a/c.jpg") == b"x"
    assert sum("storeConfigs" in asked.path for asked in server.asked) == 1
    assert server.asked[-1].path == "/pub/media/catalog/product/a/c.jpg"


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("http://169.254.169.254/latest/meta-data", "host"),
        ("http://media.elsewhere.test/x.jpg", "host"),
        ("/../../etc/passwd", "path"),
        ("/%2e%2e/%2e%2e/x", "path"),
    ],
)
def test_other_hosts_and_paths_are_refused(store: Connect, file: str, code: str) -> None:
    with serving(Reply(200, b"x")) as server, pytest.raises(RejectedError) as caught:
        MagentoCatalog(store(server.url, media_url=f"{server.url}/media/")).image(file)
    assert (caught.value.code, server.asked) == (code, [])


def test_a_media_host_in_a_private_network_is_refused_unless_it_is_the_store(store: Connect) -> None:
    with serving(Reply(200)) as server:
        configs = views("http://10.0.0.1/media/")
        server.answers = lambda asked: configs(asked.path)
        with pytest.raises(RejectedError, match="private address") as caught:
            MagentoCatalog(store(server.url)).image("/a.jpg")
        assert caught.value.code == "private_address"
        same = views(server.url.replace("127.0.0.1", "localhost") + "/media/")
        server.answers = lambda asked: Reply(200, b"x") if "product" in asked.path else same(asked.path)
        assert MagentoCatalog(store(server.url)).image("/a.jpg") == b"x"


def test_the_loopback_addresses_of_both_kinds_are_one_machine(store: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` may also lead to ::1, which is no other machine than 127.0.0.1."""
    real = socket.getaddrinfo

    def both(host: str, *more: Any, **named: Any) -> Any:
        found = real(host, *more, **named)
        also = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0))
        return [*found, also] if host == "localhost" else found

    with serving(Reply(200)) as server:
        same = views(server.url.replace("127.0.0.1", "localhost") + "/media/")
        server.answers = lambda asked: Reply(200, b"x") if "product" in asked.path else same(asked.path)
        monkeypatch.setattr(socket, "getaddrinfo", both)
        assert MagentoCatalog(store(server.url)).image("/a.jpg") == b"x"


def test_a_redirect_to_another_host_is_not_followed(store: Connect) -> None:
    replies = [Reply(302, b"", {"Location": "http://10.0.0.1/x.jpg"})]
    with serving(replies) as server, pytest.raises(RejectedError, match=r"10\.0\.0\.1"):
        MagentoCatalog(store(server.url, media_url=server.url)).image("/a.jpg")


def test_a_picture_beyond_ten_megabytes_is_not_read(store: Connect) -> None:
    with serving(Reply(200, b"x" * (MAX_IMAGE + 1))) as server, pytest.raises(RejectedError) as caught:
        MagentoCatalog(store(server.url, media_url=server.url)).image("/a.jpg")
    assert caught.value.code == "too_large"


def test_a_missing_picture_is_not_found(store: Connect) -> None:
    with serving(Reply(404, b"<html>")) as server, pytest.raises(NotFoundError, match=r"a\.jpg"):
        MagentoCatalog(store(server.url, media_url=server.url)).image("/a.jpg")
