"""Our tables go, on both databases; what others keep beside them stays."""

from __future__ import annotations

from connector.store import database, emptying, migrations
from connector.store.models import Account
from tests.services import world


def test_every_table_of_ours_goes_and_comes_back_empty(database_url: str) -> None:
    world.fill(database_url)
    with database.connection():
        for name in ("product_fact_1", "rule_fact_1_20", "rule_match_1", "rule_facts", "diary"):
            database.database.execute_sql(f"CREATE TABLE {name} (id integer)")

    dropped = emptying.drop_tables()

    with database.connection():
        assert sorted(database.database.get_tables()) == ["diary", "rule_facts"]
        assert dropped > 20
        migrations.upgrade()
        assert Account.select().count() == 0
    assert migrations.pending() == []
    database.disconnect()
