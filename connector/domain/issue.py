"""A reason why something cannot go on, as a merchant reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Issue:
    """One expected refusal or warning about a product, policy or order.

    `code` is stable and dotted ("draft.no_image", "tiktok.12052104"); `field` names what to change in the words of the
    screen; `message` says what is wrong and what to do. `rule` and `line` name the rule text that decided, `request_id`
    the marketplace call that refused.
    """

    code: str
    field: str
    message: str
    severity: str = "error"
    rule: str = ""
    line: int = 0
    request_id: str = ""

    @property
    def blocks(self) -> bool:
        """True for an error; a warning does not hold anything back."""
        return self.severity == "error"

    @property
    def remote(self) -> bool:
        """True when the marketplace, or the store while pictures were read, said so, and not a check of ours."""
        return self.code.startswith(("tiktok.", "magento."))


def blocking(issues: Iterable[Issue]) -> list[Issue]:
    """The issues that hold something back, in their order."""
    return [issue for issue in issues if issue.blocks]
