"""The sandbox as a server: starts, keeps connections, survives a kill, breaks on demand, and says why it cannot start."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from connector.sandbox import SandboxError, SandboxServer
from connector.sandbox.app import LABELS
from tests.sandbox.tiktok_seller import RefusedError, Seller


def start(data: Path, port: int) -> subprocess.Popen[str]:
    """`python -m connector.sandbox` in a process of its own, ready."""
    command = [sys.executable, "-m", "connector.sandbox", "--port", str(port), "--data", str(data), "--products", "4"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == f"Sandbox ready at http://127.0.0.1:{port}\n", process.stderr and process.stderr.read()
    return process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def close(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def test_a_killed_sandbox_goes_on_where_it_was(tmp_path: Path) -> None:
    """Identity, tokens, pending audits, orders and ids all outlive `kill -9`; the next id is a new one."""
    port = free_port()
    first = start(tmp_path, port)
    seller = Seller(f"http://127.0.0.1:{port}")
    live = seller.listed()
    pending = seller.post("/product/202309/products", seller.payload(title="Later hoodie"))["product_id"]
    order = seller.place(lines=[{"sku_id": live["skus"][0]["id"]}], hold=True)
    seller.control("clock/advance", {"seconds": 1})
    first.kill()
    first.wait(10)
    close(first)

    second = start(tmp_path, port)

    assert requests.get(f"{seller.url}/_sandbox/credentials", timeout=10).json()["tiktok"] == seller.keys
    seller.control("clock/advance", {"seconds": 3600})
    assert seller.get("/product/202309/products/{product_id}", product_id=pending)["status"] == "ACTIVATE"
    assert seller.order(order)["status"] == "AWAITING_SHIPMENT"
    assert seller.place(lines=[{"sku_id": live["skus"][0]["id"]}]) > order
    second.send_signal(signal.SIGTERM)
    assert second.wait(15) == 0
    close(second)


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "connector.sandbox",
            "--port",
            str(port),
            "--data",
            str(tmp_path),
            "--products",
            "4",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr
        == f"Port {port} on 127.0.0.1 is in use by another program: stop it, or choose another port with --port.\n"
    )


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    from connector.sandbox import create_sandbox

    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxError, match="cannot use the folder"):
        create_sandbox(tmp_path / "file")


def test_a_connection_is_kept_and_many_callers_are_served(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url)
    answer = seller.raw("GET", "/logistics/202309/warehouses")
    assert answer.headers.get("connection", "").lower() != "close"
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: requests.get(f"{sandbox.url}/_sandbox/health", timeout=20).status_code, range(64))
        )
    assert set(answers) == {200}


def test_the_start_page_and_credentials_are_plain(sandbox: SandboxServer) -> None:
    page = requests.get(sandbox.url, timeout=10).text
    assert "TikTok Shop" in page
    assert "<script" not in page
    keys = requests.get(f"{sandbox.url}/_sandbox/credentials", timeout=10).json()["tiktok"]
    assert set(keys) >= {"api_url", "auth_url", "app_key", "app_secret", "service_id", "redirect_url"}


def test_the_start_page_has_what_a_connector_asks_for_on_this_machine_alone(sandbox: SandboxServer) -> None:
    """Each under the name of the form's field; somebody elsewhere sees the page without them."""
    given = requests.get(f"{sandbox.url}/_sandbox/credentials", timeout=10).json()
    shown = {side: [given[side][name] for name in names] for side, names in LABELS.items()}

    page = requests.get(sandbox.url, timeout=10).text
    elsewhere = sandbox.app.test_client().get("/", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).text

    assert "<dt>App secret</dt>" in page
    for value in [*shown["tiktok"], *shown["magento"]]:
        assert f"<code>{value}</code>" in page
        assert f"<code>{value}</code>" not in elsewhere


def fault(sandbox: SandboxServer, **wanted: object) -> None:
    answer = requests.post(f"{sandbox.url}/_sandbox/faults", json={"side": "tiktok", **wanted}, timeout=10)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("http_429", 429, 36009002), ("http_500", 500, 36009003), ("error_code", 200, 12052109)],
)
def test_a_fault_answers_its_code_as_often_as_told(sandbox: SandboxServer, kind: str, status: int, code: int) -> None:
    seller = Seller(sandbox.url)
    fault(sandbox, kind=kind, match="GET /logistics", times=2, code=code, delay=3)
    for _ in range(2):
        with pytest.raises(RefusedError) as refused:
            seller.get("/logistics/202309/warehouses")
        assert (refused.value.status, refused.value.code) == (status, code)
    seller.get("/logistics/202309/warehouses")


def test_a_bad_gateway_answers_html(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url)
    fault(sandbox, kind="http_502_html")
    answer = seller.raw("GET", "/logistics/202309/warehouses")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")


@pytest.mark.parametrize(("kind", "made"), [("drop_connection", 0), ("timeout_after_success", 1)])
def test_a_lost_answer_may_or_may_not_have_done_the_work(sandbox: SandboxServer, kind: str, made: int) -> None:
    seller = Seller(sandbox.url)
    body = seller.payload()
    fault(sandbox, kind=kind, match="POST /product/202309/products$", delay=0.01)
    with pytest.raises(requests.ConnectionError):
        seller.raw("POST", "/product/202309/products", body=body)
    assert len(seller.truth()["products"]) == made


def test_a_slow_answer_is_late_but_right(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url)
    fault(sandbox, kind="slow", delay=0.2)
    before = time.monotonic()
    seller.get("/logistics/202309/warehouses")
    assert time.monotonic() - before >= 0.2


def test_faults_can_be_listed_and_cleared_and_must_make_sense(sandbox: SandboxServer) -> None:
    url = f"{sandbox.url}/_sandbox/faults"
    fault(sandbox, kind="http_500")
    assert len(requests.get(url, timeout=10).json()["faults"]) == 1
    assert requests.delete(url, timeout=10).status_code == 204
    assert requests.get(url, timeout=10).json()["faults"] == []
    for wrong in ({"kind": "nonsense"}, {"kind": "slow", "side": "amazon"}, {"kind": "slow", "match": "("}):
        assert requests.post(url, json=wrong, timeout=10).status_code == 400


def test_only_this_machine_may_use_the_control_api(sandbox: SandboxServer) -> None:
    client = sandbox.app.test_client()
    assert client.get("/_sandbox/credentials", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403


def test_the_data_folder_holds_one_state_file_for_the_marketplace(sandbox: SandboxServer, tmp_path: Path) -> None:
    names = {file.name for file in (tmp_path / "sandbox").iterdir() if file.name.startswith("tiktok")}
    assert "tiktok.sqlite3" in names
    assert {name.split(".sqlite3")[0] for name in names} == {"tiktok"}
