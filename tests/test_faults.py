"""What a user learns when a phone system goes wrong: each fault on a real socket, once."""

import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from html import unescape

import pytest
from flask import Flask
from flask_babel import force_locale, gettext

from portal import accounts, phones, targets
from portal.dialing.outcome import OUTCOMES
from portal.dialing.target import parse_entry
from portal.dialing.tls import TrustMode
from portal.extensions import db
from portal.phones import Draft
from tests.support import many_exchanges
from tests.support.certificates import (
    EXPIRED,
    an_authority,
    issued_by,
    self_signed,
    tls_phone_system,
)
from tests.support.databases import on_sqlite
from tests.support.faults import (
    Fault,
    answers,
    drips_body,
    drips_headers,
    endless_body,
    gzip_bomb,
    hangs_up,
    never_answers,
    phone_system_that,
    port_that_swallows_connections,
    redirects,
    resets,
    says,
    says_nothing,
    speaks_first,
)
from tests.support.names import Names
from tests.support.people import Person
from tests.support.processes import free_port
from tests.support.targets import allow_target_of

LIMITS = {"look_up_timeout": 1.0, "connect_timeout": 1.0, "exchange_timeout": 2.0}
LONGEST = max(LIMITS.values())
SLACK = 5.0
"""So many seconds longer than within a second of its limit something may take under load."""

AMI_ERROR = b"Response: Error\r\nMessage: Originate failed\r\n\r\n"
METADATA = "http://169.254.169.254/latest/meta-data/"
MAY_RING = "Your phone may ring."
NOT_REPEATED = "The call is not repeated."
NOTHING_SENT = "Nothing was sent."
REFUSED_BY_STATUS = "It answered with status"


@dataclass(frozen=True)
class Case:
    """A fault, and all that is required of the portal then."""

    fault: Fault
    state: str
    outcome: str
    tells: tuple[str, ...] = field(default=())


FAULTS = {
    "never answers": Case(
        never_answers,
        "unknown",
        "answer-timeout",
        ("The phone system has not answered.", MAY_RING, NOT_REPEATED),
    ),
    "drips headers": Case(drips_headers(), "unknown", "answer-timeout", (MAY_RING, NOT_REPEATED)),
    "drips a body": Case(drips_body(), "accepted", "accepted"),
    "endless body": Case(endless_body, "accepted", "accepted"),
    "gzip bomb": Case(gzip_bomb(), "accepted", "accepted"),
    "resets before the answer": Case(
        resets(), "unknown", "connection-lost", ("The connection broke", MAY_RING, NOT_REPEATED)
    ),
    "resets within the head": Case(
        resets(b"HTTP/1.1 200 OK\r\nContent-"), "unknown", "connection-lost", (MAY_RING,)
    ),
    "resets within the body": Case(
        resets(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), "accepted", "accepted"
    ),
    "hangs up": Case(hangs_up, "unknown", "connection-lost", (MAY_RING, NOT_REPEATED)),
    **{
        str(status): Case(
            answers(status),
            "failed",
            "server-error",
            ("an error of its own", f"{REFUSED_BY_STATUS} {status}."),
        )
        for status in (500, 502, 503)
    },
    **{
        str(status): Case(
            answers(status),
            "failed",
            "credentials",
            ("does not accept your credentials", "Check CTI user and CTI password"),
        )
        for status in (401, 403)
    },
    "404": Case(answers(404), "failed", "not-found", ("check the path in the dial URL",)),
    "400": Case(answers(400), "failed", "request-refused", ("refused the request",)),
    "redirect loop": Case(
        redirects("/call"), "failed", "redirect-not-followed", ("which is not followed",)
    ),
    "redirect to metadata": Case(
        redirects(METADATA, 307), "failed", "redirect-not-followed", ("which is not followed",)
    ),
    "garbage": Case(
        says(b"\x00\x16 garbage\r\n\r\n"), "failed", "not-http", ("is not a phone system",)
    ),
    "text that says error": Case(
        answers(200, AMI_ERROR),
        "failed",
        "reported-failure",
        ("answered that it has not made the call", f"{REFUSED_BY_STATUS} 200."),
    ),
}


class Card:
    """The call as its page shows it to the user in the end, and how long that took."""

    def __init__(self, person: Person, path: str, seconds: float) -> None:
        self._person = person
        self._path = path
        self.seconds = seconds

    @property
    def state(self) -> str:
        """What ``data-call-state`` says."""
        match = re.search(r'data-call-state="(\w+)"', self._page())
        assert match is not None
        return match[1]

    def tells(self, sentence: str) -> bool:
        """Whether the user can read this."""
        return sentence in re.sub(r"\s+", " ", unescape(self._page()))

    def _page(self) -> str:
        return self._person.client.get(self._path).text


