"""Brands of the marketplace by name: what people know, for templates that keep a number."""

from __future__ import annotations

import re

from connector.domain.shop import Brand
from connector.errors import ConfigurationError, ConnectorError
from connector.services.context import Context
from connector.store.models import Account

OFFERED = 20
"""Brands that a search offers: whoever sees none of theirs writes more of the name."""

SHORTEST = 2
"""Letters from which on the marketplace is asked."""

_CHOSEN = re.compile(r"(?P<name>.*?)\s*\[(?P<id>\d+)\]\s*\Z", re.DOTALL)


def label(name: str, brand_id: str) -> str:
    """What a box shows: the name, and the id that counts; the id alone where nobody knows the name."""
    return f"{name} [{brand_id}]" if name and brand_id else brand_id


def search(ctx: Context, account: Account, text: str, category_id: str = "") -> list[Brand]:
    """The first brands that this shop may use and whose name starts with the text; none for a single letter.

    Raises:
        ConnectorError: the marketplace does not answer, or refuses.
    """
    if len(text) < SHORTEST:
        return []
    found = ctx.remotes.shop(account).brands(text, category_id, most=100)
    return [brand for brand in found if brand.usable][:OFFERED]


def understand(ctx: Context, account: Account, text: str, category_id: str, known: tuple[str, str]) -> tuple[str, str]:
    """(id, name) of what a person wrote: `Name [id]` as offered, an id, or a name that the marketplace knows.

    `known` is what was there before: it, and an id, are taken without asking.

    Raises:
        ConfigurationError: no such brand, one that this shop may not use, or nobody to ask.
    """
    text = text.strip()
    if text in {"", label(*reversed(known)), known[0]}:
        return known if text else ("", "")
    if text.isascii() and text.isdigit():
        return text, ""
    chosen = _CHOSEN.match(text)
    name = chosen["name"] if chosen else text
    try:
        found = ctx.remotes.shop(account).brands(name, category_id)
    except ConnectorError as error:
        raise ConfigurationError(
            f"TikTok Shop could not be asked ({error}). Write the brand's number instead."
        ) from error
    return _picked(found, name, chosen["id"] if chosen else "")


def _picked(found: list[Brand], name: str, brand_id: str) -> tuple[str, str]:
    same = [b for b in found if (b.id == brand_id if brand_id else b.name.casefold() == name.casefold())]
    usable = [brand for brand in same if brand.usable]
    if usable:
        return usable[0].id, usable[0].name
    if same:
        raise ConfigurationError(
            f"TikTok Shop does not let this shop sell “{same[0].name}”: ask for the brand in Seller Center."
        )
    raise ConfigurationError(f"TikTok Shop knows no brand “{name}”. Write its beginning and choose from the list.")
