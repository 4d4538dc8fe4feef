"""Browsers in words."""

import pytest

from portal.web.browsers import recognise

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, Windows",
        ),
        (f"(Windows NT 10.0) {_WEBKIT} Chrome/130.0 Safari/537.36 Edg/130.0", "Edge, Windows"),
        (f"(Windows NT 10.0) {_WEBKIT} Chrome/130.0 Safari/537.36 OPR/114.0", "Opera, Windows"),
        (f"(Linux; Android 15) {_WEBKIT} Chrome/130.0 Mobile Safari/537.36", "Chrome, Android"),
        (f"(Macintosh; Intel Mac OS X 14_0) {_WEBKIT} Version/18.0 Safari/605.1", "Safari, macOS"),
        (f"(iPhone; CPU iPhone OS 18_0 like Mac OS X) {_WEBKIT} CriOS/130.0", "Chrome, iPhone"),
        (f"(X11; CrOS x86_64 16000.0.0) {_WEBKIT} Chrome/130.0 Safari/537.36", "Chrome, ChromeOS"),
        ("(X11; Linux x86_64) something new", "Linux"),
        ("curl/8.5", ""),
        ("", ""),
    ],
)
def test_browser_is_called_what_its_user_calls_it(user_agent, words):
    assert str(recognise(user_agent)) == words


def test_phones_and_tablets_are_told_from_computers():
    assert recognise("(Linux; Android 15)").is_handheld
    assert not recognise("(X11; Linux x86_64)").is_handheld
