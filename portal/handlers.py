"""CTI handlers: names at the start of dial URLs, so that a phone system is changed in one place."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from portal import audit, phones
from portal.audit import Action
from portal.dialing.handler import LONGEST_CHAIN, check_free, check_handlers, check_name
from portal.dialing.target import parse_entry
from portal.dialing.template import BROWSER_SCHEMES, OpenMode, parse
from portal.errors import N_, DialError, InvalidError, NotFoundError
from portal.extensions import db
from portal.models import Handler, Phone
from portal.phones import Check, Draft, Rules
from portal.targets import UNDECIDED, Decision


@dataclass(frozen=True, slots=True)
class HandlerDraft:
    """What a form says about a handler."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A handler, and how many phones are dialled by way of it."""

    handler: Handler
    phones: int


def overview() -> list[Listed]:
    """Return all handlers by name."""
    usage = _usage()
    handlers = db.session.scalars(select(Handler).order_by(Handler.name))
    return [Listed(handler, usage[handler.name]) for handler in handlers]


def used_by(name: str) -> int:
    """Return how many phones are dialled by way of a handler, be it through others."""
    return _usage()[name]


def get(handler_id: int) -> Handler:
    """Return a handler. Raises NotFoundError."""
    handler = db.session.get(Handler, handler_id)
    if handler is None:
        raise NotFoundError("no-handler", N_("This CTI handler no longer exists."))
    return handler


def check(
    draft: HandlerDraft,
    handler: Handler | None = None,
    values: Mapping[str, str] = MappingProxyType({}),
) -> Check:
    """Check a new handler, or the change of one, and show what ``name://<#NUMBER#>`` becomes.

    The same for showing while somebody types and for saving.
    """
    try:
        after = _rules_after(draft, handler)
    except InvalidError as problem:
        return Check(draft.url.strip(), problem=problem)
    alone = _check_url(draft.url, after, values)
    if alone.problem or not alone.url:
        return alone
    whole = _check_url(f"{check_name(draft.name)}://<#NUMBER#>", after, values)
    try:
        check_handlers(after.handlers, extra_schemes=after.extra_schemes)
    except DialError as problem:
        problem.field = "url"
        return replace(whole, problem=problem, place=None, sample=())
    return _with_target(whole, after)


def create(draft: HandlerDraft, decision: Decision = UNDECIDED) -> Handler:
    """Add a handler; a target that is not allowed yet needs a decision."""
    found = _require_right(draft, None, decision)
    return _save(Handler(), draft, found, decision)


def change(handler_id: int, draft: HandlerDraft, decision: Decision = UNDECIDED) -> Handler:
    """Change a handler: whatever is dialled by way of it must go on working."""
    handler = get(handler_id)
    found = _require_right(draft, handler, decision)
    after = _rules_after(draft, handler)
    if after.allow and decision.allows(found.offer):
        after = replace(after, allow=after.allow.including(parse_entry(found.offer)))
    phones.refuse_stopping(after, field="url")
    return _save(handler, draft, found, decision)


def delete(handler_id: int) -> None:
    """Delete a handler, even if phones stop working; not while other handlers build on it."""
    handler = get(handler_id)
    if names := building_on(handler.name):
        raise InvalidError(
            "handler-in-use",
            N_("These handlers build on it: %(handlers)s. Change or delete them first."),
            handlers=", ".join(f"{name}://" for name in names),
        )
    audit.record_change(Action.HANDLER_REMOVED, f"{handler.name}://", _told(handler), {})
    db.session.delete(handler)
    db.session.commit()


def building_on(name: str) -> list[str]:
    """Return the handlers whose URL begins with the name of this one."""
    return list(
        db.session.scalars(
            select(Handler.name).where(Handler.starts_with == name).order_by(Handler.name)
        )
    )


