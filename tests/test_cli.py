"""Every command of the console does its work, and says in a sentence when it cannot."""

import stat

import pytest

from portal import accounts, create_app
from portal.database import sqlite
from portal.extensions import db
from portal.models import User
from tests.support import schema
from tests.support.databases import on_sqlite
from tests.support.people import PASSWORD

EXAMPLE = "https://examplephonesystem.de/api/addcall.php?number="


@pytest.fixture
def run(app):
    """Run a command and return what it prints; it must end well."""

    def run(*arguments, stdin=""):
        result = app.test_cli_runner().invoke(args=arguments, input=stdin)
        assert result.exit_code == 0, result.output
        return result.output

    return run


@pytest.fixture
def refused(app):
    """Run a command that must be refused and return the sentence."""

    def refused(*arguments, stdin=""):
        result = app.test_cli_runner().invoke(args=arguments, input=stdin)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        return result.stderr

    return refused


def test_a_user_that_was_created_can_sign_in(run, client):
    output = run("users", "create", "Carla", "--role", "user", "--password-stdin", stdin=PASSWORD)

    assert output == "carla can sign in now.\n"
    answer = client.submit("/login", {"login": "carla", "password": PASSWORD})
    assert answer.status_code == 303


def test_an_administrator_can_be_created(run, app):
    run("users", "create", "root", "--role", "admin", "--password-stdin", stdin=PASSWORD + "\r\n")

    with app.app_context():
        assert accounts.get(1).role == "admin"


def test_a_taken_login_is_refused(refused, alice):
    sentence = refused("users", "create", "alice", "--password-stdin", stdin=PASSWORD)

    assert sentence.startswith("Error: ")


def test_a_short_password_is_refused_and_not_repeated(refused):
    sentence = refused("users", "create", "carla", "--password-stdin", stdin="canary")

    assert "15" in sentence
    assert "canary" not in sentence


def test_the_example_of_the_design_holds(run, alice):
    run("handlers", "add", "anlage://", EXAMPLE, "--allow-target")
    run("phones", "set-default", "anlage://<#NUMBER#>", "--open-mode", "server")

    assert run("dial", "004936130262422", "--as", "alice", "--preview") == (
        "https://examplephonesystem.de/api/addcall.php?number=004936130262422\n"
    )


def test_an_allowed_target_is_said_once_and_not_asked_for_again(run):
    allowed = run("targets", "allow", "PBX.example:8443", "--reason", "Head office")
    saved = run("phones", "set-default", "https://pbx.example:8443/<#NUMBER#>")

    assert allowed == "The server may contact pbx.example:8443 now.\n"
    assert saved == "Everybody calls with https://pbx.example:8443/<#NUMBER#> now.\n"


def test_a_target_that_is_no_host_is_refused(refused):
    assert "neither a host nor a network" in refused("targets", "allow", "https://pbx.example/")


def test_a_url_whose_target_is_not_allowed_is_saved_with_a_hint_and_not_called(run, app, alice):
    runner = app.test_cli_runner()

    result = runner.invoke(args=["phones", "set-default", "http://10.0.0.5/<#NUMBER#>"])

    assert result.exit_code == 0
    assert "flask --app wsgi targets allow 10.0.0.5:80" in result.stderr
    closed = runner.invoke(args=["dial", "201", "--as", "alice", "--preview"])
    assert closed.exit_code == 1
    assert closed.stdout == "http://10.0.0.5/201\n"
    assert "10.0.0.5:80" in closed.stderr
    run("targets", "allow", "10.0.0.5:80")
    assert run("dial", "201", "--as", "alice", "--preview") == "http://10.0.0.5/201\n"


def test_a_target_that_no_list_can_open_is_refused(refused):
    for option in ([], ["--allow-target"]):
        url = "http://169.254.169.254/<#NUMBER#>"
        assert "169.254.169.254" in refused("phones", "set-default", url, *option)


