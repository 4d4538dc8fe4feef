"""What all dial URLs build on at the moment, and which phones a change of it would stop."""

from sqlalchemy import select

from portal import targets
from portal.errors import N_, InvalidError
from portal.extensions import db
from portal.models import Handler, Phone, Setting, User
from portal.phones.drafts import Draft, Rules, check

SCHEMES_SETTING = "browser_schemes"
"""The setting that lists the schemes administrators let browsers open besides the usual ones."""
MOST_NAMED = 3


def rules() -> Rules:
    """Return the CTI handlers, added schemes and allowed targets of this moment."""
    handlers = db.session.execute(select(Handler.name, Handler.url)).all()
    schemes = db.session.get(Setting, SCHEMES_SETTING)
    extra_schemes = frozenset(schemes.value if schemes else ())
    return Rules(dict(handlers), extra_schemes, targets.allow_list())


def stopped_by(after: Rules) -> list[str]:
    """Name the phones that can be dialled with now and could not under other rules."""
    before = rules()
    phones = db.session.execute(
        select(Phone, User.login)
        .outerjoin(User, User.id == Phone.owner_id)
        .order_by(User.login, Phone.name)
    )
    return [
        f"{phone.name} ({login})" if login else phone.name
        for phone, login in phones
        if not check(Draft.of(phone), before).problem and check(Draft.of(phone), after).problem
    ]


def refuse_stopping(after: Rules, *, field: str = "") -> None:
    """Raise InvalidError if phones that can be dialled with now could not under other rules."""
    if names := stopped_by(after):
        shown = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
        raise InvalidError(
            "phones-would-stop",
            N_("With this change these phones would stop working: %(phones)s. Change them first."),
            field=field,
            phones=shown,
        )
