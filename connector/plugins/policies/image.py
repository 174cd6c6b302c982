"""Which pictures of a product the marketplace gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from connector.domain.issue import Issue
from connector.domain.product import ProductSnapshot
from connector.plugins.api import Policy, policies, setting

MAX_IMAGES = 9
"""TikTok Shop 202309 Create Product: `main_images` holds 1 to 9."""


@policies.register
@dataclass(frozen=True, slots=True)
class ImagePolicy(Policy):
    """Main picture, gallery and a stand-in for products that have none."""

    identifier: ClassVar[str] = "image"
    label: ClassVar[str] = "Image"

    main_image: str = setting(
        "image", "Main image", "The Magento image role or attribute that comes first.", choices="image_attributes"
    )
    default_image: str = setting(
        "",
        "Default image URL",
        "Used when a product has no picture: the address of a JPG or PNG below the store's media address, or a file of yours.",
        choices="pictures",
    )
    gallery_images: int = setting(8, "Gallery images", "At most this many pictures beside the main one (0 to 8).")
    variant_images: bool = setting(True, "Pictures of variants", "Show a variant's own picture at its colour.")

    def problems(self) -> list[Issue]:
        """The gallery has to fit the marketplace, and the stand-in has to be an address."""
        found = []
        if not 0 <= self.gallery_images <= MAX_IMAGES - 1:
            found.append(
                Issue(
                    "image.gallery_images",
                    "gallery_images",
                    f"Gallery images: write a number from 0 to {MAX_IMAGES - 1}.",
                )
            )
        if self.default_image and not self.default_image.startswith(("https://", "http://", "/", "upload:")):
            found.append(
                Issue(
                    "image.default_image",
                    "default_image",
                    "Default image URL: write an address that starts with https://.",
                )
            )
        return found

    def files(self, product: ProductSnapshot) -> tuple[str, ...]:
        """Gallery paths (or the stand-in's address) in the order to show them, without repetition."""
        chosen = product.attribute(self.main_image) if self.main_image != "image" else None
        role = next((image.file for image in product.images if self.main_image in image.types), None)
        first = chosen if chosen and chosen != "no_selection" else role
        files = [file for file in (first, *(image.file for image in product.images)) if file]
        unique = tuple(dict.fromkeys(map(str, files)))[: 1 + self.gallery_images]
        return unique or ((self.default_image,) if self.default_image else ())
