"""`connector demo`."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli import common
from connector.errors import ConfigurationError, ConnectorError

if TYPE_CHECKING:
    from connector.journey.prepare import StoreAccess
    from connector.journey.run import Journey, Report
    from connector.runtime.supervisor import ProcessSpec
    from connector.settings import Settings

SANDBOX_PORT = 8787
USER = "demo@example.com"
EVENT_EVERY = 6.0
"""Seconds between two events of a demonstration that stays up."""
SANDBOX_LIMIT = 30.0
"""Seconds after which no call of the sandbox runs any more; a store of one's own may need longer."""
PORT_PATIENCE = 10.0
"""Seconds that the servers of a killed demonstration may take to let go of their ports."""


@click.command()
@click.option("--once", is_flag=True, help="End after the comparison; exit status 0 only if nothing differs.")
@click.option(
    "--catalog", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Catalogue folder to sell."
)
@click.option(
    "--products", default=300, show_default=True, type=click.IntRange(1), help="Products to generate otherwise."
)
@click.option(
    "--store", metavar="URL", default="", help="A Magento test store of your own; credentials by CONNECTOR_STORE_…"
)
@click.option(
    "--sandbox-port",
    default=SANDBOX_PORT,
    show_default=True,
    type=click.IntRange(1, 65_535),
    help="Port of the sandbox.",
)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to this file."
)
def demo(
    *, once: bool, catalog: Path | None, products: int, store: str, sandbox_port: int, json_file: Path | None
) -> None:
    """Show everything on a store and a marketplace of our own.

    A catalogue is listed, prices and stock follow, orders come back, are shipped, cancelled and returned, and in the end both
    sides are compared. Everything is kept in the folder `demo` of the var folder; a demo that was killed goes on there.
    """
    from connector.journey import folder

    settings = _settings(common.start(), store)
    access = _own_store(settings) if settings.store_url else None
    source = ("--catalog", str(catalog.resolve())) if catalog else ("--products", str(products))
    if access is not None:
        access = replace(access, region=_region(settings, access))
    region = access.region if access else "US"
    options = {"source": list(source), "store": settings.store_url, "region": region, "sandbox_port": sandbox_port}
    with folder.held(settings.var_dir, options, again=once) as goes_on:
        _wait_for_port(settings.host, settings.port, "CONNECTOR_PORT", patient=goes_on)
        _wait_for_port("127.0.0.1", sandbox_port, "--sandbox-port", patient=goes_on)
        prepare_database(settings, anew=not goes_on)
        if goes_on:
            click.echo(f"Going on with the demo in {settings.var_dir}.", err=True)
        sides = ("--side", "marketplace") if access else ()
        specs = _specs(settings, sandbox_port, *source, "--region", region, *sides)
        _run(
            settings,
            specs,
            access,
            f"http://127.0.0.1:{sandbox_port}",
            once=once,
            suggested=_suggested(catalog, access),
            json_file=json_file,
        )


def _run(
    settings: Settings,
    specs: list[ProcessSpec],
    access: StoreAccess | None,
    sandbox_url: str,
    *,
    once: bool,
    suggested: bool,
    json_file: Path | None,
) -> None:
    from connector.cli import stack
    from connector.journey import folder
    from connector.store import database

    started = time.monotonic()
    with stack.supervisor(settings, specs):
        journey, password = _journey(settings, access, sandbox_url)
        _greet(settings, password)
        with database.connection():
            report = journey.run(suggested=suggested)
            report.seconds = round(time.monotonic() - started, 1)
            _tell(report, json_file)
            if not once:
                _stay(journey, settings, password)
    if not report.agrees:
        raise SystemExit(1)
    folder.end(settings.var_dir)


def _settings(settings: Settings, store: str) -> Settings:
    """The operator's settings, in a folder of the demo's own."""
    own = settings.var_dir / "demo"
    changes: dict[str, Any] = {"var_dir": own, "store_url": store.rstrip("/") or settings.store_url}
    if "database_url" not in settings.model_fields_set:
        changes["database_url"] = f"sqlite:///{own / 'connector.sqlite'}"
    if not changes["store_url"] and "server_timeout" not in settings.model_fields_set:
        changes["server_timeout"] = SANDBOX_LIMIT
    return settings.model_copy(update=changes)


def _specs(settings: Settings, sandbox_port: int, *sandbox: str) -> list[ProcessSpec]:
    from connector.cli import stack

    return [
        *stack.redis_spec(settings),
        stack.sandbox_spec(settings, sandbox_port, *sandbox),
        *stack.worker_specs(settings),
        stack.scheduler_spec(settings),
        stack.web_spec(settings),
    ]


def _suggested(catalog: Path | None, access: StoreAccess | None) -> bool:
    """The shipped rules fit the generated catalogue; any other gets rules suggested for it."""
    return catalog is not None or access is not None


def _own_store(settings: Settings) -> StoreAccess:
    """The user's store.

    Raises:
        ConfigurationError: no credentials.
    """
    from connector.journey.prepare import StoreAccess

    names = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    access = StoreAccess(
        settings.store_url, **{name: getattr(settings, f"store_{name}").get_secret_value() for name in names}
    )
    if not access.access_token:
        wanted = ", ".join(f"CONNECTOR_STORE_{name.upper()}" for name in names)
        raise ConfigurationError(
            f"The store at {access.base_url} asks for the credentials of an integration: set {wanted}."
        )
    return access


