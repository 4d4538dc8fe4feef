"""Why a call ended, from the words of many phone systems to one that a user may read."""

import re
from collections.abc import Mapping
from enum import StrEnum

from portal.errors import N_


class Cause(StrEnum):
    """Why a call ended."""

    NORMAL = "normal"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNREACHABLE = "unreachable"
    NOT_FOUND = "not-found"
    FORWARDED = "forwarded"
    VOICEMAIL = "voicemail"
    UNKNOWN = "unknown"


SENTENCES: Mapping[Cause, str] = {
    Cause.NORMAL: N_("The call has ended."),
    Cause.BUSY: N_("The line was busy."),
    Cause.NO_ANSWER: N_("Nobody answered."),
    Cause.REJECTED: N_("The call was rejected."),
    Cause.CANCELLED: N_("The call was cancelled before anybody answered."),
    Cause.UNREACHABLE: N_("The phone that was called could not be reached."),
    Cause.NOT_FOUND: N_("The phone system found nobody under this number."),
    Cause.FORWARDED: N_("The call was forwarded."),
    Cause.VOICEMAIL: N_("A voice mailbox took the call."),
    Cause.UNKNOWN: N_("The call has ended."),
}

_SPELLINGS: Mapping[Cause, str] = {
    Cause.NORMAL: "normalclearing accepted answer answered hangup 16",
    Cause.BUSY: "userbusy 17",
    Cause.NO_ANSWER: "noanswer nouserresponse missed 18 19",
    Cause.REJECTED: "callrejected blocked declined 21",
    Cause.CANCELLED: "cancel canceled cancelled originatorcancel abort",
    Cause.UNREACHABLE: (
        "congestion unavailable chanunavail usernotregistered normaltemporaryfailure 20 27 34"
    ),
    Cause.NOT_FOUND: "notfound unallocatednumber 1",
    Cause.FORWARDED: "forward",
    Cause.VOICEMAIL: "mailbox",
    Cause.UNKNOWN: "",
}
"""How sipgate, Placetel, Zammad, Asterisk, FreeSWITCH and Q.850 call them, without separators."""

_BY_SPELLING = {
    spelling: cause
    for cause, spellings in _SPELLINGS.items()
    for spelling in (cause.value.replace("-", ""), *spellings.split())
}
_SEPARATORS = re.compile(r"[-_ ]")


def read(text: str) -> Cause:
    """Return what a phone system means, ``unknown`` for what nobody has heard of.

    >>> [read(text).value for text in ("NO_USER_RESPONSE", "noAnswer", "17", "sunspots")]
    ['no-answer', 'no-answer', 'busy', 'unknown']
    """
    return _BY_SPELLING.get(_SEPARATORS.sub("", text).lower(), Cause.UNKNOWN)
