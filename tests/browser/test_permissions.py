"""Dial permissions in Chromium: asked before a call abroad, tried out while choosing, stopped."""

import re

import pytest
from playwright.sync_api import expect

from portal import permissions, phones, targets
from portal.dialing.number_class import NumberClass
from portal.dialing.permission import Permission
from portal.extensions import db
from portal.models import Call, Role
from portal.phones import Draft
from tests.support import people

ABROAD = "+43 1 234567"


@pytest.fixture
def cast(portal_server, phone_system):
    """Ada and alice, and a phone system that is allowed."""
    phone_system.expect_request("/call").respond_with_data("ok")
    url = phone_system.url_for("/call?n=<#NUMBER#>")
    with portal_server.app.app_context():
        targets.allow(f"127.0.0.1:{phone_system.port}")
        phones.save_default(Draft("Desk phones", url))
    return portal_server.add(people.ADA), portal_server.add(people.ALICE)


def _calls(server):
    with server.app.app_context():
        return db.session.query(Call.number, Call.state).all()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_call_abroad_is_asked_once_and_made_once(
    chromium, portal_server, cast, phone_system, scripts
):
    _ada, alice = cast
    context = chromium.new_context(base_url=portal_server.url, java_script_enabled=scripts)
    page = context.new_page()
    portal_server.sign_in(page, alice)
    page.goto("/dial")
    page.locator("#number").fill(ABROAD)
    page.get_by_role("button", name="Call", exact=True).click()

    question = page.locator("#confirm-call")
    expect(question).to_contain_text("Abroad: Austria")
    assert _calls(portal_server) == []

    page.get_by_role("button", name="Yes, call").click()

    expect(page.locator(".call-card[data-call-id]")).to_contain_text("+43 1 234567")
    expect(page.locator(".call-card[data-call-state=accepted]")).to_be_visible(timeout=30_000)
    context.close()
    assert [number for number, _state in _calls(portal_server)] == ["+431234567"]
    assert len(phone_system.log) == 1


def test_who_does_not_want_to_call_calls_nobody(page, portal_server, cast):
    _ada, alice = cast
    portal_server.sign_in(page, alice)
    page.goto("/dial?number=%2B431234567")
    expect(page.locator("#preview-question")).to_contain_text("Abroad: Austria.")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Do not call").click()

    expect(page.locator("#number")).to_have_value("+431234567")
    assert _calls(portal_server) == []


def test_a_number_is_tried_out_while_the_choices_change(page, portal_server, cast):
    ada, _alice = cast
    portal_server.sign_in(page, ada)
    page.goto("/admin/click2dial/permissions")
    page.locator("#try").fill("0900 123456")
    expect(page.locator("#tried")).to_contain_text("Premium rate +49900123456")
    expect(page.locator("#tried .badge-bad")).to_have_count(2)

    page.get_by_role("radiogroup", name="Premium rate, Users").get_by_label("ask").check()

    expect(page.locator("#tried .badge-warn")).to_have_count(1)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#messages .alert-ok")).to_be_visible()
    with portal_server.app.app_context():
        rules = permissions.standing().rules
    assert rules[Role.USER].classes[NumberClass.PREMIUM] is Permission.CONFIRM
    expect(page.locator("[name='user.premium']:checked")).to_have_value("confirm")


def test_choices_are_made_with_the_keyboard_alone(page, portal_server, cast):
    ada, _alice = cast
    portal_server.sign_in(page, ada)
    page.goto("/admin/click2dial/permissions")
    page.locator("[name='user.internal']:checked").focus()
    page.keyboard.press("ArrowRight")

    expect(page.locator("[name='user.internal']:checked")).to_have_value("confirm")


def test_dialling_is_stopped_by_one_button(page, portal_server, cast):
    ada, alice = cast
    portal_server.sign_in(page, ada)
    page.goto("/admin/click2dial/permissions")
    page.get_by_label("Reason").fill("Fraud is going on")
    page.get_by_role("button", name="Stop all dialling").click()
    expect(page.locator("#dialling-stopped")).to_contain_text("Fraud is going on")

    portal_server.sign_in(page, alice)
    page.goto("/dial?number=201")
    expect(page.locator("#dialling-stopped")).to_be_visible()
    page.get_by_role("button", name="Call", exact=True).click()

    expect(page.locator("#call-card")).to_contain_text(re.compile("All dialling is stopped"))
    assert _calls(portal_server) == []
