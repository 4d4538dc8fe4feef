"""The password once more before what matters: for forms, buttons and exports."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlsplit

from flask import Flask, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import PasswordField

from portal import sessions
from portal.errors import InvalidError
from portal.web.addresses import own_path
from portal.web.forms import Form
from portal.web.guards import me
from portal.web.htmx import answer

P = ParamSpec("P")

_READING_METHODS = {"GET", "HEAD"}


class ProtectedForm(Form):
    """A form that asks for the password if it was last proved some time ago.

    Its template shows the field with ``forms.confirm(form)``. The password is looked at
    together with the other fields, so whatever else was entered is still there.
    """

    confirm_password = PasswordField(_l("Confirm with your password"))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if me().is_confirmed:
            del self.confirm_password
        else:  # a page may hold several such forms
            self.confirm_password.id = f"{type(self).__name__.lower()}-confirm-password"

    def validate(self, extra_validators: object = None) -> bool:
        """Check all fields, the password last."""
        is_valid = super().validate(extra_validators)
        return (self.confirm_password is None or self._confirm()) and is_valid

    def _confirm(self) -> bool:
        if not self.confirm_password.data:
            self.confirm_password.errors = [gettext("Enter your password.")]
            return False
        try:
            sessions.confirm(me().id, me().session_id, self.confirm_password.data)
        except InvalidError as error:
            self.refuse(error)
            return False
        del self.confirm_password
        return True


def confirmed(view: Callable[P, Response]) -> Callable[P, Response]:
    """Let a button of this view, also one that exports, work only with the password.

    A page that asks whether one is sure can show the field itself, with
    ``forms.confirm(confirmation())``; where it does not, a page that follows asks. Not for
    forms with fields of their own: these are ProtectedForms.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
        form = ProtectedForm()
        if request.method in _READING_METHODS or form.validate_on_submit():
            return view(*args, **kwargs)
        return _ask(form if "confirm_password" in request.form else ProtectedForm(None))

    return guarded


def init_app(app: Flask) -> None:
    """Let pages show the field."""
    app.context_processor(lambda: {"confirmation": ProtectedForm})


def _ask(form: ProtectedForm) -> Response:
    """Ask for the password on a page of its own, which sends it to the same address."""
    referrer = urlsplit(request.referrer or "")
    return answer(
        "confirmation/show.html",
        "confirmation/_form.html",
        422,
        form=form,
        back=own_path(referrer.path),
    )
