"""`connector users`."""

from __future__ import annotations

import re
import secrets
import sys
from datetime import UTC, datetime

import click

from connector.cli import common
from connector.errors import ConfigurationError

SHORTEST = 12
"""Characters; a password that we make has 22."""


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
    from argon2 import PasswordHasher

    from connector.services import history
    from connector.store.database import transaction
    from connector.store.models import User

    email = email.strip().lower()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise ConfigurationError(f"“{email}” is not an e-mail address.")
    password = _given_password() if password_stdin else secrets.token_urlsafe(16)
    common.open_database(common.start())
    known = User.get_or_none(User.email == email)
    if known is not None and not reset:
        raise ConfigurationError(f"{email} exists. To give them a new password: connector users add {email} --reset")
    now = datetime.now(UTC)
    values = {"role": role, "active": True, "password_hash": PasswordHasher().hash(password)}
    with transaction():
        user = known or User(email=email, name=name, created_at=now)
        for field, value in values.items():
            setattr(user, field, value)
        user.save(force_insert=known is None)
        history.note(now, "command line", "user.reset" if known else "user.add", "user", user.id, f"{email} is {role}")
    shown = {"email": email, "role": role} | ({} if password_stdin else {"password": password})
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


def _given_password() -> str:
    password = sys.stdin.readline().rstrip("\n")
    if len(password) < SHORTEST:
        raise ConfigurationError(f"The password on standard input has fewer than {SHORTEST} characters.")
    return password
