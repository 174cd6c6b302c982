"""Log-in, log-out and one's own password."""

from __future__ import annotations

from typing import Any

from flask import Flask, flash, redirect, request, session, url_for
from flask_admin import BaseView
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from connector.admin.base import page
from connector.admin.site import context, csrf_token, local_url, wants_fragment
from connector.services import history, people
from connector.services.people import LoginRefusedError, PersonError
from connector.store.models import User


class SignedIn(UserMixin):  # type: ignore[misc]  # flask-login has no types
    """The user of a session. Its id carries a fingerprint of the password, so that a new password ends old sessions."""

    def __init__(self, user: User) -> None:
        self.row = user
        self.email, self.role = user.email, user.role
        self.name = user.name or user.email.partition("@")[0]

    @property
    def id(self) -> int:
        """The row's id."""
        return int(self.row.id)

    @property
    def initials(self) -> str:
        """Two letters for the corner."""
        return "".join(part[:1] for part in self.name.replace(".", " ").split()[:2]).lower() or "?"

    def get_id(self) -> str:
        """What the session keeps."""
        return f"{self.row.id}:{people.fingerprint(self.row)}"


def load(session_id: str) -> SignedIn | None:
    """The user of a session, None when gone, switched off, or their password changed."""
    number, _, mark = session_id.partition(":")
    user = User.get_or_none(User.id == int(number)) if number.isdigit() else None
    if user is None or not user.active or people.fingerprint(user) != mark:
        return None
    return SignedIn(user)


def install(app: Flask) -> None:
    """Sessions and their cookies."""
    manager = LoginManager(app)
    manager.session_protection = "basic"
    manager.user_loader(load)
    app.config["SESSION_COOKIE_HTTPONLY"] = True
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.config["SESSION_COOKIE_NAME"] = "connector"
    app.config["PERMANENT_SESSION_LIFETIME"] = 12 * 3600


class LoginView(BaseView):  # type: ignore[misc]  # flask-admin has no types
    """The only pages that are open to everybody."""

    def is_visible(self) -> bool:
        """Not in the menu."""
        return False

    @page("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Ask for e-mail and password; a good answer starts a new session."""
        target = local_url(request.values.get("next")) or url_for("admin.index")
        if current_user.is_authenticated:
            return redirect(target)
        error = ""
        if request.method == "POST":
            try:
                user = people.authenticate(
                    request.form.get("email", ""),
                    request.form.get("password", ""),
                    request.remote_addr or "",
                    context().clock.now(),
                )
            except LoginRefusedError as refused:
                error = str(refused)
            else:
                session.clear()  # nothing that stood in the session before the log-in stays valid
                session.permanent = True
                login_user(SignedIn(user))
                return redirect(target)
        page = self.render(
            "ui/login.html", error=error, email=request.form.get("email", ""), next=target, csrf=csrf_token()
        )
        return (page, 401) if error else page

    @page("/out/", methods=("POST",))
    def out(self) -> Any:
        """End the session."""
        logout_user()
        session.clear()
        return redirect(url_for("login.index"))

    @page("/password/", methods=("GET", "POST"))
    def password(self) -> Any:
        """Change one's own password."""
        if not current_user.is_authenticated:
            return redirect(url_for("login.index"))
        error = ""
        if request.method == "POST":
            try:
                people.change_password(
                    current_user.row,
                    request.form.get("old", ""),
                    request.form.get("new", ""),
                    context().clock.now(),
                )
            except PersonError as refused:
                error = str(refused)
            else:
                login_user(SignedIn(current_user.row))
                flash("Password changed. Other sessions of yours have ended.", "success")
                return redirect(url_for("admin.index"))
        entries = history.of("user", current_user.id, limit=10)
        return self.render("ui/password.html", error=error, entries=entries, fragment=wants_fragment())
