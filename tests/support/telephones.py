"""A real softphone with a dial URL, and a called party that counts: baresip and sipp."""

import contextlib
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import PATIENCE, free_port, require, running, wait_for

_SCENARIO = Path(__file__).with_name("answer.xml")
_INVITE = re.compile(r"^INVITE sip:([^@]+)@.*?^Call-ID: (\S+)", re.MULTILINE | re.DOTALL)
_CONFIG = """\
sip_listen        127.0.0.1:{sip_port}
net_interface     127.0.0.1
audio_source      aubridge,loop
audio_player      aubridge,loop
audio_alert       aubridge,alert
rtp_ports         20000-20999
module_path       {modules}
module            g711.so
module            aubridge.so
module_tmp        account.so
module_app        httpd.so
module_app        menu.so
http_listen       127.0.0.1:{http_port}
ringback_disabled yes
"""
_ACCOUNT = "<sip:desk@127.0.0.1>;regint=0;audio_codecs=PCMU,PCMA\n"


@dataclass(frozen=True)
class Softphone:
    """A desk phone that calls whatever its dial URL names."""

    http_port: int

    @property
    def dial_url(self) -> str:
        """The start of the URL that dials; a SIP address follows."""
        return f"http://127.0.0.1:{self.http_port}/raw/?/dial%20sip:"

    def command(self, command: str) -> str:
        """Press a key and return what the phone says."""
        url = f"http://127.0.0.1:{self.http_port}/raw/?/{command}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def in_call(self) -> bool:
        """Whether a call has been answered."""
        return "ESTABLISHED" in self.command("listcalls")

    def hang_up(self) -> None:
        """End all calls."""
        while "(0)" not in self.command("listcalls"):
            self.command("hangup")


@dataclass(frozen=True)
class CalledParty:
    """Somebody who answers every call, and counts."""

    sip_port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """Where to call: host and port of a SIP address."""
        return f"127.0.0.1:{self.sip_port}"

    def invited(self) -> list[str]:
        """Return the number in the INVITE of each call."""
        messages = (self.folder / "messages.log").read_text(errors="replace")
        return [number for number, _call in dict.fromkeys(_INVITE.findall(messages))]

    def count(self) -> int:
        """Leave, and return how many calls were answered and ended in the regular way."""
        self.process.send_signal(signal.SIGUSR1)
        self.process.wait(PATIENCE)
        report = (self.folder / "log").read_text(errors="replace")
        return int(re.findall(r"Successful call +\| +\d+ +\| +(\d+)", report)[-1])


@contextlib.contextmanager
def softphone(folder: Path) -> Iterator[Softphone]:
    """Run a softphone while the block lasts."""
    program = require("baresip", package="baresip-core")
    phone = Softphone(free_port())
    modules = next(Path("/usr/lib").glob("**/baresip/modules"))
    (folder / "config").write_text(
        _CONFIG.format(
            sip_port=free_port(socket.SOCK_DGRAM), http_port=phone.http_port, modules=modules
        )
    )
    (folder / "accounts").write_text(_ACCOUNT)
    (folder / "contacts").touch()
    with running([program, "-4", "-f", str(folder)], log=folder / "log") as process:
        wait_for(lambda: _answers(phone), "the softphone to start")
        yield phone
        with contextlib.suppress(OSError):
            phone.hang_up()
        process.send_signal(signal.SIGTERM)


@contextlib.contextmanager
def called_party(folder: Path) -> Iterator[CalledParty]:
    """Let somebody wait for calls while the block lasts."""
    program = require("sipp", package="sip-tester")
    port = free_port(socket.SOCK_DGRAM)
    ports = {
        "-p": port,
        "-mp": free_port(socket.SOCK_DGRAM),
        "-cp": free_port(socket.SOCK_DGRAM),
    }
    command = [
        program,
        "-sf",
        str(_SCENARIO),
        "-nostdin",
        "-trace_msg",
        "-message_file",
        "messages.log",
    ]
    for option in ("-i", "-mi", "-ci"):
        command += [option, "127.0.0.1"]
    for option, number in ports.items():
        command += [option, str(number)]
    with running(command, log=folder / "log", cwd=folder) as process:
        wait_for(lambda: _is_taken(port), "sipp to start")
        yield CalledParty(port, folder, process)


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _answers(phone: Softphone) -> bool:
    try:
        return "Active calls" in phone.command("listcalls")
    except OSError:
        return False
