"""Schemes that administrators let browsers open."""

import pytest

from portal import handlers, phones, schemes, targets
from portal.dialing.template import OpenMode
from portal.errors import InvalidError
from portal.handlers import HandlerDraft
from portal.phones import Draft


@pytest.fixture(autouse=True)
def _in_context(app, alice):
    with app.app_context():
        targets.allow("pbx.example")
        yield


def _refusal(attempt):
    with pytest.raises(InvalidError) as refused:
        attempt()
    return refused.value.kind, refused.value.field


def test_added_scheme_can_be_opened_by_browsers(alice):
    draft = Draft("Teams", "msteams:/l/call/0/0?users=4:<#NUMBER#>", OpenMode.CLIENT)
    assert _refusal(lambda: phones.create(alice.id, draft)) == ("bad-scheme", "url")

    assert schemes.add(" MSTeams: ") == "msteams"

    assert phones.create(alice.id, draft).id


def test_schemes_are_kept_together():
    schemes.add("msteams")
    schemes.add("ciscotel")

    assert schemes.extra() == {"msteams", "ciscotel"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("javascript", "bad-scheme"),
        ("DATA:", "bad-scheme"),
        ("file://", "bad-scheme"),
        ("", "bad-scheme"),
        ("two words", "bad-scheme"),
        ("tel", "duplicate-scheme"),
        ("https", "duplicate-scheme"),
        ("msteams", "duplicate-scheme"),
        ("anlage", "duplicate-handler"),
    ],
)
def test_what_cannot_be_added_is_refused(name, kind):
    schemes.add("msteams")
    handlers.create(HandlerDraft("anlage", "https://pbx.example/?n="))

    assert _refusal(lambda: schemes.add(name)) == (kind, "scheme")
    assert schemes.extra() == {"msteams"}


def test_scheme_is_removed():
    schemes.add("msteams")

    schemes.remove("msteams")
    schemes.remove("never-added")

    assert schemes.extra() == frozenset()


def test_scheme_that_a_phone_needs_stays(alice):
    schemes.add("msteams")
    phones.create(alice.id, Draft("Teams", "msteams:<#NUMBER#>", OpenMode.CLIENT))

    assert _refusal(lambda: schemes.remove("msteams")) == ("phones-would-stop", "")
    assert schemes.extra() == {"msteams"}


def test_scheme_that_a_handler_needs_stays():
    schemes.add("msteams")
    handlers.create(HandlerDraft("teams", "msteams:"))

    assert _refusal(lambda: schemes.remove("msteams")) == ("scheme-in-use", "")
