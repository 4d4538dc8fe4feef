"""What the tests stand on can itself fail when it should."""

import pytest

from tests.support.html import faults
from tests.support.processes import require


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("<p style='color: red'>x</p>", "<p style> is forbidden by the content security policy"),
        ("<p onclick='x()'>x</p>", "<p onclick> is forbidden by the content security policy"),
        ("<script>x()</script>", "inline <script> is forbidden by the content security policy"),
        ("<p id='a'></p><p id='a'></p>", "two elements have the id a"),
        ("<p><b>x</p>", "</p> closes <b>"),
        ("<p>", "<p> is never closed"),
        ("<p>%(name)s</p>", "'%(' is left over"),
    ],
    ids=["style", "handler", "script", "id", "nesting", "unclosed", "leftover"],
)
def test_the_test_client_notices_broken_html(page, fault):
    assert fault in faults(page)


def test_a_missing_program_fails_in_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="apt-get install spaceship"):
        require("warp-drive", package="spaceship")


def test_a_missing_program_skips_elsewhere(monkeypatch):
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="apt-get install spaceship"):
        require("warp-drive", package="spaceship")


def test_a_program_is_found_under_any_of_its_names():
    assert require("warp-drive", "sh", package="spaceship").endswith("/sh")
