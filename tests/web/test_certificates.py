"""The page of a target: its certificate is fetched, shown, confirmed."""

import re
import socket

import pytest
from sqlalchemy import select

from portal import targets
from portal.dialing.tls import Trust, TrustMode, in_groups
from portal.extensions import db
from portal.models import AuditEvent, Target
from tests.support.certificates import HOST, an_authority, issued_by, self_signed, tls_phone_system
from tests.support.databases import on_sqlite
from tests.support.people import PASSWORD, let_confirmations_lapse

pytestmark = on_sqlite

LIST = "/admin/click2dial/targets"
AUTHORITY = an_authority()
FINGERPRINT = "3fa2" * 16


@pytest.fixture
def app(make_app):
    """To agree on keys takes its time under load."""
    return make_app(connect_timeout=20.0)


@pytest.fixture
def allowed(app, ada):
    """Allow a target; gives the address of its page."""

    def allow(entry, mode=TrustMode.SYSTEM, **detail):
        with app.app_context():
            target = targets.allow(entry, reason="Head office", by=ada.id)
            targets.change_trust(target.id, mode, **detail)
            return f"{LIST}/{target.id}"

    return allow


@pytest.fixture
def page(allowed):
    return allowed("pbx.example")


def trust(app):
    with app.app_context():
        return db.session.scalars(select(Target)).one().trust


def changes(app):
    with app.app_context():
        events = select(AuditEvent).where(AuditEvent.action == "target.trust-changed")
        return [(event.subject, event.changes["trust"]) for event in db.session.scalars(events)]


def buttons(answer):
    """Return what the buttons that trust a certificate would send."""
    forms = re.findall(r'<form method="post" action="[^"]+">(.*?)</form>', answer.text, re.DOTALL)
    found = [dict(re.findall(r'name="(\w+)" value="([^"]*)"', form)) for form in forms]
    return {fields["trust_mode"]: fields for fields in found if "trust_mode" in fields}


def spoken(fingerprint):
    return "".join(f"<code>{group}</code> " for group in in_groups(fingerprint))


# Choosing


def test_the_list_leads_to_the_page_of_each_target(ada, page):
    assert f'href="{page}"' in ada.client.get(LIST).text
    answer = ada.client.get(page)
    assert "pbx.example" in answer.text
    assert "Head office" in answer.text
    assert re.search(r'value="system"[^>]* checked', answer.text)
    assert ada.client.get(f"{LIST}/99").status_code == 404


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({"trust_mode": "unverified"}, Trust(TrustMode.UNVERIFIED)),
        (
            {"trust_mode": "pin", "fingerprint": " ".join(in_groups(FINGERPRINT))},
            Trust(TrustMode.PIN, fingerprint=FINGERPRINT),
        ),
        (
            {"trust_mode": "authority", "authority": AUTHORITY.pem},
            Trust(TrustMode.AUTHORITY, authority=AUTHORITY.pem),
        ),
    ],
    ids=["unverified", "pin", "authority"],
)
def test_what_is_chosen_is_saved_shown_and_in_the_audit_trail(app, ada, page, fields, chosen):
    assert ada.client.submit(page, fields).location == LIST

    assert trust(app) == chosen
    assert re.search(rf'value="{fields["trust_mode"]}"[^>]* checked', ada.client.get(page).text)
    ((subject, (old, new)),) = changes(app)
    assert (subject, old, new.split()[0]) == ("pbx.example", "system", fields["trust_mode"])

    ada.client.submit(page, {"trust_mode": "system"})
    assert trust(app) == Trust()
    assert [change[1][1] for change in changes(app)][1:] == ["system"]


def test_the_audit_trail_names_the_certificates(app, ada, page):
    ada.client.submit(page, {"trust_mode": "pin", "fingerprint": FINGERPRINT})
    ada.client.submit(page, {"trust_mode": "authority", "authority": AUTHORITY.pem})

    pinned = f"pin {':'.join(in_groups(FINGERPRINT))}"
    authority = f"authority {':'.join(in_groups(AUTHORITY.fingerprint))}"
    assert [change for _subject, change in changes(app)] == [
        ["system", pinned],
        [pinned, authority],
    ]


def test_saving_what_is_saved_changes_nothing(app, ada, page):
    ada.client.submit(page, {"trust_mode": "system", "fingerprint": "not looked at"})

    assert changes(app) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"trust_mode": "anybody"}, "Not a valid choice"),
        ({"trust_mode": "pin", "fingerprint": "3F:A2"}, "This is not a SHA-256 fingerprint"),
        ({"trust_mode": "authority", "authority": "hello"}, "This is not a certificate."),
        ({"trust_mode": "authority", "authority": AUTHORITY.private}, "This holds a private key"),
    ],
)
def test_what_cannot_be_trusted_is_refused_at_its_field(app, ada, page, fields, sentence):
    answer = ada.client.submit(page, fields)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert trust(app) == Trust()


def test_a_pin_that_is_wiped_out_is_not_kept_in_silence(app, ada, page):
    ada.client.submit(page, {"trust_mode": "pin", "fingerprint": FINGERPRINT})

    assert ada.client.submit(page, {"trust_mode": "pin", "fingerprint": ""}).status_code == 422


