"""All that the portal knows of one user, for that user: no secrets, nothing of others."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from portal import accounts, audit, phones, sessions, trail
from portal.audit import Action
from portal.database import now
from portal.dialing.discretion import mask_fixed_secrets
from portal.dialing.variables import RECORD_FIELDS
from portal.extensions import db
from portal.models import AuditEvent, Call, Phone, User, UserSession


def collect(user_id: int) -> dict[str, Any]:
    """Return it in a form that can be written as JSON; that it was asked for is noted."""
    user = accounts.get(user_id)
    mine = select(Call).where(Call.user_id == user_id).order_by(Call.created_at.desc())
    found = {
        "made_at": _moment(now()),
        "record": {name: getattr(user, name) for name in RECORD_FIELDS},
        "account": _account(user),
        "cti": {
            "user": user.cti_user,
            "phone": user.cti_phone,
            "password_set_at": _moment(user.cti_pass_set_at),
        },
        "phones": [_phone(phone) for phone in phones.of_user(user_id)],
        "calls": [_call(call) for call in db.session.scalars(mine)],
        "sessions": [_session(session) for session in sessions.of_user(user_id)],
        "events": [_event(event, user_id) for event in trail.of_user(user_id)],
    }
    audit.record(Action.OWN_DATA_EXPORTED, user.login, user_id=user_id)
    db.session.commit()
    return found


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _account(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "role": user.role,
        "may_dial": user.may_dial,
        "may_manage_phones": user.may_manage_phones,
        "language": user.language,
        "time_zone": user.time_zone,
        "theme": user.theme,
        "created_at": _moment(user.created_at),
    }


def _phone(phone: Phone) -> dict[str, Any]:
    return {
        "name": phone.name,
        "url": mask_fixed_secrets(phone.url),
        "open_mode": phone.open_mode,
        "number_format": phone.number_format,
        "outside_prefix": phone.outside_prefix,
    }


def _call(call: Call) -> dict[str, Any]:
    return {
        "id": call.id,
        "at": _moment(call.created_at),
        "number": call.number,
        "phone": call.phone_name,
        "opened": mask_fixed_secrets(call.masked_url),
        "state": call.state,
        "outcome": call.outcome,
        "times": call.times,
    }


def _session(session: UserSession) -> dict[str, Any]:
    return {
        "since": _moment(session.created_at),
        "last_used_at": _moment(session.last_used_at),
        "address": session.address,
        "browser": session.browser,
    }


def _event(event: AuditEvent, user_id: int) -> dict[str, Any]:
    """Tell of an event; from which address an administrator came is not the user's business."""
    return {
        "at": _moment(event.at),
        "by": event.actor_name,
        "address": event.address if event.actor_id == user_id else "",
        "action": event.action,
        "subject": event.subject,
        "changes": event.changes,
        "facts": event.facts,
    }
