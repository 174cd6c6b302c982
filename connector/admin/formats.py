"""Values as people read them: badges, money, times, codes. Everything that is not ours is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import url_for
from markupsafe import Markup

from connector.admin.site import context
from connector.domain.listing import STATUS_LABELS
from connector.domain.money import from_minor, minor_units
from connector.plugins.api import actions

SYMBOLS = {"USD": "$", "GBP": "£", "EUR": "€", "JPY": "¥", "MXN": "MX$", "BRL": "R$"}
NOTHING = Markup('<span class="muted">–</span>')
DEFAULT = Markup('<span class="muted">default</span>')

LISTING_TONES = {
    "": ("neutral", "Not uploaded"),
    "DRAFT": ("neutral", "Draft"),
    "PENDING": ("info", "In review"),
    "FAILED": ("bad", "Rejected"),
    "ACTIVATE": ("ok", "Live"),
    "SELLER_DEACTIVATED": ("warn", "Inactive"),
    "PLATFORM_DEACTIVATED": ("bad", "Taken down"),
    "FREEZE": ("bad", "Frozen"),
    "DELETED": ("neutral", "Deleted"),
    "SCHEDULED": ("info", "Scheduled"),
}
VALIDATION_TONES = {
    "valid": ("ok", "Valid"),
    "invalid": ("bad", "Invalid"),
    "unchecked": ("neutral", "Not checked"),
}
QUEUE_TONES = {
    "queued": ("neutral", "Queued"),
    "waiting": ("info", "Waiting"),
    "running": ("info", "Running"),
    "unknown": ("warn", "Outcome unknown"),
    "confirmed": ("ok", "Done"),
    "rejected": ("bad", "Refused"),
    "dead": ("bad", "Gave up"),
    "cancelled": ("neutral", "Cancelled"),
}
ORDER_TONES = {
    "UNPAID": ("neutral", "Unpaid"),
    "ON_HOLD": ("neutral", "On hold"),
    "AWAITING_SHIPMENT": ("warn", "Awaiting shipment"),
    "PARTIALLY_SHIPPING": ("warn", "Partially shipping"),
    "AWAITING_COLLECTION": ("info", "Awaiting collection"),
    "IN_TRANSIT": ("info", "In transit"),
    "DELIVERED": ("ok", "Delivered"),
    "COMPLETED": ("ok", "Completed"),
    "CANCELLED": ("neutral", "Cancelled"),
}
CLAIM_TONES = {
    "": ("neutral", "Pending"),
    "reserved": ("neutral", "Reserved"),
    "claimed": ("info", "Being created"),
    "cart": ("info", "Being created"),
    "placing": ("info", "Being placed"),
    "placed": ("info", "Being corrected"),
    "corrected": ("info", "Being confirmed"),
    "confirmed": ("ok", "Imported"),
    "shipped": ("ok", "Shipped"),
    "failed": ("bad", "Failed"),
    "skipped": ("neutral", "Not wanted"),
    "cancelled": ("neutral", "Cancelled"),
}


def badge(tones: Mapping[str, tuple[str, str]], value: str, *, plain: bool = False) -> Markup:
    """A pill for a state; `plain` is the quiet form, for states that ask nothing of anybody."""
    tone, label = tones.get(value, ("neutral", words(value)))
    return Markup('<span class="status status-{}{}">{}</span>').format(tone, " status-plain" if plain else "", label)


def words(value: str) -> str:
    """`AWAITING_BUYER_SHIP` as “Awaiting buyer ship”."""
    return value.replace("_", " ").replace(".", " ").capitalize() or "–"


_CODE = re.compile(r"[A-Z][A-Z_]+\Z|[a-z]+(?:_[a-z]+){2,}\Z")


def plain(message: str) -> str:
    """A note for people: a marketplace state or reason alone, such as `AWAITING_COLLECTION`, becomes words."""
    return words(message) if _CODE.match(message) else message


def who(actor: str) -> str:
    """Whoever did something: a person as they are, an action by its label."""
    return f"{actions.get(actor).label} (by itself)" if actor in actions else actor


def listing_status(value: str) -> str:
    """The label of a marketplace product state."""
    return {str(status): label for status, label in STATUS_LABELS.items()}.get(value, words(value))


def yes_no(value: bool) -> Markup:
    """Yes in the quiet form, No muted."""
    return badge({"1": ("ok", "Yes"), "0": ("neutral", "No")}, "1" if value else "0", plain=True)


def amount(value: Decimal | None, currency: str) -> str:
    """`$1,234.50`, `1,234 ISK`; a dash for None."""
    if value is None:
        return "–"
    number = f"{abs(value):,.{minor_units(currency)}f}"
    sign = "−" if value < 0 else ""
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency}".strip()


def exact(value: Decimal, currency: str) -> str:
    """A step of a price: every digit that it has, and at least those of the currency."""
    digits = -int(value.normalize().as_tuple().exponent)
    return f"{value:,.{max(digits, minor_units(currency))}f}"


def minor(value: int | None, currency: str) -> str:
    """An amount in minor units."""
    return "–" if value is None else amount(from_minor(value, currency), currency)


def number(value: Decimal | int | None) -> str:
    """Grouped, without a decimal point where there is nothing behind it; a dash for None."""
    if value is None:
        return "–"
    return f"{int(value):,}" if value == int(value) else f"{value:,f}"


def ago(at: datetime | None, *, never: str = "never") -> Markup:
    """“7 min ago” with the exact time behind it; keeps walking in the browser."""
    if at is None:
        return Markup('<span class="muted">{}</span>').format(never)
    exact = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        exact.isoformat(), f"{exact:%Y-%m-%d %H:%M:%S} UTC", _distance((context().clock.now() - exact).total_seconds())
    )


def _distance(seconds: float) -> str:
    size = abs(seconds)
    if size < 45:
        return "just now" if seconds >= 0 else "in seconds"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if size >= length:
            count = int(size // length)
            return f"{count} {unit} ago" if seconds > 0 else f"in {count} {unit}"
    return "1 min ago" if seconds > 0 else "in 1 min"


def when(at: datetime | None) -> Markup:
    """Date and time in UTC."""
    if at is None:
        return NOTHING
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), f"{at:%d %b %Y %H:%M} UTC")


def code(text: str) -> Markup:
    """A SKU or an id."""
    return Markup("<code>{}</code>").format(text) if text else NOTHING


def link(url: str, text: str, *, strong: bool = False) -> Markup:
    """An anchor; `strong` for the name of a row."""
    return Markup('<a href="{}"{}>{}</a>').format(url, Markup(' class="strong"') if strong else "", text)


def reason(text: str, title: str = "") -> Markup:
    """A short line under a badge, cut by the style sheet, whole in the title."""
    return Markup('<span class="why" title="{}">{}</span>').format(title or text, text) if text else Markup()


def issues_title(issues: Iterable[Mapping[str, Any]]) -> str:
    """All reasons, one a line: what, which rule and line, which request."""
    return "\n".join(issue_line(issue) for issue in issues)


def issue_line(issue: Mapping[str, Any]) -> str:
    """One reason with where it comes from."""
    origin = ""
    if issue.get("rule"):
        line = f", line {issue['line']}" if issue.get("line") else ""
        origin = f" (rule “{issue['rule']}”{line})"
    request_id = f" [request {issue['request_id']}]" if issue.get("request_id") else ""
    return f"{issue.get('message', '')}{origin}{request_id}"


def thumb(product_id: int, name: str, *, has_image: bool) -> Markup:
    """The small picture of a product, or a quiet stand-in."""
    if not has_image:
        return Markup('<span class="thumb thumb-none" aria-hidden="true">{}</span>').format(name[:1].upper() or "?")
    return Markup('<img class="thumb" src="{}" alt="" width="36" height="36" loading="lazy">').format(
        url_for("pictures.thumbnail", product_id=product_id)
    )


def mask_name(name: str) -> str:
    """`Ada Lovelace` as `A•• L•••••••`: who may only look sees no buyer."""
    return " ".join(part[:1] + "•" * min(len(part) - 1, 7) for part in name.split())


def mask(text: str) -> str:
    """Nothing of the text but that there is one."""
    return "•••" if text else ""
