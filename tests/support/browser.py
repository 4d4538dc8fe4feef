"""Chromium, and what a page must not do in it."""

import contextlib
import re
from collections.abc import Iterator

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.support.processes import require

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_REFUSED_FORM = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d ")
"""Chromium reports each 4xx answer as an error; a refused form is none."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser that is installed; none is ever downloaded."""
    executable = require("chromium", "google-chrome", package="chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def watched_page(browser: Browser, base_url: str) -> Iterator[Page]:
    """Open a page in a fresh profile; console errors and CSP violations fail the test."""
    context = browser.new_context(
        base_url=base_url, locale="en-GB", viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(10_000)
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _REFUSED_FORM.match(message.text):
            complaints.append(f"{message.type}: {message.text}")

    context.on("console", note)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    try:
        yield context.new_page()
    finally:
        context.close()
    assert complaints == []
