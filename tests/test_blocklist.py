"""What is guessed first is no password, and everything else may be one."""

import random
import string
from pathlib import Path

import pytest

from portal import blocklist, passwords
from portal.errors import InvalidError

NAMES = ("alice", "Alice", "Ärmel & Söhne", "alice@example.org", "Sales", "Erfurt")
WORDS = ["lamp", "harbour", "quiet", "ladder", "violet", "engine", "marble", "tunnel"]


def listed():
    lines = Path(blocklist.__file__).with_suffix(".txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "Password Password 2026!",
        "P4ssw0rd!P4ssw0rd!",
        "p@$$w0rd12345678",
        "correct horse battery staple",
        "Correct-Horse-Battery-Staple!",
        "ｃｏｒｒｅｃｔ ｈｏｒｓｅ ｂａｔｔｅｒｙ ｓｔａｐｌｅ",  # noqa: RUF001 - full width
        "thisismypassword",
        "Ich liebe dich für immer",
        "aaaaaaaaaaaaaaa",
        "abcabcabcabcabcabc",
        "12345678901234567890",
        "abcdefghijklmnop",
        "qwertzuiopasdfgh",
        "1qaz2wsx3edc4rfv",
        "qwertyuiop123456",
        "zyxwvutsrqponml",
        "iloveyou20242025",
        "Click2Dial Portal",
        "click2dial-2026-portal",
        "Alice.Ärmel.2026",
        "alice@example.org",
        "Sales Erfurt 2026",
        "               ",
        "!!!!????!!!!????",
        "summer summer summer",
    ],
)
def test_what_is_guessed_first_is_refused(password):
    assert len(password) >= passwords.SHORTEST

    with pytest.raises(InvalidError) as refused:
        passwords.check(password, names=NAMES, field="new")

    assert (refused.value.kind, refused.value.field) == ("guessable", "new")


@pytest.mark.parametrize(
    "password",
    [
        "nine lamps over the harbour",
        "another password",
        "Größe zählt nicht, Länge schon",
        "839201746520193",
        "tr0ub4dor&3 and more",
        "私の電話は青いです、そして古い",
        "alice likes walnut trees",
        "🎈🎈 balloons at the harbour",
    ],
)
def test_everything_else_is_accepted_exactly_as_typed(password):
    assert passwords.check(password, names=NAMES) == password


def test_a_thousand_random_passwords_and_passphrases_are_accepted():
    chance = random.Random(4711)  # noqa: S311 - the same ones each time
    for _ in range(1000):
        letters = "".join(chance.choices(string.ascii_letters + string.digits, k=16))
        phrase = " ".join(chance.sample(WORDS, 4))
        assert passwords.check(letters, names=NAMES) == letters
        assert passwords.check(phrase, names=NAMES) == phrase


def test_the_list_is_long_sorted_and_in_the_form_that_is_compared():
    words = listed()

    assert len(words) >= 10_000
    assert words == sorted(set(words))
    assert [word for word in words if word != blocklist._fold(word)] == []


def test_names_count_whatever_the_case_and_the_order():
    assert blocklist.is_guessable("SÖHNE-alice-ärmel-sales", NAMES)
    assert not blocklist.is_guessable("SÖHNE-alice-ärmel-sales")
