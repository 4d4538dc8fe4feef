"""Migrations build exactly the models, forward and back, one at a time."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text

from portal import create_app
from portal.database import now
from portal.extensions import db
from portal.models import (
    AuditEvent,
    Call,
    CredentialRefusal,
    Handler,
    PasswordTries,
    Phone,
    PhoneSystem,
    Setting,
    Target,
    User,
    UserSession,
)
from tests.support import people, schema
from tests.support.databases import on_sqlite
from tests.support.people import Person
from tests.support.server import ROOT
from tests.support.targets import failing_system

NOT_COPIED = pytest.mark.filterwarnings(
    "ignore:Skipped unsupported reflection of expression-based index"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request, tmp_path):
    """A database without any table."""
    if request.param == "sqlite":
        yield ""
        return
    postgresql = request.getfixturevalue("postgresql")
    yield postgresql.create("migrated")
    postgresql.drop("migrated")


@pytest.fixture
def empty_app(empty_database_url, tmp_path):
    app = create_app(schema.settings(tmp_path, empty_database_url))
    yield app
    with app.app_context():
        db.engine.dispose()


def shape():
    """Return all that the database knows of its tables, in a form that can be compared."""
    inspector = inspect(db.engine)
    ask = (
        inspector.get_columns,
        inspector.get_pk_constraint,
        inspector.get_foreign_keys,
        inspector.get_unique_constraints,
        inspector.get_check_constraints,
        inspector.get_indexes,
    )
    names = set(inspector.get_table_names()) - {"alembic_version"}
    return {
        f"{name} {question.__name__}": sorted(
            str({key: str(value) for key, value in sorted(entry.items()) if key != "comment"})
            for entry in _entries(question(name))
        )
        for name in sorted(names)
        for question in ask
    }


def _entries(answer):
    return [answer] if isinstance(answer, dict) else answer


@NOT_COPIED
def test_migrations_build_exactly_the_models(empty_app):
    with empty_app.app_context():
        db.create_all()
        wanted = shape()
        db.drop_all()

        upgrade()

        assert shape() == wanted


def test_the_one_default_phone_is_also_kept_by_the_migrated_database(app):
    with app.app_context():
        indexes = {
            "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
            "postgresql": "SELECT indexname FROM pg_indexes",
        }

        names = db.session.scalars(text(indexes[db.engine.dialect.name])).all()

    assert "uq_phones_one_default" in names


def test_the_way_back_leaves_nothing(empty_app):
    with empty_app.app_context():
        upgrade()

        downgrade(revision="base")

        assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}


def test_a_full_database_goes_back_and_forward(app, ada):
    with app.app_context():
        fill(ada)

        downgrade(revision="base")
        upgrade()

        assert db.session.scalars(select(User)).all() == []


def test_upgrading_what_is_up_to_date_keeps_all_data(app, ada):
    with app.app_context():
        fill(ada)

        upgrade()

        tables = (User, UserSession, Phone, Handler, Call, Setting, Target, PasswordTries)
        for model in (*tables, PhoneSystem, CredentialRefusal):
            assert len(db.session.scalars(select(model)).all()) == 1


NEXT_REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "next", "{head}"


def upgrade():
    with op.batch_alter_table("users", recreate="auto") as users:
        users.alter_column("login", type_=sa.String(300))
    {statement}


def downgrade():
    pass
"""


@pytest.fixture
def migrate_further(app, tmp_path):
    """Add a migration that changes the table of users, and one statement, and run it."""

    def migrate_further(statement=""):
        folder = tmp_path / "migrations"
        shutil.copytree(ROOT / "migrations", folder)
        head = ScriptDirectory(folder).get_current_head()
        source = NEXT_REVISION.format(head=head, statement=statement)
        (folder / "versions" / "next.py").write_text(source)
        with app.app_context():
            upgrade(directory=str(folder))

    return migrate_further


@NOT_COPIED
def test_changing_a_table_keeps_what_refers_to_it(app, ada, migrate_further):
    with app.app_context():
        fill(ada)

    migrate_further()

    with app.app_context():
        assert db.session.scalar(text("SELECT version_num FROM alembic_version")) == "next"
        for model in (User, UserSession, Phone, Call):
            assert len(db.session.scalars(select(model)).all()) == 1


@on_sqlite
@NOT_COPIED
def test_a_migration_that_breaks_references_is_taken_back(app, ada, migrate_further):
    with app.app_context():
        fill(ada)

    with pytest.raises(SystemExit):
        migrate_further("op.execute('DELETE FROM users')")

    with app.app_context():
        assert db.session.scalar(text("SELECT count(*) FROM users")) == 1
        assert db.session.scalar(text("SELECT version_num FROM alembic_version")) != "next"


def test_an_outcome_that_got_another_name_is_renamed_there_and_back(app):
    ada = Person(app, people.ADA)
    with app.app_context():
        fill(ada)
        outcome = text("SELECT outcome FROM calls")
        db.session.execute(text("UPDATE calls SET outcome = 'dns-failed'"))
        db.session.commit()

        downgrade(revision="0001")
        assert db.session.scalar(outcome) == "name-not-found"
        db.session.rollback()

        upgrade()
        assert db.session.scalar(outcome) == "dns-failed"


def fill(owner):
    """Put a row into each table, each referring to others where it can."""
    owner.new_client()
    db.session.add(PasswordTries(name_hash="ada"))
    phone = Phone(name="Desk", url="anlage://<#NUMBER#>", owner_id=owner.id)
    db.session.add_all([phone, Handler(name="anlage", url="https://a.example/")])
    db.session.add(Setting(name="browser_schemes", value=["msteams"]))
    db.session.add(Target(entry="a.example", created_by=owner.id))
    db.session.add(failing_system("a.example:443", paused=True))
    db.session.add(
        CredentialRefusal(
            user_id=owner.id, target="a.example:443", mark="0" * 64, count=1, refused_at=now()
        )
    )
    db.session.add(AuditEvent(actor_id=owner.id, action="target.allowed", subject="a.example"))
    db.session.flush()
    call = Call(
        user_id=owner.id,
        click_token="click",
        number="201",
        phone_id=phone.id,
        phone_name="Desk",
        connector="http",
        open_mode=phone.open_mode,
        masked_url="https://a.example/201",
    )
    db.session.add(call)
    db.session.get(User, owner.id).preferred_phone_id = phone.id
    db.session.commit()


def run_upgrade(tmp_path, url):
    environment = {**os.environ, "PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DATABASE_URL": url}
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_servers_that_start_together_migrate_one_after_the_other(empty_database_url, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: run_upgrade(tmp_path, empty_database_url), range(3)))

    assert [run.returncode for run in runs] == [0, 0, 0], [run.stderr for run in runs]


def test_a_database_newer_than_the_code_is_refused_in_a_sentence(app, database_url, tmp_path):
    with app.app_context():
        db.session.execute(text("UPDATE alembic_version SET version_num = 'fromthefuture'"))
        db.session.commit()

    run = run_upgrade(tmp_path, database_url)

    assert run.returncode == 1
    assert run.stderr == (
        "Error: The database was written by a newer version of the portal (revision "
        "fromthefuture). Start that version, or restore an older backup.\n"
    )


def test_a_database_that_cannot_be_reached_is_named_in_a_sentence(tmp_path):
    run = run_upgrade(tmp_path, "postgresql://portal:canary@127.0.0.1:1/portal")

    assert run.returncode == 1
    assert run.stderr.startswith("Error: The database cannot be used: connection failed")
    assert "Traceback" not in run.stderr
    assert "canary" not in run.stderr
