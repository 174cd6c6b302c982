"""The base of all pages: roles on every view, and one list that filters, selects, asks for work and exports."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, cast

from flask import abort, flash, has_request_context, jsonify, redirect, request, session, url_for
from flask_admin import BaseView, expose
from flask_admin.contrib.peewee import ModelView
from flask_login import current_user
from werkzeug.wrappers import Response

from connector.admin import asking
from connector.admin.fields import Form
from connector.admin.filters import Filter
from connector.admin.site import allowed, local_url, numbers, wants_fragment
from connector.errors import ConfigurationError, ConnectorError
from connector.store.models import SavedView, Setting

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[-+]?[\d.,]+\Z")


Pill = tuple[str, str, bool]
"""A view of a list: its name, its address, whether it is the one that is shown."""

F = TypeVar("F", bound=Callable[..., Any])


def page(url: str, methods: tuple[str, ...] = ("GET",)) -> Callable[[F], F]:
    """Flask-Admin's `expose`, with types."""
    return cast("Callable[[F], F]", expose(url, methods=methods))


class Guarded(BaseView):  # type: ignore[misc]  # flask-admin has no types
    """A page behind the log-in. Looking needs `view_role`, every change `change_role`."""

    view_role: ClassVar[str] = "viewer"
    change_role: ClassVar[str] = "operator"
    section: ClassVar[str] = ""
    """Endpoint of the page under which it belongs, for a page that the menu does not name."""
    open_changes: ClassVar[frozenset[str]] = frozenset()
    """Views whose POST needs no more than looking: they change nothing but the user's own display."""

    def is_accessible(self) -> bool:
        """Whether the user may look at it."""
        return allowed(self.view_role)

    def may_change(self) -> bool:
        """Whether the user may change something here; True while the application is being built."""
        return not has_request_context() or allowed(self.change_role)

    def inaccessible_callback(self, name: Any, **kwargs: Any) -> Any:
        """To the log-in and back, or a refusal."""
        del name, kwargs
        if not current_user.is_authenticated:
            back = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("login.index", next=local_url(back)))
        return abort(403)

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        refused = super()._handle_view(name, **kwargs)
        if refused is None and request.method == "POST" and name not in self.open_changes and not self.may_change():
            abort(403)
        return refused

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Expected errors become a message where the user is, never a traceback."""
        try:
            return fn(self, *args, **kwargs)
        except ConnectorError as error:
            if request.method == "GET":
                return self.render("ui/error.html", title="This page cannot be shown now", text=str(error)), 500
            if wants_fragment():
                return jsonify(error=str(error))  # 200: a browser's console would call another status a fault
            flash(str(error), "error")
            return redirect(self.return_url())

    def return_url(self) -> str:
        """Where the user came from on this site, else this view's own page."""
        referrer = request.referrer or ""
        if referrer.startswith(request.host_url):
            referrer = "/" + referrer[len(request.host_url) :]
        own = f"{self.endpoint}.{self._default_view}"
        return local_url(request.values.get("url")) or local_url(referrer) or url_for(own)

    def render(self, template: str, **kwargs: Any) -> str:
        """With what every template needs to know."""
        kwargs.setdefault("fragment", wants_fragment())
        return str(super().render(template, **kwargs))


