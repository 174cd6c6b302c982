"""The web application for a WSGI server of your own: `gunicorn wsgi:app`. `connector web` needs none of this.

It neither migrates the database nor starts a Redis: see docs/operations.md.
"""

from connector import logs
from connector.app import create_app
from connector.settings import Settings

settings = Settings.load()
logs.configure(settings.log_level, as_json=settings.log_json)
app = create_app(settings)
