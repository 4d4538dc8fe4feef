"""The addresses of a host name, asked for once and not waited for longer than a moment."""

import socket
from concurrent.futures import Future
from threading import BoundedSemaphore, Thread

MOST_AT_ONCE = 32
"""So many look-ups may hang, for the system gives up much later than whoever waits here."""

_places = BoundedSemaphore(MOST_AT_ONCE)


def look_up(host: str, port: int, patience: float) -> list[str]:
    """Return all addresses of a host. Raises OSError, also when that takes too many seconds.

    The system's own function cannot be told how long to try: it does so in a thread that
    nobody waits for at the end.
    """
    if not _places.acquire(blocking=False):
        raise TimeoutError
    found: Future[list[str]] = Future()
    Thread(target=_resolve, args=(host, port, found), name="look-up", daemon=True).start()
    return found.result(patience)


def _resolve(host: str, port: int, found: Future[list[str]]) -> None:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found.set_result([str(address[0]) for *_, address in answers])
    except (OSError, UnicodeError) as error:
        found.set_exception(error)
    finally:
        _places.release()
