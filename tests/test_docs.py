"""What the documentation shows works as it stands there."""

import json
import os
import re
import subprocess

from tests.support import people
from tests.support.processes import require
from tests.support.server import ROOT
from tests.web.test_api import Dialled

EXAMPLES = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/api.md").read_text("utf-8"), re.DOTALL)


def run(example, **variables):
    """Run an example in a shell, as somebody who copied it, and return what it was answered."""
    done = subprocess.run(
        ["sh", "-euc", example],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_examples_for_phone_systems_work(portal_server):
    require("curl", package="curl")
    alice = portal_server.add(people.ALICE)
    call = Dialled(portal_server.app, alice)
    places = {"PORTAL": portal_server.url, "TOKEN": call.token, "CALL": call.id}

    session, before, ringing, ended = (run(example, **places) for example in EXAMPLES)

    assert (session["user_id"], session["call_id"]) == (alice.id, call.id)
    assert (before["id"], before["state"]) == (call.id, "handed_over")
    assert ringing["state"] == "ringing"
    assert (ended["state"], ended["cause"]) == ("ended", "busy")