def _region(settings: Settings, access: StoreAccess) -> str:
    """The region whose shop sells in the store's currency; looking also shows whether the store lets us in.

    Raises:
        ConfigurationError: the sandbox's marketplace has no shop of that currency.
        RemoteError: the store does not answer, or refuses.
    """
    from connector.app import HttpRemotes
    from connector.store.models import MagentoStore

    views = HttpRemotes(settings).catalog(_store_row(MagentoStore, access)).store_views()
    view = next((view for view in views if view.code == "default"), views[0])
    regions = {"USD": "US", "GBP": "GB", "EUR": "IE"}
    if view.base_currency not in regions:
        raise ConfigurationError(
            f"The store sells in {view.base_currency}, the demo's marketplace in {' or '.join(regions)}: use a test store"
            " with one of them as its base currency."
        )
    return regions[view.base_currency]


def _store_row(model: Any, access: StoreAccess) -> Any:
    """An unsaved row, for a look at the store before there is a database."""
    return model(
        base_url=access.base_url,
        store_code="default",
        auth=access.auth,
        consumer_key=access.consumer_key,
        consumer_secret=access.consumer_secret,
        access_token=access.access_token,
        access_token_secret=access.access_token_secret,
        base_media_url="",
    )


def _wait_for_port(host: str, port: int, setting: str, *, patient: bool) -> None:
    """A demonstration that goes on gives the servers of the killed one a moment to end."""
    end = time.monotonic() + (PORT_PATIENCE if patient else 0)
    while True:
        try:
            return common.require_free_port(host, port, setting)
        except ConfigurationError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.2)


def prepare_database(settings: Settings, *, anew: bool) -> None:
    """Tables of this version. A demonstration that begins anew empties a database that holds an earlier one.

    Raises:
        ConfigurationError: the database holds accounts that are not the demonstration's.
    """
    from connector.journey import prepare
    from connector.store import database, emptying
    from connector.store.migrations import upgrade

    settings.var_dir.mkdir(parents=True, exist_ok=True)
    database.connect(settings.database_url)
    upgrade()
    with database.connection():
        if prepare.others_accounts():
            raise ConfigurationError(
                "The database of CONNECTOR_DATABASE_URL holds accounts of yours. Give the demo an empty one, or none."
            )
        earlier = anew and prepare.has_account()
    if earlier:
        emptying.drop_tables()
        upgrade()


def _journey(settings: Settings, access: StoreAccess | None, sandbox_url: str) -> tuple[Journey, str]:
    """The journey, and the password that the demo's admin has from now on."""
    from connector.app import HttpRemotes, create_context
    from connector.journey.buyers import Sandbox
    from connector.journey.prepare import StoreAccess
    from connector.journey.run import Journey, Sight
    from connector.journey.seller import Seller
    from connector.journey.shopkeeper import Shopkeeper
    from connector.store import database

    ctx, remotes, sandbox = create_context(settings), HttpRemotes(settings), Sandbox(sandbox_url)
    if access is None:
        given = sandbox.credentials()["magento"]
        keys = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
        access = StoreAccess(base_url=given["base_url"], **{key: given[key] for key in keys})
    password = secrets.token_urlsafe(12)
    with database.connection():
        _set_password(password)
    journey = Journey(
        ctx,
        sandbox,
        access,
        Seller(settings.base_url, USER, password).connect,
        lambda store: Shopkeeper(remotes.connection(store), store.website_code),
        Sight(_line, common.progress),
    )
    return journey, password


def _set_password(password: str) -> None:
    from datetime import UTC, datetime

    from connector.services import people
    from connector.store.models import User

    now = datetime.now(UTC)
    user = User.get_or_none(User.email == USER)
    if user is None:
        people.create(USER, password, "admin", now, name="Demo", actor="demo")
    else:
        people.set_password(user, password, now, actor="demo")


def _greet(settings: Settings, password: str) -> None:
    _line(f"The admin is at {settings.base_url}/admin/ – user {USER}, password {password}")


def _tell(report: Report, file: Path | None) -> None:
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    if file is not None:
        file.write_text(text + "\n", "utf-8")
    click.echo(text)


def _stay(journey: Journey, settings: Settings, password: str) -> None:
    """Life goes on until Ctrl-C."""
    from connector.journey.everyday import Everyday

    _line("Orders keep coming, stock and prices keep moving. Ctrl-C stops it.")
    _greet(settings, password)
    life = Everyday(journey, random.Random())  # noqa: S311  # what buyers like, not secrets
    _until_interrupted(life.go_on)


def _until_interrupted(event: Callable[[], str]) -> None:
    try:
        while True:
            time.sleep(EVENT_EVERY)
            try:
                told = event()
            except ConnectorError as error:
                told = str(error)
            if told:
                _line(told)
    except KeyboardInterrupt:
        _line("Stopping …")


def _line(text: str) -> None:
    click.echo(text, err=True)
