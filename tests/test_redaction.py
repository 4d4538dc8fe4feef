"""No secret is seen anywhere but in the one request that needs it, and no number in a log.

Unique canaries are put in the place of every secret; then everything happens that can happen, and
all that leaves the portal is searched for them, plain and encoded.
"""

import base64
import json
import logging
import re
import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import click
import pytest
import structlog
from cryptography.fernet import Fernet
from flask import Flask
from markupsafe import escape
from sqlalchemy import select, text

from portal import accounts, passwords, phones
from portal.dialing.template import OpenMode
from portal.extensions import db
from portal.models import Call, CallState, User
from portal.phones import Draft
from portal.web.guards import public
from tests.support import people
from tests.support.canaries import Search
from tests.support.certificates import self_signed
from tests.support.databases import on_sqlite
from tests.support.faults import (
    answers,
    phone_system_that,
    port_that_swallows_connections,
    redirects,
    speaks_first,
)
from tests.support.people import Person
from tests.support.processes import free_port, wait_for
from tests.support.targets import allow_target_of
from tests.support.watched import see_database, watch_answers, watched_logs
from tests.test_faults import FAULTS

ENCRYPTION_KEY = b"Kn4ry-encryption-key-0123456789/"
CTI_PASS = "Kn4ry-CTI-pass ü&+/\"'%<>"
PASSWORD = "Kn4ry-own-password/& more"
CANARIES = {
    "the CTI password": CTI_PASS,
    "a CTI password that was refused": "Kn4ry-refused-CTI-pass\t",
    "a password that was wrong": "Kn4ry-wrong-password/& more",
    "a new password": "Kn4ry-new-password/& more",
    "the password": PASSWORD,
    "the secret key": "Kn4ry-secret-key-0123456789-0123456789",
    "the encryption key": base64.urlsafe_b64encode(ENCRYPTION_KEY).decode(),
    "the encryption key itself": ENCRYPTION_KEY.decode(),
}
NUMBER = "+49 361 4711998-"
NUMBER_IN_LOGS = "3614711998"
DIAL_PATH = "/call?n=<#NUMBER#>&p=<#CTI_PASS#>&t=<#SESSID#>&u=<#CTI_USER#>"
LIMITS = {"look_up_timeout": 1.0, "connect_timeout": 1.0, "exchange_timeout": 1.5}


def echoes(line):
    """Send back what was asked for: as an error page, in a header, and as an address to go to."""
    request = line.read_request()
    url = request.split()[1]
    headers = [b"HTTP/1.1 404 Not Found", b"X-Asked: " + url, b"Location: http://elsewhere" + url]
    line.send(b"\r\n".join([*headers, b"Content-Length: %d" % len(request), b"", request]))


def echoes_in_a_bad_header(line):
    """Send back what was asked for where libraries complain about it, and quote it."""
    url = line.read_request().split()[1]
    line.send(b"HTTP/1.1 200 OK\r\nContent-Length: " + url + b"\r\n\r\nok")


def echoes_in_the_status_line(line):
    """The same, where an answer begins."""
    line.send(line.read_request())


FAULTY = {
    **{name: case.fault for name, case in FAULTS.items()},
    "echo": echoes,
    "echo in a bad header": echoes_in_a_bad_header,
    "echo in the status line": echoes_in_the_status_line,
    "redirect elsewhere": redirects("http://127.0.0.1:1/"),
}


