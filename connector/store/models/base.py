"""What all models share."""

from __future__ import annotations

import peewee

from connector.store.database import database


class Model(peewee.Model):
    """Bound to the one database; table names are the snake case of the class."""

    class Meta:
        database = database
        legacy_table_names = False