@pytest.fixture
def app(make_app: Callable[..., Flask], request: pytest.FixtureRequest) -> Flask:
    return make_app(**getattr(request, "param", LIMITS))


@pytest.fixture
def dial(app: Flask, alice: Person) -> Callable[..., Card]:
    """Let alice dial with a dial URL, and wait until she knows what has come of it."""

    def dial_with(url: str, *allowed: str) -> Card:
        with app.app_context():
            for entry in allowed:
                targets.add(parse_entry(entry), reason="test", by=None)
            db.session.commit()
            if not allowed:
                allow_target_of(url)
            phones.save_default(Draft("Desk phones", url))
        started = time.monotonic()
        form = {"number": "+49 361 30262422", "phone": "default", "click_token": "click-0123456789"}
        path = alice.client.submit("/dial", form).location
        card = Card(alice, path, 0.0)
        while card.state in {"new", "sending"}:
            assert time.monotonic() - started < LONGEST + 1 + 2 * SLACK
            time.sleep(0.05)
        return Card(alice, path, time.monotonic() - started)

    return dial_with


def assert_told(app: Flask, alice: Person, card: Card, outcome: str, *sentences: str) -> None:
    """See that the user reads what happened and what to do, in English and in German."""
    meaning = OUTCOMES[outcome]
    for sentence in (*sentences, meaning.happened, meaning.next_step):
        assert card.tells(sentence)
    assert card.tells(NOTHING_SENT) is (not meaning.was_sent)
    with app.app_context():
        accounts.change_preferences(alice.id, language="de")
    with app.test_request_context(), force_locale("de"):
        german = [gettext(meaning.happened), gettext(meaning.next_step)]
    assert german != [meaning.happened, meaning.next_step]
    assert all(card.tells(sentence) for sentence in german)


@on_sqlite
@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told_in_time_and_sent_once(app, alice, dial, case: Case):
    with phone_system_that(case.fault) as system:
        card = dial(system.url())

    assert (system.connections, len(system.requests)) == (1, 1)
    assert card.state == case.state
    assert card.seconds < LIMITS["exchange_timeout"] + 1 + SLACK
    if case.state == "accepted":
        assert card.tells("Accepted by the phone system.")
    else:
        assert_told(app, alice, card, case.outcome, *case.tells)


@on_sqlite
def test_a_refused_connection_is_told(app, alice, dial):
    card = dial(f"http://127.0.0.1:{free_port()}/<#NUMBER#>")

    assert card.state == "failed"
    assert card.seconds < LIMITS["connect_timeout"] + 1 + SLACK
    assert_told(app, alice, card, "connection-refused", "refused the connection")


@on_sqlite
def test_a_connection_that_is_swallowed_is_told(app, alice, dial):
    with port_that_swallows_connections() as port:
        card = dial(f"http://127.0.0.1:{port}/<#NUMBER#>")

    assert card.state == "failed"
    assert card.seconds < LIMITS["connect_timeout"] + 1 + SLACK
    assert_told(app, alice, card, "connect-timeout", "did not open a connection in time")


@on_sqlite
def test_an_address_that_nobody_has_is_told(app, alice, dial):
    """Where a machine has no way to it that is known at once; where it has one, nobody answers."""
    card = dial("http://[2001:db8::1]:9/<#NUMBER#>")

    assert card.state == "failed"
    assert card.seconds < LIMITS["connect_timeout"] + 1 + SLACK
    no_way = card.tells(OUTCOMES["unreachable"].happened)
    assert_told(app, alice, card, "unreachable" if no_way else "connect-timeout")


@on_sqlite
def test_tls_that_does_not_come_about_is_told(app, alice, dial):
    with phone_system_that(says_nothing) as system:
        card = dial(system.url().replace("http:", "https:"))

    assert card.state == "failed"
    assert card.seconds < LIMITS["exchange_timeout"] + 1 + SLACK
    assert system.requests == []
    assert_told(app, alice, card, "connect-timeout")


AT_LEISURE = pytest.mark.parametrize(
    "app",
    [{"connect_timeout": LONGEST + SLACK, "exchange_timeout": LONGEST + SLACK}],
    indirect=True,
)
"""For what no limit ends: to agree on keys takes its time under load."""

