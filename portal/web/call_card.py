"""A call in words: what has happened, what to do next, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from flask_babel import gettext

from portal import calls
from portal.dialing.cause import SENTENCES, Cause
from portal.dialing.outcome import OUTCOMES, Meaning
from portal.dialing.template import MASK, OpenMode
from portal.errors import N_
from portal.models import Call, CallState


class Look(NamedTuple):
    """How a state is shown."""

    word: str
    tone: str
    icon: str


class Step(NamedTuple):
    """A piece of the line of states."""

    word: str
    progress: str = ""
    """``done``, ``current``, ``failed``, ``unknown``, or empty for what is still to come."""
    moment: datetime | None = None
    """When it was reached."""


_LOOKS: Mapping[CallState, Look] = {
    CallState.NEW: Look(N_("waiting"), "info", "hourglass"),
    CallState.SENDING: Look(N_("sent"), "info", "phone-outgoing"),
    CallState.HANDED_OVER: Look(N_("handed over"), "info", "external-link"),
    CallState.ACCEPTED: Look(N_("accepted"), "ok", "phone-outgoing"),
    CallState.RINGING: Look(N_("ringing"), "ok", "phone-call"),
    CallState.ANSWERED: Look(N_("connected"), "ok", "phone-call"),
    CallState.ENDED: Look(N_("ended"), "ok", "phone"),
    CallState.FAILED: Look(N_("failed"), "bad", "phone-off"),
    CallState.UNKNOWN: Look(N_("unknown"), "warn", "circle-question-mark"),
}
_SENTENCES: Mapping[CallState, str] = {
    CallState.NEW: N_("Waiting until it can be sent."),
    CallState.SENDING: N_("Sent. Waiting for the answer of the phone system …"),
    CallState.ACCEPTED: N_("Accepted by the phone system."),
    CallState.RINGING: N_("It is ringing."),
    CallState.ANSWERED: N_("The call is connected."),
    CallState.ENDED: N_("The call has ended."),
}
_HANDED_OVER = {
    "window": N_("Your browser opens the call in a new window."),
    "page": N_("Your browser opens the call in place of this page."),
    "program": N_("Your browser hands the call to a program on this computer."),
}
_REPORTED = (CallState.RINGING, CallState.ANSWERED, CallState.ENDED)
"""What phone systems report, the last state last."""


@dataclass(frozen=True, slots=True)
class CallCard:
    """What a page shows of a call."""

    call: Call

    @property
    def look(self) -> Look:
        """How its state is shown."""
        look = _LOOKS[self.call.state]
        if self.call.state is CallState.ENDED and not self._was_answered:
            look = look._replace(tone="warn", icon="phone-off")
        return look._replace(word=gettext(look.word))

    @property
    def phone_name(self) -> str:
        """The name of the phone it was made with."""
        return gettext(self.call.phone_name) if self.is_practice else self.call.phone_name

    @property
    def is_practice(self) -> bool:
        """Whether nothing was really sent."""
        return self.call.connector == "practice"

    @property
    def happened(self) -> str:
        """The latest news."""
        call = self.call
        if call.state is CallState.HANDED_OVER:
            return str(gettext(_HANDED_OVER[self.opener]))
        if call.cause:
            return str(gettext(SENTENCES[Cause(call.cause)]))
        if self._meaning is None:
            return str(gettext(_SENTENCES[call.state]))
        sentences = [gettext(self._meaning.happened)]
        if call.status_code:
            sentences.append(
                gettext("It answered with status %(status)s.", status=call.status_code)
            )
        if not self._meaning.was_sent:
            sentences.append(gettext("Nothing was sent."))
        return " ".join(sentences)

    @property
    def next_step(self) -> str:
        """What the user can do now."""
        if self._meaning:
            return str(gettext(self._meaning.next_step))
        if self.call.state is CallState.ACCEPTED and not self.is_practice:
            return str(gettext("Most phone systems ring your own phone first: pick it up."))
        if self.call.state in _REPORTED[:-1] and self.is_settled:
            return str(gettext("The phone system has not reported how it went on."))
        return ""

    @property
    def line(self) -> list[Step]:
        """The states it has gone through and those still to come."""
        state = self.call.state
        if self._meaning:
            sent = self._step(CallState.SENDING, "done") if self._meaning.was_sent else _not_sent()
            return [sent, self._step(state, state.value)]
        way = self._way
        reached = way.index(state)
        latest = "current" if self._is_under_way else "done"
        return [
            self._step(step, "done" if number < reached else latest if number == reached else "")
            for number, step in enumerate(way)
        ]

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come."""
        return calls.is_settled(self.call)

    @property
    def pace(self) -> int:
        """After how many seconds to ask for news; 0 if nothing more will come."""
        return calls.pace(self.call)

    @property
    def link(self) -> str:
        """What the browser can open again by hand."""
        return calls.link_of(self.call)

    @property
    def tel_link(self) -> str:
        """The number for another phone program."""
        return calls.tel_link(self.call.number)

    @property
    def opener(self) -> str:
        """What opens a call handed over: a new ``window``, this ``page``, or a ``program``."""
        if self.call.open_mode is OpenMode.WINDOW:
            return "window"
        return "page" if self.call.masked_url.startswith(("http:", "https:")) else "program"

    @property
    def hides_secrets(self) -> bool:
        """Whether the URL that is shown has secrets masked."""
        return MASK in self.call.masked_url

    @property
    def _meaning(self) -> Meaning | None:
        """What went wrong, if anything."""
        went_wrong = self.call.state in {CallState.FAILED, CallState.UNKNOWN}
        return OUTCOMES[self.call.outcome] if went_wrong else None

    @property
    def _way(self) -> tuple[CallState, ...]:
        """The states of a call with which nothing goes wrong, without those it has left out."""
        state = self.call.state
        if not self.is_practice and state not in _REPORTED:
            return self._beginning
        way = (*self._beginning, *_REPORTED)
        reached = way.index(state)
        return tuple(
            step
            for number, step in enumerate(way)
            if number in {0, reached} or step in self.call.times or number > reached
        )

    @property
    def _beginning(self) -> tuple[CallState, ...]:
        """The states before a phone system reports anything."""
        state = self.call.state
        if state is CallState.HANDED_OVER or self.call.open_mode is not OpenMode.SERVER:
            return (CallState.HANDED_OVER,)
        if self.is_practice:  # of which nothing is "sent"
            return (state if state.in_flight else CallState.ACCEPTED,)
        return (state if state.in_flight else CallState.SENDING, CallState.ACCEPTED)

    @property
    def _is_under_way(self) -> bool:
        """Whether somebody is at work on the call now, as far as is known."""
        state = self.call.state
        return not self.is_settled and (self.is_practice or state.in_flight or state in _REPORTED)

    @property
    def _was_answered(self) -> bool:
        """Whether somebody was spoken to, or may have been."""
        call = self.call
        return CallState.ANSWERED in call.times or call.cause in {"", Cause.NORMAL, Cause.UNKNOWN}

    def _step(self, state: CallState, progress: str) -> Step:
        reached = self.call.times.get(state)
        moment = datetime.fromisoformat(reached) if reached else None
        return Step(gettext(_LOOKS[state].word), progress, moment)


def _not_sent() -> Step:
    return Step(gettext("not sent"))
