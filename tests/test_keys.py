"""Keys: made once, never guessed, changed while everything goes on."""

import json
import random
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest
from sqlalchemy import func, insert, select

from portal import accounts, calls, create_app, keyring, keys, phones
from portal.audit import Action
from portal.config import Config
from portal.errors import InvalidError
from portal.extensions import db
from portal.identity import of_login
from portal.keyring import KeyringError
from portal.models import AuditEvent, Call, User
from portal.phones import Draft
from tests.support import people
from tests.support.databases import on_sqlite
from tests.support.people import Person
from tests.support.targets import allow_target_of

SECRET = "canary-7c1e"
KILLS = 20


@pytest.fixture
def make_portal(make_app):
    """Make applications that keep their keys in a file, as an installed portal does."""
    return lambda **settings: make_app(encryption_keys=(), **settings)


@pytest.fixture
def app(make_portal):
    return make_portal()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "encryption.keys"


def _store(person, secret=SECRET):
    accounts.change_cti(person.id, cti_user="a", cti_pass=secret, cti_phone="1")


def _stored(person):
    return accounts.cti_password(of_login(person.login))


def _status(person):
    return person.client.get("/admin/status").text


# The first key


def test_the_first_key_is_made_on_the_first_start_and_kept(app, file):
    app.test_cli_runner().invoke(args=["keys", "rotate"])
    with app.app_context():
        keyring.make_first_key()
        first = file.read_text()
        keyring.make_first_key()

    assert file.read_text() == first
    assert len(first.split()) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_makes_the_first_key_where_no_start_has(app, alice, file):
    with app.app_context():
        _store(alice)

        assert _stored(alice) == SECRET
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_of_two_processes_that_make_the_first_key_both_use_the_same(make_portal, alice, bob, file):
    first, second = make_portal(), make_portal()
    with first.app_context():
        _store(alice)
    with second.app_context():
        _store(bob)

    with first.app_context():
        assert [_stored(alice), _stored(bob)] == [SECRET, SECRET]
    assert len(file.read_text().split()) == 1


# Keys that are missing or wrong


def _remove(file):
    file.unlink()


def _empty(file):
    file.write_text("")


def _garble(file):
    file.write_bytes(b"\xff\xfe no key")


def _exchange(file):
    file.write_text(keyring.new_key())


WRONGS = [_remove, _empty, _garble, _exchange]


@pytest.fixture(params=WRONGS, ids=lambda wrong: wrong.__name__.strip("_"))
def wrong_keys(request, app, ada, alice, file):
    """A portal whose stored secret does not fit its key file any more, started anew."""
    with app.app_context():
        url = "http://127.0.0.1:9/?p=<#CTI_PASS#>&n=<#NUMBER#>"
        allow_target_of(url)
        phones.save_default(Draft("Desk phones", url))
        _store(alice)
    right = file.read_text()
    request.param(file)
    return right


def test_with_wrong_keys_the_portal_starts_and_says_so(make_portal, wrong_keys, ada, file):
    restarted = make_portal()
    with restarted.app_context():
        (finding,) = (each for each in _findings() if each.title == "Keys")

    assert finding.health == "bad"
    assert "encryption.keys" in finding.sentence % finding.params
    assert 'data-health="bad"' in _status(ada)


def _findings():
    from portal import status  # noqa: PLC0415

    return status.findings()


def test_with_wrong_keys_no_call_that_needs_a_secret_is_made(make_portal, wrong_keys, alice):
    with make_portal().app_context():
        caller = of_login(alice.login)

        plan = calls.plan(caller, "201", phones.for_caller(caller))
        with pytest.raises(KeyringError, match="cannot be read with the portal's keys"):
            calls.place(caller, "201", "", calls.new_click_token())

        assert [problem.error.kind for problem in plan.problems] == ["secret-unreadable"]
        assert db.session.scalars(select(Call)).all() == []


