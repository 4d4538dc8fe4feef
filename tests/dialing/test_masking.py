import pytest

from portal.dialing.template import MASK, OpenMode, Part, expand, parse
from portal.dialing.variables import VARIABLES
from portal.errors import DialError

CANARY = "geheim-7f3a"
URL = "https://pbx.example/?u=<#CTI_USER#>&p=<#CTI_PASS#>&s=<#SESSID#>&n=<#NUMBER#>"
VALUES = {"CTI_USER": "ada", "CTI_PASS": CANARY, "SESSID": CANARY, "NUMBER": "0361"}


def test_each_part_knows_its_variable():
    expansion = expand(parse(URL, OpenMode.SERVER), VALUES)

    assert expansion.parts[1] == Part("ada", VARIABLES["CTI_USER"])
    assert expansion.parts[2] == Part("&p=")
    assert [part.variable.name for part in expansion.parts if part.variable] == list(VALUES)


def test_secrets_are_masked_wherever_an_expansion_is_shown():
    expansion = expand(parse(URL, OpenMode.SERVER), VALUES)

    assert expansion.url == f"https://pbx.example/?u=ada&p={CANARY}&s={CANARY}&n=0361"
    assert expansion.masked == f"https://pbx.example/?u=ada&p={MASK}&s={MASK}&n=0361"
    for shown in (repr(expansion), str(expansion), f"{expansion.parts}", repr(expansion.parts[3])):
        assert CANARY not in shown
        assert MASK in shown


@pytest.mark.parametrize("value", [f"{CANARY}\n", f"../{CANARY}", CANARY + "x" * 255])
def test_secrets_are_not_in_refusals(value: str):
    template = parse("https://pbx.example/<#CTI_PASS#>/", OpenMode.SERVER)

    with pytest.raises(DialError) as refusal:
        expand(template, {"CTI_PASS": value})

    assert CANARY not in f"{refusal.value} {refusal.value!r} {refusal.value.params}"
    assert refusal.value.__context__ is None
    assert refusal.value.variable == "CTI_PASS"
