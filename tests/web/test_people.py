"""Colleagues and their numbers."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from portal import accounts
from portal.extensions import db
from portal.models import User

_NUMBER = re.compile(r'<a class="number" href="([^"]+)">([^<]+)</a>')


def test_every_number_leads_to_the_dial_page(alice, bob):
    page = bob.client.get("/people")

    links = {text: urlsplit(html.unescape(href)) for href, text in _NUMBER.findall(page.text)}
    assert links.keys() == {"+49 361 30262-101", "+49 171 1234567"}
    for number, address in links.items():
        assert address.path in ("/", "/dial")
        assert parse_qs(address.query) == {"number": [number]}


def test_colleague_is_shown_with_work_and_mail(alice, bob):
    page = bob.client.get("/people").text

    for shown in ("Alice Ärmel &amp; Söhne", "Head of Sales", "Sales", "mailto:alice@example.org"):
        assert shown in page


def test_fax_and_cti_credentials_are_not_shown(alice, bob):
    page = bob.client.get("/people").text

    for hidden in ("30262-109", "alice.cti", "192.0.2.17"):
        assert hidden not in page


def test_disabled_colleague_is_gone_at_once(app, alice, bob):
    with app.app_context():
        accounts.disable(alice.id, by=bob.id)

    assert "Alice" not in bob.client.get("/people").text


def test_search_shows_who_matches(alice, bob):
    page = bob.client.get("/people?q=head+ALICE").text

    rows = re.findall('<th scope="row">.*?</th>', page)
    assert len(rows) == 1
    assert "Alice" in rows[0]
    assert 'value="head ALICE"' in page


def test_search_without_hit_says_so_and_leads_back(bob):
    page = bob.client.get("/people", query_string={"q": "<nobody>"}).text

    assert "Nobody found" in page
    assert "&lt;nobody&gt;" in page
    assert 'href="/people"' in page


def test_htmx_gets_only_the_list(bob):
    answer = bob.client.get("/people?q=bob", htmx=True)

    assert answer.status_code == 200
    assert "Bob Builder" in answer.text
    assert "<html" not in answer.text
    assert "HX-Request" in answer.headers["Vary"]


def test_list_says_when_there_is_nobody_else(bob):
    assert "Only you so far" in bob.client.get("/people").text


def test_pages_keep_the_search(app, bob):
    with app.app_context():
        db.session.add_all(
            User(login=f"user{number:03}", password_hash="-", surname=f"Miller {number:03}")
            for number in range(30)
        )
        db.session.commit()

    first = bob.client.get("/people?q=miller")
    second = bob.client.get("/people?q=miller&page=2")

    assert 'href="/people?q=miller&amp;page=2"' in first.text
    assert "Miller 029" not in first.text
    assert "Miller 029" in second.text
    assert 'href="/people?q=miller&amp;page=1"' in second.text


@pytest.mark.parametrize(
    "query",
    [
        "page=x",
        "page=-5",
        "page=99999999999999999999",
        "q=%00",
        "q=%25",
        "q=%FF",
        "q=" + "a+" * 1500,
    ],
)
def test_odd_addresses_still_show_a_page(bob, query):
    assert bob.client.get(f"/people?{query}").status_code == 200


def test_links_of_the_pager_stay_on_the_page(app, bob):
    with app.app_context():
        db.session.add_all(
            User(login=f"user{number:03}", password_hash="-") for number in range(30)
        )
        db.session.commit()

    page = bob.client.get("/people?_scheme=javascript&_external=1&endpoint=x")

    assert page.status_code == 200
    assert 'rel="next" href="/people?' in page.text


def test_visitor_has_to_sign_in(client):
    answer = client.get("/people")

    assert (answer.status_code, answer.location) == (303, "/login?next=/people")


def test_people_cannot_be_posted_to(bob):
    assert bob.client.submit("/people").status_code == 405
