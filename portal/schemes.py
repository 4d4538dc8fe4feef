"""The schemes that browsers may open besides the usual ones, such as ``msteams:``."""

from dataclasses import replace

from portal import audit, phones
from portal.audit import Action
from portal.dialing.handler import check_handlers
from portal.dialing.template import BROWSER_SCHEMES, check_scheme
from portal.errors import N_, DialError, InvalidError
from portal.extensions import db
from portal.models import Setting
from portal.phones import SCHEMES_SETTING


def extra() -> frozenset[str]:
    """Return the schemes that administrators added."""
    return phones.rules().extra_schemes


def add(name: str) -> str:
    """Let browsers open one more scheme; return it in its normal form."""
    try:
        scheme = check_scheme(name)
    except DialError as error:
        error.field = "scheme"
        raise
    rules = phones.rules()
    if scheme in BROWSER_SCHEMES | rules.extra_schemes:
        raise InvalidError(
            "duplicate-scheme",
            N_("Browsers may open “%(scheme)s:” already."),
            field="scheme",
            scheme=scheme,
        )
    if scheme in rules.handlers:
        raise InvalidError(
            "duplicate-handler",
            N_(
                "There is a CTI handler “%(scheme)s://”. "
                "A scheme of the same name would be ambiguous."
            ),
            field="scheme",
            scheme=scheme,
        )
    audit.record(Action.SCHEME_ADDED, f"{scheme}:")
    _store(rules.extra_schemes | {scheme})
    return scheme


def remove(scheme: str) -> None:
    """No longer let browsers open an added scheme; not while a phone or handler needs it."""
    rules = phones.rules()
    after = replace(rules, extra_schemes=rules.extra_schemes - {scheme})
    phones.refuse_stopping(after)
    try:
        check_handlers(after.handlers, extra_schemes=after.extra_schemes)
    except DialError as error:
        raise InvalidError(
            "scheme-in-use",
            N_("A CTI handler leads to “%(scheme)s:”. Change it first."),
            scheme=scheme,
        ) from error
    audit.record(Action.SCHEME_REMOVED, f"{scheme}:")
    _store(after.extra_schemes)


def _store(schemes: frozenset[str]) -> None:
    setting = db.session.get(Setting, SCHEMES_SETTING) or Setting(name=SCHEMES_SETTING)
    setting.value = sorted(schemes)
    db.session.add(setting)
    db.session.commit()