def test_the_button_that_confirms_asks_for_the_password_and_forgets_nothing(app, ada, page):
    button = {"trust_mode": "pin", "fingerprint": FINGERPRINT}
    ada.client.get(page)
    let_confirmations_lapse(app)

    asked = ada.client.submit(page, button)
    assert asked.status_code == 422
    assert FINGERPRINT in asked.text
    assert re.search(r'value="pin"[^>]* checked', asked.text)
    assert trust(app) == Trust()

    ada.client.submit(page, {**button, "confirm_password": PASSWORD})
    assert trust(app) == Trust(TrustMode.PIN, fingerprint=FINGERPRINT)


def test_not_to_verify_is_pointed_out_in_red_everywhere(app, ada, page):
    for path in (LIST, page):
        assert "not verified" not in ada.client.get(path).text

    ada.client.submit(page, {"trust_mode": "unverified"})

    badge = re.compile(r'<span class="badge badge-bad">.*?not verified</span>')
    for path in (LIST, page):
        assert badge.search(ada.client.get(path).text)
    status = ada.client.get("/admin/status").text
    assert re.search(
        r'data-health="warn">(?:(?!</li>).)*Any certificate will do at pbx\.example',
        status,
        re.DOTALL,
    )


# Fetching


def test_the_certificate_is_fetched_and_exactly_what_was_shown_is_confirmed(app, ada, allowed):
    with tls_phone_system(self_signed("lab-phone", HOST)) as system:
        page = allowed(system.entry)
        answer = ada.client.submit(f"{page}/certificate")
        shown = system.shows
        system.shows = self_signed("lab-phone", HOST)
        ada.client.submit(page, buttons(answer)["pin"])

    assert answer.status_code == 200
    for text in (
        spoken(shown.fingerprint),
        "<code>lab-phone</code>, <code>127.0.0.1</code>",
        "CN=lab-phone",
        "itself",
        "Calls refuse it",
    ):
        assert text in answer.text
    assert trust(app) == Trust(TrustMode.PIN, fingerprint=shown.fingerprint)
    assert system.received == b""


def test_htmx_gets_the_certificate_alone(ada, allowed):
    with tls_phone_system(self_signed()) as system:
        page = allowed(system.entry)
        whole = ada.client.submit(f"{page}/certificate")
        part = ada.client.submit(f"{page}/certificate", htmx=True)

    assert "<h1>" in whole.text
    assert 'type="radio"' in whole.text
    assert "<h1>" not in part.text
    assert spoken(system.shows.fingerprint) in part.text


def test_fetching_saves_nothing(app, ada, allowed):
    with tls_phone_system(self_signed()) as system:
        page = allowed(system.entry)
        ada.client.submit(f"{page}/certificate")

    assert trust(app) == Trust()
    assert changes(app) == []


def test_the_authority_that_is_sent_along_can_be_trusted(app, ada, allowed):
    with tls_phone_system(issued_by(AUTHORITY)) as system:
        page = allowed(system.entry)
        answer = ada.client.submit(f"{page}/certificate")
        ada.client.submit(page, buttons(answer)["authority"])
        again = ada.client.submit(f"{page}/certificate")

    assert spoken(AUTHORITY.fingerprint) in answer.text
    assert trust(app) == Trust(TrustMode.AUTHORITY, authority=AUTHORITY.pem)
    assert "Calls accept it" in again.text


def test_a_changed_certificate_is_shown_beside_the_confirmed_one_and_can_be_confirmed(
    app, ada, allowed
):
    with tls_phone_system(self_signed()) as system:
        page = allowed(system.entry, TrustMode.PIN, fingerprint=FINGERPRINT)
        answer = ada.client.submit(f"{page}/certificate")
        ada.client.submit(page, buttons(answer)["pin"])
        again = ada.client.submit(f"{page}/certificate")

    assert "Not the confirmed certificate" in answer.text
    assert spoken(FINGERPRINT) in answer.text
    assert spoken(system.shows.fingerprint) in answer.text
    assert trust(app).fingerprint == system.shows.fingerprint
    assert "Calls accept it" in again.text
    assert buttons(again) == {}


def test_a_target_that_is_not_verified_says_what_would_be_better(ada, allowed):
    with tls_phone_system(self_signed()) as system:
        answer = ada.client.submit(f"{allowed(system.entry, TrustMode.UNVERIFIED)}/certificate")

    assert "Calls accept any certificate" in answer.text
    assert set(buttons(answer)) == {"pin", "authority"}


def test_where_nobody_answers_the_page_says_why(ada, allowed):
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
    answer = ada.client.submit(f"{allowed(f'{HOST}:{port}')}/certificate")

    assert answer.status_code == 422
    assert "The computer of the phone system refused the connection." in answer.text


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("", "is not a host name or IP address"),
        ("192.0.2", "is not a complete IP address"),
        ("192.0.2.1/x", "is not a host name or IP address"),
        ("127.0.0.1", "is on the portal&#39;s own computer"),
        ("198.51.100.1", "The portal may not contact 198.51.100.1:443."),
    ],
)
def test_of_a_network_only_a_host_within_it_is_asked(app, ada, allowed, host, sentence):
    with app.app_context():
        targets.allow("198.51.100.1")
    page = allowed("192.0.2.0/24")
    assert 'name="host"' in ada.client.get(page).text

    answer = ada.client.submit(f"{page}/certificate", {"host": host})

    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{host}"' in answer.text


def test_a_single_host_is_asked_whatever_is_sent_along(ada, allowed):
    with tls_phone_system(self_signed()) as system:
        page = allowed(system.entry)
        assert 'name="host"' not in ada.client.get(page).text
        answer = ada.client.submit(f"{page}/certificate", {"host": "198.51.100.1"})

    assert spoken(system.shows.fingerprint) in answer.text
