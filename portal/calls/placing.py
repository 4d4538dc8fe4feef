"""Making a call: written down first, then sent once or handed to the browser."""

import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog
from flask import Flask, current_app
from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.exc import SQLAlchemyError

from portal import audit, credentials, permissions, phone_systems, phones, targets
from portal.audit import Action
from portal.calls import limits
from portal.calls.planning import Plan, plan
from portal.calls.progress import advance
from portal.calls.reports import new_token
from portal.config import Config
from portal.credentials import Login
from portal.database import now
from portal.dialing.connector import CONNECTORS, DialRequest, Progress
from portal.dialing.discretion import shorten
from portal.dialing.dispatch import Capacity, Dispatcher, Job
from portal.dialing.number import clean
from portal.dialing.number_class import NumberClass
from portal.dialing.outcome import Outcome
from portal.dialing.template import MASK, Expansion, OpenMode
from portal.dialing.transport import Limits
from portal.errors import (
    N_,
    BusyError,
    ConflictError,
    InvalidError,
    PortalError,
    UnconfirmedError,
)
from portal.extensions import config, db
from portal.identity import Identity, token_hash
from portal.models import Call, CallState, User
from portal.phones import DialPhone

log = structlog.get_logger()

_CLICK_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SAME_CLICK = timedelta(seconds=5)
"""Within this time the same number on the same phone is a double click or a second tab."""

_LINK_LASTS = timedelta(minutes=10)
"""How long a call that was handed over can be opened by hand."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A call that was asked for."""

    call: Call
    is_new: bool
    """False if this click has been a call before: then nothing happens now."""
    url: str = field(default="", repr=False)
    """What the browser has to open now, secrets included; empty if it has nothing to do."""


def new_click_token() -> str:
    """Return a mark for one click on Call; the same mark never calls twice."""
    return secrets.token_urlsafe(16)


def place(
    caller: Identity, number_text: str, phone_key: str, click_token: str, *, confirmed: str = ""
) -> Placed:
    """Call a number: once for each click, whatever comes twice.

    ``confirmed`` is the canonical number that the user has said is meant, where that has to
    be asked. Raises InvalidError or ForbiddenError for what cannot be called, UnconfirmedError
    for what has to be confirmed first, TooManyError beyond a limit, and ConflictError if the
    click has already called another number.
    """
    if not _CLICK_TOKEN.fullmatch(click_token):
        raise InvalidError(
            "no-click-token", N_("This page is out of date. Reload it, then call again.")
        )
    number = clean(number_text)
    phone = phones.for_caller(caller, phone_key)
    call_values = {"CALLID": str(uuid.uuid4()), "SESSID": new_token()}
    planned = plan(caller, number, phone, call_values)
    # One call of a user after the other, so that two requests at once cannot both be the first.
    db.session.execute(_LOCK, {"user_id": caller.id})
    if earlier := _earlier(caller, number, phone, click_token):
        return Placed(earlier, is_new=False)
    expansion = _permit(caller, planned, confirmed)
    call = _write_down(caller, planned, call_values, click_token)
    if phone.open_mode is not OpenMode.SERVER:
        return Placed(call, is_new=True, url=expansion.url)
    return Placed(_dispatch(caller, call, planned), is_new=True)


def link_of(call: Call) -> str:
    """Return what the browser can open again by hand for a call handed over, "" if nothing."""
    is_fresh = call.state is CallState.HANDED_OVER and now() - call.created_at < _LINK_LASTS
    opens = is_fresh and MASK not in call.masked_url and not permissions.stopped()
    return call.masked_url if opens else ""


def dispatchers(settings: Config) -> Mapping[str, Dispatcher]:
    """Return a pool for each kind of phone system, so that none can hold up another."""
    capacity = Capacity(
        workers=settings.dial_workers,
        per_target=settings.dial_per_target,
        room=settings.dial_queue,
        patience=settings.dial_patience,
    )
    return {connector: Dispatcher(capacity) for connector in CONNECTORS}


def _permit(caller: Identity, planned: Plan, confirmed: str) -> Expansion:
    """Return the URL to open, if the call may be made now; a refusal is noted."""
    try:
        expansion = planned.ready()
        planned.require_confirmation(confirmed)
        number_class = planned.decision.number_class if planned.decision else NumberClass.UNKNOWN
        limits.check(caller, number_class, planned.target)
    except UnconfirmedError:  # a question, not a refusal
        raise
    except PortalError as refusal:
        audit.record_refusal(
            Action.CALL_REFUSED,
            shorten(planned.number),
            phone=planned.phone.name,
            reason=refusal.kind,
        )
        raise
    return expansion


_IS_OF_CLICK = Call.click_token == bindparam("click_token")
_IS_REPEATED = and_(
    Call.number == bindparam("number"),
    Call.phone_id.is_not_distinct_from(bindparam("phone_id")),
    Call.created_at > bindparam("since"),
    Call.state != CallState.FAILED,
)
_SAME = (
    select(Call)
    .where(Call.user_id == bindparam("user_id"), or_(_IS_OF_CLICK, _IS_REPEATED))
    .order_by(_IS_OF_CLICK.desc(), Call.created_at.desc())
    .limit(1)
)
_LOCK = select(User.id).where(User.id == bindparam("user_id")).with_for_update()
"""Made once: to build a statement takes longer than to run it, and others wait meanwhile."""


