"""Everything the portal says it says in German too."""

import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tests.support.databases import on_sqlite
from tests.support.server import ROOT

GERMAN = ROOT / "portal" / "translations" / "de" / "LC_MESSAGES" / "messages.po"


def read(path: Path):
    with path.open("rb") as file:
        return read_po(file, locale="de")


@pytest.fixture(scope="module")
def in_source(tmp_path_factory):
    """All texts that stand in the source now, collected as ``./dev messages`` does it."""
    target = tmp_path_factory.mktemp("messages") / "messages.pot"
    extract = ["extract", "--mapping", "pyproject.toml", "--keywords", "_l", "--keywords", "N_"]
    subprocess.run(
        [sys.executable, "-m", "babel.messages.frontend", "--quiet", *extract, "-o", target, "."],
        cwd=ROOT,
        check=True,
    )
    return read(target)


@pytest.fixture(scope="module")
def german():
    return read(GERMAN)


def forms(message):
    """Return all plural forms of a translation."""
    return message.string if isinstance(message.string, tuple) else (message.string,)


def test_every_text_has_a_translation(in_source, german):
    missing = [
        message.id
        for message in in_source
        if message.id and (message.id not in german or not all(forms(german[message.id])))
    ]

    assert missing == []


def test_no_translation_is_a_guess(german):
    assert [message.id for message in german if message.id and message.fuzzy] == []


def test_no_translation_is_left_over(in_source, german):
    leftover = [message.id for message in german if message.id and message.id not in in_source]

    assert leftover + list(german.obsolete) == []


def test_every_place_for_a_value_is_kept(german):
    problems = {message.id: errors for message, errors in german.check() if errors}

    assert problems == {}


def test_german_is_not_english(german):
    same = [message.id for message in german if message.id and forms(message)[0] == message.id]

    assert len(same) < len(german) / 10


@on_sqlite
@pytest.mark.parametrize(
    ("languages", "heading"),
    [("de-AT,de;q=0.9,en;q=0.5", "Anmelden"), ("en-GB", "Sign in"), ("fr", "Sign in")],
    ids=["german", "english", "other"],
)
def test_the_browser_chooses_the_language(client, ada, languages, heading):
    page = client.get("/login", headers={"Accept-Language": languages}).text

    assert f"<h1>{heading}</h1>" in page


@on_sqlite
def test_a_cookie_chooses_the_language(client, ada):
    client.submit("/preferences", {"language": "de", "next": "/login"})

    assert '<html lang="de"' in client.get("/login", headers={"Accept-Language": "en"}).text
