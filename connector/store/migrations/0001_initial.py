"""The tables of the first release."""

from connector.store.models import ALL


def up(migrator, db):
    db.create_tables(ALL)


def down(migrator, db):
    db.drop_tables(ALL)
