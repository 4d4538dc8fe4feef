"""The status page says how everything is and what to do."""

import os
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal import calls, phones, targets
from portal.database import now
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.identity import of_login
from portal.models import AuditEvent, Call, CallState, User
from portal.phones import Draft
from portal.status import version
from tests.support import people
from tests.support.databases import on_sqlite
from tests.support.people import Person
from tests.support.server import ROOT
from tests.support.targets import failing_system


def health(answer):
    """Return how each thing is that the page lists."""
    found = re.findall(
        r'data-health="(\w+)".*?row-title">(.*?)<.*?row-sub">(.*?)<', answer.text, re.DOTALL
    )
    return {title: (state, sentence) for state, title, sentence in found}


def test_a_fresh_portal_is_in_order_but_for_the_phone(ada):
    found = health(ada.client.get("/admin/status"))

    states = {title: state for title, (state, _sentence) in found.items()}
    assert states.pop("Default phone") == "warn"
    assert states.pop("Disk space") in {"ok", "warn"}
    assert set(states.values()) == {"ok"}


def test_it_names_the_version(app, ada):
    with app.app_context():
        assert f"Portal {version()} on Python" in ada.client.get("/admin/status").text


def test_a_default_phone_is_in_order(app, ada):
    with app.app_context():
        targets.allow("pbx.example")
        phones.save_default(Draft(name="Desk phones", url="https://pbx.example/<#NUMBER#>"))

    state, sentence = health(ada.client.get("/admin/status"))["Default phone"]

    assert (state, sentence) == ("ok", "Everybody can call with Desk phones.")


def test_a_default_phone_whose_target_is_not_allowed_any_more_is_reported(app, ada):
    with app.app_context():
        target = targets.allow("pbx.example")
        phones.save_default(Draft(name="Desk phones", url="https://pbx.example/<#NUMBER#>"))
        targets.remove(target.id)

    state, sentence = health(ada.client.get("/admin/status"))["Default phone"]

    assert (state, sentence[:36]) == ("bad", "Nobody can call with Desk phones. Op")


def test_tables_of_another_version_are_reported(app, ada):
    with app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
        db.session.commit()

    assert health(ada.client.get("/admin/status"))["Tables"][0] == "bad"


def test_secrets_that_the_keys_do_not_open_are_reported(app, ada):
    with app.app_context():
        user = db.session.get(User, ada.id)
        user.cti_pass_sealed, user.cti_pass_set_at = "of another key", now()
        db.session.commit()

    state, sentence = health(ada.client.get("/admin/status"))["Keys"]

    assert state == "bad"
    assert "encryption.keys" in sentence


_LIBRARY = """
import sys
if sys.argv[1] == "without the wheel":
    sys.modules["pysqlite3"] = None
from portal import create_app, status
from portal.database import sqlite
with create_app().app_context():
    database = status.findings()[0]
print(sqlite.__name__, *sqlite.sqlite_version_info, database.health)
"""


@on_sqlite
@pytest.mark.parametrize("wheel", ["with the wheel", "without the wheel"])
def test_a_sqlite_that_may_damage_the_database_is_reported(app, tmp_path, wheel):
    environment = {**os.environ, "PORTAL_DATA_DIR": str(tmp_path)}

    printed = subprocess.run(
        [sys.executable, "-c", _LIBRARY, wheel],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout

    library, *version, state = printed.split()
    assert library == "sqlite3" or wheel == "with the wheel"
    assert state == ("ok" if [int(part) for part in version] >= [3, 51, 3] else "warn")


def test_calls_of_the_last_day_are_counted(app, ada):
    with app.app_context():
        caller = of_login(ada.login)
        phones.save_default(Draft("Desk", "callto:<#NUMBER#>", open_mode=OpenMode.CLIENT))
        calls.place(caller, "201", "", calls.new_click_token())
        failed = calls.place(caller, "202", "", calls.new_click_token()).call
        db.session.get_one(Call, failed.id).state = CallState.FAILED
        db.session.commit()

    found = health(ada.client.get("/admin/status"))["Calls in the last 24 hours"]

    assert found == ("ok", "Total: 2. Failed or with an unknown outcome: 1.")


def test_data_that_should_be_gone_is_reported(app, ada):
    assert health(ada.client.get("/admin/status"))["Deletion of old data"] == (
        "ok",
        "Calls are kept 30 days, the audit trail 365 days.",
    )

    with app.app_context():
        db.session.add(AuditEvent(action="call.placed", at=now() - timedelta(days=31, minutes=1)))
        db.session.commit()

    state, sentence = health(ada.client.get("/admin/status"))["Deletion of old data"]
    assert state == "warn"
    assert "flask --app wsgi purge" in sentence


@on_sqlite
@pytest.mark.parametrize(("is_up", "state"), [(True, "ok"), (False, "warn")], ids=["up", "down"])
def test_it_says_whether_redis_answers(make_app, request, is_up, state):
    url = request.getfixturevalue("redis_url") if is_up else "redis://127.0.0.1:1/0"
    ada = Person(make_app(redis_url=url), people.ADA)

    found = health(ada.client.get("/admin/status"))

    assert found["Redis"][0] == state


@pytest.mark.parametrize(
    ("paused", "condition", "state"), [(True, "paused", "warn"), (False, "failing", "ok")]
)
def test_phone_systems_that_fail_are_listed(app, ada, paused, condition, state):
    with app.app_context():
        db.session.add(failing_system("pbx.example:8443", paused=paused))
        db.session.commit()

    answer = ada.client.get("/admin/status")

    assert health(answer)["Phone systems"][0] == state
    assert re.findall(r'data-condition="(\w+)"', answer.text) == [condition]
    assert "pbx.example:8443" in answer.text
    assert "refused the connection" in answer.text
    assert ("Try now" in answer.text) is paused


def test_a_phone_system_that_answers_is_not_listed(ada):
    answer = ada.client.get("/admin/status")

    assert health(answer)["Phone systems"][0] == "ok"
    assert 'id="phone-systems"' not in answer.text


def test_only_so_many_phone_systems_are_listed(app, ada):
    with app.app_context():
        systems = [failing_system(f"192.0.2.{number}:80", paused=False) for number in range(23)]
        db.session.add_all(systems)
        db.session.commit()

    answer = ada.client.get("/admin/status")

    assert answer.text.count("data-condition=") == 20
    assert "and 3 more" in answer.text


def test_a_pause_can_be_ended_and_nobody_is_called(app, ada, phone_system):
    with app.app_context():
        system = failing_system(f"127.0.0.1:{phone_system.port}", paused=True)
        db.session.add(system)
        db.session.commit()
        path = f"/admin/status/phone-systems/{system.id}/try"

    answer = ada.client.submit(path, follow_redirects=True)

    assert f"The next call to 127.0.0.1:{phone_system.port} is sent, and tries it." in answer.text
    assert re.findall(r'data-condition="(\w+)"', answer.text) == ["ready"]
    assert phone_system.log == []
    with app.app_context():
        audited = db.session.scalars(select(AuditEvent)).one()
        assert (audited.action, audited.actor_id) == ("phone_system.try", ada.id)


def test_a_phone_system_that_is_not_listed_any_more_is_not_found(ada):
    assert ada.client.submit("/admin/status/phone-systems/4711/try").status_code == 404
