"""The web application for a WSGI server of your own: `gunicorn wsgi:app`. `connector web` needs none of this."""

from connector.app import create_app

app = create_app()
