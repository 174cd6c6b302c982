"""What stands between us and a store: its address, its certificate, its maintenance, its credentials. One clear error each."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connector.clients.http import HttpClient
from connector.clients.magento import MagentoConnection, MagentoStore
from connector.errors import (
    AuthorizationError,
    ConfigurationError,
    RejectedError,
    RemoteError,
    RetryableError,
    UnknownOutcomeError,
)
from connector.sandbox.app import create_sandbox
from connector.sandbox.serve import SandboxServer
from tests.clients.rehearsal import Control
from tests.clients.server import Asked, Reply, Server, serving

Connect = Callable[..., MagentoConnection]
SITES = "/store/websites"


@pytest.mark.parametrize("base", ["", "/", "/shop/", "/shop", "/index.php", "/shop/index.php/"])
def test_an_address_may_have_a_folder_or_index_php(store: Connect, base: str) -> None:
    prefix = base.rstrip("/")

    def answer(asked: Asked) -> Reply:
        return Reply(200, []) if asked.raw_path == f"{prefix}/rest/de/V1{SITES}" else Reply(404, b"<html>")

    with serving(answer) as server:
        assert store(server.url + base, store_code="de").get(SITES) == []


@pytest.mark.parametrize("pasted", ["https://shop.test/m2/rest", "https://shop.test/m2/rest/default/V1/"])
def test_an_address_pasted_with_its_rest_part_is_corrected(pasted: str) -> None:
    with pytest.raises(ConfigurationError, match=r"enter https://shop\.test/m2/ instead"):
        MagentoStore(pasted, auth="bearer", access_token="t")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_https_names_the_address_to_enter(store: Connect, status: int) -> None:
    target = "https://www.shop.test/m2/rest/V1/store/websites?x=1"
    with serving(Reply(status, b"", {"Location": target})) as server, pytest.raises(RejectedError) as caught:
        store(f"{server.url}/m2").get(SITES)
    assert str(caught.value).endswith(": enter https://www.shop.test/m2/ as the store's address.")
    assert (caught.value.code, len(server.asked)) == ("redirect", 1)


@pytest.mark.parametrize("location", ["/customer/account/login", "https://portal.test/", ""])
def test_a_redirect_to_elsewhere_sends_nobody_there(store: Connect, location: str) -> None:
    with (
        serving(Reply(302, b"", {"Location": location})) as server,
        pytest.raises(RejectedError, match="check the store's address"),
    ):
        store(server.url).get(SITES)


def test_a_page_with_status_200_is_no_answer(store: Connect) -> None:
    page = Reply(200, b"<!doctype html><title>Shop</title>", {"Content-Type": "text/html"})
    with serving(page) as server:
        with pytest.raises(RetryableError, match=r"not JSON.*check the store's address"):
            store(server.url).get(SITES)
        with pytest.raises(UnknownOutcomeError, match="may have happened"):
            store(server.url).post("/orders/1/hold")


def test_a_log_in_in_front_of_the_store_is_not_taken_for_ours(store: Connect) -> None:
    page = Reply(401, b"<html>401 Authorization Required</html>", {"WWW-Authenticate": 'Basic realm="staging"'})
    with serving(page) as server, pytest.raises(AuthorizationError, match="in front of the store asks for a log-in"):
        store(server.url).get(SITES)


def test_cookies_are_not_kept(store: Connect) -> None:
    """A PHP session would put our calls one behind the other."""
    with serving(Reply(200, [], {"Set-Cookie": "PHPSESSID=abc; path=/"})) as server:
        connection = store(server.url)
        connection.get(SITES)
        connection.get(SITES)
    assert "Cookie" not in server.asked[1].headers


# ── a certificate of the store's own ─────────────────────────────────────────


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of 127.0.0.1 in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "store.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def https(certificate: Path) -> Iterator[str]:
    server = Server(lambda _: Reply(200, []))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.wrap(context)
    with server.running():
        yield server.url.replace("http:", "https:")


def test_a_self_signed_certificate_is_refused_at_once_and_trusted_by_a_setting(
    https: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    settings = MagentoStore(https, auth="bearer", access_token="t")
    connection = MagentoConnection(settings, HttpClient("magento", read_timeout=2, sleep=pauses.append))
    with pytest.raises(RetryableError, match=r"certificate cannot be verified.*REQUESTS_CA_BUNDLE") as caught:
        connection.post("/orders/1/hold")
    assert (caught.value.code, pauses) == ("certificate", [])
    assert not isinstance(caught.value, UnknownOutcomeError), "nothing was sent"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert connection.get(SITES) == []


# ── the sandbox's store as staff leave it ────────────────────────────────────


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    server = SandboxServer(create_sandbox(tmp_path_factory.mktemp("shop"), products=3)).start()
    yield Control(server.url)
    server.stop()


def entered(control: Control, auth: str, **changes: str) -> MagentoConnection:
    given = control.credentials()["magento"] | changes
    names = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    settings = MagentoStore(given["base_url"], auth=auth, **{name: given[name] for name in names})
    return MagentoConnection(settings, HttpClient("magento", read_timeout=5, sleep=lambda _: None))


@pytest.mark.parametrize("auth", ["oauth", "bearer"])
def test_a_revoked_integration_is_an_authorization_error_until_it_is_restored(shop: Control, auth: str) -> None:
    connection = entered(shop, auth)
    shop.post("magento/token/revoke")
    try:
        with pytest.raises(AuthorizationError, match="System > Integrations"):
            connection.get(SITES)
    finally:
        shop.post("magento/token/restore")
    assert connection.get(SITES)


@pytest.mark.parametrize("wrong", ["consumer_key", "consumer_secret", "access_token", "access_token_secret"])
def test_each_wrong_credential_is_refused_with_what_to_compare(shop: Control, wrong: str) -> None:
    with pytest.raises(AuthorizationError, match="System > Integrations") as caught:
        entered(shop, "oauth", **{wrong: "x" * 32}).get(SITES)
    assert "x" * 32 not in str(caught.value)


@pytest.mark.parametrize("auth", ["oauth", "bearer"])
def test_maintenance_is_for_later(shop: Control, auth: str) -> None:
    def maintenance(value: str) -> None:
        path = f"{shop.url}/_sandbox/magento/config"
        requests.put(path, json={"sandbox/maintenance": value}, timeout=5).raise_for_status()

    maintenance("1")
    try:
        with pytest.raises(RetryableError, match="HTTP 503: it is in maintenance or overloaded"):
            entered(shop, auth).get(SITES)
    finally:
        maintenance("0")


def test_a_store_code_that_does_not_exist_is_refused(shop: Control) -> None:
    connection = entered(shop, "bearer")
    with pytest.raises(RemoteError) as caught:
        connection.get(SITES, scope="nowhere")
    assert isinstance(caught.value, RejectedError)
