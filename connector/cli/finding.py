"""What the doctor says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`check` names the thing, `found` what there is. `advice` is empty when nothing needs doing."""

    check: str
    ok: bool
    found: str
    advice: str = ""
