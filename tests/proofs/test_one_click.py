"""One click is one call, however often and wherever it arrives."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.models import CallState
from tests.support.clicks import counting_phone_system, states_of_calls
from tests.support.processes import wait_for

AT_ONCE = 20
CALLERS = 25


@pytest.mark.rounds(50)
@pytest.mark.timeout(300)
def test_twenty_times_the_same_click_on_two_servers_is_one_call(servers, callers, rounds):
    with counting_phone_system() as phone_system, ThreadPoolExecutor(AT_ONCE) as pool:
        browsers = callers(CALLERS, phone_system.dial_url)

        shown = [
            _round(servers, browsers[number % CALLERS], f"+4936130{number:06}", pool)
            for number in range(rounds)
        ]

        accepted = dict.fromkeys(shown, CallState.ACCEPTED)
        wait_for(lambda: states_of_calls(servers[0]) == accepted, "every call to be accepted")
        assert phone_system.seen() == dict.fromkeys(shown, 1)


def _round(servers, browser, number, pool):
    """Send a click twenty times at once, in all ways, and return the one call that is shown."""
    click_token = secrets.token_urlsafe(16)

    def click(turn):
        return browser.click(servers[turn % 2], number, click_token, htmx=turn % 4 < 2)

    answers = list(pool.map(click, range(AT_ONCE)))

    assert {answer.status for answer in answers} == {200, 303}
    (call_id,) = {answer.call_id for answer in answers}
    return call_id
