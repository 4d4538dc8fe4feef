"""The Privacy tab: what the portal keeps of oneself, how long, who sees it; all of it as a file."""

import json

from flask import make_response, render_template
from werkzeug.wrappers import Response

from portal import own_data, retention
from portal.web.forms import Form
from portal.web.guards import me
from portal.web.settings import bp
from portal.web.settings.subject import subject


class OwnDataForm(Form):
    """The wish to have all of it as a file."""


@bp.route("/settings/privacy", methods=["GET", "POST"])
def privacy() -> Response:
    """Show the tab; a POST saves everything as a file."""
    form = OwnDataForm()
    if form.validate_on_submit():
        text = json.dumps(own_data.collect(me().id), ensure_ascii=False, indent=2)
        response = make_response(text)
        response.mimetype = "application/json"
        response.headers["Content-Disposition"] = 'attachment; filename="click2dial.json"'
        return response
    page = render_template(
        "settings/privacy.html", user=subject(None), form=form, kept=retention.periods()
    )
    return make_response(page, 422 if form.errors else 200)
