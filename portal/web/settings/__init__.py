"""Settings of one user in tabs: the own ones, and those of any user for administrators."""

from flask import Blueprint

from portal.web.settings.subject import tab_url

bp = Blueprint("settings", __name__)
bp.context_processor(lambda: {"tab_url": tab_url})

from portal.web.settings import click2dial, privacy, profile, security  # noqa: E402, F401 - views of bp
