"""Why a call ended, in the words of many phone systems."""

import pytest

from portal.dialing.cause import SENTENCES, Cause, read


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_understood_and_has_its_sentence(cause):
    assert read(cause) is cause
    assert SENTENCES[cause].endswith(".")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("normalClearing NORMAL_CLEARING ANSWER accepted 16", Cause.NORMAL),
        ("BUSY USER_BUSY 17", Cause.BUSY),
        ("noAnswer NOANSWER no_answer NO_USER_RESPONSE missed 18 19", Cause.NO_ANSWER),
        ("CALL_REJECTED blocked 21", Cause.REJECTED),
        ("cancel canceled CANCEL ABORT ORIGINATOR_CANCEL", Cause.CANCELLED),
        ("congestion CHANUNAVAIL USER_NOT_REGISTERED 20 27 34", Cause.UNREACHABLE),
        ("notFound UNALLOCATED_NUMBER 1", Cause.NOT_FOUND),
        ("forwarded", Cause.FORWARDED),
        ("voicemail", Cause.VOICEMAIL),
        ("sunspots 999 <b> \ud800 \x00", Cause.UNKNOWN),
    ],
)
def test_phone_systems_may_use_their_own_words(words, cause):
    assert {read(word) for word in words.split()} == {cause}
