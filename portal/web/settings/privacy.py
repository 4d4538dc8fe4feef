"""The Privacy tab: what the portal keeps of oneself, how long, who sees it; all of it as a file."""

import json

from flask import Response, make_response, render_template, request

from portal import own_data, retention
from portal.web.confirmation import confirmed
from portal.web.guards import me
from portal.web.settings import bp
from portal.web.settings.subject import subject


@bp.route("/settings/privacy", methods=["GET", "POST"])
@confirmed
def privacy() -> Response:
    """Show the tab; a POST saves everything as a file."""
    if request.method == "POST":
        text = json.dumps(own_data.collect(me().id), ensure_ascii=False, indent=2)
        response = Response(text, mimetype="application/json")
        response.headers["Content-Disposition"] = 'attachment; filename="click2dial.json"'
        return response
    user, kept = subject(None), retention.periods()
    return make_response(render_template("settings/privacy.html", user=user, kept=kept))
