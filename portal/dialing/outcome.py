"""How an attempt to call can turn out, in words a user may read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.errors import N_


class Verdict(StrEnum):
    """What is known about a call once the exchange with the phone system is over."""

    ACCEPTED = "accepted"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind of outcome means for the user."""

    verdict: Verdict
    happened: str
    next_step: str = ""
    was_sent: bool = True
    """Whether the phone system may have got the request."""


_LOOK_AT_PHONE = N_("Look at your phone before you try again. The call is not repeated.")
_TRY_AGAIN = N_("Try again in a moment. If it stays like this, tell your administrator.")
_CHECK_HOST = N_("Ask your administrator to check host and port in the dial URL.")
_CHECK_CERTIFICATE = N_(
    "Ask your administrator to look at this target under Click2Dial, Allowed targets."
)
_HAVE_IT_ALLOWED = N_("Ask your administrator to allow this target.")


def _not_sent(happened: str, next_step: str) -> Meaning:
    return Meaning(Verdict.FAILED, happened, next_step, was_sent=False)


def _refused(happened: str, next_step: str) -> Meaning:
    return Meaning(Verdict.FAILED, happened, next_step)


def _unknown(happened: str) -> Meaning:
    return Meaning(Verdict.UNKNOWN, happened, _LOOK_AT_PHONE)


OUTCOMES: Mapping[str, Meaning] = {
    "accepted": Meaning(Verdict.ACCEPTED, N_("Accepted by the phone system.")),
    "busy": _not_sent(
        N_("The portal is busy with other calls."), N_("Wait a few seconds, then call again.")
    ),
    "paused": _not_sent(
        N_("The phone system has not answered several times, so it gets a pause."), _TRY_AGAIN
    ),
    "credentials-paused": _not_sent(
        N_("The phone system has refused your CTI credentials several times in a row."),
        N_("Correct CTI user and CTI password in your settings under Security."),
    ),
    "stopped": _not_sent(
        N_("An administrator has stopped all dialling."),
        N_("Until it goes on, call on your phone."),
    ),
    "connection-refused": _not_sent(
        N_("The computer of the phone system refused the connection."), _TRY_AGAIN
    ),
    "dns-failed": _not_sent(
        N_("No address was found for the host name in the dial URL."), _CHECK_HOST
    ),
    "dns-timeout": _not_sent(
        N_("The address for the host name in the dial URL was not found in time."), _TRY_AGAIN
    ),
    "not-on-allow-list": _not_sent(
        N_("The portal may not contact the host in the dial URL."), _HAVE_IT_ALLOWED
    ),
    "port-not-allowed": _not_sent(
        N_("The portal may not contact the host in the dial URL on this port."), _HAVE_IT_ALLOWED
    ),
    "address-never-allowed": _not_sent(
        N_("The host in the dial URL has an address where no phone system can be."), _CHECK_HOST
    ),
    "bad-url": _not_sent(
        N_("What the dial URL has become cannot be opened."),
        N_("Ask your administrator to check the dial URL."),
    ),
    "url-too-long": _not_sent(
        N_("With all values inserted the dial URL is longer than the portal may open."),
        N_("Ask your administrator to shorten the dial URL."),
    ),
    "unreachable": _not_sent(
        N_("The phone system cannot be reached over the network."), _TRY_AGAIN
    ),
    "connect-timeout": _not_sent(
        N_("The phone system did not open a connection in time."), _TRY_AGAIN
    ),
    "certificate": _not_sent(
        N_("The certificate of the phone system cannot be trusted."), _CHECK_CERTIFICATE
    ),
    "certificate-expired": _not_sent(
        N_("The certificate of the phone system has expired or is not valid yet."),
        N_("Ask your administrator to renew it there, or to check the clocks of both computers."),
    ),
    "certificate-host": _not_sent(
        N_("The certificate of the phone system is made out for another host."),
        N_("Ask your administrator to write the host as the certificate does in the dial URL."),
    ),
    "certificate-issuer": _not_sent(
        N_("Nobody whom the portal trusts vouches for the certificate of the phone system."),
        _CHECK_CERTIFICATE,
    ),
    "certificate-changed": _not_sent(
        N_(
            "The phone system shows another certificate than the one an administrator confirmed. "
            "No call was made."
        ),
        N_(
            "Somebody may be in between. Ask your administrator to compare the certificates "
            "under Click2Dial, Allowed targets."
        ),
    ),
    "tls": _not_sent(
        N_("No encrypted connection to the phone system could be set up."),
        N_("Ask your administrator whether the dial URL has to begin with http:// or https://."),
    ),
    "answer-timeout": _unknown(N_("The phone system has not answered. Your phone may ring.")),
    "connection-lost": _unknown(
        N_("The connection broke before the phone system answered. Your phone may ring.")
    ),
    "lost": _unknown(N_("The portal was interrupted during this call. Your phone may ring.")),
    "credentials": _refused(
        N_("The phone system does not accept your credentials."),
        N_("Check CTI user and CTI password in your settings under Security."),
    ),
    "not-found": _refused(
        N_("The phone system does not know the address that was opened."),
        N_("Ask your administrator to check the path in the dial URL."),
    ),
    "request-refused": _refused(
        N_("The phone system refused the request."),
        N_("Check the number. If it is right, ask your administrator to check the dial URL."),
    ),
    "reported-failure": _refused(
        N_("The phone system answered that it has not made the call."),
        N_(
            "Check the number and your own phone. If both are right, ask your administrator to "
            "check the dial URL."
        ),
    ),
    "server-error": _refused(N_("The phone system reported an error of its own."), _TRY_AGAIN),
    "redirect-not-followed": _refused(
        N_("The phone system answered with another address, which is not followed."),
        N_("Ask your administrator to enter the final address as the dial URL."),
    ),
    "not-http": _refused(N_("What answered is not a phone system that speaks HTTP."), _CHECK_HOST),
}
"""Every kind of outcome by the word that is stored with a call."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt turned out: a key of OUTCOMES, and the HTTP status if one came."""

    kind: str
    status: int | None = None

    @property
    def verdict(self) -> Verdict:
        """What is known about the call."""
        return OUTCOMES[self.kind].verdict
