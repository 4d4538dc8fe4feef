"""Passwords: argon2id with the costs of the settings, two at a time."""

import threading

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from portal import create_app, passwords
from portal.errors import InvalidError
from tests.support import schema

PASSWORD = "a password long enough"


@pytest.fixture
def app(tmp_path):
    """Passwords need no database."""
    return create_app(schema.settings(tmp_path))


@pytest.fixture(autouse=True)
def _in_context(app):
    with app.app_context():
        yield


def test_hash_is_argon2id_with_the_costs_of_the_settings():
    costs = extract_parameters(passwords.make_hash(PASSWORD))

    assert (costs.type, costs.memory_cost, costs.time_cost) == (Type.ID, 8, 1)
    assert (costs.salt_len, costs.hash_len, costs.parallelism) == (16, 32, 1)


def test_right_password_verifies_and_others_do_not():
    password_hash = passwords.make_hash(PASSWORD)

    assert passwords.verify(password_hash, PASSWORD)
    assert not passwords.verify(password_hash, PASSWORD + " ")
    assert not passwords.verify(password_hash, "")


def test_password_counts_exactly_as_typed():
    password_hash = passwords.make_hash("  Größe  Größe  ")

    assert passwords.verify(password_hash, "  Größe  Größe  ")
    assert not passwords.verify(password_hash, "Größe  Größe")
    assert not passwords.verify(password_hash, "  Gro\u0308ße  Gro\u0308ße  ")


@pytest.mark.parametrize("password_hash", [None, "", "-", "$argon2id$v=19$broken"])
@pytest.mark.parametrize("password", ["", PASSWORD, "\ud800", "\0"])
def test_without_a_hash_no_password_is_right(password_hash, password):
    assert not passwords.verify(password_hash, password)


def test_without_a_hash_the_same_work_is_done(monkeypatch):
    verified = []
    verify = PasswordHasher.verify

    def counting(hasher, password_hash, password):
        verified.append(extract_parameters(password_hash))
        return verify(hasher, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)

    passwords.verify(passwords.make_hash(PASSWORD), PASSWORD)
    passwords.verify(None, PASSWORD)

    known, unknown = verified
    assert known == unknown


def test_hash_with_other_costs_is_outdated():
    cheaper = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(PASSWORD)

    assert passwords.is_outdated(cheaper)
    assert not passwords.is_outdated(passwords.make_hash(PASSWORD))


def test_never_more_than_two_hashes_at_a_time(app, monkeypatch):
    at_work, most, lock = 0, 0, threading.Lock()
    make_hash = PasswordHasher.hash

    def watched(hasher, password):
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        result = make_hash(hasher, password)
        with lock:
            at_work -= 1
        return result

    def work():
        with app.app_context():
            for _ in range(20):
                passwords.make_hash(PASSWORD)

    monkeypatch.setattr(PasswordHasher, "hash", watched)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 <= most <= 2


@pytest.mark.parametrize(
    ("length", "accepted"), [(14, False), (15, True), (256, True), (257, False)]
)
def test_password_has_15_to_256_characters(length, accepted):
    password = ("Größe zählt nicht, Länge schon! " * 9)[:length]
    if accepted:
        assert passwords.check(password) == password
    else:
        with pytest.raises(InvalidError) as refused:
            passwords.check(password)
        assert refused.value.kind in {"too-short", "too-long"}
