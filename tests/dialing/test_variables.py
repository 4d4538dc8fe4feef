import pytest

from portal.dialing.variables import RECORD_FIELDS, VARIABLES, check_value, find, nearest
from portal.errors import DialError


def test_the_variables_are_those_of_the_manual_in_its_order():
    assert list(VARIABLES) == [
        *("NUMBER", "USERID", "SESSID", "CTI_USER", "CTI_PASS", "CTI_PHONE", "CALLID"),
        *("login", "title", "firstname", "surname", "email", "phone", "mobile", "fax"),
        *("department", "position", "location"),
    ]


def test_secrets_are_the_password_and_the_call_token():
    secrets = [variable.name for variable in VARIABLES.values() if variable.secret]

    assert secrets == ["SESSID", "CTI_PASS"]


@pytest.mark.parametrize("name", RECORD_FIELDS)
def test_record_fields_may_have_the_prefix_user(name: str):
    assert find(f"user.{name}") is find(name) is VARIABLES[name]


@pytest.mark.parametrize(
    "name", ["", "user.", "number", "user.NUMBER", "user.user.surname", "Login"]
)
def test_names_are_exact(name: str):
    assert find(name) is None


@pytest.mark.parametrize(
    ("entered", "meant"),
    [
        ("number", "NUMBER"),
        ("USRID", "USERID"),
        ("PASSWORD", "CTI_PASS"),
        ("user.Surname", "surname"),
        ("NUMMER", "NUMBER"),
        ("qqqq", ""),
        ("", ""),
        ("x" * 2000, ""),
    ],
)
def test_nearest_name_is_what_was_probably_meant(entered: str, meant: str):
    assert nearest(entered) == meant


@pytest.mark.parametrize("value", ["", " geheim ", "<#CTI_PASS#>", "päß\u2028", "=1+1", "x" * 255])
def test_values_are_kept_exactly_as_entered(value: str):
    assert check_value(value) == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a\r\nb", "control-character"),
        ("\0", "control-character"),
        ("\x85", "control-character"),
        ("x" * 256, "too-long"),
        ("\udc00", "invalid-unicode"),
        (None, "not-a-string"),
        (42, "not-a-string"),
    ],
)
def test_values_that_could_break_out_are_refused(value: object, kind: str):
    with pytest.raises(DialError) as refusal:
        check_value(value, field="cti_user")

    assert (refusal.value.kind, refusal.value.field) == (kind, "cti_user")
