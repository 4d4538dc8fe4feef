"""What is said about the ways in which a call can turn out."""

import pytest

from portal.dialing.outcome import OUTCOMES, Verdict


@pytest.mark.parametrize("kind", sorted(OUTCOMES))
def test_no_outcome_promises_what_is_not_known(kind: str):
    meaning = OUTCOMES[kind]

    assert (meaning.verdict is Verdict.ACCEPTED) is (kind == "accepted")
    assert meaning.next_step or kind == "accepted"
    if meaning.verdict is Verdict.UNKNOWN:
        assert "Your phone may ring." in meaning.happened
        assert "The call is not repeated." in meaning.next_step
