"""The system's resolver, answering as a test wants."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from portal.dialing import resolver
from tests.support.processes import wait_for


class Names:
    """Gives one answer after the other, and remembers the questions."""

    def __init__(self) -> None:
        self.answers: list[list[str]] = []
        """The addresses of each look-up; none at all means that there is no such name."""
        self.hangs = False
        self.asked: list[tuple[str, int]] = []
        self._go_on = threading.Event()

    def __call__(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        self.asked.append((host, port))
        if self.hangs:
            self._go_on.wait()
            return []
        if not (addresses := self.answers.pop(0)):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(None, None, None, "", (address, port)) for address in addresses]

    def close(self) -> None:
        """Let the look-ups that hang come to their end."""
        self._go_on.set()
        wait_for(lambda: resolver._places._value == resolver.MOST_AT_ONCE, "the look-ups to end")


@contextmanager
def names() -> Iterator[Names]:
    """Answer in the place of the system while the block lasts."""
    system = Names()
    with mock.patch.object(socket, "getaddrinfo", system):
        yield system
        system.close()