def stopped_without(name: str) -> list[str]:
    """Name the phones that could no longer be dialled with if a handler were gone."""
    rules = phones.rules()
    others = {other: url for other, url in rules.handlers.items() if other != name}
    return phones.stopped_by(replace(rules, handlers=others))


def _usage() -> Counter[str]:
    """Count the phones that are dialled by way of each handler, directly or through others."""
    next_names = dict(db.session.execute(select(Handler.name, Handler.starts_with)).all())
    starts = db.session.execute(select(Phone.starts_with, func.count()).group_by(Phone.starts_with))
    usage = Counter[str]()
    for start, count in starts:
        name = start
        for _ in range(LONGEST_CHAIN):
            usage[name] += count
            name = next_names.get(name, "")
    return usage


def _rules_after(draft: HandlerDraft, handler: Handler | None) -> Rules:
    """Return the rules as they will be with this handler. Raises InvalidError about its name."""
    rules = phones.rules()
    if not draft.name.strip():
        raise InvalidError(
            "bad-handler-name",
            N_("Give the handler a name, for example %(example)s."),
            field="name",
            example="anlage://",
        )
    try:
        name = check_name(draft.name)
        check_free(name, rules.handlers.keys() - {handler and handler.name})
    except DialError as error:
        error.field = "name"
        raise
    if name in BROWSER_SCHEMES | rules.extra_schemes:
        raise InvalidError(
            "reserved-handler-name",
            N_(
                "Browsers open “%(name)s:” themselves, so it cannot be a handler. "
                "Choose another name."
            ),
            field="name",
            name=name,
        )
    others = dict(rules.handlers)
    if handler:
        _refuse_renaming(handler, name)
        del others[handler.name]
    return replace(rules, handlers={**others, name: draft.url.strip()})


def _refuse_renaming(handler: Handler, name: str) -> None:
    """Let a handler keep its name while anything uses it."""
    if name != handler.name and (used_by(handler.name) or building_on(handler.name)):
        raise InvalidError(
            "handler-in-use",
            N_(
                "Phones or handlers use %(name)s, so it must keep its name. "
                "Add a new handler instead and change them one by one."
            ),
            field="name",
            name=f"{handler.name}://",
        )


def _check_url(url: str, rules: Rules, values: Mapping[str, str]) -> Check:
    """Check a URL in the mode that allows most, because a handler serves phones of every mode."""
    phone = Draft(name="", url=url, open_mode=OpenMode.CLIENT, secrets_allowed=True)
    return phones.check(phone, rules, values)


def _with_target(found: Check, rules: Rules) -> Check:
    """Add where the server will send requests, if any phone that it dials with can use this."""
    try:
        template = parse(found.url, OpenMode.SERVER)
    except DialError:
        return found
    return phones.with_target(found, template, rules.allow) if rules.allow else found


def _require_right(draft: HandlerDraft, handler: Handler | None, decision: Decision) -> Check:
    """Return what a draft comes to, or raise what is wrong with it."""
    found = phones.settle(check(draft, handler), decision)
    if found.problem:
        raise found.problem
    if not draft.url.strip():
        raise InvalidError(
            "url-missing", N_("Enter the URL that takes the place of the name."), field="url"
        )
    return found


def _save(handler: Handler, draft: HandlerDraft, found: Check, decision: Decision) -> Handler:
    name = check_name(draft.name)
    phones.carry_out(decision, found, reason=f"{name}://")
    action = Action.HANDLER_CHANGED if handler.id else Action.HANDLER_ADDED
    before = _told(handler) if handler.id else {}
    handler.name, handler.url = name, draft.url.strip()
    audit.record_change(action, f"{name}://", before, _told(handler))
    db.session.add(handler)
    try:
        db.session.commit()
    except IntegrityError:  # somebody else was faster
        db.session.rollback()
        check_free(name, {name})
    return handler


def _told(handler: Handler) -> dict[str, str]:
    return audit.snapshot(handler, "name", "url")