AUTHORITY = an_authority()
CERTIFICATES = {
    "expired": (issued_by(AUTHORITY, days=EXPIRED), TrustMode.AUTHORITY, "certificate-expired"),
    "wrong host": (issued_by(AUTHORITY, "pbx.example"), TrustMode.AUTHORITY, "certificate-host"),
    "self-signed": (self_signed(), TrustMode.SYSTEM, "certificate-issuer"),
    "changed": (self_signed(), TrustMode.PIN, "certificate-changed"),
}


@on_sqlite
@AT_LEISURE
@pytest.mark.parametrize("case", CERTIFICATES.values(), ids=CERTIFICATES.keys())
def test_a_certificate_that_is_not_trusted_is_told_and_gets_nothing(app, alice, dial, case):
    shown, mode, outcome = case
    with tls_phone_system(shown) as system:
        with app.app_context():
            target = targets.allow(system.entry)
            targets.change_trust(
                target.id, mode, fingerprint=AUTHORITY.fingerprint, authority=AUTHORITY.pem
            )
        card = dial(f"{system.url}/<#NUMBER#>")

    assert card.state == "failed"
    assert system.received == b""
    assert_told(app, alice, card, outcome)


@on_sqlite
@AT_LEISURE
def test_a_certificate_that_is_confirmed_is_called(app, dial):
    with tls_phone_system(self_signed()) as system:
        with app.app_context():
            target = targets.allow(system.entry)
            shown = targets.show_certificate(target.id).own
            targets.change_trust(target.id, TrustMode.PIN, fingerprint=shown.fingerprint)
        card = dial(f"{system.url}/<#NUMBER#>")

    assert card.state == "accepted"
    assert system.received.startswith(b"GET /call/%2B4936130262422 HTTP/1.1")


@on_sqlite
def test_a_name_that_does_not_exist_is_told(app, alice, dial, names: Names):
    names.answers = [[]]

    card = dial("http://pbx.example:8088/<#NUMBER#>")

    assert card.state == "failed"
    assert_told(app, alice, card, "dns-failed", "No address was found")


@on_sqlite
def test_a_name_server_that_is_slow_is_told(app, alice, dial, names: Names):
    names.hangs = True

    card = dial("http://pbx.example:8088/<#NUMBER#>")

    assert card.state == "failed"
    assert card.seconds < LIMITS["look_up_timeout"] + 1 + SLACK
    assert_told(app, alice, card, "dns-timeout", "not found in time")


@on_sqlite
def test_a_name_that_is_bound_anew_leads_nowhere_else(dial, names: Names):
    with phone_system_that(answers()) as system:
        names.answers = [["127.0.0.1"], ["169.254.169.254"]]
        card = dial(f"http://pbx.example:{system.port}/<#NUMBER#>", f"127.0.0.1:{system.port}")

    assert card.state == "accepted"
    assert len(system.requests) == len(names.asked) == 1


@on_sqlite
def test_a_name_that_leads_to_the_metadata_is_told(app, alice, dial, names: Names):
    names.answers = [["169.254.169.254"]]

    card = dial("http://pbx.example/<#NUMBER#>")

    assert card.state == "failed"
    assert_told(app, alice, card, "address-never-allowed", "where no phone system can be")


@on_sqlite
def test_a_new_address_of_a_name_is_used_at_once(dial, names: Names):
    with phone_system_that(answers()) as first, phone_system_that(answers()) as second:
        names.answers = [["127.0.0.1"]]
        card = dial(f"http://pbx.example:{second.port}/<#NUMBER#>", f"127.0.0.1:{second.port}")

    assert card.state == "accepted"
    assert (len(first.requests), len(second.requests)) == (0, 1)


def test_a_thousand_faults_leave_nothing_in_memory():
    """Those that are over at once; of the others, which hang or drip, a few more would add none."""
    fast = {name: case for name, case in FAULTS.items() if case.outcome != "answer-timeout"}
    del fast["drips a body"]

    with ExitStack() as stack:
        start = stack.enter_context
        plain = [start(phone_system_that(case.fault)).url("/") for case in fast.values()]
        untrusted = start(phone_system_that(answers(), self_signed().context())).url("/")
        not_tls = start(phone_system_that(speaks_first)).url("/").replace("http:", "https:")
        refused = f"http://127.0.0.1:{free_port()}/"
        growth, outcomes = many_exchanges.run([*plain, untrusted, not_tls, refused], 1000)

    others = {"certificate-issuer", "tls", "connection-refused"}
    assert set(outcomes) == {case.outcome for case in fast.values()} | others
    assert sum(outcomes.values()) == 1000
    assert growth <= 5 * 1024 * 1024
