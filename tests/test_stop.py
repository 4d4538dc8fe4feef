"""The switch that stops all dialling holds in every process, with the very next call."""

import pytest
import requests

from portal import permissions, phones
from portal.dialing.template import OpenMode
from portal.phones import Draft
from tests.support import people, schema
from tests.support.server import portal_server


@pytest.fixture
def processes(tmp_path, sqlite_template):
    """Two portals, each in a gunicorn of its own, on one database."""
    folder = tmp_path / "var"
    schema.copy_sqlite(sqlite_template, folder)
    with portal_server(folder) as one, portal_server(folder) as other:
        with one.app.app_context():
            phones.save_default(Draft("Desk phones", "tel:<#NUMBER#>", OpenMode.CLIENT))
        yield one, other


def test_the_switch_holds_in_every_process_at_once(processes):
    one, other = processes
    ada, alice = one.add(people.ADA), one.add(people.ALICE)

    def dial(server, number):
        return _post(server, alice, "/dial", number=number, phone="default")

    assert dial(one, "201").status_code == dial(other, "202").status_code == 200

    for switch, status, numbers in (("stop", 403, "34"), ("start", 200, "56")):
        assert _post(one, ada, f"/admin/click2dial/dialling/{switch}").status_code == 204
        # Not a moment later, but with the very next call.
        assert dial(other, f"20{numbers[0]}").status_code == status
        assert dial(one, f"20{numbers[1]}").status_code == status


def test_the_console_has_the_switch(processes):
    one, other = processes
    alice = one.add(people.ALICE)

    stopped = one.flask("dialling", "stop", "--reason", "Fraud")
    refused = _post(other, alice, "/dial", number="201", phone="default")
    started = one.flask("dialling", "start")
    allowed = _post(other, alice, "/dial", number="201", phone="default")

    assert "Nobody can dial now." in stopped.stdout
    assert "Everybody can dial again." in started.stdout
    assert (refused.status_code, allowed.status_code) == (403, 200)
    with one.app.app_context():
        assert permissions.stopped() is None


def _post(server, person, path, **data):
    """Post as htmx does, over the network."""
    click_token = f"click-{data.get('number', ''):0>10}"
    return requests.post(
        f"{server.url}{path}",
        data={"csrf_token": person.client.csrf_token(), "click_token": click_token, **data},
        cookies={"session": person.client.get_cookie("session").value},
        headers={"HX-Request": "true"},
        timeout=30,
    )
