"""Pictures: fetched from the store, decoded and encoded anew, and sent to the marketplace once."""

from __future__ import annotations

import hashlib
import io

from PIL import Image, UnidentifiedImageError

from connector.domain.listing import Draft
from connector.errors import RejectedError
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, ImageAsset, ImageSource

SMALLEST, LARGEST = 300, 4000
"""Pixels a side of a main image (202309 Upload Product Image)."""

MOST_PIXELS = 60_000_000


def uris(ctx: Context, account: Account, draft: Draft) -> dict[str, str]:
    """Source address → the marketplace's uri for every picture of a draft.

    Raises:
        RejectedError: a picture is missing, too small or no picture; the text names it.
    """
    wanted = dict.fromkeys(draft.images, "MAIN_IMAGE")
    for sku in draft.skus:
        for attribute in sku.sales_attributes:
            if attribute.image:
                wanted.setdefault(attribute.image, "ATTRIBUTE_IMAGE")
    if draft.size_chart:
        wanted[draft.size_chart] = "SIZE_CHART_IMAGE"
    return {source: _uri(ctx, account, source, use_case) for source, use_case in wanted.items()}


def _uri(ctx: Context, account: Account, source: str, use_case: str) -> str:
    """The uri of one picture: known by the digest of its bytes, else uploaded."""
    known = ImageSource.get_or_none(ImageSource.source == source)
    asset = known and _asset(account, known.sha256, use_case)
    if asset:
        return str(asset.uri)
    data = ctx.remotes.catalog(account.store).image(source)
    sha256 = hashlib.sha256(data).hexdigest()
    now = ctx.clock.now()
    with transaction():
        ImageSource.insert(source=source, sha256=sha256, fetched_at=now).on_conflict(
            conflict_target=[ImageSource.source], preserve=[ImageSource.sha256, ImageSource.fetched_at]
        ).execute()
    asset = _asset(account, sha256, use_case)
    if asset:
        return str(asset.uri)
    uploaded = ctx.remotes.shop(account).upload_image(jpeg(data, source), use_case)
    with transaction():
        ImageAsset.insert(
            account=account, sha256=sha256, use_case=use_case, uri=uploaded.uri, uploaded_at=now
        ).on_conflict_ignore().execute()
    return uploaded.uri


def _asset(account: Account, sha256: str, use_case: str) -> ImageAsset | None:
    found: ImageAsset | None = ImageAsset.get_or_none(
        ImageAsset.account == account, ImageAsset.sha256 == sha256, ImageAsset.use_case == use_case
    )
    return found


def jpeg(data: bytes, source: str) -> bytes:
    """The picture as a JPEG of a size that the marketplace takes.

    Raises:
        RejectedError: it cannot be read as a picture, or it is too small.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise RejectedError(
                    f"The picture {source} is too large: {opened.width} × {opened.height}.", system="magento"
                )
            picture = opened.convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise RejectedError(f"{source} is not a picture that can be read.", system="magento") from error
    if min(picture.size) < SMALLEST:
        raise RejectedError(
            f"The picture {source} has {picture.width} × {picture.height} pixels; TikTok Shop wants at least {SMALLEST} a side.",
            system="magento",
        )
    picture.thumbnail((LARGEST, LARGEST))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()