@dataclass
class Stage:
    """A portal in which every secret is a canary and everything is watched."""

    app: Flask
    search: Search
    in_logs: Search
    """What the logs say, to be searched for numbers."""
    folder: Path
    ada: Person
    alice: Person
    bob: Person

    def add_caller(self, login: str) -> Person:
        """Give somebody an account, a CTI password, and a session whose secrets are canaries."""
        person = Person(self.app, {**people.ALICE, "login": login})
        with self.app.app_context():
            accounts.change_cti(person.id, cti_user="kn4ry", cti_pass=CTI_PASS, cti_phone="9")
        return self.watch_session(person)

    def watch_session(self, person: Person) -> Person:
        """Make canaries of the secrets of somebody's session."""
        person.client.csrf_token()
        with person.client.session_transaction() as session:
            self.search.canaries[f"{person.login}'s session"] = session["token"]
            self.search.canaries[f"{person.login}'s CSRF token"] = session["csrf_token"]
        cookie = person.client.get_cookie("session")
        assert cookie is not None
        self.search.canaries[f"{person.login}'s cookie"] = cookie.value
        return person

    def enter_default_phone(self, url: str, mode: OpenMode = OpenMode.SERVER) -> None:
        with self.app.app_context():
            allow_target_of(url)
            secrets_allowed = mode is not OpenMode.SERVER
            phones.save_default(Draft("Desk", url, mode, secrets_allowed=secrets_allowed))

    def dial(self, caller: Person, suffix: str = "100", *, htmx: bool = True):
        """Click on Call, and return the answer."""
        click = {"phone": "default", "click_token": secrets.token_hex(12)}
        form = {"number": NUMBER + suffix, **click}
        return caller.client.submit("/dial", form, htmx=htmx)

    def last_call(self, caller: Person) -> Call:
        """Return somebody's newest call as soon as its outcome is known."""
        mine = select(Call).where(Call.user_id == caller.id).order_by(Call.created_at.desc())

        def newest() -> Call:
            with self.app.app_context():
                return db.session.scalars(mine.limit(1)).one()

        wait_for(lambda: not newest().state.in_flight, "the outcome of the call")
        return newest()

    def command(self, *arguments: str, typed: str = "") -> None:
        """Run a command of the console."""
        result = self.app.test_cli_runner().invoke(args=arguments, input=typed)
        place = f"the output of flask {' '.join(arguments[:2])}"
        self.search.see(place, result.output)
        self.search.see(place, repr(result.exception))

    def see_every_page(self) -> None:
        """Open everything that can be opened, as everybody, as a page and as a fragment."""
        with self.app.app_context():
            call_id = db.session.scalar(select(Call.id).limit(1)) or "none"
        for person in (None, self.alice, self.bob, self.ada):
            browser = person.client if person else self.app.test_client()
            for rule in self.app.url_map.iter_rules():
                if "GET" in (rule.methods or ()) and rule.endpoint != "static":
                    path = str(rule).replace("<call_id>", call_id).replace("<int:user_id>", "2")
                    for htmx in (False, True):
                        browser.get(re.sub("<int:.*?>", "1", path), htmx=htmx)


@contextmanager
def staged(make_app, folder):
    """Set the stage, and let everything be watched while the block lasts."""
    keys = (CANARIES["the encryption key"],)
    app = make_app(secret_key=CANARIES["the secret key"], encryption_keys=keys, **LIMITS)
    search, in_logs = Search(dict(CANARIES)), Search({"the number": NUMBER_IN_LOGS})
    watch_answers(app, search)
    with watched_logs(search), watched_logs(in_logs):
        cast = [Person(app, record) for record in (people.ADA, people.BOB)]
        stage = Stage(app, search, in_logs, folder, cast[0], cast[0], cast[1])
        stage.alice = stage.add_caller("alice")
        for person in cast:
            stage.watch_session(person)
        with app.app_context():
            alice = db.session.get_one(User, stage.alice.id)
            alice.may_manage_phones, alice.password_hash = True, passwords.make_hash(PASSWORD)
            db.session.commit()
        yield stage


@pytest.fixture
def stage(make_app, tmp_path):
    with staged(make_app, tmp_path) as stage:
        yield stage


# What happens


def people_sign_in(stage):
    visitor = stage.app.test_client()
    wrong = CANARIES["a password that was wrong"]
    assert visitor.submit("/login", {"login": "alice", "password": wrong}).status_code == 422
    visitor.submit("/login", {"login": "nobody", "password": wrong})
    visitor.submit("/setup?token=wrong", {"login": "eve", "password": wrong, "repeat": wrong})
    form = {"login": "alice", "password": PASSWORD}
    assert visitor.submit("/login", form).status_code == 303
    with visitor.session_transaction() as session:
        stage.search.canaries["a session that was signed in"] = session["token"]
    visitor.get("/settings/security")
    visitor.submit("/logout")


