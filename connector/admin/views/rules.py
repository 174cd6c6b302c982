"""Rules: the editor of the rule files, their versions, and what a change would do."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for

from connector.admin import refresh
from connector.admin.base import Guarded, page
from connector.admin.rule_text import diagnostics, matched_json
from connector.admin.site import actor, context, style_nonce
from connector.errors import ConfigurationError, RuleError
from connector.rules.difference import differences
from connector.rules.metadata import BUILT_IN
from connector.services import assignment, rule_preview, rulesets
from connector.services.assigning import Step
from connector.store.models import Account, ListingTemplate, MagentoStore, RuleSetVersion

WORDS = (
    "segment", "assign", "on account", "priority", "where", "price", "when", "then", "otherwise", "round up to", "round down to",
    "round nearest to", "ending", "at least", "at most", "test", "given", "variant", "expect", "fails", "and", "or", "not", "between",
    "contains", "starts with", "ends with", "like", "has any of", "has all of", "any variant", "every variant", "is empty", "is not empty",
    "under", "days since", "today",
)  # fmt: skip
MOST = 40
NAME = 80


class RuleView(Guarded):
    """Text in, verdict out, nothing applied before it was previewed."""

    change_role = "admin"
    open_changes = frozenset({"check_view", "match_view", "preview_view"})

    @page("/")
    def index(self) -> Any:
        """The editor with one file of the set."""
        files = rulesets.working_files()
        name = request.args.get("file", "")
        if name not in files:
            name = next(iter(sorted(files)), "rules.rules")
        active = RuleSetVersion.get_or_none(RuleSetVersion.active)
        return self.render(
            "ui/rules.html",
            files=files or {name: ""},
            name=name,
            active=active,
            nonce=style_nonce(),
            stores=_stores(),
            assigning=_assigning(),
        )

    @page("/check", methods=("POST",))
    def check_view(self) -> Any:
        """Every problem of the set; those of the open file with their places."""
        files, name = _posted_files()
        checked = rulesets.check(files, None)
        problems = [*checked.problems, *(rule_preview.text_warnings(checked.rules) if checked.rules else ())]
        here = [p for p in problems if p.file == name]
        elsewhere = [p for p in problems if p.file != name]
        errors = sum(p.severity.value == "error" for p in checked.problems)
        failed = [t for t in checked.tests if not t.passed]
        elsewhere_json = [{"file": p.file, "line": p.line, "message": p.message} for p in elsewhere]
        elsewhere_json += [
            {"file": t.file, "line": t.line, "message": f"the test “{t.name}” fails: {t.failures[0][1]}"}
            for t in failed
        ]
        return jsonify(
            problems=diagnostics(files[name], here),
            elsewhere=elsewhere_json,
            errors=errors + len(failed),
            version=checked.version_sha,
        )

    @page("/match", methods=("POST",))
    def match_view(self) -> Any:
        """How many products of a store fit a condition of the open file, segments of the whole set included."""
        store = (
            MagentoStore.get_or_none(MagentoStore.id == request.form.get("store", type=int))
            or MagentoStore.select().first()
        )
        if store is None:
            raise ConfigurationError("Products are counted once a Magento store is connected.")
        text = request.form.get("condition", "")
        files = _posted_files()[0] if "@" in text else None
        return jsonify(matched_json(text, store, rulesets.match_condition(store, text, limit=6, files=files)))

    @page("/complete")
    def complete_view(self) -> Any:
        """Fields, labels, categories, templates and words that begin like what is written."""
        return jsonify(completions(request.args.get("q", "")))

    @page("/save", methods=("POST",))
    def save_view(self) -> Any:
        """Save the set as a new version and make it active; a set with errors changes nothing."""
        files, name = _posted_files()
        rulesets.save_and_activate(context(), files, actor(), request.form.get("note", "").strip()[:500])
        refresh.assign()
        flash("The new version is active.", "success")
        return redirect(url_for("rules.index", file=name))

    @page("/preview", methods=("POST",))
    def preview_view(self) -> Any:
        """What activating the set would do, before anything is applied; a set with errors says what is wrong."""
        files, name = _posted_files()
        active = RuleSetVersion.get_or_none(RuleSetVersion.active)
        shown = {"name": name, "text": files.get(name, ""), "active": active}
        try:
            found = rule_preview.of_stores(files, context().clock.now())
            changes = differences(dict(active.files) if active else {}, files)
        except RuleError as error:
            return self.render("ui/rule_preview.html", problems=error.problems, stores=(), changes=(), **shown)
        return self.render("ui/rule_preview.html", problems=(), stores=found, changes=changes, **shown)

    @page("/versions/compare")
    def compare(self) -> Any:
        """What two versions say differently."""
        old, new = (
            RuleSetVersion.get_or_none(RuleSetVersion.number == request.args.get(each, type=int))
            for each in ("old", "new")
        )
        if old is None or new is None:
            abort(404)
        return self.render("ui/rule_diff.html", old=old, new=new, changes=differences(old.files, new.files))

    @page("/versions/")
    def versions(self) -> Any:
        """All versions, newest first."""
        rows = list(RuleSetVersion.select().order_by(RuleSetVersion.number.desc()).limit(200))
        shown = RuleSetVersion.get_or_none(RuleSetVersion.number == request.args.get("number", type=int))
        active = next((row for row in rows if row.active), None)
        return self.render("ui/rule_versions.html", rows=rows, shown=shown, active=active)

    @page("/versions/restore", methods=("POST",))
    def restore(self) -> Any:
        """Make an earlier version's text the active one, as a new version."""
        row = RuleSetVersion.get_or_none(RuleSetVersion.number == request.form.get("number", type=int))
        if row is None:
            abort(404)
        rulesets.save_and_activate(context(), row.files, actor(), f"back to version {row.number}")
        refresh.assign()
        flash(f"Version {row.number} is active again.", "success")
        return redirect(url_for("rules.versions"))


