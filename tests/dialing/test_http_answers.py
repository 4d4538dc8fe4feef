"""What the answer of a phone system says about a call."""

import pytest

from portal.dialing.connector.http import outcome_of
from portal.dialing.outcome import OUTCOMES, Outcome, Verdict
from portal.dialing.transport import Answer

MXML = b"""<ajax-response>
<response type='object' id='unknown'><generic response='Error' %s /></response>
</ajax-response>
"""


@pytest.mark.parametrize(
    ("status", "kind", "verdict"),
    [
        (200, "accepted", Verdict.ACCEPTED),
        (202, "accepted", Verdict.ACCEPTED),
        (204, "accepted", Verdict.ACCEPTED),
        (301, "redirect-not-followed", Verdict.FAILED),
        (307, "redirect-not-followed", Verdict.FAILED),
        (400, "request-refused", Verdict.FAILED),
        (401, "credentials", Verdict.FAILED),
        (403, "credentials", Verdict.FAILED),
        (404, "not-found", Verdict.FAILED),
        (429, "request-refused", Verdict.FAILED),
        (500, "server-error", Verdict.FAILED),
        (502, "server-error", Verdict.FAILED),
        (503, "server-error", Verdict.FAILED),
        (100, "not-http", Verdict.FAILED),
        (999, "not-http", Verdict.FAILED),
    ],
)
def test_the_status_decides(status: int, kind: str, verdict: Verdict):
    outcome = outcome_of(Answer(status, b""))

    assert outcome == Outcome(kind, status)
    assert outcome.verdict is verdict


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"Response: Error\r\nMessage: Authentication failed\r\n\r\n", "credentials"),
        (b"Response: Error\r\nMessage: Permission denied\r\n\r\n", "reported-failure"),
        (b"Response: Error\r\nActionID: o1\r\nMessage: Originate failed\r\n", "reported-failure"),
        (b"\r\nresponse:Error\nMessage: Extension does not exist.\n\n", "reported-failure"),
        (
            MXML % b"actionid='o1' message='Originate failed'",
            "reported-failure",
        ),
        (
            MXML % b"message='Authentication failed'",
            "credentials",
        ),
        (b"-ERR USER_BUSY\n", "reported-failure"),
        (b"-USAGE: <call url> <exten>\n", "reported-failure"),
        (b"INVALID COMMAND!", "reported-failure"),
        (
            b"<?xml version='1.0'?>\n<methodResponse>\n<fault><value>0</value></fault>",
            "reported-failure",
        ),
        (b'<CiscoIPPhoneError Number="4" />', "credentials"),
        (b'<?xml version="1.0"?><CiscoIPPhoneError Number="1" />', "reported-failure"),
        (b"ERROR: no such extension", "reported-failure"),
        (b"\xef\xbb\xbfError", "reported-failure"),
        (b"  Fehler 17", "reported-failure"),
        (b"Failed to call 0361", "reported-failure"),
        (b'{"error":"Allocation failed"}', "reported-failure"),
        (b'{"error": {"code": 3}}', "reported-failure"),
        (b' {"success": false}', "reported-failure"),
        (b'{"ok": false}', "reported-failure"),
        (b'{"status": "Error", "message": "busy"}', "reported-failure"),
        (b'{"result": "failed"}', "reported-failure"),
    ],
)
def test_a_good_status_with_words_that_say_no_is_no_success(body: bytes, kind: str):
    outcome = outcome_of(Answer(200, body))

    assert outcome == Outcome(kind, 200)
    assert OUTCOMES[kind].verdict is Verdict.FAILED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"\xff\xfe\x00",
        b"Response: Success\r\nMessage: Originate successfully queued\r\n\r\n",
        b"Response: Success\r\nActionID: Response: Error\r\n\r\n",
        b"<ajax-response>\n<response><generic response='Success' /></response></ajax-response>",
        b"+OK 223ddcc6-0000\n",
        b"error=0",
        b"error=0&id=7",
        b"Error: no\n",
        b"Error: none",
        b"Errors are logged",
        b"errorless",
        b"<html><title>No error</title>",
        b"Call started. Last error: busy",
        b'{"error": null, "success": true}',
        b'{"error": false}',
        b'{"error": 0, "status": "ok"}',
        b'{"error": ""}',
        b'{"message": "no error"}',
        b'["error"]',
        b'{"error": "cut of',
        b'{"a":' * 20_000,
    ],
)
def test_for_all_other_words_the_status_counts(body: bytes):
    assert outcome_of(Answer(200, body)) == Outcome("accepted", 200)


def test_words_do_not_turn_a_bad_status_into_another():
    assert outcome_of(Answer(500, b'{"error":"Allocation failed"}')).kind == "server-error"
    assert outcome_of(Answer(401, b"Response: Success")).kind == "credentials"
