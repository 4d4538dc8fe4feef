"""Targets: closed by default, allowed by administrators, in force at once everywhere."""

import pytest
from sqlalchemy import event, select

from portal import targets
from portal.database import read_only, writing
from portal.dialing.target import check_listed, check_url, parse_entry
from portal.dialing.tls import Trust, TrustMode
from portal.errors import DialError, InvalidError, NotFoundError
from portal.extensions import db
from portal.models import Setting, Target, User

URL = "https://pbx.example/"


@pytest.fixture(autouse=True)
def _in_context(app, ada):
    with app.app_context():
        yield


def _is_allowed(url=URL, allow=None):
    try:
        check_listed(check_url(url), allow or targets.allow_list())
    except DialError:
        return False
    return True


def _version():
    setting = db.session.get(Setting, targets.VERSION_SETTING, populate_existing=True)
    return setting.value if setting else ""


def _listed():
    return [(listed.target.entry, listed.allowed_by) for listed in targets.overview()]


def test_nothing_is_allowed_at_first():
    assert targets.overview() == []
    assert not _is_allowed()


def test_who_allowed_what_when_and_why_is_kept(ada):
    target = targets.allow(" PBX.Example. ", reason=" Head office ", by=ada.id)

    assert (target.entry, target.reason, target.created_by) == (
        "pbx.example",
        "Head office",
        ada.id,
    )
    assert target.created_at
    assert _listed() == [("pbx.example", "Ada Lovelace")]
    assert _is_allowed()


def test_targets_stay_when_who_allowed_them_is_gone(ada):
    targets.allow("pbx.example", by=ada.id)

    db.session.delete(db.session.get_one(User, ada.id))
    db.session.commit()

    assert _listed() == [("pbx.example", "")]


def test_what_is_removed_is_closed_again():
    target = targets.allow("pbx.example")

    targets.remove(target.id)

    assert targets.overview() == []
    assert not _is_allowed()
    with pytest.raises(NotFoundError):
        targets.remove(target.id)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("", "missing-host"),
        ("https://pbx.example/", "missing-host"),
        ("pbx.example:0", "bad-port"),
        ("localhost:8088", "address-never-allowed"),
        ("127.0.0.1", "address-never-allowed"),
        ("169.254.169.254", "address-never-allowed"),
        ("PBX.EXAMPLE.", "target-listed"),
    ],
)
def test_what_is_no_target_is_refused_at_its_field(entry, kind):
    targets.allow("pbx.example")

    with pytest.raises(InvalidError) as refused:
        targets.allow(entry)

    assert (refused.value.kind, refused.value.field) == (kind, "entry")
    assert len(targets.overview()) == 1


@pytest.mark.parametrize("reason", ["x" * 256, "two\nlines"])
def test_a_reason_that_cannot_be_kept_is_refused_at_its_field(reason):
    with pytest.raises(InvalidError) as refused:
        targets.allow("pbx.example", reason=reason)

    assert refused.value.field == "reason"
    assert targets.overview() == []


def test_adding_what_is_there_changes_nothing():
    listed = targets.allow("pbx.example", reason="First")
    version = _version()

    again = targets.add(parse_entry("pbx.example"), reason="", by=None)
    db.session.commit()

    assert (again.id, again.reason) == (listed.id, "First")
    assert _version() == version


def test_every_change_has_a_version_of_its_own():
    versions = [_version()]
    target = targets.allow("pbx.example")
    versions.append(_version())
    targets.remove(target.id)
    versions.append(_version())
    targets.allow("pbx.example")
    versions.append(_version())

    assert versions[0] == ""
    assert len(set(versions)) == 4


def test_the_list_is_kept_in_memory_until_its_version_changes():
    targets.allow("pbx.example")
    targets.allow_list_at(_version())
    version, statements = _version(), []
    event.listen(db.engine, "before_cursor_execute", lambda *call: statements.append(call))

    assert _is_allowed(allow=targets.allow_list_at(version))

    assert statements == []


@pytest.fixture
def elsewhere(make_app):
    """Do something in another process, as far as the database is concerned."""

    def do(change, *arguments):
        db.session.rollback()
        with make_app().app_context(), writing():
            return change(*arguments)

    return do


def test_a_change_by_another_process_holds_at_once(elsewhere):
    targets.allow_list_at(_version())

    elsewhere(targets.allow, "pbx.example")
    assert _is_allowed(allow=targets.allow_list_at(_version()))

    elsewhere(targets.remove, 1)
    assert not _is_allowed(allow=targets.allow_list_at(_version()))


def test_a_list_read_too_early_is_not_taken_for_the_later_one(make_app):
    token = read_only.set(True)
    db.session.scalars(select(Target)).all()  # on SQLite this transaction sees no later change
    with make_app().app_context(), writing():
        targets.allow("pbx.example")
        version = _version()

    targets.allow_list_at(version)
    db.session.rollback()

    assert _is_allowed(allow=targets.allow_list_at(version))
    read_only.reset(token)


def test_what_is_trusted_holds_from_the_next_call_on_in_every_process(elsewhere):
    targets.allow("pbx.example")
    before = targets.allow_list_at(_version())

    elsewhere(targets.change_trust, 1, TrustMode.UNVERIFIED)
    after = targets.allow_list_at(_version())

    entry = parse_entry("pbx.example")
    assert before.trust(entry) == Trust()
    assert after.trust(entry) == Trust(TrustMode.UNVERIFIED)


def test_targets_that_are_not_verified_are_named():
    for entry in ("pbx.example", "other.example"):
        targets.change_trust(targets.allow(entry).id, TrustMode.UNVERIFIED)
    targets.allow("third.example")

    assert targets.unverified() == ["other.example", "pbx.example"]
