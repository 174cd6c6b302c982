"""The Magento side of the sandbox: REST API, media files and control routes, over one SQLite file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState

from connector.sandbox.catalog.generate import Plan, generate
from connector.sandbox.catalog.load import load_catalog, load_folder
from connector.sandbox.magento import control
from connector.sandbox.magento.database import CACHE_KIB, FILE_NAME, FILLING_KIB, Database, transaction
from connector.sandbox.magento.dispatch import answer
from connector.sandbox.magento.install import fresh_install
from connector.sandbox.magento.media import image_response
from connector.sandbox.magento.routes import load_routes
from connector.sandbox.magento.sales import control as sales_control

load_routes()

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


def create_blueprint(
    data_dir: Path,
    *,
    catalog: Path | None = None,
    products: int = 300,
    seed: int = 1,
    now: Callable[[], float] | None = None,
) -> Blueprint:
    """Routes of the store, with its state in `data_dir`: `magento.sqlite3` and the folder `media`.

    A new folder is filled from the catalogue folder, or with `products` generated ones. `now` is the clock in seconds; without
    it the application's `sandbox_clock` counts. Raises SandboxError when the catalogue cannot be used; nothing is left then.
    """
    database, media = Database(data_dir), data_dir / "media"
    if database.is_new:
        _remove(database, data_dir)  # what a start that was killed half-way has left
        _fill(database, data_dir, catalog, products, seed)
    blueprint = Blueprint("magento", __name__)
    blueprint.record(lambda state: _announce(state, database))
    control.register(blueprint, database)
    sales_control.register(blueprint, database)

    @blueprint.route("/rest", defaults={"path": ""}, methods=METHODS, provide_automatic_options=False)
    @blueprint.route("/rest/<path:path>", methods=METHODS, provide_automatic_options=False)
    @blueprint.route("/index.php/rest/<path:path>", methods=METHODS, provide_automatic_options=False)
    def rest(path: str) -> Response:  # noqa: ARG001  # the path is read from the request as it was sent
        seconds = now() if now else current_app.extensions["sandbox_clock"].now()
        return answer(request, database, media, datetime.fromtimestamp(seconds, UTC))

    @blueprint.get("/media/catalog/product/<path:file>")
    def image(file: str) -> Response:
        return image_response(database.connection(), media, f"/{file}")

    return blueprint


def _fill(database: Database, data_dir: Path, catalog: Path | None, products: int, seed: int) -> None:
    database.create_tables()
    database.connection().execute(f"PRAGMA cache_size = -{FILLING_KIB}")
    try:
        with transaction(database.connection()) as db:
            fresh_install(db, datetime.now(UTC))
            if catalog is not None:
                load_folder(db, catalog)
            else:
                load_catalog(db, generate(Plan(products=products, seed=seed)))
    except BaseException:
        _remove(database, data_dir)
        raise
    db = database.connection()
    db.execute("ANALYZE")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")


def _remove(database: Database, data_dir: Path) -> None:
    database.close()
    for leftover in data_dir.glob(f"{FILE_NAME}*"):
        leftover.unlink()
    shutil.rmtree(data_dir / "media", ignore_errors=True)


def _announce(state: BlueprintSetupState, database: Database) -> None:
    """Tells the shell how to stop this side and what to say of it."""
    extensions = state.app.extensions
    extensions.setdefault("sandbox_credentials", {})["magento"] = lambda url: control.credentials(database, url)
    extensions.setdefault("sandbox_counts", {})["magento"] = lambda _url: control.counts(database)
    extensions.setdefault("sandbox_stops", []).append(database.close)