def test_with_wrong_keys_nothing_is_stored_and_nothing_overwritten(
    make_portal, wrong_keys, alice, bob, file
):
    before = file.read_bytes() if file.exists() else None
    with make_portal().app_context():
        sealed = accounts.get(alice.id).cti_pass_sealed
        keyring.make_first_key()
        for person in (alice, bob, alice):
            with pytest.raises(InvalidError, match="status page") as refusal:
                _store(person, "another secret")
            db.session.rollback()
            assert refusal.value.field == "cti_pass"

        assert accounts.get(alice.id).cti_pass_sealed == sealed
        assert accounts.get(bob.id).cti_pass_sealed == ""
    assert (file.read_bytes() if file.exists() else None) == before


def test_the_right_keys_mend_everything_without_a_restart(
    make_portal, wrong_keys, alice, bob, file
):
    with make_portal().app_context():
        with pytest.raises(KeyringError):
            _stored(alice)

        file.write_text(wrong_keys)

        assert _stored(alice) == SECRET
        _store(bob)
        assert keys.take_stock(keyring.current()) == keys.Inventory(stored=2, unreadable=0)


def test_a_running_portal_goes_on_opening_but_seals_nothing_without_its_file(app, alice, file):
    with app.app_context():
        _store(alice)
        assert _stored(alice) == SECRET
        file.unlink()

        assert _stored(alice) == SECRET
        with pytest.raises(InvalidError):
            _store(alice, "another secret")


def test_a_running_portal_seals_nothing_with_keys_that_do_not_fit(app, alice, bob, file):
    with app.app_context():
        _store(alice)
        assert _stored(alice) == SECRET
        file.write_text(keyring.new_key())

        with pytest.raises(InvalidError):
            _store(bob)
        assert _stored(alice) == SECRET


@on_sqlite
def test_keys_of_the_environment_that_are_none_are_reported(make_app, tmp_path):
    app = make_app(encryption_keys=("short",))
    ada = Person(app, people.ADA)

    assert "PORTAL_ENCRYPTION_KEYS holds something else than keys" in _status(ada)
    with app.app_context(), pytest.raises(InvalidError):
        _store(ada)


def test_secrets_whose_key_is_lost_for_good_can_be_forgotten(make_portal, alice, bob, file):
    portal = make_portal()
    with portal.app_context():
        _store(alice)
        file.unlink()
        file.write_text(keyring.new_key())
    runner = make_portal().test_cli_runner()

    result = runner.invoke(args=["keys", "forget-unreadable", "--yes"])

    assert result.output == "1 secrets are forgotten.\n"
    with make_portal().app_context():
        assert accounts.get(alice.id).cti_pass_sealed == ""
        _store(bob)
        assert _stored(bob) == SECRET


def test_a_key_file_that_is_lost_for_good_can_be_given_up(make_portal, alice, bob, file):
    with make_portal().app_context():
        _store(alice)
    file.unlink()

    make_portal().test_cli_runner().invoke(args=["keys", "forget-unreadable", "--yes"])

    with make_portal().app_context():
        _store(bob)
        assert [_stored(alice), _stored(bob)] == ["", SECRET]


def test_while_the_key_file_only_has_to_be_mended_nothing_is_forgotten(app, alice, file):
    with app.app_context():
        _store(alice)
    _garble(file)

    result = app.test_cli_runner().invoke(args=["keys", "forget-unreadable", "--yes"])

    assert result.exit_code == 1
    assert "something else than keys" in result.stderr
    with app.app_context():
        assert accounts.get(alice.id).cti_pass_sealed != ""


# The change of the keys


def _add_people(app, count):
    """Give many people a secret, quickly."""
    with app.app_context():
        keyring.make_first_key()
        ring = keyring.current().afresh()
        rows = [
            {
                "id": user_id,
                "login": f"user{user_id}",
                "password_hash": "",
                "cti_pass_sealed": ring.seal(user_id, "cti_pass", f"{SECRET} {user_id}"),
            }
            for user_id in range(1, count + 1)
        ]
        db.session.execute(insert(User), rows)
        db.session.commit()


def _opened(ring, user_id, sealed):
    try:
        return ring.open(user_id, "cti_pass", sealed)
    except KeyringError:
        return ""


def _unreadable(key_texts):
    """Count the secrets that these keys do not open as what they were."""
    ring = keyring.Keyring(tuple(key_texts))
    found = db.session.execute(select(User.id, User.cti_pass_sealed)).all()
    db.session.rollback()
    return sum(_opened(ring, user_id, sealed) != f"{SECRET} {user_id}" for user_id, sealed in found)