class Grid(Guarded, ModelView):  # type: ignore[misc]  # as above
    """A list of rows, declared by class attributes.

    `subject` names the registered actions of its menu, `page_actions` those beside the title (account actions ask for the
    account), `own_actions` what is done here at once. `numeric`, `hidden_default`, `mobile_columns` say how columns show.
    """

    form = Form
    list_template = "ui/list.html"
    create_template = edit_template = "ui/form.html"
    details_template = "ui/details.html"
    named_filter_urls = True
    can_set_page_size = True
    page_size = 20
    page_size_options = (20, 50, 100, 200)
    can_export = True
    export_types: ClassVar[list[str]] = ["csv", "json"]
    column_display_actions = True
    open_changes = frozenset({"save_view", "drop_view", "choose_columns"})

    subject: ClassVar[str] = ""
    page_actions: ClassVar[tuple[str, ...]] = ()
    own_actions: ClassVar[tuple[asking.MenuEntry, ...]] = ()
    numeric: ClassVar[frozenset[str]] = frozenset()
    hidden_default: ClassVar[tuple[str, ...]] = ()
    mobile_columns: ClassVar[tuple[str, ...]] = ()
    views: ClassVar[tuple[tuple[str, Mapping[str, str]], ...]] = ()
    """Views that everybody has: (name, query arguments)."""
    subtitle: ClassVar[str] = ""
    empty_title: ClassVar[str] = "Nothing here yet"
    empty_text: ClassVar[str] = ""
    empty_link: ClassVar[tuple[str, str] | None] = None
    creatable = editable = deletable = False
    create_label: ClassVar[str] = "Add"
    can_view_details = False

    @property
    def can_create(self) -> bool:
        """The view creates rows and the user may."""
        return self.creatable and self.may_change()

    @property
    def can_edit(self) -> bool:
        """The view edits rows and the user may."""
        return self.editable and self.may_change()

    @property
    def can_delete(self) -> bool:
        """The view deletes rows and the user may."""
        return self.deletable and self.may_change()

    account_column: ClassVar[Any] = None
    """The column that the account chosen in the top bar narrows, where the list has one."""

    def empty(self) -> tuple[str, str, tuple[str, str] | None]:
        """What stands in the place of rows while there are none: title, text, and a way on (endpoint and label)."""
        return self.empty_title, self.empty_text, self.empty_link

    # -- rows

    def columns_query(self) -> Any:
        """Rows with everything that the columns show, joined; large columns left out."""
        return self.model.select()

    def get_query(self) -> Any:
        """`columns_query`, narrowed to the account chosen in the top bar."""
        query = self.columns_query()
        chosen = session.get("account") if has_request_context() else None
        if chosen and self.account_column is not None:
            query = query.where(self.account_column == chosen)
        return query

    def row_menu(self, row: Any) -> list[asking.MenuEntry]:
        """Actions offered beside one row."""
        del row
        return []

    def _handle_join(self, query: Any, field: Any, joins: Any) -> Any:
        """`get_query` joins what the columns need."""
        del field, joins
        return query

    def init_search(self) -> bool:
        """Any text column, also of joined tables and of our own types."""
        self._search_fields = [
            getattr(self.model, column) if isinstance(column, str) else column
            for column in self.column_searchable_list or ()
        ]
        return bool(self._search_fields)

    def count_query(self, query: Any) -> int:
        """Rows of a filtered query, without its columns and order."""
        return int(query.order_by().count())

    def get_list(
        self,
        page: int | None,
        sort_column: Any,
        sort_desc: bool | None,
        search: str | None,
        filters: Any,
        execute: bool = True,
        page_size: int | None = None,
    ) -> Any:
        """As the base does it; equal values keep a fixed order, so that no row is shown twice or never."""
        count, query = super().get_list(
            page, sort_column, sort_desc, search, filters or (), execute=False, page_size=page_size
        )
        query = query.order_by_extend(self.model._meta.primary_key.desc())
        return count, (list(query) if execute else query)

    # -- filters

    def filter_groups(self) -> dict[str, list[dict[str, Any]]]:
        """What the filter bar needs, with choices as they are now."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for index, flt in enumerate(self._filters or ()):
            assert isinstance(flt, Filter)  # noqa: S101 – our lists use our filters only
            groups.setdefault(flt.name, []).append(
                {
                    "arg": self.get_filter_arg(index, flt),
                    "label": flt.operation(),
                    "control": flt.control,
                    "choices": flt.current_choices(),
                }
            )
        return groups

    def active_filters(self) -> list[dict[str, str]]:
        """The filters of this request, in their order."""
        found = []
        for index, name, value in self._get_list_filter_args() or ():
            found.append({"name": name, "arg": self.get_filter_arg(index, self._filters[index]), "value": value})
        return found

    # -- views

    def pills(self) -> list[Pill]:
        """Everything, then the views that everybody has."""
        here = request.query_string.decode()
        narrowed = bool(self.active_filters() or request.args.get("search"))
        found = [("All", url_for(f"{self.endpoint}.index_view"), not narrowed)]
        for name, arguments in self.views:
            url = url_for(f"{self.endpoint}.index_view", **dict[str, Any](arguments))
            found.append((name, url, url.partition("?")[2] == here))
        return found

    # -- saved views and columns, per user

    def saved_views(self) -> list[SavedView]:
        """The user's own."""
        query = SavedView.select().where(SavedView.user == current_user.id, SavedView.endpoint == self.endpoint)
        return list(query.order_by(SavedView.name))

    @page("/views/", methods=("POST",))
    def save_view(self) -> Response:
        """Keep the filters of a list under a name."""
        name = request.form.get("name", "").strip()[:40]
        query = request.form.get("query", "").lstrip("?")[:2000]
        if name:
            SavedView.insert(user=current_user.id, endpoint=self.endpoint, name=name, query=query).on_conflict(
                conflict_target=[SavedView.user, SavedView.endpoint, SavedView.name], preserve=[SavedView.query]
            ).execute()
            flash(f"View “{name}” saved.", "success")
        return redirect(url_for(f"{self.endpoint}.index_view") + (f"?{query}" if query else ""))

    @page("/views/drop/", methods=("POST",))
    def drop_view(self) -> Response:
        """Forget one of the user's views."""
        SavedView.delete().where(  # type: ignore[misc]  # peewee's stubs know delete() of rows only
            SavedView.id == request.form.get("id", type=int), SavedView.user == current_user.id
        ).execute()
        return redirect(url_for(f"{self.endpoint}.index_view"))

    def hidden_columns(self) -> list[str]:
        """Columns that the user does not want to see."""
        row = Setting.get_or_none(Setting.key == f"columns.{current_user.id}.{self.endpoint}")
        return list(row.value) if row else list(self.hidden_default)

    @page("/columns/", methods=("POST",))
    def choose_columns(self) -> Any:
        """Remember which columns are hidden."""
        known = {name for name, _ in self._list_columns}
        hidden = [name for name in request.form.getlist("hidden") if name in known]
        Setting.insert(key=f"columns.{current_user.id}.{self.endpoint}", value=hidden).on_conflict(
            conflict_target=[Setting.key], preserve=[Setting.value]
        ).execute()
        return "", 204

    # -- actions

    def bulk_menu(self) -> list[asking.MenuEntry]:
        """The actions menu for selected rows; empty for who may only look."""
        if not self.may_change():
            return []
        return [*(asking.menu(self.subject) if self.subject else ()), *self.own_actions]

    def page_menu(self) -> list[asking.MenuEntry]:
        """Actions beside the title."""
        if not self.may_change():
            return []
        found = (asking.find(name, ("account",)) for name in self.page_actions)
        return [asking.entry(cls) for cls in found if cls]

    def get_actions_list(self) -> tuple[list[Any], dict[Any, Any]]:
        """Flask-Admin's own lists stay empty: ours come from `bulk_menu`."""
        return [(entry.name, entry.label) for entry in self.bulk_menu()], {}

    def selected(self) -> list[int]:
        """Ids of a submitted selection; `scope=all` means all rows that the list's filters match.

        Raises:
            ConfigurationError: the list means other rows by now than those that the person saw.
        """
        if request.form.get("account", str(session.get("account") or "")) != str(session.get("account") or ""):
            raise ConfigurationError(
                "Another account was chosen in the top bar since this list was shown. Look at it again; nothing was done."
            )
        if request.form.get("scope") != "all":
            return numbers(request.form.getlist("rowid"))
        arguments = self._get_list_extra_args()
        _, query = self.get_list(0, None, None, arguments.search, arguments.filters, execute=False, page_size=0)
        key = self.model._meta.primary_key
        ids = [row[0] for row in query.select(key).order_by(key).tuples()]
        if request.form.get("expected", str(len(ids))) != str(len(ids)):
            raise ConfigurationError(
                f"{len(ids):,} rows match by now, not {request.form['expected']}. Look at them again; nothing was done."
            )
        return ids

    @page("/ask/")
    def ask_view(self) -> Any:
        """The dialog of an action that needs answers before it starts."""
        name = request.args.get("action", "")
        own = next((entry for entry in self.own_actions if entry.name == name), None)
        if not self.may_change():
            abort(403)
        if own:
            return self.own_question(own)
        cls = asking.find(name, {self.subject, "account"})
        if cls is None:
            abort(404)
        foreign = cls.subject != self.subject
        return self.render(
            "ui/ask.html",
            action=asking.entry(cls),
            questions=asking.questions(cls, () if foreign else numbers(request.args.getlist("rowid"))),
            rows=self.accounts() if foreign else None,
            return_url=self.return_url(),
            list_query=request.args.get("query", ""),
            rowid=self.asked_row(),
        )

    def asked_row(self) -> str:
        """The one row that a dialog was opened beside; empty for the selection of a list, which names its rows itself."""
        return "" if "query" in request.args else request.args.get("rowid", "")

    def accounts(self) -> list[tuple[int, str]]:
        """Accounts that an account action may be asked for."""
        from connector.store.models import Account

        return [(row.id, row.title) for row in Account.select(Account.id, Account.title).order_by(Account.title)]

    def own_question(self, entry: asking.MenuEntry) -> Any:
        """The dialog of one of the view's own actions; views with such actions override it."""
        del entry
        abort(404)

    def handle_action(self, return_view: str | None = None) -> Any:
        """Queue a registered action, or run one of our own."""
        del return_view
        name = request.form.get("action", "")
        cls = asking.find(name, {self.subject, "account"} if self.page_actions or self.subject else ())
        if cls is None and not any(entry.name == name for entry in self.own_actions):
            abort(400, "There is no such action here.")
        foreign = cls is not None and cls.subject != self.subject
        if foreign and name not in self.page_actions:
            abort(400, "There is no such action here.")
        ids = numbers(request.form.getlist("rowid")) if foreign else self.selected()
        if not ids:
            flash("Nothing was selected.", "warning")
        elif cls is not None:
            self._ask(cls, ids)
        else:
            return self.run_own(name, ids) or redirect(self.return_url())
        return redirect(self.return_url())

    def _ask(self, cls: Any, ids: Sequence[int]) -> None:
        lists = {key: request.form.getlist(key) for key in request.form}
        arguments = asking.answers(cls, request.form, lists)
        flash(asking.ask(cls, ids, arguments), "success")

    def run_own(self, name: str, ids: Sequence[int]) -> Any:
        """Run one of `own_actions` now; a response, or None to go back to the list."""
        raise AssertionError(f"{type(self).__name__} declares {name} for {len(ids)} rows but does not run it")

    # -- forms

    def form_title(self, model: Any) -> str:
        """Heading of the form."""
        return self.row_title(model) if model is not None else self.create_label

    def form_groups(self, form: Any) -> list[tuple[str, list[str]]]:
        """Fields by heading; all of them in one card unless a view says otherwise."""
        return [("", [field.name for field in form if getattr(field.widget, "input_type", "") != "hidden"])]

    def create_model(self, form: Any) -> Any:
        """The new row; an expected refusal goes to the page as a message."""
        return self._save(form, None)

    def update_model(self, form: Any, model: Any) -> bool:
        """True when saved."""
        return bool(self._save(form, model))

    def _save(self, form: Any, model: Any) -> Any:
        try:
            return self.save(form, model)
        except ConnectorError as error:
            form.form_errors.append(str(error))
            return None

    def save(self, form: Any, model: Any) -> Any:
        """Write a checked form to a row (None: a new one) and return it; views that edit override it."""
        raise AssertionError(f"{type(self).__name__} shows a form for {model!r} but does not save {form!r}")

    def row_title(self, model: Any) -> str:
        """What a row is called in headings and questions."""
        return str(getattr(model, "title", None) or getattr(model, "name", None) or f"{self.name} {model.id}")

    def delete_model(self, model: Any) -> bool:
        """Delete one row without its children; a row in use is kept and the page says by whom."""
        try:
            self.remove(model)
        except ConnectorError as error:
            flash(str(error), "error")
            return False
        return True

    def remove(self, model: Any) -> None:
        """Delete a row; views that delete override it with their protection."""
        raise AssertionError(f"{type(self).__name__} offers to delete {model!r} but does not")

    # -- export

    def get_export_value(self, model: Any, name: Any) -> Any:
        """Text without mark-up that no spreadsheet runs as a formula."""
        return safe_cell(super().get_export_value(model, name))


def safe_cell(value: Any) -> str:
    """A cell that a spreadsheet shows and never runs: text that starts like a formula gets an apostrophe in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.match(text) else text