def people_change_passwords(stage):
    wrong, new = CANARIES["a password that was wrong"], CANARIES["a new password"]
    own, bobs = "/settings/security/password", f"/admin/users/{stage.bob.id}/security/password"
    answers = [
        stage.alice.client.submit(own, {"current": current, "new": new, "repeat": repeat})
        for current, repeat in ((wrong, new), (PASSWORD, wrong), (PASSWORD, new))
    ]
    answers += [
        stage.ada.client.submit(bobs, {"new": new, "repeat": repeat}) for repeat in (wrong, new)
    ]
    answers += [
        stage.ada.client.submit(
            "/admin/users/new", {"login": login, "password": new, "role": "user"}
        )
        for login in ("no login!", "carol")
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 303, 422, 303, 422, 303]


def people_change_credentials(stage):
    own, bobs = "/settings/security", f"/admin/users/{stage.bob.id}/security"
    for person, path in ((stage.alice, own), (stage.ada, bobs)):
        for password, status in (
            (CANARIES["a CTI password that was refused"], 422),
            (CTI_PASS * 20, 422),
            (CTI_PASS, 303),
        ):
            form = {"cti_user": "kn4ry", "cti_phone": "9", "cti_pass": password}
            assert person.client.submit(path, form).status_code == status
            person.client.get(path)
        person.client.submit(f"{path}/cti-pass/delete")


def somebody_dials_by_the_server(stage):
    with phone_system_that(answers()) as system:
        stage.enter_default_phone(system.url(DIAL_PATH))
        stage.alice.client.submit("/dial/preview", {"number": NUMBER + "100", "phone": "default"})
        assert stage.dial(stage.alice).status_code == 200
        stage.last_call(stage.alice)
    url = system.requests[0].decode().split()[1]
    sent = dict(parse_qsl(urlsplit(url).query))
    assert sent["p"] == CTI_PASS
    stage.search.canaries["the call token"] = sent["t"]
    phone_system = stage.app.test_client()
    for token in (sent["t"], "unknown"):
        with_token = {"headers": {"Authorization": f"Bearer {token}"}}
        call_id = stage.last_call(stage.alice).id
        phone_system.get("/api/v1/session", **with_token)
        phone_system.get(f"/api/v1/session?token={token}")
        phone_system.get("/api/v1/calls/none", **with_token)
        for event in ("ringing", token, "ended"):
            path = f"/api/v1/calls/{call_id}/events"
            phone_system.post(path, json={"event": event, "cause": token}, **with_token)
            phone_system.post(path, data={"event": event, "token": token})


def somebody_dials_by_the_browser(stage):
    ways = product((OpenMode.CLIENT, OpenMode.WINDOW), (True, False))
    for count, (mode, htmx) in enumerate(ways):
        stage.enter_default_phone("https://pbx.example" + DIAL_PATH, mode)
        stage.alice.client.overlooks_next = True
        answer = stage.dial(stage.alice, str(100 + count), htmx=htmx)
        token = re.search(r"t=([\w-]{43})", answer.text)
        assert token is not None
        stage.search.canaries[f"the call token of {mode}, {htmx}"] = token[1]
        stage.alice.client.get(f"/calls/{stage.last_call(stage.alice).id}", htmx=htmx)


def somebody_dials_what_cannot_be_dialled(stage):
    for url in ("http://127.0.0.1:1" + DIAL_PATH, "https://pbx.example/<#CTI_PASS#>/<#NUMBER#>"):
        stage.enter_default_phone(url)
        stage.dial(stage.alice, "200")
        stage.dial(stage.alice, "201", htmx=False)
        stage.alice.client.submit("/dial", {"number": NUMBER + "1"})
        stage.last_call(stage.alice)


