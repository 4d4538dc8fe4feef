"""Administration of CTI handlers."""

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField

from portal import handlers, phones
from portal.dialing.variables import VARIABLES
from portal.errors import InvalidError
from portal.handlers import HandlerDraft
from portal.models import Handler
from portal.phones import Check
from portal.targets import Decision
from portal.web.addresses import record_id
from portal.web.confirmation import ProtectedForm, confirmed
from portal.web.guards import admin, me
from portal.web.hooks import only_reads
from portal.web.htmx import redirect
from portal.web.phone_form import sample_values

bp = Blueprint("handlers", __name__)

LEAVE_CLOSED = "closed"


class HandlerForm(ProtectedForm):
    """A handler."""

    variables = tuple(VARIABLES.values())

    name = StringField(_l("Name"))
    url = TextAreaField(_l("URL that takes the place of the name"))
    allow = StringField()
    """The target to allow in the same step, or ``closed``: only browsers open the URL."""

    def __init__(self, handler: Handler | None = None) -> None:
        super().__init__(obj=handler)
        self._handler = handler

    @property
    def check_url(self) -> str:
        """Where to check what is being entered."""
        return url_for("handlers.check", handler=self._handler and self._handler.id)

    def draft(self) -> HandlerDraft:
        """Return what was entered."""
        return HandlerDraft(self.name.data or "", self.url.data or "")

    def decision(self) -> Decision:
        """Return what the administrator decides about the target."""
        chosen = self.allow.data or ""
        return Decision(chosen, by=me().id, leave_closed=chosen == LEAVE_CLOSED)

    def live_check(self) -> Check:
        """Check what was entered with the values of the user who looks at it."""
        found = handlers.check(self.draft(), self._handler, sample_values(me()))
        return phones.settle(found, self.decision())


@bp.get("/admin/click2dial/handlers")
@admin
def index() -> str:
    """Show all handlers."""
    return render_template("handlers/index.html", handlers=handlers.overview())


@bp.route("/admin/click2dial/handlers/new", methods=["GET", "POST"])
@admin
def new() -> Response:
    """Add a handler."""
    form = HandlerForm()
    if form.validate_on_submit():
        try:
            handler = handlers.create(form.draft(), form.decision())
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(
                gettext("%(name)s is ready to be used in dial URLs.", name=f"{handler.name}://"),
                "ok",
            )
            return redirect(url_for(".index"))
    return _form_page(form, None)


@bp.route("/admin/click2dial/handlers/<int:handler_id>", methods=["GET", "POST"])
@admin
def edit(handler_id: int) -> Response:
    """Show and change a handler."""
    handler = handlers.get(handler_id)
    form = HandlerForm(handler)
    if form.validate_on_submit():
        try:
            handlers.change(handler_id, form.draft(), form.decision())
        except InvalidError as error:
            form.refuse(error)
        else:
            flash(
                gettext(
                    "%(name)s is saved. All phones that use it follow.", name=f"{handler.name}://"
                ),
                "ok",
            )
            return redirect(url_for(".index"))
    return _form_page(form, handler)


@bp.route("/admin/click2dial/handlers/<int:handler_id>/delete", methods=["GET", "POST"])
@admin
@confirmed
def delete(handler_id: int) -> Response:
    """Delete a handler, once it is clear what stops working."""
    handler = handlers.get(handler_id)
    name, error = f"{handler.name}://", None
    if request.method == "POST":
        try:
            handlers.delete(handler_id)
        except InvalidError as refusal:
            error = refusal
        else:
            flash(gettext("%(name)s is deleted.", name=name), "ok")
            return redirect(url_for(".index"))
    page = render_template(
        "handlers/delete.html",
        handler=handler,
        used_by=handlers.used_by(handler.name),
        stopped=handlers.stopped_without(handler.name),
        building_on=handlers.building_on(handler.name),
    )
    return make_response(page, 422 if error else 200)


@bp.post("/admin/click2dial/handlers/check")
@admin
@only_reads
def check() -> str:
    """Say what a handler that is being entered comes to; ``handler`` is the id of a stored one."""
    handler_id = request.args.get("handler", type=record_id)
    form = HandlerForm(handlers.get(handler_id) if handler_id else None)
    return render_template(
        "phones/_live_check.html", form=form, check=form.live_check(), is_handler=True
    )


def _form_page(form: HandlerForm, handler: Handler | None) -> Response:
    page = render_template(
        "handlers/form.html", form=form, handler=handler, check=form.live_check()
    )
    return make_response(page, 422 if form.errors else 200)
