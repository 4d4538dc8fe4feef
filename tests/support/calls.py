"""Calls that tests make, and how they turn out."""

import pytest
from flask import Flask

from portal import calls
from portal.dialing.dispatch import Job
from portal.extensions import db
from portal.identity import of_login
from portal.models import Call
from tests.support.processes import wait_for


def make_call(login: str, number: str = "201") -> Call:
    """Make a call with the default phone and return it once its outcome is known."""
    caller = of_login(login)
    call_id = calls.place(caller, number, "default", calls.new_click_token()).call.id
    wait_for(lambda: calls.is_settled(as_it_is(call_id)), "the call to be settled")
    return as_it_is(call_id)


def as_it_is(call_id: str) -> Call:
    """Read a call as others see it now, and leave nothing locked."""
    db.session.rollback()
    call = db.session.get_one(Call, call_id, populate_existing=True)
    db.session.expunge(call)
    db.session.rollback()
    return call


def hold_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Send no call any more, and return the list of those that wait for it."""
    waiting: list[Job] = []
    monkeypatch.setattr(app.extensions["dispatchers"]["http"], "submit", waiting.append)
    return waiting
