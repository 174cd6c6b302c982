"""The composition root: settings in, a working application out. The only importer of `connector.clients`, but for
the journey's shopkeeper (import-linter's contract names it).

Workers and the scheduler take their context from here too: the pages, half of all imports, are imported where they are made.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from redis import Redis

from connector.clients.http import HttpClient
from connector.clients.magento import MagentoCatalog, MagentoConnection, MagentoSales
from connector.clients.magento import MagentoStore as MagentoSettings
from connector.clients.mail import SmtpMailer
from connector.clients.tiktok import TikTokAuthorizer, TikTokSettings, TikTokShop
from connector.clients.tiktok.signing import verify_webhook
from connector.clients.tiktok.throttle import Throttle
from connector.jobs.queue import RedisQueue
from connector.plugins.loader import load as load_plugins
from connector.services.context import Context
from connector.settings import Settings
from connector.store import database, secrets
from connector.store.models import Account, MagentoStore
from connector.store.vault import DatabaseVault

if TYPE_CHECKING:
    import flask

log = structlog.get_logger(__name__)


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)


class HttpRemotes:
    """Stores and shops over HTTP. Connections, and what throttles learnt, live as long as the row says the same."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redis = Redis.from_url(settings.redis_address)

    def authorizer(self, account: Account) -> TikTokAuthorizer:
        """The token host of an account's environment."""
        return TikTokAuthorizer(self._tiktok(account))

    def shop(self, account: Account) -> TikTokShop:
        """The account's shop."""
        settings = self._tiktok(account)
        authorizer = TikTokAuthorizer(settings)
        vault = DatabaseVault(account.id, longest_refresh=authorizer.longest_refresh)
        http, throttle = _wire(settings, self._redis)
        return TikTokShop(settings, vault, SystemClock(), refresh=authorizer.refresh, http=http, throttle=throttle)

    def catalog(self, store: MagentoStore) -> MagentoCatalog:
        """The store's products."""
        return MagentoCatalog(self.connection(store))

    def sales(self, store: MagentoStore) -> MagentoSales:
        """The store's orders."""
        return MagentoSales(self.connection(store))

    def connection(self, store: MagentoStore) -> MagentoConnection:
        connect, read = self._settings.timeouts
        return _magento(
            MagentoSettings(
                base_url=store.base_url,
                store_code=store.store_code,
                consumer_key=store.consumer_key,
                consumer_secret=store.consumer_secret,
                access_token=store.access_token,
                access_token_secret=store.access_token_secret,
                auth="bearer" if store.auth == "bearer" else "oauth",
                media_url=store.base_media_url,
                connect_timeout=connect,
                read_timeout=read,
            )
        )

    def _tiktok(self, account: Account) -> TikTokSettings:
        connect, read = self._settings.timeouts
        return TikTokSettings(
            app_key=account.app_key,
            app_secret=account.app_secret,
            service_id=account.service_id,
            api_url=account.api_url,
            auth_url=account.auth_url,
            authorize_url=account.authorize_url,
            shop_id=account.shop_id,
            shop_cipher=account.shop_cipher,
            region=account.region or account.country,
            currency=account.currency or "USD",
            connect_timeout=connect,
            read_timeout=read,
        )


@functools.lru_cache(maxsize=32)
def _magento(settings: MagentoSettings) -> MagentoConnection:
    """One connection per setting: it remembers which form of the signature a store accepts."""
    return MagentoConnection(settings)


@functools.lru_cache(maxsize=32)
def _wire(settings: TikTokSettings, redis: Redis) -> tuple[HttpClient, Throttle]:
    """One set of connections and one pace per setting: a thread's calls share a connection, a process's calls its quota.

    The tokens are not kept with them: they change while the settings stay.
    """
    http = HttpClient("tiktok", connect_timeout=settings.connect_timeout, read_timeout=settings.read_timeout)
    return http, Throttle(settings.bucket, ceiling=settings.max_rate, redis=redis)


def open_database(settings: Settings) -> None:
    """Load the keys and point the models at the database."""
    settings.make_folder()
    secrets.use(settings.encryption_keys())
    database.connect(settings.database_url)


def create_context(settings: Settings) -> Context:
    """What services work with in this process; the database and the plugins are ready afterwards."""
    open_database(settings)
    for failed in load_plugins():
        log.warning("plugin_missing", plugin=failed.name, reason=failed.reason)
    _, read = settings.timeouts
    return Context(
        remotes=HttpRemotes(settings),
        clock=SystemClock(),
        queue=RedisQueue(settings.redis_address, job_timeout=settings.job_timeout),
        base_url=settings.base_url,
        place_timeout=read + settings.server_timeout,
        keep_work_days=settings.keep_work_days,
        keep_buyers_days=settings.keep_buyers_days,
        mailer=SmtpMailer(url, settings.mail_from) if (url := settings.smtp_url.get_secret_value()) else None,
    )


def _verify(account: Account, body: bytes, signature: str) -> bool:
    return verify_webhook(account.app_key, body, account.app_secret, signature)


def create_app(settings: Settings | None = None) -> flask.Flask:
    """The web application: admin, OAuth return, webhooks, health, metrics."""
    import flask
    from werkzeug.middleware.proxy_fix import ProxyFix

    from connector import admin, web

    settings = settings or Settings.load()
    ctx = create_context(settings)
    app = flask.Flask("connector", static_folder=None)
    app.config.update(
        SECRET_KEY=settings.session_key(),
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=4 * 1024 * 1024,
        CONNECTOR_PICTURES=str(settings.var_dir / "pictures"),
    )
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)  # type: ignore[method-assign]  # Flask's way
    connect_requests(app)
    admin.init_admin(app, ctx)
    ping = Redis.from_url(settings.redis_address, socket_timeout=2, socket_connect_timeout=2).ping
    token = settings.metrics_token.get_secret_value()
    web.init_web(app, ctx, verify=_verify, ping_redis=ping, metrics_token=token, installation=settings.installation)
    return app


def connect_requests(app: flask.Flask) -> None:
    """Open a connection to the database for each request, and close it afterwards: threads come and go."""
    app.before_request(_open_connection)
    app.teardown_request(_close_connection)


def _open_connection() -> None:
    import flask

    flask.g.opened = database.database.is_closed()
    # /health looks itself, and says so when the database is down; files of the pages need none
    if flask.request.path != "/health" and not flask.request.path.startswith("/admin/assets/"):
        database.database.connect(reuse_if_open=True)


def _close_connection(_error: Any = None) -> None:
    import flask

    if flask.g.pop("opened", False) and not database.database.is_closed():
        database.database.close()