def test_a_rotation_leaves_only_a_new_key(app, file):
    _add_people(app, 205)
    old = file.read_text().strip()

    result = app.test_cli_runner().invoke(args=["keys", "rotate"])

    assert result.output.startswith("205 secrets are encrypted with a new key now.")
    (new,) = file.read_text().split()
    assert new != old
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.glob(".encryption*")] == []
    with app.app_context():
        assert _unreadable([new]) == 0
        event = db.session.scalars(select(AuditEvent)).one()
    assert (event.action, event.facts) == (Action.KEYS_ROTATED, {"secrets": 205})
    assert new not in json.dumps(event.facts) + result.output


def test_a_rotation_with_keys_of_the_environment_uses_the_first(make_app):
    new, old = keyring.new_key(), keyring.new_key()
    _add_people(make_app(encryption_keys=(old,)), 205)

    both = make_app(encryption_keys=(new, old))
    result = both.test_cli_runner().invoke(args=["keys", "rotate"])

    assert result.output == "205 secrets are encrypted with the first key now.\n"
    with both.app_context():
        assert _unreadable([new]) == 0


def test_a_secret_that_no_key_opens_stops_the_rotation_before_anything_changes(app, file):
    _add_people(app, 3)
    before = file.read_text()
    with app.app_context():
        db.session.get(User, 2).cti_pass_sealed = "gibberish"
        db.session.commit()

    result = app.test_cli_runner().invoke(args=["keys", "rotate"])

    assert result.exit_code == 1
    assert "1 of 3 stored secrets cannot be read with the portal's keys" in result.stderr
    assert file.read_text() == before


def test_a_running_portal_survives_a_rotation(make_portal, alice, bob):
    running, other = make_portal(), make_portal()
    with running.app_context():
        _store(alice)
        with other.app_context():
            keys.rotate()

        assert _stored(alice) == SECRET
        _store(bob)
        with other.app_context():
            keys.rotate()
        assert [_stored(alice), _stored(bob)] == [SECRET, SECRET]


def test_secrets_that_are_stored_during_rotations_are_not_lost(make_portal, alice, bob):
    running, other = make_portal(), make_portal()
    rotated = threading.Event()

    def go_on_storing(person):
        with running.app_context():
            count = 0
            while not rotated.wait(0.01):
                count += 1
                _store(person, f"{SECRET} {count}")
            return f"{SECRET} {count}"

    with ThreadPoolExecutor(2) as pool:
        last = [pool.submit(go_on_storing, person) for person in (alice, bob)]
        try:
            with other.app_context():
                for _ in range(5):
                    keys.rotate()
        finally:
            rotated.set()

    with other.app_context():
        assert [_stored(alice), _stored(bob)] == [done.result() for done in last]


def test_every_column_for_secrets_is_found():
    named = {
        column
        for table in db.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_sealed")
    }

    assert named == set(keyring._columns())


def _rotate_in_a_process_of_its_own(config: Config) -> None:
    app = create_app(config)
    with app.app_context():
        keys.rotate()


@pytest.mark.timeout(300)
def test_a_rotation_that_is_killed_again_and_again_loses_nothing(app, file):
    count = 10_000
    _add_people(app, count)
    old = file.read_text().strip()
    config = app.extensions["config"]
    processes = get_context("forkserver")
    processes.set_forkserver_preload(["portal.web", "portal.cli", "alembic"])
    chance = random.Random()  # noqa: S311 - no secret, only a moment
    interrupted = 0
    with app.app_context():
        for _ in range(KILLS):
            rotation = processes.Process(target=_rotate_in_a_process_of_its_own, args=[config])
            rotation.start()
            rotation.join(chance.uniform(0.1, 1.5))
            interrupted += rotation.is_alive()
            rotation.kill()
            rotation.join()

        keys.rotate()

        (new,) = file.read_text().split()
        assert new != old
        assert _unreadable([new]) == 0
        assert db.session.scalar(select(func.count()).select_from(User)) == count
    assert interrupted > 0
