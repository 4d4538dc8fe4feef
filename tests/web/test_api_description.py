"""The OpenAPI file: it describes every service, and what is described is what runs."""

import subprocess
import sys

import pytest

from tests.support import people, schema, server
from tests.support.databases import on_sqlite
from tests.web.test_api import Dialled

PATIENCE_SECONDS = 100


def described(rule):
    """Return the path of a rule as OpenAPI spells it."""
    return rule.removeprefix("/api/v1").replace("<", "{").replace(">", "}")


@on_sqlite
def test_every_service_is_described_and_nothing_else(app, client):
    services = {
        (described(str(rule)), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if str(rule).startswith("/api/")
    }

    paths = client.get("/api/v1/openapi.json").json["paths"]

    assert services == {
        (path, method) for path in paths for method in paths[path] if method != "parameters"
    }


@pytest.fixture(scope="module")
def generous_server(sqlite_template, tmp_path_factory):
    """A portal that lets itself be asked without end."""
    folder = tmp_path_factory.mktemp("api") / "var"
    schema.copy_sqlite(sqlite_template, folder)
    limits = {"PORTAL_API_REQUESTS": "1000000", "PORTAL_BAD_TOKENS": "1000000"}
    with server.portal_server(folder, **limits) as running:
        yield running


@pytest.mark.parametrize("operation", ["describe", "readSession", "readCall", "reportEvent"])
def test_schemathesis_finds_no_difference(generous_server, tmp_path, operation):
    caller = generous_server.add({**people.ALICE, "login": operation.lower()})
    call = Dialled(generous_server.app, caller)
    (tmp_path / "schemathesis.toml").write_text(
        f'[parameters]\n"path.call_id" = "{call.id}"\n', encoding="utf-8"
    )
    command = [sys.executable, "-m", "schemathesis.cli", "run"]
    options = {
        "--include-operation-id": operation,
        "--header": f"Authorization: Bearer {call.token}",
        "--checks": "all",
        "--phases": "examples,coverage,fuzzing",
        "--max-examples": "25",
        "--seed": "1",
    }

    done = subprocess.run(
        [*command, f"{generous_server.url}/api/v1/openapi.json", *sum(options.items(), ())],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Missing test data" not in done.stdout  # it got at the call itself
