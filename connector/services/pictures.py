"""Which of its pictures a product shows, and which of its variants' stand at what buyers choose. Pure, as the draft is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from connector.plugins.policies.image import ImagePolicy

if TYPE_CHECKING:
    from connector.services.drafting import Market, Part

Pictures = Mapping[tuple[str, str], str]
"""(store attribute's code, value) → address of the picture that stands at it."""

COLOURS = frozenset({"color", "colour"})
"""Codes of attributes whose values are seen: Magento's own, and how else it is spelt."""


def of_product(lead: Part, sold: Sequence[Part], policy: ImagePolicy, market: Market) -> tuple[str, ...]:
    """Addresses of the product's pictures; those of its first variants where it has none of its own."""
    files = policy.files(lead.snapshot)
    if not files or files == (policy.default_image,):
        own = [file for part in sold for file in policy.files(part.snapshot) if file != policy.default_image]
        files = tuple(dict.fromkeys(own))[: 1 + policy.gallery_images] or files
    return tuple(address(file, market.media_url) for file in files)


def address(file: str, media_url: str) -> str:
    """The full address of a gallery path; an address stays as it is."""
    if file.startswith(("http://", "https://")):
        return file
    return f"{media_url.rstrip('/')}/catalog/product/{file.lstrip('/')}"


def choice(part: Part, code: str) -> str:
    """What a variant is of an attribute, as people read it; empty when it says nothing."""
    label = part.values.get(code)
    return str(label) if label is not None else ""


def of_values(lead: Part, sold: Sequence[Part], policy: ImagePolicy, market: Market) -> Pictures:
    """The variants' pictures at the values of one attribute, which is all that the marketplace takes (202309 Create Product).

    It is the attribute whose values tell the pictures apart: each value has one. Where several do, or none does, the
    colour goes before others, then what has the most pictures, then what comes first in Magento.
    """
    if not policy.variant_images:
        return {}
    first = [policy.files(part.snapshot)[:1] for part in sold]
    best, best_rank = {}, (False, False, 0)
    for attribute_id in lead.snapshot.variant_attribute_ids:
        code = market.codes.get(attribute_id, "")
        files: dict[str, list[str]] = {}
        for part, file in zip(sold, first, strict=True):
            files.setdefault(choice(part, code), []).extend(file)
        own = {value: [file for file in some if file != policy.default_image] for value, some in files.items()}
        shown = {value: (own[value] or some)[0] for value, some in files.items() if some}
        decides = all(len(set(some)) <= 1 for some in own.values())
        rank = (decides, code.casefold() in COLOURS, len(set(shown.values())))
        if shown and rank > best_rank:
            best, best_rank = {(code, value): address(file, market.media_url) for value, file in shown.items()}, rank
    return best
