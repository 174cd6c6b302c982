"""Pictures that people upload: kept in the database under the digest of their bytes, so that every process has them."""

from __future__ import annotations

import base64
import hashlib
import re

from connector.store.models import Setting

_NAME = re.compile(r"(?:\A|/)upload:([0-9a-f]{64})\.jpg\Z")


def keep(jpeg: bytes) -> str:
    """The name under which the picture is kept, such as `upload:….jpg`; the same bytes have the same name."""
    digest = hashlib.sha256(jpeg).hexdigest()
    value = base64.b64encode(jpeg).decode("ascii")
    Setting.insert(key=f"picture.{digest}", value=value).on_conflict_ignore().execute()
    return f"upload:{digest}.jpg"


def picture(source: str) -> bytes | None:
    """The bytes of the upload that a name or an address ends with; None for any other address."""
    found = _NAME.search(source)
    row = Setting.get_or_none(Setting.key == f"picture.{found[1]}") if found else None
    return base64.b64decode(row.value) if row else None