def nothing_can_be_sent(stage):
    with ExitStack() as stack:
        start = stack.enter_context
        untrusted = start(phone_system_that(answers(), self_signed().context()))
        not_tls = start(phone_system_that(speaks_first))
        swallowed = start(port_that_swallows_connections())
        for count, url in enumerate(
            (
                untrusted.url(DIAL_PATH),
                not_tls.url(DIAL_PATH).replace("http:", "https:"),
                f"http://127.0.0.1:{swallowed}{DIAL_PATH}",
                f"http://127.0.0.1:{free_port()}{DIAL_PATH}",
                f"http://[2001:db8::1]:9{DIAL_PATH}",
                f"http://no-such-host.invalid{DIAL_PATH}",
            )
        ):
            caller = stage.add_caller(f"caller{count}")
            stage.enter_default_phone(url)
            stage.dial(caller)
            assert stage.last_call(caller).state in {CallState.FAILED, CallState.UNKNOWN}


def phone_systems_go_wrong(stage):
    for count, (name, fault) in enumerate(FAULTY.items()):
        caller = stage.add_caller(f"caller{count}")
        with phone_system_that(fault) as system:
            stage.enter_default_phone(system.url(DIAL_PATH))
            stage.dial(caller)
            call = stage.last_call(caller)
        for request in system.requests:
            token = dict(parse_qsl(request.decode().split()[1]))["t"]
            stage.search.canaries[f"the call token of {name}"] = token
        for path in (f"/calls/{call.id}", "/calls", "/calls.csv", "/"):
            caller.client.get(path)


def the_console_is_used(stage):
    new = CANARIES["a new password"]
    stage.enter_default_phone("https://pbx.example" + DIAL_PATH)
    stage.command("users", "create", "carol", "--password-stdin", typed=f"{new}\n")
    stage.command("users", "create", "no login!", "--password-stdin", typed=f"{new}\n")
    stage.command("dial", NUMBER + "100", "--as", "alice", "--preview")
    stage.command("phones", "set-default", "https://pbx.example" + DIAL_PATH, "--allow-target")
    stage.command("keys", "rotate")
    stage.command("backup", str(stage.folder / "copy"))
    for path in stage.folder.glob("copy*"):
        stage.search.see("the backup", path.read_bytes())


def requests_go_wrong(stage):
    stage.enter_default_phone("https://pbx.example" + DIAL_PATH)
    client = stage.alice.client
    client.post("/dial", data={"number": NUMBER + "100"})
    client.get(f"/nowhere/{NUMBER}100")
    with client.session_transaction() as session:
        misplaced = session["token"]
    client.overlooks_next = True
    client.get(f"/calls/{misplaced}")
    client.post("/dial/preview", data={"number": "1" * 70_000})
    client.open("/dial", method="DELETE")


def the_keys_are_lost(stage):
    stage.enter_default_phone("https://pbx.example" + DIAL_PATH)
    sealed_by_another = Fernet(Fernet.generate_key()).encrypt(b"v1").decode()
    with stage.app.app_context():
        db.session.get_one(User, stage.alice.id).cti_pass_sealed = sealed_by_another
        db.session.commit()
    assert stage.dial(stage.alice).status_code == 503
    stage.command("keys", "rotate")


def the_database_breaks(stage):
    stage.enter_default_phone("https://pbx.example" + DIAL_PATH)
    with stage.app.app_context():
        db.session.execute(text("ALTER TABLE calls RENAME COLUMN masked_url TO broken"))
        db.session.commit()
    assert stage.dial(stage.alice).status_code == 500
    assert any(b"Traceback" in content for _place, content in stage.search.seen)
    with stage.app.app_context():
        db.session.execute(text("ALTER TABLE calls RENAME COLUMN broken TO masked_url"))
        db.session.commit()


HAPPENINGS = (
    people_sign_in,
    people_change_passwords,
    people_change_credentials,
    somebody_dials_by_the_server,
    somebody_dials_by_the_browser,
    somebody_dials_what_cannot_be_dialled,
    nothing_can_be_sent,
    phone_systems_go_wrong,
    the_console_is_used,
    requests_go_wrong,
    the_keys_are_lost,
    the_database_breaks,
)


