"""Everything that knows a request: guards, forms, pages."""

from flask import Flask

from portal.web import (
    accounts,
    api,
    audit,
    calls,
    confirmation,
    dial,
    error_pages,
    guards,
    handlers,
    health,
    hooks,
    people,
    permissions,
    phones,
    preferences,
    retention,
    settings,
    status,
    targets,
    templating,
    users,
)
from portal.web.addresses import RecordId

_AREAS = (
    accounts,
    api,
    audit,
    calls,
    dial,
    handlers,
    health,
    people,
    permissions,
    phones,
    preferences,
    retention,
    settings,
    status,
    targets,
    users,
)


def init_app(app: Flask) -> None:
    """Bind extensions, guards and blueprints."""
    hooks.init_app(app)
    guards.init_app(app)
    templating.init_app(app)
    error_pages.init_app(app)
    confirmation.init_app(app)
    app.url_map.converters["int"] = RecordId
    for area in _AREAS:
        app.register_blueprint(area.bp)
