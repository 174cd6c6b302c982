"""Routes of the shop itself: websites, groups, views, their configuration, currency, countries, modules, admin tokens."""

from __future__ import annotations

from typing import Any

from connector.sandbox.magento import config
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.install import data_file
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.sales.currency import rates
from connector.sandbox.magento.users import admin_token

STORE = "Magento_Backend::store"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
STATIC_VERSION = "version1754759768"


@route("GET", "/V1/store/websites", STORE)
def websites(ctx: Context) -> Any:
    rows = ctx.db.execute("SELECT website_id, code, name, default_group_id FROM store_website ORDER BY website_id")
    return [dict(zip(("id", "code", "name", "default_group_id"), row, strict=True)) for row in rows]


@route("GET", "/V1/store/storeGroups", STORE)
def store_groups(ctx: Context) -> Any:
    names = ("id", "website_id", "root_category_id", "default_store_id", "name", "code")
    rows = ctx.db.execute(
        "SELECT group_id, website_id, root_category_id, default_store_id, name, code FROM store_group ORDER BY group_id"
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


@route("GET", "/V1/store/storeViews", STORE)
def store_views(ctx: Context) -> Any:
    names = ("id", "code", "name", "website_id", "store_group_id", "is_active")
    default = "CASE store_id WHEN 1 THEN -1 ELSE store_id END"  # the default view stands first, then the admin one
    rows = ctx.db.execute(
        f"SELECT store_id, code, name, website_id, group_id, is_active FROM store ORDER BY {default}"  # noqa: S608  # fixed text
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


@route("GET", "/V1/store/storeConfigs", STORE)
def store_configs(ctx: Context) -> Any:
    wanted = ctx.query.get("storeCodes")
    codes = list(wanted.values()) if isinstance(wanted, dict) else None
    rows = ctx.db.execute(
        "SELECT s.store_id, s.code, s.website_id FROM store s JOIN store_website w USING (website_id)"
        " WHERE s.store_id > 0 ORDER BY w.code, s.store_id"
    ).fetchall()
    return [_store_config(ctx, *row) for row in rows if codes is None or row["code"] in codes]


def _store_config(ctx: Context, store_id: int, code: str, website_id: int) -> dict[str, Any]:
    def read(path: str) -> str:
        return config.read(ctx.db, path, store_id)

    answer: dict[str, Any] = {
        "id": store_id,
        "code": code,
        "website_id": website_id,
        "locale": read("general/locale/code"),
        "base_currency_code": read("currency/options/base"),
        "default_display_currency_code": read("currency/options/default"),
        "timezone": read("general/locale/timezone"),
        "weight_unit": read("general/locale/weight_unit"),
    }
    for prefix in ("", "secure_"):
        answer[f"{prefix}base_url"] = f"{ctx.base_url}/"
        answer[f"{prefix}base_link_url"] = f"{ctx.base_url}/"
        answer[f"{prefix}base_static_url"] = f"{ctx.base_url}/static/{STATIC_VERSION}/"
        answer[f"{prefix}base_media_url"] = f"{ctx.base_url}/media/"
    return answer


@route("GET", "/V1/directory/currency", "anonymous")
def currency(ctx: Context) -> Any:
    base, shown = ctx.setting("currency/options/base"), ctx.setting("currency/options/default")
    allowed = ctx.setting("currency/options/allow").split(",")
    known = rates(ctx.db, ctx.store.store_id)
    return {
        "base_currency_code": base,
        "base_currency_symbol": SYMBOLS.get(base, base),
        "default_display_currency_code": shown,
        "default_display_currency_symbol": SYMBOLS.get(shown, shown),
        "available_currency_codes": allowed,
        "exchange_rates": [{"currency_to": code, "rate": known[code]} for code in allowed if code in known],
    }


@route("GET", "/V1/directory/countries", "anonymous")
def countries(ctx: Context) -> Any:
    return [_country(ctx, row) for row in ctx.db.execute("SELECT * FROM directory_country ORDER BY country_id")]


@route("GET", "/V1/directory/countries/:countryId", "anonymous")
def country(ctx: Context, countryId: str) -> Any:  # noqa: N803  # name of the path variable
    row = ctx.db.execute("SELECT * FROM directory_country WHERE country_id = ?", (countryId,)).fetchone()
    if row is None:
        raise MagentoError(404, "The country isn't available.")
    return _country(ctx, row)


def _country(ctx: Context, row: Any) -> dict[str, Any]:
    answer = {
        "id": row["country_id"],
        "two_letter_abbreviation": row["country_id"],
        "three_letter_abbreviation": row["iso3_code"],
        "full_name_locale": row["name"],
        "full_name_english": row["name"],
    }
    regions = ctx.db.execute(
        "SELECT region_id, code, default_name FROM directory_country_region WHERE country_id = ? ORDER BY default_name",
        (row["country_id"],),
    ).fetchall()
    if regions:
        answer["available_regions"] = [{"id": str(id_), "code": code, "name": name} for id_, code, name in regions]
    return answer


@route("GET", "/V1/modules", "Magento_Backend::admin")
def modules(ctx: Context) -> Any:
    names = data_file("modules.json")
    legacy = config.without_sources(ctx.db)
    return [name for name in names if not (legacy and name.startswith("Magento_Inventory"))]


@route("POST", "/V1/integration/admin/token", "anonymous", transaction=False)
def token(ctx: Context) -> Any:
    return admin_token(ctx.db, str(ctx.needed("username")), str(ctx.needed("password")), ctx.now)


@route("POST", "/V1/tfa/provider/google/authenticate", "anonymous", transaction=False)
def google_token(ctx: Context) -> Any:
    """The one-time password is not checked: the sandbox has no authenticator to share a secret with."""
    names = [str(ctx.needed(name)) for name in ("username", "password", "otp")]
    return admin_token(ctx.db, names[0], names[1], ctx.now, second_factor=True)
