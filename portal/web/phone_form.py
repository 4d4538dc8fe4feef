"""The form of a phone, the same for the default phone and people's own, and its live check."""

from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from flask import url_for
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField

from portal import phones, rights
from portal.dialing.number import NumberFormat
from portal.dialing.template import OpenMode
from portal.dialing.variables import VARIABLES
from portal.errors import InvalidError
from portal.identity import Identity
from portal.models import Phone
from portal.phones import Check, Draft
from portal.targets import UNDECIDED, Decision
from portal.web.confirmation import ProtectedForm
from portal.web.guards import me

E = TypeVar("E", bound=StrEnum)

_FORMAT_NAMES = {
    NumberFormat.AS_ENTERED: _l("As entered"),
    NumberFormat.INTERNATIONAL_00: _l("International with 00"),
    NumberFormat.E164: _l("International with +"),
    NumberFormat.E164_DIGITS: _l("International without +"),
    NumberFormat.NATIONAL: _l("National"),
}


class PhoneForm(ProtectedForm):
    """A phone; only administrators can let secrets into its URL, and allow its target."""

    variables = tuple(VARIABLES.values())

    name = StringField(_l("Name"))
    url = TextAreaField(_l("URL to open a call"))
    open_mode = RadioField(_l("Open the call"), choices=list(OpenMode), default=OpenMode.SERVER)
    number_format = SelectField(_l("Number format"))
    outside_prefix = StringField(_l("Outside-line prefix"))
    secrets_allowed = BooleanField(_l("Let secrets into a URL that the browser opens"))
    allow = StringField()
    """The target to allow in the same step."""

    def __init__(self, phone: Phone | None = None, **start: object) -> None:
        super().__init__(obj=phone, **start)
        self._phone = phone
        self.number_format.choices = [
            (value.value, f"{name} \N{EN DASH} {phones.sample_number(value)}")
            for value, name in _FORMAT_NAMES.items()
        ]
        if not rights.may_administer(me()):
            del self.secrets_allowed, self.allow

    @property
    def check_url(self) -> str:
        """Where to check what is being entered."""
        phone = None if self.secrets_allowed else self._phone
        return url_for("phones.check", phone=phone and phone.id)

    def draft(self) -> Draft:
        """Return what was entered."""
        draft = Draft(
            name=self.name.data or "",
            url=self.url.data or "",
            open_mode=_member(OpenMode.SERVER, self.open_mode.data),
            number_format=_member(NumberFormat.AS_ENTERED, self.number_format.data),
            outside_prefix=self.outside_prefix.data or "",
            secrets_allowed=bool(self.secrets_allowed and self.secrets_allowed.data),
        )
        return draft if self.secrets_allowed else draft.with_grant_of(self._phone)

    def decision(self) -> Decision:
        """Return what an administrator decides about the target; others decide nothing."""
        return Decision(self.allow.data or "", by=me().id) if self.allow else UNDECIDED

    def live_check(self) -> Check:
        """Check what was entered with the values of the user who looks at it."""
        found = phones.check(self.draft(), phones.rules(), sample_values(me()))
        if self.allow:
            return phones.settle(found, self.decision())
        problem = found.problem and phones.for_owner(found.problem)
        return replace(found, problem=problem, offer="")

    def refuse(self, error: InvalidError) -> None:
        """Show the error at its field, in words for whoever sees it."""
        super().refuse(error if self.allow else phones.for_owner(error))


def sample_values(viewer: Identity) -> dict[str, str]:
    """Return the viewer's own values for dial URLs; the password only as far as there is one."""
    return {
        **viewer.record,
        "USERID": str(viewer.id),
        "CTI_USER": viewer.cti_user,
        "CTI_PASS": "set" if viewer.cti_pass_sealed else "",
        "CTI_PHONE": viewer.cti_phone,
    }


def _member(default: E, value: str | None) -> E:
    """Return the member of this value, so that a check can also show a form that is not valid."""
    members = {member.value: member for member in type(default)}
    return members.get(value or "", default)
