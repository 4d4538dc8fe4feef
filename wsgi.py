"""The application for gunicorn and the flask command."""

from portal import create_app
from portal.errors import ConfigError

try:
    app = create_app()
except ConfigError as error:
    raise SystemExit(str(error)) from None
