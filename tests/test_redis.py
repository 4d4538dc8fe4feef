"""With Redis, limits hold across processes; without it, everything goes on."""

import contextlib
import re
import secrets

import requests

from tests.support import schema
from tests.support.databases import redis_server
from tests.support.server import PortalServer, portal_server

ALLOWED = 30
"""Tries to sign in that an address has in 15 minutes."""


def try_to_sign_in(server: PortalServer) -> int:
    """Try a password for somebody else each time and return the status of the answer."""
    with requests.Session() as browser:
        page = browser.get(f"{server.url}/login", timeout=30).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        form = {"csrf_token": token[1], "login": secrets.token_hex(8), "password": "wrong"}
        return browser.post(f"{server.url}/login", data=form, timeout=30).status_code


def test_two_servers_count_together(sqlite_template, redis_url, tmp_path):
    schema.copy_sqlite(sqlite_template, tmp_path)
    with (
        portal_server(tmp_path, PORTAL_REDIS_URL=redis_url) as first,
        portal_server(tmp_path, PORTAL_REDIS_URL=redis_url) as second,
    ):
        statuses = [try_to_sign_in((first, second)[turn % 2]) for turn in range(ALLOWED + 1)]

    assert statuses == [422] * ALLOWED + [429]


def test_when_redis_goes_the_portal_stays_and_still_counts(sqlite_template, tmp_path):
    schema.copy_sqlite(sqlite_template, tmp_path)
    (tmp_path / "redis").mkdir()
    with contextlib.ExitStack() as redis:
        url = redis.enter_context(redis_server(tmp_path / "redis"))
        with portal_server(tmp_path, PORTAL_REDIS_URL=url) as server:
            assert try_to_sign_in(server) == 422

            redis.close()

            statuses = [try_to_sign_in(server) for _ in range(ALLOWED + 1)]
            assert statuses == [422] * ALLOWED + [429]
