"""Nobody but the caller, no page, file or log line shows how a dialled number ends."""

import base64
import logging
from datetime import timedelta
from itertools import count
from urllib.parse import quote

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select, text

from portal import accounts, logs, phones, targets
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.models import Call, User
from portal.phones import Draft
from tests.support.processes import wait_for

NUMBER = "+493617418529"
PIECES = ("7418529", "741 8529", "7418 529", "741-8529")
URL = "http://{bind}/call?number=<#NUMBER#>&password=<#CTI_PASS#>"


def spellings(piece):
    """Return all forms in which a piece of a number could stand somewhere."""
    return [piece, quote(piece), *(in_base64(piece, shift) for shift in range(3))]


def in_base64(piece, shift):
    """Return what base64 surely makes of a piece that stands behind so many bytes."""
    encoded = base64.b64encode(f"{'x' * shift}{piece}".encode()).decode()
    return encoded[-(-shift * 4 // 3) : (shift + len(piece)) * 4 // 3]


SPELLINGS = [spelling for piece in PIECES for spelling in spellings(piece)]


def found_in(said):
    return [spelling for spelling in SPELLINGS if spelling in said]


@pytest.fixture
def lines():
    """Everything that is logged, at the level that tells most."""
    written = []

    class Memory(logging.Handler):
        def emit(self, record):
            if record.name != "werkzeug":  # serves the phone system of the test
                written.append(self.format(record))

    handler = Memory()
    handler.setFormatter(logs.formatter(for_terminal=False))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def phone_system(app, phone_system):
    """The default phone dials with our server, which answers in several ways."""
    with app.app_context():
        bind = f"{phone_system.host}:{phone_system.port}"
        targets.allow(bind)
        phones.save_default(Draft("Desk phones", URL.format(bind=bind)))
    return phone_system


@pytest.fixture
def dialled(app, alice, phone_system: HTTPServer):
    """Alice has called in every way, and was refused in some."""
    tokens = (f"click-token-of-this-test-{number}" for number in count())

    def dial(number, phone="default", **options):
        form = {"number": number, "phone": phone, "click_token": next(tokens)}
        return alice.client.submit("/dial", form, **options)

    def settled():
        with app.app_context():
            return not any(call.state.in_flight for call in db.session.scalars(select(Call)))

    with app.app_context():
        accounts.change_cti(alice.id, cti_user="a", cti_pass="secret", cti_phone="101")
        own = [
            phones.create(
                alice.id, Draft(mode, "https://a.example/<#NUMBER#>", open_mode=OpenMode(mode))
            ).id
            for mode in ("client", "window")
        ]
    for answer in (200, 302, 401, 500):
        phone_system.expect_oneshot_request("/call").respond_with_data("", answer)
        _forget_double_clicks(app)
        dial(NUMBER, htmx=answer == 500)
        wait_for(settled, "the phone system's answer")
    for phone in own:
        dial(NUMBER, str(phone))
        dial(NUMBER + "x", str(phone))
    alice.client.submit("/dial/preview", {"number": NUMBER, "phone": "default"})
    alice.client.get("/dial", query_string={"number": NUMBER})
    with app.app_context():
        db.session.get_one(User, alice.id).may_dial = False
        db.session.commit()
    dial(NUMBER)
    dial(f"{NUMBER},,{NUMBER[1:]}", htmx=True)
    alice.client.get(f"/{quote(NUMBER)}")
    return alice


def _forget_double_clicks(app):
    """Let the next call of the same number be another call."""
    with app.app_context():
        for call in db.session.scalars(select(Call)):
            call.created_at -= timedelta(minutes=1)
        db.session.commit()


def pages(app, person):
    """Return what every page and file of the portal says to somebody."""
    places = {"<int:user_id>": "2", "<call_id>": _call_id(app)}
    said = {}
    for rule in app.url_map.iter_rules():
        path = str(rule)
        for place, value in places.items():
            path = path.replace(place, value)
        if "<" not in path and "GET" in rule.methods and "logout" not in path:
            said[path] = person.client.get(path).text
    said["file"] = person.client.submit("/admin/audit").text
    said["search"] = person.client.get("/admin/audit?text=0361").text
    said["own data"] = person.client.submit("/settings/privacy").text
    return said


def _call_id(app):
    with app.app_context():
        return db.session.scalars(select(Call.id)).first()


def test_administrators_see_no_full_number_anywhere(app, dialled, ada):
    said = pages(app, ada)

    assert {path: found_in(page) for path, page in said.items() if found_in(page)} == {}
    assert "+49361741" not in said["/admin/audit"].replace("+493617418•••", "")
    assert said["/admin/audit"].count("+493617418•••") >= 7


def test_the_caller_sees_the_own_numbers(app, dialled):
    said = pages(app, dialled)

    assert found_in(said["/calls"])
    assert found_in(said["own data"])


def test_the_trail_itself_holds_no_full_number(app, dialled):
    with app.app_context():
        rows = db.session.execute(text("SELECT * FROM audit_events")).all()

    assert len(rows) > 7
    assert found_in(str(rows)) == []


def test_no_log_line_holds_a_number_or_an_opened_url(lines, app, dialled, ada):
    pages(app, ada)
    pages(app, dialled)

    written = "\n".join(lines)
    assert len(lines) > 50
    assert [line for line in lines if found_in(line)] == []
    assert "/call?" not in written
    assert "a.example" not in written
    assert "secret" not in written


def test_a_number_that_was_logged_would_be_found(lines):
    logging.getLogger("careless").debug("GET /call?number=%s", quote(NUMBER))

    assert found_in("\n".join(lines))
    assert found_in(base64.b64encode(f"ab{NUMBER}".encode()).decode())
