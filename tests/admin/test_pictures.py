"""Thumbnails: fetched once from the store of the installation that shows them, and again when they are old."""

from __future__ import annotations

import io
import os
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from PIL import Image

from connector.admin.views import pictures
from connector.services.context import Context
from connector.store.models import Product


@dataclass
class Store:
    """A store's catalogue that gives one colour for every file, and counts what it is asked for."""

    colour: str = "red"
    asked: list[str] = field(default_factory=list)

    def catalog(self, _store: object) -> SimpleNamespace:
        return SimpleNamespace(image=self._image)

    def _image(self, file: str) -> bytes:
        self.asked.append(file)
        out = io.BytesIO()
        Image.new("RGB", (400, 300), self.colour).save(out, "JPEG")
        return out.getvalue()


@pytest.fixture
def store(app) -> Store:
    Product.update(image="/a/b.jpg").where(Product.id == 1).execute()
    found, ctx = Store(), app.extensions["connector.admin"]
    app.extensions["connector.admin"] = Context(found, ctx.clock, ctx.queue)  # type: ignore[arg-type]  # one call
    return found


def colour(client) -> tuple[int, ...]:
    answer = client("viewer").get("/admin/pictures/1.jpg")
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert max(picture.size) == pictures.SIDE
        return picture.getpixel((5, 5))


def test_a_picture_is_asked_for_once_until_it_is_old(app, client, store):
    assert colour(client)[0] > 200
    assert colour(client)[0] > 200
    assert store.asked == ["/a/b.jpg"]

    (kept,) = os.scandir(app.config["CONNECTOR_PICTURES"])
    old = time.time() - pictures.KEPT - 1
    os.utime(kept.path, (old, old))
    store.colour = "blue"
    assert colour(client)[2] > 200


def test_two_installations_never_show_each_others_pictures(app, client, store, tmp_path):
    """The same file name in the same store's row; another folder, and another store."""
    assert colour(client)[0] > 200
    store.colour = "blue"
    app.config["CONNECTOR_PICTURES"] = tmp_path / "other"
    assert colour(client)[2] > 200
