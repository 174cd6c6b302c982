"""Opens the admin's pages where a package of somebody else is installed, and prints what stands in them as JSON.

A process of its own (`python -m tests.plugins.pages FOLDER DATABASE`), because entry points are read once in a process.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from connector.store.database import database
from connector.store.models import Policy, QueueItem
from tests.admin import world
from tests.admin.conftest import log_in, post


def main(folder: Path, database_url: str) -> None:
    """What the pages show before and after the package's policy and action are used."""
    app = world.make_app(database_url, folder)
    with database.connection_context():
        world.add_users()
        world.seed(3)
        now = datetime.now(UTC)
        Policy.create(title="Orphan", type="broken_gift", settings={}, created_at=now, updated_at=now)
        browser = app.test_client()
        log_in(browser, "admin")
        seen = {
            "types": browser.get("/admin/policies/").text,
            "form": browser.get("/admin/policies/new/?type=acme_gift").text,
            "menu": browser.get("/admin/products/").text,
        }
        post(browser, "/admin/policies/new/?type=acme_gift", {"title": "Wrapped in gold", "paper": "gold"})
        post(browser, "/admin/products/action/", {"action": "acme_wrap", "rowid": "1"})
        seen["queue"] = browser.get("/admin/queue/").text
        saved = Policy.get_or_none(Policy.type == "acme_gift")
        asked = [(item.kind, item.state) for item in QueueItem.select()]
        sys.stdout.write(json.dumps({**seen, "saved": saved and saved.settings, "asked": asked}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