def test_the_default_phone_can_be_set_again(run, alice):
    run("phones", "set-default", "https://old.example/<#NUMBER#>")
    run("phones", "set-default", "callto:<#NUMBER#>", "--open-mode", "client")

    assert run("dial", "201", "--as", "alice", "--preview") == "callto:201\n"


def test_a_wrong_dial_url_is_refused(refused):
    assert "NUMBER" in refused("phones", "set-default", "https://pbx.example/<#NUMBR#>")


def test_the_preview_masks_secrets(run, app, alice):
    url = "https://pbx.example/?p=<#CTI_PASS#>&n=<#NUMBER#>"
    run("phones", "set-default", url, "--allow-target")
    with app.app_context():
        accounts.change_cti(alice.id, cti_user="a", cti_pass="canary", cti_phone="")

    output = run("dial", "201", "--as", "alice", "--preview")

    assert output == "https://pbx.example/?p=•••&n=201\n"


def test_a_preview_for_nobody_is_refused(refused):
    assert refused("dial", "201", "--as", "nobody", "--preview") == (
        "Error: There is no such user.\n"
    )


def test_the_setup_link_opens_the_setup(run, client):
    link = run("setup-link")

    address = link.strip().removeprefix("http://127.0.0.1:5000")
    assert client.get(address).status_code == 200


def test_there_is_no_setup_link_once_there_is_an_administrator(refused, ada):
    assert "set up" in refused("setup-link")


def test_an_unprepared_database_is_named_in_a_sentence(tmp_path):
    unprepared = create_app(schema.settings(tmp_path))

    result = unprepared.test_cli_runner().invoke(args=["setup-link"])

    assert result.exit_code == 1
    assert "Try: flask --app wsgi db upgrade" in result.stderr
    with unprepared.app_context():
        db.engine.dispose()


@on_sqlite
class TestBackup:
    def test_the_copy_holds_what_the_database_holds(self, run, alice, tmp_path):
        target = tmp_path / "backup.db"
        target.write_text("an older backup")

        run("backup", str(target))

        with sqlite.connect(target) as copy:
            assert copy.execute("SELECT login FROM users").fetchall() == [("alice",)]
        copy.close()
        assert stat.S_IMODE(target.stat().st_mode) == 0o600

    def test_nothing_else_is_left_behind(self, run, alice, tmp_path):
        folder = tmp_path / "backups"
        folder.mkdir()

        run("backup", str(folder / "portal.db"))

        assert [path.name for path in folder.iterdir()] == ["portal.db"]

    def test_it_works_while_somebody_writes(self, app, run, alice, tmp_path):
        with app.app_context():
            db.session.get(User, alice.id).firstname = "Half written"
            db.session.flush()

            run("backup", str(tmp_path / "backup.db"))

        with sqlite.connect(tmp_path / "backup.db") as copy:
            assert copy.execute("SELECT firstname FROM users").fetchall() == [("Alice",)]
        copy.close()

    def test_a_folder_that_does_not_exist_is_refused(self, refused, tmp_path):
        assert "No such file or directory" in refused("backup", str(tmp_path / "no" / "file"))


def test_a_backup_of_postgresql_is_left_to_pg_dump(postgresql, postgresql_template, tmp_path):
    app = create_app(schema.settings(tmp_path, postgresql.url(postgresql_template)))

    result = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "backup")])

    assert result.exit_code == 1
    assert "pg_dump" in result.stderr
    assert not (tmp_path / "backup").exists()
    with app.app_context():
        db.engine.dispose()


@on_sqlite
@pytest.mark.parametrize(
    ("bind", "start"),
    [
        ("127.0.0.1:5000", "http://127.0.0.1:5000/setup"),
        ("0.0.0.0:80", "http://localhost:80/setup"),
        (":8000", "http://localhost:8000/setup"),
        ("[::]:8000", "http://localhost:8000/setup"),
        ("unix:/run/portal.sock", "http://localhost/setup"),
    ],
)
def test_the_setup_link_names_an_address_that_a_browser_finds(make_app, bind, start):
    result = make_app(bind=bind).test_cli_runner().invoke(args=["setup-link"])

    assert result.output.startswith(f"{start}?token=")
