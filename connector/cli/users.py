"""`connector users`."""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from connector.cli import common
from connector.errors import ConfigurationError

if TYPE_CHECKING:
    from connector.store.models import User


@click.group()
def users() -> None:
    """Add people who may log in to the admin, and list them."""


@users.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice(["admin", "operator", "viewer"]), default="viewer", show_default=True)
@click.option("--name", default="", help="How the admin greets them.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; one is made otherwise.")
@click.option("--reset", is_flag=True, help="Give a user who exists a new password, and this role.")
@common.json_option
def add(*, email: str, role: str, name: str, password_stdin: bool, reset: bool, as_json: bool) -> None:
    """Add a user, and print the password once."""
    from connector.services import people
    from connector.store.models import User

    password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(16)
    common.open_database(common.start())
    now, actor = datetime.now(UTC), "command line"
    known = User.get_or_none(User.email == email.strip().lower())
    if known is None:
        user = people.create(email, password, role, now, name=name, actor=actor)
    elif reset:
        user = _reset(known, password, role, now, actor)
    else:
        raise ConfigurationError(f"{email} exists. To give them a new password: connector users add {email} --reset")
    shown = {"email": user.email, "role": user.role} | ({} if password_stdin else {"password": password})
    common.report(shown, as_json=as_json, text=lambda: common.pairs(shown))


@users.command("list")
@common.json_option
def list_(*, as_json: bool) -> None:
    """Everybody who may log in."""
    from connector.store.models import User

    common.open_database(common.start())
    columns = ("email", "name", "role", "active", "last_login_at")
    people = [{column: getattr(user, column) for column in columns} for user in User.select().order_by(User.email)]
    common.report(
        people,
        as_json=as_json,
        text=lambda: common.table(columns, [[row[c] or "" for c in columns] for row in people], empty="Nobody yet."),
    )


def _reset(user: User, password: str, role: str, now: datetime, actor: str) -> User:
    from connector.services import history, people
    from connector.store.database import transaction
    from connector.store.models import User

    with transaction():
        people.set_password(user, password, now, actor=actor)
        user.role, user.active = role, True
        user.save(only=[User.role, User.active])
        history.note(now, actor, "user.reset", "user", user.id, f"{user.email} as {role}")
    return user
