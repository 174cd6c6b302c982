"""The sandbox as one Flask application: TikTok Shop and Magento side by side, with a control API under `/_sandbox`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, render_template, request

from connector.sandbox import faults as faults_module
from connector.sandbox import magento, tiktok
from connector.sandbox.clock import SandboxClock
from connector.sandbox.options import SandboxError, SandboxOptions

BOTH, MARKETPLACE, STORE = SIDES = ("both", "marketplace", "store")
LOOPBACK = ("127.", "::1", "::ffff:127.")
LABELS = {
    "tiktok": {
        "api_url": "Sandbox address",
        "app_key": "App key",
        "app_secret": "App secret",
        "service_id": "Service id",
        "redirect_url": "Redirect URL",
    },
    "magento": {
        "base_url": "Store address",
        "store_code": "Store view code",
        "consumer_key": "Consumer key",
        "consumer_secret": "Consumer secret",
        "access_token": "Access token",
        "access_token_secret": "Access token secret",
    },
}
"""Which credentials the start page shows, under the names that a connector's forms give them."""


def create_sandbox(
    data_dir: Path,
    *,
    catalog: Path | None = None,
    products: int = 300,
    seed: int = 1,
    options: SandboxOptions | None = None,
    side: str = BOTH,
) -> Flask:
    """The application, with its state in `data_dir` (made when it is not there; kept when it is).

    `side` is `both`, `marketplace` or `store`: two sandboxes on two ports may be one each. `catalog`: folder with `products.jsonl`, `attributes.json`, `categories.json`, `attribute_sets.json`; without it, `products`
    are generated from `seed`. Raises SandboxError when the folder cannot be used or there is no such side.
    """
    if side not in SIDES:
        raise SandboxError(f"The sandbox has no side called {side}: choose {', '.join(SIDES)}.")
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SandboxError(f"The sandbox cannot use the folder {data_dir}: {error.strerror}.") from error
    app = Flask("connector.sandbox", template_folder="templates")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it, the base class does not say so
    clock, faults = SandboxClock(data_dir), faults_module.Faults(data_dir)
    app.extensions["sandbox_clock"], app.extensions["sandbox_faults"] = clock, faults
    app.extensions["sandbox_credentials"] = {}
    faults_module.install(app, faults)
    if side != STORE:
        options = options or SandboxOptions()
        app.register_blueprint(tiktok.create_blueprint(data_dir, clock=clock, faults=faults, options=options))
    if side != MARKETPLACE:
        app.register_blueprint(magento.create_blueprint(data_dir, catalog=catalog, products=products, seed=seed))
    _register_shell(app, data_dir.resolve())
    return app


def stop_background(app: Flask) -> None:
    """Stop the threads that the two sides started."""
    for stop in app.extensions.get("sandbox_stops", ()):
        stop()


def base_url() -> str:
    """The address under which the caller reached this server."""
    return request.host_url.rstrip("/")


def _register_shell(app: Flask, data_dir: Path) -> None:
    @app.before_request
    def only_from_this_machine() -> None:
        if request.path.startswith("/_sandbox") and not _on_this_machine():
            abort(403)

    @app.get("/_sandbox/health")
    def health() -> Response:
        return jsonify(status="ok", data=str(data_dir))  # so that a supervisor knows its own from another one's

    @app.get("/_sandbox/style.css")
    def style() -> Response:
        text = Path(__file__).parent.joinpath("templates/style.css").read_text("utf-8")
        return Response(text, content_type="text/css; charset=utf-8")

    @app.get("/_sandbox/credentials")
    def credentials() -> Response:
        return jsonify(_of_both_sides(app, "sandbox_credentials"))

    @app.get("/")
    def start_page() -> str:
        counts = {side: told for side, told in _of_both_sides(app, "sandbox_counts").items() if told}
        credentials = _of_both_sides(app, "sandbox_credentials") if _on_this_machine() else {}
        return render_template("start.html", counts=counts, credentials=credentials, labels=LABELS)


def _on_this_machine() -> bool:
    return (request.remote_addr or "").startswith(LOOPBACK)


def _of_both_sides(app: Flask, extension: str) -> dict[str, Any]:
    """What each side says of itself. A side adds `app.extensions[extension][side] = function(base_url) -> dict`."""
    return {side: tell(base_url()) for side, tell in app.extensions.get(extension, {}).items()}