def assert_nothing_is_seen(stage, capfd):
    stage.see_every_page()
    see_database(stage.app, stage.search, stage.folder)
    stage.search.see("the terminal", "".join(capfd.readouterr()))
    assert sorted(stage.search.hits()) == []
    assert sorted(stage.in_logs.hits()) == []


@on_sqlite
@pytest.mark.parametrize("happens", HAPPENINGS, ids=lambda happens: happens.__name__)
def test_no_secret_is_seen_and_no_number_logged_when(stage, capfd, happens):
    happens(stage)

    assert_nothing_is_seen(stage, capfd)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("happens", [somebody_dials_by_the_server, the_database_breaks])
def test_it_is_the_same_with_postgresql_when(stage, capfd, happens):
    happens(stage)

    assert_nothing_is_seen(stage, capfd)


# The search itself finds what there is to find


ENCODERS = {
    "plain": str.encode,
    "Latin-1": lambda text: text.encode("latin-1"),
    "percent": lambda text: quote(text).encode(),
    "percent, everything": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()).encode(),
    "percent, small": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()).encode(),
    "form": lambda text: urlencode({"q": text}).encode(),
    "html": lambda text: str(escape(text)).encode(),
    "json": lambda text: json.dumps({"q": text}).encode(),
    "python": lambda text: repr(text.encode()).encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()),
}


@pytest.mark.parametrize("after", ["", "&", "&n", "&n="])
@pytest.mark.parametrize("before", ["", "=", "p=", "?p="])
@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_a_secret_is_found_however_it_is_written(encode, before, after):
    search = Search({"the CTI password": CTI_PASS})

    search.see("a page", encode(before + CTI_PASS + after))

    assert search.hits() != set()


def test_what_is_no_secret_is_not_found():
    search = Search({"the CTI password": CTI_PASS})

    search.see("a page", "Kn4ry-CTI-•••")

    assert search.hits() == set()


def leak_on_a_page(stage):
    stage.app.add_url_rule("/leak", "leak", public(lambda: CTI_PASS))
    stage.bob.client.get("/leak")


def leak_in_a_header(stage):
    leak = public(lambda: ("", {"X-Debug": quote(CTI_PASS)}))
    stage.app.add_url_rule("/leak", "leak", leak)
    stage.bob.client.get("/leak")


def leak_in_a_log(stage):
    structlog.get_logger("portal.leak").debug("dialling", url=quote(f"?p={CTI_PASS}"))


def leak_in_a_traceback(stage):
    def view():
        raise RuntimeError(CTI_PASS)

    stage.app.add_url_rule("/leak", "leak", public(view))
    assert stage.bob.client.get("/leak").status_code == 500


def leak_in_the_database(stage):
    with stage.app.app_context():
        db.session.get_one(User, stage.bob.id).location = f"{CTI_PASS!r}"
        db.session.commit()


def leak_in_a_command(stage):
    stage.app.cli.command("leak")(lambda: click.echo(CTI_PASS))
    stage.command("leak")


LEAKS = {
    "the answer to GET /leak": leak_on_a_page,
    "the answer to GET /leak, headers": leak_in_a_header,
    "the log of portal.leak": leak_in_a_log,
    "the log of portal": leak_in_a_traceback,
    "the table users": leak_in_the_database,
    "the output of flask leak": leak_in_a_command,
}


@on_sqlite
@pytest.mark.parametrize(
    ("place", "leak"), LEAKS.items(), ids=lambda it: getattr(it, "__name__", "")
)
def test_a_leak_is_found(stage, place, leak):
    leak(stage)

    see_database(stage.app, stage.search, stage.folder)
    hits = stage.search.hits()

    assert f"the CTI password in {place} (as it is)" in hits


@on_sqlite
def test_a_number_in_a_log_is_found(stage):
    logging.getLogger("portal").info("dialling %s", NUMBER_IN_LOGS)

    assert stage.in_logs.hits() == {"the number in the log of portal (as it is)"}
