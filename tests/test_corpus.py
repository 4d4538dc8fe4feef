import json
from pathlib import Path
from typing import Any

import pytest

from portal import corpus

NUMBER = {
    "id": "N-1",
    "kind": "number",
    "input": "0361 30",
    "expect": "accept",
    "expected": "036130",
}
LETTERS = {"id": "N-2", "kind": "number", "input": "abc", "expect": "refuse", "errors": ["letters"]}
LONG = {
    "id": "N-3",
    "kind": "number",
    "input": {"repeat": "1", "times": 100_000},
    "expect": "refuse",
    "errors": ["too-long"],
    "when": "dial",
}
URL = {
    "id": "T-1",
    "kind": "template",
    "input": {
        "template": "HTTPS://PBX.example/a%2f%c3%bc?c=<#NUMBER#>",
        "mode": "server",
        "values": {"NUMBER": "*1,2"},
    },
    "expect": "accept",
    "expected": "https://pbx.EXAMPLE/a/%C3%BC?c=*1%2c2",
}
LOCAL_PROGRAM = {
    "id": "T-2",
    "kind": "template",
    "input": {"template": "tel:1", "mode": "server", "values": {}},
    "expect": "refuse",
    "errors": ["bad-scheme"],
    "when": "save",
}
HOSTILE_NAME = {
    "id": "P-1",
    "kind": "profile",
    "input": {
        "field": "surname",
        "value": "=<'\">",
        "template": "https://pbx.example/?<#surname#>",
        "mode": "browser",
    },
    "expect": "accept",
    "expected": "https://pbx.example/?%3D%3C%27%22%3E",
    "expected_html": "=&lt;&#x27;&quot;&gt;",
    "expected_csv": "'=<'\">",
}
HANDLER = {
    "id": "H-1",
    "kind": "handler",
    "input": {
        "handlers": [{"name": "a", "url": "https://pbx.example/"}, {"name": "A://", "url": "tel:"}],
        "dial": "a://1",
        "mode": "server",
        "values": {},
    },
    "expect": "refuse",
    "errors": ["duplicate-handler"],
    "when": "save",
}
TARGET: dict[str, Any] = {
    "id": "X-1",
    "kind": "http-target",
    "input": {
        "url": "https://pbx.example/",
        "allow": ["pbx.example", "10.0.0.0/8"],
        "dns": ["10.0.0.9", "10.0.0.8"],
        "dns_sequence": [["10.0.0.9"], ["169.254.169.254"]],
        "response": {"status": 204},
    },
    "expect": "accept",
    "expected": "the connection goes to 10.0.0.9",
}
METADATA = {
    "id": "X-2",
    "kind": "http-target",
    "input": {"url": "http://169.254.169.254/", "allow": ["169.254.0.0/16"]},
    "expect": "refuse",
    "errors": ["address-never-allowed"],
    "when": "request",
}
REDIRECT: dict[str, Any] = TARGET | {
    "id": "X-3",
    "input": {
        "url": "http://10.0.0.9/",
        "allow": ["10.0.0.9"],
        "response": {"status": 302, "location": "http://10.0.0.9/"},
    },
    "expect": "refuse",
    "errors": ["redirect-not-followed"],
}


def run(tmp_path: Path, *cases: dict[str, Any], kinds: tuple[str, ...] = ()) -> int:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": cases}))
    return corpus.main([str(path), *(f"--kind={kind}" for kind in kinds)])


def test_cases_that_hold_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    urls = (URL, LOCAL_PROGRAM, HOSTILE_NAME, HANDLER)

    code = run(tmp_path, NUMBER, LETTERS, LONG, *urls, TARGET, METADATA, REDIRECT)

    assert capsys.readouterr().out == "10 of 10\n"
    assert code == 0


@pytest.mark.parametrize(
    ("case", "change"),
    [
        (NUMBER, {"expected": "036131"}),
        (NUMBER, {"expect": "refuse", "errors": ["letters"]}),
        (LETTERS, {"errors": ["empty", "too-long"]}),
        (LETTERS, {"expect": "accept", "expected": "222"}),
        (LONG, {"when": "save"}),
        (URL, {"expected": "https://pbx.example/a/%C3%BC?c=*1%2c3"}),
        (URL, {"expected": "https://pbx.example/a/%C3%BC?C=*1%2c2"}),
        (URL, {"input": {"template": "https://pbx.example/"}}),
        (HOSTILE_NAME, {"expected_html": "=<'\">"}),
        (HOSTILE_NAME, {"expected_csv": "=<'\">"}),
        (HANDLER, {"errors": ["handler-cycle"]}),
        (TARGET, {"expected": "the connection goes to 10.0.0.8"}),
        (METADATA, {"when": "save"}),
        (REDIRECT, {"input": REDIRECT["input"] | {"response": {"status": 200}}}),
    ],
)
def test_case_that_differs_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    case: dict[str, Any],
    change: dict[str, Any],
):
    code = run(tmp_path, case | change, LETTERS | {"id": "N-9"})

    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{case['id']}: ")
    assert last == "1 of 2"
    assert code == 1


def test_kinds_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = run(tmp_path, NUMBER, URL, HANDLER | {"errors": []}, kinds=("number", "template"))

    assert capsys.readouterr().out == "2 of 2\n"
    assert code == 0


def test_unknown_kind_counts_as_not_holding(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = run(tmp_path, NUMBER, NUMBER | {"id": "X-1", "kind": "telegram"})

    assert capsys.readouterr().out == "X-1: cases of kind telegram cannot be run yet\n1 of 2\n"
    assert code == 1


def test_no_cases_are_no_success(tmp_path: Path):
    assert run(tmp_path, NUMBER, kinds=("profile",)) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"cases": 1}', None])
def test_file_that_has_no_cases_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
):
    path = tmp_path / "cases.json"
    if content is not None:
        path.write_text(content)

    code = corpus.main([str(path)])

    assert capsys.readouterr().err.startswith("These cases cannot be read: ")
    assert code == 2
