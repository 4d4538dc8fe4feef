"""Secrets never show where objects are printed: in logs, tracebacks, debuggers."""

import importlib
import pkgutil
import re
from dataclasses import fields, is_dataclass

import pytest

import portal
from portal import accounts, identity
from portal.calls import Placed
from portal.dialing.connector import DialRequest
from portal.dialing.target import AllowList
from portal.dialing.template import OpenMode, expand, parse
from portal.extensions import db
from portal.models import Call, User
from tests.support.faults import patient

_SECRET = re.compile(r"(^|_)(pass|password|token|sealed|secret_key|encryption_keys)$")


def dataclasses():
    """Return all dataclasses of the portal."""
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(portal.__path__, "portal.")
    ]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
    }
    return sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__))


@pytest.mark.parametrize("cls", dataclasses(), ids=lambda cls: f"{cls.__module__}.{cls.__name__}")
def test_no_field_with_a_secret_is_printed(cls):
    shown = [field.name for field in fields(cls) if field.repr and _SECRET.search(field.name)]

    assert shown == []


def test_the_signed_in_user_shows_no_credentials(app, alice):
    with app.app_context():
        accounts.change_cti(alice.id, cti_user="canary", cti_pass="canary", cti_phone="canary")
        caller = identity.of_login("alice")
        user = db.session.get(User, alice.id)

        assert "canary" not in repr(caller) + repr(user) + str(user)
        assert user.cti_pass_sealed not in repr(caller)


def test_a_url_that_is_to_be_opened_is_not_printed():
    url = "https://pbx.example/?password=canary"
    request = DialRequest(url, AllowList(), patient())

    assert "canary" not in repr(request) + repr(Placed(Call(), is_new=True, url=url))


def test_an_expanded_url_is_printed_masked():
    template = parse("https://pbx.example/?p=<#CTI_PASS#>&n=<#NUMBER#>", OpenMode.SERVER)

    shown = repr(expand(template, {"CTI_PASS": "canary", "NUMBER": "201"}))

    assert "canary" not in shown
    assert "201" in shown
