"""Pictures: fetched from the store, decoded and encoded anew, and sent to the marketplace once."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from connector.domain.listing import Draft, Pictures
from connector.errors import RejectedError
from connector.services import uploads
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, ImageAsset, ImageSource

MAIN, VARIANT, SIZE_CHART = "MAIN_IMAGE", "ATTRIBUTE_IMAGE", "SIZE_CHART_IMAGE"

LIMITS = {MAIN: (300, 4000), VARIANT: (100, 4000), SIZE_CHART: (1024, 4000)}
"""Pixels of the shorter and the longer side (202309 Upload Product Image)."""

MOST_ENLARGED = 2
"""A picture that is too small is enlarged by this factor at most: more would be a blur."""

MOST_PIXELS = 60_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
UNREADABLE = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises for bytes that are no picture, or a damaged one."""


def uris(ctx: Context, account: Account, draft: Draft, *, anew: bool = False) -> Pictures:
    """The marketplace's uri of every picture of a draft; one that cannot be used is left out and named.

    `anew` sends them again although the marketplace is thought to hold them.

    Raises:
        RejectedError: no picture of the product itself can be used, or its size chart cannot; the text says why.
    """
    wanted = _wanted(draft)
    if anew:
        _forget(account, list(wanted))
    found: dict[str, str] = {}
    skipped: list[str] = []
    for source, use_case in wanted.items():
        try:
            found[source] = _uri(ctx, account, source, use_case)
        except RejectedError as error:
            if use_case == SIZE_CHART:
                raise
            skipped.append(str(error))
    if not any(source in found for source in draft.images):
        raise RejectedError("No picture of the product can be used. " + " ".join(skipped), system="magento")
    return Pictures(found, tuple(skipped))


def _wanted(draft: Draft) -> dict[str, str]:
    """Source → what it is used for."""
    wanted = dict.fromkeys(draft.images, MAIN)
    for sku in draft.skus:
        for attribute in sku.sales_attributes:
            if attribute.image:
                wanted.setdefault(attribute.image, VARIANT)
    if draft.size_chart:
        wanted[draft.size_chart] = SIZE_CHART
    return wanted


def _forget(account: Account, sources: list[str]) -> None:
    """Pictures that the marketplace turned out not to hold any more."""
    known = ImageSource.select(ImageSource.sha256).where(ImageSource.source.in_(sources))
    with transaction():
        ImageAsset.delete().where(ImageAsset.account == account.id, ImageAsset.sha256.in_(known)).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only


def _uri(ctx: Context, account: Account, source: str, use_case: str) -> str:
    """The uri of one picture: known by the digest of its bytes, else uploaded."""
    known = ImageSource.get_or_none(ImageSource.source == source)
    asset = known and _asset(account, known.sha256, use_case)
    if asset:
        return str(asset.uri)
    data = uploads.picture(source) or ctx.remotes.catalog(account.store).image(source)
    sha256 = hashlib.sha256(data).hexdigest()
    now = ctx.clock.now()
    with transaction():
        ImageSource.insert(source=source, sha256=sha256, fetched_at=now).on_conflict(
            conflict_target=[ImageSource.source], preserve=[ImageSource.sha256, ImageSource.fetched_at]
        ).execute()
    asset = _asset(account, sha256, use_case)
    if asset:
        return str(asset.uri)
    uploaded = ctx.remotes.shop(account).upload_image(jpeg(data, source, use_case), use_case)
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


def jpeg(data: bytes, source: str, use_case: str = MAIN) -> bytes:
    """The picture as a JPEG of a size that the marketplace takes for this use, upright and on white.

    Raises:
        RejectedError: it cannot be read as a picture, or it is too small or too large.
    """
    picture = _fitted(_decoded(data, source), source, use_case)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def _decoded(data: bytes, source: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=FORMATS)
        size = opened.size
        picture = None if size[0] * size[1] > MOST_PIXELS else _on_white(ImageOps.exif_transpose(opened))
    except UNREADABLE as error:
        text = f"{source} is no picture that can be read (JPEG, PNG, WEBP, GIF, BMP or TIFF): replace it in Magento."
        raise RejectedError(text, system="magento") from error
    if picture is None:
        text = (
            f"The picture {source} has {size[0]} × {size[1]} pixels, too many to work with: make it smaller in Magento."
        )
        raise RejectedError(text, system="magento")
    return picture


def _on_white(picture: Image.Image) -> Image.Image:
    """Without transparency, which would turn black in a JPEG."""
    if picture.mode not in {"RGBA", "LA", "PA"} and "transparency" not in picture.info:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")


def _fitted(picture: Image.Image, source: str, use_case: str) -> Image.Image:
    shortest, longest = LIMITS[use_case]
    picture.thumbnail((longest, longest))
    if use_case != SIZE_CHART and not 3 * picture.height <= 4 * picture.width <= 16 * picture.height / 3:
        picture = _squared(picture)
    shorter = min(picture.size)
    if shorter >= shortest:
        return picture
    if shorter * MOST_ENLARGED < shortest:
        text = (
            f"The picture {source} has {picture.width} × {picture.height} pixels; TikTok Shop wants at least {shortest} a "
            "side: replace it in Magento with a larger one."
        )
        raise RejectedError(text, system="magento")
    factor = shortest / shorter
    size = tuple(min(max(round(side * factor), shortest), longest) for side in picture.size)
    return picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)


def _squared(picture: Image.Image) -> Image.Image:
    """In the middle of a white square: the marketplace does the same to what is not between 3:4 and 4:3."""
    side = max(picture.size)
    square = Image.new("RGB", (side, side), "white")
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square
