"""The admin: Flask-Admin views per section of the user guide, over services; nothing here calls a remote system."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import flask
from flask import Blueprint, current_app, render_template, request, session, url_for
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from flask_login import current_user
from peewee import PeeweeException
from werkzeug.exceptions import HTTPException

from connector.admin import formats, login, site
from connector.admin.views import SECTIONS, pictures
from connector.admin.views.dashboard import Dashboard
from connector.services.context import Context
from connector.store.models import Account

HERE = Path(__file__).parent
YEAR = 31_536_000


class _Assets(Blueprint):
    """Our static files; fonts, and what is asked for with its version, are kept for a year."""

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Seconds that a browser may keep it."""
        fixed = "v" in request.args or (filename or "").endswith(".woff2")
        return YEAR if fixed else 0


def init_admin(app: flask.Flask, ctx: Context) -> None:
    """Mount the admin under `/admin`: pages, log-in, headers. The database and the plugins are loaded before."""
    app.extensions[site.KEY] = ctx
    site.guard(app)
    login.install(app)
    app.register_blueprint(
        _Assets("ui", __name__, static_folder="static", template_folder="templates", static_url_path="/admin/assets")
    )
    app.register_blueprint(pictures.blueprint)
    for code in (400, 403, 404, 405, 413, 500):
        app.register_error_handler(code, _error_page)
    app.register_error_handler(PeeweeException, _database_page)
    app.context_processor(_template_helpers)
    app.template_filter("words")(formats.words)
    admin = Admin(
        app,
        name="Connector",
        url=site.PREFIX,
        index_view=Dashboard(
            name="Dashboard", url=site.PREFIX, menu_icon_type="lucide", menu_icon_value="layout-dashboard"
        ),
        theme=Bootstrap4Theme(base_template="ui/base.html"),
    )
    admin.add_category("Configuration", icon_type="lucide", icon_value="settings")
    for view, icon in SECTIONS():
        view.menu_icon_type, view.menu_icon_value = "lucide", icon
        admin.add_view(view)
    admin.add_view(login.LoginView(name="Log in", endpoint="login"))


@functools.cache
def _version(name: str) -> str:
    stat = (HERE / "static" / name).stat()
    return f"{stat.st_size:x}{int(stat.st_mtime):x}"


def asset(name: str) -> str:
    """Address of one of our static files, with a version that changes with the file."""
    return url_for("ui.static", filename=name, v=_version(name))


def _template_helpers() -> dict[str, Any]:
    if not request.path.startswith(site.PREFIX):
        return {}
    return {
        "asset": asset,
        "icons_url": asset("vendor/icons.svg"),
        "csrf_token": site.csrf_token,
        "account_switch": account_switch,
        "ago": formats.ago,
        "when": formats.when,
        "words": formats.words,
        "plain": formats.plain,
        "who": formats.who,
        "code": formats.code,
        "allowed": site.allowed,
    }


def account_switch() -> dict[str, Any]:
    """Accounts for the top bar: (id, title) rows, and which one the user looks at (None: all)."""
    rows = [(row.id, row.title) for row in Account.select(Account.id, Account.title).order_by(Account.title)]
    current = session.get("account")
    titles = dict(rows)
    if current not in titles:
        current = None
    return {"rows": rows, "current": current, "title": titles[current] if current else "All accounts"}


def _database_page(error: Exception) -> Any:
    """The database does not answer: said without asking it who asks."""
    current_app.logger.error("the database failed: %s", error)
    text = "The database does not answer. Whoever runs this installation finds the cause with “connector doctor”."
    if not request.path.startswith(site.PREFIX):
        return text, 503
    bare = current_app.jinja_env.get_template("ui/alone.html")  # render_template would look for the user's row
    return bare.render(title="Not possible now", text=text, signed_in=True, asset=asset), 503


def _error_page(error: Exception) -> Any:
    """Our page for errors of admin pages; other parts of the application answer in their own way."""
    code = error.code if isinstance(error, HTTPException) and error.code else 500
    if not request.path.startswith(site.PREFIX):
        return error if isinstance(error, HTTPException) else ("Something went wrong.", 500)
    titles = {
        400: "That did not work",
        403: "You may not do that",
        404: "There is nothing here",
        405: "That is not possible here",
        413: "That is too large",
        500: "Something went wrong",
    }
    texts = {
        403: "Your role does not allow it. Ask an administrator.",
        404: "The page does not exist, or what it showed was deleted.",
        500: "It was written to the log. Try again; if it happens twice, tell whoever runs this installation.",
    }
    said = error.description if isinstance(error, HTTPException) and code == 400 else None
    page = render_template(
        "ui/alone.html",
        title=titles[code],
        text=texts.get(code) or said or "Go back and try another way.",
        signed_in=current_user.is_authenticated,
    )
    return page, code