def _earlier(caller: Identity, number: str, phone: DialPhone, click_token: str) -> Call | None:
    """Return the call that this click has already made, by itself or as a double click."""
    call = db.session.scalar(
        _SAME,
        {
            "user_id": caller.id,
            "click_token": click_token,
            "number": number,
            "phone_id": phone.id,
            "since": now() - _SAME_CLICK,
        },
    )
    if (
        call
        and call.click_token == click_token
        and (call.number, call.phone_id) != (number, phone.id)
    ):
        raise ConflictError(
            "click-used",
            N_("This click has already called another number. Reload the page, then call again."),
        )
    return call


def _write_down(
    caller: Identity, planned: Plan, call_values: Mapping[str, str], click_token: str
) -> Call:
    """Commit the call before anything of it happens."""
    phone = planned.phone
    state = CallState.NEW if phone.open_mode is OpenMode.SERVER else CallState.HANDED_OVER
    moment = now()
    call = Call(
        id=call_values["CALLID"],
        user_id=caller.id,
        click_token=click_token,
        number=planned.number,
        phone_id=phone.id,
        phone_name=phone.name,
        connector=phone.connector,
        open_mode=phone.open_mode,
        number_class=planned.decision.number_class.value if planned.decision else "",
        target=planned.target,
        masked_url=planned.ready().masked,
        token_hash=token_hash(call_values["SESSID"]) if planned.gives_token else None,
        state=state,
        times={state.value: moment.isoformat()},
        created_at=moment,
        changed_at=moment,
    )
    db.session.add(call)
    audit.record(Action.CALL_PLACED, shorten(call.number), phone=phone.name, call=call.id)
    db.session.flush()
    # Whoever shows the call must not open another transaction: the sending thread needs its turn.
    db.session.expunge(call)
    db.session.commit()
    return call


@dataclass(frozen=True, slots=True)
class _Errand:
    """All that a thread of the pool needs to send a call, kept in memory only."""

    app: Flask
    call_id: str
    connector: str
    url: str = field(repr=False)
    """With all secrets."""
    target: str
    """Host and port; empty for what contacts nobody."""
    login: Login | None
    """The CTI credentials in the URL."""


def _dispatch(caller: Identity, call: Call, planned: Plan) -> Call:
    """Hand a call to the pool of its connector and return it as it then is."""
    errand = _errand(caller, call, planned)
    dispatcher: Dispatcher = errand.app.extensions["dispatchers"][call.connector]
    job = Job(partial(_send, errand), partial(_refuse, errand), errand.target)
    try:
        dispatcher.submit(job)
    except BusyError:
        advance(call.id, CallState.FAILED, Outcome("busy"))
        return db.session.get_one(Call, call.id)
    return call


def _errand(caller: Identity, call: Call, planned: Plan) -> _Errand:
    target, template = planned.target, planned.template
    return _Errand(
        app=current_app._get_current_object(),  # type: ignore[attr-defined] # noqa: SLF001 - for the thread
        call_id=call.id,
        connector=call.connector,
        url=planned.ready().url,
        target=target,
        login=credentials.login_of(caller, template, target) if target and template else None,
    )


def _refuse(errand: _Errand) -> None:
    """Do not make a call whose turn did not come: nobody expects the phone to ring any more."""
    with errand.app.app_context():
        advance(errand.call_id, CallState.FAILED, Outcome("busy"))


def _send(errand: _Errand) -> None:
    """Make a call in a thread of the pool; no transaction is open while the phone system works."""
    with errand.app.app_context(), structlog.contextvars.bound_contextvars(call_id=errand.call_id):
        if permissions.stopped():
            advance(errand.call_id, CallState.FAILED, Outcome("stopped"))
        elif advance(errand.call_id, CallState.SENDING):
            outcome = _outcome(errand)
            advance(errand.call_id, CallState(outcome.verdict), outcome)


def _outcome(errand: _Errand) -> Outcome:
    """Send a request unless there is a pause, and remember what its outcome teaches."""
    if errand.login and credentials.are_paused(errand.login):
        return Outcome("credentials-paused")
    admission = phone_systems.admit(errand.target)
    if admission is None:
        return Outcome("paused")
    connector = CONNECTORS[errand.connector]
    outcome = connector(_request(errand.url), partial(_report, errand.call_id))
    try:
        phone_systems.learn(admission, outcome)
        if errand.login:
            credentials.learn(errand.login, outcome)
    except (BusyError, SQLAlchemyError) as error:  # the call has its outcome all the same
        db.session.rollback()
        log.error("outcome not counted", error=type(error).__name__)  # noqa: TRY400
    return outcome


def _request(url: str) -> DialRequest:
    """Return all that a connector needs; where it may go is read at the last moment."""
    settings = config()
    allow = targets.allow_list()
    db.session.rollback()
    return DialRequest(
        url,
        allow,
        Limits(
            look_up=settings.look_up_timeout,
            connect=settings.connect_timeout,
            retry_pause=settings.retry_pause,
            answer=settings.answer_timeout,
            exchange=settings.exchange_timeout,
            longest_url=settings.longest_url,
            longest_head=settings.longest_head,
            longest_body=settings.longest_body,
        ),
    )


def _report(call_id: str, progress: Progress) -> None:
    advance(call_id, CallState(progress))
