"""What the tables and the two databases promise."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from portal import database, logs
from portal.database import read_only, writing
from portal.errors import BusyError
from portal.extensions import db
from portal.models import Phone, Setting, User
from portal.web.guards import public
from tests.support.databases import on_sqlite
from tests.support.server import ROOT


def test_moments_keep_their_time_and_get_their_zone_back(app, alice):
    berlin = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    with app.app_context():
        db.session.get(User, alice.id).cti_pass_set_at = berlin
        db.session.commit()

        stored = db.session.get(User, alice.id, populate_existing=True).cti_pass_set_at

    assert stored == berlin
    assert stored.tzinfo is UTC


def test_a_moment_without_zone_is_refused(app, alice):
    with app.app_context():
        db.session.get(User, alice.id).cti_pass_set_at = datetime(2026, 7, 1)  # noqa: DTZ001

        with pytest.raises(StatementError, match="without time zone"):
            db.session.commit()


def test_there_is_only_one_default_phone(app):
    with app.app_context():
        db.session.add(Phone(name="First", url="https://a.example/<#NUMBER#>"))
        db.session.commit()

        db.session.add(Phone(name="Second", url="https://b.example/<#NUMBER#>"))
        with pytest.raises(IntegrityError):
            db.session.commit()


def test_the_database_itself_knows_the_roles(app, alice):
    statement = text("UPDATE users SET role = 'emperor' WHERE id = :id")

    with app.app_context(), pytest.raises(IntegrityError):
        db.session.execute(statement, {"id": alice.id})


def test_the_phones_of_a_deleted_user_go_too(app, alice):
    with app.app_context():
        phone = Phone(name="Desk", url="https://a.example/<#NUMBER#>", owner_id=alice.id)
        db.session.add(phone)
        db.session.flush()
        db.session.get(User, alice.id).preferred_phone_id = phone.id
        db.session.commit()

        db.session.execute(text("DELETE FROM users WHERE id = :id"), {"id": alice.id})
        db.session.commit()

        assert db.session.scalars(select(Phone)).all() == []


def test_no_change_is_lost_when_many_write_at_once(app):
    with app.app_context():
        db.session.add(Setting(name="count", value=0))
        db.session.commit()

    def increment(_):
        with app.app_context():
            setting = db.session.get(Setting, "count", with_for_update=True)
            setting.value += 1
            db.session.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(increment, range(40)))

    with app.app_context():
        assert db.session.get(Setting, "count").value == 40


def test_values_stay_out_of_error_messages(app):
    statement = text("UPDATE nowhere SET secret = :secret")

    with app.app_context(), pytest.raises(DBAPIError) as error:
        db.session.execute(statement, {"secret": "canary"})

    assert "canary" not in str(error.value)


CANARY = "canary-2d1f"


def _twice_the_same_login():
    for _ in range(2):
        db.session.add(User(login=CANARY, password_hash=""))
        db.session.flush()


def _a_word_for_something_else():
    wrong = {"sqlite": "json(:word)", "postgresql": "CAST(:word AS integer)"}
    statement = text(f"SELECT {wrong[db.engine.dialect.name]}")
    db.session.execute(statement, {"word": CANARY}).one()


def _a_broken_check():
    statement = text("INSERT INTO settings (name, value) VALUES (:name, NULL)")
    db.session.execute(statement, {"name": CANARY})


@pytest.fixture(params=[_twice_the_same_login, _a_broken_check, _a_word_for_something_else])
def failing(request, app):
    """A page that fails in the database, at a row with the canary."""
    app.add_url_rule("/failing", "failing", public(request.param))


def test_an_error_of_the_database_shows_values_on_no_page_and_in_no_log(client, failing, caplog):
    answer = client.get("/failing")

    (failure,) = [record for record in caplog.records if record.exc_info]
    logged = logs.formatter(for_terminal=False).format(failure)
    assert answer.status_code == 500
    assert "Error: " in logged
    assert CANARY not in logged + answer.text


def test_only_one_module_names_the_sqlite_library():
    sources = [path for path in (ROOT / "portal").rglob("*.py") if "sqlite3" in path.read_text()]

    assert [path.name for path in sources] == ["database.py"]


@on_sqlite
class TestSqlite:
    @pytest.mark.parametrize(
        ("pragma", "value"),
        [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
        ids=str,
    )
    def test_every_connection_is_durable_and_strict(self, app, pragma, value):
        with app.app_context():
            assert db.session.execute(text(f"PRAGMA {pragma}")).scalar() == value

    def test_who_only_reads_does_not_wait_for_who_writes(self, app):
        with app.app_context():
            db.session.add(Setting(name="half", value="written"))
            db.session.flush()

            def read():
                token = read_only.set(True)
                try:
                    with app.app_context():
                        return db.session.scalars(select(Setting)).all()
                finally:
                    read_only.reset(token)

            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(read).result(timeout=4) == []

    def test_whoever_waits_too_long_for_others_is_told_so(self, app, monkeypatch):
        monkeypatch.setattr(database, "_PATIENCE", 50)

        def write():
            with app.app_context():
                db.session.add(Setting(name="late", value=1))
                db.session.commit()

        with app.app_context(), ThreadPoolExecutor(1) as pool:
            db.session.add(Setting(name="early", value=1))
            db.session.flush()
            with pytest.raises(BusyError, match="busy"):
                pool.submit(write).result()

            db.session.commit()

            pool.submit(write).result()

    def test_a_write_within_a_reading_request_is_possible_when_announced(self, app):
        token = read_only.set(True)
        try:
            with app.app_context(), writing():
                db.session.add(Setting(name="last", value="used"))
                db.session.commit()
        finally:
            read_only.reset(token)

        with app.app_context():
            assert db.session.get(Setting, "last").value == "used"
