"""What the outcome of a call says about the phone system itself."""

from enum import StrEnum

from portal.dialing.outcome import OUTCOMES, Outcome, Verdict


class Sign(StrEnum):
    """How a phone system has shown itself."""

    ALIVE = "alive"
    """It has answered, if only to refuse the call."""
    FAILING = "failing"
    """It has not answered, or not as a phone system that works."""
    NONE = "none"
    """It was not asked."""


_FAILING = frozenset(
    {
        "answer-timeout",
        "connect-timeout",
        "connection-lost",
        "connection-refused",
        "dns-failed",
        "dns-timeout",
        "not-http",
        "server-error",
        "tls",
        "unreachable",
    }
)


def sign_of(outcome: Outcome) -> Sign:
    """Return what an outcome says about the phone system.

    >>> sign_of(Outcome("credentials", 401)), sign_of(Outcome("server-error", 503))
    (<Sign.ALIVE: 'alive'>, <Sign.FAILING: 'failing'>)
    """
    if outcome.kind in _FAILING or outcome.kind.startswith("certificate"):
        return Sign.FAILING
    answered = OUTCOMES[outcome.kind].was_sent and outcome.verdict is not Verdict.UNKNOWN
    return Sign.ALIVE if answered else Sign.NONE