def _stores() -> list[tuple[int, str]]:
    return [(s.id, s.title) for s in MagentoStore.select(MagentoStore.id, MagentoStore.title).order_by(MagentoStore.id)]


def _assigning() -> list[tuple[str, Step]]:
    """Stores whose products are being assigned, and how far that is."""
    found = [(store.title, assignment.progress(store)) for store in MagentoStore.select()]
    return [(title, step) for title, step in found if step is not None and not step.finished]


def _posted_files() -> tuple[dict[str, str], str]:
    """The working set with the editor's text in the place of its file."""
    name = request.form.get("file", "").strip()
    if not name or len(name) > NAME or "/" in name or not name.endswith(".rules"):
        abort(400, "A rule file has a short name that ends in .rules.")
    files = dict(rulesets.working_files())
    text = request.form.get("text", "").replace("\r\n", "\n")
    if not text.strip() and name in files and request.form.get("remove") == "1":
        files.pop(name)
    else:
        files[name] = text
    return files, name


def completions(word: str) -> list[dict[str, str]]:
    """At most forty; text in quotes completes to labels, categories and templates."""
    if word.startswith('"'):
        begin = word[1:].casefold()
        found = {f'"{text}"': kind for text, kind in _texts() if begin in text.casefold()}
        return [{"label": label, "type": "text", "detail": kind} for label, kind in list(found.items())[:MOST]]
    begin = word.casefold()
    fields = {info.name: info.type.value for info in BUILT_IN.values()}
    for store in MagentoStore.select(MagentoStore.attributes):
        for attribute in store.attributes or ():
            fields.setdefault(attribute["attribute_code"], attribute.get("default_frontend_label") or "attribute")
    found = {name: detail for name, detail in sorted(fields.items()) if name.casefold().startswith(begin)}
    found |= {w: "word" for w in WORDS if w.startswith(begin)}
    return [{"label": label, "type": "property", "detail": detail} for label, detail in list(found.items())[:MOST]]


def _texts() -> list[tuple[str, str]]:
    texts = [(row.name, "template") for row in ListingTemplate.select(ListingTemplate.name)]
    texts += [(row.title, "account") for row in Account.select(Account.title)]
    for store in MagentoStore.select(MagentoStore.attributes, MagentoStore.categories):
        texts += [(path, "category") for path in _paths(store.categories or {})]
        for attribute in store.attributes or ():
            kind = attribute["attribute_code"]
            texts += [(o["label"], kind) for o in attribute.get("options") or () if (o.get("label") or "").strip()]
    return texts


def _paths(node: Any, above: str = "", depth: int = 0) -> list[str]:
    """Category paths below the store's root categories: the invisible root and they have no part in a path."""
    name = str(node.get("name", "")).replace("/", "\\/")
    path = "" if depth < 2 else f"{above}/{name}" if above else name
    found = [path] if path else []
    for child in node.get("children_data") or ():
        found += _paths(child, path, depth + 1)
    return found
