"""The database: peewee models, migrations and queries. The only package that runs SQL."""
