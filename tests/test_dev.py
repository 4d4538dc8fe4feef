"""``./dev`` does what it says, or says in a sentence why it cannot."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from portal.database import sqlite
from tests.support import schema
from tests.support.processes import PATIENCE, free_port, running, wait_for
from tests.support.server import ROOT

TOOLS = ("sh", "dirname", "id", "cat", "cksum", "find", "mkdir")


@pytest.fixture
def environment(tmp_path):
    """Settings for a portal of this test alone."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")},
        "PORTAL_DATA_DIR": str(tmp_path / "var"),
        "PORTAL_BIND": f"127.0.0.1:{free_port()}",
    }


def refusal(*arguments, env, cwd=ROOT):
    """Run a command of ``./dev`` that must fail, and return the one line it says."""
    run = subprocess.run(
        ["./dev", *arguments],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert run.returncode != 0
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    return line


def test_it_serves_until_it_is_told_to_stop(environment, tmp_path):
    log = tmp_path / "log"

    with running(["./dev", "run"], log=log, env=environment, cwd=ROOT) as process:
        wait_for(lambda: "Listening at" in log.read_text(), "the portal to listen")
        link = re.search(r"http://\S+/setup\?token=\S+", log.read_text())
        with urllib.request.urlopen(link[0], timeout=PATIENCE) as answer:
            page = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE)

    assert environment["PORTAL_BIND"] in link[0]
    assert 'name="password"' in page
    assert code == 0
    assert "Traceback" not in log.read_text()


def test_an_address_in_use_is_named(environment):
    with socket.create_server(("127.0.0.1", 0)) as other:
        environment["PORTAL_BIND"] = f"127.0.0.1:{other.getsockname()[1]}"

        line = refusal("run", env=environment)

    assert line.startswith(f"Error: The portal cannot listen on {environment['PORTAL_BIND']}: ")
    assert "PORTAL_BIND" in line


def test_a_newer_database_is_named(environment, sqlite_template, tmp_path):
    schema.copy_sqlite(sqlite_template, tmp_path / "var")
    with sqlite.connect(tmp_path / "var" / "portal.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'fromthefuture'")
    connection.close()

    line = refusal("run", env=environment)

    assert line.startswith("Error: The database was written by a newer version of the portal")


def test_a_data_folder_that_cannot_be_used_is_named(environment, tmp_path):
    (tmp_path / "file").touch()
    environment["PORTAL_DATA_DIR"] = str(tmp_path / "file" / "var")

    line = refusal("run", env=environment)

    assert line.startswith(f"The data folder {environment['PORTAL_DATA_DIR']} cannot be used: ")


def test_a_wrong_setting_is_named(environment):
    environment["PORTAL_DEPLOYMENT"] = "moon"

    assert refusal("run", env=environment) == (
        "PORTAL_DEPLOYMENT is moon; it can be server / cloud."
    )


class TestBareMachine:
    """A checkout without .venv, on a machine that has next to nothing."""

    @pytest.fixture
    def checkout(self, tmp_path):
        folder = tmp_path / "checkout"
        folder.mkdir()
        for name in ("dev", "requirements.lock"):
            shutil.copy(ROOT / name, folder / name)
        return folder

    @pytest.fixture
    def bare(self, tmp_path):
        """PATH with a handful of tools and no Python."""
        folder = tmp_path / "bin"
        folder.mkdir()
        for tool in TOOLS:
            (folder / tool).symlink_to(shutil.which(tool))
        return {"PATH": str(folder)}

    def test_a_missing_python_is_named(self, checkout, bare):
        assert refusal("run", env=bare, cwd=checkout).startswith(
            "Python 3.11 or newer was not found."
        )

    def test_an_old_python_does_not_count(self, checkout, bare, tmp_path):
        self._install(tmp_path / "bin" / "python3", "exit 1")

        assert "3.11" in refusal("run", env=bare, cwd=checkout)

    def test_a_missing_venv_module_is_named(self, checkout, bare, tmp_path):
        no_ensurepip = f'case "$2" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"'
        self._install(tmp_path / "bin" / "python3", no_ensurepip)

        assert refusal("run", env=bare, cwd=checkout).startswith("Python's venv module is missing.")

    def _install(self, path, script):
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.mark.parametrize("arguments", [[], ["dance"]], ids=["nothing", "unknown"])
def test_without_a_known_word_it_explains_itself(arguments):
    run = subprocess.run(
        ["./dev", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert run.returncode == 2
    assert "./dev run" in run.stdout + run.stderr
