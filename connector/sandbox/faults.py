"""Faults on demand, for both sides of the sandbox: `POST /_sandbox/faults`, `DELETE /_sandbox/faults`.

A fault is `{side, match, kind, times, delay, code}`: `side` is `tiktok` or `magento`; `match` is a regular expression that is
searched in "METHOD /path"; `times` says how often it strikes (default 1); `delay` is in real seconds. Faults wait in
`faults.json` of the state folder, so that a killed sandbox comes back with those that have not struck yet.

Kinds for calls: `http_429`, `http_500`, `http_502_html`, `error_code` (answers `code`), `slow` (waits, then goes on),
`timeout_after_success` (does the work, waits, closes without an answer), `drop_connection` (closes before the work).
Kinds for webhooks (side `tiktok`; `match` is searched in the event type): `webhook_duplicate` (sent twice), `webhook_lose`,
`webhook_delay` (sent `delay` seconds of the sandbox clock later), `webhook_reorder` (the same, by a second unless `delay` says
otherwise, so that what happens next is told first).
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, jsonify, request

CALL_KINDS = (
    "http_429",
    "http_500",
    "http_502_html",
    "slow",
    "timeout_after_success",
    "drop_connection",
    "error_code",
)
STORE_PATHS = ("/rest/", "/index.php/rest/", "/media/", "/oauth/token")
WEBHOOK_KINDS = ("webhook_duplicate", "webhook_lose", "webhook_delay", "webhook_reorder")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that still has `times` strikes left."""

    side: str
    match: str
    kind: str
    times: int = 1
    delay: float = 0.0
    code: int = 0


class Faults:
    """The faults that wait for a call or a webhook, kept in `data_dir`. Safe to use from several threads."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "faults.json"
        self._lock = threading.Lock()
        kept = json.loads(self._file.read_text("utf-8")) if self._file.exists() else []
        self._waiting = [Fault(**one) for one in kept]

    def add(self, wanted: dict[str, Any]) -> Fault:
        """Raises ValueError with a sentence when the description is not a fault."""
        fault = Fault(
            side=str(wanted.get("side", "tiktok")),
            match=str(wanted.get("match", "")),
            kind=str(wanted.get("kind", "")),
            times=int(wanted.get("times", 1)),
            delay=float(wanted.get("delay", 0)),
            code=int(wanted.get("code", 0)),
        )
        if fault.side not in {"tiktok", "magento"}:
            raise ValueError("side must be tiktok or magento.")
        if fault.kind not in CALL_KINDS + WEBHOOK_KINDS:
            raise ValueError(f"kind must be one of {', '.join(CALL_KINDS + WEBHOOK_KINDS)}.")
        if fault.times < 1:
            raise ValueError("times must be 1 or more.")
        re.compile(fault.match)
        with self._lock:
            self._waiting.append(fault)
            self._save()
        return fault

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
            self._save()

    def waiting(self) -> list[Fault]:
        with self._lock:
            return list(self._waiting)

    def take(self, side: str, subject: str, kinds: tuple[str, ...]) -> Fault | None:
        """The first fault of one of `kinds` that matches `subject`; it has one strike less afterwards."""
        with self._lock:
            for place, fault in enumerate(self._waiting):
                if fault.side == side and fault.kind in kinds and re.search(fault.match, subject):
                    if fault.times == 1:
                        del self._waiting[place]
                    else:
                        self._waiting[place] = replace(fault, times=fault.times - 1)
                    self._save()
                    return fault
        return None

    def _save(self) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(fault) for fault in self._waiting]), "utf-8")
        fresh.replace(self._file)


def install(app: Flask, faults: Faults) -> None:
    """Let `faults` strike the calls of `app`, and serve the two control routes."""

    @app.before_request
    def strike() -> Response | None:
        if request.path.startswith("/_sandbox") or request.path == "/":
            return None
        side = "magento" if request.path.startswith(STORE_PATHS) else "tiktok"
        fault = faults.take(side, f"{request.method} {request.path}", CALL_KINDS)
        return None if fault is None else _before(side, fault)

    @app.after_request
    def strike_after(response: Response) -> Response:
        fault: Fault | None = g.get("fault_after_success")
        if fault is not None:
            time.sleep(fault.delay)
            _drop()
        return response

    @app.post("/_sandbox/faults")
    def add_fault() -> tuple[Response, int]:
        try:
            fault = faults.add(request.get_json(force=True))
        except (ValueError, TypeError, AttributeError, re.error) as error:
            return jsonify(message=str(error)), 400
        return jsonify(asdict(fault)), 201

    @app.get("/_sandbox/faults")
    def list_faults() -> Response:
        return jsonify(faults=[asdict(fault) for fault in faults.waiting()])

    @app.delete("/_sandbox/faults")
    def clear_faults() -> tuple[str, int]:
        faults.clear()
        return "", 204


def _before(side: str, fault: Fault) -> Response | None:
    match fault.kind:
        case "slow":
            time.sleep(fault.delay)
            return None
        case "timeout_after_success":
            g.fault_after_success = fault
            return None
        case "drop_connection":
            time.sleep(fault.delay)
            return _drop()
        case "http_502_html":
            page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
            return Response(page, 502, content_type="text/html")
        case _:
            return _refusal(side, fault)


def _refusal(side: str, fault: Fault) -> Response:
    status, code, message = {
        "http_429": (429, 36009002, "Too many requests. Please slow down."),
        "http_500": (500, 36009003, "Internal error. Please try again later."),
    }.get(fault.kind, (200 if side == "tiktok" else 400, fault.code, "The sandbox was told to answer this error."))
    if side == "magento":
        answer = jsonify(message=message)
    else:
        answer = jsonify(code=fault.code or code, message=message, request_id=f"{time.time_ns():032X}", data=None)
    answer.status_code = status
    if fault.kind == "http_429" and fault.delay:
        answer.headers["Retry-After"] = f"{fault.delay:g}"
    return answer


def _drop() -> Response:
    """Close the connection under the server's hands: what is answered from here on reaches nobody."""
    connection = request.environ.get("sandbox.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response("", 500)
