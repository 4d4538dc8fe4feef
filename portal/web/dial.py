"""The dial page: a number, what will happen with it, and the call."""

import re
from functools import lru_cache

from flask import Blueprint, Response, make_response, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from portal import calls, phones
from portal.database import reading
from portal.dialing import variables
from portal.dialing.number import NumberKind
from portal.dialing.template import MASK
from portal.errors import (
    N_,
    BusyError,
    ForbiddenError,
    InvalidError,
    PortalError,
    TooManyError,
    UnconfirmedError,
)
from portal.web.call_card import CallCard
from portal.web.guards import me
from portal.web.hooks import only_reads
from portal.web.htmx import redirect, wants_fragment

bp = Blueprint("dial", __name__)

_VARIABLE = re.compile("<#(.*?)#>")
_KINDS = {
    NumberKind.INTERNAL: N_("internal number"),
    NumberKind.EMERGENCY: N_("emergency number"),
    NumberKind.FEATURE_CODE: N_("feature code"),
    NumberKind.FIXED_LINE: N_("landline"),
    NumberKind.MOBILE: N_("mobile"),
    NumberKind.FIXED_LINE_OR_MOBILE: N_("landline or mobile"),
    NumberKind.TOLL_FREE: N_("toll-free"),
    NumberKind.SHARED_COST: N_("shared cost"),
    NumberKind.PREMIUM: N_("premium rate"),
    NumberKind.VOIP: N_("internet telephony"),
    NumberKind.PERSONAL: N_("personal number"),
    NumberKind.COMPANY: N_("company number"),
    NumberKind.UNKNOWN: N_("number of unknown kind"),
}


@bp.app_template_filter("kind")
def _kind(kind: NumberKind) -> str:
    """Say what sort of line a number reaches; to be translated."""
    return _KINDS[kind]


@bp.app_template_filter("marked")
@lru_cache
def _marked(dial_url: str) -> Markup:
    """Return a dial URL with its variables in their tints."""
    pieces = _VARIABLE.split(dial_url)
    return Markup("").join(
        _tinted(piece) if number % 2 else piece for number, piece in enumerate(pieces)
    )


def _tinted(name: str) -> Markup:
    variable = variables.find(name)
    tint = "missing" if variable is None else "secret" if variable.secret else variable.source
    return Markup('<span class="var var-{}">&lt;#{}#&gt;</span>').format(tint, name)


@bp.get("/")
@bp.get("/dial")
def show() -> Response:
    """Show the page, filled in if the address says with what; never calls by itself."""
    return _page(request.args.get("number", ""), request.args.get("phone", ""))


@bp.post("/dial/preview")
@only_reads
def preview() -> str:
    """Show what would happen."""
    caller = me()
    phone = phones.for_caller(caller, request.form.get("phone", ""))
    plan = calls.plan(caller, request.form.get("number", ""), phone)
    return render_template("dial/_preview_answer.html", plan=plan, whom_to_ask=phones.whom_to_ask)


@bp.post("/dial")
def call() -> BaseResponse:
    """Call, once for each click."""
    form = request.form
    number, phone_key = form.get("number", ""), form.get("phone", "")
    if "check" in form:  # the preview for browsers without scripts
        return redirect(url_for("dial.show", number=number, phone=phone_key))
    click_token, confirmed = form.get("click_token", ""), form.get("confirmed", "")
    try:
        placed = calls.place(me(), number, phone_key, click_token, confirmed=confirmed)
    except UnconfirmedError as question:
        return _ask(number, phone_key, click_token, question)
    except (BusyError, ForbiddenError, InvalidError) as error:
        if wants_fragment():
            raise
        return _page(number, phone_key, error)
    with reading():  # whoever sends the call must not wait for the page
        return _placed(placed)


def _ask(number: str, phone_key: str, click_token: str, question: PortalError) -> Response:
    """Show a call that has to be confirmed; its button posts the same click with it."""
    if not wants_fragment():
        return _page(number, phone_key, question, asked_token=click_token)
    caller = me()
    plan = calls.plan(caller, number, phones.for_caller(caller, phone_key))
    fragment = render_template("dial/_confirm.html", plan=plan, asked_token=click_token)
    return make_response(fragment, question.status)


def _page(
    number: str, phone_key: str, refusal: PortalError | None = None, *, asked_token: str = ""
) -> Response:
    caller = me()
    page = render_template(
        "dial/show.html",
        number=number,
        plan=calls.plan(caller, number, phones.for_caller(caller, phone_key)),
        phones=phones.choices(caller),
        click_token=calls.new_click_token(),
        cards=[CallCard(call) for call in calls.recent(caller)],
        refusal=refusal,
        asked_token=asked_token,
        whom_to_ask=phones.whom_to_ask,
    )
    response = make_response(page, refusal.status if refusal else 200)
    if isinstance(refusal, TooManyError):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _placed(placed: calls.Placed) -> BaseResponse:
    card = CallCard(placed.call)
    if wants_fragment():
        status = 503 if placed.call.outcome == "busy" else 200
        earlier = calls.recent(me(), besides=placed.call.id)
        answer = render_template(
            "dial/_placed.html",
            card=card,
            placed=placed,
            click_token=calls.new_click_token(),
            cards=[CallCard(call) for call in earlier],
        )
        return make_response(answer, status)
    if MASK in placed.call.masked_url and placed.url:
        # Only this answer knows the secrets in the URL that the browser is to open.
        return make_response(render_template("calls/show.html", card=card, link=placed.url))
    return redirect(url_for("calls.show", call_id=placed.call.id))
