"""The recorded answers of a real Magento 2.4.7 are the answers of the sandbox.

All recordings run in their order against one shop that starts as a fresh installation, over HTTP. `DIFFERENT` names those whose
answers differ, each with the reason; one that does not differ (any more) fails the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.sandbox.magento import config, install
from connector.sandbox.magento.database import transaction
from tests.conftest import ROOT
from tests.sandbox.magento_replay import Recording, Replay, read_recordings
from tests.sandbox.magento_shop import Shop, running_shop
from tests.sandbox.magento_unrecorded import STEPS

FOLDER = ROOT.parent / "shared" / "data" / "magento" / "recordings"
RECORDINGS = read_recordings(FOLDER) if FOLDER.is_dir() else []
NO_DATABASE_SERVER = (
    "the sandbox has no database or PHP server of its own that could be down; see `POST /_sandbox/faults`"
)
DIFFERENT: dict[str, str] = {
    "514-outage-php-down": NO_DATABASE_SERVER,
    "515-outage-database-down": NO_DATABASE_SERVER,
    "516-outage-database-down-write": NO_DATABASE_SERVER,
}


def prepare(shop: Shop) -> dict[str, str]:
    """The settings under which the recordings were made; returns what stands for their placeholders."""
    with transaction(shop.db) as db:
        install.add_store(db, "de", "German")
        install.add_website(db, "b2b", "B2B Website", "b2b_en", "B2B EN", ("B2B Store", "b2b_group"))
        for path, value in {
            "sandbox/shuffle": "0",
            "sandbox/oauth_path": "decoded",
            "sandbox/oauth_port": "dropped",
            "twofactorauth/general/enable": "0",
            "sandbox/consumer": "off",
        }.items():
            config.write(db, path, value)
    shop.options(place_prepare_ms=0, place_save_ms=0, place_mail_ms=40)
    keys = shop.db.execute("SELECT * FROM integration ORDER BY integration_id").fetchall()
    return {
        "CONNECTOR_ACCESS_TOKEN": keys[0]["access_token"],
        "CONNECTOR_TOKEN_SECRET": keys[0]["access_token_secret"],
        "CONNECTOR_CONSUMER_KEY": keys[0]["consumer_key"],
        "CONNECTOR_CONSUMER_SECRET": keys[0]["consumer_secret"],
        "LIMITED_ACCESS_TOKEN": keys[1]["access_token"],
        "ADMIN_PASSWORD": "Admin-password1",
        "CUSTOMER_PASSWORD": "Customer-password1",
    }


def replay_all(shop: Shop) -> dict[str, list[str]]:
    """Differences by recording."""
    replay = Replay(shop, prepare(shop))
    by_number = {one.number: one for one in RECORDINGS}
    found = {}
    for recording in RECORDINGS:
        try:
            for step in STEPS.get(recording.number, ()):
                step(replay, by_number)
            status, body = replay.send(recording)
        except Exception as error:  # noqa: BLE001  # a broken step belongs to its recording, the others go on
            found[recording.name] = [f"{type(error).__name__}: {error}"]
            continue
        wrong = (
            []
            if status == recording.status
            else [f"status {status} instead of {recording.status}: {json.dumps(body)[:300]}"]
        )
        found[recording.name] = wrong or replay.differences(recording.body, body)
        remember(replay, recording, body)
    return found


def remember(replay: Replay, recording: Recording, body: object) -> None:
    """Keeps the admin's token, which later recordings use."""
    if recording.name.endswith("admin-token") and isinstance(body, str):
        replay.secrets["ADMIN_OR_CUSTOMER_JWT"] = body


@pytest.fixture(scope="module")
def differences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    folder: Path = tmp_path_factory.mktemp("replay")
    with running_shop(folder) as shop:
        yield replay_all(shop)


@pytest.mark.skipif(not RECORDINGS, reason="the recordings are in ../shared, which is not beside the project")
@pytest.mark.parametrize("name", [one.name for one in RECORDINGS])
def test_the_sandbox_answers_as_the_shop_did(name: str, differences: dict[str, list[str]]) -> None:
    wrong = differences[name]
    if name in DIFFERENT:
        assert wrong, f"{name} is the same by now: take it out of the table ({DIFFERENT[name]})"
    else:
        assert not wrong, "\n".join(wrong[:20])


@pytest.mark.skipif(not RECORDINGS, reason="the recordings are in ../shared, which is not beside the project")
def test_the_table_names_recordings_only() -> None:
    assert DIFFERENT.keys() <= {one.name for one in RECORDINGS}
