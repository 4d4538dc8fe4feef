"""Dial permissions: which role may call what; and the switch that stops all dialling."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from phonenumbers import SUPPORTED_REGIONS
from sqlalchemy import select

from portal import audit
from portal.audit import Action
from portal.database import Lookup, now
from portal.dialing.number import clean
from portal.dialing.number_class import NumberClass, Reading
from portal.dialing.permission import DEFAULTS, Decision, Permission, Rules, call_readings
from portal.dialing.variables import check_value
from portal.errors import N_, ForbiddenError, InvalidError
from portal.extensions import config, db
from portal.models import Role, Setting

RULES_SETTING = "dial_permissions"
STOP_SETTING = "dialling_stopped"
COUNTRIES = tuple(sorted(SUPPORTED_REGIONS))
"""The countries that can have a rule of their own."""


@dataclass(frozen=True, slots=True)
class Stop:
    """An order to dial no more: by whom, since when and why."""

    by: str
    since: datetime
    reason: str

    def error(self) -> ForbiddenError:
        """Return the refusal of a call."""
        return ForbiddenError(
            "dialling-stopped",
            N_(
                "All dialling is stopped. Until an administrator lets it go on, call on your phone."
            ),
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for every call at this moment."""

    rules: Mapping[Role, Rules]
    stop: Stop | None

    @classmethod
    def of(cls, rules: Any, stop: Any) -> Self:  # noqa: ANN401 - as they are stored
        """Return what two stored settings say."""
        return cls({role: _from_stored(rules, role) for role in Role}, _stop(stop))


def standing() -> Standing:
    """Return what holds at this moment, in every process: it is read anew for each call."""
    row = _STANDING.one(db.engine)
    assert row is not None  # noqa: S101 - a statement without table
    return Standing.of(row.rules, row.stop)


def stopped() -> Stop | None:
    """Return the order to dial no more, if there is one."""
    row = _STOP.one(db.engine)
    return _stop(row.value) if row else None


def save(rules: Mapping[Role, Rules]) -> None:
    """Let other dial permissions hold from now on."""
    before = standing().rules
    _check(rules)
    _store(RULES_SETTING, {role.value: _to_stored(rules[role]) for role in Role})
    audit.record(
        Action.PERMISSIONS_CHANGED,
        changes={
            f"{role}: {name}": (old.get(name, ""), new.get(name, ""))
            for role in Role
            for old, new in [(_in_words(before[role]), _in_words(rules[role]))]
            for name in sorted(old | new)
        },
    )
    db.session.commit()


def stop(reason: str = "") -> None:
    """Stop all dialling, in every process and within a second; what was sent is not called back."""
    reason = check_value(reason.strip(), field="reason")
    _store(
        STOP_SETTING, {"by": audit.actor.get().name, "since": now().isoformat(), "reason": reason}
    )
    audit.record(Action.DIALLING_STOPPED, reason=reason or None)
    db.session.commit()


def judge(
    number_text: str, rules: Mapping[Role, Rules], *, outside_prefix: str = ""
) -> tuple[tuple[Reading, ...], dict[Role, Decision]]:
    """Return how a number can be read, and what the rules of each role say to it.

    Raises DialError for what is no number.
    """
    found = call_readings(
        clean(number_text), (), region=config().default_region, outside_prefix=outside_prefix
    )
    return found, {role: rules[role].decide(found) for role in Role}


def resume() -> None:
    """Let everybody dial again."""
    if setting := db.session.get(Setting, STOP_SETTING):
        db.session.delete(setting)
        audit.record(Action.DIALLING_RESUMED)
        db.session.commit()


def _value(name: str) -> Any:  # noqa: ANN401 - a scalar subquery of the setting's type
    return select(Setting.__table__.c.value).where(Setting.name == name).scalar_subquery()


_STANDING = Lookup(select(_value(RULES_SETTING).label("rules"), _value(STOP_SETTING).label("stop")))
_STOP = Lookup(select(Setting.__table__.c.value).where(Setting.name == STOP_SETTING))


def _store(name: str, value: object) -> None:
    setting = db.session.get(Setting, name) or Setting(name=name)
    setting.value = value
    db.session.add(setting)


def _from_stored(stored: Any, role: Role) -> Rules:  # noqa: ANN401 - as it is stored
    """Return the rules of a role; what cannot be understood is refused."""
    kept = dict((stored or {}).get(role.value, {}))
    countries = kept.pop("countries", {})
    classes = {name: _permission(word) for name, word in kept.items()}
    return Rules(
        {name: classes.get(name.value, default) for name, default in DEFAULTS.items()},
        {country: _permission(word) for country, word in countries.items()},
    )


def _permission(word: str) -> Permission:
    return Permission(word) if word in set(Permission) else Permission.REFUSE


def _to_stored(rules: Rules) -> dict[str, object]:
    return {**_in_words(Rules(rules.classes)), "countries": dict(rules.countries)}


def _in_words(rules: Rules) -> dict[str, str]:
    """Return the rules by the names of classes and countries."""
    named = {**{name.value: rules.classes[name] for name in NumberClass}, **rules.countries}
    return {name: permission.value for name, permission in named.items()}


def _check(rules: Mapping[Role, Rules]) -> None:
    for country in {country for of_role in rules.values() for country in of_role.countries}:
        if country not in COUNTRIES:
            raise InvalidError("no-country", N_("Choose a country from the list."), field="country")


def _stop(stored: Any) -> Stop | None:  # noqa: ANN401 - as it is stored
    if not stored:
        return None
    return Stop(stored["by"], datetime.fromisoformat(stored["since"]), stored["reason"])
